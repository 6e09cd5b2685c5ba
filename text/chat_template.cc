#include "text/chat_template.h"

#include "nlohmann/json.hpp"
#include "text/ffi_text.h"
#include "text/utf8.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Noncharacters: no text is meant to hold them, and no template treats them as blanks.
constexpr std::string_view kPlainBegin = "\xEF\xB7\x90";  // U+FDD0
constexpr std::string_view kPlainEnd = "\xEF\xB7\x91";    // U+FDD1
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the longest special token's text that `text` begins with.
size_t SpecialAt(std::string_view text, const Tokenizer& tokenizer) {
  size_t longest = 0;
  for (const Tokenizer::AddedToken& token : tokenizer.added_tokens()) {
    if (token.special && !token.text.empty() && text.starts_with(token.text)) {
      longest = std::max(longest, token.text.size());
    }
  }
  return longest;
}

std::string WrapSpecials(std::string_view raw, const Tokenizer& tokenizer) {
  const std::string text = ReplaceInvalidUtf8(raw);
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    if (rest.starts_with(kPlainBegin) || rest.starts_with(kPlainEnd)) {
      out += kReplacement;
      rest.remove_prefix(kPlainBegin.size());
    } else if (const size_t length = SpecialAt(rest, tokenizer); length > 0) {
      out.append(kPlainBegin).append(rest.substr(0, length)).append(kPlainEnd);
      rest.remove_prefix(length);
    } else {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  return out;
}

void WrapSpecialsIn(Json& value, const Tokenizer& tokenizer) {
  if (value.is_string()) value = WrapSpecials(value.get_ref<const std::string&>(), tokenizer);
  if (value.is_structured()) {
    for (Json& item : value) WrapSpecialsIn(item, tokenizer);
  }
}

// Whether the name of a context entry holds text from outside. The tokenizer's own markers do not.
bool FromOutside(const std::string& key) { return key != "bos_token" && key != "eos_token"; }

absl::Status AppendEncoded(const Tokenizer& tokenizer, std::string_view text, bool parse_special,
                           std::vector<int32_t>& ids) {
  if (text.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<int32_t> part, tokenizer.Encode(text, {.parse_special = parse_special}));
  ids.insert(ids.end(), part.begin(), part.end());
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
  const std::string json = context.dump(-1, ' ', false, Json::error_handler_t::replace);
  EngineTextBuffer text{};
  EngineTextBuffer error{};
  const int code = engine_template_render(handle_, Bytes(json), json.size(), &text, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "chat template"));
  return TakeBuffer(text);
}

absl::StatusOr<std::vector<int32_t>> EncodeChat(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                                Json context) {
  for (auto& [key, value] : context.items()) {
    if (FromOutside(key)) WrapSpecialsIn(value, tokenizer);
  }
  ASSIGN_OR_RETURN(const std::string rendered, chat_template.Render(context));
  std::vector<int32_t> ids;
  for (std::string_view rest = rendered; !rest.empty();) {
    const size_t begin = rest.find(kPlainBegin);
    RETURN_IF_ERROR(AppendEncoded(tokenizer, rest.substr(0, begin), true, ids));
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin + kPlainBegin.size());
    const size_t end = rest.find(kPlainEnd);
    RETURN_IF_ERROR(AppendEncoded(tokenizer, rest.substr(0, end), false, ids));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + kPlainEnd.size());
  }
  return ids;
}

}  // namespace engine
