// A loaded model whose steps are run by hand: scheduler and runner as the engine has them, without tokenizer and threads
// of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/speed_test.h"
#include "benchmarks/step_work.h"
#include "core/runtime/scheduler.h"
#include "engine/open_model.h"

namespace engine {

class BenchModel {
 public:
  // Room for `tests`, all of which must fit the model's context.
  static absl::StatusOr<std::unique_ptr<BenchModel>> Create(EngineOptions options, const std::vector<SpeedTest>& tests);

  absl::StatusOr<Scheduler> NewScheduler() const;

  // Runs the next step of `scheduler` and adds it to `work`. Returns how many sequences got a token.
  absl::StatusOr<int> Step(Scheduler& scheduler, StepWork& work);

  int vocab() const { return model_.vocab; }
  Numerics numerics() const { return opened_.options.numerics; }
  DType weight_dtype() const { return weight_dtype_; }  // of most weight bytes
  DType kv_dtype() const;
  int64_t weight_bytes() const;
  Device& device() { return opened_.device(); }
  std::string device_name() const;  // of several: "2 x cuda:0"

 private:
  explicit BenchModel(OpenedModel opened) : opened_(std::move(opened)) {}

  OpenedModel opened_;
  LoadedModel model_;
  DType weight_dtype_ = DType::kF32;
};

}  // namespace engine
