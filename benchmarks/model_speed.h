// How fast a model reads prompts and makes tokens, beside what the machine could do at that moment.
//
// A repetition runs in slices of about 50 ms, and the machine is probed before and after each: read bandwidth on shared
// hosts flips within seconds. Every figure is a median over slices, and a share the median of slice over its own probes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "benchmarks/bench_model.h"
#include "benchmarks/roof.h"

namespace engine {

struct SpeedResult {
  SpeedTest test;
  std::string device, isa;
  // On the device; of several that compute together, on each, as all work and roofs below are.
  int64_t weight_bytes = 0;
  Numerics numerics = Numerics::kInvariant;
  int threads = 0;
  double tokens_per_second = 0;      // mean of the repetitions, of all sequences together
  double deviation = 0;              // standard, of one repetition
  double bytes_per_second = 0;       // of weights and cache
  double operations_per_second = 0;  // of the layers' linears: head and attention are not counted
  // What the machine did in the probes: bytes per second where tokens are made, dot products of the weights' kind where
  // prompts are read. 0: no probe for this device.
  double roof = 0;
  double share = 0;  // of that roof
  // The least time by all probes over the measured one. Least: bytes ÷ bandwidth, or operations of linears ÷ their peak
  // + operations of attention ÷ its peak, whichever is longer.
  double time_share = 0;
  double speed_ratio = 1;  // over the first of the models measured together
};

// Several models on the same test, their slices in turn. All have the first one's device and weights.
absl::StatusOr<std::vector<SpeedResult>> MeasureSpeed(std::span<const std::unique_ptr<BenchModel>> models, Roof& roof,
                                                      const SpeedTest& test, int repetitions, uint64_t seed);

}  // namespace engine
