#include "ops/attention_row.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "core/base/bf16_dot.h"
#include "core/base/long_sum.h"
#include "core/base/math.h"
#include "ops/kv_layout.h"

namespace engine {

int64_t KvView::PartOffset(int64_t position) const {
  return KvHeadOffset(blocks_[position / kKvBlockTokens], head_, kv_heads_, head_dim_);
}

template <typename Element>
Element KvView::Key(int64_t position, int64_t dim) const {
  return cache_.as<const Element>()[PartOffset(position) + KeyOffset(dtype(), position % kKvBlockTokens, dim)];
}

template <typename Element>
Element KvView::Value(int64_t position, int64_t dim) const {
  return cache_.as<const Element>()[PartOffset(position) + KvValuesOffset(head_dim_) +
                                    ValueOffset(dtype(), head_dim_, position % kKvBlockTokens, dim)];
}

namespace {

// What one partition contributes: largest score, sum of exponentials, weighted sum of values.
struct Partial {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  std::vector<float> out;
};

float Score(const KvView& kv, const std::byte* q, int64_t position) {
  if (kv.dtype() == DType::kBF16) {
    const auto* query = reinterpret_cast<const uint16_t*>(q);
    float acc = 0.0f;
    for (int64_t i = 0; i < kv.head_dim(); i += 2) {
      acc = Bf16PairStep({query[i], query[i + 1]}, {kv.Key<uint16_t>(position, i), kv.Key<uint16_t>(position, i + 1)},
                         acc);
    }
    return acc;
  }
  const auto* query = reinterpret_cast<const float*>(q);
  float acc = 0.0f;
  for (int64_t i = 0; i < kv.head_dim(); ++i) acc = Fma(query[i], kv.Key<float>(position, i), acc);
  return acc;
}

using Weights = std::array<float, kAttentionPartition>;  // of the positions of a partition; 0 where hidden

// A hidden half of a visible pair enters as 0 times 0: what the cache holds there may be anything, NaN included. The
// final + 0 makes a skipped pair and one of zeros the same: a sum of -0 becomes +0.
float WeightedValue(const KvView& kv, const Weights& weights, int64_t start, Visible visible, int64_t dim) {
  float acc = 0.0f;
  if (kv.dtype() == DType::kF32) {
    for (int64_t p = visible.begin; p < visible.end; ++p) acc = Fma(weights[p - start], kv.Value<float>(p, dim), acc);
    return acc + 0.0f;
  }
  const auto value = [&](int64_t p) {
    return p >= visible.begin && p < visible.end ? kv.Value<uint16_t>(p, dim) : uint16_t{0};
  };
  for (int64_t p = visible.begin / 2 * 2; p < visible.end; p += 2) {
    const Bf16Pair weight = {F32ToBf16(weights[p - start]), F32ToBf16(weights[p + 1 - start])};
    acc = Bf16PairStep(weight, {value(p), value(p + 1)}, acc);
  }
  return acc + 0.0f;
}

// Positions `visible` of the partition that begins at `start`.
Partial AttendPartition(const KvView& kv, const std::byte* q, float scale, int64_t start, Visible visible) {
  Partial partial;
  Weights weights{};
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    weights[p - start] = Score(kv, q, p) * scale;
    partial.max = Max(weights[p - start], partial.max);
  }
  LongSum sum;
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    weights[p - start] = Exp(weights[p - start] - partial.max);
    sum.Add(p - start, weights[p - start]);
  }
  partial.sum = sum.Total();
  for (int64_t i = 0; i < kv.head_dim(); ++i) {
    partial.out.push_back(WeightedValue(kv, weights, start, visible, i));
  }
  return partial;
}

}  // namespace

void AttendRow(const KvView& kv, const std::byte* q, float scale, Visible visible, std::span<float> out) {
  Partial total;
  total.out.resize(out.size());
  for (int64_t start = visible.begin / kAttentionPartition * kAttentionPartition; start < visible.end;
       start += kAttentionPartition) {
    const Visible here = {std::max(start, visible.begin), std::min(start + kAttentionPartition, visible.end)};
    const Partial part = AttendPartition(kv, q, scale, start, here);
    const float max = Max(part.max, total.max);
    // The first time, exp(-inf) = 0 leaves the partition as it is.
    const float keep = Exp(total.max - max);
    const float take = Exp(part.max - max);
    total.max = max;
    total.sum = Fma(part.sum, take, total.sum * keep);
    for (size_t i = 0; i < out.size(); ++i) total.out[i] = Fma(part.out[i], take, total.out[i] * keep);
  }
  for (size_t i = 0; i < out.size(); ++i) out[i] = total.out[i] / total.sum;
}

}  // namespace engine
