// Text of a token stream as it arrives: whole code points only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace engine {

// Each piece is valid UTF-8, and the pieces put together are the decoded whole. A token may hold part of a code point:
// where it stands for bytes, those wait for the rest. Elsewhere how one is decoded may depend on those before it (byte
// fallback, leading blanks), so new text is what decoding a short window gains. One exception: bytes that end a run of
// byte tokens in the middle of a code point spoil the whole run when it is decoded at once; what was shown of it stays.
class IncrementalDecoder {
 public:
  // Borrows the tokenizer. skip_special leaves control tokens out, but for those that are kept.
  IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special, std::vector<int32_t> kept = {})
      : tokenizer_(tokenizer), skip_special_(skip_special), kept_(std::move(kept)) {}

  // The text that this token completes, which may be none.
  absl::StatusOr<std::string> Append(int32_t id);
  // What is left at the end: an unfinished code point as U+FFFD.
  absl::StatusOr<std::string> Flush();

 private:
  bool IsSkipped(int32_t id) const;
  std::string TakeCodePoints(bool at_end);
  // What `text`, the window decoded, has beyond what was shown.
  std::string Gain(std::string_view text) const;

  const Tokenizer& tokenizer_;
  const bool skip_special_;
  const std::vector<int32_t> kept_;
  std::string bytes_;            // of a byte-level tokenizer: not shown, the beginning of a code point
  std::vector<int32_t> window_;  // of others: tokens already shown that give context, then those not shown in full
  size_t context_ = 0;           // tokens of the window that are shown in full
  std::string shown_;            // what was shown of the window's text
};

}  // namespace engine
