#include "backends/simt/matrix.h"

#include "backends/gpu/port/simt.h"

namespace engine::simt {
namespace {

struct Place {
  int row, column;
};

#if ENGINE_SIMT_WARP == 32

// PTX ISA, matrix fragments of mma.m16n8k32 with .s8: element i of a lane, for i of 16 (A), 8 (B) and 4 (C, D).
Place PlaceInA(int lane, int i) {
  const int group = lane >> 2, thread = lane & 3;
  const bool upper = i < 4 || (8 <= i && i < 12);
  return {upper ? group : group + 8, thread * 4 + (i & 3) + (i < 8 ? 0 : 16)};
}
Place PlaceInB(int lane, int i) {
  const int group = lane >> 2, thread = lane & 3;
  return {thread * 4 + (i & 3) + (i < 4 ? 0 : 16), group};
}
Place PlaceInSums(int lane, int i) {
  const int group = lane >> 2, thread = lane & 3;
  return {i < 2 ? group : group + 8, thread * 2 + (i & 1)};
}
constexpr int kElementsOfA = 16, kElementsOfB = 8, kSums = 4, kColumns = 8;

#else

// v_mfma_i32_16x16x32_i8: AMD's matrix instruction calculator. Every lane has 8 elements of A and B, and 4 of C and D.
Place PlaceInA(int lane, int i) { return {lane & 15, (lane >> 4) * 8 + i}; }
Place PlaceInB(int lane, int i) { return {(lane >> 4) * 8 + i, lane & 15}; }
Place PlaceInSums(int lane, int i) { return {(lane >> 4) * 4 + i, lane & 15}; }
constexpr int kElementsOfA = 8, kElementsOfB = 8, kSums = 4, kColumns = 16;

#endif

constexpr int kInstructions = 16 / kColumns;
constexpr int kRows = 16, kDepth = 32;

int8_t Int8Of(uint32_t word, int index) { return static_cast<int8_t>(word >> (8 * index)); }

// Which of the words of b are the registers of instruction `part`: with two, every other one.
int WordOfB(int part, int i) { return i / 4 * kInstructions + part; }

}  // namespace

void MultiplyInt8(std::span<const MatrixRegisters> lanes) {
  for (int part = 0; part < kInstructions; ++part) {
    int8_t a[kRows][kDepth];
    int8_t b[kColumns][kDepth];
    for (int lane = 0; lane < gpu::kWarp; ++lane) {
      for (int i = 0; i < kElementsOfA; ++i) {
        const Place at = PlaceInA(lane, i);
        a[at.row][at.column] = Int8Of(lanes[lane].a[i / 4], i % 4);
      }
      for (int i = 0; i < kElementsOfB; ++i) {
        const Place at = PlaceInB(lane, i);
        b[at.column][at.row] = Int8Of(lanes[lane].b[WordOfB(part, i)], i % 4);
      }
    }
    for (int lane = 0; lane < gpu::kWarp; ++lane) {
      for (int i = 0; i < kSums; ++i) {
        const Place at = PlaceInSums(lane, i);
        int32_t dot = 0;
        for (int k = 0; k < kDepth; ++k) dot += a[at.row][k] * b[at.column][k];
        lanes[lane].sums[part * kSums + i] += dot;
      }
    }
  }
}

}  // namespace engine::simt
