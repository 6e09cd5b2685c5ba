// Device code: which tokens top_k and top_p keep, without sorting the vocabulary (ops/sample.h, step 5).
#pragma once

#include "backends/gpu/sample_order.h"

namespace engine::gpu {

// e^-28 * 2^40 = 0.76: from here on integers are 0, and the last bucket has all of those.
inline constexpr float kWeightlessDistance = 28.0f;

// Rounding keeps the order, so only tokens of one bucket need comparing. A number for any temperature: 0 times it must be 0.
struct BucketScale {
  float max;
  float per_unit;

  GPU_FN explicit BucketScale(const Tokens& tokens) : max(tokens.max) {
    const float wanted = kBuckets / (kWeightlessDistance * tokens.temperature);
    per_unit = Min(std::numeric_limits<float>::max(), Max(std::numeric_limits<float>::min(), wanted));
  }
  GPU_FN int BucketOf(float logit) const {
    return static_cast<int>(Min((max - logit) * per_unit, static_cast<float>(kBuckets - 1)));
  }
};

template <int kBins>
GPU_FN void Clear(Bins<kBins>& bins) {
  for (int i = Tid(); i < kBins; i += kSampleThreads) {
    bins.counts[i] = 0;
    bins.weights[i] = 0;
  }
}
template <int kBins>
GPU_FN void Add(Bins<kBins>& bins, int bin, uint64_t weight) {
  AtomicAdd(&bins.counts[bin], uint32_t{1});
  if (weight != 0) AtomicAdd(&bins.weights[bin], weight);
}

// Where the first tokens end that are as many as `count`, or fewer whose integers add up to `weight`. Bins without tokens
// end nothing.
struct Goal {
  uint32_t count;
  uint64_t weight;

  template <int kBins>
  GPU_FN bool Walk(const Bins<kBins>& bins, int begin, int end, gpu::Walk& walk) const {
    for (walk.bin = begin; walk.bin < end; ++walk.bin) {
      const uint32_t count_here = walk.count + bins.counts[walk.bin];
      const uint64_t weight_here = walk.weight + bins.weights[walk.bin];
      if (bins.counts[walk.bin] != 0 && (count_here >= count || weight_here >= weight)) return true;
      walk.count = count_here;
      walk.weight = weight_here;
    }
    return false;
  }
};

// Goes on from shared.walk to the bin in which the goal is reached; kBins if in none.
template <int kBins>
GPU_FN void WalkBins(const Bins<kBins>& bins, const Goal& goal, SampleShared& shared) {
  constexpr int kPart = kBins / 32;
  if (Tid() < 32) {
    uint32_t count = 0;
    uint64_t weight = 0;
    for (int i = Tid() * kPart; i < (Tid() + 1) * kPart; ++i) {
      count += bins.counts[i];
      weight += bins.weights[i];
    }
    shared.parts.counts[Tid()] = count;
    shared.parts.weights[Tid()] = weight;
  }
  SyncBlock();
  if (Tid() == 0) {
    Walk walk = shared.walk;
    if (goal.Walk(shared.parts, 0, 32, walk)) {
      const int part = walk.bin;
      goal.Walk(bins, part * kPart, (part + 1) * kPart, walk);
    } else {
      walk.bin = kBins;
    }
    shared.walk = walk;
  }
  SyncBlock();
}

// Tokens up to `key` in the order, and what they weigh.
struct Cut {
  uint64_t key;
  uint64_t total;
};

// Finds the token that reaches the goal among `members`, whose bucket shared.walk stands at: digit after digit of their
// keys, as far as several tokens share them.
GPU_FN Cut CutMembers(const Tokens& tokens, const int32_t* members, int size, const Goal& goal, SampleShared& shared) {
  uint64_t prefix = 0;
  int shift = 64;
  do {
    shift -= 8;
    SyncBlock();  // everyone has read the last digit's counts
    Clear(shared.digits);
    SyncBlock();
    for (int i = Tid(); i < size; i += kSampleThreads) {
      const int id = members[i];
      const uint64_t key = KeyOf(tokens.logits[id], id) >> shift;
      if (key >> 8 == prefix) Add(shared.digits, static_cast<int>(key & 255), tokens.IntegerOf(tokens.logits[id]));
    }
    SyncBlock();
    WalkBins(shared.digits, goal, shared);
    prefix = prefix << 8 | static_cast<uint64_t>(shared.walk.bin);
  } while (shared.digits.counts[shared.walk.bin] != 1);
  const uint64_t total = shared.walk.weight + shared.digits.weights[shared.walk.bin];
  for (int i = Tid(); i < size; i += kSampleThreads) {
    const uint64_t key = KeyOf(tokens.logits[members[i]], members[i]);
    if (key >> shift == prefix) shared.chosen = key;
  }
  SyncBlock();
  return {shared.chosen, total};
}

// Fills shared.buckets.
GPU_FN void CountBuckets(const Tokens& tokens, SampleShared& shared) {
  const BucketScale scale(tokens);
  Clear(shared.buckets);
  SyncBlock();
  ForEachToken<8>(tokens.logits, tokens.count,
                  [&](int, float logit) { Add(shared.buckets, scale.BucketOf(logit), tokens.IntegerOf(logit)); });
  SyncBlock();
}

// The cut where the goal is reached; after CountBuckets. `members` has room for all tokens.
GPU_FN Cut FindCut(const Tokens& tokens, const Goal& goal, int32_t* members, SampleShared& shared) {
  SyncBlock();  // everyone has read the last walk
  if (Tid() == 0) {
    shared.walk = {};
    shared.num_members = 0;
  }
  SyncBlock();
  WalkBins(shared.buckets, goal, shared);
  const int bucket = shared.walk.bin;
  if (bucket == kBuckets) return {kLastKey, shared.walk.weight};
  const BucketScale scale(tokens);
  ForEachToken<16>(tokens.logits, tokens.count, [&](int id, float logit) {
    if (scale.BucketOf(logit) == bucket) members[AtomicAdd(&shared.num_members, uint32_t{1})] = id;
  });
  SyncBlock();
  return CutMembers(tokens, members, static_cast<int>(shared.num_members), goal, shared);
}

// What top_k and top_p keep; everything where neither limits.
GPU_FN uint64_t KeepLikeliest(const Tokens& tokens, const SamplingRow& row, int32_t* members, SampleShared& shared) {
  const bool limits_count = row.top_k > 0 && row.top_k < tokens.count;
  if (!limits_count && row.top_p >= 1.0f) return kLastKey;
  CountBuckets(tokens, shared);
  const auto count = static_cast<uint32_t>(limits_count ? row.top_k : tokens.count);
  const Cut first = FindCut(tokens, {count, kLastKey}, members, shared);
  if (row.top_p >= 1.0f) return first.key;
  const auto wanted = static_cast<uint64_t>(static_cast<double>(row.top_p) * static_cast<double>(first.total));
  return FindCut(tokens, {count, wanted}, members, shared).key;
}

}  // namespace engine::gpu
