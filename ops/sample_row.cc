#include "ops/sample_row.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "core/base/long_sum.h"
#include "core/base/math.h"

namespace engine {
namespace {

// Nothing if some number is NaN or the largest is not finite.
std::optional<float> FiniteMax(std::span<const float> x) {
  float max = -std::numeric_limits<float>::infinity();
  for (const float value : x) {
    if (std::isnan(value)) return std::nullopt;
    max = Max(value, max);
  }
  return std::isfinite(max) ? std::optional(max) : std::nullopt;
}

struct Candidate {
  int32_t id;
  float logit;
  float weight;      // exp((logit - max) / temperature)
  uint64_t integer;  // weight in units of 2^-40
};

bool Likelier(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

std::vector<Candidate> Weigh(std::span<const float> adjusted, float temperature) {
  const float max = *std::max_element(adjusted.begin(), adjusted.end());
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < adjusted.size(); ++i) {
    const float weight = Exp((adjusted[i] - max) / temperature);
    candidates.push_back(
        {static_cast<int32_t>(i), adjusted[i], weight, static_cast<uint64_t>(weight * kSampleWeightOne)});
  }
  return candidates;
}

uint64_t Total(std::span<const Candidate> candidates) {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.integer;
  return total;
}

// Sorted by falling logit: the shortest run that weighs top_p of all.
size_t NucleusSize(std::span<const Candidate> sorted, float top_p) {
  const auto wanted = static_cast<uint64_t>(static_cast<double>(top_p) * static_cast<double>(Total(sorted)));
  uint64_t sum = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i].integer;
    if (sum >= wanted) return i + 1;
  }
  return sorted.size();
}

void KeepLikeliest(const SamplingRow& row, std::vector<Candidate>& candidates) {
  const bool limits_count = row.top_k > 0 && row.top_k < static_cast<int32_t>(candidates.size());
  if (!limits_count && row.top_p >= 1.0f) return;
  std::sort(candidates.begin(), candidates.end(), Likelier);
  if (limits_count) candidates.resize(row.top_k);
  if (row.top_p < 1.0f) candidates.resize(NucleusSize(candidates, row.top_p));
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
}

// Steps 4 to 6: a token from adjusted logits whose largest is finite, at a temperature above 0.
int32_t DrawToken(std::span<const float> adjusted, const SamplingRow& row) {
  std::vector<Candidate> kept = Weigh(adjusted, row.temperature);
  KeepLikeliest(row, kept);
  std::erase_if(kept, [&](const Candidate& candidate) { return candidate.weight < row.min_p; });
  const uint64_t target = DrawTarget(row, Total(kept));
  uint64_t sum = 0;
  for (const Candidate& candidate : kept) {
    sum += candidate.integer;
    if (sum > target) return candidate.id;
  }
  return -1;  // unreachable: target is below the total, which holds at least the largest weight, 2^40
}

// Fills logprob and top of a sample whose id is set.
void SetLogprobs(std::span<const float> logits, int num_logprobs, SampledToken& sampled) {
  const float max = *std::max_element(logits.begin(), logits.end());
  LongSum sum;
  for (size_t i = 0; i < logits.size(); ++i) sum.Add(static_cast<int64_t>(i), Exp(logits[i] - max));
  const float log_sum = Log(sum.Total());
  sampled.logprob = (logits[sampled.id] - max) - log_sum;

  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  sampled.num_top = std::min({num_logprobs, kMaxTopLogprobs, static_cast<int>(ids.size())});
  std::partial_sort(ids.begin(), ids.begin() + sampled.num_top, ids.end(),
                    [&](int32_t a, int32_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  for (int i = 0; i < sampled.num_top; ++i) sampled.top[i] = {ids[i], (logits[ids[i]] - max) - log_sum};
}

}  // namespace

std::span<const uint32_t> MaskOfRow(const Tensor& masks, int64_t m, const SamplingRow& row, int64_t vocab) {
  if (row.masked == 0) return {};
  const auto words = static_cast<size_t>(TokenMaskWords(vocab));
  return {masks.as<const uint32_t>() + m * words, words};
}

// Word by word, since most words of a grammar's mask are all zeros or all ones.
void ForbidOthers(std::span<const uint32_t> mask, std::span<float> adjusted) {
  constexpr size_t kBits = 32;
  for (size_t w = 0; w < mask.size(); ++w) {
    if (mask[w] == ~uint32_t{0}) continue;
    const size_t end = std::min(adjusted.size(), (w + 1) * kBits);
    if (mask[w] == 0) {
      std::fill(adjusted.begin() + w * kBits, adjusted.begin() + end, -std::numeric_limits<float>::infinity());
      continue;
    }
    for (size_t i = w * kBits; i < end; ++i) {
      if (((mask[w] >> (i % kBits)) & 1) == 0) adjusted[i] = -std::numeric_limits<float>::infinity();
    }
  }
}

SampledToken SampleRow(std::span<const float> logits, const SamplingRow& row,
                       std::span<const TokenAdjustment> adjustments, std::span<const uint32_t> mask) {
  SampledToken sampled;
  if (!FiniteMax(logits)) return sampled;
  std::vector<float> adjusted(logits.begin(), logits.end());
  for (const TokenAdjustment& adjustment : adjustments) {
    if (adjustment.token < 0 || adjustment.token >= static_cast<int32_t>(adjusted.size())) continue;
    float& logit = adjusted[adjustment.token];
    logit = AdjustLogit(logit, row, adjustment);
  }
  ForbidOthers(mask, adjusted);
  if (!FiniteMax(adjusted)) return sampled;
  // max_element returns the first of equals: the lowest id.
  sampled.id = row.temperature == 0.0f
                   ? static_cast<int32_t>(std::max_element(adjusted.begin(), adjusted.end()) - adjusted.begin())
                   : DrawToken(adjusted, row);
  if (row.num_logprobs >= 0) SetLogprobs(logits, row.num_logprobs, sampled);
  return sampled;
}

}  // namespace engine
