#include "text/template_traits.h"

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kNeedle[] = "needle";

// Whether the needle comes out as text; a list or an object that is printed whole shows its field's name beside it.
bool Shows(const ChatTemplate& chat_template, const Json& messages, std::string_view field) {
  const auto text = chat_template.Render({{"messages", messages},
                                          {"tools", nullptr},
                                          {"documents", nullptr},
                                          {"add_generation_prompt", true},
                                          {"bos_token", ""},
                                          {"eos_token", ""}});
  return text.ok() && text->find(kNeedle) != std::string::npos && text->find(field) == std::string::npos;
}

Json User(const Json& content) { return {{"role", "user"}, {"content", content}}; }

bool ShowsArguments(const ChatTemplate& chat_template, const Json& arguments) {
  const Json call = {
      {"id", "call12345"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", arguments}}}};
  return Shows(chat_template,
               {User("u"), {{"role", "assistant"}, {"content", ""}, {"tool_calls", Json::array({call})}}}, "call_type");
}

}  // namespace

TemplateTraits FindTraits(const ChatTemplate& chat_template) {
  const Json part = {{"type", "text"}, {"text", kNeedle}};
  TemplateTraits traits;
  traits.reads_parts = Shows(chat_template, Json::array({User(Json::array({part}))}), "type");
  // A template that shows neither is left to say so itself.
  traits.reads_text = !traits.reads_parts || Shows(chat_template, Json::array({User(kNeedle)}), "type");
  traits.arguments_are_text =
      !ShowsArguments(chat_template, {{"p", kNeedle}}) && ShowsArguments(chat_template, Json{{"p", kNeedle}}.dump());
  return traits;
}

}  // namespace engine
