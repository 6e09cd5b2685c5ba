#include "backends/simt/matrix.h"

#include <cmath>

#include "backends/gpu/port/simt.h"
#include "core/base/bf16.h"

namespace engine::simt {
namespace {

struct Place {
  int row, column;
};

int32_t Int8At(const uint32_t* words, int i) { return static_cast<int8_t>(words[i / 4] >> (8 * (i % 4))); }
uint16_t Bits16At(const uint32_t* words, int i) { return static_cast<uint16_t>(words[i / 2] >> (16 * (i % 2))); }
float Bf16At(const uint32_t* words, int i) { return Bf16ToF32(Bits16At(words, i)); }
float F16At(const uint32_t* words, int i) { return F16ToF32(Bits16At(words, i)); }
void AddProduct(int32_t a, int32_t b, int32_t& sum) { sum += a * b; }
void AddProduct(float a, float b, float& sum) { sum = std::fma(a, b, sum); }

#if ENGINE_SIMT_WARP == 32

constexpr int kColumns = 8, kSums = 4;

// PTX ISA, matrix fragments of mma.m16n8k32 with .s8: element i of a lane.
struct Int8 {
  using Value = int32_t;
  static constexpr int kDepth = 32, kElementsOfA = 16, kElementsOfB = 8, kWordElements = 4;
  static constexpr auto kAt = Int8At;
  static Place InA(int lane, int i) {
    const int group = lane >> 2, thread = lane & 3;
    const bool upper = i < 4 || (8 <= i && i < 12);
    return {upper ? group : group + 8, thread * 4 + (i & 3) + (i < 8 ? 0 : 16)};
  }
  static Place InB(int lane, int i) {
    const int group = lane >> 2, thread = lane & 3;
    return {thread * 4 + (i & 3) + (i < 4 ? 0 : 16), group};
  }
};

// The same of mma.m16n8k16 with .bf16 and .f16.
struct Narrow {
  using Value = float;
  static constexpr int kDepth = 16, kElementsOfA = 8, kElementsOfB = 4, kWordElements = 2;
  static Place InA(int lane, int i) {
    const int group = lane >> 2, thread = lane & 3;
    const bool upper = i < 2 || (4 <= i && i < 6);
    return {upper ? group : group + 8, thread * 2 + (i & 1) + (i < 4 ? 0 : 8)};
  }
  static Place InB(int lane, int i) {
    const int group = lane >> 2, thread = lane & 3;
    return {thread * 2 + (i & 1) + (i < 2 ? 0 : 8), group};
  }
};

Place InSums(int lane, int i) {
  const int group = lane >> 2, thread = lane & 3;
  return {i < 2 ? group : group + 8, thread * 2 + (i & 1)};
}

#else

constexpr int kColumns = 16, kSums = 4;

// AMD's matrix instruction calculator: v_mfma_i32_16x16x32_i8, v_mfma_f32_16x16x16_bf16 and _f16.
template <int kElements>
struct Mfma {
  static constexpr int kDepth = 4 * kElements, kElementsOfA = kElements, kElementsOfB = kElements;
  static Place InA(int lane, int i) { return {lane & 15, (lane >> 4) * kElements + i}; }
  static Place InB(int lane, int i) { return {(lane >> 4) * kElements + i, lane & 15}; }
};
struct Int8 : Mfma<8> {
  using Value = int32_t;
  static constexpr int kWordElements = 4;
  static constexpr auto kAt = Int8At;
};
struct Narrow : Mfma<4> {
  using Value = float;
  static constexpr int kWordElements = 2;
};

Place InSums(int lane, int i) { return {(lane >> 4) * 4 + i, lane & 15}; }

#endif

struct Bf16 : Narrow {
  static constexpr auto kAt = Bf16At;
};
struct F16 : Narrow {
  static constexpr auto kAt = F16At;
};

constexpr int kInstructions = 16 / kColumns;
constexpr int kRows = 16;

// Instruction `part` has every kInstructions-th word of b, and its own part of the sums.
template <typename Type>
void Multiply(std::span<const MatrixRegisters> lanes, int part) {
  using Value = typename Type::Value;
  Value a[kRows][Type::kDepth];
  Value b[kColumns][Type::kDepth];
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    for (int i = 0; i < Type::kElementsOfA; ++i) {
      const Place at = Type::InA(lane, i);
      a[at.row][at.column] = Type::kAt(lanes[lane].a, i);
    }
    for (int i = 0; i < Type::kElementsOfB; ++i) {
      const Place at = Type::InB(lane, i);
      const int word = i / Type::kWordElements * kInstructions + part;
      b[at.column][at.row] = Type::kAt(lanes[lane].b + word, i % Type::kWordElements);
    }
  }
  for (int lane = 0; lane < gpu::kWarp; ++lane) {
    for (int i = 0; i < kSums; ++i) {
      const Place at = InSums(lane, i);
      Value& sum = static_cast<Value*>(lanes[lane].sums)[part * kSums + i];
      for (int k = 0; k < Type::kDepth; ++k) AddProduct(a[at.row][k], b[at.column][k], sum);
    }
  }
}

}  // namespace

void MultiplyInt8(std::span<const MatrixRegisters> lanes) {
  for (int part = 0; part < kInstructions; ++part) Multiply<Int8>(lanes, part);
}

void MultiplyBf16(std::span<const MatrixRegisters> lanes) {
  for (int part = 0; part < kInstructions; ++part) Multiply<Bf16>(lanes, part);
}

void MultiplyF16(std::span<const MatrixRegisters> lanes) {
  for (int part = 0; part < kInstructions; ++part) Multiply<F16>(lanes, part);
}

}  // namespace engine::simt
