#!/usr/bin/env python3
"""`engine serve` with several models, routes between them, and keys that change: models_test.py ENGINE WRITE_TINY_MODELS"""

import base64
import json
import pathlib
import re
import signal
import struct
import sys
import threading
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
DIRECTORY = pathlib.Path(FOLDER.name)
TWO = (f"a={MODEL}", f"b={DIRECTORY / 'hf'}")


def tearDownModule():
    FOLDER.cleanup()


class ModelsTest(unittest.TestCase):
    def start(self, *arguments):
        server = server_process.Process(ENGINE, *arguments, "--threads", "1")
        self.addCleanup(server.end, signal.SIGKILL)
        return server

    def refused(self, *arguments, code):
        server = self.start(*arguments)
        self.assertEqual(server.wait_for_end(), code, server.log)
        return server.log

    def answer(self, server, **fields):
        body = {"prompt": "once", "max_tokens": 8, "ignore_eos": True, "temperature": 0, **fields}
        status, text = server.post("/v1/completions", body)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def test_two_models_answer_at_the_same_time_as_each_does_alone(self):
        alone = {}
        for argument in TWO:
            server = self.start(argument).wait_until_ready()
            name = argument[0]
            alone[name] = self.answer(server, model=name, max_tokens=60)["choices"]
            server.end()
        both = self.start(*TWO).wait_until_ready()
        self.assertRegex(both.log, r"a=\S+tiny.gguf: .*planned: [\d.]+ MB of [\d.]+")
        self.assertRegex(both.log, r"b=\S+hf: .*planned: [\d.]+ MB of [\d.]+")
        self.assertIn("serves a, b on", both.log)
        answers = {"a": [], "b": []}

        def ask(name):
            for _ in range(10):
                answers[name].append(self.answer(both, model=name, max_tokens=60))

        threads = [threading.Thread(target=ask, args=name) for name in answers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, of_model in answers.items():
            self.assertEqual(len(of_model), 10)
            for answer in of_model:
                self.assertEqual(answer["model"], name)
                self.assertEqual(answer["choices"], alone[name])
        page = both.get("/metrics")[1]
        for name in answers:
            self.assertIn(f'vllm:generation_tokens_total{{engine="0",model_name="{name}"}} 601\n', page)
            self.assertIn(f'engine_time_to_first_token_seconds_count{{model_name="{name}"}} 11\n', page)
            self.assertRegex(page, rf'engine_memory_planned_bytes{{part="kv_cache",model_name="{name}"}} [1-9]')
        self.assertEqual(both.end(), 0)

    def test_a_route_splits_requests_and_keeps_users(self):
        server = self.start(*TWO, "--route", "chat=a:75,b:25").wait_until_ready()
        ids = [model["id"] for model in json.loads(server.get("/v1/models")[1])["data"]]
        self.assertEqual(ids, ["a", "b", "chat"])
        chosen = {}
        for _ in range(2):
            for user in range(40):
                model = self.answer(server, model="chat", user=f"user-{user}", max_tokens=1)["model"]
                self.assertEqual(chosen.setdefault(user, model), model)
        drawn = [self.answer(server, model="chat", max_tokens=1)["model"] for _ in range(40)]
        self.assertEqual(set(chosen.values()), {"a", "b"})
        self.assertEqual(set(drawn), {"a", "b"})
        want = drawn.count("a") + 2 * list(chosen.values()).count("a")
        metrics = server.get("/metrics")[1]
        self.assertIn(f'engine_route_requests_total{{route="chat",model="a"}} {want}\n', metrics)
        self.assertIn(f'engine_route_time_to_first_token_seconds_count{{route="chat",model="a"}} {want}\n', metrics)
        self.assertIn('code":"model_not_found', server.post("/v1/completions", {"model": "c", "prompt": "x"})[1])

    def test_a_wrong_start_names_the_model_or_the_route(self):
        self.assertIn("none.gguf", self.refused(f"a={MODEL}", f"b={DIRECTORY}/none.gguf", code=1))
        self.assertIn("--route chat goes to c", self.refused(*TWO, "--route", "chat=a:1,c:1", code=2))
        self.assertIn("--route gives a the weight '0'", self.refused(*TWO, "--route", "chat=a:0,b:1", code=2))
        self.assertIn("two models are called a", self.refused(f"a={MODEL}", f"a={MODEL}", code=2))
        log = self.refused(*TWO, "--memory-utilization", "0.0001", code=1)
        self.assertTrue(re.search(r"weights and steps need \d+ bytes .* beside the \d+ of other models", log), log)

    def test_embeddings_are_the_same_as_numbers_and_as_base64(self):
        server = self.start(*TWO, "--pooling", "mean").wait_until_ready()

        def embed(**fields):
            status, text = server.post("/v1/embeddings", {"model": "b", **fields})
            self.assertEqual(status, 200, text)
            return [item["embedding"] for item in json.loads(text)["data"]]

        texts = [f"text {i}" * (i + 1) for i in range(40)]
        together = embed(input=texts)
        self.assertEqual(together[7], embed(input=texts[7])[0])
        self.assertAlmostEqual(sum(value * value for value in together[0]), 1, places=5)
        packed = [base64.b64decode(text) for text in embed(input=texts, encoding_format="base64")]
        self.assertEqual([list(struct.unpack(f"<{len(p) // 4}f", p)) for p in packed], together)
        server.end()
        status, text = self.start(MODEL).wait_until_ready().post("/v1/embeddings", {"input": "x"})
        self.assertEqual(status, 400)
        self.assertIn("--pooling last or mean", text)

    def test_a_changed_key_file_holds_for_new_requests_and_no_stream_ends(self):
        keys = DIRECTORY / "keys"
        keys.write_text("one\n")
        server = self.start(MODEL, "--api-key-file", str(keys)).wait_until_ready()
        self.assertEqual(server.get("/v1/models", Authorization="Bearer one")[0], 200)
        kept = server.connect()
        self.addCleanup(kept.close)
        body = json.dumps({"prompt": "a", "max_tokens": 450, "ignore_eos": True, "stream": True, "n": 8})
        kept.request("POST", "/v1/completions", body,
                     {"content-type": "application/json", "authorization": "Bearer one"})
        stream = kept.getresponse()
        keys.write_text("two\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("API keys in force: 1 of .*keys")
        self.assertEqual(server.get("/v1/models", Authorization="Bearer one")[0], 401)
        self.assertEqual(server.get("/v1/models", Authorization="Bearer two")[0], 200)
        self.assertTrue(stream.read().decode().endswith("data: [DONE]\n\n"))

        keys.write_text("# none\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("the API keys stay as they are: .*has no API key")
        self.assertEqual(server.get("/v1/models", Authorization="Bearer two")[0], 200)

        keys.write_text("three\n")  # and nobody says so
        server.wait_for_log("(?s)stay as they are.*in force")
        self.assertEqual(server.get("/v1/models", Authorization="Bearer three")[0], 200)
        self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
