// Repetitions of one test on one model, run in slices of a few steps, so that others can be measured in between.
#pragma once

#include <vector>

#include "benchmarks/bench_model.h"
#include "benchmarks/random_tokens.h"

namespace engine {

class SpeedRun {
 public:
  // `model` must outlive it. Prompts are random tokens from `seed`.
  static absl::StatusOr<SpeedRun> Create(BenchModel& model, const SpeedTest& test, uint64_t seed);

  // Starts a repetition: everything before the timed part. The depth is read at the first time only.
  absl::Status Begin();

  bool done() const { return tokens_left_ <= 0; }
  // Up to `steps` steps of the timed part.
  absl::StatusOr<StepWork> Slice(int64_t steps);

 private:
  SpeedRun(BenchModel& model, const SpeedTest& test, Scheduler scheduler, uint64_t seed)
      : model_(&model), test_(test), scheduler_(std::move(scheduler)), random_(seed) {}
  absl::Status ReadDepth();

  BenchModel* model_;
  SpeedTest test_;
  Scheduler scheduler_;
  RandomTokens random_;
  std::vector<std::vector<int32_t>> depth_;  // per sequence
  std::vector<int64_t> running_;             // ids
  int64_t next_id_ = 0;
  int64_t tokens_left_ = 0;  // that sequences get in the timed part
};

}  // namespace engine
