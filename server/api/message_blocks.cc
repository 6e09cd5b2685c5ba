#include "server/api/message_blocks.h"

#include "server/api/openapi.h"

namespace engine {
namespace {

constexpr size_t kMaxMessages = 4096;
constexpr size_t kMaxBlocks = 4096;

// What one message of the API becomes: results of tools, each a message of its own, and then the message itself.
struct Turn {
  ChatMessage message;
  std::vector<ChatMessage> results;
  bool thinks = false;  // perhaps what only its maker can read
  FieldPolicy policy;
};

// A block's fields, whatever its type.
struct Block {
  std::optional<std::string> text;
  std::string thinking, id, name, input = "{}", result_of;
  ChatMessage result;  // content of a tool's result
  FieldPolicy policy;
};

absl::Status ReadTextBlocks(const FieldValue& value, FieldPolicy policy, ChatMessage& message);

template <auto kMember>
absl::Status Set(const FieldValue& value, Block& block) {
  return Get(value, block.*kMember);
}

constexpr Field<Block> kTextFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"text", "string", Set<&Block::text>, "the text"},
    {"cache_control", "object", nullptr, "", "*"},  // prefixes are always cached
    {"citations", "array", nullptr, "", "*"},       // of an answer that is sent back
};
Json TextsShape() { return {{"items", TypedSchema("text", kTextFields, {"text"})}}; }

constexpr Field<Block> kThinkingFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"thinking", "string", Set<&Block::thinking>, "what the assistant thought"},
    {"signature", "string", nullptr, "", "*"},  // other servers sign what they will read again
};
constexpr Field<Block> kUseFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"id", "string", Set<&Block::id>, "of the call"},
    {"name", "string", Set<&Block::name>, "of the tool"},
    {"input", "object",
     [](const FieldValue& value, Block& block) {
       RETURN_IF_ERROR(MustBeObject(value));
       block.input = JsonText(value.json);
       return absl::OkStatus();
     },
     "its arguments"},
    {"cache_control", "object", nullptr, "", "*"},
    {"caller", "object", nullptr, "only the model calls tools", R"({"type": "direct"})"},
};
constexpr Field<Block> kResultFields[] = {
    {"type", "string", nullptr, "", "*"},
    {"tool_use_id", "string", Set<&Block::result_of>, "of the call"},
    {"content", "string|array",
     [](const FieldValue& value, Block& block) { return ReadTextBlocks(value, block.policy, block.result); },
     "what the tool says", "", "", TextsShape},
    {"is_error", "boolean", nullptr, "", "*"},  // the content says so too
    {"cache_control", "object", nullptr, "", "*"},
};

absl::StatusOr<Block> ReadBlock(const FieldValue& value, std::span<const Field<Block>> fields, FieldPolicy policy) {
  Block block{.policy = policy};
  RETURN_IF_ERROR(ReadFields<Block>(value, {fields}, policy, block));
  return block;
}

absl::Status AddText(const FieldValue& value, Block block, ChatMessage& message) {
  if (!block.text) return FieldError(value.path + ".text", "is missing");
  message.parts.push_back(*std::move(block.text));
  return absl::OkStatus();
}

// A text, or a list of text blocks.
absl::Status ReadTextBlocks(const FieldValue& value, FieldPolicy policy, ChatMessage& message) {
  if (!value.json.is_array()) return Get(value, message.content);
  RETURN_IF_ERROR(MustBeArray(value, kMaxBlocks));
  for (size_t i = 0; i < value.json.size(); ++i) {
    const FieldValue item = value.At(i);
    RETURN_IF_ERROR(MustBeObject(item));
    int type = 0;
    if (!item.json.contains("type")) return FieldError(item.path, "has no type");
    RETURN_IF_ERROR(GetWord(item.At("type"), {"text"}, type));
    ASSIGN_OR_RETURN(Block block, ReadBlock(item, kTextFields, policy));
    RETURN_IF_ERROR(AddText(item, std::move(block), message));
  }
  if (message.parts.empty()) message.content.emplace();
  return absl::OkStatus();
}

absl::Status AddBlock(const FieldValue& value, Turn& turn) {
  enum Type { kText, kThinking, kRedacted, kUse, kResult };
  RETURN_IF_ERROR(MustBeObject(value));
  if (!value.json.contains("type")) return FieldError(value.path, "has no type");
  int type = kText;
  RETURN_IF_ERROR(
      GetWord(value.At("type"), {"text", "thinking", "redacted_thinking", "tool_use", "tool_result"}, type));
  turn.thinks |= type == kThinking || type == kRedacted;
  if (type == kRedacted) return absl::OkStatus();
  constexpr std::span<const Field<Block>> kFields[] = {kTextFields, kThinkingFields, {}, kUseFields, kResultFields};
  ASSIGN_OR_RETURN(Block block, ReadBlock(value, kFields[type], turn.policy));
  if (type == kText) return AddText(value, std::move(block), turn.message);
  if (type == kThinking) turn.message.reasoning += block.thinking;
  if (type == kUse) {
    if (block.name.empty()) return FieldError(value.path + ".name", "is missing");
    turn.message.tool_calls.push_back({std::move(block.id), std::move(block.name), std::move(block.input)});
  }
  if (type == kResult) {
    block.result.role = "tool";
    block.result.tool_call_id = std::move(block.result_of);
    if (block.result.parts.empty() && !block.result.content) block.result.content.emplace();
    turn.results.push_back(std::move(block.result));
  }
  return absl::OkStatus();
}

absl::Status ReadTurnContent(const FieldValue& value, Turn& turn) {
  if (!value.json.is_array()) return Get(value, turn.message.content);
  RETURN_IF_ERROR(MustBeArray(value, kMaxBlocks));
  for (size_t i = 0; i < value.json.size(); ++i) RETURN_IF_ERROR(AddBlock(value.At(i), turn));
  return absl::OkStatus();
}

constexpr std::initializer_list<std::string_view> kRoles = {"user", "assistant", "system"};

Json RoleShape() { return {{"enum", kRoles}}; }

Json BlocksShape() {
  const Json redacted = {
      {"type", "object"}, {"properties", {{"type", {{"enum", {"redacted_thinking"}}}}}}, {"required", {"type"}}};
  return {{"items",
           {{"anyOf",
             {TypedSchema("text", kTextFields, {"text"}), TypedSchema("thinking", kThinkingFields, {}), redacted,
              TypedSchema("tool_use", kUseFields, {"name"}), TypedSchema("tool_result", kResultFields, {})}}}}};
}

constexpr Field<Turn> kTurnFields[] = {
    {"role", "string",
     [](const FieldValue& value, Turn& turn) {
       int role = 0;
       RETURN_IF_ERROR(GetWord(value, kRoles, role));
       turn.message.role = value.json.get<std::string>();
       return absl::OkStatus();
     },
     "who speaks", "", "", RoleShape},
    {"content", "string|array", ReadTurnContent, "text, or blocks", "", "", BlocksShape},
};

}  // namespace

Json BlockMessagesShape() { return {{"minItems", 1}, {"items", ObjectSchema(kTurnFields, {"role", "content"})}}; }

absl::Status ReadBlockMessages(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxMessages));
  if (value.json.empty()) return FieldError(value.path, "is empty; a chat needs a message");
  for (size_t i = 0; i < value.json.size(); ++i) {
    Turn turn{.policy = request.policy()};
    RETURN_IF_ERROR(ReadFields<Turn>(value.At(i), {kTurnFields}, turn.policy, turn));
    if (turn.message.role.empty()) return FieldError(value.At(i).path + ".role", "is missing");
    const ChatMessage& message = turn.message;
    const bool says =
        message.content || !message.parts.empty() || !message.tool_calls.empty() || !message.reasoning.empty();
    if (!says && turn.results.empty() && !turn.thinks) return FieldError(value.At(i).path + ".content", "is missing");
    for (ChatMessage& result : turn.results) request.generation.messages.push_back(std::move(result));
    if (says) request.generation.messages.push_back(std::move(turn.message));
  }
  if (request.generation.messages.empty()) return FieldError(value.path, "has nothing that the model can read");
  return absl::OkStatus();
}

absl::Status ReadSystem(const FieldValue& value, ApiRequest& request) {
  ChatMessage message{.role = "system"};
  RETURN_IF_ERROR(ReadTextBlocks(value, request.policy(), message));
  request.generation.messages.insert(request.generation.messages.begin(), std::move(message));
  return absl::OkStatus();
}

}  // namespace engine
