#!/usr/bin/env python3
"""The official OpenAI client asks for schemas, tools and reasoning: openai_tools_test.py ENGINE WRITE_TINY_MODELS
The model is random, so what is checked is what no model may change: forms, the order of events, errors."""

import asyncio
import json
import sys
import typing
import unittest

import openai
import pydantic

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

# JSON without blanks, which a random model writes wherever it may.
BLANKS = {"9": -100, "10": -100, "13": -100, "32": -100}
HELLO = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "temperature": 1, "seed": 3,
         "logit_bias": BLANKS}


# Short, so that the tiny model's context has room for prompt and answer.
class Person(pydantic.BaseModel, extra="forbid"):
    name: typing.Literal["Ann", "Bob"]
    age: int = pydantic.Field(ge=0, le=150)
    tags: list[typing.Literal["a", "bc"]] = pydantic.Field(max_length=2)


# This one whatever blanks the model writes: this API has no logit_bias.
class Agreement(pydantic.BaseModel, extra="forbid"):
    agreed: typing.Literal[True]


class Weather(pydantic.BaseModel, extra="forbid"):
    city: typing.Literal["Paris", "Rome"]
    days: int = pydantic.Field(ge=1, le=9)


def tool(name, parameters, **more):
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


WEATHER = tool("weather", {"type": "object", "required": ["city", "days"], "additionalProperties": False, "properties": {
    "city": {"enum": ["Paris", "Rome"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}})
NOW = tool("now", {"type": "object", "properties": {}, "additionalProperties": False})
TOOLS = {**HELLO, "tools": [WEATHER, NOW], "max_tokens": 200}
CALL = r'<tool_call>\{"name": "now", "arguments": \{\}\}</tool_call>'


def says(regex):
    """What makes a random model say something: with it, an answer is as good as written by the test."""
    return {"guided_regex": regex}


def begins(first, other, **form):
    """With it, an answer begins with the first letter wherever it may."""
    return {"logit_bias": {str(ord(first)): 100, str(ord(other)): -100}, "extra_body": form}


def setUpModule():
    global SERVER, FOLDER, CLIENT
    model, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
    SERVER = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--max-num-seqs", "4", "--api-key",
                                   "secret")
    CLIENT = openai.OpenAI(base_url=SERVER.url + "/v1", api_key="secret", max_retries=0)


def tearDownModule():
    CLIENT.close()
    code = SERVER.stop()
    FOLDER.cleanup()
    assert code == 0, SERVER.log


def ask(**fields):
    return CLIENT.chat.completions.create(**{**HELLO, "max_tokens": 200, **fields}).choices[0]


def with_async_client(use):
    async def run():
        async with openai.AsyncOpenAI(base_url=SERVER.url + "/v1", api_key="secret", max_retries=0) as client:
            return await use(client)

    return asyncio.run(run())


class StructuredOutput(unittest.TestCase):
    def test_answer_follows_its_schema(self):
        schema = {"type": "json_schema",
                  "json_schema": {"name": "person", "strict": True, "schema": Person.model_json_schema()}}
        for seed in range(5):
            Person.model_validate_json(ask(response_format=schema, seed=seed).message.content)

    def test_answer_is_parsed(self):
        answer = CLIENT.chat.completions.parse(**HELLO, max_tokens=200, response_format=Person)
        self.assertIsInstance(answer.choices[0].message.parsed, Person)

    def test_stream_is_parsed(self):
        with CLIENT.chat.completions.stream(**HELLO, max_tokens=200, response_format=Person) as stream:
            pieces = [event.delta for event in stream if event.type == "content.delta"]
            final = stream.get_final_completion().choices[0].message
        self.assertGreater(len(pieces), 3)
        self.assertEqual("".join(pieces), final.content)
        self.assertIsInstance(final.parsed, Person)

    def test_async_answers_are_parsed(self):
        async def several(client):
            return await asyncio.gather(*(client.chat.completions.parse(
                **{**HELLO, "seed": seed}, max_tokens=200, response_format=Person) for seed in range(6)))

        for answer in with_async_client(several):
            self.assertIsInstance(answer.choices[0].message.parsed, Person)

    def test_object_is_an_object(self):
        schema = {"type": "object", "additionalProperties": False, "properties": {}}
        self.assertEqual(json.loads(ask(extra_body={"guided_json": schema}).message.content), {})

    def test_answer_that_breaks_off_is_an_error_of_the_client(self):
        with self.assertRaises(openai.LengthFinishReasonError):
            CLIENT.chat.completions.parse(**HELLO, max_tokens=3, response_format=Person)

    def test_responses_are_parsed(self):
        answer = CLIENT.responses.parse(model="tiny", input="hello", max_output_tokens=450, text_format=Agreement)
        self.assertTrue(answer.output_parsed.agreed)


class Tools(unittest.TestCase):
    def check_calls(self, choice):
        self.assertEqual(choice.finish_reason, "tool_calls")
        self.assertGreater(len(choice.message.tool_calls), 0)
        for call in choice.message.tool_calls:
            self.assertTrue(call.id)
            if call.function.name == "weather":
                Weather.model_validate_json(call.function.arguments)
            else:
                self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("now", {}))
        return choice.message.tool_calls

    def test_required_calls_follow_their_schema(self):
        for seed in range(5):
            self.check_calls(ask(**{**TOOLS, "seed": seed}, tool_choice="required", parallel_tool_calls=False))

    def test_named_call_is_of_that_function(self):
        choice = {"type": "function", "function": {"name": "weather"}}
        calls = self.check_calls(ask(**TOOLS, tool_choice=choice, parallel_tool_calls=False))
        self.assertEqual([call.function.name for call in calls], ["weather"])

    def test_call_is_parsed(self):
        tools = [openai.pydantic_function_tool(Weather, name="weather")]
        answer = CLIENT.chat.completions.parse(**HELLO, max_tokens=200, tools=tools, tool_choice="required",
                                               parallel_tool_calls=False)
        self.assertIsInstance(answer.choices[0].message.tool_calls[0].function.parsed_arguments, Weather)

    def test_streamed_arguments_come_in_pieces(self):
        request = {**TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
        whole = self.check_calls(ask(**request))[0].function
        pieces = [delta.tool_calls[0] for delta in self.deltas(request) if delta.tool_calls]
        self.assertEqual(pieces[0].function.name, whole.name)
        self.assertTrue(pieces[0].id)
        self.assertEqual([piece.function.name for piece in pieces[1:]], [None] * (len(pieces) - 1))
        self.assertEqual("".join(piece.function.arguments for piece in pieces), whole.arguments)
        if whole.name == "weather":
            self.assertGreater(len(pieces), 5)

    def deltas(self, request):
        stream = CLIENT.chat.completions.create(**request, stream=True)
        return [chunk.choices[0].delta for chunk in stream if chunk.choices]

    def test_parallel_calls_have_their_index(self):
        request = {**TOOLS, "tools": [NOW], "extra_body": says(f"{CALL}\n{CALL}")}
        self.assertEqual(len(self.check_calls(ask(**request))), 2)
        indexes = [call.index for delta in self.deltas(request) for call in delta.tool_calls or []]
        self.assertEqual(sorted(set(indexes)), [0, 1])
        self.assertEqual(indexes, sorted(indexes))

    def test_a_second_call_ends_an_answer_that_may_have_one(self):
        request = {**TOOLS, "tools": [NOW], "parallel_tool_calls": False, "extra_body": says(f"{CALL}\n{CALL}[a-z]{{50}}")}
        answer = CLIENT.chat.completions.create(**request)
        self.assertEqual(len(self.check_calls(answer.choices[0])), 1)
        self.assertLess(answer.usage.completion_tokens, 130)
        self.assertEqual({call.index for delta in self.deltas(request) for call in delta.tool_calls or []}, {0})

    def test_auto_leaves_text_as_it_is_and_finds_calls_in_it(self):
        choice = ask(**TOOLS, tool_choice="auto", extra_body=says(f"I look[.] {CALL}"))
        self.assertEqual(choice.message.content, "I look.")
        self.check_calls(choice)
        choice = ask(**TOOLS, extra_body=says("No <tool here"))
        self.assertEqual((choice.message.content, choice.finish_reason), ("No <tool here", "stop"))
        self.assertIsNone(choice.message.tool_calls)

    def test_none_calls_nothing(self):
        choice = ask(**TOOLS, tool_choice="none", extra_body=says(CALL))
        self.assertIsNone(choice.message.tool_calls)
        self.assertIn('"name": "now"', choice.message.content)

    def test_strict_tools_are_accepted_under_auto(self):
        choice = ask(**{**TOOLS, "tools": [tool(**WEATHER["function"], strict=True)]})
        self.assertIn(choice.finish_reason, ("stop", "length", "tool_calls"))

    def test_auto_calls_a_tool_or_answers_in_a_form(self):
        person = {"type": "json_schema", "json_schema": {"name": "person", "schema": Person.model_json_schema()}}
        for form in (person, {"type": "json_object"}):
            for begin, other in (("<", "{"), ("{", "<")):
                request = {**TOOLS, "tools": [NOW], "response_format": form, "parallel_tool_calls": False,
                           "logit_bias": {**BLANKS, str(ord(begin)): 100, str(ord(other)): -100}}
                if begin == "<":
                    self.assertEqual(self.check_calls(ask(**request))[0].function.name, "now")
                elif form is person:
                    request["logit_bias"].pop(str(ord(begin)))
                    Person.model_validate_json(ask(**request).message.content)
                else:
                    self.assertTrue(ask(**request).message.content.startswith("{"))

    def test_calls_and_their_results_go_on(self):
        calls = ask(**TOOLS, extra_body=says(CALL)).message
        messages = [*HELLO["messages"], calls.model_dump(),
                    {"role": "tool", "tool_call_id": calls.tool_calls[0].id, "content": "12:00"}]
        self.assertEqual(ask(**{**TOOLS, "messages": messages, "extra_body": says("noon")}).message.content, "noon")

    def test_calls_that_broke_off_go_on(self):
        for choice in "required", {"type": "function", "function": {"name": "weather"}}:
            cut = ask(**{**TOOLS, "tools": [WEATHER], "max_tokens": 64}, tool_choice=choice)
            self.assertEqual(cut.finish_reason, "length")
            messages = [*HELLO["messages"], cut.message.model_dump(), *HELLO["messages"]]
            self.assertRaises(json.JSONDecodeError, json.loads, cut.message.tool_calls[0].function.arguments)
            self.assertEqual(ask(**{**TOOLS, "messages": messages, "extra_body": says("yes")}).message.content, "yes")
        items = [{"role": "user", "content": "a"},
                 {"type": "function_call", "call_id": "1", "name": "weather", "arguments": '{"city": "Par'},
                 {"type": "function_call_output", "call_id": "1", "output": "?"}]
        answer = CLIENT.responses.create(model="tiny", input=items, max_output_tokens=9)
        self.assertIn(answer.status, ("completed", "incomplete"))  # the first token may end it

    def test_output_items_are_read_back_as_the_client_dumps_them(self):
        request = {"model": "tiny", "max_output_tokens": 200, "parallel_tool_calls": False,
                   "tools": [{"type": "function", **NOW["function"], "strict": None, "description": None}]}
        first = CLIENT.responses.create(input="hello", tool_choice="required", **request)
        call = first.output
        text = CLIENT.responses.create(input="hello", tool_choice="none", **request | {"max_output_tokens": 9}).output
        result = {"type": "function_call_output", "call_id": call[-1].call_id, "output": "12:00"}
        conversation = [{"role": "user", "content": "hello"}, *(item.model_dump() for item in call), result,
                        *(item.model_dump() for item in text)]
        answer = CLIENT.responses.create(input=conversation, **request)
        self.assertGreater(answer.usage.input_tokens, first.usage.input_tokens)

    def test_async_calls_are_the_same_whole_and_streamed(self):
        request = {**TOOLS, "tool_choice": "required", "parallel_tool_calls": False}

        async def both(client):
            whole, stream = await asyncio.gather(client.chat.completions.create(**request),
                                                 client.chat.completions.create(**request, stream=True))
            return whole.choices[0], [chunk.choices[0].delta async for chunk in stream if chunk.choices]

        whole, deltas = with_async_client(both)
        want = self.check_calls(ask(**request))[0].function
        self.assertEqual(self.check_calls(whole)[0].function, want)
        pieces = [delta.tool_calls[0].function for delta in deltas if delta.tool_calls]
        self.assertEqual((pieces[0].name, "".join(piece.arguments for piece in pieces)), (want.name, want.arguments))

    def test_async_stream(self):
        async def collect(client):
            async with client.chat.completions.stream(**TOOLS, tool_choice="required",
                                                      parallel_tool_calls=False) as stream:
                return (await stream.get_final_completion()).choices[0]

        self.check_calls(with_async_client(collect))

    def test_responses_call_functions(self):
        flat = [{"type": "function", "name": "now", "parameters": NOW["function"]["parameters"], "strict": True}]
        answer = CLIENT.responses.create(model="tiny", input="hello", tools=flat, tool_choice="required",
                                         parallel_tool_calls=False, max_output_tokens=200)
        call = answer.output[-1]
        self.assertEqual((call.type, call.name, json.loads(call.arguments)), ("function_call", "now", {}))


class Reasoning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        server = server_process.Server(ENGINE, model, "--served-model-name", "tiny", "--reasoning-parser", "qwen3",
                                       "--api-compat", "lenient")  # the tiny template does not read enable_thinking
        cls.addClassCleanup(server.stop)
        cls.client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        cls.addClassCleanup(cls.client.close)

    THINKS = begins("<", "y", guided_choice=["yes"], thinking_token_budget=9)

    def test_has_both_names_and_is_counted(self):
        answer = self.client.chat.completions.create(**{**HELLO, "max_tokens": 200, **self.THINKS})
        message = answer.choices[0].message
        self.assertGreater(len(message.reasoning), 3)
        self.assertEqual(message.reasoning_content, message.reasoning)
        self.assertEqual(message.content, "yes")
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 8)

    def test_streams_before_the_answer(self):
        stream = self.client.chat.completions.create(**{**HELLO, "max_tokens": 200, "stream": True, **self.THINKS})
        deltas = [chunk.choices[0].delta for chunk in stream if chunk.choices]
        kinds = ["reasoning" if getattr(delta, "reasoning", None) else "content" for delta in deltas
                 if getattr(delta, "reasoning", None) or delta.content]
        self.assertEqual(kinds, sorted(kinds, reverse=True))
        self.assertGreater(kinds.count("reasoning"), 3)

    def test_ends_within_its_budget(self):
        messages = [*HELLO["messages"], {"role": "assistant", "content": "<think>\n"}]
        answer = self.client.chat.completions.create(**{**HELLO, "messages": messages}, max_tokens=60, extra_body={
            "continue_final_message": True, "thinking_token_budget": 5, "ignore_eos": True})
        self.assertEqual(answer.usage.completion_tokens, 60)
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 5 + 7)  # "</think>" is 7 tokens

    FORMS = ({"guided_json": {"enum": [12]}}, {"guided_regex": "1[2]"}, {"guided_choice": ["12"]},
             {"guided_grammar": 'root ::= "12"'}, {"guided_grammar": 'start: "12"'})

    def told(self, **fields):
        """Reasoning, content and the reason of its end, of an answer that must be the same when it is streamed."""
        fields = {**HELLO, "max_tokens": 90, **fields}
        choice = self.client.chat.completions.create(**fields).choices[0]
        whole = (getattr(choice.message, "reasoning", None) or "", choice.message.content, choice.finish_reason)
        chunks = [chunk.choices[0] for chunk in self.client.chat.completions.create(**fields, stream=True)]
        streamed = ("".join(getattr(chunk.delta, "reasoning", None) or "" for chunk in chunks),
                    "".join(chunk.delta.content or "" for chunk in chunks), chunks[-1].finish_reason)
        self.assertEqual(streamed, whole, fields)
        return whole

    def test_may_begin_an_answer_that_has_a_form(self):
        for form in self.FORMS:
            reasoning, content, finish = self.told(**begins("<", "1", thinking_token_budget=5, **form))
            self.assertEqual((content, finish), ("12", "stop"), form)
            self.assertGreater(len(reasoning), 3, form)
            self.assertEqual(self.told(**begins("1", "<", thinking_token_budget=5, **form)), ("", "12", "stop"), form)

    def test_does_not_begin_an_answer_that_has_a_form_where_it_is_switched_off(self):
        for form in self.FORMS:
            asks = begins("<", "1", enable_thinking=False, **form)
            self.assertEqual(self.told(**asks), ("", "12", "stop"), form)

    def test_comes_before_an_answer_that_has_a_form(self):
        messages = [*HELLO["messages"], {"role": "assistant", "content": "<think>\n"}]
        for form in self.FORMS:
            choice = self.client.chat.completions.create(**{**HELLO, "messages": messages}, max_tokens=60, extra_body={
                "continue_final_message": True, "thinking_token_budget": 5, **form}).choices[0]
            self.assertEqual((choice.message.content, choice.finish_reason), ("12", "stop"), form)
            self.assertTrue(choice.message.reasoning)


class Errors(unittest.TestCase):
    def test_have_the_clients_classes(self):
        def refused(**fields):
            with self.assertRaises(openai.APIStatusError) as caught:
                CLIENT.chat.completions.create(**{**HELLO, **fields})
            return caught.exception

        self.assertIsInstance(refused(temperature=9, top_p=0), openai.BadRequestError)
        self.assertIsInstance(refused(model="other"), openai.NotFoundError)
        self.assertIsInstance(refused(extra_headers={"Authorization": "Bearer no"}), openai.AuthenticationError)
        error = refused(tools=[NOW], tool_choice={"type": "function", "function": {"name": "later"}})
        self.assertIsInstance(error, openai.BadRequestError)
        self.assertEqual((error.param, error.type, error.status_code), ("tool_choice", "invalid_request_error", 400))
        bad = tool("later", {"type": "object", "properties": {"x": {"not": {}}}, "required": ["x"]})
        for choice in ("required", {"type": "function", "function": {"name": "later"}}):
            error = str(refused(tools=[NOW, bad], tool_choice=choice))
            self.assertIn("the parameters of tool later: JSON schema: Unimplemented keys", error)
            self.assertNotIn("Lark", error)
        with self.assertRaises(openai.APITimeoutError):
            CLIENT.with_options(timeout=0.001).chat.completions.create(**HELLO, max_tokens=400,
                                                                       extra_body={"ignore_eos": True})

    # vllm-project/vllm#43920: the second one killed the engine.
    def test_a_malformed_grammar_after_a_valid_one_is_refused_and_the_server_lives(self):
        for _ in range(3):
            self.assertEqual(ask(extra_body={"guided_grammar": 'root ::= "yes"'}).message.content, "yes")
            for broken in ('root ::= "yes', "root ::= other", "start: (", "start: /(/", "::=", "\x00"):
                with self.assertRaises(openai.BadRequestError):
                    ask(extra_body={"guided_grammar": broken})
            for broken in ("(", "[z-a]", "a{9,1}", "(?<=a)b"):
                with self.assertRaises(openai.BadRequestError):
                    ask(extra_body={"guided_regex": broken})
            with self.assertRaises(openai.BadRequestError):
                ask(extra_body={"guided_json": {"type": "quux"}})

    def test_a_full_queue_is_a_rate_limit(self):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        with folder:
            server = server_process.Server(ENGINE, model, "--max-num-seqs", "1", "--max-queued-requests", "0")
            with openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client:
                with client.completions.create(model="", prompt="a", n=100, max_tokens=400, stream=True,
                                               extra_body={"ignore_eos": True}) as running:
                    next(iter(running))
                    with self.assertRaises(openai.RateLimitError) as caught:
                        client.completions.create(model="", prompt="a")
            self.assertEqual(caught.exception.response.headers["retry-after"], "1")
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
