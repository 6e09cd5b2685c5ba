// Rows of results stored as f32, bf16 or q8_group, 32 values at a time: ops/store_row.h in vectors.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/quantise_group.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// Values of one Set(): an activation group.
inline constexpr int64_t kStoreStep = kActivationGroup;

// Set() stores values [i, i + 32) of a row; SetLast() the `count` < 32 that remain behind the last whole 32.
class F32Row {
 public:
  F32Row(std::byte* row, int64_t) : out_(reinterpret_cast<float*>(row)) {}
  void Set(int64_t i, F32x16 first, F32x16 second) const {
    Store(out_ + i, first);
    Store(out_ + i + 16, second);
  }
  void SetLast(int64_t i, F32x16 first, F32x16 second, int count) const {
    Store(out_ + i, first, std::min(count, 16));
    if (count > 16) Store(out_ + i + 16, second, count - 16);
  }

 private:
  float* out_;
};

class Bf16Row {
 public:
  Bf16Row(std::byte* row, int64_t) : out_(reinterpret_cast<uint16_t*>(row)) {}
  void Set(int64_t i, F32x16 first, F32x16 second) const {
    StoreBf16(out_ + i, first);
    StoreBf16(out_ + i + 16, second);
  }
  void SetLast(int64_t i, F32x16 first, F32x16 second, int count) const {
    uint16_t last[kStoreStep];
    StoreBf16(last, first);
    StoreBf16(last + 16, second);
    std::copy_n(last, count, out_ + i);
  }

 private:
  uint16_t* out_;
};

class Q8GroupRow {
 public:
  Q8GroupRow(std::byte* row, int64_t k) : out_(Q8RowAt(row, k)) {}
  void Set(int64_t i, F32x16 first, F32x16 second) const { QuantiseGroup(first, second, out_, i / kActivationGroup); }
  // Rows are whole groups (core/tensor/q8_row.h).
  void SetLast(int64_t, F32x16, F32x16, int) const {}

 private:
  Q8Row out_;
};

// x[i .. i + 16); beyond the end zeros.
struct WholeVectors {
  F32x16 operator()(const float* x, int64_t i) const { return Load(x + i); }
};
struct LastVectors {
  int64_t size;
  F32x16 operator()(const float* x, int64_t i) const {
    return Load(x + std::min(i, size), static_cast<int>(std::clamp<int64_t>(size - i, 0, 16)));
  }
};

// Stores row.At(load, i) for i in [0, size).
template <typename Out, typename Row>
void StoreRow(const Row& row, std::byte* out_row, int64_t size) {
  const Out out(out_row, size);
  const WholeVectors whole;
  int64_t i = 0;
  for (; i + kStoreStep <= size; i += kStoreStep) out.Set(i, row.At(whole, i), row.At(whole, i + 16));
  if (i == size) return;
  const LastVectors last{size};
  out.SetLast(i, row.At(last, i), row.At(last, i + 16), static_cast<int>(size - i));
}
template <typename Row>
void StoreRowAs(DType dtype, const Row& row, std::byte* out_row, int64_t size) {
  if (dtype == DType::kQ8Group) return StoreRow<Q8GroupRow>(row, out_row, size);
  if (dtype == DType::kBF16) return StoreRow<Bf16Row>(row, out_row, size);
  StoreRow<F32Row>(row, out_row, size);
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
