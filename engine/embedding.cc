#include "engine/embedding.h"

#include <cmath>

namespace engine {

// A first token is drawn, and dropped: the embedding comes with it.
GenerationRequest EmbeddingRequest(GenerationRequest prompt) {
  prompt.sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = 1};
  prompt.embed = true;
  return prompt;
}

std::vector<float> ScaledEmbedding(std::span<const float> embedding, int dimensions) {
  if (dimensions > 0) embedding = embedding.first(dimensions);
  double squares = 0;
  for (const float value : embedding) squares += double{value} * value;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  std::vector<float> values;
  for (const float value : embedding) values.push_back(static_cast<float>(value * scale));
  return values;
}

}  // namespace engine
