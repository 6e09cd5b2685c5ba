#include "server/api/completion_answer.h"

#include <map>

#include "server/api/event_stream.h"
#include "server/api/token_names.h"
#include "server/api/usage_json.h"

namespace engine {
namespace {

Json Head(const Answer& answer) {
  return {{"id", "cmpl-" + answer.id},
          {"object", "text_completion"},
          {"created", answer.created},
          {"model", answer.model},
          {"system_fingerprint", answer.fingerprint}};
}

// The log-probability of the first token is not known: nothing comes before it.
void AddFirstToken(const Answer& answer, const Choice& choice, Json& logprobs, int64_t& offset) {
  const int32_t first = choice.prompt->tokens.front();
  logprobs["tokens"].push_back(TokenName(answer, first));
  for (const char* name : {"token_logprobs", "top_logprobs"}) logprobs[name].push_back(nullptr);
  logprobs["text_offset"].push_back(offset);
  offset += CodePoints(answer.engine->TokenBytes(first));
}

void AddAll(Json more, Json& to) {
  for (auto& [key, list] : more.items()) {
    for (Json& item : list) to[key].push_back(std::move(item));
  }
}

class CompletionFormat : public AnswerFormat {
 public:
  Json Whole(const Answer& answer) override {
    Json json = Head(answer);
    json["choices"] = Json::array();
    for (const Choice& choice : answer.choices) {
      GenerationUpdate all;
      if (!answer.request.no_answer) {
        all.text = choice.generation.text;
        all.tokens = choice.generation.tokens;
        all.logprobs = choice.generation.logprobs;
      }
      Json item = Item(answer, choice, all, /*is_first=*/true);
      AddEnd(answer, choice, item);
      json["choices"].push_back(std::move(item));
    }
    json["usage"] = Usage(answer);
    json["timings"] = Timings(answer.choices.front());
    AddWarnings(answer.request.warnings, json);
    return json;
  }

  std::string Events(const Answer& answer, const Choice& choice, const GenerationUpdate& update) override {
    const ApiRequest& request = answer.request;
    const bool ends = update.finish != Finish::kNone;
    // A prompt is shown once all of it has been scored, which is when the answer begins.
    if (choice.generation.tokens.empty() && !ends) return {};
    const GenerationUpdate nothing{.finish = update.finish};
    const GenerationUpdate& shown = request.no_answer ? nothing : update;
    const bool has_tokens = !shown.tokens.empty() && (request.logprobs || request.return_token_ids);
    if (shown.text.empty() && !has_tokens && !ends && !(choice.is_new && (request.echo || request.prompt_logprobs)))
      return {};
    if (!choice.is_new && TextEvents::Cover(request, shown)) {
      return text_events_.Write(choice.index, shown.text, [&](std::string_view text) {
        GenerationUpdate sample;
        sample.text = text;
        return Chunk(answer, choice, sample);
      });
    }
    return Event(Chunk(answer, choice, shown));
  }

  std::string LastEvents(const Answer& answer) override { return UsageThenDone(answer, Head(answer)); }

  std::string ErrorEvents(const absl::Status& error) override { return ErrorThenDone(error); }

 private:
  Json Chunk(const Answer& answer, const Choice& choice, const GenerationUpdate& shown) {
    const ApiRequest& request = answer.request;
    Json json = Head(answer);
    Json item = Item(answer, choice, shown, choice.is_new);
    if (shown.finish != Finish::kNone) {
      AddEnd(answer, choice, item);
      json["timings"] = Timings(choice);
    }
    json["choices"] = Json::array({std::move(item)});
    if (choice.is_new) AddWarnings(request.warnings, json);
    if (request.continuous_usage) {
      json["usage"] = Usage(answer);
    } else if (request.include_usage) {
      json["usage"] = nullptr;
    }
    return json;
  }

  // A choice of a response or a chunk: what `update` has, and before it an echoed prompt where this is the first.
  Json Item(const Answer& answer, const Choice& choice, const GenerationUpdate& update, bool is_first) {
    const ApiRequest& request = answer.request;
    const bool echoes = request.echo && is_first;
    Json json = {{"index", choice.index},
                 {"text", (echoes ? choice.prompt->text : std::string()) + update.text},
                 {"logprobs", nullptr},
                 {"finish_reason", nullptr},
                 {"stop_reason", nullptr}};
    if (request.logprobs) json["logprobs"] = Logprobs(answer, choice, update, echoes);
    if (request.return_token_ids && is_first) json["prompt_token_ids"] = choice.prompt->tokens;
    if (request.prompt_logprobs && is_first) json["prompt_logprobs"] = PromptLogprobs(answer, choice);
    if (request.return_token_ids) json["token_ids"] = update.tokens;
    return json;
  }

  Json Logprobs(const Answer& answer, const Choice& choice, const GenerationUpdate& update, bool echoes) {
    int64_t& offset = offsets_[choice.index];
    Json logprobs = CompletionLogprobs(answer, {}, offset);
    if (echoes) {
      AddFirstToken(answer, choice, logprobs, offset);
      AddAll(CompletionLogprobs(answer, choice.generation.prompt_logprobs, offset), logprobs);
    }
    AddAll(CompletionLogprobs(answer, update.logprobs, offset), logprobs);
    return logprobs;
  }

  static void AddEnd(const Answer& answer, const Choice& choice, Json& item) {
    item["finish_reason"] = FinishReason(answer.request, choice.generation);
    item["stop_reason"] = StopReason(answer.request, choice.generation);
  }

  TextEvents text_events_;
  std::map<int, int64_t> offsets_;  // of each choice: where the next token's text begins
};

}  // namespace

std::unique_ptr<AnswerFormat> MakeCompletionFormat() { return std::make_unique<CompletionFormat>(); }

}  // namespace engine
