#include "cli/grammar_flags.h"

#include <vector>

#include "absl/strings/str_split.h"
#include "cli/usage.h"
#include "core/base/files.h"
#include "core/base/utf8.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Kind = OutputGrammar::Kind;

absl::StatusOr<OutputGrammar> ReadSchema(const std::string& given) {
  if (given.starts_with('{')) return OutputGrammar{Kind::kJsonSchema, given};
  ASSIGN_OR_RETURN(std::string text, ReadFile(given));
  return OutputGrammar{Kind::kJsonSchema, std::move(text)};
}

// Only GBNF has rules with "::=".
absl::StatusOr<OutputGrammar> ReadRules(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  const bool is_gbnf = text.find("::=") != std::string::npos;
  return OutputGrammar{is_gbnf ? Kind::kGbnf : Kind::kLark, std::move(text)};
}

}  // namespace

void AddGrammarFlags(FlagSet& flags, GrammarFlags& grammar) {
  flags.Add({"--json-schema,-j", "FILE", "answer with JSON of this schema; a text that begins with { is the schema"},
            grammar.json_schema);
  flags.Add({"--regex", "REGEX", "answer with a text that this regular expression matches as a whole"}, grammar.regex);
  flags.Add({"--grammar,--grammar-file", "FILE", "answer with a text of this grammar, in Lark's notation or in GBNF"},
            grammar.grammar);
  flags.Add({"--choice", "TEXT,...", "answer with one of these"}, grammar.choice);
}

absl::StatusOr<OutputGrammar> ReadGrammar(const GrammarFlags& grammar) {
  const int given = grammar.json_schema.has_value() + grammar.regex.has_value() + grammar.grammar.has_value() +
                    grammar.choice.has_value();
  if (given > 1) return UsageError("give at most one of --json-schema, --regex, --grammar and --choice");
  if (grammar.json_schema) return ReadSchema(*grammar.json_schema);
  if (grammar.grammar) return ReadRules(*grammar.grammar);
  if (grammar.regex) return OutputGrammar{Kind::kRegex, *grammar.regex};
  if (!grammar.choice) return OutputGrammar{};
  if (const absl::Status valid = CheckUtf8(*grammar.choice); !valid.ok()) {
    return UsageError("--choice: %s", Message(valid));
  }
  const std::vector<std::string> choices = absl::StrSplit(*grammar.choice, ',');
  return OutputGrammar{Kind::kChoice, nlohmann::json(choices).dump()};
}

}  // namespace engine
