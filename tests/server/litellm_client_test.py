#!/usr/bin/env python3
"""LiteLLM's OpenAI adapter drives a real server: litellm_client_test.py ENGINE WRITE_TINY_MODELS"""

import asyncio
import json
import os
import sys
import unittest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch prices

import litellm  # noqa: E402

import server_process  # noqa: E402

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

# No blanks, which a random model writes wherever JSON may have them, and no end before max_tokens.
UNWANTED = {str(token): -100 for token in (9, 10, 13, 32, 263, 264, 265)}
SCHEMA = {"type": "object", "required": ["agreed"], "additionalProperties": False,
          "properties": {"agreed": {"const": True}}}
NOW = {"type": "function", "function": {"name": "now", "parameters": {
    "type": "object", "properties": {}, "additionalProperties": False}}}


def setUpModule():
    global SERVER, FOLDER
    model, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
    SERVER = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--api-key", "secret",
                                   "--pooling", "last")


def tearDownModule():
    code = SERVER.stop()
    FOLDER.cleanup()
    assert code == 0, SERVER.log


def fields(**more):
    return {"model": "openai/tiny", "api_base": SERVER.url + "/v1", "api_key": "secret", "temperature": 0, "seed": 1,
            "max_tokens": 60, "max_retries": 0, "logit_bias": UNWANTED,
            "messages": [{"role": "user", "content": "hello"}], **more}


class LiteLlm(unittest.TestCase):
    def test_completes(self):
        answer = litellm.completion(**fields())
        self.assertEqual(answer.usage.completion_tokens, 60)
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_streams(self):
        whole = litellm.completion(**fields()).choices[0].message.content
        chunks = list(litellm.completion(**fields(), stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), whole)
        self.assertEqual(chunks[-1].usage.completion_tokens, 60)

    def test_awaits(self):
        async def both():
            answer = await litellm.acompletion(**fields())
            stream = await litellm.acompletion(**fields(), stream=True)
            return answer.choices[0].message.content, "".join(
                [chunk.choices[0].delta.content or "" async for chunk in stream])

        whole, streamed = asyncio.run(both())
        self.assertEqual(whole, streamed)

    def test_calls_tools(self):
        request = fields(tools=[NOW], tool_choice="required", parallel_tool_calls=False, max_tokens=80)
        call = litellm.completion(**request).choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("now", {}))
        chunks = list(litellm.completion(**request, stream=True))
        rebuilt = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls[0]
        self.assertEqual((rebuilt.function.name, json.loads(rebuilt.function.arguments)), ("now", {}))

    def test_awaited_calls_are_the_same_whole_and_streamed(self):
        request = fields(tools=[NOW], tool_choice="required", parallel_tool_calls=False, max_tokens=80)

        async def both():
            whole = await litellm.acompletion(**request)
            stream = await litellm.acompletion(**request, stream=True)
            return whole, litellm.stream_chunk_builder([chunk async for chunk in stream])

        for answer in asyncio.run(both()):
            [call] = answer.choices[0].message.tool_calls
            self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("now", {}))
            self.assertEqual(answer.choices[0].finish_reason, "tool_calls")

    def test_answers_are_structured(self):
        form = {"type": "json_schema", "json_schema": {"name": "agreement", "schema": SCHEMA, "strict": True}}
        text = litellm.completion(**fields(response_format=form)).choices[0].message.content
        self.assertEqual(json.loads(text), {"agreed": True})

    def test_errors_are_its_own(self):
        with self.assertRaises(litellm.BadRequestError):
            litellm.completion(**fields(top_p=2))
        with self.assertRaises(litellm.AuthenticationError):
            litellm.completion(**fields(api_key="wrong"))
        with self.assertRaises(litellm.NotFoundError):
            litellm.completion(**fields(model="openai/other"))
        with self.assertRaises(litellm.ContextWindowExceededError):
            litellm.completion(**fields(messages=[{"role": "user", "content": "x" * 4000}]))

    def test_errors_are_its_own_where_they_are_awaited(self):
        refusals = (({"top_p": 2}, litellm.BadRequestError), ({"api_key": "wrong"}, litellm.AuthenticationError),
                    ({"model": "openai/other"}, litellm.NotFoundError))
        for more, error in refusals:
            for stream in (False, True):
                with self.assertRaises(error):
                    asyncio.run(litellm.acompletion(**fields(**more, stream=stream)))

    def test_embeds(self):
        texts = ["hello", "there"]
        place = {"model": "openai/tiny", "api_base": SERVER.url + "/v1", "api_key": "secret", "max_retries": 0}
        for more in ({}, {"dimensions": 5}):
            # It knows no model but OpenAI's own that has dimensions.
            ask = {**place, **more, "input": texts, "allowed_openai_params": ["dimensions"]}
            for answer in litellm.embedding(**ask), asyncio.run(litellm.aembedding(**ask)):
                self.assertEqual([item["embedding"] for item in answer.data], SERVER.embed(texts, "secret", **more))
                self.assertEqual(answer.usage.prompt_tokens, answer.usage.total_tokens)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
