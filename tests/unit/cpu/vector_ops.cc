#include "tests/unit/cpu/vector_ops.h"

#include <algorithm>

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

void Arithmetic(const float* a, const float* b, const float* c, float* out) {
  const F32x16 x = Load(a), y = Load(b), z = Load(c);
  const F32x16 results[] = {x + y,     x - y,     x * y,  x / y,    Fma(x, y, z),
                            Min(x, y), Max(x, y), Abs(x), Round(x), CopySign(Abs(x), y)};
  for (const F32x16& result : results) {
    Store(out, result);
    out += 16;
  }
}

void Integers(const float* in, int32_t* out) {
  const I32x16 x = ToI32(Load(in));
  const I32x16 bits = BitsOf(Load(in));
  const I32x16 results[] = {x, x + bits, x * bits, ShiftLeft<5>(bits), ShiftRight<5>(bits), BitsOf(ToF32(bits))};
  for (const I32x16& result : results) {
    Store(out, result);
    out += 16;
  }
}

template <int kMaxWeight>
void Dot(const uint8_t* weights, const int8_t* quad, int32_t* acc) {
  Store(acc, DotQuads<kMaxWeight>(Load(acc), LoadBytes(weights), BroadcastQuad(quad)));
}

template <int kMaxWeight>
void DotGroup(const uint8_t* weights, const int8_t* values, int32_t* acc) {
  using Sums = QuadSums<kMaxWeight>;
  constexpr int kRun = std::min(8, Sums::kMost);
  I32x16 dots = Load(acc);
  for (int run = 0; run < 8; run += kRun) {
    Sums sums(dots);
    for (int q = run; q < run + kRun; ++q) {
      const U8x64 unsigned_weights = LoadBytes(weights + 64 * q);
      sums.Add(Sums::kSigned ? AddBias(unsigned_weights) : unsigned_weights, BroadcastQuad(values + 4 * q));
    }
    dots = sums.Total();
  }
  int32_t sum = 0;
  for (int i = 0; i < 32; ++i) sum += values[i];
  Store(acc, dots + I32x16(Sums::kSigned ? 128 * sum : 0));
}

void DotBiased(const int8_t* lanes, const int8_t* quad, int32_t* acc) {
  Store(acc, DotQuads<255>(Load(acc), AddBias(LoadBytes(lanes)), BroadcastQuad(quad)));
}

void DotSigned(const int8_t* lanes, const uint8_t* quad, int32_t* acc) {
  Store(acc, DotSignedLanes(Load(acc), BroadcastQuad(quad), LoadBytes(lanes)));
}

[[gnu::noinline]] void DotBf16(const uint16_t* a, const uint16_t* b, float* acc) {
  Store(acc, DotBf16Pairs(Load(acc), LoadBf16Pairs(a), LoadBf16Pairs(b)));
}

void DotBf16Flushing(const uint16_t* a, const uint16_t* b, float* acc) {
  [[maybe_unused]] const FlushDenormalsScope flush;
  DotBf16(a, b, acc);
}

void MoveBothFields(const uint8_t* in, uint8_t* out) {
  const U8x64 moved = MoveBits<4, 0, 4>(LoadBytes(in)) | MoveBits<2, 4, 1>(LoadBytes(in));
  std::memcpy(out, &moved, sizeof(moved));
}

void LookUpBytes(const uint8_t* table, const uint8_t* indices, uint8_t* out) {
  const U8x64 found = LookUp(table, LoadBytes(indices));
  std::memcpy(out, &found, sizeof(found));
}

}  // namespace

VectorOps TestedOps() {
  return {
      .exp = [](const float* in, float* out) { Store(out, Exp(Load(in))); },
      .sigmoid = [](const float* in, float* out) { Store(out, Sigmoid(Load(in))); },
      .tanh = [](const float* in, float* out) { Store(out, Tanh(Load(in))); },
      .arithmetic = Arithmetic,
      .integers = Integers,
      .select_less = [](const float* a, const float* b,
                        float* out) { Store(out, Select(Load(a) < Load(b), Load(a), Load(b) + F32x16(1.0f))); },
      .load_store_count = [](const float* in, int count, float* out) { Store(out, Load(in, count), count); },
      .tree_sum = [](const float* in) { return TreeSum(Load(in)); },
      .reduce = [](const int32_t* in) { return ReduceMax(Load(in)) + ReduceAdd(Load(in)); },
      .reduce_each =
          [](const int32_t* in, int32_t* out) {
            int32_t maxima[4];
            ReduceMaxOfEach({Load(in), Load(in + 16), Load(in + 32), Load(in + 48)}, maxima);
            std::copy_n(maxima, 4, out);
          },
      .widen_f16 = [](const uint16_t* in, float* out) { Store(out, LoadF16(in)); },
      .round_bf16 = [](const float* in, uint16_t* out) { StoreBf16(out, Load(in)); },
      .narrow_i8 = [](const int32_t* in, int8_t* out) { StoreNarrow(out, Load(in)); },
      .store_halves = [](const int32_t* in, int8_t* out,
                         int16_t* sums) { StoreNarrowWithSums(out, sums, Load(in), Load(in + 16)); },
      .move_bits = MoveBothFields,
      .look_up = LookUpBytes,
      .dot_small = Dot<127>,
      .dot_large = Dot<255>,
      .dot_group = {DotGroup<15>, DotGroup<31>, DotGroup<63>, DotGroup<255>},
      .dot_biased = DotBiased,
      .dot_signed = DotSigned,
      .dot_bf16 = DotBf16Flushing,
  };
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
