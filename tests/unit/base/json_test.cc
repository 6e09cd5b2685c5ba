#include "core/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text, JsonLimits limits = {}) {
  const auto parsed = ParseJson(text, "config.json", limits);
  return parsed.ok() ? "no error" : std::string(Message(parsed.status()));
}

TEST(ParseJson, ReadsADocumentInItsOrder) {
  const std::string text = R"({"z":[1,-2,3.5,true,null],"a":{"text":"\u00e9","empty":{}}})";
  const auto parsed = ParseJson(text, "config.json");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->dump(), R"({"z":[1,-2,3.5,true,null],"a":{"text":"é","empty":{}}})");
}

TEST(ParseJson, ReadsADocumentThatIsOneValue) {
  const auto parsed = ParseJson(" 7 ", "config.json");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, 7);
}

TEST(ParseJson, NamesTheDocumentAndThePlaceOfAnError) {
  EXPECT_THAT(ErrorOf(R"({"a":1,})"), HasSubstr("config.json is not valid JSON at byte 8"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("config.json is not valid JSON"));
  EXPECT_THAT(ErrorOf("{} {}"), HasSubstr("config.json is not valid JSON"));
  EXPECT_THAT(ErrorOf("\"\xff\""), HasSubstr("config.json is not valid JSON"));
  EXPECT_THAT(ErrorOf(std::string_view("{}\0{", 4)), HasSubstr("config.json is not valid JSON at byte 3"));
  EXPECT_THAT(ErrorOf("1e999"), HasSubstr("config.json is not valid JSON"));
}

TEST(ParseJson, RefusesAKeyTwiceInOneObjectOnly) {
  EXPECT_THAT(ErrorOf(R"({"a":1,"b":{},"a":2})"), HasSubstr("has the key \"a\" twice"));
  EXPECT_EQ(ErrorOf(R"({"a":{"a":1},"b":{"a":2}})"), "no error");
}

TEST(ParseJson, HoldsItsLimits) {
  EXPECT_EQ(ErrorOf("[[1]]", {.max_depth = 2}), "no error");
  EXPECT_THAT(ErrorOf("[[[1]]]", {.max_depth = 2}), HasSubstr("deeper than 2 levels"));
  EXPECT_EQ(ErrorOf("[1,2]", {.max_values = 3}), "no error");
  EXPECT_THAT(ErrorOf("[1,2,3]", {.max_values = 3}), HasSubstr("more than 3 values"));
  EXPECT_THAT(ErrorOf("[1,2,3]", {.max_bytes = 6}), HasSubstr("has 7 bytes; the limit is 6"));
  EXPECT_THAT(ErrorOf(std::string(1 << 20, '[')), HasSubstr("deeper than 64 levels"));
}

}  // namespace
}  // namespace engine
