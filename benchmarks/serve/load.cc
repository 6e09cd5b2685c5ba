#include "benchmarks/serve/load.h"

#include <cmath>
#include <deque>
#include <random>

namespace engine {
namespace {

// Sends what has come due as far as the limit lets it.
class Dispatcher {
 public:
  Dispatcher(LoadTarget& target, std::span<const LoadRequest> requests, int max_concurrency)
      : target_(target), requests_(requests), max_concurrency_(max_concurrency), records_(requests.size()) {}

  void ComesDue(size_t index) {
    due_.push_back(index);
    SendDue();
  }
  std::vector<LoadRecord> TakeRecords() { return std::move(records_); }

 private:
  void SendDue() {
    while (!due_.empty() && (max_concurrency_ == 0 || running_ < max_concurrency_)) {
      const size_t index = due_.front();
      due_.pop_front();
      ++running_;
      records_[index].sent = Now();
      target_.Send(requests_[index], records_[index], [this] {
        --running_;
        SendDue();
      });
    }
  }

  LoadTarget& target_;
  const std::span<const LoadRequest> requests_;
  const int max_concurrency_;
  std::vector<LoadRecord> records_;
  std::deque<size_t> due_;
  int running_ = 0;
};

}  // namespace

std::vector<LoadRecord> RunLoad(LoadTarget& target, std::span<const LoadRequest> requests, const LoadPacing& pacing) {
  Dispatcher dispatcher(target, requests, pacing.max_concurrency);
  const std::vector<double> arrivals = ArrivalTimes(static_cast<int>(requests.size()), pacing);
  const TimePoint start = Now();
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto delay = std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(arrivals[i]));
    target.At(start + delay, [&dispatcher, i] { dispatcher.ComesDue(i); });
  }
  target.Run();
  return dispatcher.TakeRecords();
}

std::vector<double> ArrivalTimes(int count, const LoadPacing& pacing) {
  std::vector<double> times(count, 0.0);
  if (std::isinf(pacing.requests_per_second) || count == 0) return times;
  std::mt19937_64 random(pacing.seed);
  std::gamma_distribution<double> interval(pacing.burstiness);
  double now = 0;
  for (double& time : times) time = now += interval(random);
  const double scale = count / pacing.requests_per_second / now;
  for (double& time : times) time *= scale;
  return times;
}

}  // namespace engine
