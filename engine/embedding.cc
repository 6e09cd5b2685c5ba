#include "engine/embedding.h"

#include <cmath>
#include <future>

namespace engine {

// A first token is drawn, and dropped: its row is the one behind the last token. Rows of the other tokens are there when
// their log-probs are asked for.
GenerationRequest EmbeddingRequest(const ModelInfo& model, GenerationRequest prompt) {
  prompt.sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = 1};
  if (model.pooling == "mean") prompt.sampling.prompt_logprobs = 0;
  prompt.return_hidden_states = true;
  return prompt;
}

void Pooler::Add(const GenerationUpdate& update) {
  const std::vector<float>& state = update.hidden_state;
  if (state.empty()) return;
  if (!takes_mean_ || sum_.empty()) {
    sum_.assign(state.begin(), state.end());
    return;
  }
  for (size_t i = 0; i < state.size(); ++i) sum_[i] += state[i];
}

std::vector<float> Pooler::Embedding(int dimensions) const {
  const size_t size = dimensions > 0 ? static_cast<size_t>(dimensions) : sum_.size();
  double squares = 0;
  for (size_t i = 0; i < size; ++i) squares += sum_[i] * sum_[i];
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  std::vector<float> values;
  for (size_t i = 0; i < size; ++i) values.push_back(static_cast<float>(sum_[i] * scale));
  return values;
}

absl::StatusOr<Embedding> Embed(Engine& engine, GenerationRequest prompt, int dimensions) {
  const ModelInfo& model = engine.model();
  if (dimensions < 0 || dimensions > model.embedding_size) {
    return InvalidArgument("dimensions is %d; an embedding has %d", dimensions, model.embedding_size);
  }
  Pooler pooler(model);
  Embedding embedding;
  std::promise<absl::Status> ended;
  const auto on_update = [&](const GenerationUpdate& update) {
    pooler.Add(update);
    embedding.prompt_tokens = update.prompt_tokens;
    if (update.finish != Finish::kNone) ended.set_value(update.error);
  };
  RETURN_IF_ERROR(engine.Submit(EmbeddingRequest(model, std::move(prompt)), on_update).status());
  RETURN_IF_ERROR(ended.get_future().get());
  embedding.values = pooler.Embedding(dimensions);
  return embedding;
}

}  // namespace engine
