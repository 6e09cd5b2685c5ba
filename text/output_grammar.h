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
  std::string before =
      {};  // a Lark grammar of what comes before such an answer, in which it is @answer; empty: nothing
};

}  // namespace engine
