#include "server/api/responses_answer.h"

#include <optional>

#include "server/api/chat_answer.h"
#include "server/api/event_stream.h"

namespace engine {
namespace {

enum class ItemKind { kReasoning, kMessage, kCall };

// An item of the output, as it grows.
struct Item {
  ItemKind kind = ItemKind::kMessage;
  int call = 0;
  std::string id;       // of the item
  std::string call_id;  // of the call
  std::string name;     // of the function
  std::string text;     // reasoning, message or arguments
};

Json ReasoningPart(const std::string& text) { return {{"type", "reasoning_text"}, {"text", text}}; }
Json TextPart(const std::string& text) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}, {"logprobs", Json::array()}};
}

// status: "in_progress" items show no text yet.
Json ItemJson(const Item& item, const char* status) {
  const bool whole = std::string_view(status) != "in_progress";
  if (item.kind == ItemKind::kReasoning) {
    return {{"id", item.id},
            {"type", "reasoning"},
            {"status", status},
            {"summary", Json::array()},
            {"content", whole ? Json::array({ReasoningPart(item.text)}) : Json::array()}};
  }
  if (item.kind == ItemKind::kCall) {
    return {{"id", item.id},           {"type", "function_call"}, {"status", status},
            {"call_id", item.call_id}, {"name", item.name},       {"arguments", whole ? item.text : std::string()}};
  }
  return {{"id", item.id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", whole ? Json::array({TextPart(item.text)}) : Json::array()}};
}

Json Usage(const Choice& choice) {
  const auto input = static_cast<int64_t>(choice.prompt->tokens.size());
  const auto output = static_cast<int64_t>(choice.generation.tokens.size());
  return {{"input_tokens", input},
          {"input_tokens_details", {{"cached_tokens", choice.generation.cached_tokens}}},
          {"output_tokens", output},
          {"output_tokens_details", {{"reasoning_tokens", choice.generation.reasoning_tokens}}},
          {"total_tokens", input + output}};
}

const char* Status(Finish finish) {
  if (finish == Finish::kNone) return "in_progress";
  if (finish == Finish::kStop) return "completed";
  return finish == Finish::kLength ? "incomplete" : "cancelled";
}

class ResponsesFormat : public AnswerFormat {
 public:
  Json Whole(const Answer& answer) override {
    GenerationUpdate all;
    const Generation& generation = answer.choices.front().generation;
    all.reasoning = generation.reasoning;
    all.text = generation.text;
    for (size_t i = 0; i < generation.tool_calls.size(); ++i) {
      all.tool_calls.push_back({.index = static_cast<int>(i), .piece = generation.tool_calls[i]});
    }
    Add(answer, answer.choices.front(), all);
    Close("completed");  // Response says what was cut
    return Response(answer);
  }

  std::string Events(const Answer& answer, const Choice& choice, const GenerationUpdate& update) override {
    std::string events;
    if (choice.is_new) {
      for (const char* name : {"response.created", "response.in_progress"}) {
        events += Named(name, {{"response", Response(answer, Finish::kNone)}});
      }
    }
    return events + Add(answer, choice, update);
  }

  std::string LastEvents(const Answer& answer) override {
    const bool cut = answer.choices.front().generation.finish == Finish::kLength;
    const std::string closed = Close(cut ? "incomplete" : "completed");
    return closed + Named(cut ? "response.incomplete" : "response.completed", {{"response", Response(answer)}});
  }

  std::string ErrorEvents(const absl::Status& error) override {
    return Named("error", {{"code", "server_error"}, {"message", std::string(Message(error))}, {"param", nullptr}});
  }

 private:
  std::string Named(const char* type, const Json& data) {
    Json event = {{"type", type}, {"sequence_number", sequence_++}};
    event.update(data);
    return absl::StrFormat("event: %s\n%s", type, Event(event));
  }

  Json Response(const Answer& answer) { return Response(answer, answer.choices.front().generation.finish); }

  Json Response(const Answer& answer, Finish finish) {
    const SamplingParams& sampling = answer.request.sampling();
    Json output = Json::array();
    const bool cut = finish == Finish::kLength;
    for (const Item& item : items_) {
      output.push_back(ItemJson(item, cut && &item == &items_.back() ? "incomplete" : "completed"));
    }
    const bool named = answer.request.generation.tool_choice.kind == ToolChoice::Kind::kNamed;
    constexpr const char* kChoices[] = {"auto", "none", "required"};
    const Json choice = named ? Json{{"type", "function"}, {"name", answer.request.generation.tool_choice.name}}
                              : Json(kChoices[static_cast<int>(answer.request.generation.tool_choice.kind)]);
    Json json = {{"id", "resp_" + answer.id},
                 {"object", "response"},
                 {"created_at", answer.created},
                 {"status", Status(finish)},
                 {"error", nullptr},
                 {"incomplete_details", cut ? Json{{"reason", "max_output_tokens"}} : Json(nullptr)},
                 {"model", answer.model},
                 {"output", std::move(output)},
                 {"tools", FlatTools(answer.request)},
                 {"tool_choice", choice},
                 {"parallel_tool_calls", answer.request.generation.tool_choice.parallel},
                 {"temperature", sampling.temperature},
                 {"top_p", sampling.top_p},
                 {"previous_response_id", nullptr},
                 {"store", false},
                 {"usage", finish == Finish::kNone ? Json(nullptr) : Usage(answer.choices.front())}};
    AddWarnings(answer.request.warnings, json);
    return json;
  }

  static Json FlatTools(const ApiRequest& request) {
    Json tools = Json::array();
    if (request.generation.tools.empty()) return tools;
    for (const Json& tool : Json::parse(request.generation.tools)) {
      Json flat = {{"type", "function"}};
      flat.update(tool["function"]);
      tools.push_back(std::move(flat));
    }
    return tools;
  }

  std::string Add(const Answer& answer, const Choice& choice, const GenerationUpdate& update) {
    std::string events;
    if (answer.request.include_reasoning && !update.reasoning.empty()) {
      events += Grow({.kind = ItemKind::kReasoning, .id = "rs_" + answer.id}, update.reasoning);
    }
    if (!update.text.empty()) events += Grow({.kind = ItemKind::kMessage, .id = "msg_" + answer.id}, update.text);
    for (const ToolCallDelta& call : update.tool_calls) {
      const std::string id = CallId(answer, choice, call.index, call.piece.id);
      events +=
          Grow({.kind = ItemKind::kCall, .call = call.index, .id = "fc_" + id, .call_id = id, .name = call.piece.name},
               call.piece.arguments);
    }
    return events;
  }

  Json Place() const { return {{"item_id", items_.back().id}, {"output_index", items_.size() - 1}}; }

  Json PlaceOfPart() const {
    Json place = Place();
    place["content_index"] = 0;
    return place;
  }

  // More text of an item, which begins if it is not the open one.
  std::string Grow(Item item, const std::string& text) {
    std::string events;
    const bool is_open = open_ && items_.back().kind == item.kind && items_.back().call == item.call;
    if (!is_open) {
      events = Close("completed");
      if (!items_.empty()) item.id += absl::StrFormat("_%d", items_.size());
      items_.push_back(std::move(item));
      open_ = true;
      events += Begin();
    }
    items_.back().text += text;
    Json data = items_.back().kind == ItemKind::kCall ? Place() : PlaceOfPart();
    data["delta"] = text;
    if (items_.back().kind == ItemKind::kMessage) data["logprobs"] = Json::array();
    return events + Named(Names().delta, data);
  }

  std::string Begin() {
    std::string events = Named("response.output_item.added",
                               {{"output_index", items_.size() - 1}, {"item", ItemJson(items_.back(), "in_progress")}});
    if (items_.back().kind == ItemKind::kMessage) {
      Json data = PlaceOfPart();
      data["part"] = TextPart("");
      events += Named("response.content_part.added", data);
    }
    return events;
  }

  std::string Close(const char* status) {
    if (!std::exchange(open_, false)) return {};
    const Item& item = items_.back();
    Json data = item.kind == ItemKind::kCall ? Place() : PlaceOfPart();
    data[item.kind == ItemKind::kCall ? "arguments" : "text"] = item.text;
    if (item.kind == ItemKind::kCall) data["name"] = item.name;
    if (item.kind == ItemKind::kMessage) data["logprobs"] = Json::array();
    std::string events = Named(Names().done, data);
    if (item.kind == ItemKind::kMessage) {
      Json part = PlaceOfPart();
      part["part"] = TextPart(item.text);
      events += Named("response.content_part.done", part);
    }
    return events +
           Named("response.output_item.done", {{"output_index", items_.size() - 1}, {"item", ItemJson(item, status)}});
  }

  struct EventNames {
    const char* delta;
    const char* done;
  };
  EventNames Names() const {
    constexpr EventNames kNames[] = {
        {"response.reasoning_text.delta", "response.reasoning_text.done"},
        {"response.output_text.delta", "response.output_text.done"},
        {"response.function_call_arguments.delta", "response.function_call_arguments.done"}};
    return kNames[static_cast<int>(items_.back().kind)];
  }

  std::vector<Item> items_;
  bool open_ = false;  // the last item still grows
  int sequence_ = 0;
};

}  // namespace

std::unique_ptr<AnswerFormat> MakeResponsesFormat() { return std::make_unique<ResponsesFormat>(); }

}  // namespace engine
