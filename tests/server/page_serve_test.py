#!/usr/bin/env python3
"""The page of a running server in a headless browser: page_serve_test.py ENGINE WRITE_TINY_MODELS. With
`--pictures FOLDER MODEL` behind ENGINE instead it writes the pictures of docs/deploying.md."""

import re
import signal
import sys
import unittest

import server_process
from browser import browser, expect, violations

ENGINE = sys.argv.pop(1)


def open_page(chromium, server, **options):
    page = chromium.new_page(viewport={"width": 1200, "height": 720}, **options)
    page.goto(server.url)
    return page


def ask(page, text):
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def limit(page, tokens):
    settings = page.locator("summary", has_text="Settings")
    if page.locator("#settings[open]").count() == 0:
        settings.click()
    page.get_by_label("Longest answer").fill(str(tokens))
    settings.click()


class PageServeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        cls.browser = cls.enterClassContext(browser())
        cls.server = server_process.Process(ENGINE, model, "--threads", "1", "--api-key", "secret",
                                            "--served-model-name", "tiny").wait_until_ready()
        cls.addClassCleanup(cls.server.end, signal.SIGKILL)

    def setUp(self):
        self.page = open_page(self.browser, self.server)
        self.addCleanup(self.page.close)
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def tearDown(self):
        self.assertEqual(self.errors, [])
        self.assertEqual([url for url in self.requests if not url.startswith(self.server.url + "/")], [])

    def give_key(self, key):
        self.page.get_by_label("API key").fill(key)
        self.page.keyboard.press("Tab")

    def test_asks_for_the_key_then_streams_counts_and_draws(self):
        expect(self.page.get_by_role("status")).to_have_text("This server wants an API key.")
        expect(self.page.get_by_label("API key")).to_be_focused()
        self.give_key("wrong")
        expect(self.page.get_by_role("status")).to_have_text("The server does not know this API key.")
        self.give_key("secret")
        expect(self.page.locator("#model")).to_have_value("tiny")
        expect(self.page.get_by_role("status")).to_have_text("")
        limit(self.page, 20)
        ask(self.page, "Hello")
        note = self.page.locator(".assistant .note").last
        expect(note).to_have_text(re.compile(r"\d+ tokens · [\d.]+ tokens/s · first after [\d.]+ s"))
        expect(self.page.locator("#rate-now")).to_have_text(re.compile(r"^[\d.]+$"))
        expect(self.page.locator("#rate-top")).to_have_text(re.compile(r"up to [\d.]+"))
        expect(self.page.locator("#kv-now")).to_have_text(re.compile(r"^[\d.]+ %$"))
        expect(self.page.locator("#queue-now")).to_have_text("0 running, 0 waiting")
        self.assertEqual(violations(self.page), [])

    def test_a_refusal_of_the_server_is_shown(self):
        self.give_key("secret")
        expect(self.page.locator("#model")).to_have_value("tiny")
        self.page.get_by_label("Temperature").fill("-1")
        ask(self.page, "Hello")
        expect(self.page.get_by_role("alert")).to_contain_text("temperature")


def take_pictures(folder, model):
    server = server_process.Process(ENGINE, model).wait_until_ready()
    with browser() as chromium:
        for scheme in ("light", "dark"):
            page = open_page(chromium, server, color_scheme=scheme)
            expect(page.locator("#model option")).not_to_have_count(0)
            limit(page, 150)
            for text in ("What is a prime number?", "Write a Python function that adds two numbers."):
                ask(page, text)
                expect(page.get_by_role("button", name="Stop")).to_be_visible()
                expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=60000)
                page.wait_for_timeout(4000)
            page.screenshot(path=f"{folder}/page_{scheme}.png")
            page.close()
    server.end()


if __name__ == "__main__":
    if sys.argv[1] == "--pictures":
        take_pictures(*sys.argv[2:])
    else:
        WRITE_TINY_MODELS = sys.argv.pop(1)
        unittest.main()
