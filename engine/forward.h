// Logits of every position of one sequence, without scheduler or sampling: for evaluation and for tests.
#pragma once

#include <functional>
#include <span>

#include "engine/load_model.h"

namespace engine {

using LogitsSink = std::function<void(int64_t position, std::span<const float> logits)>;

// Feeds `tokens` from position 0 in chunks of at most `chunk` and hands the logits of each position to `sink`, padding
// of the vocabulary cut off. The model must be idle; what its cache held is lost. chunk is cut to what one step takes.
absl::Status ForwardSequence(LoadedModel& model, std::span<const int32_t> tokens, int chunk, const LogitsSink& sink);

}  // namespace engine
