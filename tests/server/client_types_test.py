#!/usr/bin/env python3
"""Every parameter of the official clients' requests, and every field that their types give to what is sent back and to
tools: client_types_test.py ENGINE WRITE_TINY_MODELS
One that a new client has and neither the server nor a table here knows fails the test."""

import inspect
import json
import sys
import unittest

import anthropic.resources
import anthropic.types
import openai.resources
import openai.types.chat
import openai.types.responses
from openai.resources.responses import Responses
from openai.types.responses.response_input_item_param import FunctionCallOutput
from openai.types.shared_params import FunctionDefinition

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

SCHEMA = {"type": "object", "properties": {}}
CACHED = {"cache_control": {"type": "ephemeral"}}
DIRECT = {"caller": {"type": "direct"}}
ASKS = {"role": "user", "content": "a"}


def message(role):
    return lambda block: ("/v1/messages", {"max_tokens": 1, "messages": [ASKS, {"role": role, "content": [block]}]})


def claude_tool(tool):
    return "/v1/messages", {"max_tokens": 1, "messages": [ASKS], "tools": [tool]}


def item(sent):
    return "/v1/responses", {"max_output_tokens": 1, "input": [ASKS, sent, ASKS]}


def flat_tool(tool):
    return "/v1/responses", {"max_output_tokens": 1, "input": "a", "tools": [tool]}


def function(sent):
    return "/v1/chat/completions", {"max_tokens": 1, "messages": [ASKS],
                                    "tools": [{"type": "function", "function": sent}]}


def answer(sent):
    return "/v1/chat/completions", {"max_tokens": 1, "messages": [ASKS, sent, ASKS]}


# A type: the request that has it; its fields as they are read, or ask for what happens anyway; those that are refused.
TYPES = {
    anthropic.types.ToolParam: (
        claude_tool,
        {"name": "f", "type": "custom", "description": "d", "input_schema": SCHEMA, "strict": False,
         "eager_input_streaming": True, "defer_loading": False, "allowed_callers": ["direct"], "input_examples": [],
         **CACHED},
        {"defer_loading": True, "allowed_callers": ["code_execution_20250825"], "input_examples": [{}]}),
    anthropic.types.TextBlockParam: (
        message("assistant"), {"type": "text", "text": "a", "citations": [], **CACHED}, {}),
    anthropic.types.ThinkingBlockParam: (
        message("assistant"), {"type": "thinking", "thinking": "a", "signature": ""}, {}),
    anthropic.types.ToolUseBlockParam: (
        message("assistant"), {"type": "tool_use", "id": "1", "name": "f", "input": {}, **CACHED, **DIRECT},
        {"caller": {"type": "code_execution_20250825", "tool_id": "1"}, "toolset_name": "browser"}),
    anthropic.types.ToolResultBlockParam: (
        message("user"), {"type": "tool_result", "tool_use_id": "1", "content": "a", "is_error": False, **CACHED},
        {"toolset_name": "browser"}),
    openai.types.responses.FunctionToolParam: (
        flat_tool,
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False,
         "defer_loading": False, "allowed_callers": ["direct"], "async": False},
        {"defer_loading": True, "allowed_callers": ["programmatic"], "async": True, "output_schema": {}}),
    openai.types.responses.ResponseOutputMessageParam: (
        item, {"type": "message", "id": "1", "role": "assistant", "status": "completed", "phase": "final_answer",
               "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]}, {}),
    openai.types.responses.EasyInputMessageParam: (
        item, {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"}, {}),
    openai.types.responses.ResponseFunctionToolCallParam: (
        item, {"type": "function_call", "id": "1", "call_id": "1", "name": "f", "arguments": "{}", "async": False,
               "status": "completed", **DIRECT},
        {"async": True, "caller": {"type": "program", "caller_id": "1"}, "namespace": "n"}),
    FunctionCallOutput: (
        item, {"type": "function_call_output", "id": "1", "call_id": "1", "name": "f", "output": "a",
               "status": "completed", **DIRECT},
        {"caller": {"type": "program", "caller_id": "1"}, "namespace": "n"}),
    openai.types.responses.ResponseReasoningItemParam: (
        item, {"type": "reasoning", "id": "1", "status": "completed", "summary": [],
               "content": [{"type": "reasoning_text", "text": "a"}]},
        {"encrypted_content": "x"}),
    FunctionDefinition: (function, {"name": "f", "description": "d", "parameters": SCHEMA, "strict": False}, {}),
    openai.types.chat.ChatCompletionAssistantMessageParam: (
        answer, {"role": "assistant", "content": "a", "name": "n",
                 "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"audio": {"id": "1"}, "refusal": "no", "function_call": 1}),
}

# The calls of the clients that the server answers: where each is sent, and what it needs.
CALLS = (
    (openai.resources.chat.completions.Completions.create, "/v1/chat/completions", {"messages": [ASKS]}),
    (openai.resources.Completions.create, "/v1/completions", {"prompt": "a"}),
    (openai.resources.Embeddings.create, "/v1/embeddings", {"input": "a"}),
    (Responses.create, "/v1/responses", {"input": "a"}),
    *((call, path, {"messages": [ASKS], "max_tokens": 1})
      for messages in (anthropic.resources.messages.Messages, anthropic.resources.beta.messages.Messages)
      for call, path in ((messages.create, "/v1/messages"), (messages.count_tokens, "/v1/messages/count_tokens"))),
)
# Parameters that are no fields: how a request is sent, and a header.
TRANSPORT = {"self", "extra_headers", "extra_query", "extra_body", "timeout", "betas"}
# What the server has no word for yet.
class ClientTypes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        cls.server = server_process.Server(ENGINE, model, "--pooling", "last")
        cls.addClassCleanup(cls.server.stop)

    def test_parameters_are_read_or_refused_with_a_reason(self):
        unknown = {}
        for call, path, needed in CALLS:
            for name in inspect.signature(call).parameters.keys() - TRANSPORT:
                with self.subTest(path=path, name=name):
                    status, text = self.server.post(path, {**needed, name: {}})
                    if status == 200:
                        continue
                    message = json.loads(text)["error"]["message"]
                    self.assertEqual((status, message[: len(name)]), (400, name), text)
                    if message.startswith(f"{name} is not a field of this request"):
                        unknown.setdefault(path, set()).add(name)
        self.assertEqual(unknown, {})

    def test_have_no_other_fields(self):
        for kind, (_, read, refused) in TYPES.items():
            self.assertEqual(kind.__annotations__.keys(), read.keys() | refused.keys(), kind.__name__)

    def test_are_read(self):
        for kind, (place, read, refused) in TYPES.items():
            for nulls in ({}, dict.fromkeys(refused.keys() - read.keys())):
                with self.subTest(kind=kind.__name__, nulls=nulls):
                    status, text = self.server.post(*place({**read, **nulls}))
                    self.assertEqual(status, 200, text)

    def test_are_refused_by_name_where_they_ask_for_more(self):
        for kind, (place, read, refused) in TYPES.items():
            for name, value in refused.items():
                with self.subTest(kind=kind.__name__, name=name):
                    status, text = self.server.post(*place({**read, name: value}))
                    self.assertEqual(status, 400, text)
                    self.assertIn(name, json.loads(text)["error"]["message"])

    def test_reasoning_needs_no_asking_for(self):
        ask = {"input": "a", "max_output_tokens": 1}
        status, text = self.server.post("/v1/responses", {**ask, "include": ["reasoning.encrypted_content"]})
        self.assertEqual(status, 200, text)
        status, text = self.server.post("/v1/responses", {**ask, "include": ["file_search_call.results"]})
        self.assertEqual((status, json.loads(text)["error"]["param"]), (400, "include[0]"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
