// Texts as vectors: what the last layer of a model, norm included, makes of their tokens.
#pragma once

#include <span>
#include <vector>

#include "engine/engine.h"

namespace engine {

// What to submit for the embedding of a prompt, which has messages, prompt or prompt_tokens.
GenerationRequest EmbeddingRequest(GenerationRequest prompt);

// The first `dimensions` values of an embedding, 0: all, scaled to length 1.
std::vector<float> ScaledEmbedding(std::span<const float> embedding, int dimensions = 0);

}  // namespace engine
