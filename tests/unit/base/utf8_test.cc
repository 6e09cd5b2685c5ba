#include "core/base/utf8.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

TEST(Utf8, KnowsTheLengthOfACodePoint) {
  EXPECT_EQ(CodePointLength("a"), 1);
  EXPECT_EQ(CodePointLength("é!"), 2);
  EXPECT_EQ(CodePointLength("中"), 3);
  EXPECT_EQ(CodePointLength("😀"), 4);
  EXPECT_EQ(CodePointLength(std::string_view("\0", 1)), 1);
  EXPECT_EQ(CodePointLength("\xF4\x8F\xBF\xBF"), 4);  // U+10FFFF
  EXPECT_EQ(CodePointLength("\xED\x9F\xBF"), 3);      // U+D7FF, the last before the surrogates
}

TEST(Utf8, KnowsWhatIsNoCodePoint) {
  for (const char* text :
       {"", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe4\xb8", "\xf0\x9f\x98", "\xc3(", "\xe4(\xad"}) {
    EXPECT_EQ(CodePointLength(text), 0) << text;
  }
}

TEST(Utf8, KnowsHowMuchOfACodePointIsThere) {
  for (const char* text : {"\xc3", "\xe4", "\xe4\xb8", "\xf0", "\xf0\x9f", "\xf0\x9f\x98"}) {
    EXPECT_TRUE(IsUnfinished(text)) << text;
    EXPECT_EQ(BrokenLength(std::string(text) + "a"), std::string(text).size()) << text;
  }
  for (const char* text : {"", "a", "é", "\x80", "\xff", "\xc3(", "\xe0\x80", "\xed\xa0", "\xf4\x90", "\xe4\xb8\xad"}) {
    EXPECT_FALSE(IsUnfinished(text)) << text;
  }
  for (const char* text : {"\x80\x80", "\xff\xff", "\xe0\x80", "\xed\xa0", "\xf4\x90"})
    EXPECT_EQ(BrokenLength(text), 1) << text;
}

TEST(Utf8, NamesTheFirstByteThatIsNone) {
  EXPECT_TRUE(CheckUtf8("").ok());
  EXPECT_TRUE(CheckUtf8("aé中😀").ok());
  EXPECT_THAT(std::string(CheckUtf8("aé\xff\xfe").message()), HasSubstr("byte 3 is 0xff"));
  EXPECT_THAT(std::string(CheckUtf8("\xed\xa0\x80").message()), HasSubstr("byte 0 is 0xed"));
  EXPECT_THAT(std::string(CheckUtf8("中\xe4\xb8").message()), HasSubstr("byte 3 is 0xe4"));
}

// Against the definition: decode the bits, then refuse what a shorter form could say, surrogates and large values.
TEST(Utf8, AgreesWithTheDefinitionOnEveryThreeByteStart) {
  for (int first = 0x80; first < 0x100; ++first) {
    for (int second = 0; second < 0x100; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), '\x80', '\x80'};
      const bool continues = (second & 0xc0) == 0x80;
      int want = 0;
      if (first >> 5 == 6 && continues && (first & 0x1f) << 6 >= 0x80) want = 2;
      if (first >> 4 == 14 && continues) {
        const int value = (first & 0xf) << 12 | (second & 0x3f) << 6;
        want = value >= 0x800 && (value < 0xd800 || value > 0xdfff) ? 3 : 0;
      }
      if (first >> 3 == 30 && continues) {
        const int value = (first & 7) << 18 | (second & 0x3f) << 12;
        want = value >= 0x10000 && value <= 0x10ffff ? 4 : 0;
      }
      ASSERT_EQ(CodePointLength(text), want) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace engine
