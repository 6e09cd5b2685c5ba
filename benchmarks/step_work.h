// What a step had to read and compute at least, and the time it took.
#pragma once

#include "core/graph/program.h"
#include "core/runtime/step_plan.h"

namespace engine {

struct StepWork {
  double seconds = 0;
  int64_t steps = 0;
  int64_t tokens = 0;
  double bytes = 0;                 // weights, visible keys and values, and the rows of the ops that read them
  double layer_operations = 0;      // of the linears that every token passes; a multiply-add is two
  double head_operations = 0;       // of those that only sampled rows pass
  double attention_operations = 0;  // of visible positions

  StepWork& operator+=(const StepWork& other);
};

// The least work of `plan`, without its time. Ops that move a few rows only are not counted.
StepWork LeastWork(const Program& program, const StepPlan& plan);

}  // namespace engine
