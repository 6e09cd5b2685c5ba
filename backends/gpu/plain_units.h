// Device code: what a slot of plain_product.h multiplies, and the products of a chunk one step at a time.
#pragma once

#include "backends/gpu/pair_chain.h"
#include "backends/gpu/panel_task.h"
#include "core/base/math.h"

namespace engine::gpu {

// Weights of one row that a lane loads at once.
template <DType kType>
inline constexpr int kUnitValues = kType == DType::kF32 ? 4 : 8;

template <DType kType>
GPU_FN void Widen(const Vec<16>& unit, float* out) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = unit.words[i];
    if constexpr (kType == DType::kF32) {
      out[i] = BitsToFloat(word);
    } else {
      out[2 * i] = WidenF16(static_cast<uint16_t>(word));
      out[2 * i + 1] = WidenF16(static_cast<uint16_t>(word >> 16));
    }
  }
}

// Rows of bf16 with bf16 weights, else of f32.
template <DType kType>
struct PlainRows {
  const std::byte* rows;
  int k;

  GPU_FN float Value(int token, int i) const {
    const int64_t at = int64_t{token} * k + i;
    if constexpr (kType == DType::kBF16) return LowBf16(reinterpret_cast<const uint16_t*>(rows)[at]);
    return reinterpret_cast<const float*>(rows)[at];
  }
};

// What a slot computes.
template <int kTokens>
struct PlainTask {
  bool active;
  int panel;
  int first_token;
  int tokens;
  int chunk_slot;  // among those that share the panel and the tokens

  // `index` counts tiles of tokens within panels.
  GPU_FN PlainTask(const LinearArgs& args, int index, int slot, int tiles)
      : active(index < static_cast<int>(NumPanels(args.n)) * tiles),
        panel(active ? index / tiles : 0),
        first_token(index % tiles * kTokens),
        tokens(0),
        chunk_slot(slot % args.chunk_slots) {
    if (active) tokens = args.rows - first_token < kTokens ? args.rows - first_token : kTokens;
  }

  // Whether the thread adds up the chunks of token t.
  GPU_FN bool Owns(const LinearArgs& args, int t) const { return t < tokens && t % args.chunk_slots == chunk_slot; }
};

// Adds a token's products of values [begin, end) of k to its sum: what is rare, and the rest of a chunk.
template <DType kType>
GPU_FN float AddSteps(const std::byte* panel, const PlainRows<kType>& x, int token, int begin, int end, float acc) {
  constexpr int kValues = kUnitValues<kType>;
  constexpr int kStep = kType == DType::kBF16 ? 2 : 1;
#pragma unroll 1
  for (int i = begin; i < end; i += kStep) {
    const std::byte* const unit = panel + (int64_t{i / kValues} * kPanelRows + Tid() % kPanelRows) * kPanelUnit;
    const std::byte* const weight = unit + i % kValues * (kPanelUnit / kValues);
    if constexpr (kType == DType::kBF16) {
      const uint32_t word = LoadVec<4>(weight).words[0];
      const float pair[2] = {x.Value(token, i), i + 1 < end ? x.Value(token, i + 1) : 0.0f};
      acc = PairStep(pair, LowBf16(word), HighBf16(word), acc);
    } else if constexpr (kType == DType::kF16) {
      acc = Fma(x.Value(token, i), WidenF16(*reinterpret_cast<const uint16_t*>(weight)), acc);
    } else {
      acc = Fma(x.Value(token, i), *reinterpret_cast<const float*>(weight), acc);
    }
  }
  return acc;
}

}  // namespace engine::gpu
