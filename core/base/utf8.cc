#include "core/base/utf8.h"

#include <cstdint>

namespace engine {
namespace {

// What the first byte promises, and the range of the second byte that keeps overlong forms and surrogates out.
struct Lead {
  int length;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xbf;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {0};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

// Bytes of `text`, which is not empty, that belong to the code point that the first one begins.
int Belonging(std::string_view text, const Lead& lead) {
  int length = 1;
  for (; length < lead.length && static_cast<size_t>(length) < text.size(); ++length) {
    const auto byte = static_cast<uint8_t>(text[length]);
    if (byte < (length == 1 ? lead.second_min : 0x80) || byte > (length == 1 ? lead.second_max : 0xbf)) break;
  }
  return length;
}

}  // namespace

int CodePointLength(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  return Belonging(text, lead) == lead.length ? lead.length : 0;
}

int BrokenLength(std::string_view text) { return Belonging(text, LeadOf(static_cast<uint8_t>(text[0]))); }

bool IsUnfinished(std::string_view text) {
  if (text.empty()) return false;
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  return text.size() < static_cast<size_t>(lead.length) && static_cast<size_t>(Belonging(text, lead)) == text.size();
}

absl::Status CheckUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const int length = CodePointLength(text.substr(at));
    if (length == 0) {
      return InvalidArgument("the text is not UTF-8: byte %d is 0x%02x; convert it, for example with iconv", at,
                             static_cast<uint8_t>(text[at]));
    }
    at += length;
  }
  return absl::OkStatus();
}

}  // namespace engine
