#include "benchmarks/serve/load.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "benchmarks/statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<double> Intervals(const std::vector<double>& times) {
  std::vector<double> intervals = {times[0]};
  for (size_t i = 1; i < times.size(); ++i) intervals.push_back(times[i] - times[i - 1]);
  return intervals;
}

TEST(ArrivalTimes, AreTheSameForASeedAndEndWhenTheRateSays) {
  const LoadPacing pacing{.requests_per_second = 20, .seed = 7};
  const std::vector<double> times = ArrivalTimes(1000, pacing);
  EXPECT_EQ(times, ArrivalTimes(1000, pacing));
  EXPECT_NE(times, ArrivalTimes(1000, {.requests_per_second = 20, .seed = 8}));
  EXPECT_TRUE(std::ranges::is_sorted(times));
  EXPECT_DOUBLE_EQ(times.back(), 1000 / 20.0);
}

TEST(ArrivalTimes, AreAllTheStartWithoutARate) { EXPECT_THAT(ArrivalTimes(5, {}), Each(0.0)); }

// The gamma distribution of shape b has a deviation of 1 / sqrt(b) times its mean. Of 20,000 intervals the measured one is
// within 5 % of it: it deviates by about sqrt((1 + 3 / b) / 2n), 1.6 % at most here.
TEST(ArrivalTimes, DeviateAsTheirBurstinessSays) {
  for (const double burstiness : {0.25, 1.0, 16.0}) {
    const std::vector<double> intervals =
        Intervals(ArrivalTimes(20'000, {.requests_per_second = 10, .burstiness = burstiness, .seed = 3}));
    EXPECT_NEAR(Deviation(intervals) / Mean(intervals) * std::sqrt(burstiness), 1, 0.05) << burstiness;
  }
}

// Answers each request after as many actions of others as its max_tokens.
class FakeTarget : public LoadTarget {
 public:
  void Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) override {
    sent.push_back(request.prompt);
    most_at_once = std::max(most_at_once, ++running_);
    Later(request.max_tokens, [this, &record, on_end = std::move(on_end)] {
      --running_;
      record.output_tokens = 1;
      on_end();
    });
  }
  void At(TimePoint, std::function<void()> action) override { Later(0, std::move(action)); }
  void Run() override {
    while (!actions_.empty()) {
      const auto action = std::move(actions_.extract(actions_.begin()).mapped());
      ++time_;
      action();
    }
  }

  std::vector<std::string> sent;
  int most_at_once = 0;

 private:
  void Later(int delay, std::function<void()> action) { actions_.emplace(time_ + delay, std::move(action)); }

  std::multimap<int, std::function<void()>> actions_;
  int time_ = 0, running_ = 0;
};

TEST(RunLoad, SendsEverythingInOrderWithinItsLimit) {
  FakeTarget target;
  const std::vector<LoadRequest> requests = {{"a", 9}, {"b", 2}, {"c", 5}, {"d", 1}, {"e", 1}};
  const std::vector<LoadRecord> records = RunLoad(target, requests, {.max_concurrency = 2});
  EXPECT_THAT(target.sent, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(target.most_at_once, 2);
  EXPECT_THAT(records, SizeIs(5));
  for (const LoadRecord& record : records) EXPECT_EQ(record.output_tokens, 1);
}

TEST(RunLoad, SendsAllAtOnceWithoutALimit) {
  FakeTarget target;
  RunLoad(target, std::vector<LoadRequest>(6, LoadRequest{"a", 100}), {});
  EXPECT_EQ(target.most_at_once, 6);
}

}  // namespace
}  // namespace engine
