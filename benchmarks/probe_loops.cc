#include "benchmarks/probe_loops.h"

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

// Keeps a value that nothing else needs: the compiler must have computed it.
template <typename Vector>
void Keep(Vector value) {
  asm volatile("" ::"m"(value));
}

// What memory holds is unknown to the compiler from here on.
void Hide(const void* memory) { asm volatile("" ::"r"(memory) : "memory"); }

// One stream with plain loads: prefetches and 2 to 16 streams were no faster on Zen 4 (docs/benchmarking.md).
void Read(const std::byte* bytes, int64_t size) {
  I32x16 sums[4] = {I32x16(0), I32x16(0), I32x16(0), I32x16(0)};
  for (int64_t at = 0; at < size; at += 256) {
    for (int i = 0; i < 4; ++i) sums[i] = sums[i] + Load(reinterpret_cast<const int32_t*>(bytes + at + i * 64));
  }
  Keep((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// Independent chains: as many as hide the latency of vpdpbusd at two per cycle; elsewhere as many as there are registers
// for, since a vector takes two there.
constexpr int kChains = ENGINE_ISA_LEVEL == 2 ? 12 : 4;

// round(chains) until each of `count` steps is done, of which a round has `per_chain` for each chain; all from `zero` on.
template <typename Sum, typename Round>
void RunChains(int64_t count, int per_chain, Sum zero, Round round) {
  Sum acc[kChains];
#pragma unroll
  for (Sum& chain : acc) chain = zero;
  for (int64_t done = 0; done < count; done += kChains * per_chain) round(acc);
#pragma unroll
  for (const Sum& chain : acc) Keep(chain);
}

// As weights of 4 bits have them. Each chain reads its activations anew in each step, as kernels do; otherwise the compiler
// computes products once.
void Int8Dots(int64_t count) {
  using Sums = QuadSums<15>;
  const uint8_t weights[64] = {1};
  const int8_t quads[kChains * 4] = {1, 2, 3, 4};
  Hide(weights);
  const U8x64 w = LoadBytes(weights);
  RunChains(count, Sums::kMost, I32x16(0), [&](I32x16(&acc)[kChains]) {
    Sums sums[kChains];
#pragma unroll
    for (int i = 0; i < kChains; ++i) sums[i] = Sums(acc[i]);
#pragma unroll
    for (int q = 0; q < Sums::kMost; ++q) {
      Hide(quads);
#pragma unroll
      for (int i = 0; i < kChains; ++i) sums[i].Add(w, BroadcastQuad(quads + i * 4));
    }
#pragma unroll
    for (int i = 0; i < kChains; ++i) acc[i] = sums[i].Total();
  });
}

void Bf16Dots(int64_t count) {
  const uint16_t pairs[32] = {0x3f80};
  Hide(pairs);
  const Bf16x32 a = LoadBf16Pairs(pairs);
  const Bf16x32 b = BroadcastBf16Pair(pairs);
  RunChains(count, 1, F32x16(0.0f), [&](F32x16(&acc)[kChains]) {
#pragma unroll
    for (F32x16& chain : acc) chain = DotBf16Pairs(chain, a, b);
  });
}

void F32Fmas(int64_t count) {
  const float numbers[16] = {1};
  Hide(numbers);
  const F32x16 a = Load(numbers);
  RunChains(count, 1, F32x16(0.0f), [&](F32x16(&acc)[kChains]) {
#pragma unroll
    for (F32x16& chain : acc) chain = Fma(a, a, chain);
  });
}

}  // namespace

const ProbeLoops kProbes = {Read, Int8Dots, Bf16Dots, F32Fmas};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
