// Rows of results stored as f32, bf16 or q8_group, 32 values at a time: ops/store_row.h in vectors.
#pragma once

#include <cstddef>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/quantise_group.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// Values of one Set(): an activation group.
inline constexpr int64_t kStoreStep = kActivationGroup;

class F32Row {
 public:
  F32Row(std::byte* row, int64_t) : out_(reinterpret_cast<float*>(row)) {}
  void Set(int64_t i, F32x16 first, F32x16 second) const {
    Store(out_ + i, first);
    Store(out_ + i + 16, second);
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

 private:
  uint16_t* out_;
};

class Q8GroupRow {
 public:
  Q8GroupRow(std::byte* row, int64_t k) : out_(Q8RowAt(row, k)) {}
  void Set(int64_t i, F32x16 first, F32x16 second) const { QuantiseGroup(first, second, out_, i / kActivationGroup); }

 private:
  Q8Row out_;
};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
