#include "ops/attention_row.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/bf16_dot.h"
#include "core/base/long_sum.h"
#include "core/base/math.h"
#include "ops/kv_layout.h"
#include "ops/store_row.h"

namespace engine {

int64_t KvView::PartOffset(int64_t position) const {
  return KvHeadOffset(dtype(), blocks_[position / kKvBlockTokens], head_, kv_heads_, head_dim_);
}

template <typename Element>
Element KvView::Key(int64_t position, int64_t dim) const {
  return cache_.as<const Element>()[PartOffset(position) + KeyOffset(dtype(), position % kKvBlockTokens, dim)];
}

template <typename Element>
Element KvView::Value(int64_t position, int64_t dim) const {
  return cache_.as<const Element>()[PartOffset(position) + KvValuesOffset(dtype(), head_dim_) +
                                    ValueOffset(dtype(), head_dim_, position % kKvBlockTokens, dim)];
}

float KvView::KeyScale(int64_t position) const {
  const std::byte* part = cache_.data + PartOffset(position);
  return reinterpret_cast<const float*>(part + KvScalesOffset(head_dim_))[position % kKvBlockTokens];
}

float KvView::ValueScale(int64_t position) const {
  const std::byte* part = cache_.data + PartOffset(position) + KvValuesOffset(dtype(), head_dim_);
  return reinterpret_cast<const float*>(part + KvScalesOffset(head_dim_))[position % kKvBlockTokens];
}

namespace {

// A query as the products need it.
struct Query {
  const std::byte* values;   // of the cache's dtype
  float scale;               // of scores; of int8 it includes the query's own
  std::vector<int8_t> int8;  // behind `values` of an int8 cache
};

Query MakeQuery(const KvView& kv, const std::byte* q, float scale) {
  if (kv.dtype() != DType::kI8) return {q, scale, {}};
  Query query{.values = nullptr, .scale = 0, .int8 = std::vector<int8_t>(kv.head_dim())};
  const std::span<const float> values(reinterpret_cast<const float*>(q), query.int8.size());
  query.scale = QuantiseGroup(values, query.int8.data()) * scale;
  query.values = reinterpret_cast<const std::byte*>(query.int8.data());
  return query;
}

// What one partition contributes: largest score, sum of exponentials, weighted sum of values.
struct Partial {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  std::vector<float> out;
};

float ScoreBf16(const KvView& kv, const uint16_t* q, int64_t position) {
  float acc = 0.0f;
  for (int64_t i = 0; i < kv.head_dim(); i += 2) {
    acc = Bf16PairStep({q[i], q[i + 1]}, {kv.Key<uint16_t>(position, i), kv.Key<uint16_t>(position, i + 1)}, acc);
  }
  return acc;
}

float ScoreF32(const KvView& kv, const float* q, int64_t position) {
  float acc = 0.0f;
  for (int64_t i = 0; i < kv.head_dim(); ++i) acc = Fma(q[i], kv.Key<float>(position, i), acc);
  return acc;
}

float ScoreInt8(const KvView& kv, const int8_t* q, int64_t position) {
  int32_t dot = 0;
  for (int64_t i = 0; i < kv.head_dim(); ++i) dot += q[i] * kv.Key<int8_t>(position, i);
  return static_cast<float>(dot) * kv.KeyScale(position);
}

float Score(const KvView& kv, const Query& query, int64_t position) {
  const std::byte* q = query.values;
  if (kv.dtype() == DType::kI8) return ScoreInt8(kv, reinterpret_cast<const int8_t*>(q), position) * query.scale;
  if (kv.dtype() == DType::kF32) return ScoreF32(kv, reinterpret_cast<const float*>(q), position) * query.scale;
  return ScoreBf16(kv, reinterpret_cast<const uint16_t*>(q), position) * query.scale;
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

// Weights times the scales of V as multiples of a unit, 0 to 255.
struct ByteWeights {
  std::array<int32_t, kAttentionPartition> counts{};
  float unit = 0.0f;
};

ByteWeights RoundWeights(const KvView& kv, Weights weights, int64_t start, Visible visible) {
  ByteWeights bytes;
  float largest = 0.0f;
  bool finite = true;
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    float& weight = weights[p - start];
    weight = weight * kv.ValueScale(p);
    finite = finite && std::isfinite(weight);
    largest = Max(weight, largest);
  }
  if (!finite) bytes.unit = std::numeric_limits<float>::quiet_NaN();
  if (!finite || largest < kSmallestByteWeight) return bytes;
  const float per_unit = 255.0f / largest;
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    bytes.counts[p - start] = static_cast<int32_t>(Round(weights[p - start] * per_unit));
  }
  bytes.unit = largest / 255.0f;
  return bytes;
}

// At most 256 * 255 * 127 < 2^23: exact as an integer and as a float.
float WeightedInt8(const KvView& kv, const ByteWeights& weights, int64_t start, Visible visible, int64_t dim) {
  int32_t sum = 0;
  for (int64_t p = visible.begin; p < visible.end; ++p) sum += weights.counts[p - start] * kv.Value<int8_t>(p, dim);
  return static_cast<float>(sum) * weights.unit;
}

// Positions `visible` of the partition that begins at `start`.
Partial AttendPartition(const KvView& kv, const Query& query, int64_t start, Visible visible) {
  Partial partial;
  Weights weights{};
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    weights[p - start] = Score(kv, query, p);
    partial.max = Max(weights[p - start], partial.max);
  }
  LongSum sum;
  for (int64_t p = visible.begin; p < visible.end; ++p) {
    weights[p - start] = Exp(weights[p - start] - partial.max);
    sum.Add(p - start, weights[p - start]);
  }
  partial.sum = sum.Total();
  const bool int8 = kv.dtype() == DType::kI8;
  const ByteWeights bytes = int8 ? RoundWeights(kv, weights, start, visible) : ByteWeights();
  for (int64_t i = 0; i < kv.head_dim(); ++i) {
    partial.out.push_back(int8 ? WeightedInt8(kv, bytes, start, visible, i)
                               : WeightedValue(kv, weights, start, visible, i));
  }
  return partial;
}

}  // namespace

void AttendRow(const KvView& kv, const std::byte* q, float scale, Visible visible, std::span<float> out) {
  const Query query = MakeQuery(kv, q, scale);
  Partial total;
  total.out.resize(out.size());
  for (int64_t start = visible.begin / kAttentionPartition * kAttentionPartition; start < visible.end;
       start += kAttentionPartition) {
    const Visible here = {std::max(start, visible.begin), std::min(start + kAttentionPartition, visible.end)};
    const Partial part = AttendPartition(kv, query, start, here);
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
