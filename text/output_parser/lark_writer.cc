#include "text/output_parser/lark_writer.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

std::string Quoted(std::string_view text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

const ControlToken* LarkWriter::ControlTokenAt(std::string_view text) const {
  const ControlToken* longest = nullptr;
  for (const ControlToken& token : control_tokens_) {
    if (token.text.empty() || !text.starts_with(token.text)) continue;
    if (longest == nullptr || token.text.size() > longest->text.size()) longest = &token;
  }
  return longest;
}

std::string LarkWriter::Literal(std::string_view text) const {
  std::string body;
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) body += Quoted(plain) + " ";
    plain.clear();
  };
  while (!text.empty()) {
    if (const ControlToken* token = ControlTokenAt(text)) {
      end_plain();
      body += "<[" + std::to_string(token->id) + "]> ";
      text.remove_prefix(token->text.size());
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  end_plain();
  return body;
}

std::string LarkWriter::Until(std::string_view marker) {
  if (BeginsWithControlToken(marker)) return "/(?s:.*)/ " + Literal(marker);
  const std::string name = "r" + std::to_string(num_rules_++);
  rules_ += name + "[suffix=" + Quoted(marker) + "]: /(?s:.*)/\n";
  return name + " ";
}

std::string LarkWriter::JsonOf(Json schema) {
  schema["x-guidance"] = {{"whitespace_flexible", false}, {"item_separator", ", "}, {"key_separator", ": "}};
  return Rule("%json " + schema.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
}

std::string LarkWriter::Rule(const std::string& body) {
  const std::string name = "r" + std::to_string(num_rules_++);
  rules_ += name + ": " + body + "\n";
  return name + " ";
}

void LarkWriter::Define(const std::string& name, const std::string& body) {
  if (defined_.insert(name).second) rules_ += name + ": " + body + "\n";
}

}  // namespace engine
