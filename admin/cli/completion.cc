#include "admin/cli/completion.h"

#include <fmt/format.h>

namespace pgreeve::cli {
namespace {

void AddOptions(const CLI::App& app, std::vector<std::string>& words) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      words.push_back("--" + name);
    for (const std::string& name : option->get_snames())
      words.push_back("-" + name);
  }
}

void Walk(const CLI::App& app,
          const std::string& path,
          const std::vector<std::string>& global,
          std::vector<CompletionNode>& nodes) {
  CompletionNode node{path, {}};
  const auto inside = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : inside)
    node.words.push_back(command->get_name());
  AddOptions(app, node.words);
  if (!path.empty())
    node.words.insert(node.words.end(), global.begin(), global.end());
  nodes.push_back(std::move(node));
  for (const CLI::App* command : inside)
    Walk(*command,
         path.empty() ? command->get_name() : path + " " + command->get_name(),
         global,
         nodes);
}

std::string Cases(const std::vector<CompletionNode>& nodes) {
  std::string text;
  for (const CompletionNode& node : nodes) {
    text += fmt::format("    '{}') words='", node.path);
    for (std::size_t i = 0; i < node.words.size(); ++i)
      text += (i > 0 ? " " : "") + node.words[i];
    text += "' ;;\n";
  }
  return text;
}

// Finds the command typed so far in `word` by growing it while the longer one exists.
std::string PathLoop(const std::vector<CompletionNode>& nodes) {
  std::string known;
  for (const CompletionNode& node : nodes) {
    if (!node.path.empty())
      known += "|" + node.path;
  }
  return fmt::format(
      "  local known='{}|'\n"
      "  local path='' word=''\n",
      known);
}

}  // namespace

std::vector<CompletionNode> CollectCompletions(const CLI::App& app) {
  std::vector<std::string> global = {"--catalog", "--output", "-o"};
  std::vector<CompletionNode> nodes;
  Walk(app, "", global, nodes);
  return nodes;
}

std::string BashCompletion(const std::vector<CompletionNode>& nodes) {
  return "# bash completion for pgreevectl: source <(pgreevectl completion bash)\n"
         "_pgreevectl() {\n" +
         PathLoop(nodes) +
         "  local i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=\"${path:+$path }${COMP_WORDS[i]}\"\n"
         "    [[ \"$known\" == *\"|$word|\"* ]] && path=\"$word\"\n"
         "  done\n"
         "  local words=''\n"
         "  case \"$path\" in\n" +
         Cases(nodes) +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _pgreevectl pgreevectl\n";
}

std::string ZshCompletion(const std::vector<CompletionNode>& nodes) {
  return "#compdef pgreevectl\n"
         "# zsh completion for pgreevectl: source <(pgreevectl completion zsh)\n"
         "_pgreevectl() {\n" +
         PathLoop(nodes) +
         "  local i\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    word=\"${path:+$path }${words[i]}\"\n"
         "    [[ \"$known\" == *\"|$word|\"* ]] && path=\"$word\"\n"
         "  done\n"
         "  local choices=''\n"
         "  case \"$path\" in\n" +
         [&] {
           std::string cases = Cases(nodes);
           for (std::size_t at = 0; (at = cases.find(") words='", at)) != std::string::npos;)
             cases.replace(at, 9, ") choices='");
           return cases;
         }() +
         "  esac\n"
         "  compadd -- ${=choices}\n"
         "}\n"
         "if [[ \"${funcstack[1]}\" == _pgreevectl ]]; then _pgreevectl \"$@\"; else compdef "
         "_pgreevectl pgreevectl; fi\n";
}

}  // namespace pgreeve::cli
