// Texts as vectors: what the last layer of a model, norm included, makes of their tokens.
#pragma once

#include <vector>

#include "engine/engine.h"

namespace engine {

// What to submit for the embedding of a prompt, which has messages, prompt or prompt_tokens. Its updates go to a Pooler.
GenerationRequest EmbeddingRequest(const ModelInfo& model, GenerationRequest prompt);

// Collects the states of one prompt's tokens: the last one, or the mean of all, added up in their order.
class Pooler {
 public:
  explicit Pooler(const ModelInfo& model) : takes_mean_(model.pooling == "mean") {}

  void Add(const GenerationUpdate& update);

  // Of length 1. dimensions: how many of its first values; 0: all.
  std::vector<float> Embedding(int dimensions) const;

 private:
  bool takes_mean_;
  std::vector<double> sum_;  // the mean has its direction
};

struct Embedding {
  std::vector<float> values;
  int64_t prompt_tokens = 0;
};

// Waits for it, like Engine::Generate.
absl::StatusOr<Embedding> Embed(Engine& engine, GenerationRequest prompt, int dimensions = 0);

}  // namespace engine
