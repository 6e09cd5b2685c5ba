#include "text/output_parser/argument_grammar.h"

#include <algorithm>

#include "text/output_parser/parameter_types.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

bool IsRequired(const Json& schema, const std::string& name) {
  const auto required = schema.find("required");
  return required != schema.end() && required->is_array() && std::ranges::count(*required, Json(name)) > 0;
}

// A property's schema by itself, with what its references point to.
Json Alone(const Json& schema, const Json& property) {
  Json alone = property.is_object() ? property : Json::object();
  for (const char* key : {"$defs", "definitions"}) {
    if (schema.contains(key)) alone[key] = schema[key];
  }
  return alone;
}

// How a language writes values.
struct LiteralGrammar {
  std::string string, boolean, null, comma, colon;
  std::string any = {};  // the rule of any value
};

LiteralGrammar MakeLiteralGrammar(const LiteralStyle& style, LarkWriter& lark) {
  const std::string quote(style.quotes.front());
  const bool python = !style.bare_keys;
  LiteralGrammar grammar = python ? LiteralGrammar{.string = R"(/"([^"\\\n]|\\[^\n])*"/ )",
                                                   .boolean = R"(("True" | "False") )",
                                                   .null = R"("None" )",
                                                   .comma = R"(", " )",
                                                   .colon = R"(": " )"}
                                  : LiteralGrammar{.string = lark.Literal(quote) + lark.Until(quote),
                                                   .boolean = R"(("true" | "false") )",
                                                   .null = R"("null" )",
                                                   .comma = R"("," )",
                                                   .colon = R"(":" )"};
  const std::string key = python ? grammar.string : "/[A-Za-z_][A-Za-z0-9_]*/ ";
  // The rule names itself, so its name is fixed: there is one per grammar.
  grammar.any = "any ";
  const std::string item = key + grammar.colon + grammar.any;
  const std::string list = R"("[" (any ()" + grammar.comma + R"(any)*)? "]")";
  const std::string object = R"("{" ()" + item + "(" + grammar.comma + item + R"()*)? "}")";
  lark.Define("any", grammar.string + "| /-?(0|[1-9][0-9]*)(\\.[0-9]+)?/ | " + grammar.boolean + "| " + grammar.null +
                         "| " + list + " | " + object);
  return grammar;
}

// The texts that a string may be; none: any.
std::vector<std::string> ChoicesOf(const Json& property) {
  std::vector<std::string> choices;
  if (!property.is_object() || !property.contains("enum") || !property["enum"].is_array()) return choices;
  for (const Json& choice : property["enum"]) {
    if (!choice.is_string()) return {};
    choices.push_back(choice.get<std::string>());
  }
  return choices;
}

// One of some texts, between others.
std::string OneOf(const std::vector<std::string>& texts, const std::string& before, const std::string& after,
                  const LarkWriter& lark) {
  std::string body;
  for (const std::string& text : texts) body += (body.empty() ? "" : "| ") + lark.Literal(before + text + after);
  return "(" + body + ") ";
}

std::string ValueOf(const Json& property, const LiteralStyle& style, const LiteralGrammar& grammar,
                    const LarkWriter& lark) {
  const std::string quote(style.quotes.front());
  if (const auto choices = ChoicesOf(property); !choices.empty()) return OneOf(choices, quote, quote, lark);
  const Json type = property.is_object() && property.contains("type") ? property["type"] : Json();
  if (type == "string") return grammar.string;
  if (type == "integer") return "/-?(0|[1-9][0-9]*)/ ";
  if (type == "number") return "/-?(0|[1-9][0-9]*)(\\.[0-9]+)?/ ";
  if (type == "boolean") return grammar.boolean;
  return grammar.any;
}

const Json& PropertiesOf(const Json& schema) {
  static const Json& none = *new Json(Json::object());
  const auto properties = schema.find("properties");
  return properties != schema.end() && properties->is_object() ? *properties : none;
}

}  // namespace

Json SchemaOf(const ToolFunction& function) {
  Json schema = Json::parse(function.parameters, nullptr, /*allow_exceptions=*/false);
  if (!schema.is_object()) schema = Json::object();
  if (!schema.contains("type")) schema["type"] = "object";
  return schema;
}

std::string LiteralArguments(const ToolFunction& function, const LiteralStyle& style, LarkWriter& lark) {
  const Json schema = SchemaOf(function);
  const LiteralGrammar grammar = MakeLiteralGrammar(style, lark);
  const char* open = style.call_arguments ? "\"(\" " : "\"{\" ";
  const char* close = style.call_arguments ? "\")\" " : "\"}\" ";
  std::string required, optional, choice;
  for (const auto& [name, property] : PropertiesOf(schema).items()) {
    const std::string one =
        lark.Literal(name + (style.call_arguments ? "=" : ":")) + ValueOf(property, style, grammar, lark);
    if (IsRequired(schema, name)) {
      required += (required.empty() ? "" : grammar.comma) + one;
    } else {
      optional += "(" + grammar.comma + one + ")? ";
      choice += (choice.empty() ? "" : "| ") + one;
    }
  }
  if (!required.empty()) return open + required + optional + close;
  if (choice.empty()) return std::string(open) + close;
  const std::string any = lark.Rule(choice);
  return open + ("(" + any + "(" + grammar.comma + any + ")*)? ") + close;
}

std::string TagArguments(const ToolFunction& function, const TagSyntax& syntax, LarkWriter& lark) {
  const Json schema = SchemaOf(function);
  const ParameterTypes types({&function, 1});
  const std::string line_break = syntax.lines ? "\n" : "";
  const std::string close = line_break + std::string(syntax.value_close);
  std::string required, optional;
  for (const auto& [name, property] : PropertiesOf(schema).items()) {
    const bool is_json = types.Of(function.name, name) == ParameterType::kOther;
    const std::string flag(is_json ? syntax.json_flag : syntax.string_flag);
    const std::string open =
        lark.Literal(std::string(syntax.parameter_open) + name + flag + std::string(syntax.key_end));
    const std::string begin = syntax.value_open.empty() ? "" : "\"\\n\"? " + lark.Literal(syntax.value_open);
    const std::vector<std::string> choices = ChoicesOf(property);
    const std::string value = is_json           ? lark.JsonOf(Alone(schema, property)) + lark.Literal(close)
                              : choices.empty() ? lark.Until(close)
                                                : OneOf(choices, "", close, lark);
    const std::string one = open + begin + (syntax.lines ? "\"\\n\" " : "") + value + "\"\\n\"? ";
    IsRequired(schema, name) ? required += one : optional += "(" + one + ")? ";
  }
  return required + optional;
}

}  // namespace engine
