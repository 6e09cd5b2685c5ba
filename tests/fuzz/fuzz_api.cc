// Bodies of requests, as every API reads them: strictly and leniently.
#include "core/base/check.h"
#include "core/base/json.h"
#include "server/api/chat_request.h"
#include "server/api/completion_request.h"
#include "server/api/messages_request.h"
#include "server/api/responses_request.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {
namespace {

using Reader = absl::Status (*)(const Json& body, const ModelInfo& model, ApiRequest& request);

constexpr Reader kReaders[] = {
    ReadChatRequest, ReadMessagesRequest, ReadCountTokensRequest, ReadResponsesRequest,
    [](const Json& body, const ModelInfo&, ApiRequest& request) { return ReadCompletionRequest(body, request); }};

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto body = ParseJson(text, "the body", {.max_bytes = 1 << 16});
  if (!body.ok()) return;
  ModelInfo model;
  model.chat_template = "enable_thinking documents";
  for (const Reader read : kReaders) {
    for (const bool lenient : {false, true}) {
      ApiRequest request{.lenient = lenient};
      if (!read(*body, model, request).ok()) continue;
      ENGINE_CHECK(!request.generation.messages.empty() || !request.prompts.empty());
      ENGINE_CHECK(lenient || request.warnings.empty());
      ENGINE_CHECK(request.n >= 1);
    }
  }
}

}  // namespace engine
