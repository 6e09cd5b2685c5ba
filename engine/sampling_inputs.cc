#include "engine/sampling_inputs.h"

#include <algorithm>
#include <limits>

namespace engine {

static_assert(SamplingParams::kMaxLogprobs == kMaxTopLogprobs, "a row has room for what a request may ask for");

int64_t MaxAdjustmentsPerRow(int vocab_size, const SchedulerConfig& limits) {
  const auto num_ends = static_cast<int64_t>(limits.eos_token_ids.size());
  return std::min<int64_t>(vocab_size, limits.max_model_len + SamplingParams::kMaxBiases + num_ends);
}

const std::byte* SamplingInputs::Fill(const StepPlan& plan, std::byte* rows, std::byte* adjustments) {
  adjustments_ = reinterpret_cast<TokenAdjustment*>(adjustments);
  count_ = 0;
  auto* out = reinterpret_cast<SamplingRow*>(rows);
  for (const LogitsRow& row : plan.rows) FillRow(plan, row, *out++);
  return reinterpret_cast<const std::byte*>(adjustments_ + count_);
}

void SamplingInputs::FillRow(const StepPlan& plan, const LogitsRow& row, SamplingRow& out) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Sequence& sequence = *plan.sequences[row.sequence].sequence;
  const SamplingParams& params = sequence.params;
  const int32_t begin = count_;
  out = {};
  if (row.scored != LogitsRow::kSample) {
    // The log-prob of a given token: make it certain to be drawn; log-probs are of the unadjusted logits. The bias is
    // the largest that leaves a finite sum, for a largest logit that is not finite fails the row.
    out.temperature = 0;
    out.num_logprobs = params.prompt_logprobs.value_or(0);
    Adjust(row.scored).bias = std::numeric_limits<float>::max();
  } else {
    out = {.temperature = params.temperature,
           .top_p = params.top_p,
           .min_p = params.min_p,
           .repetition_penalty = params.repetition_penalty,
           .presence_penalty = params.presence_penalty,
           .frequency_penalty = params.frequency_penalty,
           .top_k = params.top_k,
           .num_logprobs = params.logprobs,
           .seed = sequence.seed,
           .choice = sequence.choice,
           .position = static_cast<int32_t>(row.position),
           .masked = sequence.constrained ? 1u : 0u};
    for (const auto& [token, bias] : params.logit_bias) Adjust(token).bias += bias;
    if (row.mask_stops) {
      for (const int32_t token : sequence.stop_ids) Adjust(token).bias = -kInfinity;
    }
    if (params.has_penalties()) AddContext(plan, row);
  }
  out.adjustments_begin = begin;
  out.adjustments_end = count_;
  for (int32_t a = begin; a < count_; ++a) slot_of_token_[adjustments_[a].token] = -1;
}

// The tokens before the row's own: those that are known, then those of the draft.
void SamplingInputs::AddContext(const StepPlan& plan, const LogitsRow& row) {
  const ScheduledSequence& part = plan.sequences[row.sequence];
  const Sequence& sequence = *part.sequence;
  for (int64_t t = 0; t < row.position; ++t) {
    const bool known = t < sequence.known();
    TokenAdjustment& adjustment =
        Adjust(known ? sequence.tokens[t] : plan.tokens[part.first_input + t - part.first_position].id);
    adjustment.in_context = 1;
    if (t >= sequence.prompt_tokens) ++adjustment.output_count;
  }
}

TokenAdjustment& SamplingInputs::Adjust(int32_t token) {
  int32_t& slot = slot_of_token_[token];
  if (slot < 0) {
    slot = count_++;
    adjustments_[slot] = {.token = token};
  }
  return adjustments_[slot];
}

}  // namespace engine
