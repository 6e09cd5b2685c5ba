#include "tests/unit/server/api/api_builders.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace engine {

ScriptedEngine::ScriptedEngine() {
  info.path = "m.gguf";
  info.max_model_len = 100;
  info.vocab_size = 256;
  info.chat_template = "tools enable_thinking reasoning_effort documents";
  info.default_sampling.temperature = 0.5f;
}

absl::StatusOr<RequestId> ScriptedEngine::Submit(const GenerationRequest& request, UpdateCallback on_update) {
  RETURN_IF_ERROR(refusal);
  if (submitted.size() >= limit && request.when_full != WhenFull::kTake) {
    num_rejected += request.when_full == WhenFull::kRefuse;
    return ResourceExhausted("full");
  }
  submitted.push_back({request, std::move(on_update)});
  const auto id = static_cast<RequestId>(submitted.size()) - 1;
  while_submitting();
  return id;
}

absl::StatusOr<RenderedPrompt> ScriptedEngine::Render(const GenerationRequest& request) const {
  rendered = request;
  RenderedPrompt prompt{.text = request.prompt, .tokens = request.prompt_tokens};
  for (const ChatMessage& message : request.messages) {
    if (message.role == "refused") return InvalidArgument("chat template: no");
    prompt.text += message.role + ":" + message.content.value_or("") + "|";
  }
  for (const char c : prompt.text) prompt.tokens.push_back(static_cast<uint8_t>(c));
  return prompt;
}

absl::StatusOr<std::string> ScriptedEngine::Detokenize(std::span<const int32_t> tokens) const {
  std::string text;
  for (const int32_t token : tokens) text += static_cast<char>(token);
  return text;
}

void ScriptedEngine::Say(size_t i, const std::string& text, Finish finish) {
  GenerationUpdate update{.text = text, .finish = finish};
  update.prompt_tokens = static_cast<int64_t>(submitted[i].request.prompt_tokens.size());
  update.cached_tokens = 1;
  update.made = Now();
  for (const char c : text) {
    update.tokens.push_back(static_cast<uint8_t>(c));
    if (submitted[i].request.sampling.logprobs >= 0) {
      update.logprobs.push_back({.token = static_cast<uint8_t>(c), .logprob = -0.5f, .top = {{'A', -0.25f}}});
    }
  }
  Tell(i, update);
}

void RecordingResponder::Send(int code, std::string_view type, std::string text, HttpHeaders with) {
  EXPECT_EQ(status, 0) << "answered twice";
  status = code;
  content_type = type;
  body = std::move(text);
  headers = std::move(with);
  ended = true;
}

void RecordingResponder::Begin(int code, std::string_view type, HttpHeaders with) {
  Send(code, type, "", std::move(with));
  ended = false;
}

std::vector<Json> RecordingResponder::Events() const {
  std::vector<Json> events;
  constexpr std::string_view kData = "data: ";
  std::string_view rest = body;
  bool done = false;
  while (!rest.empty()) {
    const size_t end = rest.find("\n\n");
    EXPECT_TRUE(rest.starts_with(kData) && end != std::string_view::npos && !done) << rest;
    const std::string_view data = rest.substr(kData.size(), end - kData.size());
    done = data == "[DONE]";
    if (!done) events.push_back(Json::parse(data));
    rest.remove_prefix(end + 2);
  }
  EXPECT_EQ(done, ended);
  return events;
}

ApiClient::ApiClient(ScriptedEngine& engine, bool lenient)
    : routes_(ApiRoutes({.models = {{"tiny", &engine}, {"alias", &engine}},
                         .lenient = lenient,
                         .version = "1",
                         .post = [](Weight, const std::function<void()>& work) { work(); }})) {}

ApiClient::ApiClient(std::vector<ServedModel> models, std::vector<std::shared_ptr<TrafficSplit>> splits)
    : routes_(ApiRoutes({.models = std::move(models),
                         .splits = std::move(splits),
                         .version = "1",
                         .post = [](Weight, const std::function<void()>& work) { work(); }})) {}

std::shared_ptr<RecordingResponder> ApiClient::Call(const std::string& method, const std::string& path,
                                                    std::string body) const {
  auto responder = std::make_shared<RecordingResponder>();
  Call(responder, method, path, std::move(body));
  return responder;
}

void ApiClient::PostTo(const std::shared_ptr<RecordingResponder>& responder, const std::string& path,
                       const Json& body) const {
  Call(responder, "POST", path, body.dump());
}

void ApiClient::Call(const std::shared_ptr<RecordingResponder>& responder, const std::string& method,
                     const std::string& path, std::string body) const {
  const auto matches = [&](const Route& route) {
    const bool below = route.path.ends_with("/*") && path.starts_with(route.path.substr(0, route.path.size() - 1));
    return route.method == method && (route.path == path || below);
  };
  const auto route = std::ranges::find_if(routes_, matches);
  if (route == routes_.end()) {
    ADD_FAILURE() << "no route " << method << " " << path;
    return;
  }
  const HttpRequest request{.method = method, .path = path, .body = std::move(body), .id = "id1"};
  route->handler(std::make_shared<const HttpRequest>(request), responder);
}

std::shared_ptr<RecordingResponder> ApiClient::PostText(const std::string& path, const std::string& body) const {
  return Call("POST", path, body);
}
std::shared_ptr<RecordingResponder> ApiClient::Post(const std::string& path, const Json& body) const {
  return Call("POST", path, body.dump());
}
std::shared_ptr<RecordingResponder> ApiClient::Get(const std::string& path) const { return Call("GET", path, ""); }

Json Timeless(Json json) {
  EXPECT_GT(json.value("created", 0), 1700000000);
  json.erase("created");
  EXPECT_EQ(json.value("system_fingerprint", "").rfind("engine-1-", 0), 0u);
  json.erase("system_fingerprint");
  if (json.contains("timings")) {
    for (const char* name : {"prompt_ms", "prompt_per_second", "predicted_ms", "predicted_per_second"}) {
      EXPECT_GE(json["timings"].value(name, -1.0), 0) << name;
      json["timings"].erase(name);
    }
  }
  return json;
}

}  // namespace engine
