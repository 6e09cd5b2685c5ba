// /v1/embeddings: texts as vectors.
#pragma once

#include <memory>
#include <vector>

#include "server/api/service.h"

namespace engine {

struct EmbeddingsRequest {
  std::vector<GenerationRequest> inputs;  // each with a prompt or prompt_tokens
  bool add_special_tokens = true;
  bool as_base64 = false;  // of the bytes of little-endian f32
  int dimensions = 0;      // 0: all
};

// Refused where the model makes no embeddings.
absl::Status ReadEmbeddingsRequest(const Json& body, const ModelInfo& model, EmbeddingsRequest& request);

// What a body holds, for documentation.
Json EmbeddingsProperties();

// Has every input run, some at a time, and answers. The model's engine outlives it.
void RunEmbeddings(const ServedModel& model, EmbeddingsRequest request, std::shared_ptr<Responder> responder);

}  // namespace engine
