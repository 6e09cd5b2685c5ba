// Rows of results stored as f32, bf16 or q8_group, 32 values or a few times as many at once: ops/store_row.h in vectors.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/quantise_group.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// Set() stores the vectors x from value i on, whole steps; SetLast() the `count` values that remain behind the last.
inline constexpr int64_t kStoreStep = kActivationGroup;
// Steps that are taken at once where there are so many: ReduceMaxOfEach finds the maxima of four groups together.
inline constexpr int kStoreSteps = 4;

class F32Row {
 public:
  F32Row(std::byte* row, int64_t) : out_(reinterpret_cast<float*>(row)) {}
  template <int kVectors>
  void Set(int64_t i, const F32x16 (&x)[kVectors]) const {
    for (int v = 0; v < kVectors; ++v) Store(out_ + i + 16 * v, x[v]);
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
  template <int kVectors>
  void Set(int64_t i, const F32x16 (&x)[kVectors]) const {
    for (int v = 0; v < kVectors; ++v) StoreBf16(out_ + i + 16 * v, x[v]);
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
  template <int kVectors>
  void Set(int64_t i, const F32x16 (&x)[kVectors]) const {
    GroupPlace places[kVectors / 2];
    for (int g = 0; g < kVectors / 2; ++g) places[g] = PlaceIn(out_, i / kActivationGroup + g);
    QuantiseGroups(x, places);
  }
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

// Values [begin, begin + size) of an output row of row_values.
struct RowPart {
  std::byte* row;
  int64_t row_values;
  int64_t begin;
  int64_t size;
};

// Stores row.At(load, i) for i in [0, size) of the part.
template <typename Out, typename Row>
void StorePart(const Row& row, const RowPart& part) {
  constexpr int64_t kManySteps = kStoreSteps * kStoreStep;
  const Out out(part.row, part.row_values);
  const WholeVectors whole;
  int64_t i = 0;
  for (; i + kManySteps <= part.size; i += kManySteps) {
    F32x16 x[2 * kStoreSteps];
    for (int v = 0; v < 2 * kStoreSteps; ++v) x[v] = row.At(whole, i + 16 * v);
    out.Set(part.begin + i, x);
  }
  for (; i + kStoreStep <= part.size; i += kStoreStep) {
    out.Set(part.begin + i, {row.At(whole, i), row.At(whole, i + 16)});
  }
  if (i == part.size) return;
  const LastVectors last{part.size};
  out.SetLast(part.begin + i, row.At(last, i), row.At(last, i + 16), static_cast<int>(part.size - i));
}
template <typename Row>
void StorePartAs(DType dtype, const Row& row, const RowPart& part) {
  if (dtype == DType::kQ8Group) return StorePart<Q8GroupRow>(row, part);
  if (dtype == DType::kBF16) return StorePart<Bf16Row>(row, part);
  StorePart<F32Row>(row, part);
}
// The part that is all of the row.
template <typename Row>
void StoreRowAs(DType dtype, const Row& row, std::byte* out_row, int64_t size) {
  StorePartAs(dtype, row, {out_row, size, 0, size});
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
