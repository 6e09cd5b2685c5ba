// Text of a token stream as it arrives: whole code points only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace engine {

// The pieces put together are the decoded whole. A token may hold part of a code point, and how one is decoded may
// depend on those before it (byte fallback, leading blanks), so new text is what decoding a short window gains.
class IncrementalDecoder {
 public:
  // Borrows the tokenizer. skip_special leaves control tokens out.
  IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special)
      : tokenizer_(tokenizer), skip_special_(skip_special) {}

  // The text that this token completes, which may be none.
  absl::StatusOr<std::string> Append(int32_t id);
  // What is left at the end: an unfinished code point as U+FFFD.
  absl::StatusOr<std::string> Flush();

 private:
  absl::StatusOr<std::string> TakeNewText();

  const Tokenizer& tokenizer_;
  const bool skip_special_;
  std::vector<int32_t> window_;  // tokens already shown that give context, then those not shown yet
  size_t shown_ = 0;             // of the window
  std::string shown_text_;       // what the shown ones decode to
};

}  // namespace engine
