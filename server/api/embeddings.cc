#include "server/api/embeddings.h"

#include "absl/strings/escaping.h"
#include "engine/embedding.h"
#include "server/api/common_fields.h"

namespace engine {
namespace {

constexpr size_t kMaxInputs = 2048;  // as OpenAI's API has it
// Of a request at once: enough to fill steps, and others get their turn.
constexpr size_t kMaxUnderWay = 32;

absl::Status ReadInput(const FieldValue& value, ApiRequest& request) { return ReadPrompts(value, kMaxInputs, request); }

absl::Status ReadEncoding(const FieldValue& value, ApiRequest& request) {
  int word = 0;
  RETURN_IF_ERROR(GetWord(value, {"float", "base64"}, word));
  request.as_base64 = word == 1;
  return absl::OkStatus();
}

constexpr ApiField kFields[] = {
    {"model", "string", nullptr, "", "*"},
    {"input", "string|array", ReadInput, "text, token ids, or a list of either"},
    {"encoding_format", "string", ReadEncoding, "float (default), or base64 of little-endian f32"},
    {"dimensions", "integer", Set<&ApiRequest::dimensions>, "so many first values, scaled to length 1"},
    {"add_special_tokens", "boolean", SetGeneration<&GenerationRequest::add_special_tokens>,
     "what the tokenizer puts around a text"},
    {"user", "string", nullptr, "", "*"},
    {"cache_salt", "string", nullptr, "only a route reads it", "*"},
};

Json Values(const Choice& choice, const ApiRequest& request) {
  std::vector<float> values = ScaledEmbedding(choice.generation.embedding, request.dimensions);
  if (!request.as_base64) return values;
  const auto* bytes = reinterpret_cast<const char*>(values.data());
  return absl::Base64Escape(absl::string_view(bytes, values.size() * sizeof(float)));
}

// Nothing of it is streamed.
class EmbeddingsFormat : public AnswerFormat {
 public:
  Json Whole(const Answer& answer) override {
    Json data = Json::array();
    int64_t prompt_tokens = 0;
    for (const Choice& choice : answer.choices) {
      data.push_back({{"object", "embedding"}, {"index", choice.index}, {"embedding", Values(choice, answer.request)}});
      prompt_tokens += static_cast<int64_t>(choice.prompt->tokens.size());
    }
    Json json = {{"object", "list"},
                 {"data", std::move(data)},
                 {"model", answer.model},
                 {"usage", {{"prompt_tokens", prompt_tokens}, {"total_tokens", prompt_tokens}}}};
    AddWarnings(answer.request.warnings, json);
    return json;
  }
  std::string Events(const Answer&, const Choice&, const GenerationUpdate&) override { return {}; }
  std::string LastEvents(const Answer&) override { return {}; }
  std::string ErrorEvents(const absl::Status&) override { return {}; }
};

}  // namespace

std::span<const ApiField> EmbeddingsFields() { return kFields; }

absl::Status ReadEmbeddingsRequest(const Json& body, const ModelInfo& model, ApiRequest& request) {
  if (model.embedding_size == 0) {
    return About("model",
                 FailedPrecondition("the model makes no embeddings; start the server with --pooling last or mean"));
  }
  RETURN_IF_ERROR(ReadFields<ApiRequest>({"", body}, {kFields}, request.policy(), request));
  if (request.prompts.empty()) return FieldError("input", "is missing");
  const bool has_dimensions = body.contains("dimensions") && !body["dimensions"].is_null();
  if (has_dimensions && (request.dimensions < 1 || request.dimensions > model.embedding_size)) {
    return FieldError("dimensions", absl::StrFormat("is %d; an embedding of this model has 1 to %d", request.dimensions,
                                                    model.embedding_size));
  }
  for (Prompt& input : request.prompts) {
    input.generation.add_special_tokens = request.generation.add_special_tokens;
  }
  request.generation = EmbeddingRequest({});
  request.max_at_once = kMaxUnderWay;
  return absl::OkStatus();
}

std::unique_ptr<AnswerFormat> MakeEmbeddingsFormat() { return std::make_unique<EmbeddingsFormat>(); }

}  // namespace engine
