#include "text/incremental_decoder.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "text/token_bytes.h"

namespace engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// A code point has at most four bytes, one token each. Some more tokens may come to nothing, such as ids without a
// token; text that stays unfinished for this long really is.
constexpr size_t kMaxPendingTokens = 16;

// Without the replacement characters at the end, which may be the beginning of a code point.
std::string_view Finished(std::string_view text) {
  while (text.ends_with(kReplacement)) text.remove_suffix(kReplacement.size());
  return text;
}

}  // namespace

bool IncrementalDecoder::IsSkipped(int32_t id) const {
  return skip_special_ && tokenizer_.IsSpecial(id) && std::ranges::find(kept_, id) == kept_.end();
}

absl::StatusOr<std::string> IncrementalDecoder::Append(int32_t id) {
  if (IsSkipped(id)) return std::string();
  if (tokenizer_.is_byte_level()) {
    bytes_ += TokenBytes(tokenizer_, id);
    return TakeCodePoints(/*at_end=*/false);
  }
  window_.push_back(id);
  ASSIGN_OR_RETURN(const std::string text, tokenizer_.Decode(window_, /*skip_special=*/false));
  const bool give_up = window_.size() - context_ >= kMaxPendingTokens;
  const std::string_view ready = give_up ? std::string_view(text) : Finished(text);
  std::string gained = Gain(ready);
  if (!give_up && (gained.empty() || ready.size() < text.size())) {
    shown_ += gained;
    return gained;
  }
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(context_));
  context_ = window_.size();
  ASSIGN_OR_RETURN(shown_, tokenizer_.Decode(window_, /*skip_special=*/false));
  return gained;
}

absl::StatusOr<std::string> IncrementalDecoder::Flush() {
  if (tokenizer_.is_byte_level()) return TakeCodePoints(/*at_end=*/true);
  ASSIGN_OR_RETURN(const std::string text, tokenizer_.Decode(window_, /*skip_special=*/false));
  std::string gained = Gain(text);
  window_.clear();
  context_ = 0;
  shown_.clear();
  return gained;
}

// Of bytes_, with U+FFFD for each that is broken; one that more bytes may complete stays, but at the end.
std::string IncrementalDecoder::TakeCodePoints(bool at_end) {
  std::string text;
  std::string_view rest = bytes_;
  while (!rest.empty() && (at_end || !IsUnfinished(rest))) {
    const int length = CodePointLength(rest);
    text += length > 0 ? rest.substr(0, length) : kReplacement;
    rest.remove_prefix(length > 0 ? length : BrokenLength(rest));
  }
  bytes_.erase(0, bytes_.size() - rest.size());
  return text;
}

std::string IncrementalDecoder::Gain(std::string_view text) const {
  if (text.size() <= shown_.size()) return {};
  text.remove_prefix(shown_.size());
  // A spoilt run of bytes has another text than was shown, whose code points may lie across.
  while (!text.empty() && CodePointLength(text) == 0) text.remove_prefix(1);
  return std::string(text);
}

}  // namespace engine
