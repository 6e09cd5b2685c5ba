#include "benchmarks/serve/load_summary.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimePoint At(double seconds) {
  return TimePoint(std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds)));
}

LoadRecord Answered(double sent, const std::vector<double>& pieces, double ended) {
  LoadRecord record{.sent = At(sent), .ended = At(ended), .prompt_tokens = 10};
  for (const double piece : pieces) record.pieces.push_back(At(piece));
  record.output_tokens = static_cast<int64_t>(pieces.size());
  return record;
}

auto Near(double milliseconds) { return DoubleNear(milliseconds, 1e-3); }

TEST(LoadSummary, TimesOneRequestAsVllmDoes) {
  const LoadRecord record = Answered(1.0, {1.2, 1.25, 1.35}, 1.4);
  const LoadSummary summary = Summarize({&record, 1}, {});
  EXPECT_THAT(summary.ttft.values, ElementsAre(Near(200)));
  EXPECT_THAT(summary.itl.values, ElementsAre(Near(50), Near(100)));
  EXPECT_THAT(summary.e2el.values, ElementsAre(Near(400)));
  EXPECT_THAT(summary.tpot.values, ElementsAre(Near(100)));  // (400 - 200) / 2
  EXPECT_THAT(summary.PerSecond(summary.output_tokens), Near(3 / 0.4));
}

TEST(LoadSummary, RequestsThatFailedCountNowhereElse) {
  LoadRecord failed = Answered(0, {0.5}, 1);
  failed.error = "HTTP status 500: no";
  const std::vector<LoadRecord> records = {Answered(0, {0.1, 0.2}, 0.2), failed};
  const LoadSummary summary = Summarize(records, {});
  EXPECT_EQ(summary.completed, 1);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.first_error, "HTTP status 500: no");
  EXPECT_EQ(summary.prompt_tokens, 10);
  EXPECT_EQ(summary.output_tokens, 2);
  EXPECT_THAT(summary.ttft.values, ElementsAre(Near(100)));
  EXPECT_THAT(summary.seconds, DoubleNear(1, 1e-9));
}

// One that ends at once: nothing is seen of it before its end.
TEST(LoadSummary, AnAnswerWithoutATextHasNoTimeToItsFirst) {
  LoadRecord silent = Answered(0, {}, 0.3);
  silent.output_tokens = 2;
  const std::vector<LoadRecord> records = {silent, Answered(0, {0.1, 0.2}, 0.2)};
  const LoadSummary summary = Summarize(records, {{"ttft", 200}});
  EXPECT_EQ(summary.completed, 2);
  EXPECT_THAT(summary.ttft.values, ElementsAre(Near(100)));
  EXPECT_THAT(summary.tpot.values, ElementsAre(Near(100)));
  EXPECT_THAT(summary.e2el.values, ElementsAre(Near(300), Near(200)));
  EXPECT_EQ(summary.good, 1);
}

TEST(LoadSummary, DeviationIsOfTheValuesAsNumpyHasIt) {
  EXPECT_DOUBLE_EQ((Latencies{{2, 4, 4, 4, 5, 5, 7, 9}}.deviation()), 2);
  EXPECT_EQ(Latencies{{3}}.deviation(), 0);
}

TEST(LoadSummary, AnAnswerOfOneTokenHasNoTimePerFurtherOne) {
  const LoadRecord record = Answered(0, {0.3}, 0.3);
  const LoadSummary summary = Summarize({&record, 1}, {});
  EXPECT_THAT(summary.tpot.values, IsEmpty());
  EXPECT_EQ(summary.tpot.percentile(99), 0);
}

TEST(LoadSummary, GoodputCountsRequestsWithinEveryLimit) {
  const std::vector<LoadRecord> records = {Answered(0, {0.1, 0.2}, 0.2),    // ttft 100, tpot 100
                                           Answered(0, {0.3, 0.31}, 0.31),  // ttft 300, tpot 10
                                           Answered(0, {0.1, 0.11}, 0.11)};
  EXPECT_EQ(Summarize(records, {{"ttft", 150}}).good, 2);
  EXPECT_EQ(Summarize(records, {{"ttft", 150}, {"tpot", 50}}).good, 1);
  EXPECT_EQ(Summarize(records, {{"e2el", 1000}}).good, 3);
  EXPECT_EQ(Summarize(records, {}).good, 3);
}

TEST(LoadSummary, PeakConcurrencyIsOfRequestsThatOverlap) {
  const std::vector<LoadRecord> records = {Answered(0, {1}, 1), Answered(1, {2}, 2), Answered(1.5, {3}, 3),
                                           Answered(1.8, {1.9}, 1.9)};
  EXPECT_EQ(Summarize(records, {}).peak_concurrency, 3);
}

TEST(LoadSummary, PeakThroughputIsOfTheBusiestSecond) {
  const std::vector<LoadRecord> records = {Answered(0, {0.5, 1.1, 1.2, 2.5}, 2.6), Answered(1, {1.5}, 1.5)};
  EXPECT_DOUBLE_EQ(Summarize(records, {}).peak_tokens_per_second, 3);
}

TEST(LoadSummary, OfNothingIsNothing) {
  const LoadSummary summary = Summarize({}, {});
  EXPECT_EQ(summary.completed, 0);
  EXPECT_EQ(summary.PerSecond(5), 0);
}

}  // namespace
}  // namespace engine
