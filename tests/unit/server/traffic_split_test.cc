#include "server/traffic/traffic_split.h"

#include <cmath>
#include <map>
#include <random>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::unique_ptr<TrafficSplit> Split(const std::string& text, uint64_t seed = 0) {
  auto split = TrafficSplit::Parse(text, seed);
  EXPECT_TRUE(split.ok()) << split.status();
  return *std::move(split);
}

std::string Refusal(const std::string& text) {
  const auto split = TrafficSplit::Parse(text);
  return split.ok() ? "taken" : std::string(Message(split.status()));
}

// Shares of `requests` requests, each with its own key or with none, within five standard deviations of the weights'.
void ExpectShares(TrafficSplit& split, int requests, bool with_keys) {
  double total = 0;
  for (const TrafficSplit::Share& share : split.shares()) total += share.weight;
  std::vector<int> counts(split.shares().size());
  for (int r = 0; r < requests; ++r) ++counts[split.Choose(with_keys ? absl::StrFormat("user-%d", r) : "")];
  for (size_t s = 0; s < split.shares().size(); ++s) {
    const double p = split.shares()[s].weight / total;
    EXPECT_NEAR(counts[s], requests * p, 5 * std::sqrt(requests * p * (1 - p)))
        << split.shares()[s].model << (with_keys ? " by key" : " by chance");
  }
}

TEST(TrafficSplit, EachModelGetsItsShareByKeyAndByChance) {
  std::mt19937 random(20261126);
  for (int round = 0; round < 20; ++round) {
    std::string text = "route=";
    const int models = 2 + static_cast<int>(random() % 4);
    for (int m = 0; m < models; ++m) absl::StrAppendFormat(&text, "%sm%d:%d", m > 0 ? "," : "", m, 1 + random() % 100);
    SCOPED_TRACE(text);
    for (const bool with_keys : {false, true}) ExpectShares(*Split(text, round), 20'000, with_keys);
  }
}

TEST(TrafficSplit, AKeyStaysWithItsModelInEveryServer) {
  const auto split = Split("chat=a:50,b:50", 1), other_server = Split("chat=a:50,b:50", 2);
  for (int k = 0; k < 1000; ++k) {
    const std::string key = absl::StrFormat("user-%d", k);
    const size_t first = split->Choose(key);
    EXPECT_EQ(split->Choose(key), first);
    EXPECT_EQ(other_server->Choose(key), first);
  }
}

// Raising one weight from 10 to 20 of 100 takes a tenth of the keys, and no other moves.
TEST(TrafficSplit, OtherWeightsMoveNoMoreKeysThanTheyMust) {
  const auto before = Split("chat=a:90,b:10"), after = Split("chat=a:80,b:20");
  int moved = 0;
  for (int k = 0; k < 10'000; ++k) {
    const std::string key = absl::StrFormat("user-%d", k);
    const size_t was = before->Choose(key), is = after->Choose(key);
    moved += was != is;
    if (was == 1) EXPECT_EQ(is, 1u);
  }
  EXPECT_NEAR(moved, 1000, 150);
}

TEST(TrafficSplit, TwoSplitsDecideApart) {
  const auto one = Split("one=a:1,b:1"), two = Split("two=a:1,b:1");
  int same = 0;
  for (int k = 0; k < 10'000; ++k) {
    const std::string key = absl::StrFormat("user-%d", k);
    same += one->Choose(key) == two->Choose(key);
  }
  EXPECT_NEAR(same, 5000, 250);
}

TEST(TrafficSplit, TheSameSeedDrawsTheSame) {
  const auto one = Split("chat=a:1,b:1", 7), again = Split("chat=a:1,b:1", 7);
  for (int r = 0; r < 100; ++r) EXPECT_EQ(one->Choose(""), again->Choose(""));
}

TEST(TrafficSplit, NamesMayHoldColons) {
  const auto split = Split("chat=llama3:8b:90,b:10");
  EXPECT_EQ(split->shares()[0].model, "llama3:8b");
  EXPECT_EQ(split->shares()[0].weight, 90);
}

TEST(TrafficSplit, WhatIsMalformedIsRefusedWithWhatItMustBe) {
  for (const char* text : {"", "chat", "=a:1", "chat=", "chat=a", "chat=:1", "chat=a:1,,b:1"}) {
    EXPECT_THAT(Refusal(text), AllOf(HasSubstr(std::string("'") + text + "'"), HasSubstr("NAME=MODEL:WEIGHT"))) << text;
  }
  for (const char* weight : {"0", "-1", "1.5", "many", "", "99999999999"}) {
    EXPECT_THAT(Refusal(std::string("chat=a:") + weight + ",b:10"), HasSubstr(std::string("weight '") + weight + "'"));
  }
  EXPECT_THAT(Refusal("chat=a:1,a:2"), HasSubstr("has a twice"));
}

}  // namespace
}  // namespace engine
