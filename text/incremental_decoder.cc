#include "text/incremental_decoder.h"

#include "text/utf8.h"

namespace engine {
namespace {

// A code point has at most four bytes, one token each. Text that still ends in U+FFFD after that really does.
constexpr size_t kMaxPendingTokens = 4;

bool EndsUnfinished(std::string_view text) { return text.ends_with("\xEF\xBF\xBD"); }

}  // namespace

absl::StatusOr<std::string> IncrementalDecoder::Append(int32_t id) {
  window_.push_back(id);
  ASSIGN_OR_RETURN(const std::string text, tokenizer_.Decode(window_, skip_special_));
  const bool waits = EndsUnfinished(text) && window_.size() - shown_ < kMaxPendingTokens;
  if (waits || text.size() <= shown_text_.size()) return std::string();
  return TakeNewText();
}

absl::StatusOr<std::string> IncrementalDecoder::Flush() { return TakeNewText(); }

absl::StatusOr<std::string> IncrementalDecoder::TakeNewText() {
  if (shown_ == window_.size()) return std::string();
  ASSIGN_OR_RETURN(const std::string text, tokenizer_.Decode(window_, skip_special_));
  std::string gained = text.size() > shown_text_.size() ? text.substr(shown_text_.size()) : std::string();
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(shown_));
  shown_ = window_.size();
  ASSIGN_OR_RETURN(shown_text_, tokenizer_.Decode(window_, skip_special_));
  return gained;
}

}  // namespace engine
