// What an answer may look like, as a request says it.
#pragma once

#include <cstdint>
#include <string>

namespace engine {

struct OutputGrammar {
  enum class Kind : uint8_t {
    kNone,        // any text
    kJsonSchema,  // text: a JSON schema
    kJsonObject,  // any JSON object; text is empty
    kRegex,       // text: a regular expression that the whole answer matches
    kChoice,      // text: a JSON array of strings, one of which is the answer
    kLark,        // text: a grammar in Lark's notation, as llguidance reads it
    kGbnf,        // text: a grammar in llama.cpp's notation
  };
  Kind kind = Kind::kNone;
  std::string text;
  // A Lark grammar in which such an answer is @answer: of what comes before it, or instead. Empty: nothing does.
  std::string before = {};

  bool operator==(const OutputGrammar&) const = default;
};

}  // namespace engine
