// y[r] = (x[r] * inv) * weight, inv = 1 / sqrt(sum of squares / d + epsilon); add_rms_norm: of x + delta.
// A block has one row.
// A thread owns the elements of one partial of the long sum: every 256th.
#include "backends/gpu/rms_norm.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {

// Elements of a thread that are loaded at once and kept in registers: rows of up to 2048 are read once.
constexpr int kHeldElements = 8;
constexpr int kHeldColumns = kHeldElements * kLongSumPartials;

template <bool kAdd>
GPU_FN void NormRow(const RmsNormArgs& args, LongSumShared& shared) {
  const int64_t row = int64_t{Bid()} * args.d;
  float held[kHeldElements], weights[kHeldElements];
#pragma unroll
  for (int j = 0; j < kHeldElements; ++j) {
    const int i = Tid() + j * kLongSumPartials;
    const bool exists = i < args.d;
    held[j] = exists ? args.x[row + i] : 0.0f;
    if (kAdd && exists) held[j] += args.delta[row + i];
    weights[j] = exists ? args.weight[i] : 0.0f;
  }
  float partial = 0.0f;
#pragma unroll
  for (int j = 0; j < kHeldElements; ++j) {
    const int i = Tid() + j * kLongSumPartials;
    if (kAdd && i < args.d) args.sum[row + i] = held[j];
    partial = Fma(held[j], held[j], partial);
  }
  for (int i = Tid() + kHeldColumns; i < args.d; i += kLongSumPartials) {
    float x = args.x[row + i];
    if constexpr (kAdd) args.sum[row + i] = x += args.delta[row + i];
    partial = Fma(x, x, partial);
  }
  const float sum = LongSumTotal(partial, shared);
  const float inv = 1.0f / Sqrt(sum / static_cast<float>(args.d) + args.epsilon);
  std::byte* const y = args.y + Bid() * args.y_row_bytes;
#pragma unroll
  for (int j = 0; j < kHeldElements; ++j) {
    if (j * kLongSumPartials >= args.d) continue;
    StoreElement(args.y_dtype, y, args.d, Tid() + j * kLongSumPartials, (held[j] * inv) * weights[j]);
  }
  const float* const rest = (kAdd ? args.sum : args.x) + row;
  for (int begin = kHeldColumns; begin < args.d; begin += kLongSumPartials) {
    const int i = begin + Tid();
    const float value = i < args.d ? (rest[i] * inv) * args.weight[i] : 0.0f;
    StoreElement(args.y_dtype, y, args.d, i, value);
  }
}

GPU_KERNEL(rms_norm, RmsNormArgs, kRmsNorm.threads) {
  GPU_SHARED(LongSumShared, shared);
  NormRow<false>(args, shared);
}

GPU_KERNEL(add_rms_norm, RmsNormArgs, kAddRmsNorm.threads) {
  GPU_SHARED(LongSumShared, shared);
  NormRow<true>(args, shared);
}

}  // namespace engine::gpu
