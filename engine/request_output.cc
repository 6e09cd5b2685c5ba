#include "engine/request_output.h"

namespace engine {
namespace {

Finish FinishOf(FinishReason reason) {
  switch (reason) {
    case FinishReason::kNone:
      return Finish::kNone;
    case FinishReason::kStop:
      return Finish::kStop;
    case FinishReason::kLength:
      return Finish::kLength;
    case FinishReason::kAbort:
      return Finish::kCancelled;
    case FinishReason::kError:
      return Finish::kError;
  }
  return Finish::kError;
}

TokenLogprobs LogprobsOf(const SampledToken& sample) {
  TokenLogprobs logprobs{.token = sample.id, .logprob = sample.logprob};
  for (int i = 0; i < sample.num_top; ++i) logprobs.top.emplace_back(sample.top[i].id, sample.top[i].logprob);
  return logprobs;
}

}  // namespace

RequestOutput::RequestOutput(const Tokenizer& tokenizer, const GenerationRequest& request, Options options,
                             UpdateCallback on_update)
    : decoder_(tokenizer, request.skip_special_tokens, std::move(options.markers)),
      matcher_(request.sampling.stop, request.sampling.include_stop_in_output),
      splitter_(std::move(options.parser), !request.tool_choice.parallel),
      include_stop_(request.sampling.include_stop_in_output),
      wants_logprobs_(request.sampling.logprobs != SamplingParams::kNoLogprobs),
      min_tokens_(request.sampling.min_tokens),
      prompt_tokens_(options.prompt_tokens),
      on_update_(std::move(on_update)) {}

bool RequestOutput::Apply(const TokenEvent& event) {
  if (ended_) return false;
  GenerationUpdate update{.embedding = event.embedding,
                          .cached_tokens = event.cached_tokens,
                          .drafted_tokens = event.drafted_tokens,
                          .accepted_tokens = event.accepted_tokens,
                          .admitted = event.admitted,
                          .made = event.made};
  if (event.has_token && event.of_prompt) update.prompt_logprobs.push_back(LogprobsOf(event.sample));
  if (event.has_token && !event.of_prompt) {
    if (absl::Status added = AddToken(event, update); !added.ok()) {
      End(Finish::kError, std::move(added));
      return true;
    }
  }
  if (matcher_.stopped()) {
    update.finish = Finish::kStop;
    update.stop_string = matcher_.found();
  }
  if (matcher_.stopped() || event.finish == FinishReason::kNone) {
    Send(std::move(update));
    return ended_ && event.finish == FinishReason::kNone;
  }
  if (event.has_token) Send(std::move(update));
  End(FinishOf(event.finish), event.error);
  return false;
}

absl::Status RequestOutput::AddToken(const TokenEvent& event, GenerationUpdate& update) {
  update.tokens.push_back(event.sample.id);
  if (wants_logprobs_) update.logprobs.push_back(LogprobsOf(event.sample));
  const bool is_stop_token = event.finish == FinishReason::kStop;
  if (is_stop_token && !include_stop_) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string text, decoder_.Append(event.sample.id));
  // Stop strings are looked for in the text that comes after the least an answer must have, and where it may end.
  const bool may_end = ++num_tokens_ > min_tokens_ && !event.is_incomplete;
  update.text = may_end ? matcher_.Append(text) : matcher_.Flush() + text;
  return absl::OkStatus();
}

void RequestOutput::End(Finish finish, absl::Status error) {
  if (ended_) return;
  GenerationUpdate update{.finish = finish, .error = std::move(error)};
  if (const auto rest = decoder_.Flush(); rest.ok()) update.text = matcher_.Append(*rest);
  update.text += matcher_.Flush();
  Send(std::move(update));
}

void RequestOutput::Send(GenerationUpdate update) {
  update.prompt_tokens = prompt_tokens_;
  splitter_.Split(update);
  ended_ = update.finish != Finish::kNone;
  on_update_(update);
}

}  // namespace engine
