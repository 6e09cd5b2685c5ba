#include "server/api/responses_input.h"

#include "server/api/chat_messages.h"
#include "server/api/openapi.h"

namespace engine {
namespace {

constexpr size_t kMaxItems = 4096;
constexpr size_t kMaxParts = 1024;

// The fields of an item, whatever its type.
struct Item {
  ChatMessage message;
  ToolCall call;
  std::string reasoning;
  FieldPolicy policy;
};

// A text, or a list of parts with one.
absl::Status ReadParts(const FieldValue& value, ChatMessage& message) {
  if (!value.json.is_array()) return Get(value, message.content);
  RETURN_IF_ERROR(MustBeArray(value, kMaxParts));
  for (size_t i = 0; i < value.json.size(); ++i) {
    const FieldValue part = value.At(i);
    RETURN_IF_ERROR(MustBeObject(part));
    int type = 0;
    if (!part.json.contains("type")) return FieldError(part.path, "has no type");
    RETURN_IF_ERROR(GetWord(part.At("type"), {"input_text", "output_text", "text"}, type));
    if (!part.json.contains("text")) return FieldError(part.path + ".text", "is missing");
    RETURN_IF_ERROR(Get(part.At("text"), message.parts.emplace_back()));
  }
  if (message.parts.empty()) message.content.emplace();
  return absl::OkStatus();
}

absl::Status ReadItemContent(const FieldValue& value, Item& item) { return ReadParts(value, item.message); }

absl::Status ReadItemRole(const FieldValue& value, Item& item) {
  int role = 0;
  RETURN_IF_ERROR(GetWord(value, {"system", "developer", "user", "assistant"}, role));
  item.message.role = role <= 1 ? "system" : value.json.get<std::string>();
  return absl::OkStatus();
}

// Texts of a summary or of the reasoning itself.
absl::Status ReadReasoningTexts(const FieldValue& value, Item& item) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxParts));
  for (size_t i = 0; i < value.json.size(); ++i) {
    RETURN_IF_ERROR(MustBeObject(value.At(i)));
    if (!value.json[i].contains("text")) return FieldError(value.At(i).path + ".text", "is missing");
    std::string text;
    RETURN_IF_ERROR(Get(value.At(i).At("text"), text));
    item.reasoning += text;
  }
  return absl::OkStatus();
}

constexpr char kOnlyTheModel[] = "only the model calls functions";

constexpr Field<Item> kMessageFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"id", "string", nullptr, "", "*"},
    {"status", "string", nullptr, "", "*"},
    {"phase", "string", nullptr, "", "*"},  // which of an answer's messages is its last; they are read in order
    {"role", "string", ReadItemRole, "system, developer, user, assistant"},
    {"content", "string|array", ReadItemContent, "text, or text parts"},
};
constexpr Field<Item> kCallFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"id", "string", nullptr, "", "*"},
    {"status", "string", nullptr, "", "*"},
    {"call_id", "string", [](const FieldValue& value, Item& item) { return Get(value, item.call.id); }, "of the call"},
    {"name", "string", [](const FieldValue& value, Item& item) { return Get(value, item.call.name); }, "function"},
    {"arguments", "string", [](const FieldValue& value, Item& item) { return ReadArguments(value, item.call); },
     "the text of a JSON object"},
    {"async", "boolean", nullptr, "an answer ends with its calls", "false"},
    {"caller", "object", nullptr, kOnlyTheModel, R"({"type": "direct"})"},
};
constexpr Field<Item> kResultFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"id", "string", nullptr, "", "*"},
    {"status", "string", nullptr, "", "*"},
    {"call_id", "string", [](const FieldValue& value, Item& item) { return Get(value, item.message.tool_call_id); },
     "of the call"},
    {"name", "string", nullptr, "", "*"},  // of the function
    {"output", "string|array", ReadItemContent, "what the function returned"},
    {"caller", "object", nullptr, kOnlyTheModel, R"({"type": "direct"})"},
};
constexpr Field<Item> kReasoningFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"id", "string", nullptr, "", "*"},
    {"status", "string", nullptr, "", "*"},
    {"summary", "array", nullptr, "", "*"},  // of the content
    {"content", "array", ReadReasoningTexts, "what the assistant thought"},
    {"encrypted_content", "string", nullptr, "only its maker can read it"},
};

// The assistant's message that calls and reasoning belong to: the last one, if nobody has spoken since.
ChatMessage& LastAnswer(std::vector<ChatMessage>& messages) {
  if (messages.empty() || messages.back().role != "assistant") messages.push_back({.role = "assistant"});
  return messages.back();
}

void AddMessage(ChatMessage message, std::vector<ChatMessage>& messages) {
  ChatMessage* open = messages.empty() ? nullptr : &messages.back();
  const bool continues = message.role == "assistant" && open != nullptr && open->role == "assistant" &&
                         !open->content && open->parts.empty() && open->tool_calls.empty();
  if (!continues) return messages.push_back(std::move(message));
  open->content = std::move(message.content);
  open->parts = std::move(message.parts);
}

absl::Status AddItem(const FieldValue& value, ApiRequest& request) {
  enum Type { kMessage, kCall, kResult, kReasoning };
  RETURN_IF_ERROR(MustBeObject(value));
  int type = kMessage;
  if (value.json.contains("type")) {
    RETURN_IF_ERROR(GetWord(value.At("type"), {"message", "function_call", "function_call_output", "reasoning"}, type));
  }
  constexpr std::span<const Field<Item>> kFields[] = {kMessageFields, kCallFields, kResultFields, kReasoningFields};
  Item item{.policy = request.policy()};
  RETURN_IF_ERROR(ReadFields<Item>(value, {kFields[type]}, item.policy, item));
  std::vector<ChatMessage>& messages = request.generation.messages;
  if (type == kCall) {
    if (item.call.name.empty()) return FieldError(value.path + ".name", "is missing");
    LastAnswer(messages).tool_calls.push_back(std::move(item.call));
    return absl::OkStatus();
  }
  if (type == kReasoning) {
    LastAnswer(messages).reasoning += item.reasoning;
    return absl::OkStatus();
  }
  if (type == kResult) item.message.role = "tool";
  if (item.message.role.empty()) return FieldError(value.path + ".role", "is missing");
  if (!item.message.content && item.message.parts.empty()) {
    return FieldError(value.path + (type == kResult ? ".output" : ".content"), "is missing");
  }
  AddMessage(std::move(item.message), messages);
  return absl::OkStatus();
}

}  // namespace

Json InputShape() {
  return {{"minItems", 1},
          {"items",
           {{"anyOf",
             {TypedSchema("message", kMessageFields, {"role", "content"}, /*needs_type=*/false),
              TypedSchema("function_call", kCallFields, {"name"}),
              TypedSchema("function_call_output", kResultFields, {"output"}),
              TypedSchema("reasoning", kReasoningFields, {})}}}}};
}

absl::Status ReadInput(const FieldValue& value, ApiRequest& request) {
  if (!value.json.is_array()) {
    ChatMessage message{.role = "user"};
    RETURN_IF_ERROR(Get(value, message.content));
    request.generation.messages.push_back(std::move(message));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(MustBeArray(value, kMaxItems));
  for (size_t i = 0; i < value.json.size(); ++i) RETURN_IF_ERROR(AddItem(value.At(i), request));
  return absl::OkStatus();
}

absl::Status ReadInstructions(const FieldValue& value, ApiRequest& request) {
  ChatMessage message{.role = "system"};
  RETURN_IF_ERROR(Get(value, message.content));
  request.generation.messages.insert(request.generation.messages.begin(), std::move(message));
  return absl::OkStatus();
}

}  // namespace engine
