#include "text/chat_template.h"

#include "core/base/field_error.h"
#include "core/base/utf8.h"
#include "nlohmann/json.hpp"
#include "text/ffi_text.h"
#include "text/special_marker.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Below what the reader of JSON on the other side accepts: 128.
constexpr int kMaxDepth = 100;

absl::Status Check(const Json& value, int depth = kMaxDepth) {
  if (value.is_string()) return CheckUtf8(value.get_ref<const std::string&>());
  if (!value.is_structured()) return absl::OkStatus();
  if (depth == 0) {
    return InvalidArgument("the messages or tools are nested more than %d deep; flatten them", kMaxDepth);
  }
  for (const auto& [key, item] : value.items()) {
    RETURN_IF_ERROR(CheckUtf8(key));
    RETURN_IF_ERROR(Check(item, depth - 1));
  }
  return absl::OkStatus();
}

// Whether the name of a context entry holds text from outside. The tokenizer's own markers do not.
bool FromOutside(const std::string& key) { return key != "bos_token" && key != "eos_token"; }

// With the names of fields too: those of a tool's parameters come from outside.
Json Marked(const Json& value, const SpecialMarker& marker) {
  if (value.is_string()) return marker.Mark(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, item] : value.items()) {
    if (value.is_array()) {
      out.push_back(Marked(item, marker));
    } else {
      out[marker.Mark(key)] = Marked(item, marker);
    }
  }
  return out;
}

// Where the last message's content is to end. The blank tells whether the template strips content.
constexpr std::string_view kEndMark = "\xEF\xB7\x92 ";  // U+FDD2

// The last text of the last message's content; null when there is none.
Json* FinalText(Json& context) {
  Json* content = &context["messages"].back()["content"];
  if (content->is_array() && !content->empty()) content = &content->back()["text"];
  return content->is_string() ? content : nullptr;
}

absl::Status MarkEnd(Json& context) {
  Json* text = context["messages"].empty() ? nullptr : FinalText(context);
  if (text == nullptr) return FieldError("continue_final_message", "needs a last message with content");
  text->get_ref<std::string&>() += kEndMark;
  return absl::OkStatus();
}

absl::Status CutAtEnd(std::string& rendered) {
  const size_t end = rendered.rfind(kEndMark.substr(0, kEndMark.size() - 1));
  if (end == std::string::npos) {
    return FieldError("continue_final_message", "needs a chat template that shows the last message's content");
  }
  const bool stripped = !std::string_view(rendered).substr(end).starts_with(kEndMark);
  rendered.resize(end);
  if (stripped) rendered.resize(rendered.find_last_not_of(" \t\n\r\v\f") + 1);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChatTemplate>> ChatTemplate::Compile(std::string_view source) {
  EngineTemplate* handle = nullptr;
  EngineTextBuffer error{};
  const int code = engine_template_new(Bytes(source), source.size(), &handle, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "chat template"));
  return std::unique_ptr<ChatTemplate>(new ChatTemplate(handle));
}

ChatTemplate::~ChatTemplate() { engine_template_free(handle_); }

absl::StatusOr<std::string> ChatTemplate::Render(const Json& context) const {
  RETURN_IF_ERROR(Check(context));
  const std::string json = context.dump();
  EngineTextBuffer text{};
  EngineTextBuffer error{};
  const int code = engine_template_render(handle_, Bytes(json), json.size(), &text, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "chat template"));
  return TakeBuffer(text);
}

absl::StatusOr<EncodedChat> EncodeChat(const ChatTemplate& chat_template, const Tokenizer& tokenizer, Json context,
                                       bool continue_final_message) {
  RETURN_IF_ERROR(Check(context));
  const SpecialMarker marker(tokenizer);
  for (auto& [key, value] : context.items()) {
    if (FromOutside(key)) value = Marked(value, marker);
  }
  if (continue_final_message) RETURN_IF_ERROR(MarkEnd(context));
  ASSIGN_OR_RETURN(std::string rendered, chat_template.Render(context));
  if (continue_final_message) RETURN_IF_ERROR(CutAtEnd(rendered));
  RETURN_IF_ERROR(tokenizer.CheckLength(rendered));  // its parts may each be short enough
  EncodedChat chat;
  for (const SpecialMarker::Part& part : marker.Unmark(rendered)) {
    ASSIGN_OR_RETURN(const std::vector<int32_t> piece, tokenizer.Encode(part.text, {.parse_special = !part.plain}));
    chat.ids.insert(chat.ids.end(), piece.begin(), piece.end());
    chat.text += part.text;
  }
  return chat;
}

}  // namespace engine
