// What the machine can do at this moment for one model, and the time that a step would take if it did.
#pragma once

#include "benchmarks/bench_model.h"
#include "benchmarks/roof.h"
#include "benchmarks/step_work.h"

namespace engine {

// Per second: bytes, operations of the linears' dot products, operations of attention's.
struct Peaks {
  double memory = 0;
  double linears = 0;
  double attention = 0;
};

Peaks Between(const Peaks& a, const Peaks& b);

// The least time that a machine with these peaks takes.
double LeastSeconds(const StepWork& work, const Peaks& peaks);

class Probes {
 public:
  Probes(Roof& roof, const BenchModel& model)
      : roof_(roof), linears_(DotLimit(model.weight_dtype())), attention_(AttentionLimit(model.kv_dtype())) {}

  Peaks Measure();

 private:
  Roof& roof_;
  Limit linears_;
  Limit attention_;
};

}  // namespace engine
