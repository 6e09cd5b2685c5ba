// acc[t][row] over one panel and a tile of tokens for bf16, f16 and f32 weights: numerics rule 3.
#include <algorithm>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/panel_layout.h"
#include "backends/cpu/panel_tile.h"
#include "backends/cpu/plain_steps.h"
#include "core/base/round_up.h"
#include "ops/linear.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

constexpr int kUnroll = ENGINE_ISA_LEVEL > 0 ? kMaxTileTokens : 1;

// Tokens whose sums fit in registers beside a step's operands: AVX2 has 16 registers, and a sum takes two.
constexpr int kMostTokens = ENGINE_ISA_LEVEL == 1 ? 4 : kMaxTileTokens;
// Units that the parts of a larger tile take in turn: their 8 KiB of weights then come from L1.
constexpr int64_t kSliceUnits = 128;

// The chains of tokens [kFirst, kFirst + kCount) of a tile go on from `sums`. Not inlined: see FlushDenormalsScope; nor would
// the registers of a part suffice for what a compiler keeps from one call to the next.
template <typename Steps, int kTokens, int kFirst, int kCount>
[[gnu::noinline]] void RunPart(const std::byte* weights, const std::byte* activations, int64_t units, float* sums) {
  F32x16 acc[kCount];
#pragma unroll kUnroll
  for (int t = 0; t < kCount; ++t) acc[t] = Load(sums + (kFirst + t) * kPanelRows);
  for (int64_t u = 0; u < units; ++u) {
    const auto lanes = Steps::LoadWeights(weights + u * Steps::kWeightBytes);
#pragma unroll kUnroll
    for (int t = 0; t < kCount; ++t) {
      acc[t] = Steps::Step(acc[t], Steps::BroadcastUnit(activations + (u * kTokens + kFirst + t) * Steps::kUnitBytes),
                           lanes);
    }
  }
#pragma unroll kUnroll
  for (int t = 0; t < kCount; ++t) Store(sums + (kFirst + t) * kPanelRows, acc[t]);
}

// Tokens from kFirst on, in parts of about the same size.
template <typename Steps, int kTokens, int kFirst = 0>
void RunParts(const std::byte* weights, const std::byte* activations, int64_t units, float* sums) {
  constexpr int kParts = DivideUp(kTokens - kFirst, kMostTokens);
  constexpr int kCount = DivideUp(kTokens - kFirst, kParts);
  RunPart<Steps, kTokens, kFirst, kCount>(weights, activations, units, sums);
  if constexpr (kParts > 1) RunParts<Steps, kTokens, kFirst + kCount>(weights, activations, units, sums);
}

// The chains over `units`, from `sums` on.
template <typename Steps, int kTokens>
void RunChains(const std::byte* weights, const std::byte* activations, int64_t units, float* sums) {
  constexpr int64_t kSlice = kTokens > kMostTokens ? kSliceUnits : kReductionChunk;
  for (int64_t first = 0; first < units; first += kSlice) {
    RunParts<Steps, kTokens>(weights + first * Steps::kWeightBytes, activations + first * kTokens * Steps::kUnitBytes,
                             std::min(kSlice, units - first), sums);
  }
}

template <typename Steps, int kTokens>
void RunTile(const PanelTile& tile) {
  constexpr int64_t kChunkUnits = kReductionChunk / Steps::kWeights;
  const int64_t units = (tile.k + Steps::kWeights - 1) / Steps::kWeights;
  for (int64_t begin = 0; begin < units; begin += kChunkUnits) {
    alignas(64) float sums[kTokens * kPanelRows] = {};
    {
      [[maybe_unused]] const typename Steps::Scope scope;
      RunChains<Steps, kTokens>(tile.panel + begin * Steps::kWeightBytes,
                                tile.activations + begin * kTokens * Steps::kUnitBytes,
                                std::min(kChunkUnits, units - begin), sums);
    }
    for (int t = 0; t < kTokens; ++t) {
      float* out = tile.out + t * tile.out_stride;
      const F32x16 chunk = Load(sums + t * kPanelRows);
      Store(out, begin == 0 ? chunk : Load(out) + chunk);
    }
  }
}

template <typename Steps>
constexpr PanelTileCode CodeOf() {
  return {.run = {RunTile<Steps, 1>, RunTile<Steps, 2>, RunTile<Steps, 4>, RunTile<Steps, 8>, RunTile<Steps, 16>},
          .unit_bytes = Steps::kUnitBytes};
}

}  // namespace

PanelTileCode PlainTileCodeOf(DType weight) {
  if (weight == DType::kBF16) return CodeOf<WidenedSteps>();
  return weight == DType::kF16 ? CodeOf<F16Steps>() : CodeOf<F32Steps>();
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
