// Answers statements over several databases with the planner and the merger but no router: what
// run.py --offline compares with one database that holds all rows.
//   scatter_offline TABLES.json COMBINER-DSN SHARD-DSN...
// Reads one JSON object a line, {"sql": …, "params": [text or null, …]}; writes one a line:
// {"status": "ok", "engine": …, "columns": [[name, oid], …], "rows": [[text or null, …], …]},
// {"status": "refused" or "error", "sqlstate": …, "message": …, "detail": …}.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <libpq-fe.h>

#include "router/base/bytes.h"
#include "router/base/status.h"
#include "router/base/status_macros.h"
#include "router/merge/merger.h"
#include "router/plan/scatter.h"
#include "router/wire/backend_messages.h"

namespace json = boost::json;

namespace {

using pgreeve::SqlStatus;
using pgreeve::merge::CombineQuery;
using pgreeve::merge::MergeOutcome;
using pgreeve::merge::Merger;
using pgreeve::wire::FieldDescription;
using pgreeve::wire::Value;

constexpr std::string_view kNow = "2015-09-15 12:34:56.789+00";
constexpr std::size_t kHeaderBytes = 5;
// Every so many statements go the way of large results.
constexpr int kStagedEvery = 5;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;
using Text = std::optional<std::string>;

struct Statement {
  std::string sql;
  std::vector<Text> values;
  std::vector<Oid> types;
};

absl::Status StatusOf(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return SqlStatus(state == nullptr ? "XX000" : state, PQresultErrorMessage(result));
}

absl::StatusOr<Result> Check(PGresult* raw) {
  Result result(raw, &PQclear);
  switch (PQresultStatus(raw)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return result;
    default:
      return StatusOf(raw);
  }
}

absl::StatusOr<Result> Run(PGconn* connection, const Statement& statement) {
  std::vector<const char*> values;
  for (const Text& value : statement.values)
    values.push_back(value ? value->c_str() : nullptr);
  return Check(PQexecParams(connection,
                            statement.sql.c_str(),
                            static_cast<int>(values.size()),
                            statement.types.data(),
                            values.data(),
                            nullptr,
                            nullptr,
                            0));
}

std::vector<FieldDescription> FieldsOf(const PGresult* result) {
  std::vector<FieldDescription> fields;
  for (int i = 0; i < PQnfields(result); ++i) {
    FieldDescription field;
    field.name = PQfname(result, i);
    field.type_oid = PQftype(result, i);
    field.type_modifier = PQfmod(result, i);
    fields.push_back(field);
  }
  return fields;
}

std::vector<std::string> BodiesOf(const PGresult* result) {
  std::vector<std::string> bodies;
  std::vector<Value> values(static_cast<std::size_t>(PQnfields(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int i = 0; i < PQnfields(result); ++i) {
      values[static_cast<std::size_t>(i)] =
          PQgetisnull(result, row, i) != 0
              ? Value()
              : Value(std::string_view(PQgetvalue(result, row, i),
                                       static_cast<std::size_t>(PQgetlength(result, row, i))));
    }
    std::string message;
    pgreeve::wire::AppendDataRow(message, values);
    bodies.push_back(message.substr(kHeaderBytes));
  }
  return bodies;
}

struct Answer {
  std::string engine;
  std::vector<FieldDescription> columns;
  std::vector<std::string> bodies;
};

class Fleet {
 public:
  Fleet(pgreeve::TableSet tables, PGconn* combiner, std::vector<PGconn*> shards)
      : tables_(std::move(tables)),
        combiner_(combiner),
        shards_(std::move(shards)) {}

  absl::StatusOr<Answer> Ask(Statement statement);

 private:
  absl::Status Describe(Statement& statement, std::vector<FieldDescription>* expected);
  absl::StatusOr<std::vector<std::string>> Combine(const Merger& merger,
                                                   const CombineQuery& query,
                                                   const Statement& client);

  pgreeve::TableSet tables_;
  PGconn* combiner_;
  std::vector<PGconn*> shards_;
  int asked_ = 0;
};

absl::Status Fleet::Describe(Statement& statement, std::vector<FieldDescription>* expected) {
  ASSIGN_OR_RETURN(Result prepared,
                   Check(PQprepare(shards_[0], "", statement.sql.c_str(), 0, nullptr)));
  ASSIGN_OR_RETURN(Result described, Check(PQdescribePrepared(shards_[0], "")));
  *expected = FieldsOf(described.get());
  for (int i = 0; i < PQnparams(described.get()); ++i)
    statement.types.push_back(PQparamtype(described.get(), i));
  return absl::OkStatus();
}

absl::StatusOr<Answer> Fleet::Ask(Statement statement) {
  std::vector<pgreeve::ShardId> ids(shards_.size());
  ASSIGN_OR_RETURN(const auto plan,
                   pgreeve::plan::PlanScatter(statement.sql, tables_, {"public"}, ids));
  Answer answer;
  RETURN_IF_ERROR(Describe(statement, &answer.columns));
  pgreeve::merge::MergeOptions options;
  options.parameters = static_cast<int>(statement.types.size());
  options.now = kNow;
  if (++asked_ % kStagedEvery == 0)
    options.inline_rows_max = 0;
  ASSIGN_OR_RETURN(std::unique_ptr<Merger> merger,
                   Merger::Create(plan, shards_.size(), answer.columns, options));
  Statement partial = statement;
  partial.sql = pgreeve::plan::PinNow(*plan, plan->partial_sql, kNow);
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    ASSIGN_OR_RETURN(Result result, Run(shards_[shard], partial));
    RETURN_IF_ERROR(merger->SetColumns(shard, FieldsOf(result.get())));
    for (const std::string& body : BodiesOf(result.get()))
      RETURN_IF_ERROR(merger->AddRow(shard, body));
  }
  ASSIGN_OR_RETURN(MergeOutcome outcome, merger->Finish());
  if (outcome.combine) {
    answer.engine = outcome.combine->staged() ? "staged" : "postgres";
    ASSIGN_OR_RETURN(answer.bodies, Combine(*merger, *outcome.combine, statement));
    return answer;
  }
  const bool concat = plan->kind == pgreeve::plan::MergeKind::kConcat;
  answer.engine = concat ? "concat" : "native";
  // A LIMIT over ties may keep other rows.
  if (!concat && plan->limit < 0) {
    ASSIGN_OR_RETURN(const CombineQuery query, merger->CombineInPostgres());
    ASSIGN_OR_RETURN(const std::vector<std::string> rows, Combine(*merger, query, statement));
    RETURN_IF_ERROR(pgreeve::merge::VerifySameRows(*outcome.native, rows));
  }
  for (const std::string& chunk : outcome.native->chunks) {
    std::string_view rest = chunk;
    while (!rest.empty()) {
      const std::size_t length = pgreeve::ReadUint32(rest.data() + 1) + 1;
      answer.bodies.emplace_back(rest.substr(kHeaderBytes, length - kHeaderBytes));
      rest.remove_prefix(length);
    }
  }
  return answer;
}

absl::StatusOr<std::vector<std::string>> Fleet::Combine(const Merger& merger,
                                                        const CombineQuery& query,
                                                        const Statement& client) {
  Statement combine = client;
  combine.sql = query.sql;
  for (const std::string& array : query.arrays) {
    combine.values.emplace_back(array);
    combine.types.push_back(0);
  }
  if (query.staged()) {
    ASSIGN_OR_RETURN(Result begun, Check(PQexec(combiner_, "BEGIN")));
    ASSIGN_OR_RETURN(Result created, Check(PQexec(combiner_, query.create_sql.c_str())));
    ASSIGN_OR_RETURN(Result copying, Check(PQexec(combiner_, query.copy_sql.c_str())));
    for (const std::string& chunk : query.copy_chunks)
      PQputCopyData(combiner_, chunk.data(), static_cast<int>(chunk.size()));
    PQputCopyEnd(combiner_, nullptr);
    ASSIGN_OR_RETURN(Result copied, Check(PQgetResult(combiner_)));
    PQclear(PQgetResult(combiner_));
  }
  absl::StatusOr<Result> result = Run(combiner_, combine);
  if (query.staged())
    PQclear(PQexec(combiner_, "ROLLBACK"));
  RETURN_IF_ERROR(result.status());
  RETURN_IF_ERROR(merger.CheckCombined(FieldsOf(result->get())));
  return BodiesOf(result->get());
}

json::array RowOf(const std::string& body) {
  json::array row;
  std::vector<Value> values;
  if (!pgreeve::wire::DecodeDataRow(body, values).ok())
    return row;
  for (const Value& value : values)
    row.push_back(value ? json::value(json::string(*value)) : json::value());
  return row;
}

json::object ReportOf(const absl::StatusOr<Answer>& answer) {
  json::object report;
  if (!answer.ok()) {
    const pgreeve::SqlError error = pgreeve::ToSqlError(answer.status());
    report["status"] =
        error.sqlstate == "0A000" && error.detail.substr(0, 4) == "PR-2" ? "refused" : "error";
    report["sqlstate"] = error.sqlstate;
    report["message"] = error.message;
    report["detail"] = error.detail;
    return report;
  }
  report["status"] = "ok";
  report["engine"] = answer->engine;
  json::array columns;
  for (const FieldDescription& field : answer->columns)
    columns.push_back(json::array{field.name, field.type_oid});
  report["columns"] = std::move(columns);
  json::array rows;
  for (const std::string& body : answer->bodies)
    rows.push_back(RowOf(body));
  report["rows"] = std::move(rows);
  return report;
}

pgreeve::TableSet ReadTables(const char* path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  pgreeve::TableSet tables;
  const json::value parsed = json::parse(text);
  for (const json::value& entry : parsed.as_array()) {
    const json::object& table = entry.as_object();
    pgreeve::TableFact fact;
    fact.schema = "public";
    fact.name = table.at("name").as_string();
    fact.tenant_column = table.at("tenant_column").as_string();
    fact.kind =
        fact.tenant_column.empty() ? pgreeve::TableKind::kReference : pgreeve::TableKind::kSharded;
    for (const json::value& column : table.at("columns").as_array())
      fact.columns.push_back({std::string(column.as_string()), "", false});
    tables.Add(std::move(fact));
  }
  return tables;
}

Statement ReadStatement(const std::string& line) {
  Statement statement;
  const json::value parsed = json::parse(line);
  statement.sql = parsed.at("sql").as_string();
  for (const json::value& value : parsed.at("params").as_array())
    statement.values.push_back(value.is_null() ? Text() : Text(value.as_string()));
  return statement;
}

int Serve(int argc, char** argv) {
  std::vector<Connection> connections;
  for (int i = 2; i < argc; ++i) {
    connections.emplace_back(PQconnectdb(argv[i]), &PQfinish);
    if (PQstatus(connections.back().get()) != CONNECTION_OK) {
      std::cerr << PQerrorMessage(connections.back().get());
      return 2;
    }
  }
  std::vector<PGconn*> shards;
  for (std::size_t i = 1; i < connections.size(); ++i)
    shards.push_back(connections[i].get());
  Fleet fleet(ReadTables(argv[1]), connections[0].get(), shards);
  for (std::string line; std::getline(std::cin, line);)
    std::cout << json::serialize(ReportOf(fleet.Ask(ReadStatement(line)))) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: scatter_offline TABLES.json COMBINER-DSN SHARD-DSN...\n";
    return 2;
  }
  try {
    return Serve(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
