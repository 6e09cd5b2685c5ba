// Attention of one query and head over a paged cache: numerics rule 6, the reference of paged_attention.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tensor/tensor.h"

namespace engine {

// K and V of one sequence and KV head, by absolute position.
class KvView {
 public:
  // blocks: the sequence's row of the block table. Borrows all.
  KvView(const Tensor& cache, const int32_t* blocks, int64_t head, int64_t kv_heads, int64_t head_dim)
      : cache_(cache), blocks_(blocks), head_(head), kv_heads_(kv_heads), head_dim_(head_dim) {}

  DType dtype() const { return cache_.spec->dtype; }
  int64_t head_dim() const { return head_dim_; }

  // Element is float for an f32 cache, uint16_t for a bf16 one, int8_t for an int8 one.
  template <typename Element>
  Element Key(int64_t position, int64_t dim) const;
  template <typename Element>
  Element Value(int64_t position, int64_t dim) const;

  // Of an int8 cache.
  float KeyScale(int64_t position) const;
  float ValueScale(int64_t position) const;

 private:
  int64_t PartOffset(int64_t position) const;

  const Tensor& cache_;
  const int32_t* blocks_;
  int64_t head_;
  int64_t kv_heads_;
  int64_t head_dim_;
};

// Positions [begin, end) that a query sees; never empty.
struct Visible {
  int64_t begin;
  int64_t end;
};

// q: head_dim elements of the cache's dtype; f32 for an int8 cache.
void AttendRow(const KvView& kv, const std::byte* q, float scale, Visible visible, std::span<float> out);

}  // namespace engine
