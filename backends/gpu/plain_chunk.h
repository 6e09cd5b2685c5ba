// Device code: one or eight rows times a chunk of bf16, f16 or f32 weights: chains in a lane whose weights are on their way
// long before.
#pragma once

#include "backends/gpu/plain_units.h"

namespace engine::gpu {

// Units of a row that a lane multiplies between two looks at its sums: as registers allow.
template <DType kType, int kTokens>
inline constexpr int kRunUnits = kTokens == 1           ? 4
                                 : kType == DType::kF16 ? 1
                                                        : 2;
// Runs that are on their way: one token waits for memory, several for arithmetic.
template <int kTokens>
inline constexpr int kRunsAhead = kTokens == 1 ? 4 : 2;

// A lane has the weights of its output on their way in registers, and its share of the values of x, which it gives to the
// others when it is their turn.
template <DType kType, int kTokens>
struct PlainChunk {
  static constexpr int kValues = kUnitValues<kType>;
  static constexpr int kUnits = kRunUnits<kType, kTokens>;
  static constexpr int kRunValues = kUnits * kValues;
  static constexpr int kAhead = kRunsAhead<kTokens>;
  static_assert(kRunValues <= kMostRunValues<kTokens> && kAhead % 2 == 0);
  using SharedX = float[kTokens * kMostRunValues<kTokens>];  // a run of each token, side by side

  const std::byte* panel;
  const PlainRows<kType>& x;
  const PlainTask<kTokens>& task;
  int begin;  // of the values of k
  int end;    // before begin where a slot has no chunk

  static constexpr int kShares = (kTokens * kRunValues + kPanelRows - 1) / kPanelRows;

  struct Run {
    Vec<16> weights[kUnits];
    float x[kShares];
  };

  // The last token stands for those that are not there.
  GPU_FN int Token(int t) const { return task.first_token + (t < task.tokens ? t : task.tokens - 1); }

  GPU_FN void Load(int index, Run& run) const {
    const int first = begin + index * kRunValues, lane = Tid() % kPanelRows;
    const std::byte* const units = panel + (int64_t{first / kValues} * kPanelRows + lane) * kPanelUnit;
#pragma unroll
    for (int i = 0; i < kUnits; ++i) run.weights[i] = LoadVec<16>(units + i * kPanelRows * kPanelUnit);
#pragma unroll
    for (int i = 0; i < kShares; ++i) {
      const int at = lane + i * kPanelRows;
      if (at < kTokens * kRunValues) run.x[i] = x.Value(Token(at / kRunValues), first + at % kRunValues);
    }
  }
  GPU_FN void Share(const Run& run, SharedX& values) const {
#pragma unroll
    for (int i = 0; i < kShares; ++i) {
      const int at = Tid() % kPanelRows + i * kPanelRows;
      if (at < kTokens * kRunValues) values[at] = run.x[i];
    }
  }

  GPU_FN void Add(int index, const Run& run, const SharedX& values, float* acc) const {
    if constexpr (kType == DType::kBF16) {
      uint32_t words[kUnits * 4];
#pragma unroll
      for (int i = 0; i < kUnits * 4; ++i) words[i] = run.weights[i / 4].words[i % 4];
      float sums[kTokens];
      bool plain = true;
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        sums[t] = acc[t];
        const bool token_plain = PlainChain<kUnits * 4, false>(values + t * kRunValues, words, sums[t]);
        plain = plain && token_plain;
      }
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        const int first = begin + index * kRunValues;
        acc[t] = plain ? sums[t] : AddSteps(panel, x, Token(t), first, first + kRunValues, acc[t]);
      }
    } else {
#pragma unroll
      for (int i = 0; i < kUnits; ++i) {
        float w[kValues];
        Widen<kType>(run.weights[i], w);
#pragma unroll
        for (int j = 0; j < kValues; j += 4) {
#pragma unroll
          for (int t = 0; t < kTokens; ++t) {
            const Vec<16> four = LoadVec<16>(values + t * kRunValues + i * kValues + j);
#pragma unroll
            for (int v = 0; v < 4; ++v) acc[t] = Fma(BitsToFloat(four.words[v]), w[j + v], acc[t]);
          }
        }
      }
    }
  }

  // All whole runs. `most` is the length of the longest chunk of the block: warps of 64 have two slots, which must meet.
  GPU_FN void AddTo(float* acc, int most, SharedX* shared_x) const {
    const int runs = task.active && begin < end ? (end - begin) / kRunValues : 0;
    Run ahead[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      if (i < runs) Load(i, ahead[i]);
    }
    for (int first = 0; first < most / kRunValues; first += kAhead) {
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        SharedX& values = shared_x[i % 2];
        if (first + i < runs) Share(ahead[i], values);
        SyncWarp();  // who reads the other values has done so at the next
        if (first + i >= runs) continue;
        Add(first + i, ahead[i], values, acc);
        if (first + i + kAhead < runs) Load(first + i + kAhead, ahead[i]);
      }
    }
  }

  // What is left of the chunk behind its runs.
  GPU_FN float AddRest(int t, float acc) const {
    return AddSteps(panel, x, task.first_token + t, begin + (end - begin) / kRunValues * kRunValues, end, acc);
  }
};

}  // namespace engine::gpu
