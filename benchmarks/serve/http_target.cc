#include "benchmarks/serve/http_target.h"

#include <utility>

#include "benchmarks/serve/answer_event.h"
#include "benchmarks/serve/sse_reader.h"
#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Reads one answer as it comes.
class AnswerReader {
 public:
  AnswerReader(LoadRecord& record, std::function<void()> on_end) : record_(record), on_end_(std::move(on_end)) {}

  void TakePiece(int status, std::string_view piece) {
    if (status != 200) {
      body_.append(piece);
      return;
    }
    const TimePoint now = Now();
    for (const std::string& data : sse_.Take(piece)) TakeEvent(ReadAnswerEvent(data), now);
  }

  void TakeEnd(int status, const absl::Status& ended) {
    record_.ended = Now();
    std::string& error = record_.error;
    if (status != 0 && status != 200) {
      error = absl::StrFormat("HTTP status %d: %s", status, ErrorText(body_));
    } else if (error.empty() && !ended.ok()) {
      error = Message(ended);
    } else if (error.empty() && !is_done_) {
      error = "the stream ended without data: [DONE]";
    }
    // A server that does not say: one piece of text is about one token.
    if (record_.output_tokens == 0) record_.output_tokens = static_cast<int64_t>(record_.pieces.size());
    on_end_();
  }

 private:
  void TakeEvent(const AnswerEvent& event, TimePoint now) {
    if (event.has_text) record_.pieces.push_back(now);
    if (event.prompt_tokens >= 0) record_.prompt_tokens = event.prompt_tokens;
    if (event.output_tokens >= 0) record_.output_tokens = event.output_tokens;
    if (record_.error.empty()) record_.error = event.error;
    is_done_ = is_done_ || event.is_done;
  }

  LoadRecord& record_;
  const std::function<void()> on_end_;
  SseReader sse_;
  std::string body_;  // of an error
  bool is_done_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpTarget>> HttpTarget::Create(HttpTargetOptions options) {
  std::unique_ptr<HttpTarget> target(new HttpTarget(std::move(options)));
  target->client_ = HttpClient::Create(target->options_.server, target->options_.verify_certificate);
  if (target->options_.model.empty()) RETURN_IF_ERROR(target->FindModel());
  return target;
}

absl::Status HttpTarget::FindModel() {
  std::string body;
  int status = 0;
  absl::Status ended;
  client_->Send({.path = "/v1/models",
                 .headers = Headers(),
                 .on_piece = [&](int, std::string_view piece) { body.append(piece); },
                 .on_end =
                     [&](int s, absl::Status e) {
                       status = s;
                       ended = std::move(e);
                     }});
  client_->Run();
  RETURN_IF_ERROR(Annotate(ended, "GET /v1/models"));
  if (status != 200) return FailedPrecondition("GET /v1/models: HTTP status %d: %s", status, ErrorText(body));
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json::json_pointer id("/data/0/id");
  if (!json.contains(id) || !json.at(id).is_string()) {
    return FailedPrecondition("GET /v1/models lists no model; give its name (--model)");
  }
  options_.model = json.at(id).get<std::string>();
  return absl::OkStatus();
}

HttpHeaders HttpTarget::Headers() const {
  HttpHeaders headers = {{"content-type", "application/json"}};
  if (!options_.api_key.empty()) headers.emplace_back("authorization", "Bearer " + options_.api_key);
  return headers;
}

std::string HttpTarget::Body(const LoadRequest& request) const {
  Json body = {{"model", options_.model}};
  if (options_.endpoint.ends_with("/chat/completions")) {
    body["messages"] = Json::array({{{"role", "user"}, {"content", request.prompt}}});
  } else {
    body["prompt"] = request.prompt;
  }
  body["max_tokens"] = request.max_tokens;
  body["temperature"] = options_.temperature;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (options_.ignore_eos) body["ignore_eos"] = true;
  if (!options_.extra_body.empty()) body.update(Json::parse(options_.extra_body));
  return JsonText(body);
}

void HttpTarget::Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) {
  const auto reader = std::make_shared<AnswerReader>(record, std::move(on_end));  // shared by the two callbacks
  client_->Send({.method = "POST",
                 .path = options_.endpoint,
                 .headers = Headers(),
                 .body = Body(request),
                 .on_piece = [reader](int status, std::string_view piece) { reader->TakePiece(status, piece); },
                 .on_end = [reader](int status, const absl::Status& ended) { reader->TakeEnd(status, ended); }});
}

}  // namespace engine
