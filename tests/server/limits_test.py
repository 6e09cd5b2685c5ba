#!/usr/bin/env python3
"""What one request may have at most, as docs/deploying.md says: limits_test.py ENGINE WRITE_TINY_MODELS"""

import json
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
del sys.argv[1:3]

CHAT, COMPLETION, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"
HELLO = {"role": "user", "content": "hello"}
NEEDED = {
    CHAT: {"messages": [HELLO], "max_tokens": 1},
    COMPLETION: {"prompt": "a", "max_tokens": 1},
    RESPONSES: {"input": "a"},
    MESSAGES: {"messages": [HELLO], "max_tokens": 1},
    "/v1/embeddings": {},
}


def functions(count):
    return [{"name": f"f{i}"} for i in range(count)]


def parts(count, kind="text"):
    return [{"role": "user", "content": [{"type": kind, "text": "a"}] * count}]


def numbers(count):
    return [str(i) for i in range(count)]


def bad_words(num_tokens):
    """Words of so many tokens. Each counts as it is and with a blank before it; these letters are a token each."""
    return [letter * 1023 for letter in "bcdefghi"] + ["j" * ((num_tokens - 8 * 2047 - 1) // 2)]


def grammar(num_bytes):
    begin = 'start: "a"\n//'
    return begin + "x" * (num_bytes - len(begin))


# Path, what of the body the error is about, how many there may be, and a body with so many.
LIMITS = (
    (CHAT, "messages", 4096, lambda n: {"messages": [HELLO] * n}),
    (CHAT, "messages[0].content", 1024, lambda n: {"messages": parts(n)}),
    (CHAT, "tools", 512, lambda n: {"tools": [{"type": "function", "function": f} for f in functions(n)]}),
    (CHAT, "functions", 512, lambda n: {"functions": functions(n)}),
    (CHAT, "n", 128, lambda n: {"n": n}),
    (COMPLETION, "n", 128, lambda n: {"n": n}),
    (COMPLETION, "prompt", 1024, lambda n: {"prompt": ["a"] * n}),
    (COMPLETION, "prompt", 1024, lambda n: {"prompt": [[97]] * n}),
    (COMPLETION, "stop", 32, lambda n: {"stop": numbers(n)}),
    (COMPLETION, "stop", 1024, lambda n: {"stop": "x" * n}),
    (COMPLETION, "bad_words", 1024, lambda n: {"bad_words": numbers(n)}),
    (COMPLETION, "bad_words", 4096, lambda n: {"bad_words": ["x" * n]}),
    (COMPLETION, "bad_words", 16384, lambda n: {"bad_words": bad_words(n)}),
    (COMPLETION, "cache_salt", 1024, lambda n: {"cache_salt": "x" * n}),
    (COMPLETION, "logit_bias", 4096, lambda n: {"logit_bias": dict.fromkeys(numbers(n), 0)}),
    (COMPLETION, "structured_outputs.choice", 1024, lambda n: {"structured_outputs": {"choice": numbers(n)}}),
    (COMPLETION, "structured_outputs.grammar", 1 << 20, lambda n: {"structured_outputs": {"grammar": grammar(n)}}),
    (RESPONSES, "input", 4096, lambda n: {"input": [HELLO] * n}),
    (RESPONSES, "input[0].content", 1024, lambda n: {"input": parts(n, "input_text")}),
    (RESPONSES, "tools", 512, lambda n: {"tools": [{"type": "function", **f} for f in functions(n)]}),
    (MESSAGES, "messages", 4096, lambda n: {"messages": [HELLO] * n}),
    (MESSAGES, "messages[0].content", 4096, lambda n: {"messages": parts(n)}),
    (MESSAGES, "tools", 512, lambda n: {"tools": functions(n)}),
    (MESSAGES, "stop_sequences", 32, lambda n: {"stop_sequences": numbers(n)}),
    ("/v1/embeddings", "input", 2048, lambda n: {"input": ["a"] * n}),
)


def is_over_a_limit(text, name):
    """Whether the answer is an error that says of this field that it has too many."""
    error = json.loads(text).get("error") or {}
    place = error.get("param", error.get("message", "").split(" ")[0])
    return place == name and any(words in error["message"] for words in ("may have", "more than", "lie in", "at most"))


class Limits(unittest.TestCase):
    def test_one_more_is_refused_with_the_name_and_the_limit(self):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)
        server = server_process.Server(ENGINE, model, "--threads", "1", "--pooling", "last")
        self.addCleanup(server.stop)
        for path, name, most, body in LIMITS:
            with self.subTest(path=path, name=name, most=most):
                status, text = server.post(path, {**NEEDED[path], **body(most + 1)})
                self.assertEqual(status, 400, text)
                self.assertTrue(is_over_a_limit(text, name), text)
                self.assertIn(str(most), text)
                # As many as may be are no error, or another one: a context of 512 tokens is soon full.
                text = server.post(path, {**NEEDED[path], **body(most)})[1]
                self.assertFalse(is_over_a_limit(text, name), text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
