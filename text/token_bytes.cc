#include "text/token_bytes.h"

#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "core/base/utf8.h"

namespace engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kBlank = "\xE2\x96\x81";        // U+2581, SentencePiece's blank

// GPT-2's alphabet, in which byte-level vocabularies are spelled: printable Latin-1 stands for itself, the other bytes for
// the code points from 256 on, in order.
constexpr int kAlphabetEnd = 256 + 68;
constexpr int16_t kNoLetter = -1;
constexpr std::array<int16_t, kAlphabetEnd> kByteOf = [] {
  std::array<int16_t, kAlphabetEnd> byte_of{};
  byte_of.fill(kNoLetter);
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    byte_of[itself ? byte : next++] = static_cast<int16_t>(byte);
  }
  return byte_of;
}();

// Nothing where a letter is not of the alphabet.
std::optional<std::string> FromByteAlphabet(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    const auto first = static_cast<uint8_t>(spelling[0]);
    const int length = CodePointLength(spelling);
    if (length < 1 || length > 2) return std::nullopt;  // no letter of the alphabet takes three bytes
    const int code_point = length == 1 ? first : ((first & 0x1F) << 6) | (static_cast<uint8_t>(spelling[1]) & 0x3F);
    if (code_point >= kAlphabetEnd || kByteOf[code_point] == kNoLetter) return std::nullopt;
    bytes += static_cast<char>(kByteOf[code_point]);
    spelling.remove_prefix(static_cast<size_t>(length));
  }
  return bytes;
}

std::string WithBlanks(std::string_view spelling) {
  std::string text;
  while (!spelling.empty()) {
    const bool blank = spelling.starts_with(kBlank);
    text += blank ? ' ' : spelling[0];
    spelling.remove_prefix(blank ? kBlank.size() : 1);
  }
  return text;
}

}  // namespace

std::string TokenBytes(const Tokenizer& tokenizer, int32_t id) {
  const std::string spelling = tokenizer.Spelling(id);
  if (tokenizer.is_byte_level()) return FromByteAlphabet(spelling).value_or(spelling);
  std::string text = tokenizer.Decode({{id}}, /*skip_special=*/false).value_or("");
  // SentencePiece spells a byte without a character of its own "<0xE2>".
  if (spelling.size() == 6 && spelling.starts_with("<0x") && spelling.ends_with('>') && text != spelling) {
    return {static_cast<char>(std::strtol(spelling.c_str() + 3, nullptr, 16))};
  }
  if (spelling.find(kBlank) != std::string::npos) return WithBlanks(spelling);
  if (text.find(kReplacement) == std::string::npos || spelling == text) return text;
  return FromByteAlphabet(spelling).value_or("");
}

}  // namespace engine
