#include "server/api/messages_answer.h"

#include <optional>

#include "server/api/chat_answer.h"
#include "server/api/error_json.h"
#include "server/api/event_stream.h"

namespace engine {
namespace {

// A block of content: its type, and which tool call it is.
struct Block {
  enum class Kind { kThinking, kText, kTool };
  Kind kind = Kind::kText;
  int call = 0;

  bool operator==(const Block&) const = default;
};

// A named event.
std::string NamedEvent(const char* name, const Json& data) {
  Json event = {{"type", name}};
  event.update(data);
  return absl::StrFormat("event: %s\n%s", name, Event(event));
}

Json StopReason(const Generation& generation) {
  if (generation.finish == Finish::kLength) return "max_tokens";
  if (!generation.tool_calls.empty()) return "tool_use";
  return generation.stop_string.empty() ? "end_turn" : "stop_sequence";
}

Json StopSequence(const Generation& generation) {
  return generation.stop_string.empty() ? Json(nullptr) : Json(generation.stop_string);
}

// What was found in the cache is counted apart.
Json Usage(const Choice& choice) {
  const auto prompt = static_cast<int64_t>(choice.prompt->tokens.size());
  return {{"input_tokens", prompt - choice.generation.cached_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", choice.generation.cached_tokens},
          {"output_tokens", choice.generation.tokens.size()}};
}

Json Head(const Answer& answer) {
  Json head = {{"id", "msg_" + answer.id}, {"type", "message"},      {"role", "assistant"},     {"model", answer.model},
               {"content", Json::array()}, {"stop_reason", nullptr}, {"stop_sequence", nullptr}};
  AddWarnings(answer.request.warnings, head);
  return head;
}

Json Input(const std::string& arguments) {
  Json input = Json::parse(arguments, nullptr, /*allow_exceptions=*/false);
  return input.is_object() ? input : Json::object();  // a call that broke off
}

class MessagesFormat : public AnswerFormat {
 public:
  Json Whole(const Answer& answer) override {
    const Choice& choice = answer.choices.front();
    const Generation& generation = choice.generation;
    Json json = Head(answer);
    Json& content = json["content"];
    if (answer.request.include_reasoning && !generation.reasoning.empty()) {
      content.push_back({{"type", "thinking"}, {"thinking", generation.reasoning}, {"signature", ""}});
    }
    if (!generation.text.empty()) content.push_back({{"type", "text"}, {"text", generation.text}});
    for (size_t i = 0; i < generation.tool_calls.size(); ++i) {
      const ToolCall& call = generation.tool_calls[i];
      content.push_back({{"type", "tool_use"},
                         {"id", CallId(answer, choice, static_cast<int>(i), call.id)},
                         {"name", call.name},
                         {"input", Input(call.arguments)}});
    }
    json["stop_reason"] = StopReason(generation);
    json["stop_sequence"] = StopSequence(generation);
    json["usage"] = Usage(choice);
    return json;
  }

  std::string Events(const Answer& answer, const Choice& choice, const GenerationUpdate& update) override {
    std::string events;
    if (choice.is_new) events += Start(answer, choice);
    if (answer.request.include_reasoning && !update.reasoning.empty()) {
      events += Delta({Block::Kind::kThinking}, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}},
                      {{"type", "thinking_delta"}, {"thinking", update.reasoning}});
    }
    if (!update.text.empty()) {
      events += Delta({Block::Kind::kText}, {{"type", "text"}, {"text", ""}},
                      {{"type", "text_delta"}, {"text", update.text}});
    }
    for (const ToolCallDelta& call : update.tool_calls) {
      const Json start = {{"type", "tool_use"},
                          {"id", CallId(answer, choice, call.index, call.piece.id)},
                          {"name", call.piece.name},
                          {"input", Json::object()}};
      events += Delta({Block::Kind::kTool, call.index}, start,
                      {{"type", "input_json_delta"}, {"partial_json", call.piece.arguments}});
    }
    if (update.finish != Finish::kNone) events += Stop(choice);
    return events;
  }

  std::string LastEvents(const Answer&) override { return NamedEvent("message_stop", Json::object()); }

  std::string ErrorBody(const absl::Status& error) override { return ErrorJson(error, AnthropicErrorBody); }

  std::string ErrorEvents(const absl::Status& error) override {
    return "event: error\ndata: " + ErrorBody(error) + "\n\n";
  }

 private:
  std::string Start(const Answer& answer, const Choice& choice) {
    Json message = Head(answer);
    message["usage"] = Usage(choice);
    return NamedEvent("message_start", {{"message", std::move(message)}});
  }

  // A piece of a block, which begins if another one or none is open.
  std::string Delta(Block block, const Json& start, Json delta) {
    std::string events;
    if (open_ != block) {
      events = Close();
      open_ = block;
      events += NamedEvent("content_block_start", {{"index", index_}, {"content_block", start}});
    }
    return events + NamedEvent("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
  }

  std::string Close() {
    if (!open_) return {};
    open_.reset();
    return NamedEvent("content_block_stop", {{"index", index_++}});
  }

  std::string Stop(const Choice& choice) {
    const Json delta = {{"stop_reason", StopReason(choice.generation)},
                        {"stop_sequence", StopSequence(choice.generation)}};
    return Close() + NamedEvent("message_delta", {{"delta", delta}, {"usage", Usage(choice)}});
  }

  std::optional<Block> open_;
  int index_ = 0;  // of the block that is open, or comes next
};

}  // namespace

std::unique_ptr<AnswerFormat> MakeMessagesFormat() { return std::make_unique<MessagesFormat>(); }

}  // namespace engine
