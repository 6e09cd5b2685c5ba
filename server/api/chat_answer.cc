#include "server/api/chat_answer.h"

#include "server/api/event_stream.h"
#include "server/api/token_names.h"
#include "server/api/usage_json.h"

namespace engine {
namespace {

// Both names that clients look for: vLLM's, and everyone else's.
void AddReasoning(const std::string& reasoning, Json& to) {
  if (reasoning.empty()) return;
  to["reasoning"] = reasoning;
  to["reasoning_content"] = reasoning;
}

Json CallJson(const std::string& id, const ToolCall& call) {
  return {{"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json Message(const Answer& answer, const Choice& choice) {
  const Generation& generation = choice.generation;
  Json message = {{"role", "assistant"}, {"content", generation.text}, {"refusal", nullptr}};
  if (answer.request.include_reasoning) AddReasoning(generation.reasoning, message);
  if (generation.tool_calls.empty()) return message;
  if (generation.text.empty()) message["content"] = nullptr;
  if (answer.request.legacy_functions) {
    const ToolCall& call = generation.tool_calls.front();
    message["function_call"] = {{"name", call.name}, {"arguments", call.arguments}};
    return message;
  }
  for (size_t i = 0; i < generation.tool_calls.size(); ++i) {
    const ToolCall& call = generation.tool_calls[i];
    message["tool_calls"].push_back(CallJson(CallId(answer, choice, static_cast<int>(i), call.id), call));
  }
  return message;
}

Json Head(const Answer& answer, const char* object) {
  return {{"id", "chatcmpl-" + answer.id},
          {"object", object},
          {"created", answer.created},
          {"model", answer.model},
          {"system_fingerprint", answer.fingerprint}};
}

Json WholeChoice(const Answer& answer, const Choice& choice) {
  const ApiRequest& request = answer.request;
  Json json = {{"index", choice.index},
               {"message", Message(answer, choice)},
               {"logprobs", request.logprobs ? ChatLogprobs(answer, choice.generation.logprobs) : Json(nullptr)},
               {"finish_reason", FinishReason(request, choice.generation)},
               {"stop_reason", StopReason(request, choice.generation)}};
  if (request.return_token_ids) json["token_ids"] = choice.generation.tokens;
  return json;
}

// One delta of a tool call: its id and name come with the first.
Json CallDelta(const Answer& answer, const Choice& choice, const ToolCallDelta& delta) {
  Json function = Json::object();
  if (!delta.piece.name.empty()) function["name"] = delta.piece.name;
  function["arguments"] = delta.piece.arguments;
  if (answer.request.legacy_functions) return function;
  Json json = {{"index", delta.index}};
  if (!delta.piece.name.empty()) {
    json["id"] = CallId(answer, choice, delta.index, delta.piece.id);
    json["type"] = "function";
  }
  json["function"] = std::move(function);
  return json;
}

Json Delta(const Answer& answer, const Choice& choice, const GenerationUpdate& update) {
  Json delta = Json::object();
  if (answer.request.include_reasoning) AddReasoning(update.reasoning, delta);
  if (!update.text.empty()) delta["content"] = update.text;
  for (const ToolCallDelta& call : update.tool_calls) {
    if (answer.request.legacy_functions) {
      delta["function_call"] = CallDelta(answer, choice, call);
    } else {
      delta["tool_calls"].push_back(CallDelta(answer, choice, call));
    }
  }
  return delta;
}

class ChatFormat : public AnswerFormat {
 public:
  Json Whole(const Answer& answer) override {
    Json json = Head(answer, "chat.completion");
    json["choices"] = Json::array();
    for (const Choice& choice : answer.choices) json["choices"].push_back(WholeChoice(answer, choice));
    json["usage"] = Usage(answer);
    const Choice& first = answer.choices.front();
    json["timings"] = Timings(first);
    if (answer.request.prompt_logprobs) json["prompt_logprobs"] = PromptLogprobs(answer, first);
    if (answer.request.return_token_ids) json["prompt_token_ids"] = answer.prompts.front().tokens;
    AddWarnings(answer.request.warnings, json);
    return json;
  }

  std::string Events(const Answer& answer, const Choice& choice, const GenerationUpdate& update) override {
    const bool ends = update.finish != Finish::kNone;
    // Log-probs of a prompt are whole when the answer begins.
    if (answer.request.prompt_logprobs && choice.generation.tokens.empty() && !ends) return {};
    std::string events;
    if (choice.is_new) events = FirstEvent(answer, choice);
    if (TextEvents::Cover(answer.request, update)) {
      return events + text_events_.Write(choice.index, update.text, [&](std::string_view text) {
        return Chunk(answer, choice, {{"content", text}}, nullptr);
      });
    }
    Json delta = Delta(answer, choice, update);
    const bool has_tokens = !update.tokens.empty() && (answer.request.logprobs || answer.request.return_token_ids);
    if (!delta.empty() || has_tokens) events += Event(Chunk(answer, choice, std::move(delta), &update));
    if (ends) events += Event(LastChunk(answer, choice));
    return events;
  }

  std::string LastEvents(const Answer& answer) override {
    return UsageThenDone(answer, Head(answer, "chat.completion.chunk"));
  }

  std::string ErrorEvents(const absl::Status& error) override { return ErrorThenDone(error); }

 private:
  // update: null where the chunk shows no tokens.
  Json Chunk(const Answer& answer, const Choice& choice, Json delta, const GenerationUpdate* update) const {
    const ApiRequest& request = answer.request;
    Json json = Head(answer, "chat.completion.chunk");
    Json item = {
        {"index", choice.index}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", nullptr}};
    if (update != nullptr && request.logprobs) item["logprobs"] = ChatLogprobs(answer, update->logprobs);
    if (update != nullptr && request.return_token_ids) item["token_ids"] = update->tokens;
    json["choices"] = Json::array({std::move(item)});
    if (request.continuous_usage) {
      json["usage"] = Usage(answer);
    } else if (request.include_usage) {
      json["usage"] = nullptr;
    }
    return json;
  }

  std::string FirstEvent(const Answer& answer, const Choice& choice) const {
    Json json = Chunk(answer, choice, {{"role", "assistant"}, {"content", ""}}, nullptr);
    if (answer.request.return_token_ids) json["prompt_token_ids"] = choice.prompt->tokens;
    if (answer.request.prompt_logprobs && choice.index == 0) json["prompt_logprobs"] = PromptLogprobs(answer, choice);
    AddWarnings(answer.request.warnings, json);
    return Event(json);
  }

  Json LastChunk(const Answer& answer, const Choice& choice) const {
    Json json = Chunk(answer, choice, Json::object(), nullptr);
    json["choices"][0]["finish_reason"] = FinishReason(answer.request, choice.generation);
    json["choices"][0]["stop_reason"] = StopReason(answer.request, choice.generation);
    json["timings"] = Timings(choice);
    return json;
  }

  TextEvents text_events_;
};

}  // namespace

std::unique_ptr<AnswerFormat> MakeChatFormat() { return std::make_unique<ChatFormat>(); }

std::string CallId(const Answer& answer, const Choice& choice, int call, const std::string& written) {
  if (!written.empty()) return written;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr int kLength = 9;
  size_t hash = std::hash<std::string>()(absl::StrFormat("%s/%d/%d", answer.id, choice.index, call));
  std::string id;
  for (int i = 0; i < kLength; ++i, hash /= kLetters.size()) id += kLetters[hash % kLetters.size()];
  return id;
}

}  // namespace engine
