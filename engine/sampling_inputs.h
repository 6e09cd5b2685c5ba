// Sampling parameters of a step's rows, as the sample op reads them (ops/sample.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/runtime/scheduler_config.h"
#include "core/runtime/step_plan.h"
#include "ops/sample.h"

namespace engine {

// Distinct tokens of one row that may be biased, forbidden or penalised: all of a small vocabulary, else a context's
// worth, the biases a request may bring, and the tokens that end an answer.
int64_t MaxAdjustmentsPerRow(int vocab_size, const SchedulerConfig& limits);

class SamplingInputs {
 public:
  explicit SamplingInputs(int vocab_size) : slot_of_token_(vocab_size, -1) {}

  // Writes plan.rows.size() SamplingRows and their TokenAdjustments; returns the end of these.
  const std::byte* Fill(const StepPlan& plan, std::byte* rows, std::byte* adjustments);

 private:
  void FillRow(const StepPlan& plan, const LogitsRow& row, SamplingRow& out);
  void AddContext(const StepPlan& plan, const LogitsRow& row);
  TokenAdjustment& Adjust(int32_t token);

  TokenAdjustment* adjustments_ = nullptr;  // of the step being filled
  int32_t count_ = 0;
  std::vector<int32_t> slot_of_token_;  // of the row being filled; -1 elsewhere
};

}  // namespace engine
