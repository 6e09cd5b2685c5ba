// Grammars of calls, as Lark text of llguidance.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "text/output_parser/output_format.h"

namespace engine {

// A token that no text makes: a grammar names it by its id.
struct ControlToken {
  std::string text;
  int32_t id = 0;
};

struct CallGrammarOptions {
  std::span<const ToolFunction> functions;  // that may be called: for a named choice, the one
  std::span<const ControlToken> control_tokens;
  bool required = false;   // the answer is calls and nothing else but reasoning before; otherwise only the inside of a
                           // call that the model begins is constrained, and a bracket begins one where it may
  bool or_answer = false;  // of what is required the other choice is an answer that another grammar holds to a form, in
                           // which it is @answer
  bool parallel = true;    // more than one call
  ReasoningStart start = ReasoningStart::kMayOpen;
};

// Empty when the format has no such grammar: without functions, and without `required` where a bracket opens calls and
// reasoning may come before.
std::string CallGrammar(const OutputFormat& format, const CallGrammarOptions& options);

// What comes before an answer that another grammar holds to a form, in which it is @answer: reasoning that the prompt has
// opened or the model may open, and in harmony what every answer begins with. Empty: nothing does.
std::string BeforeAnswer(const OutputFormat& format, std::span<const ControlToken> control_tokens,
                         ReasoningStart start);

}  // namespace engine
