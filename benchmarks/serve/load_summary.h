// What a load's records come to, in the terms of vLLM's `bench serve`.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/serve/load.h"

namespace engine {

// In milliseconds.
struct Latencies {
  std::vector<double> values;

  double mean() const;  // 0 where there are none, as of the others
  double median() const;
  double deviation() const;
  double percentile(double percent) const;
};

// The most that a request may take to count as good, in milliseconds, by "ttft", "tpot" or "e2el".
using Goodput = std::map<std::string, double>;

struct LoadSummary {
  int64_t completed = 0;
  int64_t failed = 0;
  std::string first_error;  // of those that failed
  double seconds = 0;       // from the first request to the end of the last
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;
  int64_t good = 0;  // completed within all limits of the goodput
  int64_t peak_concurrency = 0;
  double peak_tokens_per_second = 0;  // of the seconds of the run
  Latencies ttft;                     // sent to first text, of requests with any
  Latencies tpot;                     // per token after the first, of those with at least two
  Latencies itl;                      // between two pieces of text of one answer
  Latencies e2el;                     // sent to end

  double PerSecond(int64_t count) const { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
  const Latencies& Of(const std::string& metric) const;  // "ttft", "tpot", "itl", "e2el"
};

LoadSummary Summarize(std::span<const LoadRecord> records, const Goodput& goodput);

}  // namespace engine
