#include "server/api/chat_messages.h"

#include "server/api/openapi.h"

namespace engine {
namespace {

// Conversations of more messages or parts are mistakes.
constexpr size_t kMaxMessages = 4096;
constexpr size_t kMaxParts = 1024;
constexpr size_t kMaxCalls = 256;
constexpr std::initializer_list<std::string_view> kRoles = {"system",    "developer", "user",
                                                            "assistant", "tool",      "function"};

// Which kind of part a list may hold, and under which name its text stands.
absl::Status ReadPart(const FieldValue& part, std::string& text) {
  RETURN_IF_ERROR(MustBeObject(part));
  for (const char* field : {"text", "refusal"}) {
    if (part.json.value("type", Json()) != field) continue;
    return part.json.contains(field) ? Get(part.At(field), text) : FieldError(part.path + "." + field, "is missing");
  }
  if (part.json.contains("type")) {
    return FieldError(part.path + ".type",
                      absl::StrFormat("is %s; the model reads parts of type \"text\"", JsonText(part.json["type"])));
  }
  return FieldError(part.path, "has no type");
}

absl::Status ReadRole(const FieldValue& value, ChatMessage& message) {
  int role = 0;
  RETURN_IF_ERROR(GetWord(value, kRoles, role));
  message.role = value.json.get<std::string>();
  if (message.role == "function") message.role = "tool";  // its name before there were tools
  return absl::OkStatus();
}

absl::Status ReadName(const FieldValue& value, ToolCall& call) { return Get(value, call.name); }

constexpr Field<ToolCall> kFunctionFields[] = {
    {"name", "string", ReadName, "of the function"},
    {"arguments", "string|object", ReadArguments, "the text of a JSON object"},
};

Json FunctionShape() { return ObjectSchema(kFunctionFields, {"name"}); }

struct CallReader {
  ToolCall call;
  FieldPolicy policy;
};

constexpr Field<CallReader> kCallFields[] = {
    {"id", "string", [](const FieldValue& value, CallReader& out) { return Get(value, out.call.id); }, "of the call"},
    {"type", "string", nullptr, "calls are of functions", "\"function\""},
    {"index", "integer", nullptr, "", "*"},  // streamed calls have one, and clients send them back
    {"function", "object",
     [](const FieldValue& value, CallReader& out) {
       return ReadFields<ToolCall>(value, {kFunctionFields}, out.policy, out.call);
     },
     "name and arguments", "", "", FunctionShape},
};

Json CallsShape() { return {{"items", ObjectSchema(kCallFields, {"function"})}}; }

struct MessageReader {
  ChatMessage message;
  FieldPolicy policy;
};

absl::Status ReadCalls(const FieldValue& value, MessageReader& out) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxCalls));
  for (size_t i = 0; i < value.json.size(); ++i) {
    CallReader reader{.policy = out.policy};
    RETURN_IF_ERROR(ReadFields<CallReader>(value.At(i), {kCallFields}, out.policy, reader));
    if (reader.call.name.empty()) return FieldError(value.At(i).path, "names no function");
    out.message.tool_calls.push_back(std::move(reader.call));
  }
  return absl::OkStatus();
}

absl::Status ReadFunctionCall(const FieldValue& value, MessageReader& out) {
  ToolCall& call = out.message.tool_calls.emplace_back();
  RETURN_IF_ERROR(ReadFields<ToolCall>(value, {kFunctionFields}, out.policy, call));
  return call.name.empty() ? FieldError(value.path, "names no function") : absl::OkStatus();
}

template <auto kMember>
absl::Status SetMessage(const FieldValue& value, MessageReader& out) {
  return Get(value, out.message.*kMember);
}

Json RoleShape() { return {{"enum", kRoles}}; }

Json PartsShape() {
  const auto part = [](const char* field) {
    return Json{{"type", "object"},
                {"properties", {{"type", {{"enum", {field}}}}, {field, {{"type", "string"}}}}},
                {"required", {"type", field}}};
  };
  return {{"items", {{"anyOf", {part("text"), part("refusal")}}}}};
}

constexpr Field<MessageReader> kMessageFields[] = {
    {"role", "string", [](const FieldValue& value, MessageReader& out) { return ReadRole(value, out.message); },
     "who speaks", "", "", RoleShape},
    {"content", "string|array",
     [](const FieldValue& value, MessageReader& out) { return ReadContent(value, out.message); }, "text, or text parts",
     "", "", PartsShape},
    {"name", "string", SetMessage<&ChatMessage::name>, "of who speaks"},
    {"tool_calls", "array", ReadCalls, "what an assistant called", "", "", CallsShape},
    {"function_call", "object", ReadFunctionCall, "a call, before there were tools", "", "", FunctionShape},
    {"tool_call_id", "string", SetMessage<&ChatMessage::tool_call_id>, "of the call that a tool answers"},
    {"reasoning", "string", SetMessage<&ChatMessage::reasoning>, "what an assistant thought"},
    {"reasoning_content", "string", SetMessage<&ChatMessage::reasoning>, "another name of reasoning"},
    {"refusal", "string", nullptr, "put it into content"},
    {"audio", "object", nullptr, "the model reads text"},
    {"annotations", "array", nullptr, "", "*"},  // answers of the OpenAI API have them, and clients send them back
};

absl::Status CheckMessage(const FieldValue& value, const ChatMessage& message) {
  if (message.role.empty()) return FieldError(value.path + ".role", "is missing");
  const bool has_content = message.content || !message.parts.empty();
  if (!has_content && message.role != "assistant") return FieldError(value.path + ".content", "is missing");
  if (!has_content && message.tool_calls.empty() && message.reasoning.empty()) {
    return FieldError(value.path, "has neither content nor tool_calls");
  }
  if (!message.tool_calls.empty() && message.role != "assistant") {
    return FieldError(value.path + ".tool_calls", "belong to an assistant's message");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadArguments(const FieldValue& value, ToolCall& call) {
  if (value.json.is_object()) {
    call.arguments = JsonText(value.json);
    return absl::OkStatus();
  }
  return Get(value, call.arguments);
}

absl::Status ReadContent(const FieldValue& value, ChatMessage& message) {
  if (!value.json.is_array()) return Get(value, message.content);
  RETURN_IF_ERROR(MustBeArray(value, kMaxParts));
  if (value.json.empty()) message.content.emplace();
  for (size_t i = 0; i < value.json.size(); ++i) {
    RETURN_IF_ERROR(ReadPart(value.At(i), message.parts.emplace_back()));
  }
  return absl::OkStatus();
}

Json MessagesShape() { return {{"minItems", 1}, {"items", ObjectSchema(kMessageFields, {"role"})}}; }

absl::Status ReadMessages(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxMessages));
  if (value.json.empty()) return FieldError(value.path, "is empty; a chat needs a message");
  for (size_t i = 0; i < value.json.size(); ++i) {
    MessageReader reader{.policy = request.policy()};
    RETURN_IF_ERROR(ReadFields<MessageReader>(value.At(i), {kMessageFields}, reader.policy, reader));
    RETURN_IF_ERROR(CheckMessage(value.At(i), reader.message));
    request.generation.messages.push_back(std::move(reader.message));
  }
  return absl::OkStatus();
}

}  // namespace engine
