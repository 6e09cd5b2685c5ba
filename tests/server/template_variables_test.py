#!/usr/bin/env python3
"""Variables of chat templates, the operator's and the request's, reach the prompt: template_variables_test.py ENGINE
WRITE_TINY_MODELS"""

import json
import pathlib
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]


class TemplateVariables(unittest.TestCase):
    """Of a template that writes them, in this order. Where only tokens are counted, values differ in length."""
    NAMES = ("enable_thinking", "reasoning_effort", "documents", "mood")
    TEMPLATE = "{{ messages[0].content }}" + "".join(
        "|{%% if %s is defined %%}{{ %s | tojson }}{%% endif %%}" % (name, name) for name in NAMES)
    DEFAULTS = {"enable_thinking": True, "reasoning_effort": "low", "documents": [{"a": 1}], "mood": "calm"}
    SENT = {"enable_thinking": False, "reasoning_effort": "high", "documents": [{"text": "of the user"}]}

    @classmethod
    def setUpClass(cls):
        cls.model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        template = pathlib.Path(folder.name) / "template.jinja"
        template.write_text(cls.TEMPLATE, encoding="utf-8")
        cls.plain = cls.start("--chat-template", cls.TEMPLATE)
        cls.with_defaults = cls.start("--chat-template", str(template), "--chat-template-kwargs",
                                      json.dumps(cls.DEFAULTS))

    @classmethod
    def start(cls, *arguments):
        server = server_process.Server(ENGINE, cls.model, *arguments)
        cls.addClassCleanup(server.stop)
        return server

    def post(self, server, path, body):
        status, text = server.post(path, body)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def render(self, server, **fields):
        return self.post(server, CHAT + "/render", {"messages": MESSAGES, **fields})

    def text(self, variables):
        written = (json.dumps(variables[name]) if name in variables else "" for name in self.NAMES)
        return "|".join(("hello", *written))

    def test_of_a_request_are_those_of_the_template(self):
        silent = {"documents": None}
        self.assertEqual(self.render(self.plain)["prompt"], self.text(silent))
        for name, value in self.SENT.items():
            for fields in ({name: value}, {"chat_template_kwargs": {name: value}}):
                self.assertEqual(self.render(self.plain, **fields)["prompt"], self.text({**silent, name: value}))
        fields = {**self.SENT, "chat_template_kwargs": {"mood": "glad"}}
        self.assertEqual(self.render(self.plain, **fields)["prompt"], self.text({**self.SENT, "mood": "glad"}))

    def test_of_the_operator_hold_where_a_request_is_silent(self):
        self.assertEqual(self.render(self.with_defaults)["prompt"], self.text(self.DEFAULTS))
        nulls = dict.fromkeys(self.SENT)  # are not there
        self.assertEqual(self.render(self.with_defaults, **nulls)["prompt"], self.text(self.DEFAULTS))
        for name, value in self.SENT.items():
            rendered = self.render(self.with_defaults, **{name: value})
            self.assertEqual(rendered["prompt"], self.text({**self.DEFAULTS, name: value}))
        rendered = self.render(self.with_defaults, chat_template_kwargs={"mood": "glad"})
        self.assertEqual(rendered["prompt"], self.text({**self.DEFAULTS, "mood": "glad"}))

    def check_messages(self, server, sent, variables):
        """/v1/messages has the prompt that a chat with these variables has."""
        body, count = {"messages": MESSAGES, "max_tokens": 1, **sent}, self.render(server, **variables)["count"]
        self.assertEqual(self.post(server, "/v1/messages/count_tokens", body)["input_tokens"], count, sent)
        usage = self.post(server, "/v1/messages", body)["usage"]
        self.assertEqual(usage["input_tokens"] + usage["cache_read_input_tokens"], count, sent)

    def test_of_messages_switch_thinking_off_where_nobody_asks_for_it(self):
        off, on = {"enable_thinking": False}, {"enable_thinking": True}
        self.assertNotEqual(self.render(self.plain, **off)["count"], self.render(self.plain, **on)["count"])
        thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        disabled = {"thinking": {"type": "disabled"}}
        for sent, variables in (({}, off), ({"thinking": None}, off), (disabled, off), (thinks, on)):
            self.check_messages(self.plain, sent, variables)
        for sent, variables in (({}, {}), (thinks, on), (disabled, off)):  # the operator's is true
            self.check_messages(self.with_defaults, sent, variables)

    def test_of_effort_have_a_name_in_every_api(self):
        for effort in ("low", "high"):
            want = self.render(self.plain, reasoning_effort=effort)["count"]
            answer = self.post(self.plain, "/v1/responses", {"input": "hello", "max_output_tokens": 16,
                                                             "reasoning": {"effort": effort}})
            self.assertEqual(answer["usage"]["input_tokens"], want)
            self.check_messages(self.plain, {"output_config": {"effort": effort}},
                                {"enable_thinking": False, "reasoning_effort": effort})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
