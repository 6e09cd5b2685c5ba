#include "server/api/request_run.h"

#include <algorithm>

#include "core/base/field_error.h"

namespace engine {
namespace {

constexpr char kJsonType[] = "application/json";

// In words that clients look for: "prompt is too long", "this model's maximum context length is".
absl::Status PromptTooLong(std::string_view why, int max_model_len) {
  return WithCode("context_length_exceeded",
                  About("prompt_tokens",
                        InvalidArgument("the prompt is too long: %s, and this model's maximum context length is %d "
                                        "tokens, with at least one new token",
                                        why, max_model_len)));
}

}  // namespace

void SendError(Responder& responder, const absl::Status& error, std::string body) {
  const int status = HttpStatus(error);
  const bool later = status == 429 || status == 503;
  responder.Send(status, kJsonType, std::move(body), later ? HttpHeaders{{"Retry-After", "1"}} : HttpHeaders());
}

RequestRun::RequestRun(Engine& engine, std::shared_ptr<WriteBatch> writes, Answer answer,
                       std::unique_ptr<AnswerFormat> format, std::shared_ptr<Responder> responder)
    : engine_(engine),
      writes_(std::move(writes)),
      answer_(std::move(answer)),
      format_(std::move(format)),
      responder_(std::move(responder)) {}

void RequestRun::Start(const std::function<void()>& on_taken) {
  responder_->OnGone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnGone();
  });
  if (!responder_->is_open()) return;  // it has gone while it waited for a worker
  // Takes its time; nobody else touches the answer before something is submitted, and OnGone must not wait.
  const absl::Status rendered = RenderPrompts();
  std::lock_guard lock(mutex_);
  if (done_) return;
  const absl::Status submitted = rendered.ok() ? SubmitMore() : rendered;
  if (!submitted_.empty()) on_taken();
  if (!submitted.ok()) Fail(submitted);
}

// Where the queue is full, what is under way makes room. The place of the last one that was may have gone to others, so
// what follows it needs none.
absl::Status RequestRun::SubmitMore() {
  while (!waiting_.empty() && submitted_.size() - num_ended_ < answer_.request.max_at_once) {
    const bool under_way = submitted_.size() > num_ended_;
    const WhenFull begun = under_way ? WhenFull::kDecline : WhenFull::kTake;
    const absl::Status submitted = Submit(*waiting_.front(), submitted_.empty() ? WhenFull::kRefuse : begun);
    if (absl::IsResourceExhausted(submitted) && under_way) break;
    RETURN_IF_ERROR(submitted);
    waiting_.pop_front();
  }
  return absl::OkStatus();
}

absl::Status RequestRun::Render(const GenerationRequest& source) {
  const ApiRequest& request = answer_.request;
  const int max_model_len = engine_.model().max_model_len;
  absl::StatusOr<RenderedPrompt> rendered = engine_.Render(source);
  if (absl::IsOutOfRange(rendered.status())) return PromptTooLong(Message(rendered.status()), max_model_len);
  ASSIGN_OR_RETURN(RenderedPrompt prompt, std::move(rendered));
  const auto keep = static_cast<size_t>(request.truncate_prompt_tokens);
  if (keep > 0 && prompt.tokens.size() > keep) {
    prompt.tokens.erase(prompt.tokens.begin(), prompt.tokens.end() - static_cast<std::ptrdiff_t>(keep));
    prompt.text.clear();
  }
  if (prompt.tokens.size() >= static_cast<size_t>(max_model_len)) {
    return PromptTooLong(absl::StrFormat("it has %d tokens", prompt.tokens.size()), max_model_len);
  }
  if (request.echo && prompt.text.empty()) {
    ASSIGN_OR_RETURN(prompt.text, engine_.Detokenize(prompt.tokens));
  }
  if (!request.echo) std::string().swap(prompt.text);  // with its memory, which is the answer's for as long as it takes
  answer_.prompts.push_back(std::move(prompt));
  return absl::OkStatus();
}

absl::Status RequestRun::RenderPrompts() {
  ApiRequest& request = answer_.request;
  const size_t num_prompts = std::max<size_t>(request.prompts.size(), 1);
  for (size_t p = 0; p < num_prompts; ++p) {
    const bool is_chat = request.prompts.empty();
    // Ends here: from now on a prompt comes as tokens, and what else there is stands in `generation`.
    const GenerationRequest source = is_chat ? GenerationRequest() : std::move(request.prompts[p].generation);
    const absl::Status rendered = Render(is_chat ? request.generation : source);
    if (!rendered.ok()) return InClientsWords(rendered, p);
  }
  request.generation.messages = std::vector<ChatMessage>();
  for (const RenderedPrompt& prompt : answer_.prompts) {
    for (int i = 0; i < request.n; ++i) {
      answer_.choices.push_back({.index = static_cast<int>(answer_.choices.size()), .prompt = &prompt});
    }
  }
  for (size_t p = 0; p < answer_.prompts.size(); ++p) waiting_.push_back(&answer_.choices[p * request.n]);
  return absl::OkStatus();
}

// prompt: the one that the engine was given.
absl::Status RequestRun::InClientsWords(const absl::Status& error, size_t prompt) {
  ApiRequest& request = answer_.request;
  request.sent.Add("prompt_tokens", request.prompts.empty() ? "messages" : request.prompts[prompt].path);
  return request.sent.Translate(error);
}

absl::Status RequestRun::Submit(Choice& choice, WhenFull when_full) {
  GenerationRequest request = answer_.request.generation;
  request.prompt_tokens = choice.prompt->tokens;
  request.choice = choice.index % answer_.request.n;
  request.when_full = when_full;
  choice.submitted = Now();
  const auto on_update = [self = shared_from_this(), &choice](const GenerationUpdate& update) {
    self->OnUpdate(choice, update);
  };
  const absl::StatusOr<RequestId> id = engine_.Submit(request, on_update);
  if (!id.ok()) return InClientsWords(id.status(), choice.index / answer_.request.n);
  submitted_.push_back(*id);
  return absl::OkStatus();
}

void RequestRun::OnUpdate(Choice& choice, const GenerationUpdate& update) {
  std::lock_guard lock(mutex_);
  if (done_) return;
  if (update.finish == Finish::kError) return Fail(update.error);
  if (update.finish == Finish::kCancelled && answer_.request.generation.embed) {
    return Fail(absl::CancelledError("the engine stops before the embedding is made"));
  }
  const bool is_first = choice.generation.tokens.empty() && !update.tokens.empty();
  if (is_first) choice.first_token = update.made;
  if (!update.tokens.empty()) choice.last_token = update.made;
  Append(update, choice.generation);
  const bool ends = update.finish != Finish::kNone;
  const bool is_in_cache = is_first || (ends && choice.generation.tokens.empty());
  if (is_in_cache && choice.index % answer_.request.n == 0) AddSiblings(choice);
  if (answer_.request.stream) {
    std::string events = format_->Events(answer_, choice, update);
    if (!events.empty()) choice.is_new = false;
    Stream(std::move(events));
  }
  num_ended_ += ends;
  if (num_ended_ == answer_.choices.size()) return End();
  if (!ends && !is_in_cache) return;
  if (absl::Status submitted = SubmitMore(); !submitted.ok()) Fail(submitted);
}

// Before other prompts, which take room in the cache.
void RequestRun::AddSiblings(const Choice& choice) {
  for (int i = answer_.request.n - 1; i > 0; --i) waiting_.push_front(&answer_.choices[choice.index + i]);
}

void RequestRun::Stream(std::string events) {
  if (events.empty()) return;
  if (!streaming_) responder_->Begin(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
  streaming_ = true;
  responder_->WriteLater(std::move(events), *writes_);
}

void RequestRun::End() {
  done_ = true;
  if (!answer_.request.stream) return responder_->Send(200, kJsonType, Dump(format_->Whole(answer_)));
  Stream(format_->LastEvents(answer_));
  responder_->End();
}

void RequestRun::Fail(const absl::Status& error) {
  CancelAll();
  if (!streaming_) return SendError(*responder_, error, format_->ErrorBody(error));
  responder_->Write(format_->ErrorEvents(error));
  responder_->End();
}

void RequestRun::CancelAll() {
  done_ = true;
  for (const RequestId id : submitted_) engine_.Cancel(id);
}

void RequestRun::OnGone() {
  std::lock_guard lock(mutex_);
  if (!done_) CancelAll();
}

}  // namespace engine
