#include "server/api/token_routes.h"

#include <algorithm>

#include "server/api/chat_request.h"
#include "server/api/common_fields.h"
#include "server/api/messages_request.h"
#include "server/api/openapi.h"
#include "server/api/token_names.h"

namespace engine {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 22;

struct TokenizeRequest {
  std::string text;
  bool add_special_tokens = true;
  bool parse_special_tokens = true;
  bool with_strings = false;
};

template <auto kMember>
absl::Status Set(const FieldValue& value, TokenizeRequest& request) {
  return Get(value, request.*kMember);
}

constexpr Field<TokenizeRequest> kTextFields[] = {
    {"model", "string", nullptr, "", "*"},
    {"messages", "array", nullptr, "", "*"},  // null here
    {"prompt", "string", Set<&TokenizeRequest::text>, "the text"},
    {"content", "string",
     [](const FieldValue& value, TokenizeRequest& request) {
       request.add_special_tokens = false;  // unless a field below asks for it, as in llama.cpp
       return Get(value, request.text);
     },
     "llama.cpp's prompt, to which it adds nothing by default"},
    {"add_special_tokens", "boolean", Set<&TokenizeRequest::add_special_tokens>,
     "what the tokenizer puts around a text"},
    {"add_special", "boolean", Set<&TokenizeRequest::add_special_tokens>, "llama.cpp's add_special_tokens"},
    {"parse_special", "boolean", Set<&TokenizeRequest::parse_special_tokens>, "texts of control tokens become those"},
    {"return_token_strs", "boolean", Set<&TokenizeRequest::with_strings>, "texts of the tokens as well"},
    {"with_pieces", "boolean", nullptr, "use return_token_strs", "false"},
};

struct DetokenizeRequest {
  std::vector<int> tokens;
};

constexpr Field<DetokenizeRequest> kTokenFields[] = {
    {"model", "string", nullptr, "", "*"},
    {"tokens", "array",
     [](const FieldValue& value, DetokenizeRequest& request) { return GetList(value, kMaxTokens, request.tokens); },
     "ids"},
};

Json TokensJson(const Engine& engine, const std::vector<int32_t>& tokens, bool with_strings) {
  Json json = {{"count", tokens.size()}, {"max_model_len", engine.model().max_model_len}, {"tokens", tokens}};
  if (with_strings) {
    json["token_strs"] = Json::array();
    for (const int32_t token : tokens) json["token_strs"].push_back(engine.TokenBytes(token));
  }
  return json;
}

using Reader = absl::Status (*)(const Json& body, const ModelInfo& model, ApiRequest& request);

absl::StatusOr<RenderedPrompt> ReadAndRender(Reader read, const Json& body, const ServedModel& model,
                                             ApiRequest& request) {
  const absl::Status status = read(body, model.engine->model(), request);
  auto prompt = status.ok() ? model.engine->Render(request.generation) : status;
  if (!prompt.ok()) return request.sent.Translate(prompt.status());
  return prompt;
}

absl::StatusOr<Json> TokenizeChat(const Service& service, const ServedModel& model, Json body) {
  bool with_strings = false;
  const Json wanted = body.value("return_token_strs", Json());
  if (!wanted.is_null()) RETURN_IF_ERROR(Get({"return_token_strs", wanted}, with_strings));
  body.erase("return_token_strs");
  if (body.value("prompt", Json()).is_null()) body.erase("prompt");
  ApiRequest request = service.NewRequest(model);
  ASSIGN_OR_RETURN(const RenderedPrompt prompt, ReadAndRender(ReadChatRequest, body, model, request));
  Json json = TokensJson(*model.engine, prompt.tokens, with_strings);
  AddWarnings(request.warnings, json);
  return json;
}

}  // namespace

Json TokenizeProperties() {
  Json properties = Json::object();
  AddProperties<TokenizeRequest>(kTextFields, properties);
  AddProperties(CommonFields(), properties);
  AddProperties(ChatFields(), properties);
  return properties;
}

Json DetokenizeProperties() {
  Json properties = Json::object();
  AddProperties<DetokenizeRequest>(kTokenFields, properties);
  return properties;
}

absl::StatusOr<Json> Tokenize(const Service& service, const Json& body) {
  ASSIGN_OR_RETURN(const ServedModel* model, service.ModelOf(body));
  if (!body.value("messages", Json()).is_null()) return TokenizeChat(service, *model, body);
  TokenizeRequest request;
  std::vector<std::string> warnings;
  RETURN_IF_ERROR(ReadFields<TokenizeRequest>({"", body}, {kTextFields}, service.PolicyOf(warnings), request));
  RenderedPrompt prompt;
  if (!request.text.empty()) {
    ASSIGN_OR_RETURN(prompt, model->engine->Render({.prompt = request.text,
                                                    .add_special_tokens = request.add_special_tokens,
                                                    .parse_special_tokens = request.parse_special_tokens}));
  }
  Json json = TokensJson(*model->engine, prompt.tokens, request.with_strings);
  AddWarnings(warnings, json);
  return json;
}

absl::StatusOr<Json> Detokenize(const Service& service, const Json& body) {
  ASSIGN_OR_RETURN(const ServedModel* model, service.ModelOf(body));
  DetokenizeRequest request;
  std::vector<std::string> warnings;
  RETURN_IF_ERROR(ReadFields<DetokenizeRequest>({"", body}, {kTokenFields}, service.PolicyOf(warnings), request));
  if (body.value("tokens", Json()).is_null()) return FieldError("tokens", "is missing");
  const int vocab_size = model->engine->model().vocab_size;
  const auto is_known = [=](int token) { return token >= 0 && token < vocab_size; };
  const auto unknown = std::ranges::find_if_not(request.tokens, is_known);
  if (unknown != request.tokens.end()) {
    return FieldError(absl::StrFormat("tokens[%d]", unknown - request.tokens.begin()),
                      absl::StrFormat("is %d; the model's tokens are 0 to %d", *unknown, vocab_size - 1));
  }
  ASSIGN_OR_RETURN(const std::string text, model->engine->Detokenize(request.tokens));
  Json json = {{"prompt", text}, {"content", text}};
  AddWarnings(warnings, json);
  return json;
}

absl::StatusOr<Json> RenderChat(const Service& service, const Json& body) {
  ASSIGN_OR_RETURN(const ServedModel* model, service.ModelOf(body));
  ApiRequest request = service.NewRequest(*model);
  ASSIGN_OR_RETURN(const RenderedPrompt prompt, ReadAndRender(ReadChatRequest, body, *model, request));
  Json json = {{"prompt", prompt.text}, {"token_ids", prompt.tokens}, {"count", prompt.tokens.size()}};
  AddWarnings(request.warnings, json);
  return json;
}

absl::StatusOr<Json> CountTokens(const Service& service, const Json& body) {
  ASSIGN_OR_RETURN(const ServedModel* model, service.ModelOf(body));
  ApiRequest request = service.NewRequest(*model);
  ASSIGN_OR_RETURN(const RenderedPrompt prompt, ReadAndRender(ReadCountTokensRequest, body, *model, request));
  Json json = {{"input_tokens", prompt.tokens.size()}};
  AddWarnings(request.warnings, json);
  return json;
}

}  // namespace engine
