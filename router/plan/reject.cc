#include "router/plan/reject.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace pgreeve::plan {
namespace {

constexpr std::string_view kNameTheTenant =
    "Add tenant_column = … to every table of the statement, or SET pgreeve.tenant = '…', or put "
    "/* pgreeve: tenant=… */ in front.";

constexpr RejectText kTable[] = {
    {RejectCode::kUnbound,
     "0A000",
     "the statement is not restricted to one tenant",
     "nothing restricts \"%\" to a tenant",
     kNameTheTenant,
     "A sharded table of the statement is not tied to a tenant by an equality that must hold."},
    {RejectCode::kInsertWithoutTenant,
     "0A000",
     "the INSERT does not say which tenant it is for",
     "the tenant column of \"%\" is missing, or is not a constant in every row",
     "List the tenant column and give it a constant or a parameter, or SET pgreeve.tenant.",
     "An INSERT outside of a tenant-bound session must name the tenant in every row."},
    {RejectCode::kSeveralTenants,
     "0A000",
     "the statement names more than one tenant",
     "\"%\" is not the tenant found first",
     "Send one statement for each tenant.",
     "All constants and parameters that tie tables to a tenant must name the same one."},
    {RejectCode::kUnknownTenant,
     "3D000",
     "tenant \"%\" does not exist",
     "no such tenant in the directory",
     "An operator creates it with SELECT pgreeve.create_tenant('…').",
     "The tenant that the statement or the session names is not in the directory."},
    {RejectCode::kSuspended,
     "57P03",
     "tenant \"%\" is suspended",
     "its access is suspended",
     "An operator can open it again.",
     "The tenant's access was suspended by an operator."},
    {RejectCode::kReadOnly,
     "25006",
     "tenant \"%\" is read-only",
     "its access is frozen",
     "Retry when an operator has opened it again.",
     "Writes for a tenant whose access is frozen are refused; reads go on."},
    {RejectCode::kUnreadableValue,
     "22023",
     "the tenant's value cannot be read",
     "%",
     "Write it as a plain constant or bind it as uuid, bigint or text.",
     "A value in the place of a tenant id is of a type or form that the router does not evaluate."},
    {RejectCode::kNullTenant,
     "22004",
     "the tenant is NULL",
     "a tenant column is compared with NULL",
     "Bind a tenant id.",
     "A tenant column is compared with NULL, so no tenant can be found."},
    {RejectCode::kLockedSession,
     "42501",
     "this session is locked to its tenant",
     "the statement names tenant \"%\"",
     "Open a session for that tenant.",
     "A locked session may not name another tenant by SET or by a comment."},
    {RejectCode::kUnknownHint,
     "22023",
     "unrecognized hint in a pgreeve comment",
     "the hint is \"%\"",
     "The only hint is /* pgreeve: tenant=… */.",
     "A leading pgreeve comment holds something else than tenant=value."},
    {RejectCode::kMisplacedHint,
     "22023",
     "a pgreeve comment stands in the wrong place",
     "it is not in front of the first statement, or there are two",
     "Put one /* pgreeve: tenant=… */ in front of the text.",
     "Hints are read in front of the whole text only; elsewhere they would be silently lost."},
    {RejectCode::kTenantColumnUpdate,
     "0A000",
     "the tenant column of a row cannot be changed",
     "\"%\" is set to something else than the row's tenant",
     "Insert the row for the other tenant and delete the old one.",
     "UPDATE may not move rows from one tenant to another."},
    {RejectCode::kOpaqueFunction,
     "0A000",
     "function \"%\" may read tables of any tenant",
     "the router cannot see into it",
     "SET pgreeve.tenant = '…' first.",
     "A function that is not Postgres' own may read tables, so its tenant is not known."},
    {RejectCode::kUndeclared,
     "42P01",
     "relation \"%\" is not declared",
     "the router does not know whether it is sharded",
     "An operator declares it with pgreeve.shard_table('%', '<tenant column>') or "
     "pgreeve.reference_table('%').",
     "The relation is neither sharded nor a reference table, or it does not exist."},
    {RejectCode::kTooComplex,
     "54001",
     "the statement is too deep or too large to analyse",
     "a limit of the analysis was reached",
     "SET pgreeve.tenant = '…' first, or split it.",
     "The statement exceeds the analysis' limits on depth, relations or constants."},
    {RejectCode::kSyntaxUnknown,
     "0A000",
     "this form of statement cannot be routed by its text",
     "the analysis does not cover its grammar",
     "SET pgreeve.tenant = '…' first.",
     "MERGE, SEARCH and CYCLE, and rare grammar are routed only in tenant-bound sessions."},
    {RejectCode::kNotParsed,
     "0A000",
     "the statement cannot be routed by its text",
     "the router's grammar is PostgreSQL 15's and does not take it",
     "SET pgreeve.tenant = '…' first.",
     "Postgres takes the text, but the router's own grammar does not."},
    {RejectCode::kTooLong,
     "54000",
     "the statement is too long to analyse",
     "it is longer than the analysis' limit",
     "SET pgreeve.tenant = '…' first, or split it.",
     "Texts above the length limit are not analysed; bound sessions may send them."},
    {RejectCode::kOtherTenantBound,
     "0A000",
     "the statement names another tenant than the session",
     "it names tenant \"%\"",
     "RESET pgreeve.tenant, or SET it to that tenant.",
     "The session is bound to one tenant and the statement is tied to another."},
    {RejectCode::kDdlScope,
     "42501",
     "DDL is reserved to operators",
     "it changes the schema of all tenants",
     "Run it through an operator login.",
     "Schema changes run on all shards and are reserved to operator logins."},
    {RejectCode::kRoleScope,
     "42501",
     "roles are managed with pgreevectl",
     "roles of shards belong to the fleet",
     "Use pgreevectl login.",
     "CREATE, ALTER and DROP ROLE and GRANT of roles are not for application logins."},
    {RejectCode::kTruncateScope,
     "42501",
     "TRUNCATE is reserved to operators",
     "it ignores row security and would remove every tenant's rows",
     "Use DELETE.",
     "TRUNCATE does not know tenants."},
    {RejectCode::kTwoPhase,
     "0A000",
     "two-phase commands are reserved to the router",
     "the router commits across shards by itself",
     "Use BEGIN and COMMIT.",
     "PREPARE TRANSACTION, COMMIT PREPARED and ROLLBACK PREPARED are refused."},
    {RejectCode::kNotifications,
     "0A000",
     "LISTEN and NOTIFY are not available here",
     "channels belong to the shard and are seen by all of its tenants",
     "Use a queue table, or an operator login.",
     "Channels of Postgres are shared by all tenants of a shard."},
    {RejectCode::kFileCopy,
     "42501",
     "COPY reads from STDIN and writes to STDOUT only",
     "files and programs are the shard's",
     "Use \\copy or the driver's copy functions.",
     "COPY with a file or program is refused."},
    {RejectCode::kCopyUnbound,
     "0A000",
     "COPY needs a tenant",
     "\"%\" holds rows of many tenants",
     "SET pgreeve.tenant = '…' first.",
     "COPY of a sharded table runs in tenant-bound sessions."},
    {RejectCode::kReferenceWriteScope,
     "42501",
     "reference tables are written by operators",
     "\"%\" has a copy on every shard",
     "Write it through an operator login without a tenant.",
     "A write to a reference table must reach every shard, which operator logins do."},
    {RejectCode::kReferenceWriteVolatile,
     "0A000",
     "the write would differ from shard to shard",
     "it calls now(), random(), nextval() or the like",
     "Give constants.",
     "Writes to reference tables may not call functions whose value differs between shards."},
    {RejectCode::kReferenceWriteMixed,
     "0A000",
     "a write to a reference table reads sharded tables",
     "\"%\" differs from shard to shard",
     "Read first, then write constants.",
     "A write to a reference table must give the same rows on every shard."},
    {RejectCode::kOperatorWrite,
     "0A000",
     "writes to sharded tables need a tenant",
     "nothing restricts \"%\" to a tenant",
     kNameTheTenant,
     "Operators, too, write to one tenant at a time."},
    {RejectCode::kConcurrently,
     "0A000",
     "this command cannot run inside a transaction",
     "the router runs DDL on all shards in one transaction",
     "Use pgreevectl schema apply.",
     "CREATE INDEX CONCURRENTLY, VACUUM and their like are not run through the router."},
    {RejectCode::kMaintenanceScope,
     "42501",
     "maintenance is reserved to operators",
     "it works on all tenants' rows",
     "Run it through an operator login.",
     "ANALYZE, VACUUM, CLUSTER, REINDEX and CHECKPOINT are not for application logins."},
    {RejectCode::kServerWide,
     "42501",
     "this command concerns a whole server",
     "servers are managed outside of the router",
     "Connect to the shard itself.",
     "Databases, tablespaces, subscriptions and server settings are not managed here."},
    {RejectCode::kOwnSettingCall,
     "0A000",
     "set_config() cannot change settings of pgreeve",
     "they live in the router",
     "Use SET pgreeve.… = '…'.",
     "The router's settings are changed by SET only."},
    {RejectCode::kReservedFunction,
     "42501",
     "function pgreeve.% is reserved to the router",
     "it speaks for a router",
     "",
     "Functions that routers use to talk to shards are refused."},
    {RejectCode::kLocalFunctionForm,
     "0A000",
     "pgreeve.% must stand alone",
     "the router answers it without a shard",
     "Write SELECT pgreeve.%(…) or SELECT * FROM pgreeve.%(…), with constants.",
     "Functions of the router are called alone, not inside of larger statements."},
    {RejectCode::kFunctionArgument,
     "22023",
     "an argument of pgreeve.% is not a constant",
     "the router evaluates constants and parameters only",
     "Give constants.",
     "Arguments of the router's functions are constants or parameters, and not NULL."},
    {RejectCode::kBlockUnbound,
     "0A000",
     "DO, CALL and LOAD need a tenant",
     "the router cannot see into them",
     "SET pgreeve.tenant = '…' first.",
     "Code blocks run in tenant-bound sessions only."},
    {RejectCode::kTempUnbound,
     "0A000",
     "temporary tables need a tenant",
     "they live on one shard",
     "SET pgreeve.tenant = '…' first.",
     "Temporary tables are made in tenant-bound sessions only."},
    {RejectCode::kLockUnbound,
     "0A000",
     "LOCK needs a tenant",
     "locks live on one shard",
     "SET pgreeve.tenant = '…' first.",
     "LOCK TABLE runs in tenant-bound sessions only."},
    {RejectCode::kLocalFunctionScope,
     "42501",
     "pgreeve.% is reserved to operators",
     "it tells about other tenants",
     "Use an operator login.",
     "Functions of the router answer operator logins."},
    {RejectCode::kReferenceCopy,
     "0A000",
     "COPY into a reference table is not supported",
     "\"%\" has a copy on every shard",
     "Use INSERT.",
     "Rows of reference tables come by INSERT, which runs on every shard."},
    {RejectCode::kExplainUnbound,
     "0A000",
     "EXPLAIN of a cross-shard statement is not supported",
     "nothing restricts \"%\" to a tenant",
     "Use EXPLAIN (ROUTE).",
     "EXPLAIN runs on one shard; EXPLAIN (ROUTE) shows cross-shard plans."},
};

constexpr bool Ascending() {
  for (std::size_t i = 1; i < std::size(kTable); ++i) {
    if (kTable[i - 1].code >= kTable[i].code)
      return false;
  }
  return true;
}

static_assert(Ascending());

std::string Fill(std::string_view pattern, std::string_view what) {
  std::string filled;
  for (const char c : pattern) {
    if (c == '%')
      filled += what;
    else
      filled += c;
  }
  return filled;
}

// Postgres counts characters from 1.
int Characters(const RejectPlace& place) {
  if (place.byte < 0 || static_cast<std::size_t>(place.byte) > place.sql.size())
    return 0;
  int characters = 1;
  for (const char c : place.sql.substr(0, static_cast<std::size_t>(place.byte)))
    characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return characters;
}

// Names and values of clients are repeated in errors up to this length.
constexpr std::size_t kWhatBytesMax = 200;

}  // namespace

const RejectText* const kRejects = kTable;
const std::size_t kRejectCount = std::size(kTable);

const RejectText& TextOf(RejectCode code) {
  const auto* found = std::find_if(std::begin(kTable),
                                   std::end(kTable),
                                   [&](const RejectText& text) { return text.code == code; });
  return found == std::end(kTable) ? kTable[0] : *found;
}

Reject MakeReject(RejectCode code, std::string_view what, RejectPlace place) {
  const RejectText& text = TextOf(code);
  if (what.size() > kWhatBytesMax) {
    std::size_t end = kWhatBytesMax;
    while (end > 0 && (static_cast<unsigned char>(what[end]) & 0xc0) == 0x80)
      --end;  // not inside of a character
    what = what.substr(0, end);
  }
  Reject reject;
  reject.code = static_cast<int>(text.code);
  reject.error.sqlstate = text.sqlstate;
  reject.error.message = Fill(text.message, what);
  reject.error.detail = "PR-" + std::to_string(reject.code) + ": " + Fill(text.detail, what);
  reject.error.hint = Fill(text.hint, what);
  reject.error.position = Characters(place);
  return reject;
}

}  // namespace pgreeve::plan
