// A compiled model on its device: fills a step's inputs, runs the program, hands back what was sampled.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/device/device.h"
#include "core/graph/program.h"
#include "core/kv/cache_spec.h"
#include "core/runtime/step_plan.h"
#include "core/runtime/weight_store.h"
#include "engine/step_buffers.h"
#include "ops/sample.h"

namespace engine {

// A device's part of the model. A compiled model is a list of stages; one is normal.
struct Stage {
  Program program;
  std::vector<CacheGroup> cache_groups;
  std::vector<int> num_blocks;  // of each group's pool
};

class Runner {
 public:
  // Allocates caches, arena and step buffers, and binds the program to them and to `weights`.
  static absl::StatusOr<std::unique_ptr<Runner>> Create(Device& device, std::vector<Stage> stages, WeightStore weights,
                                                        int vocab_size);

  // Runs one step to its end. What it returns is overwritten by the next.
  absl::StatusOr<std::span<const SampledToken>> Run(const StepPlan& plan);

  // The tokens that row `row` of the next step may draw, if its sequence is constrained (ops/sample.h). Fill it before.
  std::span<uint32_t> token_mask(int row) const;

  // Row `row` of the last step's logits, padding included. What the head would read of its input token `token`, where the
  // model was built to keep that. What they return is overwritten by the next call.
  absl::StatusOr<std::span<const float>> Logits(int row) { return Read(logits_, row); }
  absl::StatusOr<std::span<const float>> HiddenState(int token) { return Read(hidden_states_, token); }

  const Program& program() const { return stages_.front().program; }
  const WeightStore& weights() const { return weights_; }
  int64_t cache_bytes() const { return cache_bytes_; }

 private:
  struct LayerCache {
    std::byte* first_block;
    int64_t block_bytes;
  };

  Runner(std::vector<Stage> stages, WeightStore weights, StepBuffers inputs)
      : stages_(std::move(stages)), weights_(std::move(weights)), inputs_(std::move(inputs)) {}
  absl::StatusOr<std::byte*> Allocate(int64_t bytes, int64_t backed_bytes, Device& device);
  absl::Status AllocatePools(Device& device);
  absl::Status BindStage(Device& device);
  absl::StatusOr<std::byte*> PlaceOutput(const Value& value, Device& device);
  // An output of the program that is read row by row, and hardly ever.
  struct RowOutput {
    std::byte* rows = nullptr;
    int64_t row_bytes = 0;
    Buffer staging = {};  // of a row, for the host; empty where it reads the device's
  };
  absl::StatusOr<RowOutput> PlaceRows(const Value& value, Device& device);
  absl::StatusOr<std::span<const float>> Read(const RowOutput& output, int row);
  absl::Status AwaitStream();

  std::vector<Stage> stages_;
  WeightStore weights_;
  StepBuffers inputs_;
  std::vector<Buffer> buffers_;
  std::map<std::string, LayerCache, std::less<>> caches_;  // "cache.<layer>"
  int64_t cache_bytes_ = 0;
  StagedBuffer samples_;
  RowOutput logits_, hidden_states_;
  std::unique_ptr<Stream> stream_;  // last: its work is done before what it uses goes
};

}  // namespace engine
