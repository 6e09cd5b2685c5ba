#include "server/http/trace_context.h"

#include <set>

#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr char kHeader[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, ARequestGetsASpanOfItsOwnInTheCallersTrace) {
  const auto trace = ParseTraceparent(kHeader);
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace->parent_id, "00f067aa0ba902b7");
  EXPECT_NE(trace->span_id, trace->parent_id);
  EXPECT_TRUE(trace->is_sampled);
  const auto told = ParseTraceparent(TraceResponse(*trace));
  ASSERT_TRUE(told.has_value()) << TraceResponse(*trace);
  EXPECT_EQ(told->trace_id, trace->trace_id);
  EXPECT_EQ(told->parent_id, trace->span_id);
}

TEST(TraceContext, OnlyTheFirstFlagSaysThatTheCallerRecords) {
  std::string header = kHeader;
  for (const auto& [flags, sampled] : {std::pair{"00", false}, {"02", false}, {"03", true}, {"ff", true}}) {
    header.replace(53, 2, flags);
    const auto trace = ParseTraceparent(header);
    ASSERT_TRUE(trace.has_value()) << header;
    EXPECT_EQ(trace->is_sampled, sampled) << header;
    EXPECT_EQ(TraceResponse(*trace).substr(53), sampled ? "01" : "00");
  }
}

TEST(TraceContext, AVersionToComeIsReadAsFarAsItIsKnown) {
  const std::string rest = std::string(kHeader).substr(2);
  EXPECT_TRUE(ParseTraceparent("cc" + rest).has_value());
  EXPECT_TRUE(ParseTraceparent("cc" + rest + "-what-else").has_value());
  EXPECT_FALSE(ParseTraceparent("cc" + rest + ".what-else").has_value());
  EXPECT_FALSE(ParseTraceparent("00" + rest + "-what-else").has_value());
  EXPECT_FALSE(ParseTraceparent("ff" + rest).has_value());
}

// Every byte turned into what may not stand there, and every length that is too short.
TEST(TraceContext, WhatIsMalformedIsIgnored) {
  const std::string good = kHeader;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'A', 'g', ' ', '\xff', '\0'}) {
      std::string bad = good;
      bad[i] = c;
      EXPECT_FALSE(ParseTraceparent(bad).has_value()) << bad;
    }
    EXPECT_FALSE(ParseTraceparent(good.substr(0, i)).has_value());
  }
  EXPECT_FALSE(ParseTraceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01").has_value());
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01").has_value());
}

TEST(TraceContext, IdsAreNotTheSameTwice) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const TraceContext trace = BeginTrace();
    EXPECT_EQ(trace.trace_id.size(), 32u);
    EXPECT_EQ(trace.span_id.size(), 16u);
    EXPECT_TRUE(seen.insert(trace.trace_id).second && seen.insert(trace.span_id).second);
  }
}

}  // namespace
}  // namespace engine
