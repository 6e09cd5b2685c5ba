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

RequestRun::RequestRun(Engine& engine, Post post, std::shared_ptr<WriteBatch> writes, Answer answer,
                       std::unique_ptr<AnswerFormat> format, std::shared_ptr<Responder> responder)
    : engine_(engine),
      post_(std::move(post)),
      writes_(std::move(writes)),
      answer_(std::move(answer)),
      format_(std::move(format)),
      responder_(std::move(responder)) {}

void RequestRun::Start(std::shared_ptr<RouteStats> route) {
  responder_->OnGone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnGone();
  });
  if (!responder_->is_open()) return;  // it has gone while it waited for a worker
  // Takes its time; nobody else touches the answer before something is submitted.
  const absl::Status rendered = RenderPrompts();
  {
    std::lock_guard lock(mutex_);
    if (done_) return;
    if (!rendered.ok()) return Fail(rendered);
    route_ = std::move(route);
    is_submitting_ = true;
  }
  SubmitMore();
}

void RequestRun::CountBegin() {
  if (route_ != nullptr && !std::exchange(is_counted_, true)) route_->Begin();
}

void RequestRun::CountEnd() {
  if (route_ == nullptr) return;
  std::optional<double> first_token;
  std::vector<double> per_token;
  int64_t tokens = 0;
  for (const Choice& choice : answer_.choices) {
    const auto more = static_cast<double>(choice.generation.tokens.size()) - 1;
    const double first = Seconds(start_, choice.first_token);
    if (more >= 0) first_token = std::min(first_token.value_or(first), first);
    if (more > 0) per_token.push_back(Seconds(choice.first_token, choice.last_token) / more);
    tokens += static_cast<int64_t>(choice.generation.tokens.size());
  }
  route_->End(first_token, SecondsSince(start_), per_token, tokens);
}

// On one thread at a time.
void RequestRun::SubmitMore() {
  WhenFull when_full{};
  while (Choice* const choice = TakeNext(when_full)) {
    if (!Settle(*choice, when_full, Submit(*choice, when_full))) return;
  }
}

// Where the queue is full, what is under way makes room. The place of the last one that was may have gone to others, so
// what follows it needs none.
Choice* RequestRun::TakeNext(WhenFull& when_full) {
  std::lock_guard lock(mutex_);
  is_submitting_ = HasNext();
  if (!is_submitting_) return nullptr;
  const WhenFull begun = num_begun_ > num_ended_ ? WhenFull::kDecline : WhenFull::kTake;
  when_full = submitted_.empty() ? WhenFull::kRefuse : begun;
  Choice* const choice = waiting_.front();
  waiting_.pop_front();
  ++num_begun_;
  choice->submitted = Now();
  return choice;
}

// Whether to go on. Its first updates may have come before.
bool RequestRun::Settle(Choice& choice, WhenFull when_full, const absl::StatusOr<RequestId>& id) {
  std::lock_guard lock(mutex_);
  if (id.ok()) {
    submitted_.push_back(*id);
    CountBegin();
    if (done_) engine_.Cancel(*id);
    return true;
  }
  --num_begun_;
  if (absl::IsResourceExhausted(id.status()) && when_full == WhenFull::kDecline) {
    waiting_.push_front(&choice);
    is_submitting_ = num_begun_ == num_ended_;  // or the next one that ends sees to it
    return is_submitting_;
  }
  is_submitting_ = false;
  if (!done_) Fail(InClientsWords(id.status(), choice.index / answer_.request.n));
  return false;
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

// Without the lock: of what is read here nothing changes once the prompts are rendered.
absl::StatusOr<RequestId> RequestRun::Submit(Choice& choice, WhenFull when_full) {
  GenerationRequest request = answer_.request.generation;
  request.prompt_tokens = choice.prompt->tokens;
  request.choice = choice.index % answer_.request.n;
  request.when_full = when_full;
  request.began = start_;
  return engine_.Submit(request, [self = shared_from_this(), &choice](const GenerationUpdate& update) {
    self->OnUpdate(choice, update);
  });
}

// What is wrong with a grammar may show only when it is used.
absl::Status RequestRun::ErrorOf(const GenerationUpdate& update, const Choice& choice) {
  const bool is_of_grammar =
      absl::IsInvalidArgument(update.error) && answer_.request.generation.grammar.kind != OutputGrammar::Kind::kNone;
  return InClientsWords(is_of_grammar ? About("grammar", update.error) : update.error,
                        choice.index / answer_.request.n);
}

void RequestRun::OnUpdate(Choice& choice, const GenerationUpdate& update) {
  if (!Receive(choice, update)) return;
  post_(Weight::kLight, [self = shared_from_this()] { self->SubmitMore(); });
}

// Whether more is to be submitted, and nobody sees to it.
bool RequestRun::Receive(Choice& choice, const GenerationUpdate& update) {
  std::lock_guard lock(mutex_);
  if (done_) return false;
  CountBegin();
  const bool is_stopped = update.finish == Finish::kCancelled && answer_.request.generation.embed;
  if (update.finish == Finish::kError || is_stopped) {
    Fail(is_stopped ? absl::CancelledError("the engine stops before the embedding is made") : ErrorOf(update, choice));
    return false;
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
  if (num_ended_ == answer_.choices.size()) End();
  const bool sees_to_it = !is_submitting_ && (ends || is_in_cache) && HasNext();
  is_submitting_ = is_submitting_ || sees_to_it;
  return sees_to_it;
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
  CountEnd();
  if (!answer_.request.stream) return responder_->Send(200, kJsonType, JsonText(format_->Whole(answer_)));
  Stream(format_->LastEvents(answer_));
  responder_->End();
}

void RequestRun::Fail(const absl::Status& error) {
  CancelAll();
  if (is_counted_) route_->Fail();
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
  if (done_) return;
  CancelAll();
  if (is_counted_) route_->Cancel();
}

}  // namespace engine
