// sums[t][column] over one panel of 64 outputs and a tile of tokens for bf16 and f32 weights: numerics rule 3, with chunks
// of the caller's choice.
#include "backends/cpu/wide_tile.h"

#include <algorithm>

#include "backends/cpu/isa/vector.h"
#include "backends/cpu/plain_steps.h"
#include "backends/cpu/wide_layout.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

constexpr int kLanes = 16;
constexpr int kPanelVectors = static_cast<int>(kWidePanelRows) / kLanes;
constexpr int64_t kUnitWeightBytes = kWidePanelRows * kUnitBytes;

// Tokens whose sums over the panel's whole width stay in registers: AVX-512 has 32 of them, AVX2 16 of half a vector. A
// narrower block of more tokens would load less, but from places 256 bytes apart, at which caches and memory are slow.
constexpr int kMaxBlockTokens = ENGINE_ISA_LEVEL == 2 ? 4 : 1;

// The tokens of a tile walk the same units one block after the other: 16 KiB of weights, half of an L1.
constexpr int64_t kSegmentUnits = 64;

constexpr int kUnroll = ENGINE_ISA_LEVEL > 0 ? 16 : 1;

// Weights and activations of a block of tokens, from one unit on.
struct Segment {
  const std::byte* weights;
  const std::byte* activations;
  int64_t units;
};

// kTokens tokens of a tile of kStride.
template <typename Steps, int kStride, int kTokens>
[[gnu::always_inline]] inline void RunBlock(const Segment& segment, float* sums) {
  F32x16 acc[kTokens][kPanelVectors];
#pragma unroll kUnroll
  for (int t = 0; t < kTokens; ++t) {
#pragma unroll kUnroll
    for (int v = 0; v < kPanelVectors; ++v) acc[t][v] = Load(sums + t * kWidePanelRows + v * kLanes);
  }
  for (int64_t u = 0; u < segment.units; ++u) {
    const std::byte* lanes = segment.weights + u * kUnitWeightBytes;
    const std::byte* unit = segment.activations + u * kStride * kUnitBytes;
#pragma unroll kUnroll
    for (int t = 0; t < kTokens; ++t) {
      const auto x = Steps::BroadcastUnit(unit + t * kUnitBytes);
#pragma unroll kUnroll
      for (int v = 0; v < kPanelVectors; ++v) {
        acc[t][v] = Steps::Step(acc[t][v], x, Steps::LoadWeights(lanes + v * Steps::kWeightBytes));
      }
    }
  }
#pragma unroll kUnroll
  for (int t = 0; t < kTokens; ++t) {
#pragma unroll kUnroll
    for (int v = 0; v < kPanelVectors; ++v) Store(sums + t * kWidePanelRows + v * kLanes, acc[t][v]);
  }
}

// One chunk of every sum. Not inlined: see FlushDenormalsScope.
template <typename Steps, int kTokens>
[[gnu::noinline]] void RunChunk(const WideTile& tile, int64_t begin, int64_t end, float* sums) {
  constexpr int kBlockTokens = std::min(kTokens, kMaxBlockTokens);
  for (int64_t unit = begin; unit < end; unit += kSegmentUnits) {
    for (int t = 0; t < kTokens; t += kBlockTokens) {
      RunBlock<Steps, kTokens, kBlockTokens>(
          {tile.panel + unit * kUnitWeightBytes, tile.activations + (unit * kTokens + t) * kUnitBytes,
           std::min(kSegmentUnits, end - unit)},
          sums + t * kWidePanelRows);
    }
  }
}

template <typename Steps, int kTokens>
void RunTile(const WideTile& tile) {
  int64_t begin = 0;
  for (const int64_t end : tile.chunk_ends) {
    alignas(64) float sums[kTokens * kWidePanelRows] = {};
    {
      [[maybe_unused]] const typename Steps::Scope scope;
      RunChunk<Steps, kTokens>(tile, begin, end, sums);
    }
    for (int at = 0; at < kTokens * kWidePanelRows; at += kLanes) {
      const F32x16 chunk = Load(sums + at);
      Store(tile.out + at, begin == 0 ? chunk : Load(tile.out + at) + chunk);
    }
    begin = end;
  }
}

template <typename Steps>
constexpr WideTileCode CodeOf() {
  return {{RunTile<Steps, 1>, RunTile<Steps, 2>, RunTile<Steps, 4>, RunTile<Steps, 8>, RunTile<Steps, 16>}};
}

}  // namespace

WideTileCode WideTileCodeOf(DType weight) { return weight == DType::kBF16 ? CodeOf<Bf16Steps>() : CodeOf<F32Steps>(); }

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
