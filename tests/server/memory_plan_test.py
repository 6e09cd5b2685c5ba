#!/usr/bin/env python3
"""Memory is what was planned, within 3 %: memory_plan_test.py ENGINE WRITE_TINY_MODELS

Of two shapes, caches of two sizes and kinds, one model and two. Every block of the cache has
been written then, by as many sequences at once as may run."""

import concurrent.futures
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import server_process

ROOT = pathlib.Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks/compare"))
import synthetic  # noqa: E402  (the path above leads to it)

ENGINE, WRITE_TINY_MODELS = sys.argv[1:3]
SHAPES = ("tiny-llama", "tiny-qwen3")
CONTEXT = 2048
CONTEXT_BYTES = 2 << 20  # of the cache: 2 layers, 2 heads, keys and values of 64 bf16 each


class MemoryPlanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = {name: synthetic.ensure_checkpoint(pathlib.Path(folder.name), name, "q8_0") for name in SHAPES}

    def fill(self, server, name, sequences):
        """Distinct prompts, whose blocks stay in the cache until it is full and more come."""
        def ask(seed):
            draw = random.Random(seed)
            body = {"model": name, "prompt": [draw.randrange(256) for _ in range(CONTEXT - 20)], "max_tokens": 16,
                    "ignore_eos": True}
            status, text = server.post("/v1/completions", body)
            self.assertEqual(status, 200, text)

        with concurrent.futures.ThreadPoolExecutor(sequences + 4) as pool:
            list(pool.map(ask, range(sequences + sequences // 4)))

    def check(self, names, sequences, *more, context_bytes=CONTEXT_BYTES):
        cache_bytes = sequences * context_bytes
        flags = (*(f"{name}={self.models[name]}" for name in names), "--kv-cache-bytes", str(cache_bytes), "--threads", "1",
                 "--max-num-seqs", str(sequences), *(more or ("--num-speculative-tokens", "0")))
        server = server_process.Server(ENGINE, *flags, "--no-access-log")
        try:
            for name in names:
                self.fill(server, name, sequences)
            resident, planned = server.resident_bytes(), server.metric("engine_memory_planned_bytes")
        finally:
            server.end()
        what = f"{' and '.join(names)} {' '.join(more)}, caches of {cache_bytes / 1e6:.0f} MB: {resident / 1e6:.1f} MB are resident"
        print(f"{what}, {planned / 1e6:.1f} were planned", flush=True)
        self.assertAlmostEqual(resident / planned, 1, delta=0.03, msg=what)
        plan = json.loads(subprocess.run([ENGINE, "plan", *flags, "-o", "json"], check=True,
                                         capture_output=True, text=True).stdout)
        self.assertAlmostEqual(resident / plan["total_bytes"], 1, delta=0.03, msg=f"{what}, engine plan: {plan}")

    def test_of_one_model(self):
        for sequences in (32, 96):
            self.check([SHAPES[0]], sequences)

    def test_with_a_cache_of_int8(self):
        # Each vector of 64 values has its scale, of 4 bytes.
        self.check([SHAPES[1]], 32, "--kv-cache-dtype", "int8", context_bytes=CONTEXT_BYTES * (64 + 4) // 128)

    def test_a_model_that_drafts_is_planned_with_the_one_it_drafts_for(self):
        model = str(self.models[SHAPES[0]])
        flags = (model, "--draft-model", model, "--threads", "1", "--max-num-seqs", "4", "--memory-utilization", "0.1")
        plan = json.loads(subprocess.run([ENGINE, "plan", *flags, "-o", "json"], check=True, capture_output=True,
                                         text=True).stdout)
        self.assertEqual([one["model"] for one in plan["models"]], [model, model])
        server = server_process.Server(ENGINE, *flags)
        self.addCleanup(server.end)
        self.assertAlmostEqual(server.metric("engine_memory_planned_bytes") / plan["total_bytes"], 1, delta=0.03)

    def test_of_two_models(self):
        self.check(SHAPES, 32)

    def test_long_texts_at_once_take_no_more_than_one(self):
        tiny, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)
        server = server_process.Server(ENGINE, tiny, "--no-access-log")
        self.addCleanup(server.end)
        text = "So be it. " * 100_000

        def ask(path):
            self.assertIn(server.post(path, {"prompt": text, "max_tokens": 1} if path != "/tokenize" else
                                      {"prompt": text})[0], (200, 400))

        before = server.peak_bytes()
        ask("/tokenize")
        one = server.peak_bytes() - before
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, ["/tokenize", "/v1/completions"] * 4))
        eight = server.peak_bytes() - before
        print(f"a text of 1 MB takes {one / 1e6:.1f} MB, 8 of them {eight / 1e6:.1f}", flush=True)
        self.assertLess(eight, 1.5 * one)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
