// Matrix steps of the port API for CUDA.
#pragma once

#include "backends/gpu/port/matrix_layout.h"

namespace engine::gpu {

using MatrixLayout = NvidiaMatrix;
using MatrixOperand = OperandOf<MatrixLayout>;
template <typename T>
using MatrixSums = SumsOf<MatrixLayout, T>;

// Lane i points to row i % 8 of the 8 rows of 16 bytes that become word i / 8 of every lane.
GPU_FN void LoadMatrices(const uint32_t* row, uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}
template <int kRows>
GPU_FN int FirstAt(int row) {
  return LaneId() / 16 * kRows + row + LaneId() % 16;
}
template <int kRows>
GPU_FN MatrixOperand LoadFirst(const uint32_t (&halves)[2][kRows][4], int at) {
  MatrixOperand out;
  LoadMatrices(halves[0][at], out.words[0], out.words[1], out.words[2], out.words[3]);
  return out;
}
// Words of which an instruction takes two lie in neighbouring registers.
template <int kRows>
GPU_FN int SecondAt(int row) {
  return LaneId() / 8 % 2 * kRows + row + LaneId() / 16 * 8 + LaneId() % 8;
}
template <int kRows>
GPU_FN MatrixOperand LoadSecond(const uint32_t (&halves)[2][kRows][4], int at) {
  MatrixOperand out;
  LoadMatrices(halves[0][at], out.words[0], out.words[2], out.words[1], out.words[3]);
  return out;
}

GPU_FN void MultiplyInt8(const MatrixOperand& a, const MatrixOperand& b, const MatrixSums<int32_t>& start,
                         MatrixSums<int32_t>& sums) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int32_t* const c = start.values + half * 4;
    int32_t* const d = sums.values + half * 4;
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, "
        "%13};"
        : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
        : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[half]),
          "r"(b.words[half + 2]), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]));
  }
}

template <int kHalf>
GPU_FN void MultiplyInt8Half(const MatrixOperand& a, const MatrixOperand& b, const MatrixSums<int32_t>& start,
                             MatrixSums<int32_t>& sums) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int32_t* const c = start.values + half * 4;
    int32_t* const d = sums.values + half * 4;
    asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %9, %10};"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(a.words[kHalf * 2]), "r"(a.words[kHalf * 2 + 1]), "r"(b.words[half + kHalf * 2]), "r"(c[0]),
                   "r"(c[1]), "r"(c[2]), "r"(c[3]));
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
