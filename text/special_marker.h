// Marks that carry through a template which of a prompt's special tokens came from outside.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace engine {

// A text that comes from outside gets noncharacters: a pair around each special token's text, and one behind the first
// character of a beginning that it ends in, which what follows in the prompt could complete. A template that cuts or joins
// texts may separate a pair: such marks say nothing.
class SpecialMarker {
 public:
  struct Part {
    std::string text;
    bool plain;  // special tokens' texts in it are text like any other
  };

  explicit SpecialMarker(const Tokenizer& tokenizer);

  // Of UTF-8. Noncharacters of the text itself become U+FFFD.
  std::string Mark(std::string_view text) const;

  // The rendered text without its marks.
  std::vector<Part> Unmark(std::string_view rendered) const;

 private:
  // The longest special token's text that `text` begins with; none: empty.
  std::string_view SpecialAt(std::string_view text) const;
  // Whether a special token's text begins with `text` and goes on.
  bool IsBeginning(std::string_view text) const;

  std::array<std::vector<std::string>, 256> specials_;  // by first byte
};

}  // namespace engine
