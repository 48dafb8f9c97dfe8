// Reads a settings file (TOML), checks every key and value against the table, and fills the structs
// of settings.h. Start-up and reload only; any thread. Source of names: settings_table.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "config/settings.h"

namespace pgreeve::config {

struct Problem {
  int line = 0;  // 0: about the whole file
  int column = 0;
  std::string text;
};

// "pgreeve.toml:14:9: error: [pool].size must be 1..10000 (got 0)".
std::string ToString(const Problem& problem, std::string_view file);

template <class S>
struct Loaded {
  S settings;
  std::vector<Problem> problems;  // empty: `settings` may be used

  bool ok() const { return problems.empty(); }
};

// One file may serve both programs: each reads its own sections and checks that the others exist.
// Secrets may be written as "env:NAME" or "file:/path" (the file's first line).
Loaded<RouterSettings> ParseRouter(std::string_view toml);
Loaded<RebalancerSettings> ParseRebalancer(std::string_view toml);

// The same for a file. Errors: kInvalidArgument with one problem a line; kNotFound.
absl::StatusOr<RouterSettings> LoadRouter(const std::string& path);
absl::StatusOr<RebalancerSettings> LoadRebalancer(const std::string& path);

// What a reload changes. Secrets are shown as "(set)" or "(changed)".
struct Change {
  std::string setting;  // "pool.size"
  std::string before;
  std::string after;
  bool applied_now = true;  // false: at the next restart
};

std::vector<Change> Diff(const RouterSettings& before, const RouterSettings& after);
std::vector<Change> Diff(const RebalancerSettings& before, const RebalancerSettings& after);

// What takes effect on a reload: `after`, with every setting that needs a restart as in `before`.
RouterSettings Applied(const RouterSettings& before, RouterSettings after);

// The file a user could start from: every setting with its help, default values, commented out.
std::string DefaultsFile(std::string_view program);  // "router" or "rebalancer"
// The whole configuration in force, as TOML; secrets left out.
std::string Effective(const RouterSettings& settings);

// docs/settings.md.
std::string ReferencePage();

}  // namespace pgreeve::config
