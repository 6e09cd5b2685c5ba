// /tokenize, /detokenize, /v1/chat/completions/render and /v1/messages/count_tokens: how a model reads text.
#pragma once

#include "server/api/service.h"

namespace engine {

// vLLM's and llama.cpp's forms of the request; answers have the fields of both.
absl::StatusOr<Json> Tokenize(const Service& service, const Json& body);
absl::StatusOr<Json> Detokenize(const Service& service, const Json& body);

// What their bodies hold, for documentation.
Json TokenizeProperties();
Json DetokenizeProperties();

// The prompt of a chat request, which is not run.
absl::StatusOr<Json> RenderChat(const Service& service, const Json& body);

// The size of the prompt of an Anthropic request.
absl::StatusOr<Json> CountTokens(const Service& service, const Json& body);

}  // namespace engine
