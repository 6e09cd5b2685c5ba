#include "server/api/messages_request.h"

#include <algorithm>

#include "engine/chat_context.h"
#include "server/api/chat_request.h"
#include "server/api/common_fields.h"
#include "server/api/message_blocks.h"
#include "server/api/openapi.h"
#include "server/api/output_control.h"
#include "server/api/tools.h"

namespace engine {
namespace {

// To a function as the OpenAI API writes it, which is the form that chat templates know.
absl::Status CopyToolField(const FieldValue& value, Json& function) {
  const std::string name = value.path.substr(value.path.rfind('.') + 1);
  function[name == "input_schema" ? "parameters" : name] = value.json;
  return absl::OkStatus();
}

absl::Status ReadToolType(const FieldValue& value, Json&) {
  if (value.json == "custom") return absl::OkStatus();
  return FieldError(value.path, "is not supported: the server has no tools of its own");
}

Json ToolTypeShape() { return {{"enum", {"custom", nullptr}}}; }

constexpr Field<Json> kToolFields[] = {
    {"type", "string", ReadToolType, "what there is", "", "", ToolTypeShape},
    {"name", "string", CopyToolField, "of the tool"},
    {"description", "string", CopyToolField, "what it does"},
    {"input_schema", "object", CopyToolField, "JSON schema of its input"},
    {"strict", "boolean", CopyToolField, "input follows the schema"},
    {"parameters", "object", nullptr, "input_schema is its name here"},
    {"input_examples", "array", nullptr, "put them into the description", "[]"},
    {"cache_control", "object", nullptr, "", "*"},
    {"eager_input_streaming", "boolean", nullptr, "", "*"},  // input is always streamed as it is written
    {"defer_loading", "boolean", nullptr, "the model is shown every tool", "false"},
    {"allowed_callers", "array", nullptr, "only the model calls tools", R"(["direct"])"},
};

Json ToolsOfMessagesShape() { return {{"items", ObjectSchema(kToolFields, {"name"})}}; }

absl::Status ReadMessagesTools(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxTools));
  Json tools = Json::array();
  for (size_t i = 0; i < value.json.size(); ++i) {
    Json tool = {{"type", "function"}, {"function", Json::object()}};
    RETURN_IF_ERROR(ReadFields<Json>(value.At(i), {kToolFields}, request.policy(), tool["function"]));
    tools.push_back(std::move(tool));
    const std::string path = value.At(i).path, function = path + ".function";
    request.sent.Add(function, path);
    request.sent.Add(function + ".parameters", path + ".input_schema");
  }
  return ReadTools({value.path, tools}, request);
}

absl::Status ReadChoiceType(const FieldValue& value, ApiRequest& request) {
  int type = 0;
  RETURN_IF_ERROR(GetWord(value, {"auto", "any", "tool", "none"}, type));
  using Kind = ToolChoice::Kind;
  constexpr Kind kKinds[] = {Kind::kAuto, Kind::kRequired, Kind::kNamed, Kind::kNone};
  request.generation.tool_choice.kind = kKinds[type];
  return absl::OkStatus();
}

constexpr ApiField kChoiceFields[] = {
    {"type", "string", ReadChoiceType, "auto, any, tool, none"},
    {"name", "string",
     [](const FieldValue& value, ApiRequest& request) { return Get(value, request.generation.tool_choice.name); },
     "of the tool"},
    {"disable_parallel_tool_use", "boolean",
     [](const FieldValue& value, ApiRequest& request) {
       bool disabled = false;
       RETURN_IF_ERROR(Get(value, disabled));
       request.generation.tool_choice.parallel = !disabled;
       return absl::OkStatus();
     },
     "one call at most"},
};

absl::Status ReadChoice(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kChoiceFields}, request.policy(), request);
}

absl::Status ReadThinkingType(const FieldValue& value, ApiRequest& request) {
  int type = 0;
  RETURN_IF_ERROR(GetWord(value, {"enabled", "disabled", "adaptive"}, type));
  if (type != 2) request.template_kwargs["enable_thinking"] = type == 0;
  request.include_reasoning = type != 1;
  return absl::OkStatus();
}

constexpr ApiField kThinkingFields[] = {
    {"type", "string", ReadThinkingType, "enabled, disabled"},
    {"budget_tokens", "integer", SetGeneration<&GenerationRequest::thinking_token_budget>,
     "reasoning ends after so many tokens"},
    {"display", "string", nullptr, "", "*"},
};

absl::Status ReadThinking(const FieldValue& value, ApiRequest& request) {
  request.sent.Add("thinking_token_budget", value.path + ".budget_tokens");
  return ReadFields<ApiRequest>(value, {kThinkingFields}, request.policy(), request);
}

// {"type": "json_schema", "schema": ...}
absl::Status ReadOutputFormat(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeObject(value));
  Json schema = value.json;
  const Json type = schema.value("type", Json());
  schema.erase("type");
  request.sent.Add(value.path + ".json_schema", value.path);
  return ReadResponseFormat({value.path, {{"type", type}, {"json_schema", std::move(schema)}}}, request);
}

constexpr ApiField kOutputFields[] = {
    {"format", "object", ReadOutputFormat, "a JSON schema"},
    {"effort", "string", ReadEffort, "chat_template_kwargs.reasoning_effort"},
};

absl::Status ReadOutputConfig(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kOutputFields}, request.policy(), request);
}

constexpr ApiField kFields[] = {
    {"model", "string", Set<&ApiRequest::model>, "one of /v1/models"},
    {"messages", "array", ReadBlockMessages, "the conversation", "", "", BlockMessagesShape},
    {"system", "string|array", ReadSystem, "what comes before it"},  // after messages: it is put before them
    {"tools", "array", ReadMessagesTools, "functions that the answer may call", "", "", ToolsOfMessagesShape},
    {"tool_choice", "object", ReadChoice, "auto, any, none, or the tool to call"},
    {"thinking", "object", ReadThinking, "whether the model thinks before it answers"},
    {"output_config", "object", ReadOutputConfig, "what the answer must look like"},
    {"output_format", "object", ReadOutputFormat, "output_config.format"},
    {"metadata", "object", nullptr, "", "*"},
    {"cache_control", "object", nullptr, "", "*"},
    {"speed", "string", nullptr, "", "*"},
    {"user_profile_id", "string", nullptr, "", "*"},
    {"workspace_id", "string", nullptr, "", "*"},
    {"max_tokens", "integer", ReadMaxTokens, "tokens of the answer at most"},
    {"temperature", "number", SetSampling<&SamplingParams::temperature>, "0: always the likeliest token"},
    {"top_k", "integer", SetSampling<&SamplingParams::top_k>, "sample among so many"},
    {"top_p", "number", SetSampling<&SamplingParams::top_p>, "sample among the likeliest of this share"},
    {"stop_sequences", "array", ReadStop, "texts that end the answer"},
    {"stream", "boolean", Set<&ApiRequest::stream>, "server-sent events, as the answer is made"},
    {"service_tier", "string", nullptr, "", "*"},
    {"inference_geo", "string", nullptr, "", "*"},
    {"billing_policy", "object", nullptr, "", "*"},
    {"fallback_credit_token", "string", nullptr, "", "*"},
    {"fallbacks", "array|string", nullptr, "no model declines", "*"},
    {"compaction", "object", nullptr, "conversations are not summarised"},
    {"diagnostics", "object", nullptr, "requests are not analysed"},
    {"container", "string|object", nullptr, "the server has no tools of its own"},
    {"mcp_servers", "array", nullptr, "the server has no tools of its own", "[]"},
    {"context_management", "object", nullptr, "conversations are not edited"},
    {.name = "thread",
     .type = "object",
     .help = "the server keeps no conversations; send the whole one without it",
     .code = "thread_unsupported_request"},  // by which clients know to do so
};

absl::Status MustHave(const char* name, const Json& body) {
  return body.value(name, Json()).empty() ? FieldError(name, "is missing") : absl::OkStatus();  // null and [] are empty
}

// A conversation that ends with words of the assistant asks how they go on.
bool EndsWithinAnswer(const std::vector<ChatMessage>& messages) {
  const ChatMessage& last = messages.back();
  return last.role == "assistant" && last.tool_calls.empty() && (last.content || !last.parts.empty());
}

// Anthropic's models think where a request has `thinking`: who sends none expects text to come first. An operator who says
// enable_thinking has decided otherwise, and a model without a switch thinks.
void SetThinking(const Json& body, const ModelInfo& model, ApiRequest& request) {
  const bool operator_says = model.chat_template_kwargs.find("enable_thinking") != std::string::npos;
  if (!body.value("thinking", Json()).is_null() || operator_says) return;
  request.template_kwargs["enable_thinking"] = false;
}

absl::Status Check(const Json& body, const ModelInfo& model, ApiRequest& request) {
  RETURN_IF_ERROR(MustHave("messages", body));
  SetThinking(body, model, request);
  // A model that does not know how to think does not, and keeps any budget.
  if (!ReadsVariable(model.chat_template, "enable_thinking")) request.template_kwargs.erase("enable_thinking");
  if (!model.tells_reasoning) request.generation.thinking_token_budget.reset();
  request.generation.split_output = true;
  request.generation.continue_final_message = EndsWithinAnswer(request.generation.messages);
  request.sent.Add("continue_final_message", "messages");
  RETURN_IF_ERROR(CheckTools(model.chat_template, request));
  return CheckTemplateKwargs(model.chat_template, request);
}

}  // namespace

std::span<const ApiField> MessagesFields() { return kFields; }

absl::Status ReadMessagesRequest(const Json& body, const ModelInfo& model, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeObject({"", body}));
  RETURN_IF_ERROR(MustHave("max_tokens", body));
  return ReadCountTokensRequest(body, model, request);
}

// Open WebUI has whole requests counted.
absl::Status ReadCountTokensRequest(const Json& body, const ModelInfo& model, ApiRequest& request) {
  RETURN_IF_ERROR(ReadFields<ApiRequest>({"", body}, {kFields}, request.policy(), request));
  return Check(body, model, request);
}

}  // namespace engine
