// y[r] = (x[r] * inv) * weight, inv = 1 / sqrt(sum of squares / d + epsilon); add_rms_norm: of x + delta.
// A block has one row.
// A thread owns the elements of one partial of the long sum: every 256th.
#include "backends/gpu/rms_norm.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {

GPU_FN void NormRow(const RmsNormArgs& args, const float* x, float sum_of_squares) {
  const float inv = 1.0f / Sqrt(sum_of_squares / static_cast<float>(args.d) + args.epsilon);
  for (int begin = 0; begin < args.d; begin += kLongSumPartials) {
    const int i = begin + Tid();
    const float value = i < args.d ? (x[i] * inv) * args.weight[i] : 0.0f;
    StoreElement(args.y_dtype, args.y + Bid() * args.y_row_bytes, args.d, i, value);
  }
}

GPU_KERNEL(rms_norm, RmsNormArgs, kRmsNorm.threads) {
  GPU_SHARED(LongSumShared, shared);
  const float* x = args.x + int64_t{Bid()} * args.d;
  float partial = 0.0f;
  for (int i = Tid(); i < args.d; i += kLongSumPartials) partial = Fma(x[i], x[i], partial);
  NormRow(args, x, LongSumTotal(partial, shared));
}

GPU_KERNEL(add_rms_norm, RmsNormArgs, kAddRmsNorm.threads) {
  GPU_SHARED(LongSumShared, shared);
  const int64_t row = int64_t{Bid()} * args.d;
  const float* x = args.x + row;
  const float* delta = args.delta + row;
  float* sums = args.sum + row;
  float partial = 0.0f;
  for (int i = Tid(); i < args.d; i += kLongSumPartials) {
    const float sum = x[i] + delta[i];
    sums[i] = sum;
    partial = Fma(sum, sum, partial);
  }
  NormRow(args, sums, LongSumTotal(partial, shared));
}

}  // namespace engine::gpu
