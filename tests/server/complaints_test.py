#!/usr/bin/env python3
"""What users of other servers complain about, each with its test: complaints_test.py ENGINE WRITE_TINY_MODELS
Those that need a running server and stand nowhere else are here; TESTS says where the others are."""

import concurrent.futures
import json
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import time
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
ROOT = pathlib.Path(__file__).parents[2]

# Complaint, thread: file and name of its test.
TESTS = (
    ("an image of 28 GB, vllm#22377, vllm#17163", "tests/server/complaints_test.py", "test_the_program_is_small"),
    ("start-up takes minutes, vllm#19824, vllm#34399", "tests/server/complaints_test.py",
     "test_starts_in_seconds_without_a_setting"),
    ("the cache's size must be set by hand, vllm#7379", "tests/server/complaints_test.py",
     "test_starts_in_seconds_without_a_setting"),
    ("memory is guessed, vllm#7256", "tests/server/memory_plan_test.py", "test_of_one_model"),
    ("the plan ignores what the cache is made of, openvino.genai#4505", "tests/server/complaints_test.py",
     "test_a_cache_of_int8_takes_half_of_the_plan"),
    ("load that does not fit ends the server, lmdeploy#3557", "tests/server/complaints_test.py",
     "test_more_conversations_than_memory_holds_all_get_their_answer"),
    ("crash where the session is full, lmdeploy#4944", "tests/server/complaints_test.py",
     "test_an_answer_ends_where_the_context_does"),
    ("a malformed grammar after a valid one kills, vllm#43920", "tests/server/openai_tools_test.py",
     "test_a_malformed_grammar_after_a_valid_one_is_refused_and_the_server_lives"),
    ("port scans kill, vllm#44486; one field kills, lmdeploy#4965", "tests/server/noise_test.py", "send_all"),
    ("a schema compiles for hours, vllm#54003, sglang#39125", "tests/server/complaints_test.py",
     "test_a_schema_that_takes_minutes_is_refused_while_others_are_answered"),
    ("hangs, and says it is healthy, vllm#39863, sglang#17941", "tests/unit/server/gate_test.cc",
     "AStuckEngineTurnsReadinessRedWithTheReasonAndBack"),
    ("clients that go leave their cache behind, vllm#32439, vllm#46283", "tests/server/serve_engine_test.cc",
     "ClientsThatGoTakeTheirRequestsWithThem"),
    ("fields are dropped silently, outlines#1887, LocalAI#10339", "tests/server/fields_test.py", "test_of_chats_show"),
    ("arguments of calls are not streamed, vllm#30439", "tests/server/openai_tools_test.py",
     "test_streamed_arguments_come_in_pieces"),
    ("calls are left in the text, vllm#22975; parsers throw, vllm#45413",
     "tests/unit/text/output_parser/output_parser_test.cc", "SaysTheSameOfSpoiltTextsHoweverTheyAreCut"),
    ("every turn reads the whole prompt again, llama.cpp#20225", "tests/server/complaints_test.py",
     "test_the_next_turn_of_a_conversation_reads_only_what_is_new"),
    ("other texts under load, vllm#23138, vllm#5898, vllm#47069", "tests/server/same_text_test.py",
     "test_alone_and_among_64_others"),
    ("many at once are slower than one after the other, mistral.rs#2343", "tests/server/complaints_test.py",
     "test_many_at_once_share_their_steps"),
    ("several models in one server, vllm#21481", "tests/server/models_test.py",
     "test_two_models_answer_at_the_same_time_as_each_does_alone"),
    ("the model brings code along, CVE-2026-4944", "tests/server/complaints_test.py",
     "test_no_template_of_a_request_is_run"),
    ("weights that are programs, pickle", "tests/server/complaints_test.py", "test_a_pickle_is_no_model"),
)
ENDLESS = {"ignore_eos": True, "temperature": 0}
# Each alternative is compared with every other.
SLOW = {"oneOf": [{"type": "object", "properties": {"a": {"type": "string", "maxLength": i}}} for i in range(4000)]}


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.path),)


class Complaints(unittest.TestCase):
    def start(self, *arguments):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)
        server = server_process.Server(ENGINE, model, "--threads", "1", *arguments)
        self.addCleanup(server.end)
        return server

    def complete(self, server, prompt, **fields):
        status, text = server.post("/v1/completions", {"prompt": prompt, **ENDLESS, **fields})
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def test_each_has_its_test(self):
        for complaint, path, name in TESTS:
            self.assertRegex((ROOT / path).read_text(encoding="utf-8"), rf"(def |TEST\w*\(\w+, ){name}\b", complaint)

    def test_the_program_is_small(self):
        """With the libraries that it comes with."""
        linked = subprocess.run(["ldd", ENGINE], capture_output=True, text=True, check=True).stdout
        files = [ENGINE, *re.findall(r"=> (/\S+)", linked)]
        self.assertLess(sum(pathlib.Path(file).stat().st_size for file in files), 150e6, linked)

    def test_a_pickle_is_no_model(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
            ran = pathlib.Path(folder) / "ran"
            (pathlib.Path(folder) / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(str(ran))))
            done = subprocess.run([ENGINE, "run", folder, "-p", "a"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("it needs config.json with .safetensors files, or a .gguf file", done.stderr)
            self.assertFalse(ran.exists())

    def test_starts_in_seconds_without_a_setting(self):
        server = self.start()
        self.assertLess(float(re.search(r"on http://\S+ after ([\d.]+) s", server.log).group(1)), 20)
        self.assertGreater(server.metric('engine_memory_planned_bytes'), 0)

    def test_a_cache_of_int8_takes_half_of_the_plan(self):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        self.addCleanup(folder.cleanup)

        def plan(*flags):
            done = subprocess.run([ENGINE, "plan", model, "-o", "json", *flags], capture_output=True, text=True)
            return done.returncode, json.loads(done.stdout)

        wide, narrow = plan()[1]["context_bytes"], plan("--kv-cache-dtype", "int8")[1]["context_bytes"]
        self.assertLess(narrow, 0.6 * wide)
        between = str((wide + narrow) // 2)
        self.assertNotEqual(plan("--kv-cache-bytes", between)[0], 0)
        self.assertEqual(plan("--kv-cache-bytes", between, "--kv-cache-dtype", "int8")[0], 0)
        server = server_process.Server(ENGINE, model, "--kv-cache-bytes", between, "--kv-cache-dtype", "int8")
        self.addCleanup(server.end)
        self.assertEqual(self.complete(server, "x" * 400, max_tokens=5)["usage"]["completion_tokens"], 5)

    def test_many_at_once_share_their_steps(self):
        server = self.start("--max-num-seqs", "32", "--num-speculative-tokens", "0")

        def steps():
            return server.metric("engine_step_tokens_count")

        begin = steps()
        self.complete(server, "alone", max_tokens=400)
        alone = steps() - begin
        # In one request, as clients of their own would come when the machine lets them.
        self.complete(server, [f"many {i}" for i in range(32)], max_tokens=400)
        self.assertLess(steps() - begin - alone, 2 * alone)

    def test_more_conversations_than_memory_holds_all_get_their_answer(self):
        server = self.start("--kv-cache-bytes", "600000", "--max-num-seqs", "8")
        prompts = [str(i) * 60 for i in range(24)]
        alone = [self.complete(server, prompt, max_tokens=150)["choices"] for prompt in prompts[:3]]
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda prompt: self.complete(server, prompt, max_tokens=150), prompts))
        self.assertEqual([answer["choices"] for answer in answers[:3]], alone)
        self.assertEqual({answer["usage"]["completion_tokens"] for answer in answers}, {150})
        self.assertGreater(server.metric("engine_preemptions_total"), 0)

    def test_an_answer_ends_where_the_context_does(self):
        server = self.start()
        for prompt in ("x" * 500, "x" * 511):
            answer = self.complete(server, prompt, max_tokens=400)
            self.assertEqual(answer["usage"]["total_tokens"], 512)
            self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertEqual(server.post("/v1/completions", {"prompt": "x" * 512})[0], 400)
        answer = self.complete(server, "x" * 5000, max_tokens=400, truncate_prompt_tokens=500)
        self.assertEqual(answer["usage"]["total_tokens"], 512)

    def test_a_schema_that_takes_minutes_is_refused_while_others_are_answered(self):
        server = self.start()
        self.complete(server, "a", guided_json={"const": 1})
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            start = time.monotonic()
            refused = [pool.submit(server.post, "/v1/completions", {"prompt": "a", "guided_json": SLOW})
                       for _ in range(3)]
            while not all(one.done() for one in refused):
                begin = time.monotonic()
                self.complete(server, "hello", max_tokens=5)
                self.assertLess(time.monotonic() - begin, 2, "others wait for it")
        self.assertEqual([one.result()[0] for one in refused], [400] * 3, refused[0].result())
        self.assertLess(time.monotonic() - start, 30)

    def test_the_next_turn_of_a_conversation_reads_only_what_is_new(self):
        server = self.start()
        conversation = "hello" * 40
        for _ in range(3):
            first = self.complete(server, conversation, max_tokens=20, return_token_ids=True)
            tokens = first["choices"][0]["prompt_token_ids"] + first["choices"][0]["token_ids"]
            second = self.complete(server, tokens + [104, 105], max_tokens=2)
            cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
            self.assertGreaterEqual(cached, len(tokens) - 32)
            conversation += "more"

    def test_no_template_of_a_request_is_run(self):
        server = self.start()
        status, text = server.post("/v1/chat/completions", {
            "messages": [{"role": "user", "content": "{{ 7 * 7 }}"}], "chat_template": "{{ ''.__class__ }}"})
        self.assertEqual(status, 400)
        self.assertIn("chat_template is not supported", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
