// Matrix steps of the port API for HIP.
#pragma once

#include <bit>

#include "backends/gpu/port/matrix_layout.h"

namespace engine::gpu {

#if defined(__GFX9__)
using MatrixLayout = CdnaMatrix;
#elif defined(__GFX11__)
using MatrixLayout = Rdna3Matrix;
#else
using MatrixLayout = Rdna4Matrix;
#endif
using MatrixOperand = OperandOf<MatrixLayout>;
template <typename T>
using MatrixSums = SumsOf<MatrixLayout, T>;

template <typename T, int kCount>
using Vector = T __attribute__((ext_vector_type(kCount)));

GPU_FN void MultiplyInt8(const MatrixOperand& a, const MatrixOperand& b, const MatrixSums<int32_t>& start,
                         MatrixSums<int32_t>& sums) {
  using Sums = Vector<int32_t, MatrixLayout::kValues>;
  Sums d = std::bit_cast<Sums>(start);
#if defined(__gfx90a__)
  for (int i = 0; i < 2; ++i) {
    d = __builtin_amdgcn_mfma_i32_16x16x16i8(static_cast<int>(a.words[i]), static_cast<int>(b.words[i]), d, 0, 0, 0);
  }
#elif defined(__GFX9__)
  d = __builtin_amdgcn_mfma_i32_16x16x32_i8(std::bit_cast<long>(a), std::bit_cast<long>(b), d, 0, 0, 0);
#else
  // Half of the row's bytes at a time. Both operands are signed; sums do not saturate.
  struct Halves {
    Vector<int32_t, MatrixLayout::kWords / 2> half[2];
  };
  const auto x = std::bit_cast<Halves>(a), y = std::bit_cast<Halves>(b);
  for (int i = 0; i < 2; ++i) {
#if defined(__GFX11__)
    d = __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32(true, x.half[i], true, y.half[i], d, false);
#else
    d = __builtin_amdgcn_wmma_i32_16x16x16_iu8_w32_gfx12(true, x.half[i], true, y.half[i], d, false);
#endif
  }
#endif
  sums = std::bit_cast<MatrixSums<int32_t>>(d);
}

GPU_FN void MultiplyBf16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums) {
  using Elements = Vector<int16_t, MatrixLayout::kWords * 2>;
  const auto x = std::bit_cast<Elements>(a), y = std::bit_cast<Elements>(b);
  auto d = std::bit_cast<Vector<float, MatrixLayout::kValues>>(sums);
#if defined(__GFX9__)
  d = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(x, y, d, 0, 0, 0);
#elif defined(__GFX11__)
  d = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(x, y, d);
#else
  d = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(x, y, d);
#endif
  sums = std::bit_cast<MatrixSums<float>>(d);
}

GPU_FN void MultiplyF16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums) {
  using Elements = Vector<_Float16, MatrixLayout::kWords * 2>;
  const auto x = std::bit_cast<Elements>(a), y = std::bit_cast<Elements>(b);
  auto d = std::bit_cast<Vector<float, MatrixLayout::kValues>>(sums);
#if defined(__GFX9__)
  d = __builtin_amdgcn_mfma_f32_16x16x16f16(x, y, d, 0, 0, 0);
#elif defined(__GFX11__)
  d = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(x, y, d);
#else
  d = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(x, y, d);
#endif
  sums = std::bit_cast<MatrixSums<float>>(d);
}

}  // namespace engine::gpu

#include "backends/gpu/port/load_operand.h"
