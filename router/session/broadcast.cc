#include "router/session/broadcast.h"

#include "router/session/refusals.h"
#include "router/session/tracked_settings.h"
#include "router/wire/client_messages.h"
#include "router/wire/message_type.h"

namespace pgreeve::session {

struct Broadcast::Shard {
  explicit Shard(WorkerContext& context, ShardId shard_id) : call(context), id(shard_id) {}

  BackendCall call;
  ShardId id;
};

Broadcast::Broadcast(WorkerContext& context,
                     catalog::RoleClass role,
                     std::shared_ptr<const pool::SettingsSet> settings)
    : ctx_(context),
      role_(role),
      settings_(std::move(settings)) {}

Broadcast::~Broadcast() {
  *alive_ = false;
}

void Broadcast::Run(BroadcastStatement statement, OnFrame on_frame, Done done) {
  statement_ = std::move(statement);
  on_frame_ = std::move(on_frame);
  done_ = std::move(done);
  placement_ = ctx_.placement;
  for (const ShardId id : placement_->ServingShards())
    shards_.push_back(std::make_unique<Shard>(ctx_, id));
  if (shards_.empty()) {
    End(RefusalError(Refusal::kNoShard));
    return;
  }
  // Unique for ever: the worker's number stands above the counter's bits.
  constexpr int kCounterBits = 40;
  const uint64_t number =
      static_cast<uint64_t>(ctx_.worker.index()) << kCounterBits | ctx_.next_gid++;
  gid_ = "pgreeve:" + ctx_.router_name + ":" + std::to_string(ctx_.incarnation) + ":" +
         std::to_string(number);
  Lease(0);
}

void Broadcast::Lease(std::size_t index) {
  shards_[index]->call.Acquire(
      {.shard = shards_[index]->id, .role = role_, .tenant = nullptr, .settings = settings_},
      [this, index](std::optional<SqlError> error) {
        if (error)
          End(std::move(error));
        else if (index + 1 < shards_.size())
          Lease(index + 1);
        else
          RunOn(0);
      });
}

// One shard after the other: no Postgres sees a deadlock that spans two.
void Broadcast::RunOn(std::size_t index) {
  std::string out;
  std::string begin = "BEGIN; SET LOCAL lock_timeout = '10s'";
  if (shards_.size() > 1)
    begin += "; SELECT pgreeve.tx(" + QuoteLiteral(gid_) + ")";
  wire::AppendQuery(out, begin);
  out += statement_.messages;
  auto readies = std::make_shared<int>(0);
  shards_[index]->call.Run(
      std::move(out),
      2,
      [this, index, readies](const wire::Frame& frame) {
        if (frame.type == wire::backend::kReadyForQuery)
          ++*readies;
        else if (index == 0 && *readies == 1 && frame.type != wire::backend::kErrorResponse)
          on_frame_(frame);
      },
      [this, index](std::optional<SqlError> error) {
        if (error)
          Rollback(*std::move(error));
        else if (index + 1 < shards_.size())
          RunOn(index + 1);
        else
          Prepare();
      });
}

void Broadcast::Prepare() {
  if (shards_.size() == 1) {
    OnAll("COMMIT", [this](std::optional<SqlError> error) { End(std::move(error)); });
    return;
  }
  OnAllParticipants("PREPARE TRANSACTION", [this](std::optional<SqlError> error) {
    if (error) {
      Rollback(*std::move(error));
      return;
    }
    deciding_ = true;
    const std::shared_ptr<bool> alive = alive_;
    ctx_.control.RecordCommit(ctx_.worker.index(), gid_, [this, alive](absl::Status status) {
      if (!*alive)
        return;
      if (status.ok()) {
        Commit();
        return;
      }
      // Nobody knows whether the decision stands: recovery finishes what it says.
      End(SqlError{.sqlstate = "08007",
                   .message = "the outcome of the transaction is not known yet",
                   .detail = "gid " + gid_ + ": " + std::string(status.message()),
                   .hint = "It is finished without hands when the catalog answers."});
    });
  });
}

void Broadcast::Commit() {
  OnAllParticipants("COMMIT PREPARED", [this](std::optional<SqlError> error) {
    if (error) {
      // It is decided: recovery commits what this router could not.
      error = SqlError{.sqlstate = "08007",
                       .message = "the transaction is committed, but not yet on every shard",
                       .detail = "gid " + gid_ + ": " + error->message,
                       .hint = "It is finished without hands."};
    }
    End(std::move(error));
  });
}

void Broadcast::Rollback(SqlError error) {
  // Prepared or not, on each shard one of the two has an effect and the other fails.
  auto shared = std::make_shared<SqlError>(std::move(error));
  OnAll("ROLLBACK", [this, shared](std::optional<SqlError>) {
    if (shards_.size() == 1) {
      End(*shared);
      return;
    }
    OnAllParticipants("ROLLBACK PREPARED",
                      [this, shared](std::optional<SqlError>) { End(*shared); });
  });
}

void Broadcast::OnAll(const std::string& sql, Done next) {
  Everywhere([sql](ShardId) { return sql; }, std::move(next));
}

// Gids are unique in a cluster, and a cluster may hold several shards.
void Broadcast::OnAllParticipants(const std::string& verb, Done next) {
  Everywhere(
      [verb, gid = gid_](ShardId shard) {
        return verb + " " + QuoteLiteral(gid + "@" + std::to_string(shard.value));
      },
      std::move(next));
}

void Broadcast::Everywhere(const std::function<std::string(ShardId)>& sql_of, Done next) {
  outstanding_ = 0;
  first_error_.reset();
  auto shared = std::make_shared<Done>(std::move(next));
  std::vector<BackendCall*> calls;
  for (const auto& shard : shards_) {
    if (shard->call.leased())
      calls.push_back(&shard->call);
  }
  outstanding_ = calls.size();
  if (calls.empty()) {
    (*shared)(SqlError{.sqlstate = "08006", .message = "all connections to the shards were lost"});
    return;
  }
  const bool all_there = calls.size() == shards_.size();
  if (!all_there)
    first_error_ = SqlError{.sqlstate = "08006", .message = "a connection to a shard was lost"};
  for (BackendCall* call : calls) {
    std::string out;
    wire::AppendQuery(out, sql_of(call->shard()));
    call->Run(std::move(out), 1, nullptr, [this, shared](std::optional<SqlError> error) {
      if (error && !first_error_)
        first_error_ = std::move(error);
      if (--outstanding_ == 0)
        (*shared)(first_error_);
    });
  }
}

void Broadcast::Cancel() {
  if (deciding_)
    return;
  for (const auto& shard : shards_)
    shard->call.Cancel();
}

void Broadcast::Abandon() {
  *alive_ = false;
  for (const auto& shard : shards_)
    shard->call.Abandon();
}

void Broadcast::End(std::optional<SqlError> error) {
  for (const auto& shard : shards_)
    shard->call.Release();
  Done done = std::move(done_);
  if (done)
    done(std::move(error));
}

}  // namespace pgreeve::session
