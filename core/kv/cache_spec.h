// What a layer keeps of the tokens it has seen, and the groups of layers that keep the same.
// Layers of one group share a pool of blocks and one block table per sequence.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/dtype.h"
#include "core/base/round_up.h"
#include "core/base/status.h"
#include "core/kv/block_size.h"

namespace engine {

enum class CacheKind : uint8_t {
  kPaged,   // K and V of every token
  kWindow,  // K and V of the last `window` tokens
  kLatent,  // one compressed row per token (MLA)
  kState,   // one fixed-size state per sequence (recurrent layers)
};

struct CacheSpec {
  CacheKind kind = CacheKind::kPaged;
  int window = 0;  // kWindow: tokens a query sees, itself included: position p sees p - window + 1 … p; otherwise 0
  int kv_heads = 0;
  int head_dim = 0;
  DType dtype = DType::kBF16;

  bool operator==(const CacheSpec&) const = default;
  std::string ToString() const;  // "window(512) 8x128 bf16"
};

constexpr int64_t WholeSpans(int64_t num_blocks) { return RoundUp(num_blocks, kSpanBlocks); }

// The number of a group's block among the blocks of all `layers` of its pool, counted from the layer's first.
constexpr int32_t BlockInPool(int32_t block, int32_t layers) {
  return block / kSpanBlocks * kSpanBlocks * layers + block % kSpanBlocks;
}

constexpr int64_t BlocksForTokens(int64_t num_tokens) { return DivideUp(num_tokens, kBlockTokens); }

struct CacheGroup {
  CacheSpec spec;
  std::vector<int> layers;  // ascending
};

// Groups in the order of their first layers. Refuses what no cache can hold yet, naming the layer.
absl::StatusOr<std::vector<CacheGroup>> GroupCaches(std::span<const CacheSpec> per_layer);

// K and V of one block in one layer, and in all layers of a group.
int64_t BlockBytes(const CacheSpec& spec);
int64_t BlockBytes(const CacheGroup& group);

// The first position that a query at `position` sees.
constexpr int64_t FirstVisible(const CacheSpec& spec, int64_t position) {
  return spec.kind == CacheKind::kWindow && position >= spec.window ? position - spec.window + 1 : 0;
}

// How many of the last blocks before a block boundary the next tokens need, of `num_blocks` that precede it.
int64_t BlocksBehind(const CacheSpec& spec, int64_t num_blocks);

// The most blocks one sequence of up to `num_tokens` owns at once, if it is computed in chunks of up to `chunk`.
int64_t PeakBlocks(const CacheSpec& spec, int64_t num_tokens, int64_t chunk);

}  // namespace engine
