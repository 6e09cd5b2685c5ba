#!/usr/bin/env python3
"""The official Anthropic client drives a real server over a tiny random model: anthropic_client_test.py ENGINE WRITE_TINY_MODELS"""

import asyncio
import json
import sys
import unittest

import anthropic

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

HELLO = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}
# The client leaves sampling to its own models.
FIXED = {**HELLO, "max_tokens": 12, "extra_body": {"temperature": 0}}


def setUpModule():
    global SERVER, FOLDER, CLIENT, MODEL
    MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
    SERVER = server_process.Server(ENGINE, MODEL, "--served-model-name", "tiny", "--api-key", "secret")
    CLIENT = anthropic.Anthropic(base_url=SERVER.url, api_key="secret", max_retries=0)


def tearDownModule():
    CLIENT.close()
    code = SERVER.stop()
    FOLDER.cleanup()
    assert code == 0, SERVER.log


def with_async_client(use, api_key="secret"):
    async def run():
        async with anthropic.AsyncAnthropic(base_url=SERVER.url, api_key=api_key, max_retries=0) as client:
            return await use(client)

    return asyncio.run(run())


class Messages(unittest.TestCase):
    def test_answer_has_text_usage_and_reason(self):
        answer = CLIENT.messages.create(**FIXED, system="Be brief.")
        self.assertEqual(answer.stop_reason, "max_tokens")
        self.assertEqual(answer.usage.output_tokens, 12)
        self.assertEqual(answer.content[0].type, "text")

    def test_stream_is_the_answer_in_pieces(self):
        whole = CLIENT.messages.create(**FIXED)
        with CLIENT.messages.stream(**FIXED) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual(final.content[0].text, text)
        self.assertEqual(final.stop_reason, "max_tokens")

    def test_count_is_the_size_of_the_prompt(self):
        count = CLIENT.messages.count_tokens(**HELLO).input_tokens
        usage = CLIENT.messages.create(**FIXED).usage
        self.assertEqual(usage.input_tokens + usage.cache_read_input_tokens, count)

    def test_conversation_with_tools_is_read(self):
        messages = [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "21"}]},
        ]
        tools = [{"name": "f", "input_schema": {"type": "object"}}]
        answer = CLIENT.messages.create(**{**FIXED, "messages": messages}, tools=tools)
        self.assertEqual(answer.usage.output_tokens, 12)

    def test_tools_are_called_as_asked_for(self):
        tools = [{"name": "now", "input_schema": {"type": "object", "properties": {}, "additionalProperties": False}}]
        for choice in ({"type": "any"}, {"type": "tool", "name": "now"}):
            request = {**FIXED, "max_tokens": 200, "tools": tools,
                       "tool_choice": {**choice, "disable_parallel_tool_use": True}}
            answer = CLIENT.messages.create(**request)
            self.assertEqual(answer.stop_reason, "tool_use")
            self.assertEqual([(block.type, block.name, block.input) for block in answer.content],
                             [("tool_use", "now", {})])
            with CLIENT.messages.stream(**request) as stream:
                kinds = [event.type for event in stream]
                self.assertEqual(stream.get_final_message().content[0].input, {})
            self.assertIn("input_json", kinds)
            self.assertEqual((kinds[0], kinds[-1]), ("message_start", "message_stop"))
        answer = CLIENT.messages.create(**FIXED, tools=tools, tool_choice={"type": "none"})
        self.assertEqual([block.type for block in answer.content], ["text"])

    def test_a_tool_runner_sends_every_turn_the_whole_conversation(self):
        @anthropic.beta_tool
        def now() -> str:
            """The time."""
            return "noon"

        def run(client):
            runner = client.beta.messages.tool_runner(
                **FIXED | {"max_tokens": 200}, tools=[now], max_iterations=2,
                tool_choice={"type": "any", "disable_parallel_tool_use": True})
            answers = list(runner)
            self.assertEqual([answer.stop_reason for answer in answers], ["tool_use"] * 2)
            sizes = [answer.usage.input_tokens + answer.usage.cache_read_input_tokens for answer in answers]
            self.assertGreater(sizes[1], sizes[0])

        run(CLIENT)
        lenient = server_process.Server(ENGINE, MODEL, "--served-model-name", "tiny", "--api-compat", "lenient")
        with anthropic.Anthropic(base_url=lenient.url, api_key="none", max_retries=0) as client:
            run(client)
        self.assertEqual(lenient.stop(), 0)

    def test_answers_are_read_back_as_the_client_dumps_them(self):
        tools = [{"name": "now", "input_schema": {"type": "object", "properties": {}, "additionalProperties": False},
                  "type": None, "cache_control": None, "eager_input_streaming": None}]
        call = CLIENT.messages.create(**FIXED | {"max_tokens": 200}, tools=tools,
                                      tool_choice={"type": "any", "disable_parallel_tool_use": True})
        text = CLIENT.messages.create(**FIXED, tools=tools, tool_choice={"type": "none"})
        messages = [
            *HELLO["messages"],
            {"role": "assistant", "content": [block.model_dump() for block in text.content + call.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.content[-1].id, "content": "12"}]},
        ]
        answer = CLIENT.messages.create(**FIXED | {"messages": messages}, tools=tools)
        self.assertGreater(answer.usage.input_tokens + answer.usage.cache_read_input_tokens, call.usage.input_tokens)

    def test_answer_follows_its_schema(self):
        schema = {"type": "object", "required": ["agreed"], "additionalProperties": False,
                  "properties": {"agreed": {"const": True}}}
        for stream in (False, True):
            request = {**FIXED, "max_tokens": 450,
                       "output_config": {"format": {"type": "json_schema", "schema": schema}}}
            if stream:
                with CLIENT.messages.stream(**request) as events:
                    text = "".join(events.text_stream)
            else:
                text = CLIENT.messages.create(**request).content[0].text
            self.assertEqual(json.loads(text), {"agreed": True})

    def test_async_client_reads_answers_and_streams(self):
        async def both(client):
            whole = await client.messages.create(**FIXED)
            async with client.messages.stream(**FIXED) as stream:
                return whole.content[0].text, "".join([text async for text in stream.text_stream])

        whole, streamed = with_async_client(both)
        self.assertEqual(whole, streamed)

    def test_async_calls_are_the_same_whole_and_streamed(self):
        tools = [{"name": "now", "input_schema": {"type": "object", "properties": {}, "additionalProperties": False}}]
        request = {**FIXED, "max_tokens": 200, "tools": tools,
                   "tool_choice": {"type": "tool", "name": "now", "disable_parallel_tool_use": True}}

        async def both(client):
            async with client.messages.stream(**request) as stream:
                return await client.messages.create(**request), await stream.get_final_message()

        for answer in with_async_client(both):
            self.assertEqual(answer.stop_reason, "tool_use")
            self.assertEqual([(block.type, block.name, block.input) for block in answer.content],
                             [("tool_use", "now", {})])

    def test_async_errors_have_their_class(self):
        async def stream(client, **fields):
            async with client.messages.stream(**{**FIXED, **fields}) as events:
                return await events.get_final_message()

        for fields, error in (({"extra_body": {"temperature": -1}}, anthropic.BadRequestError),
                              ({"model": "claude"}, anthropic.NotFoundError)):
            with self.assertRaises(error):
                with_async_client(lambda client: client.messages.create(**{**FIXED, **fields}))
            with self.assertRaises(error):
                with_async_client(lambda client: stream(client, **fields))
        with self.assertRaises(anthropic.AuthenticationError):
            with_async_client(lambda client: client.messages.create(**FIXED), api_key="wrong")

    def test_an_error_within_a_stream_is_raised(self):
        server = server_process.Server(ENGINE, server_process.slow_model(FOLDER), "--served-model-name", "tiny",
                                       "--request-timeout", "0.3")
        self.addCleanup(server.stop)
        form = {"type": "json_schema", "schema": {"type": "array", "minItems": 100,
                                                  "items": {"type": "string", "minLength": 400}}}
        request = {**FIXED, "max_tokens": 8000, "extra_body": {"output_config": {"format": form}}}
        with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
            with client.messages.create(**request, stream=True) as stream:
                self.assertEqual(next(stream).type, "message_start")
                with self.assertRaisesRegex(anthropic.APIStatusError, "the request took longer than it may") as raised:
                    list(stream)
        self.assertEqual(raised.exception.status_code, 200)  # of the answer, which had begun

    def test_stop_sequence_is_named(self):
        text = CLIENT.messages.create(**FIXED).content[0].text
        answer = CLIENT.messages.create(**FIXED, stop_sequences=[text[3:5]])
        self.assertEqual((answer.stop_reason, answer.stop_sequence), ("stop_sequence", text[3:5]))

    def test_errors_have_their_class(self):
        with self.assertRaisesRegex(anthropic.BadRequestError, "temperature is -1"):
            CLIENT.messages.create(**{**FIXED, "extra_body": {"temperature": -1}})
        with self.assertRaises(anthropic.NotFoundError):
            CLIENT.messages.create(**{**FIXED, "model": "claude"})
        with self.assertRaises(anthropic.AuthenticationError):
            anthropic.Anthropic(base_url=SERVER.url, api_key="wrong", max_retries=0).messages.create(**FIXED)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
