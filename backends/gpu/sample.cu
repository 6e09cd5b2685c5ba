// id = a token drawn from softmax(adjusted logits / temperature), of those that top_k, top_p and min_p keep.
// A block samples every GridDim()th row.
// A thread takes every 256th token of each pass over the vocabulary.
#include "backends/gpu/sample.h"
#include "backends/gpu/sample_cut.h"

namespace engine::gpu {

// The logits as the row's adjustments and mask make them; the same ones without any.
GPU_FN const float* Adjust(const float* logits, int count, const SamplingRow& row, const TokenAdjustment* adjustments,
                           const uint32_t* mask, float* adjusted) {
  if (row.adjustments_begin >= row.adjustments_end && row.masked == 0) return logits;
  ForEachToken<16>(logits, count, [&](int id, float logit) { adjusted[id] = logit; });
  SyncBlock();
  for (int i = row.adjustments_begin + Tid(); i < row.adjustments_end; i += kSampleThreads) {
    const TokenAdjustment adjustment = adjustments[i];
    if (adjustment.token < 0 || adjustment.token >= count) continue;
    adjusted[adjustment.token] = AdjustLogit(adjusted[adjustment.token], row, adjustment);
  }
  SyncBlock();
  if (row.masked == 0) return adjusted;
  for (int i = Tid(); i < count; i += kSampleThreads) {
    if (((mask[i / 32] >> (i % 32)) & 1) == 0) adjusted[i] = -std::numeric_limits<float>::infinity();
  }
  SyncBlock();
  return adjusted;
}

// Tokens up to a place in the order that weigh min_p at least.
struct Kept {
  Tokens tokens;
  uint64_t last;
  float min_p;

  GPU_FN uint64_t Integer(int id) const {
    const float logit = tokens.logits[id];
    if (KeyOf(logit, id) > last || tokens.WeightOf(logit) < min_p) return 0;
    return tokens.IntegerOf(logit);
  }
};

// Tokens [begin, end) of which each slot has a part, and the sums of the parts.
GPU_FN void SumParts(const Kept& kept, int begin, int end, int part, SampleShared& shared) {
  const int slot = Tid() / 32;
  const int first = begin + slot * part;
  const int last = first + part < end ? first + part : end;
  uint64_t sum = 0;
  for (int i = first + Tid() % 32; i < last; i += 32) sum += kept.Integer(i);
  sum = GroupSum<32>(sum);
  SyncBlock();  // everyone has read the last sums
  if (Tid() % 32 == 0) shared.sums[slot] = sum;
  SyncBlock();
}

// The first kept token at which the running sum exceeds a random part of the total: the part of the vocabulary in which
// that is, then the part of the part.
GPU_FN int Draw(const Kept& kept, const SamplingRow& row, SampleShared& shared) {
  int begin = 0, end = kept.tokens.count;
  uint64_t target = 0;
  bool drawn = false;
  do {
    const int part = (end - begin + kSampleSlots - 1) / kSampleSlots;
    SumParts(kept, begin, end, part, shared);
    if (!drawn) {
      uint64_t total = 0;
      for (const uint64_t sum : shared.sums) total += sum;
      target = DrawTarget(row, total);
      drawn = true;
    }
    int slot = 0;
    while (slot < kSampleSlots - 1 && shared.sums[slot] <= target) target -= shared.sums[slot++];
    begin += slot * part;
    end = begin + part < end ? begin + part : end;
  } while (end - begin > 1);
  return begin;
}

GPU_FN float LogSumExp(const Tokens& raw, SampleShared& shared) {
  float sum = 0.0f;
  ForEachToken<8>(raw.logits, raw.count, [&](int, float logit) { sum += Exp(logit - raw.max); });
  return Log(LongSumTotal(sum, shared.long_sum));
}

// The likeliest tokens in order: those up to the last of them, each placed by how many come before it.
GPU_FN void StoreTop(const Tokens& raw, int count, float log_sum, int32_t* members, SampleShared& shared,
                     SampledToken& out) {
  CountBuckets(raw, shared);
  const Cut cut = FindCut(raw, {static_cast<uint32_t>(count), kLastKey}, members, shared);
  if (Tid() == 0) shared.num_top = 0;
  SyncBlock();
  ForEachToken<16>(raw.logits, raw.count, [&](int id, float logit) {
    const uint64_t key = KeyOf(logit, id);
    if (key <= cut.key) shared.top[AtomicAdd(&shared.num_top, uint32_t{1})] = key;
  });
  SyncBlock();
  if (Tid() < count) {
    int place = 0;
    for (int i = 0; i < count; ++i) place += shared.top[i] < shared.top[Tid()] ? 1 : 0;
    const int id = IdOf(shared.top[Tid()]);
    out.top[place] = {id, (raw.logits[id] - raw.max) - log_sum};
  }
}

GPU_FN void StoreLogprobs(const Tokens& raw, const SamplingRow& row, int id, int32_t* members, SampleShared& shared,
                          SampledToken& out) {
  const float log_sum = LogSumExp(raw, shared);
  int count = row.num_logprobs < kMaxTopLogprobs ? row.num_logprobs : kMaxTopLogprobs;
  if (count > raw.count) count = raw.count;
  if (Tid() == 0) {
    out.logprob = (raw.logits[id] - raw.max) - log_sum;
    out.num_top = count;
  }
  if (count > 0) StoreTop(raw, count, log_sum, members, shared, out);
}

// -1, or the token's id; `best` is the likeliest.
GPU_FN int SampleToken(const SampleArgs& args, const SamplingRow& row, const float* adjusted, uint64_t best,
                       int32_t* members, SampleShared& shared) {
  if (best == kLastKey) return -1;
  if (row.temperature == 0.0f) return IdOf(best);
  const Tokens tokens{adjusted, args.vocab, adjusted[IdOf(best)], row.temperature};
  const uint64_t last = KeepLikeliest(tokens, row, members, shared);
  return Draw({tokens, last, row.min_p}, row, shared);
}

GPU_FN void SampleOne(const SampleArgs& args, int index, SampleShared& shared) {
  const SamplingRow row = args.params[index];
  const float* const logits = args.logits + index * args.columns;
  int32_t* const members = args.members + int64_t{Bid()} * args.vocab;
  SampledToken& out = args.samples[index];
  if (Tid() < kMaxTopLogprobs) out.top[Tid()] = {};
  const uint64_t best = Likeliest(logits, args.vocab, shared);
  int id = -1;
  if (best != kLastKey) {
    const float* const adjusted =
        Adjust(logits, args.vocab, row, args.adjustments, args.masks + int64_t{index} * args.mask_words,
               args.adjusted + int64_t{Bid()} * args.vocab);
    const uint64_t adjusted_best = adjusted == logits ? best : Likeliest(adjusted, args.vocab, shared);
    id = SampleToken(args, row, adjusted, adjusted_best, members, shared);
  }
  if (Tid() == 0) {
    args.ids[index] = id;
    out.id = id;
    out.logprob = 0.0f;
    out.num_top = 0;
  }
  if (id >= 0 && row.num_logprobs >= 0) {
    StoreLogprobs({logits, args.vocab, logits[IdOf(best)], 1.0f}, row, id, members, shared, out);
  }
}

// Three blocks to a multiprocessor: a row has one block, and left to choose, nvcc spills for a fourth.
GPU_KERNEL(sample, SampleArgs, kSampleThreads, 3) {
  GPU_SHARED(SampleShared, shared);
  for (int row = Bid(); row < args.rows; row += GridDim()) SampleOne(args, row, shared);
}

}  // namespace engine::gpu
