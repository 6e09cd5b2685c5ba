#!/usr/bin/env python3
"""A request has the same answer alone and among others, whatever they do: same_text_test.py ENGINE WRITE_TINY_MODELS

What must make no difference happens, and is counted: 64 others at once, prompts that begin in the cache, a cache too
small for all, prompts read in pieces, clients that go."""

import concurrent.futures
import contextlib
import json
import random
import sys
import threading
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
OTHERS, ROUNDS, LONGEST = 64, 6, 440
SHARED = "Once upon a time there was a very small model that said the same to all who asked it. " * 2
GREEDY = {"temperature": 0}
SEEDED = {"temperature": 1.1, "seed": 7}
REQUESTS = [
    {"prompt": SHARED + "One.", "max_tokens": 60, **GREEDY},
    {"prompt": SHARED + "Two.", "max_tokens": 60, **SEEDED},
    {"prompt": SHARED + "Three.", "max_tokens": 40, **SEEDED, "top_p": 0.8, "top_k": 40, "min_p": 0.01, "n": 2},
    {"prompt": "Hm?", "max_tokens": 80, **GREEDY, "repetition_penalty": 1.2, "frequency_penalty": 0.5, "logprobs": 3},
    {"prompt": "a", "max_tokens": 60, **SEEDED, "logprobs": 2, "presence_penalty": 0.5},
    {"prompt": SHARED, "max_tokens": 50, **SEEDED, "guided_regex": "([a-f]{3,9} ){3,20}"},
    {"prompt": "x y z " * 60, "max_tokens": 20, **SEEDED},
    {"prompt": "x y z " * 60, "max_tokens": 20, **GREEDY, "ignore_eos": True, "bad_words": ["a", "e"]},
]


def tearDownModule():
    FOLDER.cleanup()


def other(seed):
    """Somebody else's request."""
    draw = random.Random(seed)
    begin = SHARED if draw.random() < 0.3 else ""
    length = draw.choice((3, 20, 60, LONGEST)) - len(begin)
    text = begin + "".join(draw.choice("abcdefgh ") for _ in range(max(1, length)))
    return {"prompt": text, "max_tokens": draw.randint(1, 60), "temperature": draw.choice((0, 0.7, 1.5)),
            "seed": draw.randrange(1 << 30), "priority": draw.choice((-1, 0, 1))}


class SameTextTest(unittest.TestCase):
    def start(self, *arguments):
        server = server_process.Server(ENGINE, MODEL, "--no-access-log", *arguments)
        self.addCleanup(server.end)
        return server

    def answer(self, server, request):
        """Texts, tokens and log-probabilities."""
        status, text = server.post("/v1/completions", {**request, "return_token_ids": True})
        self.assertEqual(status, 200, text)
        return [{key: value for key, value in choice.items() if key != "index"} for choice in json.loads(text)["choices"]]

    def leave(self, server, request):
        """Goes after the first bytes of a stream."""
        with contextlib.closing(server.connect()) as connection:
            connection.request("POST", "/v1/completions", json.dumps({**request, "stream": True}),
                               {"content-type": "application/json"})
            connection.getresponse().read(40)

    def answers_alone(self):
        server = self.start("--threads", "1", "--max-num-seqs", "1", "--no-enable-prefix-caching",
                            "--num-speculative-tokens", "0", "--max-num-batched-tokens", "512")
        return [self.answer(server, request) for request in REQUESTS]

    def test_alone_and_among_64_others(self):
        alone = self.answers_alone()
        server = self.start("--threads", "2", "--max-num-seqs", "80", "--max-num-batched-tokens", "160",
                            "--kv-cache-bytes", "3500000")
        over, others_there = threading.Event(), 0

        def crowd(seed):
            while not over.is_set():
                leaves = seed % 7 == 0
                self.leave(server, other(seed)) if leaves else self.answer(server, other(seed))
                seed += OTHERS

        with concurrent.futures.ThreadPoolExecutor(OTHERS + len(REQUESTS)) as pool:
            others = [pool.submit(crowd, seed) for seed in range(OTHERS)]
            try:
                for _ in range(ROUNDS):
                    there = server.metric("engine_requests_running") + server.metric("engine_requests_waiting")
                    others_there = max(others_there, there)
                    together = list(pool.map(lambda request: self.answer(server, request), REQUESTS))
                    for request, answer, expected in zip(REQUESTS, together, alone):
                        self.assertEqual(answer, expected, request)
            finally:
                over.set()
            for one in others:
                one.result()
        self.assertGreater(others_there, OTHERS // 2)
        self.assertGreater(server.metric("vllm:prefix_cache_hits_total"), 0)

    def test_among_copies_that_preempt_each_other(self):
        alone = self.answers_alone()
        server = self.start("--threads", "1", "--max-num-seqs", "32", "--max-num-batched-tokens", "96",
                            "--kv-cache-bytes", "900000")
        copies = list(enumerate(REQUESTS)) * 4
        random.Random(5).shuffle(copies)
        with concurrent.futures.ThreadPoolExecutor(len(copies)) as pool:
            for _ in range(2):
                for (i, request), answer in zip(copies, pool.map(lambda copy: self.answer(server, copy[1]), copies)):
                    self.assertEqual(answer, alone[i], request)
        for counter in ("engine_preemptions_total", "vllm:prefix_cache_hits_total"):
            self.assertGreater(server.metric(counter), 0, counter)


if __name__ == "__main__":
    unittest.main(verbosity=2)
