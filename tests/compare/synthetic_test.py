#!/usr/bin/env python3
"""Synthetic checkpoints: what the engine says of them, format by format. Usage: synthetic_test.py ENGINE"""

import array
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks/compare"))
import synthetic  # noqa: E402  (the path above leads to it)
import vocabulary  # noqa: E402

ENGINE = sys.argv.pop(1)
SHAPES = ["tiny-qwen3", "tiny-llama"]
DIRECTORY = pathlib.Path(tempfile.mkdtemp())


def run_engine(*arguments):
    return subprocess.run([ENGINE, *map(str, arguments)], stdout=subprocess.PIPE, check=True).stdout


class Synthetic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokens = DIRECTORY / "tokens"
        draws = random.Random(1)
        cls.tokens.write_bytes(array.array("i", (draws.randrange(1024) for _ in range(64))).tobytes())

    def logits_of(self, path):
        logits = DIRECTORY / "logits"
        run_engine("eval", path, "--tokens", self.tokens, "--logits", logits)
        return array.array("f", logits.read_bytes())

    def test_logits_are_finite_and_spread_in_every_format(self):
        for shape in SHAPES:
            for weight_format in synthetic.FORMATS:
                logits = self.logits_of(synthetic.ensure_checkpoint(DIRECTORY, shape, weight_format))
                self.assertEqual(64 * 1024, len(logits))
                self.assertTrue(all(map(math.isfinite, logits)))
                spread = statistics.pstdev(logits) / synthetic.LOGIT_DEVIATION
                self.assertTrue(0.8 < spread < 1.25, f"{shape} {weight_format}: {spread}")

    def test_the_engine_finds_the_shape_and_the_format(self):
        for weight_format in synthetic.FORMATS:
            path = synthetic.ensure_checkpoint(DIRECTORY, "tiny-qwen3", weight_format)
            report = json.loads(run_engine("bench", path, "-p", 16, "-n", 4, "-r", 1, "-o", "json"))
            self.assertEqual(weight_format, report["weight_format"])
            self.assertEqual(2, len(report["rows"]))

    def test_text_survives_the_vocabulary(self):
        path = synthetic.ensure_checkpoint(DIRECTORY, "tiny-llama", "q4_0")
        answer = json.loads(run_engine("run", path, "--raw", "-p", "abcd, wörter\n", "--max-tokens", 2, "-o", "json"))
        # "abcd" is one pair and one pair, which a vocabulary of 1,024 merges no further; the rest is bytes or pairs.
        self.assertLess(answer["usage"]["prompt_tokens"], len("abcd, wörter\n".encode()))
        self.assertEqual(2, answer["usage"]["completion_tokens"])

    def test_the_same_seed_makes_the_same_bytes(self):
        files = [DIRECTORY / name for name in ("first", "again", "other")]
        for path, seed in zip(files, (1, 1, 2)):
            synthetic.write_checkpoint(path, "tiny-qwen3", "q4_k", seed)
        first, again, other = (path.read_bytes() for path in files)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_real_vocabularies_have_distinct_tokens_made_of_earlier_ones(self):
        for size in {shape.vocab for shape in synthetic.SHAPES.values()}:
            settings = vocabulary.settings(size, "qwen2")
            known = set(settings["tokenizer.ggml.tokens"])
            self.assertEqual(size, len(known))
            for merge in settings["tokenizer.ggml.merges"]:
                first, second = merge.split(" ")
                self.assertTrue(first in known and second in known and first + second in known)

    def test_real_shapes_have_the_published_number_of_parameters(self):
        # Published counts, without embeddings: 0.44, 1.4 and 3.6 billion; and with them 1.24 and 8.03 billion.
        expected = {"qwen3-0.6b": 0.44e9, "qwen3-1.7b": 1.4e9, "qwen3-4b": 3.6e9}
        for name, parameters in expected.items():
            self.assertAlmostEqual(1, synthetic.SHAPES[name].linear_parameters() / parameters, delta=0.02)
        whole = {"llama-3.2-1b": 1.236e9, "llama-3.1-8b": 8.03e9}
        for name, parameters in whole.items():
            count = sum(math.prod(shape) for _, shape, _ in synthetic.tensors_of(synthetic.SHAPES[name]))
            self.assertAlmostEqual(1, count / parameters, delta=0.001)


if __name__ == "__main__":
    unittest.main(verbosity=2)
