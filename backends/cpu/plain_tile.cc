// acc[t][row] over one panel and a tile of tokens for bf16, f16 and f32 weights: numerics rule 3.
#include <algorithm>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/panel_layout.h"
#include "backends/cpu/panel_tile.h"
#include "backends/cpu/plain_steps.h"
#include "ops/linear.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

constexpr int kUnroll = ENGINE_ISA_LEVEL > 0 ? kMaxTileTokens : 1;

// The chain from +0 over `units`. Not inlined: see FlushDenormalsScope.
template <typename Steps, int kTokens>
[[gnu::noinline]] void RunChain(const std::byte* weights, const std::byte* activations, int64_t units, float* sums) {
  F32x16 acc[kTokens];
#pragma unroll kUnroll
  for (int t = 0; t < kTokens; ++t) acc[t] = F32x16(0.0f);
  for (int64_t u = 0; u < units; ++u) {
    const auto lanes = Steps::LoadWeights(weights + u * Steps::kWeightBytes);
#pragma unroll kUnroll
    for (int t = 0; t < kTokens; ++t) {
      acc[t] = Steps::Step(acc[t], Steps::BroadcastUnit(activations + (u * kTokens + t) * kUnitBytes), lanes);
    }
  }
#pragma unroll kUnroll
  for (int t = 0; t < kTokens; ++t) Store(sums + t * kPanelRows, acc[t]);
}

template <typename Steps, int kTokens>
void RunTile(const PanelTile& tile) {
  constexpr int64_t kChunkUnits = kReductionChunk / Steps::kWeights;
  const int64_t units = (tile.k + Steps::kWeights - 1) / Steps::kWeights;
  for (int64_t begin = 0; begin < units; begin += kChunkUnits) {
    alignas(64) float sums[kTokens * kPanelRows];
    {
      [[maybe_unused]] const typename Steps::Scope scope;
      RunChain<Steps, kTokens>(tile.panel + begin * Steps::kWeightBytes,
                               tile.activations + begin * kTokens * kUnitBytes, std::min(kChunkUnits, units - begin),
                               sums);
    }
    for (int t = 0; t < kTokens; ++t) {
      float* out = tile.out + t * kPanelRows;
      const F32x16 chunk = Load(sums + t * kPanelRows);
      Store(out, begin == 0 ? chunk : Load(out) + chunk);
    }
  }
}

template <typename Steps>
constexpr PanelTileCode CodeOf() {
  return {{RunTile<Steps, 1>, RunTile<Steps, 2>, RunTile<Steps, 4>, RunTile<Steps, 8>, RunTile<Steps, 16>}};
}

}  // namespace

PanelTileCode PlainTileCodeOf(DType weight) {
  if (weight == DType::kBF16) return CodeOf<Bf16Steps>();
  return weight == DType::kF16 ? CodeOf<F16Steps>() : CodeOf<F32Steps>();
}

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
