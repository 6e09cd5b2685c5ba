// One device's part of a model: its weights, its share of the caches, and the program that is bound to them.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/device/device.h"
#include "core/graph/program.h"
#include "core/kv/cache_spec.h"
#include "core/runtime/weight_store.h"
#include "engine/step_buffers.h"
#include "ops/sample.h"

namespace engine {

struct RankParts {
  Device& device;
  std::unique_ptr<Stream> stream;
  Program program;
  std::vector<CacheGroup> cache_groups;
  std::vector<int> num_blocks;    // of each group's pool
  std::vector<int> least_blocks;  // of them, those that must have memory from the start
  WeightStore weights;
};

class Rank {
 public:
  // Allocates caches, arena and outputs, and binds the program to them, to the weights and to the inputs that the rank
  // reads. `inputs` outlives the rank's steps.
  static absl::StatusOr<std::unique_ptr<Rank>> Create(RankParts parts, const StepBuffers& inputs, int rank);

  // Runs a step of the inputs to its end, and brings `rows` samples to the host.
  absl::Status Run(const StepBuffers& inputs, const StepExtents& extents, int64_t rows);
  std::span<const SampledToken> samples(int64_t rows) const {
    return {reinterpret_cast<const SampledToken*>(samples_.host()), static_cast<size_t>(rows)};
  }

  // As Runner has them.
  absl::StatusOr<std::span<const float>> Logits(int row) { return Read(logits_, row, 1); }
  absl::StatusOr<std::span<const float>> HiddenStates(int first, int count) {
    return Read(hidden_states_, first, count);
  }

  // Sees to it that the first `blocks` blocks of a group's pool have memory. If it fails, as many have as before.
  absl::Status BackBlocks(int group, int blocks);
  int backed_blocks(int group) const { return pools_[group].backed_blocks; }

  const Program& program() const { return program_; }
  const WeightStore& weights() const { return weights_; }
  int64_t cache_bytes() const { return cache_bytes_; }

 private:
  struct Pool {
    Buffer memory;
    int64_t span_bytes = 0;  // of all layers
    int blocks = 0;
    int backed_blocks = 0;
  };
  struct LayerCache {
    std::byte* first_block;
    int64_t block_bytes;
  };
  // An output of the program of which rows are read, and hardly ever.
  struct RowOutput {
    std::byte* rows = nullptr;
    int64_t row_bytes = 0;
    Buffer staging = {};  // of as many rows as are read at once, for the host; empty where it reads the device's
  };

  Rank(RankParts parts, int rank)
      : rank_(rank),
        device_(parts.device),
        program_(std::move(parts.program)),
        weights_(std::move(parts.weights)),
        stream_(std::move(parts.stream)) {}
  absl::StatusOr<std::byte*> Allocate(int64_t bytes, int64_t backed_bytes);
  absl::Status CreatePool(const CacheGroup& group, int num_blocks, int least_blocks);
  absl::Status Bind(const StepBuffers& inputs);
  absl::StatusOr<std::byte*> PlaceOutput(const Value& value);
  absl::StatusOr<RowOutput> PlaceRows(const Value& value, int64_t staged_bytes);
  absl::StatusOr<std::span<const float>> Read(const RowOutput& output, int first, int count);
  absl::Status AwaitStream();

  const int rank_;
  Device& device_;
  Program program_;
  WeightStore weights_;
  std::vector<Buffer> buffers_;
  std::vector<Pool> pools_;                                // of each cache group
  std::map<std::string, LayerCache, std::less<>> caches_;  // "cache.<layer>"
  int64_t cache_bytes_ = 0;
  StagedBuffer samples_;
  RowOutput logits_, hidden_states_;
  std::unique_ptr<Stream> stream_;  // last: its work is done before what it uses goes
};

}  // namespace engine
