#include "text/utf8.h"

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

}  // namespace

int CodePointLength(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  if (lead.length == 0 || text.size() < static_cast<size_t>(lead.length)) return 0;
  for (int i = 1; i < lead.length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < (i == 1 ? lead.second_min : 0x80) || byte > (i == 1 ? lead.second_max : 0xbf)) return 0;
  }
  return lead.length;
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
