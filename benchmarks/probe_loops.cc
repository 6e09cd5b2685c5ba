#include "benchmarks/probe_loops.h"

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

// Keeps a value that nothing else needs: the compiler must have computed it.
template <typename Vector>
void Keep(const Vector& value) {
  asm volatile("" ::"m"(value));
}

void Read(const std::byte* bytes, int64_t size) {
  I32x16 sums[4] = {I32x16(0), I32x16(0), I32x16(0), I32x16(0)};
  for (int64_t at = 0; at < size; at += 256) {
    for (int i = 0; i < 4; ++i) sums[i] = sums[i] + Load(reinterpret_cast<const int32_t*>(bytes + at + i * 64));
  }
  Keep((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void Int8Steps(int64_t steps) {
  alignas(64) const uint8_t weights[64] = {1};
  const int8_t quad[4] = {1, 2, 3, 4};
  const U8x64 w = LoadBytes(weights);
  const QuadI8 a = BroadcastQuad(quad);
  I32x16 acc[kProbeChains];
  for (I32x16& chain : acc) chain = I32x16(0);
  for (int64_t s = 0; s < steps; ++s) {
#pragma unroll
    for (int i = 0; i < kProbeChains; ++i) acc[i] = DotQuads<127>(acc[i], w, a);
  }
  for (const I32x16& chain : acc) Keep(chain);
}

void Bf16Steps(int64_t steps) {
  alignas(64) const uint16_t pairs[32] = {0x3f80};
  const Bf16x32 a = LoadBf16Pairs(pairs);
  const Bf16x32 b = BroadcastBf16Pair(pairs);
  F32x16 acc[kProbeChains];
  for (F32x16& chain : acc) chain = F32x16(0.0f);
  for (int64_t s = 0; s < steps; ++s) {
#pragma unroll
    for (int i = 0; i < kProbeChains; ++i) acc[i] = DotBf16Pairs(acc[i], a, b);
  }
  for (const F32x16& chain : acc) Keep(chain);
}

}  // namespace

const ProbeLoops kProbes = {Read, Int8Steps, Bf16Steps};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
