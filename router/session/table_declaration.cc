#include "router/session/table_declaration.h"

#include <algorithm>
#include <utility>

#include "router/session/refusals.h"
#include "router/session/tracked_settings.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {
namespace {

namespace msg = wire::backend;

constexpr char kColumnSeparator = '\x1f';
constexpr char kRowSeparator = '\x1e';

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

TableDeclaration::TableDeclaration(WorkerContext& context, TableFact fact, std::string actor)
    : ctx_(context),
      fact_(std::move(fact)),
      actor_(std::move(actor)),
      call_(context) {}

TableDeclaration::~TableDeclaration() {
  *alive_ = false;
}

void TableDeclaration::Start(Done done) {
  done_ = std::move(done);
  if (!ctx_.control.HasLease()) {
    Finish(RefusalError(Refusal::kNoLease));
    return;
  }
  call_.Acquire({.shard = ctx_.CatalogShard(),
                 .role = catalog::RoleClass::kOwner,
                 .tenant = nullptr,
                 .settings = nullptr},
                [this](std::optional<SqlError> error) {
                  if (error)
                    Finish(std::move(error));
                  else
                    Inspect();
                });
}

void TableDeclaration::Cancel() {
  call_.Cancel();
  if (broadcast_ != nullptr)
    broadcast_->Cancel();
}

void TableDeclaration::Abandon() {
  *alive_ = false;
  call_.Abandon();
  if (broadcast_ != nullptr)
    broadcast_->Abandon();
}

void TableDeclaration::Finish(std::optional<SqlError> error) {
  call_.Abandon();
  Done done = std::move(done_);
  if (done)
    done(std::move(error));
}

void TableDeclaration::Inspect() {
  const std::string table =
      QuoteLiteral(QuoteIdentifier(fact_.schema) + "." + QuoteIdentifier(fact_.name));
  const std::string sql =
      "SELECT c.relkind, c.relpersistence,"
      " (SELECT string_agg(concat_ws(E'\\x1f', a.attname, format_type(a.atttypid, a.atttypmod) ||"
      " CASE WHEN a.attcollation <> 0 AND a.attcollation <> (SELECT t.typcollation FROM pg_type t"
      " WHERE t.oid = a.atttypid) THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,"
      " a.attnotnull::text, a.attgenerated, (coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~"
      " 'nextval|random|uuid_generate|gen_random|clock_timestamp' OR a.attidentity <> '')::text),"
      " E'\\x1e' ORDER BY a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid ="
      " a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT"
      " a.attisdropped),"
      " (SELECT string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index i WHERE i.indrelid ="
      " c.oid AND i.indisunique AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid ="
      " c.oid AND a.attname = " +
      QuoteLiteral(fact_.tenant_column) +
      " AND a.attnum = ANY (i.indkey)))"
      " FROM pg_class c WHERE c.oid = to_regclass(" +
      table + ")";
  std::string out;
  wire::AppendQuery(out, sql);
  call_.Run(
      std::move(out),
      1,
      [this](const wire::Frame& frame) {
        std::vector<wire::Value> values;
        if (frame.type != msg::kDataRow || !wire::DecodeDataRow(frame.body, values).ok())
          return;
        found_.clear();
        for (const wire::Value& value : values)
          found_.emplace_back(value.value_or(""));
      },
      [this](std::optional<SqlError> error) {
        call_.Release();
        if (error)
          Finish(std::move(error));
        else
          Judge();
      });
}

void TableDeclaration::Judge() {
  const std::string name = fact_.schema + "." + fact_.name;
  if (found_.size() != 4) {
    Finish(SqlError{.sqlstate = "42P01",
                    .message = "relation \"" + name + "\" does not exist",
                    .hint = "Create it through the router first: then it is on every shard."});
    return;
  }
  if (found_[0] != "r" && found_[0] != "p") {
    Finish(SqlError{.sqlstate = "42809", .message = "\"" + name + "\" is not a table"});
    return;
  }
  bool volatile_default = false;
  const ColumnFact* tenant = nullptr;
  std::string type;
  for (const std::string& column : Split(found_[2], kRowSeparator)) {
    const std::vector<std::string> parts = Split(column, kColumnSeparator);
    if (parts.size() < 4)
      continue;
    volatile_default = volatile_default || parts.back() == "true";
    if (parts.size() == 5 && !parts[3].empty())
      continue;  // generated: never written
    fact_.columns.push_back({.name = parts[0], .type = parts[1], .not_null = parts[2] == "true"});
  }
  for (const ColumnFact& column : fact_.columns) {
    if (column.name == fact_.tenant_column)
      tenant = &column;
  }
  if (fact_.kind == TableKind::kReference) {
    if (volatile_default) {
      Finish(SqlError{
          .sqlstate = "0A000",
          .message = "\"" + name + "\" cannot be a reference table",
          .detail = "A column's default differs from shard to shard (a sequence, random()).",
          .hint = "Drop the default, or give the values in each INSERT."});
      return;
    }
  } else if (const auto wrong = JudgeTenantColumn(name, tenant)) {
    Finish(wrong);
    return;
  }
  ctx_.control.BeginDdl(ctx_.worker.index(),
                        ProtectSql(),
                        actor_,
                        [this, alive = alive_](absl::StatusOr<int64_t> sequence) {
                          if (!*alive)
                            return;
                          if (!sequence.ok())
                            Finish(ToSqlError(sequence.status()));
                          else
                            Protect(*sequence);
                        });
}

std::optional<SqlError> TableDeclaration::JudgeTenantColumn(const std::string& name,
                                                            const ColumnFact* tenant) {
  if (tenant == nullptr) {
    return SqlError{.sqlstate = "42703",
                    .message = "column \"" + fact_.tenant_column + "\" of relation \"" + name +
                               "\" does not exist"};
  }
  const std::string type = tenant->type.substr(0, tenant->type.find(" COLLATE "));
  bool fits = false;
  switch (ctx_.placement->tenant_type) {
    case TenantType::kUuid:
      fits = type == "uuid";
      break;
    case TenantType::kBigint:
      fits = type == "bigint" || type == "integer" || type == "smallint";
      break;
    case TenantType::kText:
      fits = type == "text" || type.starts_with("character varying");
      break;
  }
  const std::string quoted = QuoteIdentifier(fact_.schema) + "." + QuoteIdentifier(fact_.name);
  const std::string column = QuoteIdentifier(fact_.tenant_column);
  if (!fits) {
    return SqlError{.sqlstate = "42804",
                    .message = "tenant column \"" + fact_.tenant_column + "\" has type " + type +
                               ", but tenant ids of this fleet are " +
                               std::string(ToString(ctx_.placement->tenant_type)),
                    .hint = "ALTER TABLE " + quoted + " ALTER COLUMN " + column + " TYPE " +
                            std::string(ToString(ctx_.placement->tenant_type)) + ";"};
  }
  if (!found_[3].empty()) {
    return SqlError{
        .sqlstate = "0A000",
        .message = "\"" + name + "\" cannot be sharded by \"" + fact_.tenant_column + "\"",
        .detail = "These unique keys do not contain it, so two shards could hold the same key: " +
                  found_[3] + ".",
        .hint = "Put the column into the key: ALTER TABLE " + quoted +
                " DROP CONSTRAINT …, ADD PRIMARY KEY (" + column + ", …);"};
  }
  return std::nullopt;
}

std::string TableDeclaration::ProtectSql() const {
  const std::string name = QuoteLiteral(fact_.schema) + ", " + QuoteLiteral(fact_.name);
  if (fact_.kind == TableKind::kReference)
    return "SELECT pgreeve.share_reference(" + name + ")";
  return "SELECT pgreeve.protect(" + name + ", " + QuoteLiteral(fact_.tenant_column) + ")";
}

void TableDeclaration::Protect(int64_t sequence) {
  broadcast_ = std::make_unique<Broadcast>(ctx_, catalog::RoleClass::kOwner, nullptr);
  BroadcastStatement statement;
  wire::AppendQuery(statement.messages, ProtectSql());
  broadcast_->Run(
      std::move(statement),
      [](const wire::Frame&) {},
      [this, sequence](std::optional<SqlError> error) {
        ctx_.control.FinishDdl(ctx_.worker.index(),
                               sequence,
                               !error,
                               [this, alive = alive_, error](absl::Status status) {
                                 if (!*alive)
                                   return;
                                 if (error)
                                   Finish(error);
                                 else if (!status.ok())
                                   Finish(ToSqlError(status));
                                 else
                                   Record();
                               });
      });
}

void TableDeclaration::Record() {
  ctx_.control.DeclareTable(
      ctx_.worker.index(), fact_, actor_, [this, alive = alive_](absl::Status status) {
        if (!*alive)
          return;
        if (!status.ok())
          Finish(ToSqlError(status));
        else
          Finish(std::nullopt);
      });
}

}  // namespace pgreeve::session
