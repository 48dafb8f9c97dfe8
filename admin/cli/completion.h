// Shell completion made from the command tree itself, so that it cannot fall behind. Any thread.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace pgreeve::cli {

// What may follow one command: "tenant create" → {--tier, --region, …} and its sub-commands.
struct CompletionNode {
  std::string path;  // words below the program's name, "" for the top
  std::vector<std::string> words;
};

std::vector<CompletionNode> CollectCompletions(const CLI::App& app);

// A script for `source <(pgreevectl completion bash)`.
std::string BashCompletion(const std::vector<CompletionNode>& nodes);

// A script for `source <(pgreevectl completion zsh)`; also works as a file _pgreevectl in fpath.
std::string ZshCompletion(const std::vector<CompletionNode>& nodes);

}  // namespace pgreeve::cli
