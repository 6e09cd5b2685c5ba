// /v1/embeddings: texts as vectors.
#pragma once

#include <memory>

#include "server/api/answer.h"

namespace engine {

std::span<const ApiField> EmbeddingsFields();

// Refused where the model makes no embeddings.
absl::Status ReadEmbeddingsRequest(const Json& body, const ModelInfo& model, ApiRequest& request);

std::unique_ptr<AnswerFormat> MakeEmbeddingsFormat();

}  // namespace engine
