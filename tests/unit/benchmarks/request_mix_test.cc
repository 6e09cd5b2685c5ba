#include "benchmarks/request_mix.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr int kVocab = 1000;

std::vector<Request> Round(RequestMix& mix) {
  std::vector<Request> requests;
  for (int r = 0; r < RequestMix::kRound; ++r) requests.push_back(mix.Next());
  return requests;
}

TEST(RequestMix, EveryRoundHasTheSameLengthsAndOtherTokens) {
  RequestMix mix(kVocab, 1);
  const std::vector<Request> first = Round(mix), second = Round(mix);
  EXPECT_EQ(mix.rounds(), 2);
  for (int r = 0; r < RequestMix::kRound; ++r) {
    EXPECT_EQ(first[r].prompt.size(), second[r].prompt.size());
    EXPECT_EQ(first[r].params.max_tokens, second[r].params.max_tokens);
    EXPECT_NE(first[r].prompt, second[r].prompt);
    EXPECT_LE(first[r].prompt.size(), size_t{RequestMix::kLongestPrompt});
    EXPECT_LE(first[r].params.max_tokens, RequestMix::kLongestAnswer);
  }
}

TEST(RequestMix, SomePromptsBeginAlike) {
  RequestMix mix(kVocab, 1);
  const std::vector<Request> requests = Round(mix);
  const auto alike = [&](const Request& other) {
    const auto& prompt = requests[1].prompt;
    return other.prompt.size() >= 256 && std::equal(prompt.begin(), prompt.begin() + 256, other.prompt.begin());
  };
  EXPECT_EQ(std::ranges::count_if(requests, alike), 4);
}

TEST(RequestMix, IsTheSameForTheSameSeed) {
  RequestMix a(kVocab, 7), b(kVocab, 7), c(kVocab, 8);
  const Request of_a = a.Next();
  EXPECT_EQ(of_a.prompt, b.Next().prompt);
  EXPECT_NE(of_a.prompt, c.Next().prompt);
}

}  // namespace
}  // namespace engine
