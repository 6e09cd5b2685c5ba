#include "benchmarks/serve/dataset.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<LoadRequest> Make(const DatasetOptions& options) {
  const auto requests = MakeDataset(options);
  EXPECT_TRUE(requests.ok()) << requests.status();
  return requests.ok() ? *requests : std::vector<LoadRequest>();
}

int64_t Words(const std::string& text) { return 1 + std::ranges::count(text, ' '); }

std::string FirstWords(const std::string& text, int count) {
  size_t end = 0;
  for (int i = 0; i < count; ++i) end = text.find(' ', end + 1);
  return text.substr(0, end);
}

TEST(Dataset, RandomPromptsHaveTheirLengthsAndASeed) {
  const DatasetOptions options{.num_prompts = 50, .seed = 4, .random_input_len = 30, .random_output_len = 7};
  const std::vector<LoadRequest> requests = Make(options);
  ASSERT_EQ(requests.size(), 50u);
  std::set<std::string> different;
  for (const LoadRequest& request : requests) {
    EXPECT_EQ(Words(request.prompt), 30);
    EXPECT_EQ(request.max_tokens, 7);
    different.insert(FirstWords(request.prompt, 8));
  }
  EXPECT_EQ(different.size(), 50u) << "prompts share a beginning, which a cache would find";
  EXPECT_EQ(Make(options)[49].prompt, requests[49].prompt);
}

TEST(Dataset, RangeRatioSpreadsLengthsAndPrefixesAreShared) {
  const std::vector<LoadRequest> requests = Make({.num_prompts = 400,
                                                  .random_input_len = 20,
                                                  .random_output_len = 10,
                                                  .random_range_ratio = 0.5,
                                                  .random_prefix_len = 5});
  int64_t least = 1000, most = 0;
  for (const LoadRequest& request : requests) {
    least = std::min(least, Words(request.prompt));
    most = std::max(most, Words(request.prompt));
    EXPECT_GE(request.max_tokens, 5);
    EXPECT_LE(request.max_tokens, 15);
    EXPECT_EQ(FirstWords(request.prompt, 5), FirstWords(requests[0].prompt, 5));
  }
  EXPECT_EQ(least, 15);
  EXPECT_EQ(most, 35);
}

TEST(Dataset, PrefixRepetitionSharesEachPrefixEqually) {
  std::map<std::string, int> counts;
  for (const LoadRequest& request : Make({.name = "prefix_repetition",
                                          .num_prompts = 40,
                                          .prefix_repetition_prefix_len = 12,
                                          .prefix_repetition_suffix_len = 3,
                                          .prefix_repetition_num_prefixes = 4})) {
    EXPECT_EQ(Words(request.prompt), 15);
    ++counts[FirstWords(request.prompt, 12)];
  }
  EXPECT_EQ(counts.size(), 4u);
  for (const auto& [prefix, count] : counts) EXPECT_EQ(count, 10);
}

TEST(Dataset, ReadsFilesAndNamesTheLineThatIsWrong) {
  const TempDir folder;
  const std::string custom = folder.path() + "/custom.jsonl", sharegpt = folder.path() + "/sharegpt.json";
  std::ofstream(custom) << R"({"prompt": "one"})" << "\n\n" << R"({"prompt": "two", "output_tokens": 3})" << "\n";
  const std::vector<LoadRequest> lines = Make({.name = "custom", .path = custom, .num_prompts = 3});
  EXPECT_EQ(lines[0].max_tokens, 256);
  EXPECT_EQ(lines[1].prompt, "two");
  EXPECT_EQ(lines[1].max_tokens, 3);
  EXPECT_EQ(lines[2].prompt, "one") << "a file that ends begins again";

  std::ofstream(sharegpt) << R"([{"conversations": [{"value": "too short"}, {"value": "a b c d"}]}, {"id": 3},
    {"conversations": [{"value": 7}, {"value": ["a", "b", "c", "d"]}]}, {"conversations": [1, null]},
    {"conversations": [{"from": "human", "value": "what is the time"}, {"from": "gpt", "value": "it is a quarter past"}]}])";
  const std::vector<LoadRequest> turns = Make({.name = "sharegpt", .path = sharegpt, .num_prompts = 1});
  EXPECT_EQ(turns[0].prompt, "what is the time");
  EXPECT_EQ(turns[0].max_tokens, 5);

  EXPECT_EQ(Make({.name = "custom", .path = custom, .num_prompts = 1, .first_entry = 3}).front().prompt, "two");
  std::ofstream(custom, std::ios::app) << "{\"text\": 1}\n";
  EXPECT_THAT(std::string(Message(MakeDataset({.name = "custom", .path = custom}).status())), HasSubstr(", line 4: "));
  EXPECT_THAT(std::string(Message(MakeDataset({.name = "custom", .path = "nowhere"}).status())),
              StartsWith("cannot read the data set nowhere"));
}

}  // namespace
}  // namespace engine
