// Small schedulers and requests for tests.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "core/runtime/scheduler.h"

namespace engine {

inline CacheGroup PagedGroup() {
  return {.spec = {.kind = CacheKind::kPaged, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32}, .layers = {0}};
}

inline CacheGroup WindowGroup(int window) {
  return {.spec = {.kind = CacheKind::kWindow, .window = window, .kv_heads = 1, .head_dim = 16, .dtype = DType::kF32},
          .layers = {1}};
}

inline SchedulerConfig SmallConfig() {
  return {.max_num_seqs = 4,
          .max_num_batched_tokens = 64,
          .max_model_len = 256,
          .max_sampled = 8,
          .max_steps_in_flight = 1,
          .enable_prefix_caching = true,
          .eos_token_ids = {2}};
}

// One paged group of `num_blocks` blocks.
inline Scheduler MakeScheduler(const SchedulerConfig& config, int num_blocks) {
  return *Scheduler::Create(config, std::vector{PagedGroup()}, std::vector{num_blocks});
}

// Prompts of different first tokens share no prefix.
inline Request MakeRequest(int64_t id, int prompt_tokens, int32_t first_token = 1000) {
  Request request = {.id = id, .prompt = std::vector<int32_t>(prompt_tokens)};
  std::iota(request.prompt.begin(), request.prompt.end(), first_token);
  return request;
}

// A step's result in which every row draws `token`.
inline std::vector<RowResult> AllDraw(const StepPlan& plan, int32_t token) {
  return std::vector<RowResult>(plan.rows.size(), RowResult{.token = token});
}

inline std::vector<SequenceEvent> CommitAll(Scheduler& scheduler, StepPlan plan, int32_t token) {
  const std::vector<RowResult> rows = AllDraw(plan, token);
  const auto events = scheduler.Commit(std::move(plan), {.rows = rows});
  return {events.begin(), events.end()};
}

// One whole step in which every row draws `token`.
inline std::vector<SequenceEvent> Step(Scheduler& scheduler, int32_t token) {
  return CommitAll(scheduler, *scheduler.Next(), token);
}

}  // namespace engine
