#include "backends/cpu/likeliest.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/sample.h"

namespace engine::cpu {

const Cut kKeepAll = {-std::numeric_limits<float>::infinity(), std::numeric_limits<int32_t>::max()};

uint64_t WeighedLogits::integer(int64_t id) const { return static_cast<uint64_t>(weights[id] * kSampleWeightOne); }

namespace {

// Buckets of logits by their distance below the largest. Rounding keeps the order, so only tokens of one bucket need
// comparing.
constexpr int kBuckets = 1024;

// e^-28 * 2^40 = 0.76: from here on integers are 0. The last bucket has all of those; a bucket's width of 0.027 holds a
// few dozen tokens of a usual distribution.
constexpr float kWeightlessDistance = 28.0f;

class Histogram {
 public:
  explicit Histogram(const WeighedLogits& tokens) : tokens_(tokens) {
    // A number for any temperature: 0 times it must be 0, infinity times it infinity.
    per_unit_ = std::clamp(kBuckets / (kWeightlessDistance * tokens.temperature), std::numeric_limits<float>::min(),
                           std::numeric_limits<float>::max());
    for (size_t i = 0; i < tokens.logits.size(); ++i) {
      const int bucket = BucketOf(tokens.logits[i]);
      ++counts_[bucket];
      weights_[bucket] += tokens.integer(static_cast<int64_t>(i));
    }
  }

  // The first tokens: as many as `count`, or fewer whose integers add up to `weight`. `total`: the sum of all kept.
  struct Result {
    Cut cut;
    uint64_t total;
  };
  Result First(int64_t count, uint64_t weight, std::span<int32_t> ids) const {
    int64_t before = 0;
    uint64_t sum = 0;
    for (int b = 0; b < kBuckets - 1; ++b) {
      if (before + counts_[b] >= count || sum + weights_[b] >= weight) {
        return FirstIn(b, count - before, weight - sum, sum, ids);
      }
      before += counts_[b];
      sum += weights_[b];
    }
    return {kKeepAll, sum + weights_[kBuckets - 1]};
  }

 private:
  int BucketOf(float logit) const {
    return static_cast<int>(std::min((tokens_.max - logit) * per_unit_, static_cast<float>(kBuckets - 1)));
  }

  // The same within a bucket, whose tokens are sorted; `sum` lies before it.
  Result FirstIn(int bucket, int64_t count, uint64_t weight, uint64_t sum, std::span<int32_t> ids) const {
    const std::span<const float> logits = tokens_.logits;
    size_t size = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (BucketOf(logits[i]) == bucket) ids[size++] = static_cast<int32_t>(i);
    }
    std::sort(ids.begin(), ids.begin() + size,
              [logits](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
    uint64_t inside = 0;
    size_t kept = 0;
    do {
      inside += tokens_.integer(ids[kept++]);
    } while (kept < size && static_cast<int64_t>(kept) < count && inside < weight);
    return {{logits[ids[kept - 1]], ids[kept - 1]}, sum + inside};
  }

  const WeighedLogits& tokens_;
  float per_unit_;
  std::array<int64_t, kBuckets> counts_{};
  std::array<uint64_t, kBuckets> weights_{};
};

}  // namespace

Cut KeepLikeliest(const WeighedLogits& tokens, int32_t top_k, float top_p, std::span<int32_t> ids) {
  const auto size = static_cast<int64_t>(tokens.logits.size());
  const int64_t count = top_k > 0 ? std::min<int64_t>(top_k, size) : size;
  if (count == size && top_p >= 1.0f) return kKeepAll;
  const Histogram histogram(tokens);
  const Histogram::Result first = histogram.First(count, std::numeric_limits<uint64_t>::max(), ids);
  if (top_p >= 1.0f) return first.cut;
  const auto wanted = static_cast<uint64_t>(static_cast<double>(top_p) * static_cast<double>(first.total));
  return histogram.First(count, wanted, ids).cut;
}

}  // namespace engine::cpu
