// Latency over throughput: how long clients wait as a server is asked for more.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/serve/load_summary.h"

namespace engine {

struct LoadPoint {
  std::string name;  // what was asked: "8 at once", "2 requests/s"
  LoadSummary summary;
};

// A whole SVG document: median and 99th percentile of time to first token and of inter-token latency over output tokens per
// second, a line each, a dot per point in the order of their throughput. Points where nothing was answered are left out.
std::string DrawLoadPlot(const std::string& title, std::vector<LoadPoint> points);

}  // namespace engine
