#include "text/output_parser/held_text.h"

#include <algorithm>

namespace engine {

void HeldText::Append(std::string_view text) {
  // Moving what is left costs no more than what was taken.
  if (begin_ > text_.size() / 2) {
    text_.erase(0, begin_);
    begin_ = 0;
  }
  text_ += text;
}

std::string_view HeldText::Take(size_t size) {
  const std::string_view taken = view().substr(0, size);
  begin_ += taken.size();
  return taken;
}

Match StartsWith(std::string_view text, std::string_view marker, bool ended) {
  if (text.starts_with(marker)) return Match::kYes;
  return !ended && marker.starts_with(text) ? Match::kMaybe : Match::kNo;
}

Found FindFirst(std::string_view text, std::span<const std::string_view> markers, bool ended) {
  for (size_t at = 0; at < text.size(); ++at) {
    bool undecided = false;
    for (size_t i = 0; i < markers.size(); ++i) {
      if (text[at] != markers[i].front()) continue;
      const Match match = StartsWith(text.substr(at), markers[i], ended);
      if (match == Match::kYes && !undecided) return {.at = at, .marker = static_cast<int>(i)};
      undecided = undecided || match == Match::kMaybe;
    }
    if (undecided) return {.at = at};
  }
  return {.at = text.size()};
}

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

size_t SpaceLength(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if_not(text, IsSpace) - text.begin());
}

std::string_view WithoutSpaceAtEnd(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace engine
