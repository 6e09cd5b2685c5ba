#include "core/runtime/stop_rules.h"

#include <algorithm>

namespace engine {

std::vector<int32_t> StopIds(const SamplingParams& params, std::span<const int32_t> eos_token_ids) {
  std::vector<int32_t> ids = params.stop_token_ids;
  if (!params.ignore_eos) ids.insert(ids.end(), eos_token_ids.begin(), eos_token_ids.end());
  return ids;
}

FinishReason ReasonToStop(const Sequence& sequence) {
  // The min_tokens-th token is still masked, so a stop token that counts is a later one.
  const bool may_stop = sequence.generated() > sequence.params.min_tokens;
  if (may_stop && std::ranges::find(sequence.stop_ids, sequence.tokens.back()) != sequence.stop_ids.end()) {
    return FinishReason::kStop;
  }
  return sequence.known() >= sequence.capacity ? FinishReason::kLength : FinishReason::kNone;
}

}  // namespace engine
