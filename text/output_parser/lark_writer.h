// Pieces of a Lark grammar.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"
#include "text/output_parser/call_grammar.h"

namespace engine {

class LarkWriter {
 public:
  explicit LarkWriter(std::span<const ControlToken> control_tokens) : control_tokens_(control_tokens) {}

  // Exactly this text, its control tokens as such. Of nothing: nothing.
  std::string Literal(std::string_view text) const;
  bool BeginsWithControlToken(std::string_view text) const { return ControlTokenAt(text) != nullptr; }

  // Any text up to the first `marker`, and the marker.
  std::string Until(std::string_view marker);
  // JSON of a schema, spaced as Python's json.dumps does, which is how templates show it; the one form keeps weak models
  // from writing white space without end.
  std::string JsonOf(nlohmann::ordered_json schema);
  // A new rule of this body: its name.
  std::string Rule(const std::string& body);
  // A rule that others name; the first definition holds.
  void Define(const std::string& name, const std::string& body);

  // The grammar, beginning with `start`.
  std::string Finish(const std::string& start) const { return "start: " + start + "\n" + rules_; }

 private:
  const ControlToken* ControlTokenAt(std::string_view text) const;

  std::span<const ControlToken> control_tokens_;
  std::string rules_;
  std::set<std::string> defined_;
  int num_rules_ = 0;
};

}  // namespace engine
