#include "server/api/chat_request.h"

#include "engine/chat_context.h"
#include "server/api/chat_messages.h"
#include "server/api/common_fields.h"
#include "server/api/tools.h"

namespace engine {
namespace {

absl::Status ReadTopLogprobs(const FieldValue& value, ApiRequest& request) {
  return GetLogprobs(value, request.top_logprobs.emplace());
}

absl::Status SetKwarg(const FieldValue& value, const std::string& name, ApiRequest& request) {
  Json& kwarg = request.template_kwargs[name];
  if (!kwarg.is_null() && kwarg != value.json) {
    return FieldError(value.path, "and another field say the same and differ; give one of them");
  }
  kwarg = value.json;
  return absl::OkStatus();
}

// A variable of the chat template that has a field of its own.
absl::Status ReadKwarg(const FieldValue& value, ApiRequest& request) {
  request.sent.Add("template_kwargs." + value.path, value.path);
  return SetKwarg(value, value.path, request);
}

absl::Status ReadKwargs(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeObject(value));
  RETURN_IF_ERROR(CheckSize(value, kMaxFields));
  request.sent.Add("template_kwargs", value.path);
  for (const auto& [key, kwarg] : value.json.items()) RETURN_IF_ERROR(SetKwarg(value.At(key), key, request));
  return absl::OkStatus();
}

constexpr ApiField kFields[] = {
    {"messages", "array", ReadMessages, "the conversation", "", "", MessagesShape},
    {"tools", "array", ReadTools, "functions that the answer may call", "", "", ToolsShape},
    {"tool_choice", "string|object", ReadToolChoice, "none, auto, required, or the function to call"},
    {"parallel_tool_calls", "boolean", ReadParallelCalls, "more than one call in an answer"},
    {"functions", "array", ReadFunctions, "tools, before they had that name"},
    {"function_call", "string|object", ReadFunctionChoice, "tool_choice, before it had that name"},

    {"max_completion_tokens", "integer", ReadMaxTokens, "max_tokens"},
    {"logprobs", "boolean", Set<&ApiRequest::logprobs>, "log-probabilities of the answer's tokens"},
    {"top_logprobs", "integer", ReadTopLogprobs, "with logprobs: of so many likeliest tokens as well"},

    {"chat_template_kwargs", "object", ReadKwargs, "more variables for the model's chat template"},
    {"enable_thinking", "boolean", ReadKwarg, "chat_template_kwargs.enable_thinking"},
    {"reasoning_effort", "string", ReadKwarg, "chat_template_kwargs.reasoning_effort"},
    {"documents", "array", ReadKwarg, "chat_template_kwargs.documents"},
    {"add_generation_prompt", "boolean", SetGeneration<&GenerationRequest::add_generation_prompt>,
     "the messages are followed by the beginning of an answer"},
    {"continue_final_message", "boolean", SetGeneration<&GenerationRequest::continue_final_message>,
     "the answer goes on where the last message ends"},
    {"include_reasoning", "boolean", Set<&ApiRequest::include_reasoning>, "reasoning is part of the answer"},
    {"separate_reasoning", "boolean", nullptr, "reasoning is always told from content", "true"},
    {"reasoning_format", "string", nullptr, "reasoning is always told from content", "\"auto\""},

    {"chat_template", "string", nullptr, "the server uses its own: a template can write control tokens"},
    {"add_special_tokens", "boolean", nullptr, "the chat template writes them", "false"},
    {"echo", "boolean", nullptr, "use continue_final_message", "false"},
    {"modalities", "array", nullptr, "the model writes text", R"(["text"])"},
    {"audio", "object", nullptr, "the model writes text"},
    {"prediction", "object", nullptr, "", "*"},  // it may make an answer faster, not another one
    {"verbosity", "string", nullptr, "say so in a message", "\"medium\""},
    {"moderation", "object", nullptr, "the server does not judge texts"},
    {"web_search_options", "object", nullptr, "the server does not search"},
};

absl::Status CheckChat(const Json& body, const ModelInfo& model, ApiRequest& request) {
  request.generation.split_output = true;
  if (request.generation.messages.empty()) return FieldError("messages", "is missing");
  if (request.top_logprobs && !request.logprobs) return FieldError("top_logprobs", "needs logprobs: true");
  if (request.logprobs) request.sampling().logprobs = request.top_logprobs.value_or(0);
  request.sent.Add("logprobs", "top_logprobs");
  if (request.generation.continue_final_message && body.value("add_generation_prompt", Json()) == true) {
    return FieldError("add_generation_prompt", "cannot be true with continue_final_message");
  }
  // Most templates know the role by its older name.
  const bool knows_developer = model.chat_template.find("developer") != std::string::npos;
  for (ChatMessage& message : request.generation.messages) {
    if (message.role == "developer" && !knows_developer) message.role = "system";
  }
  RETURN_IF_ERROR(CheckTools(model.chat_template, request));
  return CheckTemplateKwargs(model.chat_template, request);
}

}  // namespace

absl::Status ReadEffort(const FieldValue& value, ApiRequest& request) {
  request.template_kwargs["reasoning_effort"] = value.json;
  request.sent.Add("template_kwargs.reasoning_effort", value.path);
  return absl::OkStatus();
}

absl::Status CheckTemplateKwargs(const std::string& chat_template, ApiRequest& request) {
  for (const auto& [key, value] : request.template_kwargs.items()) {
    if (ReadsVariable(chat_template, key)) continue;
    const FieldValue field{"template_kwargs." + key, value};
    RETURN_IF_ERROR(Unsupported(field, "", "the model's chat template does not read it", request.policy()));
  }
  request.generation.template_kwargs = JsonText(request.template_kwargs);
  return absl::OkStatus();
}

std::span<const ApiField> ChatFields() { return kFields; }

absl::Status ReadChatRequest(const Json& body, const ModelInfo& model, ApiRequest& request) {
  RETURN_IF_ERROR(ReadFields<ApiRequest>({"", body}, {CommonFields(), kFields}, request.policy(), request));
  RETURN_IF_ERROR(CheckCommon(body, request));
  return CheckChat(body, model, request);
}

}  // namespace engine
