// Operands of matrix steps out of shared memory, word by word, for ports without an instruction that does it.
#pragma once

namespace engine::gpu {

template <int kRows>
GPU_FN int FirstAt(int row) {
  return row;
}
template <int kRows>
GPU_FN int SecondAt(int row) {
  return row;
}

template <int kRows>
GPU_FN MatrixOperand LoadFirst(const uint32_t (&halves)[2][kRows][4], int at) {
  MatrixOperand out;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    const int byte = MatrixLayout::Byte(LaneId(), i);
    out.words[i] = halves[byte / 16][at + MatrixLayout::Row(LaneId(), i)][byte % 16 / 4];
  }
  return out;
}
template <int kRows>
GPU_FN MatrixOperand LoadSecond(const uint32_t (&halves)[2][kRows][4], int at) {
  return LoadFirst(halves, at);
}

// By a step of which the other half of a's bytes are zeros.
template <int kHalf>
GPU_FN void MultiplyInt8Half(MatrixOperand a, const MatrixOperand& b, const MatrixSums<int32_t>& start,
                             MatrixSums<int32_t>& sums) {
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    if (MatrixLayout::Byte(LaneId(), i) / 16 != kHalf) a.words[i] = 0;
  }
  MultiplyInt8(a, b, start, sums);
}

}  // namespace engine::gpu
