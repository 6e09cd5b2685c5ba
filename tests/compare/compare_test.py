#!/usr/bin/env python3
"""benchmarks/compare with our engine on a tiny model: the workers' protocol, engines that fail, and the whole command.

Usage: compare_test.py BUILD_FOLDER
"""

import json
import pathlib
import random
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks/compare"))
import compare  # noqa: E402  (the path above leads to it)
import engines  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import synthetic  # noqa: E402
from model import Model  # noqa: E402
from worker import Worker, WorkerFailure  # noqa: E402

engines.BUILD = pathlib.Path(sys.argv.pop(1))
DIRECTORY = pathlib.Path(tempfile.mkdtemp())
OURS = engines.ours("auto")
VOCABULARY = synthetic.SHAPES["tiny-qwen3"].vocab


class Broken:
    """An engine that says why it cannot, and ends: at once, or at its first command."""

    speculates = False

    def __init__(self, name, script):
        self.name, self._script = name, script

    def start(self, *_):
        return Worker(["sh", "-c", self._script], DIRECTORY / f"{self.name}.log")


def tiny_model():
    return Model(synthetic.ensure_checkpoint(DIRECTORY, "tiny-qwen3", "q4_0"))


def start_ours():
    return OURS.start(tiny_model().path, 1, 512, 4, OURS.configurations[0], DIRECTORY)


def prompt(size):
    draws = random.Random(size)
    return [draws.randrange(VOCABULARY) for _ in range(size)]


class Protocol(unittest.TestCase):
    def test_a_worker_loads_answers_and_ends(self):
        worker = start_ours()
        self.assertGreater(worker.loaded["load_seconds"], 0)
        answer = worker.ask({"prompts": [prompt(20)], "generate": 9, "speculate": False})
        self.assertEqual(8, answer["rest_tokens"])
        self.assertGreater(answer["first_seconds"], 0)
        self.assertGreater(answer["rest_seconds"], 0)
        self.assertGreater(worker.peak_bytes(), tiny_model().weight_bytes)
        worker.close()

    def test_tokens_of_a_batch_count_from_when_all_have_started(self):
        worker = start_ours()
        answer = worker.ask({"prompts": [prompt(size) for size in (8, 40, 200)], "generate": 9, "speculate": False})
        self.assertLessEqual(answer["rest_tokens"], 3 * 9 - 1)
        self.assertGreaterEqual(answer["rest_tokens"], 8)
        worker.close()

    def test_speculation_makes_as_many_tokens(self):
        worker = start_ours()
        command = {"prompts": [prompt(8) * 8], "generate": 33}
        for speculate in (False, True):
            self.assertEqual(32, worker.ask(command | {"speculate": speculate})["rest_tokens"])
        worker.close()

    def test_a_stopped_worker_answers_again_when_resumed(self):
        worker = start_ours()
        worker.pause()
        worker.resume()
        self.assertEqual(1, worker.ask({"prompts": [prompt(4)], "generate": 2, "speculate": False})["rest_tokens"])
        worker.close()

    def test_what_the_engine_says_last_is_the_reason_of_a_failure(self):
        worker = start_ours()
        with self.assertRaisesRegex(WorkerFailure, "ended with 1: engine_worker: .*no command: .*prompt"):
            worker.ask({"prompt": 1})

    def test_the_roof_of_this_moment_is_a_line_of_rates(self):
        probe = machine.RoofProbe(engines.BUILD / "benchmarks/roof_probe", 1)
        rates = probe.measure()
        probe.close()
        for kind in ("read", "int8", "bf16"):
            self.assertGreater(rates[kind], 0)


class WholeCommand(unittest.TestCase):
    def arguments(self):
        return compare.parse_arguments(["--quick", "--no-real", "--peer", "--shape", "tiny-qwen3", "--minutes", "0",
                                        "--models", str(DIRECTORY), "--threads", "1"])

    def test_an_engine_that_fails_is_a_row_with_its_reason(self):
        broken = [Broken("unable", "echo no such format >&2; exit 3"),
                  Broken("dying", """echo '{"load_seconds": 1}'; read line; echo out of memory >&2; exit 4""")]
        comparison = compare.Comparison(self.arguments())
        bench = comparison.bench(tiny_model(), [(OURS, OURS.configurations[0]), *((engine, {}) for engine in broken)])
        records = bench.run_resident([measure.DECODE_TEST], 2, 0)
        comparison.probe.close()
        self.assertEqual(["engine", "engine"], [record["engine"] for record in records])
        self.assertEqual({"unable": "it ended with 3: no such format", "dying": "it ended with 4: out of memory"},
                         bench.failures)

    def test_it_measures_and_writes_a_page_figures_and_a_plot(self):
        made = {"command": "compare"} | compare.Comparison(self.arguments()).measure()
        compare.write(made, DIRECTORY / "out")
        written = json.loads((DIRECTORY / "out/compare.json").read_text())
        tests = {test.name for test in measure.BASIC_TESTS + measure.BATCH_TESTS}
        self.assertEqual(tests, set(written["models"][0]["speed"]["engine"]))
        self.assertEqual({0, 1}, {record["round"] for record in written["models"][0]["records"]})
        self.assertEqual({"determinism", "first token", "avx2", "packed"}, set(written["models"][0]["own"]))
        self.assertEqual({}, written["own_failures"])
        self.assertIn("| tiny-qwen3-q4_0 | engine |", report.page(written))
        self.assertTrue((DIRECTORY / "out/compare.svg").read_text().startswith("<svg"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
