#include "router/sql/function_class.h"

#include <absl/container/flat_hash_map.h>

#include "router/base/string_map.h"

namespace pgreeve::sql {
namespace {

using Traits = StringMap<uint32_t>;

void AddAll(Traits& traits, std::string_view names, uint32_t trait) {
  while (!names.empty()) {
    const std::size_t end = names.find(' ');
    const std::string_view name = names.substr(0, end);
    if (!name.empty())
      traits[std::string(name)] |= trait;
    if (end == std::string_view::npos)
      return;
    names.remove_prefix(end + 1);
  }
}

// Functions of extensions that are pure, and so common that refusing them would only annoy.
constexpr std::string_view kExtensions =
    "uuid_nil uuid_ns_dns uuid_ns_url uuid_ns_oid uuid_ns_x500 uuid_generate_v3 uuid_generate_v5 "
    "crypt digest hmac encrypt decrypt encrypt_iv decrypt_iv pgp_sym_encrypt pgp_sym_decrypt "
    "similarity word_similarity strict_word_similarity show_trgm unaccent levenshtein "
    "levenshtein_less_equal soundex difference metaphone dmetaphone dmetaphone_alt akeys avals "
    "skeys svals hstore hstore_to_json hstore_to_jsonb exist defined ";

constexpr std::string_view kVolatile =
    "random setseed gen_random_uuid clock_timestamp timeofday now statement_timestamp "
    "transaction_timestamp nextval currval lastval setval txid_current txid_current_if_assigned "
    "txid_current_snapshot current_setting inet_client_addr inet_client_port inet_server_addr "
    "inet_server_port current_query uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_salt "
    "gen_random_bytes age ";

// They run SQL that is in their arguments, or read relations that those name.
constexpr std::string_view kRunSql =
    "query_to_xml query_to_xmlschema query_to_xml_and_xmlschema table_to_xml table_to_xmlschema "
    "table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema "
    "database_to_xml database_to_xmlschema database_to_xml_and_xmlschema cursor_to_xml "
    "cursor_to_xmlschema ts_stat ts_rewrite currtid2 ";

constexpr std::string_view kAggregates =
    "array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp "
    "cume_dist dense_rank every json_agg json_object_agg jsonb_agg jsonb_object_agg max min mode "
    "percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx "
    "regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev "
    "stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg ";

Traits Build() {
  Traits traits;
  AddAll(traits, kBuiltinNames, kTraitNone);
  AddAll(traits, kExtensions, kTraitNone);
  AddAll(traits, kVolatile, kTraitVolatile);
  AddAll(traits, kRunSql, kTraitOpaque);
  AddAll(traits, kAggregates, kTraitAggregate);
  AddAll(traits, "set_config ", kTraitSetConfig);
  AddAll(traits,
         "pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock "
         "pg_try_advisory_lock_shared ",
         kTraitAdvisoryLock);
  AddAll(traits, "currval lastval ", kTraitSequenceState);
  AddAll(traits, "nextval setval ", kTraitSequence | kTraitWrites);
  AddAll(traits, "pg_notify ", kTraitNotify);
  AddAll(traits,
         "lo_creat lo_create lo_from_bytea lo_put lo_truncate lo_truncate64 lo_unlink lowrite ",
         kTraitWrites | kTraitVolatile);
  return traits;
}

const Traits& BuiltinTraits() {
  static const Traits* const traits = new Traits(Build());  // lives as long as the process
  return *traits;
}

// Functions of the schema pgreeve that live on the shards.
uint32_t OwnTraits(std::string_view name) {
  if (name == "current_tenant" || name == "shard_epoch")
    return kTraitVolatile;
  for (const std::string_view reserved : {"attach", "guard", "protect", "unprotect"}) {
    if (name == reserved)
      return kTraitReserved;
  }
  return kTraitLocal;
}

}  // namespace

uint32_t FunctionTraits(std::string_view schema, std::string_view name) {
  if (schema == "pgreeve")
    return OwnTraits(name);
  if (!schema.empty() && schema != "pg_catalog" && schema != "information_schema")
    return kTraitOpaque | kTraitVolatile | kTraitWrites;
  const auto found = BuiltinTraits().find(name);
  if (found != BuiltinTraits().end())
    return found->second;
  if (name.starts_with("pg_") || name.starts_with("_pg_"))
    return kTraitVolatile;
  if (name.starts_with("st_"))  // PostGIS
    return kTraitNone;
  return kTraitOpaque | kTraitVolatile | kTraitWrites;
}

}  // namespace pgreeve::sql
