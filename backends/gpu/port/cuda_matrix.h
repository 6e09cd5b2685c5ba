// Matrix steps of the port API for CUDA.
#pragma once

#include "backends/gpu/port/matrix_layout.h"

namespace engine::gpu {

using MatrixLayout = NvidiaMatrix;
using MatrixOperand = OperandOf<MatrixLayout>;
template <typename T>
using MatrixSums = SumsOf<MatrixLayout, T>;

GPU_FN void MultiplyInt8(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<int32_t>& sums) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int32_t* const d = sums.values + half * 4;
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
        "%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[half]),
          "r"(b.words[half + 2]));
  }
}

GPU_FN void MultiplyBf16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float* const d = sums.values + half * 4;
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[half]),
          "r"(b.words[half + 2]));
  }
}

GPU_FN void MultiplyF16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float* const d = sums.values + half * 4;
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[half]),
          "r"(b.words[half + 2]));
  }
}

}  // namespace engine::gpu
