#include "server/api/output_control.h"

namespace engine {
namespace {

constexpr size_t kMaxChoiceTexts = 1024;  // the parser follows all at once, and 2,000 at most

absl::Status SetGrammar(const FieldValue& value, OutputGrammar::Kind kind, std::string text, ApiRequest& request) {
  OutputGrammar& grammar = request.generation.grammar;
  if (grammar.kind != OutputGrammar::Kind::kNone) {
    return FieldError(value.path, "asks for one form of answer and another field for a second; send one of them");
  }
  grammar = {.kind = kind, .text = std::move(text)};
  request.sent.Add("grammar", value.path);
  return absl::OkStatus();
}

// A schema as an object, true, or as the text of one.
absl::Status ReadSchema(const FieldValue& value, ApiRequest& request) {
  if (value.json.is_string()) {
    return SetGrammar(value, OutputGrammar::Kind::kJsonSchema, value.json.get<std::string>(), request);
  }
  if (!value.json.is_boolean()) RETURN_IF_ERROR(MustBeObject(value));
  return SetGrammar(value, OutputGrammar::Kind::kJsonSchema, JsonText(value.json), request);
}

absl::Status ReadRegex(const FieldValue& value, ApiRequest& request) {
  std::string text;
  RETURN_IF_ERROR(Get(value, text));
  return SetGrammar(value, OutputGrammar::Kind::kRegex, std::move(text), request);
}

absl::Status ReadChoice(const FieldValue& value, ApiRequest& request) {
  std::vector<std::string> texts;
  RETURN_IF_ERROR(GetList(value, kMaxChoiceTexts, texts));
  if (texts.empty()) return FieldError(value.path, "is empty; it needs a text to choose");
  return SetGrammar(value, OutputGrammar::Kind::kChoice, JsonText(value.json), request);
}

// llama.cpp's form writes rules with "::="; everything else is Lark.
absl::Status ReadGrammarText(const FieldValue& value, ApiRequest& request) {
  std::string text;
  RETURN_IF_ERROR(Get(value, text));
  const bool is_gbnf = text.find("::=") != std::string::npos;
  return SetGrammar(value, is_gbnf ? OutputGrammar::Kind::kGbnf : OutputGrammar::Kind::kLark, std::move(text), request);
}

absl::Status ReadJsonObject(const FieldValue& value, ApiRequest& request) {
  bool wanted = false;
  RETURN_IF_ERROR(Get(value, wanted));
  return wanted ? SetGrammar(value, OutputGrammar::Kind::kJsonObject, "", request) : absl::OkStatus();
}

constexpr ApiField kStructuredFields[] = {
    {"json", "", ReadSchema, "a JSON schema"},
    {"regex", "string", ReadRegex, "a regular expression for the whole answer"},
    {"choice", "array", ReadChoice, "one of these texts"},
    {"grammar", "string", ReadGrammarText, "a grammar, GBNF or Lark"},
    {"json_object", "boolean", ReadJsonObject, "any JSON object"},
    {"structural_tag", "string", nullptr, "use tools, or a grammar"},
    {"whitespace_pattern", "string", nullptr, "JSON has the blanks that its schema's compiler allows"},
    {"disable_fallback", "boolean", nullptr, "", "*"},  // there is nothing to fall back to
    {"disable_any_whitespace", "boolean", nullptr, "JSON has the blanks that its schema's compiler allows", "false"},
    {"disable_additional_properties", "boolean", nullptr, "say so in the schema", "false"},
};

constexpr ApiField kNamedSchemaFields[] = {
    {"name", "string", nullptr, "", "*"},
    {"description", "string", nullptr, "", "*"},
    {"schema", "", ReadSchema, "a JSON schema"},
    {"strict", "boolean", nullptr, "", "*"},  // schemas are always kept
};

absl::Status ReadNamedSchema(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kNamedSchemaFields}, request.policy(), request);
}

constexpr ApiField kFormatFields[] = {
    {"type", "string", nullptr, "", "*"},  // read before
    {"json_schema", "object", ReadNamedSchema, "name and schema"},
    {"schema", "", ReadSchema, "llama.cpp's place of the schema"},
    {"regex_schema", "string", ReadRegex, "LMDeploy's regex"},
};

struct GrammarName {
  std::string_view name;
  ApiField::Reader read;
};

constexpr GrammarName kGrammarNames[] = {
    {"guided_json", ReadSchema},
    {"guided_regex", ReadRegex},
    {"guided_choice", ReadChoice},
    {"guided_grammar", ReadGrammarText},
    {"guided_json_object", ReadJsonObject},
    {"json_schema", ReadSchema},
    {"grammar", ReadGrammarText},
    {"regex", ReadRegex},
    {"ebnf", ReadGrammarText},
};

}  // namespace

absl::Status ReadResponseFormat(const FieldValue& value, ApiRequest& request) {
  enum Type { kText, kJsonObject, kJsonSchema, kRegex };
  RETURN_IF_ERROR(MustBeObject(value));
  if (!value.json.contains("type")) return FieldError(value.path + ".type", "is missing");
  if (value.json["type"] == "structural_tag") {
    return FieldError(value.path + ".type", "is structural_tag, which is not supported; use tools, or a grammar");
  }
  int type = kText;
  RETURN_IF_ERROR(GetWord(value.At("type"), {"text", "json_object", "json_schema", "regex_schema"}, type));
  RETURN_IF_ERROR(ReadFields<ApiRequest>(value, {kFormatFields}, request.policy(), request));
  const bool has_grammar = request.generation.grammar.kind != OutputGrammar::Kind::kNone;
  if (type == kJsonObject && !has_grammar) {
    return SetGrammar(value, OutputGrammar::Kind::kJsonObject, "", request);
  }
  if (type != kText && !has_grammar) {
    return FieldError(value.path + (type == kRegex ? ".regex_schema" : ".json_schema.schema"), "is missing");
  }
  return absl::OkStatus();
}

absl::Status ReadStructuredOutputs(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(ReadFields<ApiRequest>(value, {kStructuredFields}, request.policy(), request));
  if (request.generation.grammar.kind != OutputGrammar::Kind::kNone) return absl::OkStatus();
  return FieldError(value.path, "asks for nothing; give json, regex, choice, grammar or json_object");
}

absl::Status ReadGrammar(const FieldValue& value, ApiRequest& request) {
  for (const auto& [name, read] : kGrammarNames) {
    if (value.path == name) return read(value, request);
  }
  return FieldError(value.path, "is not the name of a grammar");
}

}  // namespace engine
