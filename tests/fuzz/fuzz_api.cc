// Bodies for every route that takes one, strictly and leniently: read, run by an engine that answers at once, written. The
// first byte says which route it is.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/json.h"
#include "server/api/api.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {
namespace {

constexpr size_t kMaxSubmitted = 200;  // of one body, which may ask for 1,024 prompts of 128 answers

// Reads a text as one token per byte, and says the beginning of the prompt again in pieces of whatever bytes they are.
class EchoEngine : public Engine {
 public:
  EchoEngine() {
    info_.max_model_len = 300;
    info_.vocab_size = 256;
    info_.chat_template = "tools enable_thinking reasoning_effort documents";
    info_.embedding_size = 2;
    info_.pooling = "last";
  }

  absl::StatusOr<RequestId> Submit(const GenerationRequest& request, UpdateCallback on_update) override {
    RETURN_IF_ERROR(request.sampling.Validate(info_.vocab_size));
    if (++num_submitted_ > kMaxSubmitted) return ResourceExhausted("full");
    const auto length = std::min<size_t>(request.prompt_tokens.size(), 4);
    for (size_t i = 0; i <= length; ++i) on_update(Update(request, i, length));
    return static_cast<RequestId>(num_submitted_);
  }

  void Restart() { num_submitted_ = 0; }

  void Cancel(RequestId) override {}
  void SetAfterUpdates(std::function<void()>) override {}
  const ModelInfo& model() const override { return info_; }
  EngineStats stats() const override { return {}; }

  absl::StatusOr<RenderedPrompt> Render(const GenerationRequest& request) const override {
    RenderedPrompt prompt{.text = request.prompt, .tokens = request.prompt_tokens};
    for (const ChatMessage& message : request.messages) prompt.text += message.role + message.content.value_or("");
    for (const char c : prompt.text) prompt.tokens.push_back(static_cast<uint8_t>(c));
    const auto is_unknown = [](int32_t token) { return token < 0 || token > 255; };
    if (std::ranges::any_of(prompt.tokens, is_unknown)) return InvalidArgument("prompt_tokens has no token");
    return prompt;
  }

  absl::StatusOr<std::string> Detokenize(std::span<const int32_t> tokens) const override {
    return std::string(tokens.begin(), tokens.end());
  }

  std::string TokenBytes(int32_t token) const override { return std::string(1, static_cast<char>(token)); }

 private:
  // The i-th of `length` tokens; the one behind them ends the answer.
  static GenerationUpdate Update(const GenerationRequest& request, size_t i, size_t length) {
    GenerationUpdate update{.prompt_tokens = static_cast<int64_t>(request.prompt_tokens.size()), .made = Now()};
    if (i == length) {
      update.finish = i % 2 == 0 ? Finish::kStop : Finish::kLength;
      return update;
    }
    const int32_t token = request.prompt_tokens[i];
    const TokenLogprobs logprobs{.token = token, .logprob = -1, .top = {{token, -1.0F}}};
    update.tokens = {token};
    (i == 0 && request.split_output ? update.reasoning : update.text) = std::string(1, static_cast<char>(token));
    if (i == 1 && !request.tools.empty()) update.tool_calls = {{0, {"", "f", "{\"a\":1}"}}};
    if (request.sampling.logprobs >= 0) update.logprobs = {logprobs};
    if (i == 0 && request.sampling.prompt_logprobs) {
      update.prompt_logprobs.assign(request.prompt_tokens.size() - 1, logprobs);
    }
    if (i == 0 && request.embed) update.embedding = {0.5F, -0.5F};
    return update;
  }

  ModelInfo info_;
  size_t num_submitted_ = 0;
};

class OneAnswer : public Responder {
 public:
  explicit OneAnswer(bool lenient) : lenient_(lenient) {}

  void Send(int status, std::string_view, std::string body, HttpHeaders) override {
    ENGINE_CHECK(status_ == 0);
    const auto json = nlohmann::json::parse(body);
    ENGINE_CHECK(status == 200 || json.contains("error"));
    ENGINE_CHECK(lenient_ || !json.contains("warnings"));
    status_ = status;
    is_open_ = false;
  }
  void Begin(int status, std::string_view, HttpHeaders) override {
    ENGINE_CHECK(status_ == 0);
    status_ = status;
  }
  void Write(std::string piece) override { ENGINE_CHECK(is_open_ && status_ == 200 && piece.ends_with("\n\n")); }
  void End() override { is_open_ = false; }
  void OnGone(std::function<void()>) override {}
  bool is_open() const override { return is_open_; }
  int status() const { return status_; }

 private:
  const bool lenient_;
  int status_ = 0;
  bool is_open_ = true;
};

std::vector<Route> Posts(EchoEngine& engine, bool lenient) {
  std::vector<Route> routes = ApiRoutes({.models = {{"tiny", &engine}},
                                         .lenient = lenient,
                                         .version = "1",
                                         .post = [](Weight, const std::function<void()>& work) { work(); }});
  std::erase_if(routes, [](const Route& route) { return route.method != "POST"; });
  return routes;
}

void Ask(const std::string& body, uint8_t which, bool lenient) {
  static EchoEngine engine;  // making the routes takes much longer than most requests
  static const std::vector<Route> routes[] = {Posts(engine, false), Posts(engine, true)};
  engine.Restart();
  const Route& route = routes[lenient][which % routes[lenient].size()];
  const auto answer = std::make_shared<OneAnswer>(lenient);
  route.handler(
      std::make_shared<const HttpRequest>(HttpRequest{.method = "POST", .path = route.path, .body = body, .id = "id"}),
      answer);
  ENGINE_CHECK(!answer->is_open());
  const int status = answer->status();
  ENGINE_CHECK(status == 200 || (status >= 400 && status < 500));  // an error of the server's is a bug of ours
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::string body(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
  for (const bool lenient : {false, true}) Ask(body, static_cast<uint8_t>(bytes[0]), lenient);
}

}  // namespace engine
