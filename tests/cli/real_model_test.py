#!/usr/bin/env python3
"""A real model answers, the same on every instruction set: real_model_test.py ENGINE
Fetches SmolLM2-135M-Instruct into the user's cache when it is not there; where that is impossible, the test is skipped."""

import json
import subprocess
import sys
import unittest

import program

ENGINE = sys.argv.pop(1)
MODEL = "smollm2-135m"
FETCH_TIMEOUT_S = 400

# What greedy decoding makes of these weights on any machine: integer linears give the same bits everywhere.
BEGINNING = ("--raw", "-p", "The capital of France is", "--temperature", "0", "-n", "16")
CONTINUATION = " Paris.\n\nThe United States has a population of approximately 321\n"
QUESTION = ("-p", "What is the capital of France?", "--system", "You are a helpful assistant.", "--temperature", "0")
ANSWER = "The capital of France is Paris.\n"


def fetch():
    """None, or why the model cannot be had."""
    try:
        pulled = subprocess.run([ENGINE, "pull", MODEL], capture_output=True, timeout=FETCH_TIMEOUT_S,
                                env=program.ENVIRONMENT, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not arrive within {FETCH_TIMEOUT_S} s"
    return None if pulled.returncode == 0 else pulled.stderr.decode("utf-8", "replace").strip()


class RealModel(unittest.TestCase):
    def ask(self, *arguments, **environment):
        result = program.run(ENGINE, "run", MODEL, *arguments, **environment)
        self.assertEqual(result.code, 0, result.errors)
        return result.text

    def test_question_is_answered(self):
        self.assertEqual(self.ask(*QUESTION), ANSWER)

    def test_greedy_continuation_is_the_expected_text_on_every_instruction_set(self):
        available = 0
        for isa in ("portable", "avx2", "avx512"):
            if program.run(ENGINE, "kernels", MODEL, ENGINE_CPU_ISA=isa).code != 0:
                continue  # this machine lacks it
            available += 1
            self.assertEqual(self.ask(*BEGINNING, ENGINE_CPU_ISA=isa), CONTINUATION, isa)
        self.assertGreater(available, 0)

    def test_threads_and_chunks_change_nothing(self):
        self.assertEqual(self.ask(*QUESTION, "--threads", "3", "--max-num-batched-tokens", "7", "--max-num-seqs", "1"),
                         ANSWER)

    def test_authors_sampling_is_the_default(self):
        arguments = ("-p", "Name an animal.", "-n", "16", "--seed", "4")
        explicit = self.ask(*arguments, "--temperature", "0.2", "--top-p", "0.9")
        self.assertEqual(self.ask(*arguments), explicit)

    def test_json_counts_the_tokens_of_the_chat_template(self):
        answer = json.loads(self.ask("-p", "Hi", "-n", "4", "-o", "json"))
        # <|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n and the rest
        self.assertEqual(answer["usage"]["prompt_tokens"], 31)


if __name__ == "__main__":
    reason = fetch()
    if reason is not None:
        print(f"SKIPPED: {MODEL} cannot be fetched here: {reason}")
        sys.exit(0)
    unittest.main(verbosity=2)
