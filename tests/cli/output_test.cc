// Results as tables.
#include "cli/speed_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using ::testing::HasSubstr;

SpeedTable TwoRows() {
  SpeedResult prompt{.test = {.prompt_tokens = 512},
                     .device = "cpu",
                     .isa = "avx2",
                     .weight_bytes = 1'000'000,
                     .threads = 2,
                     .tokens_per_second = 100};
  prompt.operations_per_second = 1.5e12;
  prompt.bytes_per_second = 2e9;
  prompt.roof = 2e12;
  prompt.share = 0.75;
  prompt.time_share = 0.8;
  SpeedResult decode{.test = {.generated_tokens = 128, .batch = 8},
                     .device = "simt:32",
                     .isa = "warp32",
                     .weight_bytes = 2'000'000,
                     .threads = 2,
                     .tokens_per_second = 12.5};
  decode.bytes_per_second = 9e9;
  return {.model = "a \"b\".gguf",
          .weight_format = "q4_1",
          .seed = 1,
          .rows = {prompt, decode},
          .missing = {{"cuda", "no driver"}}};
}

std::string Print(const std::string& format) {
  ::testing::internal::CaptureStdout();
  PrintSpeed(TwoRows(), format);
  return ::testing::internal::GetCapturedStdout();
}

TEST(SpeedTable, MarkdownHasARowPerTestWithItsUnitAndShare) {
  const std::string table = Print("md");
  EXPECT_THAT(table, HasSubstr("| pp512 | 100.00 ± 0.00 | 2.00 | 1.500 | 2.000 TOPS | 75 % | 80 % |"));
  EXPECT_THAT(table, HasSubstr("| 2.0 MB | simt:32 warp32 |"));
  EXPECT_THAT(table, HasSubstr("| a \"b\".gguf | | cuda | | | | | | | | no driver |"));
  EXPECT_THAT(table, HasSubstr("| tg128 b8 | 12.50 ± 0.00 | 9.00 | 0.000 | not probed | | |"));
}

TEST(SpeedTable, JsonParsesAndHoldsTheSameNumbers) {
  const auto document = nlohmann::json::parse(Print("json"));
  EXPECT_EQ(document["model"], "a \"b\".gguf");
  ASSERT_EQ(document["rows"].size(), 2u);
  EXPECT_EQ(document["rows"][0]["achieved"], 1.5);
  EXPECT_EQ(document["rows"][0]["unit"], "TOPS");
  EXPECT_EQ(document["rows"][1]["batch"], 8);
  EXPECT_EQ(document["rows"][1]["device"], "simt:32");
  EXPECT_EQ(document["missing"][0]["device"], "cuda");
}

TEST(SpeedTable, CsvQuotesTheModelsName) {
  const std::string table = Print("csv");
  EXPECT_THAT(table, HasSubstr("\n\"a \"\"b\"\".gguf\",q4_1,1000000,cpu,avx2,2,pp512,100.000,"));
  EXPECT_THAT(table, HasSubstr("no driver"));
  EXPECT_EQ(std::ranges::count(table, '\n'), 4);  // the names, two rows, a device that is missing
}

}  // namespace
}  // namespace engine
