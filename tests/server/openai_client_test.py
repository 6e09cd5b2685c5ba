#!/usr/bin/env python3
"""The official OpenAI client drives a real server over a tiny random model: openai_client_test.py ENGINE WRITE_TINY_MODELS"""

import asyncio
import sys
import unittest

import openai

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

HELLO = [{"role": "user", "content": "hello"}]
# Letters only, so that texts are what their tokens look like.
LETTERS = {str(token): -100 for token in range(266) if not 97 <= token <= 122}
FIXED = {"messages": HELLO, "model": "tiny", "max_tokens": 12, "temperature": 1, "seed": 3, "logit_bias": LETTERS}


def setUpModule():
    global SERVER, FOLDER, CLIENT
    model, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
    SERVER = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--max-num-seqs", "4", "--pooling",
                                   "last")
    CLIENT = openai.OpenAI(base_url=SERVER.url + "/v1", api_key="none", max_retries=0)


def tearDownModule():
    CLIENT.close()
    code = SERVER.stop()
    FOLDER.cleanup()
    assert code == 0, SERVER.log


def refusal(call):
    """The error of a call that must be refused."""
    try:
        call()
    except openai.APIStatusError as error:
        return error
    raise AssertionError("the request was accepted")


def with_async_client(use):
    async def run():
        async with openai.AsyncOpenAI(base_url=SERVER.url + "/v1", api_key="none", max_retries=0) as client:
            return await use(client)

    return asyncio.run(run())


class Models(unittest.TestCase):
    def test_are_listed_and_described(self):
        models = list(CLIENT.models.list())
        self.assertEqual([model.id for model in models], ["tiny"])
        self.assertEqual(CLIENT.models.retrieve("tiny").id, "tiny")
        self.assertIsInstance(refusal(lambda: CLIENT.models.retrieve("other")), openai.NotFoundError)


class Chat(unittest.TestCase):
    def test_answer_has_text_usage_and_reason(self):
        answer = CLIENT.chat.completions.create(**FIXED)
        self.assertEqual(len(answer.choices[0].message.content), 12)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 12)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 12)
        self.assertEqual(answer.model, "tiny")
        self.assertGreater(answer.timings["predicted_ms"], 0)

    def test_stream_is_the_answer_in_pieces(self):
        whole = CLIENT.chat.completions.create(**FIXED)
        chunks = list(CLIENT.chat.completions.create(**FIXED, stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[-1].usage.completion_tokens, 12)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][-1], "length")
        self.assertGreater(len(chunks), 5)

    def test_same_request_gives_the_same_text_alone_and_among_others(self):
        alone = CLIENT.chat.completions.create(**FIXED).choices[0].message.content

        async def together(client):
            answers = await asyncio.gather(*(client.chat.completions.create(**FIXED) for _ in range(16)))
            return {answer.choices[0].message.content for answer in answers}

        self.assertEqual(with_async_client(together), {alone})

    def test_async_stream(self):
        async def read(client):
            stream = await client.chat.completions.create(**FIXED, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        self.assertEqual(len(with_async_client(read)), 12)

    def test_several_answers_differ_and_share_their_prompt(self):
        answer = CLIENT.chat.completions.create(**FIXED, n=3)
        self.assertEqual(len({choice.message.content for choice in answer.choices}), 3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertEqual(answer.usage.completion_tokens, 36)
        again = CLIENT.chat.completions.create(**FIXED, n=3)
        self.assertEqual([c.message.content for c in again.choices], [c.message.content for c in answer.choices])

    def test_stop_string_ends_the_text_before_it(self):
        text = CLIENT.chat.completions.create(**FIXED).choices[0].message.content
        choice = CLIENT.chat.completions.create(**FIXED, stop=text[4:7]).choices[0]
        self.assertEqual(choice.message.content, text[: text.index(text[4:7])])
        self.assertEqual(choice.finish_reason, "stop")
        self.assertEqual(choice.stop_reason, text[4:7])

    def test_logprobs_describe_the_text(self):
        choice = CLIENT.chat.completions.create(**FIXED, logprobs=True, top_logprobs=2).choices[0]
        tokens = choice.logprobs.content
        self.assertEqual("".join(token.token for token in tokens), choice.message.content)
        self.assertEqual(bytes(tokens[0].bytes).decode(), tokens[0].token)
        self.assertEqual([len(token.top_logprobs) for token in tokens], [2] * 12)
        self.assertLessEqual(tokens[0].logprob, 0)

    def test_extensions_of_other_servers_are_honoured(self):
        choice = CLIENT.chat.completions.create(
            **FIXED, extra_body={"top_k": 1, "min_p": 0.1, "repetition_penalty": 1.1, "return_token_ids": True,
                                 "min_tokens": 2, "ignore_eos": True, "cache_salt": "a", "priority": 1}).choices[0]
        self.assertEqual(bytes(choice.token_ids).decode(), choice.message.content)

    def test_user_text_never_becomes_a_control_token(self):
        def tokens(text):
            return CLIENT.chat.completions.create(
                **{**FIXED, "messages": [{"role": "user", "content": text}]}).usage.prompt_tokens

        self.assertEqual(tokens("<|im_end|>"), tokens("0123456789"))

    def test_conversation_with_tools_and_parts_is_read(self):
        messages = [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call12345", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
            {"role": "tool", "tool_call_id": "call12345", "content": "21"},
        ]
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        answer = CLIENT.chat.completions.create(**{**FIXED, "messages": messages}, tools=tools)
        self.assertEqual(answer.choices[0].finish_reason, "length")


class Completions(unittest.TestCase):
    def test_every_prompt_has_its_answer(self):
        answer = CLIENT.completions.create(model="tiny", prompt=["hello", "there"], max_tokens=3, temperature=0)
        alone = CLIENT.completions.create(model="tiny", prompt="there", max_tokens=3, temperature=0)
        self.assertEqual(answer.choices[1].text, alone.choices[0].text)

    def test_prompt_of_tokens_is_the_text_they_spell(self):
        answers = [CLIENT.completions.create(model="tiny", prompt=prompt, max_tokens=4, temperature=0).choices[0].text
                   for prompt in ("hxllo", [ord(letter) for letter in "hxllo"])]
        self.assertEqual(answers[0], answers[1])

    def test_echo_scores_the_prompt(self):
        choice = CLIENT.completions.create(model="tiny", prompt="hxllo", max_tokens=0, echo=True, logprobs=1).choices[0]
        self.assertEqual(choice.text, "hxllo")
        self.assertEqual(choice.logprobs.tokens, list("hxllo"))
        self.assertIsNone(choice.logprobs.token_logprobs[0])
        self.assertEqual(choice.logprobs.text_offset, [0, 1, 2, 3, 4])

    def test_stream_is_the_answer_in_pieces(self):
        request = {"model": "tiny", "prompt": "hello", "max_tokens": 8, "temperature": 0, "logit_bias": LETTERS}
        whole = CLIENT.completions.create(**request).choices[0].text
        self.assertEqual("".join(c.choices[0].text for c in CLIENT.completions.create(**request, stream=True)), whole)


class Responses(unittest.TestCase):
    def test_answer_has_text_and_usage(self):
        answer = CLIENT.responses.create(model="tiny", input="hello", max_output_tokens=16, temperature=0)
        self.assertEqual(answer.status, "incomplete")
        self.assertEqual(answer.usage.output_tokens, 16)
        self.assertEqual(answer.output[0].content[0].text, answer.output_text)

    def test_stream_ends_with_the_whole_answer(self):
        whole = CLIENT.responses.create(model="tiny", input="hello", max_output_tokens=16, temperature=0)
        with CLIENT.responses.stream(model="tiny", input="hello", max_output_tokens=16, temperature=0) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        self.assertEqual(text, whole.output_text)

    def test_async_stream_is_the_answer_in_pieces(self):
        request = {"model": "tiny", "input": "hello", "max_output_tokens": 16, "temperature": 0}

        async def both(client):
            whole = await client.responses.create(**request)
            stream = await client.responses.create(**request, stream=True)
            return whole.output_text, [event async for event in stream]

        whole, events = with_async_client(both)
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), whole)
        self.assertEqual((events[0].type, events[-1].type), ("response.created", "response.incomplete"))
        self.assertEqual(events[-1].response.output_text, whole)
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))


class Embeddings(unittest.TestCase):
    TEXTS = ["hello", "there", "hello there"]

    def test_are_those_of_the_answer_whatever_their_encoding(self):
        for fields in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}, {"dimensions": 5}):
            answer = CLIENT.embeddings.create(model="tiny", input=self.TEXTS, **fields)
            want = SERVER.embed(self.TEXTS, **fields)
            self.assertEqual([item.embedding for item in answer.data], want, fields)
            self.assertEqual([item.index for item in answer.data], [0, 1, 2])
        self.assertEqual((answer.model, answer.usage.prompt_tokens), ("tiny", answer.usage.total_tokens))

    def test_of_tokens_are_those_of_the_text_they_spell(self):
        answer = CLIENT.embeddings.create(model="tiny", input=[[ord(letter) for letter in "hxllo"]])
        self.assertEqual(answer.data[0].embedding, SERVER.embed("hxllo")[0])

    def test_async_ones_are_the_same(self):
        async def several(client):
            answers = await asyncio.gather(*(client.embeddings.create(model="tiny", input=text, dimensions=7)
                                             for text in self.TEXTS))
            return [answer.data[0].embedding for answer in answers]

        self.assertEqual(with_async_client(several), SERVER.embed(self.TEXTS, dimensions=7))

    def test_of_more_dimensions_than_the_model_has_are_refused(self):
        error = refusal(lambda: CLIENT.embeddings.create(model="tiny", input="hello", dimensions=100000))
        self.assertIsInstance(error, openai.BadRequestError)
        self.assertEqual(error.param, "dimensions")


class Errors(unittest.TestCase):
    def test_unknown_field_is_refused_by_name(self):
        error = refusal(lambda: CLIENT.chat.completions.create(**FIXED, extra_body={"temprature": 1}))
        self.assertIsInstance(error, openai.BadRequestError)
        self.assertEqual(error.param, "temprature")
        self.assertIn("did you mean temperature?", error.message)

    def test_value_out_of_its_limits_is_refused(self):
        error = refusal(lambda: CLIENT.chat.completions.create(**{**FIXED, "temperature": -1}))
        self.assertIn("temperature is -1", error.message)
        self.assertEqual(error.type, "invalid_request_error")

    def test_unknown_model_is_not_found(self):
        error = refusal(lambda: CLIENT.chat.completions.create(**{**FIXED, "model": "gpt-4"}))
        self.assertIsInstance(error, openai.NotFoundError)
        self.assertEqual(error.code, "model_not_found")

    def test_prompt_longer_than_the_context_is_refused_with_both_numbers(self):
        error = refusal(lambda: CLIENT.completions.create(model="tiny", prompt="x" * 4000, max_tokens=1))
        self.assertEqual(error.code, "context_length_exceeded")
        self.assertIn("it has 4000 tokens, and this model's maximum context length is 512 tokens", error.message)

    def test_stream_of_a_refused_request_is_an_error(self):
        self.assertIsInstance(refusal(lambda: CLIENT.chat.completions.create(**{**FIXED, "n": 0}, stream=True)),
                              openai.BadRequestError)

    def test_async_clients_have_them_too(self):
        for fields, error in (({"top_p": 2}, openai.BadRequestError), ({"model": "other"}, openai.NotFoundError)):
            for stream in (False, True):
                with self.assertRaises(error):
                    with_async_client(lambda client: client.chat.completions.create(
                        **{**FIXED, **fields}, stream=stream))

    def test_one_within_a_stream_is_raised(self):
        server = server_process.Server(ENGINE, server_process.slow_model(FOLDER), "--served-model-name", "tiny",
                                       "--request-timeout", "0.3")
        self.addCleanup(server.stop)
        request = {**FIXED, "max_tokens": 8000, "extra_body": {"ignore_eos": True}}
        with openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client:
            with client.chat.completions.create(**request, stream=True) as stream:
                next(stream)
                with self.assertRaisesRegex(openai.APIError, "^the request took longer than it may$") as raised:
                    list(stream)
        self.assertNotIsInstance(raised.exception, openai.APIStatusError)  # the answer had begun, with 200
        self.assertEqual(raised.exception.type, "timeout_error")

    def test_client_that_leaves_frees_its_place(self):
        # More streams than the engine has places: the last one only runs if those before have left.
        for _ in range(8):
            stream = CLIENT.chat.completions.create(**{**FIXED, "max_tokens": 400}, stream=True)
            next(iter(stream))
            stream.close()
        self.assertEqual(CLIENT.chat.completions.create(**FIXED).usage.completion_tokens, 12)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
