#include "text/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>

namespace engine {
namespace {

using Stops = std::vector<std::string>;

constexpr unsigned kSeed = 11;

struct Result {
  std::string text;
  bool stopped;
  bool operator==(const Result&) const = default;
};

// Byte by byte over the whole text: the first end of any stop string, the longest that ends there.
Result Naive(const std::string& text, const Stops& stops, bool include) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, end - (include ? 0 : longest)), true};
  }
  return {text, false};
}

Result InPieces(const std::vector<std::string>& pieces, const Stops& stops, bool include) {
  StopMatcher matcher(stops, include);
  std::string out;
  for (const std::string& piece : pieces) out += matcher.Append(piece);
  out += matcher.Flush();
  return {out, matcher.stopped()};
}

TEST(StopMatcher, ReturnsTheTextBeforeAStopString) {
  EXPECT_EQ(InPieces({"hello END more"}, {"END"}, false), (Result{"hello ", true}));
  EXPECT_EQ(InPieces({"hello END more"}, {"END"}, true), (Result{"hello END", true}));
  EXPECT_EQ(InPieces({"hello"}, {"END"}, false), (Result{"hello", false}));
}

TEST(StopMatcher, HoldsBackOnlyWhatCouldStillStop) {
  StopMatcher matcher({"END"}, false);
  EXPECT_EQ(matcher.Append("aE"), "a");
  EXPECT_EQ(matcher.Append("N"), "");
  EXPECT_EQ(matcher.Append("xE"), "ENx");
  EXPECT_EQ(matcher.Flush(), "E");
}

TEST(StopMatcher, ReturnsNothingAfterItStopped) {
  StopMatcher matcher({"x"}, false);
  EXPECT_EQ(matcher.Append("axb"), "a");
  EXPECT_EQ(matcher.Append("c"), "");
  EXPECT_EQ(matcher.Flush(), "");
}

TEST(StopMatcher, FindsAStopStringCutAtEveryByte) {
  const std::string text = "ab\u4e2dENDz";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(InPieces({text.substr(0, cut), text.substr(cut)}, {"\u4e2dEND"}, false), (Result{"ab", true})) << cut;
  }
}

TEST(StopMatcher, TheStopStringThatIsCompleteFirstWins) {
  for (const Stops& stops : {Stops{"ab", "abc"}, Stops{"abc", "ab"}}) {
    EXPECT_EQ(InPieces({"xabc"}, stops, true), (Result{"xab", true}));
    EXPECT_EQ(InPieces({"xab", "c"}, stops, true), (Result{"xab", true}));
  }
  EXPECT_EQ(InPieces({"abcde"}, {"abcde", "cd"}, false), (Result{"ab", true}));
}

TEST(StopMatcher, OfTwoThatEndTogetherTheLongerWins) {
  EXPECT_EQ(InPieces({"xabc"}, {"bc", "abc"}, false), (Result{"x", true}));
}

TEST(StopMatcher, AgreesWithANaiveSearchHoweverTheTextIsCut) {
  std::mt19937 random(kSeed);
  const auto random_text = [&](size_t min_size, size_t max_size) {
    std::string text;
    for (size_t size = min_size + random() % (max_size - min_size + 1); size > 0; --size)
      text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    Stops stops;
    for (auto n = random() % 4; n > 0; --n) stops.push_back(random_text(1, 4));
    const std::string text = random_text(0, 14);
    std::vector<std::string> pieces = {""};
    for (const char c : text) {
      if (random() % 2 == 0) pieces.emplace_back();
      pieces.back() += c;
    }
    for (const bool include : {false, true}) {
      ASSERT_EQ(InPieces(pieces, stops, include), Naive(text, stops, include))
          << text << ", seed " << kSeed << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace engine
