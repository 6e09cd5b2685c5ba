// A load on a server or an engine: what is asked, when, and what came back.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.h"

namespace engine {

struct LoadRequest {
  std::string prompt;
  int max_tokens = 0;
};

// What came back for one request.
struct LoadRecord {
  TimePoint sent{};
  std::vector<TimePoint> pieces;  // when text came
  TimePoint ended{};
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;
  std::string error;  // empty: answered to the end
};

struct LoadPacing {
  double requests_per_second = std::numeric_limits<double>::infinity();  // infinite: all at once
  double burstiness = 1;    // shape of the gamma distribution of the time between two; 1: a Poisson process
  int max_concurrency = 0;  // requests that come due beyond it wait; 0: no limit
  uint64_t seed = 0;
};

// Whoever answers: a server over HTTP, or an engine in this process.
class LoadTarget {
 public:
  virtual ~LoadTarget() = default;

  // Before Run, or from an action or `on_end`. `record` is written until on_end is called.
  virtual void Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) = 0;
  virtual void At(TimePoint when, std::function<void()> action) = 0;
  // Returns when everything has ended. All actions and on_end are called within, one at a time.
  virtual void Run() = 0;
};

// Records in the order of the requests.
std::vector<LoadRecord> RunLoad(LoadTarget& target, std::span<const LoadRequest> requests, const LoadPacing& pacing);

// Seconds from the start at which each request comes due, ascending. Scaled so that the last one comes at
// count / requests_per_second, whatever the seed.
std::vector<double> ArrivalTimes(int count, const LoadPacing& pacing);

}  // namespace engine
