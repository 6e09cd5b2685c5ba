// head_rms_norm: y = (x * inv) * weight per head. rope: pairs of dimensions rotated. qk_norm_rope: one after the other.
// A block has eight heads, 32 lanes each.
// A lane owns every 32nd dimension, or every 32nd pair of them.
#include "backends/gpu/heads.h"
#include "backends/gpu/port/collectives.h"
#include "core/base/bf16.h"
#include "core/base/math.h"

namespace engine::gpu {

// A lane's eight of the 256 partials: i, i + 32, …
constexpr int kLanePartials = kLongSumPartials / 32;

// Halves of 128, 64 and 32 meet in a lane, smaller ones across lanes: the tree of numerics rule 2.
GPU_FN float SumOfSquares(const float* x, int d) {
  float partials[kLanePartials] = {};
  for (int begin = 0; begin < d; begin += kLongSumPartials) {
#pragma unroll
    for (int j = 0; j < kLanePartials; ++j) {
      const int i = begin + 32 * j + Tid() % 32;
      if (i < d) partials[j] = Fma(x[i], x[i], partials[j]);
    }
  }
#pragma unroll
  for (int half = kLanePartials / 2; half > 0; half /= 2) {
#pragma unroll
    for (int j = 0; j < half; ++j) partials[j] += partials[j + half];
  }
  return GroupSum<32>(partials[0]);
}

struct Head {
  const float* x;
  const float* weight;
  float inv;

  GPU_FN float operator[](int i) const { return weight == nullptr ? x[i] : (x[i] * inv) * weight[i]; }
};

GPU_FN bool IsSurplus(const HeadsArgs& args) { return int64_t{Bid()} * kHeadsPerBlock + Tid() / 32 >= args.num_heads; }

// The head of these 32 lanes; surplus lanes read the last one, as all must take part in its sum.
GPU_FN int64_t HeadIndex(const HeadsArgs& args) {
  return IsSurplus(args) ? args.num_heads - 1 : int64_t{Bid()} * kHeadsPerBlock + Tid() / 32;
}

GPU_FN void Store(const HeadsArgs& args, int64_t at, float value) {
  if (args.y_dtype == DType::kBF16) {
    reinterpret_cast<uint16_t*>(args.y)[at] = F32ToBf16(value);
  } else {
    reinterpret_cast<float*>(args.y)[at] = value;
  }
}

GPU_FN Head Normalised(const HeadsArgs& args, const float* x) {
  const float mean = SumOfSquares(x, args.head_dim) / static_cast<float>(args.head_dim);
  return {x, args.weight, 1.0f / Sqrt(mean + args.epsilon)};
}

GPU_FN void Rotate(const HeadsArgs& args, const Head& head, int64_t index) {
  const int64_t begin = index * args.head_dim;
  const int half = args.rotary_dim / 2;
  const float* table = args.table + int64_t{args.positions[index / args.heads]} * args.rotary_dim;
  for (int i = Tid() % 32; i < half; i += 32) {
    const float x0 = head[i];
    const float x1 = head[i + half];
    Store(args, begin + i, Fma(-x1, table[i + half], x0 * table[i]));
    Store(args, begin + i + half, Fma(x0, table[i + half], x1 * table[i]));
  }
  for (int i = args.rotary_dim + Tid() % 32; i < args.head_dim; i += 32) Store(args, begin + i, head[i]);
}

GPU_KERNEL(head_rms_norm, HeadsArgs, kHeadRmsNorm.threads) {
  const int64_t begin = HeadIndex(args) * args.head_dim;
  const Head head = Normalised(args, args.x + begin);
  if (IsSurplus(args)) return;
  for (int i = Tid() % 32; i < args.head_dim; i += 32) Store(args, begin + i, head[i]);
}

GPU_KERNEL(rope, HeadsArgs, kRope.threads) {
  if (IsSurplus(args)) return;
  const int64_t index = HeadIndex(args);
  Rotate(args, {args.x + index * args.head_dim, nullptr, 1.0f}, index);
}

GPU_KERNEL(qk_norm_rope, HeadsArgs, kQkNormRope.threads) {
  const int64_t index = HeadIndex(args);
  const Head head = Normalised(args, args.x + index * args.head_dim);
  if (IsSurplus(args)) return;
  Rotate(args, head, index);
}

}  // namespace engine::gpu
