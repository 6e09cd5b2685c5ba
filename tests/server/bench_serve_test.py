#!/usr/bin/env python3
"""`engine bench serve` against our server: what it counts is what the server counts. bench_serve_test.py ENGINE
WRITE_TINY_MODELS"""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
RANDOM = ("--num-prompts", "12", "--random-input-len", "10", "--random-output-len", "8", "--ignore-eos")


def tearDownModule():
    FOLDER.cleanup()


def bench(*arguments):
    environment = {k: v for k, v in server_process.ENVIRONMENT.items() if k != "OPENAI_API_KEY"}
    return subprocess.run([ENGINE, "bench", "serve", *arguments], capture_output=True, text=True, timeout=120,
                          env=environment, cwd=FOLDER.name)


def one_answer(answer):
    """The port of a server that answers every request with these bytes and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = listener.accept()
            with client:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += client.recv(65536)
                client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


class BenchServeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server_process.Server(ENGINE, MODEL, "--threads", "1", "--no-access-log", "--api-key", "k")

    @classmethod
    def tearDownClass(cls):
        cls.server.end(signal.SIGKILL)

    def metric(self, name):
        page = self.server.get("/metrics", Authorization="Bearer k")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith((name + " ", name + "{")))

    def run_bench(self, *arguments):
        result = bench("--base-url", self.server.url, "--api-key", "k", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        return result.stdout

    def test_counts_what_the_server_counts(self):
        names = ("vllm:generation_tokens_total", "vllm:prompt_tokens_total", "vllm:request_success_total",
                 "vllm:time_to_first_token_seconds_count")
        for arguments in (("--max-concurrency", "3"), ("--backend", "openai-chat"), ("--request-rate", "200")):
            before = [self.metric(name) for name in names]
            result = json.loads(self.run_bench(*RANDOM, *arguments, "-o", "json"))
            generated, prompt, ended, first_tokens = (self.metric(n) - b for n, b in zip(names, before))
            self.assertEqual((result["completed"], result["failed"]), (12, 0))
            self.assertEqual(result["total_output_tokens"], generated)
            self.assertEqual(generated, 12 * 8)
            self.assertEqual(result["total_input_tokens"], prompt)
            self.assertEqual((ended, first_tokens), (12, 12))
            self.assertGreater(result["median_e2el_ms"], result["median_ttft_ms"])
            self.assertLessEqual(result["max_concurrent_requests"], result["max_concurrency"] or 12)

    def test_prints_vllms_layout(self):
        text = self.run_bench(*RANDOM, "--percentile-metrics", "ttft,e2el", "--metric-percentiles", "50,99.9",
                              "--goodput", "ttft:100000")
        self.assertIn(" Serving Benchmark Result ", text.splitlines()[0])
        self.assertRegex(text, r"(?m)^Successful requests: {21}12 *$")
        self.assertRegex(text, r"(?m)^Request goodput \(req/s\): +\d+\.\d\d *$")
        self.assertRegex(text, r"(?m)^-+Time to First Token-+$")
        self.assertRegex(text, r"(?m)^P99\.9 E2EL \(ms\): +\d+\.\d\d *$")
        self.assertNotIn("ITL", text)

    def test_a_sweep_saves_its_runs_and_draws_them(self):
        folder = pathlib.Path(FOLDER.name)
        self.run_bench(*RANDOM, "--dataset-name", "prefix_repetition", "--prefix-repetition-prefix-len", "9",
                       "--prefix-repetition-suffix-len", "3", "--prefix-repetition-output-len", "4",
                       "--max-concurrency", "1,4", "--save-result", "--save-detailed", "--result-filename", "sweep.json",
                       "--plot", "sweep.svg")
        runs = json.loads((folder / "sweep.json").read_text())
        self.assertEqual([run["max_concurrency"] for run in runs], [1, 4])
        self.assertEqual([sum(run["output_lens"]) for run in runs], [48, 48])
        self.assertEqual([len(run["ttfts"]) for run in runs], [12, 12])
        self.assertLess(max(runs[0]["start_times"]), min(runs[1]["start_times"]))
        svg = (folder / "sweep.svg").read_text()
        self.assertIn("<title>4 at once: ITL, P99 ", svg)

    def test_no_run_finds_the_prompts_of_another_in_the_cache(self):
        folder = pathlib.Path(FOLDER.name)
        (folder / "lines.jsonl").write_text("".join(
            json.dumps({"prompt": f"{i} words that are long enough for several blocks of the cache: " * 2}) + "\n"
            for i in range(9)))
        hits = self.metric("vllm:prefix_cache_hits_total")
        for dataset in (("--random-input-len", "40", "--random-output-len", "2"),
                        ("--dataset-name", "custom", "--dataset-path", "lines.jsonl", "--custom-output-len", "2")):
            self.run_bench("--num-prompts", "3", "--num-warmups", "3", "--max-concurrency", "1,2", "--seed", "77",
                           *dataset)
            self.assertEqual(self.metric("vllm:prefix_cache_hits_total"), hits, dataset)

    def test_a_result_folder_is_made_before_the_load(self):
        self.run_bench(*RANDOM, "--save-result", "--result-dir", "new/folder")
        self.assertEqual(len(list((pathlib.Path(FOLDER.name) / "new/folder").iterdir())), 1)
        (pathlib.Path(FOLDER.name) / "file").write_text("")
        refused = bench("--base-url", self.server.url, *RANDOM, "--save-result", "--result-dir", "file/folder")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--result-dir file/folder cannot be made", refused.stderr)

    def test_submits_the_same_load_in_process(self):
        result = bench("--in-process", MODEL, "--threads", "1", *RANDOM, "--max-concurrency", "3", "-o", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual((report["completed"], report["total_output_tokens"]), (12, 96))

    def test_errors_are_counted_and_the_first_is_shown(self):
        refused = bench("--base-url", self.server.url, "--api-key", "wrong", "--model", "tiny", *RANDOM)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stdout, r"(?m)^Failed requests: +12 *$")
        self.assertRegex(refused.stdout, r"(?m)^First error: HTTP status 401: ")
        self.assertIn("12 requests failed", refused.stderr)

        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        unheard = bench("--port", str(port), "--model", "tiny", *RANDOM)
        self.assertEqual(unheard.returncode, 1)
        self.assertIn("First error: cannot connect: Connection refused", unheard.stdout)
        self.assertIn("/v1/models: cannot connect", bench("--port", str(port), *RANDOM).stderr)

        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        event = b'data: {"choices": [{"text": "a"}]}\n\n'
        chunk = b"%x\r\n%s\r\n" % (len(event), event)
        cut = bench("--port", str(one_answer(head + chunk)), "--model", "tiny", *RANDOM)
        self.assertEqual(cut.returncode, 1)
        self.assertIn("First error: the server closed the connection within its answer", cut.stdout)
        ends_early = bench("--port", str(one_answer(head + chunk + b"0\r\n\r\n")), "--model", "tiny", *RANDOM)
        self.assertIn("First error: the stream ended without data: [DONE]", ends_early.stdout)

    def test_errors_that_are_not_utf8_are_saved(self):
        answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 1\r\nconnection: close\r\n\r\n\xff"
        failed = bench("--port", str(one_answer(answer)), "--model", "tiny", *RANDOM, "--save-result",
                       "--save-detailed", "--result-filename", "failed.json", "-o", "json")
        self.assertEqual(failed.returncode, 1, failed.stderr)
        errors = json.loads((pathlib.Path(FOLDER.name) / "failed.json").read_text())["errors"]
        self.assertEqual(errors, ["HTTP status 500: \ufffd"] * 12)

    def test_wrong_flags_are_wrong_usage(self):
        for arguments in (("--request-rate", "0"), ("--goodput", "itl:5"), ("--dataset-name", "custom"),
                          ("--random-input-len", "0"), ("--extra-body", "[]"), ("--percentile-metrics", "ttfb")):
            self.assertEqual(bench(*arguments).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
