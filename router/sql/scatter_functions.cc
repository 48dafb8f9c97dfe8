#include "router/sql/scatter_functions.h"

#include <utility>

#include "router/base/string_map.h"

namespace pgreeve::sql {

namespace {

// Blank before and after each name.
constexpr std::string_view kSafeNames =
    " abs acos acosd acosh age area array_append array_cat array_dims array_fill array_length"
    " array_lower array_ndims array_position array_positions array_prepend array_remove"
    " array_replace array_to_json array_to_string array_upper ascii asin asind asinh atan"
    " atan2 atan2d atand atanh bit bit_count bit_length bool box bpchar broadcast btrim"
    " cardinality cbrt ceil ceiling center char char_length character_length chr cidr circle"
    " concat concat_ws convert_from convert_to cos cosd cosh cot cotd date date_bin date_part"
    " date_trunc datemultirange daterange decode degrees diagonal diameter div encode exp"
    " extract factorial family float4 float8 floor format gcd generate_series"
    " generate_subscripts get_bit get_byte height host hostmask inet_merge inet_same_family"
    " initcap int2 int4 int4multirange int4range int8 int8multirange int8range interval"
    " is_normalized isclosed isempty isfinite isopen json_array_elements"
    " json_array_elements_text json_array_length json_build_array json_build_object json_each"
    " json_each_text json_extract_path json_extract_path_text json_object json_object_keys"
    " json_strip_nulls json_typeof jsonb_array_elements jsonb_array_elements_text"
    " jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat jsonb_contained"
    " jsonb_contains jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all"
    " jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object"
    " jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match"
    " jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz"
    " jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_pretty"
    " jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_typeof justify_days justify_hours"
    " justify_interval lcm left length like like_escape ln log log10 lower lower_inc"
    " lower_inf lpad lseg ltrim macaddr macaddr8 make_date make_interval make_time"
    " make_timestamp make_timestamptz masklen md5 min_scale mod money multirange name netmask"
    " network normalize notlike npoints num_nonnulls num_nulls numeric nummultirange numnode"
    " numrange octet_length oid overlaps overlay parse_ident path phraseto_tsquery pi"
    " plainto_tsquery point polygon popen position pow power querytree quote_ident"
    " quote_literal quote_nullable radians radius range_merge regexp_count regexp_instr"
    " regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array"
    " regexp_split_to_table regexp_substr repeat replace reverse right round row_to_json rpad"
    " rtrim scale set_bit set_byte set_masklen setweight sha224 sha256 sha384 sha512 sign"
    " similar_escape similar_to_escape sin sind sinh slope split_part sqrt starts_with"
    " string_to_array string_to_table strip strpos substr substring tan tand tanh text time"
    " timestamp timestamptz timetz timezone to_ascii to_char to_date to_hex to_json to_jsonb"
    " to_number to_timestamp to_tsquery to_tsvector translate trim_array trim_scale trunc"
    " ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange"
    " tstzmultirange tstzrange tsvector_to_array unistr unnest upper upper_inc upper_inf"
    " varbit varchar websearch_to_tsquery width width_bucket xpath xpath_exists ";

constexpr std::string_view kNowNames = " now statement_timestamp transaction_timestamp ";

constexpr std::string_view kSplitAggregateNames =
    " avg bit_and bit_or bit_xor bool_and bool_or count every max min sum ";

constexpr std::string_view kAggregateNames =
    " array_agg corr covar_pop covar_samp json_agg json_object_agg jsonb_agg jsonb_object_agg"
    " mode percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy"
    " regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev"
    " stddev_pop stddev_samp string_agg var_pop var_samp variance xmlagg ";

constexpr std::string_view kWindowNames =
    " cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank"
    " row_number ";

constexpr std::string_view kVolatileNames =
    " clock_timestamp currval gen_random_uuid lastval nextval pg_sleep pg_sleep_for"
    " pg_sleep_until random set_config setseed setval timeofday ";

constexpr std::string_view kPerShardNames =
    " current_catalog current_database current_query current_schema current_schemas"
    " current_setting current_user getdatabaseencoding inet_client_addr inet_client_port"
    " inet_server_addr inet_server_port pg_backend_pid pg_column_size pg_database_size"
    " pg_postmaster_start_time pg_relation_size pg_table_size pg_total_relation_size"
    " pg_typeof session_user to_regclass txid_current user version ";

void AddNames(StringMap<FunctionClass>& map, std::string_view names, FunctionClass what) {
  std::size_t at = 0;
  while ((at = names.find_first_not_of(' ', at)) != std::string_view::npos) {
    const std::size_t end = names.find(' ', at);
    map.emplace(std::string(names.substr(at, end - at)), what);
    if (end == std::string_view::npos)
      break;
    at = end;
  }
}

StringMap<FunctionClass> MakeMap() {
  StringMap<FunctionClass> map;
  AddNames(map, kSafeNames, FunctionClass::kSafe);
  AddNames(map, kNowNames, FunctionClass::kNow);
  AddNames(map, kSplitAggregateNames, FunctionClass::kSplitAggregate);
  AddNames(map, kAggregateNames, FunctionClass::kAggregate);
  AddNames(map, kWindowNames, FunctionClass::kWindow);
  AddNames(map, kVolatileNames, FunctionClass::kVolatile);
  AddNames(map, kPerShardNames, FunctionClass::kPerShard);
  return map;
}

}  // namespace

FunctionClass ClassifyFunction(std::string_view name) {
  static const StringMap<FunctionClass>& map = *new StringMap<FunctionClass>(MakeMap());
  const auto it = map.find(name);
  return it == map.end() ? FunctionClass::kUnknown : it->second;
}

bool IsPerShardType(std::string_view name) {
  static constexpr std::string_view kTypes[] = {
      "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace",
      "regoper",  "regoperator",  "regproc",   "regprocedure",  "regrole",
      "regtype",  "refcursor",    "pg_lsn",    "pg_snapshot",   "txid_snapshot",
      "xid",      "xid8",         "cid",       "tid",           "aclitem"};
  for (const std::string_view type : kTypes) {
    if (type == name)
      return true;
  }
  return false;
}

}  // namespace pgreeve::sql
