// A compiled model on its devices: fills a step's inputs, runs the program, hands back what was sampled.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/thread_team.h"
#include "core/kv/block_manager.h"
#include "core/runtime/step_plan.h"
#include "engine/rank.h"

namespace engine {

class Runner {
 public:
  // Each rank runs on a thread of its own, the first on that of the caller. All have the same program but for its weights.
  static absl::StatusOr<std::unique_ptr<Runner>> Create(std::vector<RankParts> ranks, int vocab_size);

  // Runs one step to its end, on all devices. What it returns is overwritten by the next. The blocks that it writes have
  // memory.
  absl::StatusOr<std::span<const SampledToken>> Run(const StepPlan& plan);

  // Sees to it that the first `blocks` blocks of a cache group's pool have memory on every device; how many have. Where they
  // are fewer, shortage() says why. A step may use no others.
  int BackBlocks(int group, int blocks);
  const absl::Status& shortage() const { return shortage_; }

  // The tokens that row `row` of the next step may draw, if its sequence is constrained (ops/sample.h). Fill it before.
  std::span<uint32_t> token_mask(int row) const { return inputs_.token_mask(row); }

  // Row `row` of the last step's logits, padding included. What the head would read of its input tokens, one row after
  // the other, where the model was built to keep that. What they return is overwritten by the next call.
  absl::StatusOr<std::span<const float>> Logits(int row) { return ranks_.front()->Logits(row); }
  absl::StatusOr<std::span<const float>> HiddenStates(int first, int count) {
    return ranks_.front()->HiddenStates(first, count);
  }

  // Of the first device; the others' are alike.
  const Program& program() const { return ranks_.front()->program(); }
  const WeightStore& weights() const { return ranks_.front()->weights(); }
  int64_t cache_bytes() const { return ranks_.front()->cache_bytes(); }

 private:
  explicit Runner(StepBuffers inputs) : inputs_(std::move(inputs)) {}
  bool IsBacked(const StepPlan& plan) const;

  StepBuffers inputs_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::vector<absl::Status> results_;  // of each rank's part of the step
  absl::Status shortage_;
  std::unique_ptr<ThreadTeam> team_;  // none where one thread is enough
};

// For a scheduler of the runner's steps. The first time that memory is short it tells `warn`, if there is one; what runs
// waits for blocks from then on. The runner outlives it.
BackBlocks BackBlocksOf(Runner& runner, std::function<void(const std::string&)> warn);

}  // namespace engine
