#!/usr/bin/env python3
"""The page in a headless browser, over a stand-in for the server. Usage: page_test.py index.html"""

import http.server
import json
import pathlib
import sys
import threading
import time
import unittest

from browser import browser, expect, violations

PAGE = pathlib.Path(sys.argv.pop(1)).read_text()


def chunk(delta=None, finish=None, **more):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"object": "chat.completion.chunk", "choices": choices, **more}


class Server(http.server.ThreadingHTTPServer):
    """Answers as the engine does; what it was asked is in `asked`. A message "wait" is answered for 20 seconds."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.generated, self.gone = [], 0, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        if self.path == "/":
            self.reply(200, "text/html; charset=utf-8", PAGE)
        elif self.path == "/v1/models":
            self.reply(200, "application/json", json.dumps({"data": [{"id": "tiny", "thinking_switch": True}, {"id": "other"}]}))
        elif self.path == "/metrics":
            self.server.generated += 10
            self.reply(200, "text/plain", f'# HELP x\nengine_generated_tokens_total{{model_name="t"}} {self.server.generated}\n'
                       'engine_kv_cache_usage{model_name="t"} 0.25\nengine_requests_running{model_name="t"} 3\n'
                       'engine_requests_waiting{model_name="t"} 2\n')
        else:
            self.reply(404, "text/plain", "")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body | {"key": self.headers.get("Authorization")})
        said = body["messages"][-1]["content"]
        if said == "bad":
            return self.reply(400, "application/json", json.dumps({"error": {"message": "temperature is 9; at most 2"}}))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self.send(chunk({"role": "assistant"}))
            if said == "wait":
                return self.wait()
            for piece in ("Let me ", "think."):
                self.send(chunk({"reasoning": piece, "reasoning_content": piece}))
                time.sleep(0.05)
            for piece in ("Use <b>this</b> and `that`:\n``", "`c\nint x;\n`", "``\nDone."):
                self.send(chunk({"content": piece}))
            self.send(chunk({}, finish="stop"))
            self.send(chunk(usage={"completion_tokens": 42}))
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.gone.set()

    def wait(self):
        for _ in range(400):
            self.send(chunk({"content": "on "}))
            time.sleep(0.05)

    def send(self, event):
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(browser())

    def setUp(self):
        self.server = Server()
        self.page = self.browser.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.page.goto(self.url)
        expect(self.page.locator("#model option")).to_have_count(2)

    def tearDown(self):
        self.page.close()
        self.server.shutdown()
        self.server.server_close()
        self.assertEqual(self.errors, [])

    def say(self, text):
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def test_answers_are_streamed_with_reasoning_folded(self):
        self.say("Hello")
        answer = self.page.locator(".assistant")
        expect(answer.locator("pre")).to_have_text("int x;\n")
        expect(answer.locator(".note").last).to_contain_text("42 tokens")
        expect(answer.locator(".note").last).to_contain_text("tokens/s")
        expect(answer.locator("summary")).to_contain_text("Thought for")
        expect(answer.locator(".reasoning")).to_be_hidden()
        answer.locator("summary").click()
        expect(answer.locator(".reasoning")).to_have_text("Let me think.")
        expect(answer).to_contain_text("Use <b>this</b> and that:")

    def test_the_conversation_and_the_settings_are_sent(self):
        self.page.locator("summary", has_text="Settings").click()
        self.page.get_by_label("System message").fill("Be brief.")
        self.page.get_by_label("Temperature").fill("0.5")
        self.page.get_by_label("API key").fill("secret")
        self.page.get_by_label("Think first").uncheck()
        for text in ("One", "Two"):
            self.page.get_by_label("Message", exact=True).focus()
            self.say(text)
            expect(self.page.locator("#send")).to_be_visible()
            expect(self.page.locator(".assistant .note").last).to_contain_text("42 tokens")
        self.page.wait_for_function("document.querySelectorAll('.assistant').length == 2")
        asked = self.server.asked[1]
        self.assertEqual([m["role"] for m in asked["messages"]], ["system", "user", "assistant", "user"])
        self.assertEqual(asked["temperature"], 0.5)
        self.assertEqual(asked["chat_template_kwargs"], {"enable_thinking": False})
        self.assertEqual(asked["key"], "Bearer secret")
        self.assertNotIn("top_p", asked)

    def test_a_model_without_the_switch_is_not_told_to_think(self):
        self.page.locator("summary", has_text="Settings").click()
        self.page.get_by_label("Think first").uncheck()
        self.page.locator("#model").select_option("other")
        expect(self.page.get_by_label("Think first")).to_be_hidden()
        self.page.get_by_label("Message", exact=True).focus()
        self.say("One")
        expect(self.page.locator(".assistant .note").last).to_contain_text("42 tokens")
        self.assertNotIn("chat_template_kwargs", self.server.asked[0])
        self.page.locator("#model").select_option("tiny")
        expect(self.page.get_by_label("Think first")).to_be_visible()

    def test_escape_stops_an_answer(self):
        self.say("wait")
        expect(self.page.locator(".assistant .text")).to_contain_text("on on")
        self.page.keyboard.press("Escape")
        expect(self.page.locator(".assistant .note").last).to_contain_text("stopped")
        self.assertTrue(self.server.gone.wait(10))
        expect(self.page.locator("#prompt")).to_be_focused()

    def test_errors_are_shown_and_not_part_of_the_conversation(self):
        self.say("bad")
        expect(self.page.get_by_role("alert")).to_have_text("temperature is 9; at most 2")
        self.say("Good")
        expect(self.page.locator(".assistant .note").last).to_contain_text("42 tokens")
        self.assertEqual([m["content"] for m in self.server.asked[1]["messages"]], ["Good"])

    def test_charts_show_the_metrics(self):
        expect(self.page.locator("#kv-now")).to_have_text("25.0 %")
        expect(self.page.locator("#queue-now")).to_have_text("3 running, 2 waiting")
        expect(self.page.locator("#rate-now")).not_to_have_text("–", timeout=10000)
        self.assertTrue(self.page.locator("#kv path").get_attribute("d").startswith("M"))

    def test_no_request_leaves_the_server(self):
        self.say("Hello")
        expect(self.page.locator(".assistant .note").last).to_contain_text("42 tokens")
        self.assertEqual([url for url in self.requests if not url.startswith((self.url, "data:"))], [])

    def test_every_control_can_be_reached_by_keyboard_and_has_a_name(self):
        reached = set()
        self.page.locator("summary", has_text="Settings").click()
        for _ in range(30):
            self.page.keyboard.press("Tab")
            reached.add(self.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        self.assertLessEqual({"model", "new", "log", "prompt", "send", "SUMMARY", "temperature", "key"}, reached)
        unnamed = self.page.evaluate("""[...document.querySelectorAll('button, input, select, textarea')]
            .filter(e => !e.innerText && !e.labels?.length).map(e => e.id)""")
        self.assertEqual(unnamed, [])

    def test_axe_finds_nothing_wrong_in_light_and_dark(self):
        self.page.locator("summary", has_text="Settings").click()
        self.assertEqual(violations(self.page), [])
        self.page.locator("#prompt").focus()
        self.say("bad")
        expect(self.page.get_by_role("alert")).to_be_visible()
        self.say("Hello")
        expect(self.page.locator(".assistant .note").last).to_contain_text("42 tokens")
        self.page.locator(".assistant summary").click()
        self.assertEqual(violations(self.page), [])

    def test_light_and_dark_differ(self):
        colours = set()
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            colours.add(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(colours), 2)


if __name__ == "__main__":
    unittest.main()
