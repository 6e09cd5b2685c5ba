// What `engine bench serve` prints and saves: vLLM's layout and names, so that scripts that read one read both.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/serve/load_summary.h"
#include "nlohmann/json.hpp"

namespace engine {

struct LoadReport {
  std::string model;
  LoadPacing pacing;
  Goodput goodput;                          // empty: not asked for
  std::vector<std::string> metrics;         // whose latencies are shown: ttft, tpot, itl, e2el
  std::vector<float> percentiles = {99.0};  // of them
};

void PrintLoad(const LoadReport& report, const LoadSummary& summary);

// records: of which the lists of single requests are made; empty: without them.
nlohmann::ordered_json ToJson(const LoadReport& report, const LoadSummary& summary,
                              std::span<const LoadRecord> records);

}  // namespace engine
