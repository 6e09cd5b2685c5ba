#include "server/api/answer_schemas.h"

namespace engine {
namespace {

constexpr char kSchemas[] = R"json({
"Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object",
  "required": ["message"], "properties": {"message": {"type": "string"}, "type": {"type": "string"},
    "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}},

"Usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"], "properties": {
  "prompt_tokens": {"type": "integer"}, "completion_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"},
  "prompt_tokens_details": {"type": "object", "properties": {"cached_tokens": {"type": "integer"}}},
  "completion_tokens_details": {"type": "object", "properties": {"reasoning_tokens": {"type": "integer"}}}}},

"ToolCall": {"type": "object", "required": ["id", "type", "function"], "properties": {"id": {"type": "string"},
  "type": {"const": "function"}, "function": {"type": "object", "required": ["name", "arguments"],
    "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}}}}},

"ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"],
  "properties": {"id": {"type": "string"}, "object": {"const": "chat.completion"}, "created": {"type": "integer"},
    "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
    "choices": {"type": "array", "minItems": 1, "items": {"type": "object",
      "required": ["index", "message", "finish_reason"], "properties": {"index": {"type": "integer"},
        "finish_reason": {"enum": ["stop", "length", "tool_calls", "function_call"]},
        "message": {"type": "object", "required": ["role", "content"], "properties": {"role": {"const": "assistant"},
          "content": {"type": ["string", "null"]}, "reasoning": {"type": "string"},
          "tool_calls": {"type": "array", "items": {"$ref": "#/components/schemas/ToolCall"}}}}}}}}},

"Completion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"],
  "properties": {"id": {"type": "string"}, "object": {"const": "text_completion"}, "created": {"type": "integer"},
    "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
    "choices": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["index", "text", "finish_reason"],
      "properties": {"index": {"type": "integer"}, "text": {"type": "string"},
        "finish_reason": {"enum": ["stop", "length"]}}}}}},

"Response": {"type": "object", "required": ["id", "object", "created_at", "status", "model", "output", "usage"],
  "properties": {"id": {"type": "string"}, "object": {"const": "response"}, "created_at": {"type": "integer"},
    "status": {"enum": ["completed", "incomplete"]}, "model": {"type": "string"}, "output": {"type": "array",
      "items": {"type": "object", "required": ["type", "id"],
        "properties": {"type": {"enum": ["message", "reasoning", "function_call"]}}}}}},

"Message": {"type": "object", "required": ["id", "type", "role", "model", "content", "stop_reason", "usage"],
  "properties": {"id": {"type": "string"}, "type": {"const": "message"}, "role": {"const": "assistant"},
    "model": {"type": "string"}, "stop_reason": {"enum": ["end_turn", "max_tokens", "stop_sequence", "tool_use"]},
    "content": {"type": "array", "items": {"type": "object", "required": ["type"],
      "properties": {"type": {"enum": ["text", "thinking", "tool_use"]}}}},
    "usage": {"type": "object", "required": ["input_tokens", "output_tokens"],
      "properties": {"input_tokens": {"type": "integer"}, "output_tokens": {"type": "integer"}}}}},

"Event": {"description": "one of the server-sent events", "type": "object", "required": ["data"], "properties": {
  "event": {"type": "string"}, "data": {"type": "string"}}},

"TokenCount": {"type": "object", "required": ["input_tokens"], "properties": {"input_tokens": {"type": "integer"}}},

"Embeddings": {"type": "object", "required": ["object", "data", "model", "usage"], "properties": {
  "object": {"const": "list"}, "model": {"type": "string"},
  "usage": {"type": "object", "required": ["prompt_tokens", "total_tokens"]},
  "data": {"type": "array", "items": {"type": "object", "required": ["object", "index", "embedding"], "properties": {
    "object": {"const": "embedding"}, "index": {"type": "integer"},
    "embedding": {"type": ["array", "string"], "items": {"type": "number"}}}}}}},

"Prompt": {"type": "object", "required": ["prompt", "token_ids", "count"], "properties": {
  "prompt": {"type": "string"}, "token_ids": {"type": "array", "items": {"type": "integer"}},
  "count": {"type": "integer"}}},

"Tokens": {"type": "object", "required": ["count", "max_model_len", "tokens"], "properties": {
  "count": {"type": "integer"}, "max_model_len": {"type": "integer"},
  "tokens": {"type": "array", "items": {"type": "integer"}},
  "token_strs": {"type": "array", "items": {"type": "string"}}}},

"Text": {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},

"Model": {"type": "object", "required": ["id", "object", "created", "owned_by"], "properties": {
  "id": {"type": "string"}, "object": {"const": "model"}, "created": {"type": "integer"},
  "owned_by": {"type": "string"}, "max_model_len": {"type": "integer"}, "thinking_switch": {"type": "boolean"}}},

"Models": {"type": "object", "required": ["object", "data"], "properties": {"object": {"const": "list"},
  "data": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Model"}}}},

"Document": {"type": "object", "required": ["openapi", "info", "paths"]}
})json";

}  // namespace

Json AnswerSchemas() { return Json::parse(kSchemas); }

}  // namespace engine
