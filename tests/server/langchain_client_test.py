#!/usr/bin/env python3
"""LangChain's OpenAI adapter drives a real server: langchain_client_test.py ENGINE WRITE_TINY_MODELS"""

import asyncio
import sys
import typing
import unittest

import langchain_core.messages
import langchain_core.tools
import langchain_openai
import openai
import pydantic

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

# No blanks, which a random model writes wherever JSON may have them, and no end before max_tokens.
UNWANTED = {str(token): -100 for token in (9, 10, 13, 32, 263, 264, 265)}


class Agreement(pydantic.BaseModel, extra="forbid"):
    agreed: typing.Literal[True]


@langchain_core.tools.tool
def now() -> str:
    """the time"""
    return "12:00"


def setUpModule():
    global SERVER, FOLDER, LOOP
    model, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
    SERVER = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--api-key", "secret",
                                   "--pooling", "last")
    LOOP = asyncio.new_event_loop()  # one for all tests: the adapters share connections


def tearDownModule():
    LOOP.close()
    code = SERVER.stop()
    FOLDER.cleanup()
    assert code == 0, SERVER.log


def chat(**fields):
    return langchain_openai.ChatOpenAI(**{"model": "tiny", "base_url": SERVER.url + "/v1", "api_key": "secret",
                                          "max_retries": 0, "temperature": 0, "seed": 1, "max_tokens": 60,
                                          "logit_bias": UNWANTED, **fields})


class LangChain(unittest.TestCase):
    def test_invokes(self):
        answer = chat().invoke([("system", "s"), ("human", "hello")])
        self.assertTrue(answer.content)
        self.assertEqual(answer.usage_metadata["output_tokens"], 60)
        self.assertEqual(answer.response_metadata["finish_reason"], "length")

    def test_streams_with_usage(self):
        whole = chat().invoke("hello").content
        chunks = list(chat(stream_usage=True).stream("hello"))
        self.assertGreater(len(chunks), 5)
        self.assertEqual("".join(chunk.content for chunk in chunks), whole)
        self.assertEqual(sum((chunk.usage_metadata or {}).get("output_tokens", 0) for chunk in chunks), 60)

    def test_batches_and_awaits(self):
        whole = chat().invoke("hello").content
        self.assertEqual([answer.content for answer in chat().batch(["hello"] * 4)], [whole] * 4)

        async def streamed():
            return "".join([chunk.content async for chunk in chat().astream("hello")])

        self.assertEqual(LOOP.run_until_complete(streamed()), whole)

    def test_calls_tools_and_goes_on(self):
        bound = chat(max_tokens=80).bind_tools([now], tool_choice="required", parallel_tool_calls=False)
        answer = bound.invoke("hello")
        self.assertEqual([(call["name"], call["args"]) for call in answer.tool_calls], [("now", {})])
        result = now.invoke(answer.tool_calls[0])
        self.assertIsInstance(result, langchain_core.messages.ToolMessage)
        self.assertTrue(chat(max_tokens=20).bind_tools([now]).invoke(["hello", answer, result]).content)

    def test_streams_calls(self):
        bound = chat(max_tokens=80).bind_tools([now], tool_choice="now", parallel_tool_calls=False)
        chunks = list(bound.stream("hello"))
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole = whole + chunk
        self.assertEqual([(call["name"], call["args"]) for call in whole.tool_calls], [("now", {})])

    def test_awaited_calls_are_the_same_whole_and_streamed(self):
        bound = chat(max_tokens=80).bind_tools([now], tool_choice="now", parallel_tool_calls=False)

        async def both():
            whole, streamed = await bound.ainvoke("hello"), None
            async for chunk in bound.astream("hello"):
                streamed = chunk if streamed is None else streamed + chunk
            return whole, streamed

        for answer in LOOP.run_until_complete(both()):
            self.assertEqual([(call["name"], call["args"]) for call in answer.tool_calls], [("now", {})])
            self.assertTrue(answer.tool_calls[0]["id"])

    def test_answers_are_structured(self):
        for method in ("json_schema", "function_calling"):
            for strict in (None, True):
                structured = chat(max_tokens=100).with_structured_output(Agreement, method=method, strict=strict)
                self.assertEqual(structured.invoke("hello"), Agreement(agreed=True), method)

    def test_errors_are_the_clients(self):
        with self.assertRaises(openai.BadRequestError):
            chat(temperature=0, top_p=2).invoke("hello")
        with self.assertRaises(openai.AuthenticationError):
            chat(api_key="wrong").invoke("hello")
        with self.assertRaises(openai.NotFoundError):
            chat(model="other").invoke("hello")

    def test_errors_are_the_clients_where_they_are_awaited(self):
        async def streamed(model):
            return [chunk async for chunk in model.astream("hello")]

        refusals = (({"top_p": 2}, openai.BadRequestError), ({"api_key": "wrong"}, openai.AuthenticationError),
                    ({"model": "other"}, openai.NotFoundError))
        for fields, error in refusals:
            for call in (lambda model: model.ainvoke("hello"), streamed):
                with self.assertRaises(error):
                    LOOP.run_until_complete(call(chat(**fields)))

    def test_embeds(self):
        texts = ["hello", "there"]
        for fields in ({}, {"dimensions": 5}):
            # Else it would fetch the tokenizer of OpenAI's models, to send tokens of those.
            embeddings = langchain_openai.OpenAIEmbeddings(
                model="tiny", base_url=SERVER.url + "/v1", api_key="secret", max_retries=0,
                check_embedding_ctx_length=False, **fields)
            want = SERVER.embed(texts, "secret", **fields)
            self.assertEqual(embeddings.embed_documents(texts), want)
            self.assertEqual(embeddings.embed_query("there"), want[1])
            self.assertEqual(LOOP.run_until_complete(embeddings.aembed_documents(texts)), want)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
