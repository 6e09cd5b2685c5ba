#!/usr/bin/env python3
"""A key that floods the queue delays itself: fairness_test.py ENGINE WRITE_TINY_MODELS"""

import concurrent.futures
import json
import signal
import sys
import time
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
RUNNING, WAITING, FLOOD = 2, 12, 40
LONG = {"prompt": "a", "max_tokens": 400, "ignore_eos": True}


def tearDownModule():
    FOLDER.cleanup()


class FairnessTest(unittest.TestCase):
    def setUp(self):
        self.server = server_process.Server(ENGINE, MODEL, "--threads", "1", "--api-key", "flood", "--api-key", "other",
                                            "--max-num-seqs", str(RUNNING), "--max-queued-requests", str(WAITING))
        self.addCleanup(self.server.end, signal.SIGKILL)
        self.ended = []
        self.refused = 0

    def complete(self, key, **fields):
        status, text = self.server.post("/v1/completions", {**LONG, **fields}, Authorization=f"Bearer {key}")
        if status == 200:
            self.assertEqual(json.loads(text)["usage"]["completion_tokens"], LONG["max_tokens"])
            self.ended.append(key)
        return status

    def flood(self):
        """As urgent as can be, until there is a place in the queue."""
        while (status := self.complete("flood", priority=-1000)) == 429:
            self.refused += 1
        return status

    def test_another_key_finds_a_place_in_a_full_queue_and_is_next(self):
        with concurrent.futures.ThreadPoolExecutor(FLOOD + 2) as pool:
            flood = [pool.submit(self.flood) for _ in range(FLOOD)]
            deadline = time.monotonic() + server_process.TIMEOUT_S
            while self.refused == 0:
                self.assertLess(time.monotonic(), deadline)
            before = len(self.ended)
            other = [pool.submit(self.complete, "other") for _ in range(2)]
            self.assertEqual([answer.result() for answer in other], [200, 200])
            while_waiting = self.ended[before:].count("flood")
            self.assertEqual({answer.result() for answer in flood}, {200})
        # Those that run go on, and some end before each of the other's is taken. In order of arrival all that wait would.
        self.assertLess(while_waiting, 2 * RUNNING + 3, self.ended)


if __name__ == "__main__":
    unittest.main()
