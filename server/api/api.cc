#include "server/api/api.h"

#include "server/api/chat_answer.h"
#include "server/api/chat_request.h"
#include "server/api/common_fields.h"
#include "server/api/completion_answer.h"
#include "server/api/completion_request.h"
#include "server/api/embeddings.h"
#include "server/api/messages_answer.h"
#include "server/api/messages_request.h"
#include "server/api/models_route.h"
#include "server/api/openapi.h"
#include "server/api/request_run.h"
#include "server/api/responses_answer.h"
#include "server/api/responses_request.h"
#include "server/api/service.h"
#include "server/api/token_routes.h"

namespace engine {
namespace {

using ServicePtr = std::shared_ptr<const Service>;  // every handler holds it

// A text becomes tokens by way of some hundred bytes for each of its own.
Weight WeightOf(const HttpRequest& http) {
  constexpr size_t kHeavyBody = size_t{512} << 10;
  return http.body.size() < kHeavyBody ? Weight::kLight : Weight::kHeavy;
}

void SendJson(Responder& responder, const absl::StatusOr<Json>& json, ErrorWriter write_error = ErrorBody) {
  if (!json.ok()) return SendError(responder, json.status(), ErrorJson(json.status(), write_error));
  responder.Send(200, "application/json", JsonText(*json));
}

using Computation = absl::StatusOr<Json> (*)(const Service&, const Json& body);

absl::StatusOr<Json> Compute(const Service& service, const HttpRequest& http, Computation compute) {
  ASSIGN_OR_RETURN(const Json body, ReadBody(http));
  return compute(service, body);
}

// A request whose answer is computed at once.
HttpHandler Computed(const ServicePtr& service, const Post& post, Computation compute,
                     ErrorWriter write_error = ErrorBody) {
  return [=](const std::shared_ptr<const HttpRequest>& http, const std::shared_ptr<Responder>& responder) {
    post(WeightOf(*http), [service, compute, write_error, http, responder] {
      if (!responder->is_open()) return;  // it has gone while it waited for a worker
      SendJson(*responder, Compute(*service, *http, compute), write_error);
    });
  };
}

// An API that asks for answers: how its bodies are read, and how its answers are written.
struct Dialect {
  absl::Status (*read)(const Json& body, const ModelInfo& model, ApiRequest& request);
  std::unique_ptr<AnswerFormat> (*make_format)();
};

// `format` is taken over where the request runs.
absl::Status Run(const Service& service, const Post& post, const Dialect& dialect, const HttpRequest& http,
                 const std::shared_ptr<Responder>& responder, std::unique_ptr<AnswerFormat>& format) {
  ASSIGN_OR_RETURN(const Json body, ReadBody(http));
  ASSIGN_OR_RETURN(const ServedModel* model, service.ModelOf(body));
  ApiRequest request = service.NewRequest(*model);
  const absl::Status read = dialect.read(body, model->engine->model(), request);
  if (!read.ok()) return request.sent.Translate(read);
  Answer answer = service.NewAnswer(*model, http, std::move(request));
  std::make_shared<RequestRun>(*model->engine, post, service.WritesOf(*model->engine), std::move(answer),
                               std::move(format), responder)
      ->Start(service.RouteOf(body, *model));
  return absl::OkStatus();
}

HttpHandler Generated(const ServicePtr& service, const Post& post, Dialect dialect) {
  return [=](const std::shared_ptr<const HttpRequest>& http, const std::shared_ptr<Responder>& responder) {
    post(WeightOf(*http), [service, post, dialect, http, responder] {
      if (!responder->is_open()) return;
      std::unique_ptr<AnswerFormat> format = dialect.make_format();
      const absl::Status run = Run(*service, post, dialect, *http, responder, format);
      if (!run.ok()) SendError(*responder, run, format->ErrorBody(run));
    });
  };
}

constexpr Dialect kChat = {ReadChatRequest, MakeChatFormat};
constexpr Dialect kCompletion = {
    [](const Json& body, const ModelInfo&, ApiRequest& request) { return ReadCompletionRequest(body, request); },
    MakeCompletionFormat};
constexpr Dialect kResponses = {ReadResponsesRequest, MakeResponsesFormat};
constexpr Dialect kMessages = {ReadMessagesRequest, MakeMessagesFormat};
constexpr Dialect kEmbeddings = {ReadEmbeddingsRequest, MakeEmbeddingsFormat};

Json Properties(std::initializer_list<std::span<const ApiField>> tables) {
  Json properties = Json::object();
  for (const std::span<const ApiField> table : tables) AddProperties(table, properties);
  return properties;
}

// In the order in which documentation lists them.
std::vector<Endpoint> Endpoints(const ServicePtr& service, const Post& post) {
  const Json chat = Properties({CommonFields(), ChatFields()});
  return {
      {.route = {"POST", "/v1/chat/completions", Generated(service, post, kChat)},
       .summary = "Continue a chat",
       .answer = "ChatCompletion",
       .streams = true,
       .properties = chat,
       .required = {"messages"}},
      {.route = {"POST", "/v1/completions", Generated(service, post, kCompletion)},
       .summary = "Continue a text",
       .answer = "Completion",
       .streams = true,
       .properties = Properties({CommonFields(), CompletionFields()}),
       .required = {"prompt"}},
      {.route = {"POST", "/v1/responses", Generated(service, post, kResponses)},
       .summary = "Continue a chat, as OpenAI's newer API does; nothing is kept",
       .answer = "Response",
       .streams = true,
       .properties = Properties({ResponsesFields()}),
       .required = {"input"}},
      {.route = {"POST", "/v1/messages", Generated(service, post, kMessages), false, AnthropicErrorBody},
       .summary = "Continue a chat, as Anthropic's API does",
       .answer = "Message",
       .streams = true,
       .properties = Properties({MessagesFields()}),
       .required = {"messages", "max_tokens"}},
      {.route = {"POST", "/v1/messages/count_tokens", Computed(service, post, CountTokens, AnthropicErrorBody), false,
                 AnthropicErrorBody},
       .summary = "Count the tokens of an Anthropic request",
       .answer = "TokenCount",
       .properties = Properties({MessagesFields()}),
       .required = {"messages"}},
      {.route = {"POST", "/v1/embeddings", Generated(service, post, kEmbeddings)},
       .summary = "Texts as vectors",
       .answer = "Embeddings",
       .properties = Properties({EmbeddingsFields()}),
       .required = {"input"}},
      {.route = {"POST", "/v1/chat/completions/render", Computed(service, post, RenderChat)},
       .summary = "Show the prompt of a chat",
       .answer = "Prompt",
       .properties = chat,
       .required = {"messages"}},
      {.route = {"POST", "/tokenize", Computed(service, post, Tokenize)},
       .summary = "Tokens of a text or a chat",
       .answer = "Tokens",
       .properties = TokenizeProperties()},
      {.route = {"POST", "/detokenize", Computed(service, post, Detokenize)},
       .summary = "Text of tokens",
       .answer = "Text",
       .properties = DetokenizeProperties(),
       .required = {"tokens"}},
      {.route = {"GET", "/v1/models",
                 [service](const std::shared_ptr<const HttpRequest>&, const std::shared_ptr<Responder>& responder) {
                   SendJson(*responder, ListModels(*service));
                 }},
       .summary = "List the models",
       .answer = "Models"},
      {.route = {"GET", "/v1/models/*",
                 [service](const std::shared_ptr<const HttpRequest>& http,
                           const std::shared_ptr<Responder>& responder) {
                   constexpr std::string_view kAbove = "/v1/models/";
                   SendJson(*responder, DescribeModel(*service, http->path.substr(kAbove.size())));
                 }},
       .summary = "Describe a model",
       .answer = "Model"},
  };
}

}  // namespace

std::vector<Route> ApiRoutes(ApiOptions options) {
  const Post post = options.post;
  const std::string version = options.version;
  const auto service = std::make_shared<const Service>(std::move(options));
  std::vector<Endpoint> endpoints = Endpoints(service, post);
  endpoints.push_back({.route = {"GET", "/openapi.json", nullptr}, .summary = "This document", .answer = "Document"});
  const auto document = std::make_shared<const std::string>(JsonText(OpenApi(endpoints, version)));  // the handler's
  endpoints.back().route.handler = [document](const std::shared_ptr<const HttpRequest>&,
                                              const std::shared_ptr<Responder>& responder) {
    responder->Send(200, "application/json", *document);
  };
  std::vector<Route> routes;
  for (Endpoint& endpoint : endpoints) routes.push_back(std::move(endpoint.route));
  return routes;
}

}  // namespace engine
