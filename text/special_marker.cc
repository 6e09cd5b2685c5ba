#include "text/special_marker.h"

#include <algorithm>
#include <utility>

#include "core/base/utf8.h"

namespace engine {
namespace {

// Noncharacters: no text is meant to hold them, and no template treats them as blanks.
constexpr std::string_view kBegin = "\xEF\xB7\x90";    // U+FDD0
constexpr std::string_view kEnd = "\xEF\xB7\x91";      // U+FDD1
constexpr std::string_view kChatEnd = "\xEF\xB7\x92";  // U+FDD2, which marks the end of a chat
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Templates strip these from the ends of a text.
constexpr std::string_view kBlanks = " \t\n\r\v\f";

size_t FirstLength(std::string_view text) { return static_cast<size_t>(std::max(1, CodePointLength(text))); }

}  // namespace

SpecialMarker::SpecialMarker(const Tokenizer& tokenizer) {
  for (const Tokenizer::AddedToken& token : tokenizer.added_tokens()) {
    if (token.special && !token.text.empty()) specials_[static_cast<uint8_t>(token.text[0])].push_back(token.text);
  }
}

std::string_view SpecialMarker::SpecialAt(std::string_view text) const {
  std::string_view longest;
  for (const std::string& special : specials_[static_cast<uint8_t>(text[0])]) {
    if (special.size() > longest.size() && text.starts_with(special)) longest = special;
  }
  return longest;
}

bool SpecialMarker::IsBeginning(std::string_view text) const {
  return std::ranges::any_of(specials_[static_cast<uint8_t>(text[0])], [&](std::string_view special) {
    return special.size() > text.size() && special.starts_with(text);
  });
}

std::string SpecialMarker::Mark(std::string_view text) const {
  const size_t stripped_size = text.find_last_not_of(kBlanks) + 1;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    if (rest.starts_with(kBegin) || rest.starts_with(kEnd) || rest.starts_with(kChatEnd)) {
      out += kReplacement;
      rest.remove_prefix(kBegin.size());
      continue;
    }
    const std::string_view special = SpecialAt(rest);
    if (!special.empty()) {
      out.append(kBegin).append(special).append(kEnd);
      rest.remove_prefix(special.size());
      continue;
    }
    const size_t at = text.size() - rest.size();
    const bool unfinished =
        IsBeginning(rest) || (at < stripped_size && IsBeginning(rest.substr(0, stripped_size - at)));
    const size_t length = FirstLength(rest);
    out.append(rest.substr(0, length)).append(unfinished ? kEnd : "");
    rest.remove_prefix(length);
  }
  return out;
}

std::vector<SpecialMarker::Part> SpecialMarker::Unmark(std::string_view rendered) const {
  std::string text;
  std::vector<size_t> outside;  // where in `text` special tokens that came from outside begin, ascending
  size_t last = 0;              // where the last character begins
  for (std::string_view rest = rendered; !rest.empty();) {
    size_t length = FirstLength(rest);
    if (rest.starts_with(kBegin)) {
      rest.remove_prefix(kBegin.size());
      const std::string_view special = rest.empty() ? rest : SpecialAt(rest);
      if (special.empty() || !rest.substr(special.size()).starts_with(kEnd)) continue;
      outside.push_back(text.size());
      length = special.size();
    } else if (rest.starts_with(kEnd)) {
      if (!text.empty()) outside.push_back(last);
      rest.remove_prefix(kEnd.size());
      continue;
    }
    last = text.size();
    text += rest.substr(0, length);
    rest.remove_prefix(length);
  }

  std::vector<Part> parts;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const std::string_view special = SpecialAt(std::string_view(text).substr(at));
    const bool plain = !special.empty() && std::ranges::binary_search(outside, at);
    if (plain) {
      if (at > begin) parts.push_back({text.substr(begin, at - begin), false});
      parts.push_back({std::string(special), true});
      begin = at + special.size();
    }
    at += special.empty() ? 1 : special.size();
  }
  if (begin < text.size()) parts.push_back({text.substr(begin), false});
  return parts;
}

}  // namespace engine
