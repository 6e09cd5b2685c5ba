#!/usr/bin/env python3
"""Every field that /openapi.json names for a request that generates has an effect: fields_test.py ENGINE WRITE_TINY_MODELS
A table says how each shows; a field without a row fails the test."""

import json
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
LETTERS = {str(token): -100 for token in range(266) if not 97 <= token <= 122}
NOW = {"name": "now", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}
BASE = {"max_tokens": 12, "temperature": 1, "seed": 3, "logit_bias": LETTERS}
FREE = {"logit_bias": {"60": -100}}  # with text other than letters, but for "<", with which it could begin to think


def text_of(answer):
    if "output" in answer:
        return "".join(item["content"][0]["text"] for item in answer["output"])  # none where the first token ends it
    if "content" in answer:
        return "".join(block["text"] for block in answer["content"])
    choice = answer["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


def differs(answer, base):
    return text_of(answer) != text_of(base)


def says(text):
    return lambda answer, _: text_of(answer) == text


def has(*path):
    def look(answer, _):
        for key in path:
            answer = answer[key]
        return answer not in (None, [], {})

    return look


def tokens(count):
    return lambda answer, _: answer["usage"]["completion_tokens"] == count


# Field: what is sent for it, what else, and how its effect shows beside an answer without it.
COMMON = {
    "model": ("also", {}, lambda answer, _: answer["model"] == "also"),
    "request_id": ("mine", {}, lambda answer, _: answer["id"].endswith("-mine")),
    "max_tokens": (5, {}, tokens(5)),
    "n_predict": (5, {}, tokens(5)),
    "min_tokens": (9, {"logit_bias": {"265": 100}}, lambda answer, _: answer["usage"]["completion_tokens"] == 10),
    "min_new_tokens": (9, {"logit_bias": {"265": 100}}, lambda answer, _: answer["usage"]["completion_tokens"] == 10),
    "temperature": (0, {}, differs),
    "top_k": (1, {}, differs),
    "top_p": (0.01, {}, differs),
    "min_p": (1, {}, differs),
    "repetition_penalty": (30, {"max_tokens": 60}, differs),
    "repeat_penalty": (30, {"max_tokens": 60}, differs),
    "presence_penalty": (2, {"max_tokens": 60, "temperature": 0}, differs),
    "frequency_penalty": (2, {"max_tokens": 60, "temperature": 0}, differs),
    "logit_bias": ({"120": 100}, {}, says("x" * 12)),
    "allowed_token_ids": ([121], FREE, says("y" * 12)),
    "bad_words": (list("abcdefghijklmnopqrstuvwxy"), {}, says("z" * 12)),
    "seed": (4, {}, differs),
    "n": (3, {}, lambda answer, _: len(answer["choices"]) == 3),
    "stop": (list("abcdefghijklmnopqrstuvwxyz"), {}, says("")),
    "stop_token_ids": (list(range(97, 123)), {}, tokens(1)),
    "include_stop_str_in_output": (True, {"stop": list("abcdefghijklmnopqrstuvwxyz")},
                                   lambda answer, _: len(text_of(answer)) == 1),
    "ignore_eos": (True, {"logit_bias": {"265": 100}}, tokens(12)),
    "skip_special_tokens": (False, {"logit_bias": {"264": 100}}, says("<|im_start|>" * 12)),
    "response_format": ({"type": "regex_schema", "regex_schema": "abc"}, FREE, says("abc")),
    "structured_outputs": ({"choice": ["abc"]}, FREE, says("abc")),
    "guided_json": ({"const": 12}, FREE, says("12")),
    "guided_regex": ("abc", FREE, says("abc")),
    "guided_choice": (["abc"], FREE, says("abc")),
    "guided_grammar": ('root ::= "abc"', FREE, says("abc")),
    "guided_json_object": (True, {"logit_bias": {"125": 100}}, says("{}")),
    "json_schema": ({"const": 12}, FREE, says("12")),
    "grammar": ('root ::= "abc"', FREE, says("abc")),
    "regex": ("abc", FREE, says("abc")),
    "ebnf": ('root ::= "abc"', FREE, says("abc")),
    "stream": (True, {}, lambda answer, _: answer["events"] > 5),
    "stream_options": ({"include_usage": True}, {"stream": True}, has("usage")),
    "return_token_ids": (True, {}, has("choices", 0, "token_ids")),
    "truncate_prompt_tokens": (2, {}, lambda answer, _: answer["usage"]["prompt_tokens"] == 2),
    "cache_salt": ("salt", {}, lambda answer, _: answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 0),
}
CHATS = {
    **COMMON,
    "max_completion_tokens": (5, {}, tokens(5)),
    "messages": ([{"role": "user", "content": "other"}], {}, differs),
    "prompt_logprobs": (1, {}, has("prompt_logprobs")),
    "logprobs": (True, {}, has("choices", 0, "logprobs", "content")),
    "top_logprobs": (2, {"logprobs": True}, has("choices", 0, "logprobs", "content", 0, "top_logprobs")),
    "return_tokens_as_token_ids": (True, {"logprobs": True}, lambda answer, _: answer["choices"][0]["logprobs"][
        "content"][0]["token"].startswith("token_id:")),
    "tools": ([{"type": "function", "function": NOW}], {}, differs),
    "tool_choice": ("required", {"tools": [{"type": "function", "function": NOW}], "max_tokens": 120,
                                 "thinking_token_budget": 0,
                                 "parallel_tool_calls": False, **FREE}, has("choices", 0, "message", "tool_calls")),
    "parallel_tool_calls": (False, {"tools": [{"type": "function", "function": NOW}], "max_tokens": 200, **FREE,
                                    "thinking_token_budget": 0,
                                    "regex": r'(<tool_call>\{"name": "now", "arguments": \{\}\}</tool_call>){2}'},
                            lambda answer, _: len(answer["choices"][0]["message"]["tool_calls"]) == 1),
    "functions": ([NOW], {}, differs),
    "function_call": ({"name": "now"}, {"functions": [NOW], "max_tokens": 120, "thinking_token_budget": 0, **FREE},
                      has("choices", 0, "message", "function_call")),
    "add_generation_prompt": (False, {}, differs),
    "continue_final_message": (True, {"add_generation_prompt": False}, differs),
    "include_reasoning": (False, {"regex": "<think>a</think>b", "max_tokens": 60, **FREE},
                          lambda answer, base: "reasoning" in base["choices"][0]["message"]
                          and "reasoning" not in answer["choices"][0]["message"]),
    "thinking_token_budget": (1, {"messages": [*MESSAGES, {"role": "assistant", "content": "<think>\n"}], **FREE,
                                  "continue_final_message": True, "ignore_eos": True},
                              lambda answer, _: answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 8),
}
COMPLETIONS = {
    **COMMON,
    "prompt": ("other", {}, differs),
    "echo": (True, {}, lambda answer, base: text_of(answer) == "hello" + text_of(base)),
    "logprobs": (1, {}, has("choices", 0, "logprobs", "tokens")),
    "return_tokens_as_token_ids": (True, {"logprobs": 1}, lambda answer, _: answer["choices"][0]["logprobs"][
        "tokens"][0].startswith("token_id:")),
    "prompt_logprobs": (1, {}, has("choices", 0, "prompt_logprobs")),
}
# Which the tiny model rather writes than that "<", where nothing can be biased.
NUMBER = {"type": "json_schema", "schema": {"const": 95}}
RESPONSES = {
    "model": COMMON["model"],
    "input": ("other", {}, differs),
    "instructions": ("be brief", {}, differs),
    "max_output_tokens": (20, {}, lambda answer, _: answer["usage"]["output_tokens"] == 20),
    "temperature": (2, {}, differs),
    "stream": COMMON["stream"],
    "tools": ([{"type": "function", **NOW}], {}, differs),
    "text": ({"format": {"name": "number", **NUMBER}}, {}, says("95")),
}
ANTHROPIC = {
    "model": COMMON["model"],
    "messages": ([{"role": "user", "content": "other"}], {}, differs),
    "system": ("be brief", {}, differs),
    "tools": ([{"name": "now", "input_schema": NOW["parameters"]}], {}, differs),
    "output_config": ({"format": NUMBER}, {}, says("95")),
    "output_format": (NUMBER, {}, says("95")),
    "max_tokens": (5, {}, lambda answer, _: answer["usage"]["output_tokens"] == 5),
    "temperature": (2, {}, differs),
    "stream": COMMON["stream"],
}
# Shown elsewhere, or not by one answer.
ELSEWHERE = {
    "top_k": "unit tests: read under its name by every API",
    "top_p": "unit tests: read under its name by every API",
    "stop_sequences": "anthropic_client_test",
    "thinking": "template_variables_test; unit tests: a budget, and whether reasoning is shown",
    "reasoning": "template_variables_test; the tiny template reads no effort: refused",
    "include": "reasoning is always included",
    "tool_choice": "openai_tools_test and anthropic_client_test",
    "parallel_tool_calls": "openai_tools_test",
    "priority": "engine tests: who runs first",
    "num_speculative_tokens": "engine tests: it changes no answer",
    "best_of": "as many as n, or refused",
    "add_special_tokens": "the tiny tokenizer has none to add",
    "thinking_token_budget": "of chats, which tell reasoning apart",
    "chat_template_kwargs": "template_variables_test; the tiny template reads none: refused",
    "enable_thinking": "template_variables_test; the tiny template does not read it: refused",
    "reasoning_effort": "template_variables_test; the tiny template does not read it: refused",
    "documents": "template_variables_test; the tiny template does not read them: refused",
}

BAD_SCHEMA = {"type": "object", "properties": {"a": {"type": "stirng"}}}


def tool(schema, name="f"):
    return {"type": "function", "function": {"name": name, "strict": True, "parameters": schema}}


# What is refused only behind the reading of a request: path, fields, and how the error names the one that it is about.
REFUSED = (
    *((path, fields, param) for path in (CHAT, COMPLETION) for fields, param in (
        ({"temperature": -1}, "temperature"), ({"top_p": 2}, "top_p"), ({"min_p": 2}, "min_p"), ({"top_k": -2}, "top_k"),
        ({"presence_penalty": 3}, "presence_penalty"), ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"repetition_penalty": 0}, "repetition_penalty"), ({"repeat_penalty": 0}, "repeat_penalty"),
        ({"min_tokens": 100, "max_tokens": 3}, "min_tokens"), ({"min_new_tokens": -1}, "min_new_tokens"),
        ({"n_predict": 0}, "n_predict"), ({"stop_token_ids": [999999]}, "stop_token_ids"),
        ({"logit_bias": {"999999": 1}}, "logit_bias"), ({"logit_bias": {"5": 101}}, "logit_bias"),
        ({"prompt_logprobs": 21}, "prompt_logprobs"), ({"allowed_token_ids": [999999]}, "allowed_token_ids"),
        ({"bad_words": [" "]}, "bad_words"), ({"num_speculative_tokens": 99}, "num_speculative_tokens"),
        ({"thinking_token_budget": -1}, "thinking_token_budget"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": BAD_SCHEMA}}},
         "response_format.json_schema.schema"),
        ({"response_format": {"type": "regex_schema", "regex_schema": "("}}, "response_format.regex_schema"),
        ({"structured_outputs": {"json": BAD_SCHEMA}}, "structured_outputs.json"),
        ({"structured_outputs": {"regex": "("}}, "structured_outputs.regex"),
        ({"guided_json": BAD_SCHEMA}, "guided_json"), ({"guided_regex": "("}, "guided_regex"),
        ({"guided_grammar": "root ::= ("}, "guided_grammar"), ({"json_schema": BAD_SCHEMA}, "json_schema"),
        ({"grammar": "root ::= ("}, "grammar"), ({"regex": "("}, "regex"), ({"ebnf": "root ::= ("}, "ebnf"))),
    (CHAT, {"max_completion_tokens": 0}, "max_completion_tokens"),
    (CHAT, {"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    (CHAT, {"tools": [tool({}, "g"), tool(BAD_SCHEMA)], "tool_choice": "required"}, "tools[1].function.parameters"),
    (CHAT, {"functions": [tool({}, "g")["function"], tool(BAD_SCHEMA)["function"]]}, "functions[1].parameters"),
    (CHAT, {"tools": [tool({})], "tool_choice": "required", "regex": "a"}, "tool_choice"),
    (CHAT, {"functions": [tool({})["function"]], "function_call": {"name": "g"}}, "function_call"),
    (CHAT, {"chat_template_kwargs": {"messages": 1}}, "chat_template_kwargs"),
    (CHAT, {"messages": [{"role": "user", "content": "long " * 9000}]}, "messages"),
    (COMPLETION, {"logprobs": 21}, "logprobs"),
    (COMPLETION, {"prompt": [999999]}, "prompt"),
    (COMPLETION, {"prompt": [[1], [999999]]}, "prompt[1]"),
    (COMPLETION, {"prompt": ["a", "long " * 9000]}, "prompt[1]"),
    ("/v1/responses", {"temperature": -1}, "temperature"),
    ("/v1/responses", {"input": "long " * 9000}, "input"),
    ("/v1/responses", {"input": [{"role": "user", "content": "a"}, {"type": "function_call", "name": "f",
                                                                     "arguments": 1}]}, "input[1].arguments"),
    ("/v1/responses", {"text": {"format": {"type": "json_schema", "schema": BAD_SCHEMA}}}, "text.format.schema"),
    ("/v1/responses", {"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
    ("/v1/responses", {"tools": [{"type": "function", "name": "f", "parameters": BAD_SCHEMA, "strict": True}]},
     "tools[0].parameters"),
    ("/v1/responses", {"tools": [{"type": "function", "name": "f g"}]}, "tools[0].name"),
    ("/v1/responses", {"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "nam": "f"}},
     "tool_choice.nam"),
    ("/v1/responses", {"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ("/v1/embeddings", {"input": [[1], [999999]]}, "input[1]"),
    ("/v1/embeddings", {"input": [999999]}, "input"),
)
# Anthropic's errors have no place for it, so the message begins with it.
REFUSED_MESSAGES = (
    ({"top_p": 2}, "top_p is 2;"),
    ({"thinking": {"type": "enabled", "budget_tokens": -1}}, "thinking.budget_tokens is -1;"),
    ({"tools": [{"name": "f", "input_schema": {"type": "array"}}]}, "tools[0].input_schema.type is "),
    ({"tools": [{"name": "f g"}]}, "tools[0].name must have "),
    ({"output_config": {"effort": "low"}}, "output_config.effort is not supported"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema is missing"),
)


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        cls.server = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--served-model-name", "also",
                                           "--reasoning-parser", "qwen3", "--pooling", "last")
        cls.addClassCleanup(cls.server.stop)
        cls.document = json.loads(cls.server.get("/openapi.json")[1])

    def ask(self, path, body):
        status, text = self.server.post(path, body)
        self.assertEqual(status, 200, text)
        if not body.get("stream"):
            return json.loads(text)
        events = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
        return {**events[-1], "events": len(events)}

    def check(self, path, base, table):
        schema = self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for name, field in schema["properties"].items():
            with self.subTest(path=path, field=name):
                if field["description"].startswith("no effect") or name in ELSEWHERE and name not in table:
                    continue
                value, more, shows = table[name]
                without = {**base, **more}
                plain = self.ask(path, without)
                without.pop("max_tokens") if name in ("n_predict", "max_completion_tokens") else None
                self.assertTrue(shows(self.ask(path, {**without, name: value}), plain), name)

    def test_of_chats_show(self):
        self.check(CHAT, {**BASE, "messages": MESSAGES}, CHATS)

    def test_of_completions_show(self):
        self.check(COMPLETION, {**BASE, "prompt": "hello"}, COMPLETIONS)

    def test_of_responses_show(self):
        self.check("/v1/responses", {"input": "hello", "max_output_tokens": 16, "temperature": 0}, RESPONSES)

    def test_of_messages_show(self):
        self.check("/v1/messages", {"messages": MESSAGES, "max_tokens": 12, "temperature": 0}, ANTHROPIC)

    def test_of_a_wrong_type_are_refused_by_name(self):
        samples = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": []}
        fits = {"number": ("number", "integer")}
        needed = {"/tokenize": {"messages": MESSAGES}, "/v1/messages": {"max_tokens": 1}}
        for path, operations in self.document["paths"].items():
            body = operations.get("post", {}).get("requestBody", {"content": {"application/json": {"schema": {}}}})
            for name, field in body["content"]["application/json"]["schema"].get("properties", {}).items():
                types = [fit for kind in field.get("type", samples) for fit in fits.get(kind, (kind,))]
                for kind in samples.keys() - set(types):
                    with self.subTest(path=path, name=name, kind=kind):
                        status, text = self.server.post(path, {**needed.get(path, {}), name: samples[kind]})
                        self.assertEqual(status, 400, text)
                        self.assertIn(name, json.loads(text)["error"]["message"].split()[0])

    def test_whose_values_are_ignored_still_have_a_type(self):
        for name in ("user", "metadata", "prompt_cache_key", "prediction", "service_tier", "safety_identifier", "store"):
            status, text = self.server.post(CHAT, {"messages": MESSAGES, name: 5})
            self.assertEqual(status, 400, text)
            self.assertEqual(json.loads(text)["error"]["param"], name)

    def test_that_are_refused_are_named_as_they_were_sent(self):
        needed = {CHAT: {"messages": MESSAGES}, COMPLETION: {"prompt": "a"}, "/v1/responses": {"input": "a"}}
        for path, fields, param in REFUSED:
            with self.subTest(path=path, param=param):
                status, text = self.server.post(path, {**needed.get(path, {}), **fields})
                self.assertEqual(status, 400, text)
                self.assertEqual(json.loads(text)["error"]["param"], param, text)
        for fields, begin in REFUSED_MESSAGES:
            with self.subTest(begin=begin):
                status, text = self.server.post("/v1/messages", {"messages": MESSAGES, "max_tokens": 9, **fields})
                self.assertEqual(status, 400, text)
                self.assertTrue(json.loads(text)["error"]["message"].startswith(begin), text)

    def test_that_the_model_cannot_have_are_refused(self):
        for name, value in (("enable_thinking", False), ("reasoning_effort", "low"), ("documents", [{"a": 1}]),
                            ("chat_template_kwargs", {"x": 1})):
            status, text = self.server.post(CHAT, {**BASE, "messages": MESSAGES, name: value})
            self.assertEqual(status, 400, text)
            self.assertIn(name, text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
