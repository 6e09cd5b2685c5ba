#include "server/api/responses_request.h"

#include "server/api/chat_request.h"
#include "server/api/common_fields.h"
#include "server/api/output_control.h"
#include "server/api/responses_input.h"
#include "server/api/tools.h"

namespace engine {
namespace {

// A tool with its function's fields beside its type, as a chat has it.
absl::Status ReadFlatTools(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxTools));
  Json tools = Json::array();
  for (size_t i = 0; i < value.json.size(); ++i) {
    RETURN_IF_ERROR(MustBeObject(value.At(i)));
    Json function = value.json[i];
    const Json type = function.value("type", Json());
    if (type != "function") {
      return FieldError(value.At(i).path + ".type", "is not supported: the server has no tools of its own");
    }
    function.erase("type");
    request.sent.Add(value.At(i).path + ".function", value.At(i).path);
    tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return ReadTools({value.path, tools}, request);
}

absl::Status ReadFlatChoice(const FieldValue& value, ApiRequest& request) {
  if (!value.json.is_object()) return ReadToolChoice(value, request);
  Json function = value.json;
  const Json type = function.value("type", Json());
  function.erase("type");
  request.sent.Add(value.path + ".function", value.path);
  return ReadToolChoice({value.path, {{"type", type}, {"function", std::move(function)}}}, request);
}

// "format" has the schema's fields beside its type.
absl::Status ReadTextFormat(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeObject(value));
  Json schema = value.json;
  if (schema.value("type", Json()) != "json_schema") return ReadResponseFormat(value, request);
  schema.erase("type");
  request.sent.Add(value.path + ".json_schema", value.path);
  return ReadResponseFormat({value.path, {{"type", "json_schema"}, {"json_schema", std::move(schema)}}}, request);
}

constexpr ApiField kTextFields[] = {
    {"format", "object", ReadTextFormat, "text, json_object, json_schema"},
    {"verbosity", "string", nullptr, "say so in the instructions", "\"medium\""},
};

absl::Status ReadText(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kTextFields}, request.policy(), request);
}

constexpr ApiField kReasoningFields[] = {
    {"effort", "string", ReadEffort, "chat_template_kwargs.reasoning_effort"},
    {"summary", "string", nullptr, "", "*"},  // reasoning is shown whole
    {"generate_summary", "string", nullptr, "", "*"},
};

absl::Status ReadReasoning(const FieldValue& value, ApiRequest& request) {
  return ReadFields<ApiRequest>(value, {kReasoningFields}, request.policy(), request);
}

absl::Status ReadInclude(const FieldValue& value, ApiRequest& request) {
  RETURN_IF_ERROR(MustBeArray(value, kMaxFields));
  for (size_t i = 0; i < value.json.size(); ++i) {
    RETURN_IF_ERROR(Unsupported(value.At(i), R"("reasoning.encrypted_content")", "there is nothing more to include",
                                request.policy()));
  }
  return absl::OkStatus();
}

constexpr char kStateless[] = "the server keeps no responses; send the whole conversation as input";

constexpr ApiField kFields[] = {
    {"model", "string", Set<&ApiRequest::model>, "one of /v1/models; without it the first"},
    {"input", "string|array", ReadInput, "text, or the conversation", "", "", InputShape},
    {"instructions", "string", ReadInstructions, "a system message"},  // after input: it is put before it
    {"max_output_tokens", "integer", ReadMaxTokens, "tokens of the answer at most"},
    {"temperature", "number", SetSampling<&SamplingParams::temperature>, "0: always the likeliest token"},
    {"top_p", "number", SetSampling<&SamplingParams::top_p>, "sample among the likeliest of this share"},
    {"stream", "boolean", Set<&ApiRequest::stream>, "server-sent events, as the answer is made"},
    {"tools", "array", ReadFlatTools, "functions that the answer may call", "", "", FlatToolsShape},
    {"tool_choice", "string|object", ReadFlatChoice, "none, auto, required, or the function to call"},
    {"parallel_tool_calls", "boolean", ReadParallelCalls, "more than one call in an answer"},
    {"text", "object", ReadText, "what the answer must look like"},
    {"reasoning", "object", ReadReasoning, "how much the model thinks"},
    {"metadata", "object", nullptr, "", "*"},
    {"user", "string", nullptr, "", "*"},
    {"safety_identifier", "string", nullptr, "", "*"},
    {"prompt_cache_key", "string", nullptr, "", "*"},
    {"prompt_cache_retention", "string", nullptr, "", "*"},
    {"prompt_cache_options", "object", nullptr, "", "*"},
    {"stream_options", "object", nullptr, "", "*"},  // chunks are never padded
    {"service_tier", "string", nullptr, "", "*"},
    {"store", "boolean", nullptr, "answers are not stored", "false"},
    {"truncation", "string", nullptr, "conversations are not cut", "\"disabled\""},
    {"background", "boolean", nullptr, kStateless, "false"},
    {"include", "array", ReadInclude,
     "reasoning.encrypted_content, of which there is none: reasoning is sent as it is"},
    {"top_logprobs", "integer", nullptr, "use /v1/chat/completions", "0"},
    {.name = "previous_response_id", .type = "string", .help = kStateless, .code = "previous_response_not_found"},
    {.name = "conversation", .type = "string|object", .help = kStateless, .code = "unsupported_parameter"},
    {"prompt", "object", nullptr, "the server keeps no prompts"},
    {"moderation", "object", nullptr, "the server does not judge texts"},
    {"access_programs", "object", nullptr, "", "*"},
    {"image", "object", nullptr, "the model writes text"},
    {"context_management", "array", nullptr, "conversations are not edited"},
    {"background_options", "object", nullptr, kStateless},
    {"max_tool_calls", "integer", nullptr, "the server has no tools of its own"},
};

}  // namespace

std::span<const ApiField> ResponsesFields() { return kFields; }

absl::Status ReadResponsesRequest(const Json& body, const ModelInfo& model, ApiRequest& request) {
  RETURN_IF_ERROR(ReadFields<ApiRequest>({"", body}, {kFields}, request.policy(), request));
  if (body.value("input", Json()).empty()) return FieldError("input", "is missing");  // null and [] are empty
  request.generation.split_output = true;
  request.sent.Add("messages", "input");
  RETURN_IF_ERROR(CheckTools(model.chat_template, request));
  return CheckTemplateKwargs(model.chat_template, request);
}

}  // namespace engine
