// When a sequence ends by its tokens. Stop strings need text and are looked for above the scheduler.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/sequence.h"

namespace engine {

// The token ids that end a sequence: its own, and the model's unless it ignores them.
std::vector<int32_t> StopIds(const SamplingParams& params, std::span<const int32_t> eos_token_ids);

// Whether the sequence ends with the token just appended to it.
FinishReason ReasonToStop(const Sequence& sequence);

}  // namespace engine
