// What an answer may look like, as flags.
#pragma once

#include <optional>
#include <string>

#include "cli/flags.h"
#include "engine/engine.h"

namespace engine {

struct GrammarFlags {
  std::optional<std::string> json_schema;  // a file, or the schema itself
  std::optional<std::string> regex;
  std::optional<std::string> grammar;  // a file
  std::optional<std::string> choice;   // separated by commas
};

void AddGrammarFlags(FlagSet& flags, GrammarFlags& grammar);

// Reads the files. At most one of the flags may be given.
absl::StatusOr<OutputGrammar> ReadGrammar(const GrammarFlags& grammar);

}  // namespace engine
