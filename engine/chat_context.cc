#include "engine/chat_context.h"

#include <algorithm>

#include "core/base/field_error.h"
#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// As many levels and bytes as a template may be given.
constexpr JsonLimits kLimits = {.max_bytes = size_t{4} << 20, .max_depth = 64, .max_values = 1 << 18};

// Variables that say what the request's own fields say.
constexpr std::string_view kOwnVariables[] = {
    "messages", "tools", "add_generation_prompt", "continue_final_message", "bos_token", "eos_token"};

Json Part(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

std::string JoinLines(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (&part == parts.data() ? "" : "\n") + part;
  return text;
}

Json Content(const TemplateTraits& traits, const ChatMessage& message) {
  if (message.parts.empty()) {
    // A turn that ended within its thoughts has said nothing; templates would write "None".
    const bool only_thinks = !message.reasoning.empty() && message.tool_calls.empty();
    if (!message.content && !only_thinks) return nullptr;
    const std::string text = message.content.value_or("");
    return traits.reads_text ? Json(text) : Json::array({Part(text)});
  }
  if (!traits.reads_parts) return JoinLines(message.parts);
  Json list = Json::array();
  for (const std::string& part : message.parts) list.push_back(Part(part));
  return list;
}

// Of a call that was cut or malformed, its text.
Json ArgumentsObject(const std::string& text) {
  if (text.empty()) return Json::object();
  absl::StatusOr<Json> arguments = ParseJson(text, "arguments", kLimits);
  return arguments.ok() && arguments->is_object() ? *std::move(arguments) : Json{{"arguments", text}};
}

Json CallJson(const TemplateTraits& traits, const ToolCall& call) {
  Json json = Json::object();
  if (!call.id.empty()) json["id"] = call.id;
  json["type"] = "function";
  json["function"]["name"] = call.name;
  json["function"]["arguments"] = traits.arguments_are_text ? Json(call.arguments) : ArgumentsObject(call.arguments);
  return json;
}

Json MessageJson(const TemplateTraits& traits, const ChatMessage& message) {
  Json json = {{"role", message.role}, {"content", Content(traits, message)}};
  if (!message.name.empty()) json["name"] = message.name;
  if (!message.reasoning.empty()) {
    for (const char* name : {"reasoning_content", "reasoning", "thinking"}) json[name] = message.reasoning;
  }
  for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back(CallJson(traits, call));
  if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
  return json;
}

absl::StatusOr<Json> ToolsJson(const std::string& tools) {
  if (tools.empty()) return nullptr;
  ASSIGN_OR_RETURN(Json list, ParseJson(tools, "tools", kLimits));
  if (!list.is_array()) return InvalidArgument("tools must be a JSON array");
  if (list.empty()) return nullptr;
  return list;
}

// The request's, and the model's that it does not set.
absl::StatusOr<Json> TemplateKwargs(const ModelText& text, const GenerationRequest& request) {
  ASSIGN_OR_RETURN(const Json own, ReadTemplateKwargs(request.template_kwargs, "template_kwargs"));
  Json kwargs = text.template_kwargs;
  kwargs.update(own);
  return kwargs;
}

}  // namespace

absl::StatusOr<Json> ChatContext(const ModelText& text, const GenerationRequest& request) {
  Json context = {{"messages", Json::array()}};
  for (const ChatMessage& message : request.messages) {
    context["messages"].push_back(MessageJson(text.template_traits, message));
  }
  absl::StatusOr<Json> tools = ToolsJson(request.tools);
  if (!tools.ok()) return About("tools", tools.status());
  context["tools"] = *std::move(tools);
  context["documents"] = nullptr;
  context["add_generation_prompt"] = request.add_generation_prompt && !request.continue_final_message;
  context["bos_token"] = text.bos_token;
  context["eos_token"] = text.eos_token;
  ASSIGN_OR_RETURN(const Json kwargs, TemplateKwargs(text, request));
  context.update(kwargs);
  return context;
}

absl::StatusOr<Json> ReadTemplateKwargs(const std::string& kwargs, const std::string& name) {
  if (kwargs.empty()) return Json::object();
  absl::StatusOr<Json> object = ParseJson(kwargs, name, kLimits);
  if (!object.ok()) return About(name, object.status());
  if (!object->is_object()) return FieldError(name, "must be a JSON object");
  for (const std::string_view own : kOwnVariables) {
    if (!object->contains(own)) continue;
    return FieldError(name, absl::StrFormat("sets %s, which has a field of its own in requests", own));
  }
  return object;
}

bool ReadsVariable(std::string_view template_source, std::string_view name) {
  return template_source.find(name) != std::string_view::npos;
}

bool SwitchesThinkingOff(const ModelText& text, const GenerationRequest& request) {
  const absl::StatusOr<Json> kwargs = TemplateKwargs(text, request);
  if (!kwargs.ok()) return false;
  return kwargs->value("enable_thinking", Json()) == false || kwargs->value("thinking", Json()) == false ||
         kwargs->value("reasoning_effort", Json()) == "none";
}

absl::StatusOr<std::vector<ToolFunction>> ToolFunctions(const std::string& tools) {
  ASSIGN_OR_RETURN(const Json list, ToolsJson(tools));
  std::vector<ToolFunction> functions;
  for (const Json& tool : list) {
    const Json function = tool.is_object() ? tool.value("function", Json()) : Json();
    if (!function.is_object() || !function.value("name", Json()).is_string()) continue;
    const auto parameters = function.find("parameters");
    functions.push_back({.name = function["name"],
                         .parameters = parameters == function.end() ? std::string() : parameters->dump(),
                         .strict = function.value("strict", Json()) == true});
  }
  return functions;
}

}  // namespace engine
