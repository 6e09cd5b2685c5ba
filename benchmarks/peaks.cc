#include "benchmarks/peaks.h"

#include <algorithm>

namespace engine {

Peaks Between(const Peaks& a, const Peaks& b) {
  return {(a.memory + b.memory) / 2, (a.linears + b.linears) / 2, (a.attention + b.attention) / 2};
}

double LeastSeconds(const StepWork& work, const Peaks& peaks) {
  const double reading = work.bytes / peaks.memory;
  const double computing = (work.layer_operations + work.head_operations) / peaks.linears;
  return std::max(reading, computing + work.attention_operations / peaks.attention);
}

Peaks Probes::Measure() {
  Peaks peaks{.memory = roof_.Measure(Limit::kMemory), .linears = roof_.Measure(linears_)};
  peaks.attention = attention_ == linears_ ? peaks.linears : roof_.Measure(attention_);
  return peaks;
}

}  // namespace engine
