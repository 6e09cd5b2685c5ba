#include "server/api/tools.h"

#include <algorithm>

#include "engine/chat_context.h"
#include "server/api/openapi.h"

namespace engine {
namespace {

constexpr size_t kMaxNameLength = 64;  // as in the OpenAI API

struct Function {
  std::string name;
};

absl::Status ReadName(const FieldValue& value, Function& function) {
  RETURN_IF_ERROR(Get(value, function.name));
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  const bool valid = !function.name.empty() && function.name.size() <= kMaxNameLength &&
                     std::ranges::all_of(function.name, is_allowed);
  if (valid) return absl::OkStatus();
  return FieldError(value.path, absl::StrFormat("must have 1 to %d letters, digits, _, - and .", kMaxNameLength));
}

absl::Status MustBeSchemaOfObject(const FieldValue& value, Function&) {
  RETURN_IF_ERROR(MustBeObject(value));
  const Json type = value.json.value("type", Json());
  if (!type.is_string() || type == "object") return absl::OkStatus();
  return FieldError(value.path + ".type", "is " + JsonText(type) + "; it must be \"object\", which arguments are");
}

template <typename T>
absl::Status MustBeA(const FieldValue& value, Function&) {
  T ignored{};
  return Get(value, ignored);
}

constexpr Field<Function> kFunctionFields[] = {
    {"name", "string", ReadName, "of the function"},
    {"description", "string", MustBeA<std::string>, "what it does"},
    {"parameters", "object", MustBeSchemaOfObject, "JSON schema of its arguments"},
    {"strict", "boolean", MustBeA<bool>, "arguments follow the schema"},
    {"defer_loading", "boolean", nullptr, "the model is shown every tool", "false"},
    {"allowed_callers", "array", nullptr, "only the model calls tools", R"(["direct"])"},
    {"async", "boolean", nullptr, "an answer ends with its calls", "false"},
    {"output_schema", "object", nullptr, "put it into the description"},
};

absl::Status AddFunction(const FieldValue& value, ApiRequest& request) {
  Function function;
  RETURN_IF_ERROR(ReadFields<Function>(value, {kFunctionFields}, request.policy(), function));
  if (function.name.empty()) return FieldError(value.path + ".name", "is missing");
  if (std::ranges::find(request.tool_names, function.name) != request.tool_names.end()) {
    return FieldError(value.path + ".name", "is " + function.name + ", which another tool has");
  }
  request.tool_names.push_back(function.name);
  return absl::OkStatus();
}

// The tool that the model is shown: without the fields that have no meaning here, and without nulls.
Json ToolOf(const Json& function) {
  Json read = Json::object();
  for (const auto& [name, value] : function.items()) {
    const auto is_named = [&](const Field<Function>& field) { return field.name == name && field.read != nullptr; };
    if (!value.is_null() && std::ranges::any_of(kFunctionFields, is_named)) read[name] = value;
  }
  return {{"type", "function"}, {"function", std::move(read)}};
}

Json FunctionShape() { return ObjectSchema(kFunctionFields, {"name"}); }

constexpr ApiField kToolFields[] = {
    {"type", "string", nullptr, "tools are functions", "\"function\""},
    {"function", "object", AddFunction, "name, description, parameters", "", "", FunctionShape},
};

// "none", "auto", "required", or an object that names a function.
absl::Status ReadChoiceWord(const FieldValue& value, ApiRequest& request) {
  int kind = 0;
  RETURN_IF_ERROR(GetWord(value, {"auto", "none", "required"}, kind));
  constexpr ToolChoice::Kind kKinds[] = {ToolChoice::Kind::kAuto, ToolChoice::Kind::kNone, ToolChoice::Kind::kRequired};
  request.generation.tool_choice.kind = kKinds[kind];
  return absl::OkStatus();
}

absl::Status ReadChosenName(const FieldValue& value, ApiRequest& request) {
  request.generation.tool_choice.kind = ToolChoice::Kind::kNamed;
  return Get(value, request.generation.tool_choice.name);
}

constexpr ApiField kChosenFields[] = {{"name", "string", ReadChosenName, "of the function"}};

absl::Status ReadChosen(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kChosenFields}, request.policy(), request);
}

constexpr ApiField kChoiceFields[] = {
    {"allowed_tools", "object", nullptr, "send only the tools that may be called, and as tool_choice its mode"},
    {"type", "string", nullptr, "tools are functions", "\"function\""},
    {"function", "object", ReadChosen, "the one to call"},
};

}  // namespace

Json FlatToolsShape() { return {{"items", TypedSchema("function", kFunctionFields, {"name"})}}; }

Json ToolsShape() { return {{"items", ObjectSchema(kToolFields, {"function"})}}; }

absl::Status ReadTools(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxTools));
  Json tools = Json::array();
  for (size_t i = 0; i < value.json.size(); ++i) {
    const FieldValue tool = value.At(i);
    RETURN_IF_ERROR(ReadFields<ApiRequest>(tool, {kToolFields}, request.policy(), request));
    if (request.tool_names.size() != i + 1) return FieldError(tool.path + ".function", "is missing");
    tools.push_back(ToolOf(tool.json["function"]));
  }
  request.generation.tools = JsonText(tools);
  return absl::OkStatus();
}

absl::Status ReadToolChoice(const FieldValue& value, ApiRequest& request) {
  if (value.json.is_string()) return ReadChoiceWord(value, request);
  RETURN_IF_ERROR(ReadFields<ApiRequest>(value, {kChoiceFields}, request.policy(), request));
  if (request.generation.tool_choice.name.empty()) return FieldError(value.path, "names no function");
  return absl::OkStatus();
}

absl::Status ReadParallelCalls(const FieldValue& value, ApiRequest& request) {
  return Get(value, request.generation.tool_choice.parallel);
}

absl::Status ReadFunctions(const FieldValue& value, ApiRequest& request) {
  if (!request.tool_names.empty()) return FieldError(value.path, "and tools are both given; use tools");
  RETURN_IF_ERROR(MustBeArray(value, kMaxTools));
  Json tools = Json::array();
  for (size_t i = 0; i < value.json.size(); ++i) {
    RETURN_IF_ERROR(AddFunction(value.At(i), request));
    request.sent.Add(absl::StrFormat("tools[%d].function", i), value.At(i).path);
    tools.push_back(ToolOf(value.json[i]));
  }
  request.sent.Add("tools", value.path);
  request.generation.tools = JsonText(tools);
  request.generation.tool_choice.parallel = false;
  request.legacy_functions = true;
  return absl::OkStatus();
}

absl::Status ReadFunctionChoice(const FieldValue& value, ApiRequest& request) {
  request.sent.Add("tool_choice", value.path);
  return value.json.is_string() ? ReadChoiceWord(value, request) : ReadChosen(value, request);
}

absl::Status CheckTools(const std::string& chat_template, ApiRequest& request) {
  const ToolChoice& choice = request.generation.tool_choice;
  if (request.tool_names.empty()) {
    const bool needs_tools = choice.kind == ToolChoice::Kind::kRequired || choice.kind == ToolChoice::Kind::kNamed;
    return needs_tools ? FieldError("tool_choice", "needs tools") : absl::OkStatus();
  }
  if (choice.kind == ToolChoice::Kind::kNamed &&
      std::ranges::find(request.tool_names, choice.name) == request.tool_names.end()) {
    return FieldError("tool_choice", "names " + choice.name + ", which is not one of tools");
  }
  if (choice.kind == ToolChoice::Kind::kNone || ReadsVariable(chat_template, "tools")) return absl::OkStatus();
  return Unsupported({"tools", Json(request.generation.tools)}, "",
                     "the model's chat template does not show them to the model", request.policy());
}

}  // namespace engine
