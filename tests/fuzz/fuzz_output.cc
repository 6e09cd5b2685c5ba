// Any answer, in the formats that the first byte chooses: no crash, and nothing changes when the text comes in pieces of as
// many bytes as the second byte says.
#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/weights/byte_reader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/unit/text/output_parser/fixtures.h"

namespace engine {
void FuzzOne(std::span<const std::byte> bytes) {
  static const auto& fixtures = *new std::vector<OutputFixture>(OutputFixtures());
  const std::string_view input = AsText(bytes);
  if (input.size() < 3) return;
  const OutputFixture& fixture = fixtures[static_cast<unsigned char>(input[0]) % fixtures.size()];
  const size_t size = static_cast<unsigned char>(input[1]) % 32 + 1;
  const std::string text(input.substr(2));
  std::vector<std::string> pieces;
  for (size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
  const OutputParserOptions options = OptionsOf(fixture);
  const std::vector<OutputDelta> whole = Parse(options, {text});
  ENGINE_CHECK(whole == Parse(options, pieces));
  if (!CheckUtf8(text).ok()) return;
  for (const OutputDelta& delta : whole) ENGINE_CHECK(CheckUtf8(delta.text).ok());
}

}  // namespace engine
