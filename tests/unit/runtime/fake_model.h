// A model without arithmetic: what it stores for a token is a hash of that token and of everything the token sees in
// the cache, as K and V of a real model depend on all earlier tokens; what it draws is a hash of what it stores. A
// block that was freed too early, shared wrongly or addressed wrongly changes every later token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/scheduler.h"

namespace engine {

class FakeModel {
 public:
  FakeModel(std::vector<CacheGroup> groups, std::span<const int> num_blocks, int vocab_size);

  // What a step needs, copied when it is submitted: the scheduler may change everything a plan points at.
  struct Row {
    LogitsRow row;
    uint64_t key;  // of the request's sampler
    std::vector<int32_t> masked;
  };
  struct Inputs {
    std::vector<ScheduledSequence> sequences;
    std::vector<TokenInput> tokens;
    std::vector<Row> rows;
    std::vector<std::vector<BlockTable>> tables;  // [sequence][group]
  };
  static Inputs Fill(const StepPlan& plan);

  // Steps run in the order of submission. The result is valid until the next run.
  std::span<const RowResult> Run(const Inputs& inputs);

  struct Answer {
    std::vector<int32_t> tokens;
    std::vector<float> prompt_logprobs;  // [p]: of prompt token p; 0 for the first
    FinishReason reason = FinishReason::kNone;
  };
  // What the request must get, whoever runs beside it.
  Answer RunAlone(const Request& request, const SchedulerConfig& config) const;

 private:
  uint64_t& Slot(int group, int32_t block, int64_t position);
  uint64_t ComputeToken(const std::vector<BlockTable>& tables, int64_t position, int32_t token);
  RowResult Sample(uint64_t state, const Row& row) const;

  std::vector<CacheGroup> groups_;
  int vocab_size_;
  std::vector<std::vector<uint64_t>> pools_;  // [group][block, row]
  std::vector<RowResult> results_;
};

}  // namespace engine
