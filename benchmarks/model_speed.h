// How fast a model reads prompts and makes tokens, beside what the machine could do at that moment.
// Scheduler and runner as the engine has them, without tokenizer: prompts are random tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/roof.h"
#include "core/runtime/scheduler.h"
#include "engine/open_model.h"

namespace engine {

// Either is timed: a prompt being read, or tokens being made; with `depth` tokens in the cache before.
struct SpeedTest {
  int prompt_tokens = 0;     // of each sequence
  int generated_tokens = 0;  // of each sequence
  int batch = 1;
  int depth = 0;

  std::string name() const;        // "pp512", "tg128 b8 @4096"
  int64_t context_tokens() const;  // the most of one sequence
};

struct SpeedResult {
  SpeedTest test;
  int threads = 0;
  double tokens_per_second = 0;  // mean of the repetitions, of all sequences together
  double deviation = 0;          // standard, of one repetition
  double achieved = 0;  // decode: bytes per second of weights and KV; prompts: operations per second of linears
  double roof = 0;      // what the machine did in the probes beside it, in the same unit; 0: no probe for it
  double share = 0;     // median over the repetitions of achieved / roof
};

class ModelSpeed {
 public:
  // Room for `tests`, all of which must fit the model's context.
  static absl::StatusOr<std::unique_ptr<ModelSpeed>> Create(EngineOptions options, const std::vector<SpeedTest>& tests,
                                                            uint64_t seed);

  absl::StatusOr<SpeedResult> Measure(const SpeedTest& test, int repetitions);

  std::string weight_format() const { return std::string(Name(weight_dtype_)); }  // of most weight bytes
  int64_t weight_bytes() const;
  const DeviceInfo& device() const { return opened_.device->info(); }

 private:
  struct Work {
    double seconds = 0;
    int64_t tokens = 0;
    double bytes = 0;
    double operations = 0;
  };

  ModelSpeed(OpenedModel opened, uint64_t seed) : opened_(std::move(opened)), random_(seed) {}
  absl::StatusOr<Work> MeasureOnce(const SpeedTest& test);
  // One step of `scheduler`, added to `work`. Returns how many sequences got a token.
  absl::StatusOr<int> Step(Scheduler& scheduler, Work& work);
  absl::Status StepUntilTokens(Scheduler& scheduler, int64_t count, Work& work);
  std::vector<int32_t> RandomTokens(int count);
  DType CommonestWeight() const;

  OpenedModel opened_;
  LoadedModel model_;
  DType weight_dtype_ = DType::kF32;
  std::unique_ptr<Roof> roof_;
  uint64_t random_;  // state of the token generator
};

}  // namespace engine
