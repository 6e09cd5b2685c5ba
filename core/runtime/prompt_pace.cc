#include "core/runtime/prompt_pace.h"

#include <algorithm>
#include <limits>

#include "core/runtime/step_budget.h"

namespace engine {

int PromptPace::TokensBesideDecodes(std::span<const Sequence* const> running) const {
  const auto decodes = std::ranges::count_if(running, [](const Sequence* s) { return ReadyTokens(*s) == 1; });
  if (share_ == 1 || decodes == 0) return std::numeric_limits<int>::max();
  if (token_seconds_ == 0 || mixed_steps_ >= kMixedSteps) return 1;
  const double seconds = decode_cost_.Of(static_cast<int>(decodes)) * share_ / (1 - share_);
  return static_cast<int>(std::clamp(seconds / token_seconds_, 1.0, 1e9));
}

void PromptPace::Observe(const StepPlan& plan, double seconds) {
  int rows = 0, prompt_tokens = 0;
  for (const ScheduledSequence& part : plan.sequences) {
    const bool decodes = part.samples_next && part.num_tokens == 1 + part.num_drafted;
    (decodes ? rows : prompt_tokens) += part.num_tokens;
  }
  if (prompt_tokens == 0) {
    decode_cost_.Observe(rows, seconds);
    mixed_steps_ = 0;
  } else if (rows > 0) {
    ObserveMixed(rows, prompt_tokens, seconds);
  } else if (token_seconds_ == 0) {
    token_seconds_ = seconds / prompt_tokens;
  }
}

// Tokens cost more the further a prompt is read, so the figure follows quickly; a step during which the machine did
// something else counts no more than twice what was expected.
void PromptPace::ObserveMixed(int rows, int prompt_tokens, double seconds) {
  constexpr double kWeight = 0.25;
  if (token_seconds_ == 0) token_seconds_ = seconds / (rows + prompt_tokens);
  if (prompt_tokens > 1) {
    const double seen = (seconds - decode_cost_.Of(rows)) / prompt_tokens;
    token_seconds_ += kWeight * (std::clamp(seen, token_seconds_ / 2, token_seconds_ * 2) - token_seconds_);
    ++mixed_steps_;
    return;
  }
  // Nearly a decode step. One token's cost shows in no figure: it is taken to be a little less than before, so that two
  // are tried again where that was too much.
  decode_cost_.Observe(rows, std::max(seconds - token_seconds_, seconds / 2));
  token_seconds_ *= 0.9;
  mixed_steps_ = 0;
}

}  // namespace engine
