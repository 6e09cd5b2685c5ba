#!/usr/bin/env python3
"""Every verb of the program over tiny models: program_test.py ENGINE WRITE_TINY_MODELS"""

import csv
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import program

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODELS = tempfile.TemporaryDirectory()
DIRECTORY = pathlib.Path(MODELS.name)
GGUF, HF = str(DIRECTORY / "tiny.gguf"), str(DIRECTORY / "hf")
ANSWER = ("--temperature", "0", "--max-tokens", "12", "--ignore-eos", "--threads", "1")


def setUpModule():
    subprocess.run([WRITE_TINY_MODELS, MODELS.name], check=True)


def tearDownModule():
    MODELS.cleanup()


class ProgramTest(unittest.TestCase):
    def run_engine(self, *arguments, code=0, **keywords):
        result = program.run(ENGINE, *arguments, **keywords)
        self.assertEqual(result.code, code, result.errors)
        if code != 0:
            self.assertRegex(result.errors, r"^(seed \d+\n|fetching .*\n)?engine: .*\n$")  # an error is one line
        return result

    def assert_refused(self, code, part, *arguments, **keywords):
        self.assertIn(part, self.run_engine(*arguments, code=code, **keywords).errors)


class Run(ProgramTest):
    def test_prompt_by_flag_file_and_stdin_gives_the_same_answer(self):
        file = DIRECTORY / "prompt.txt"
        file.write_text("hello")
        by_flag = self.run_engine("run", GGUF, "-p", "hello", *ANSWER)
        self.assertTrue(by_flag.text.endswith("\n"))
        self.assertGreater(len(by_flag.text), 4)
        for arguments, stdin in [(("-f", str(file)), b""), ((), b"hello"), (("-p", "-"), b"hello")]:
            self.assertEqual(self.run_engine("run", GGUF, *arguments, *ANSWER, stdin=stdin).stdout, by_flag.stdout)
        self.assertEqual(self.run_engine("run", GGUF, "-p", "hello", "--no-stream", *ANSWER).stdout, by_flag.stdout)

    def test_answers_follow_a_schema_a_regex_a_grammar_or_a_choice(self):
        schema, lark, gbnf = (DIRECTORY / name for name in ("schema.json", "grammar.lark", "grammar.gbnf"))
        schema.write_text('{"type": "object", "properties": {"n": {"type": "integer", "maximum": 99, "minimum": 0}}, '
                          '"required": ["n"], "additionalProperties": false}')
        lark.write_text('start: "x"~3')
        gbnf.write_text('root ::= [0-9]{2} "!"')
        sampling = ("-p", "hello", "--seed", "1", "--temperature", "0.5", "--threads", "1")
        ask = lambda *arguments: self.run_engine("run", GGUF, *sampling, *arguments).text.strip()
        self.assertEqual(list(json.loads(ask("--json-schema", str(schema)))), ["n"])
        self.assertEqual(ask("--json-schema", '{"const": 7}'), "7")
        self.assertRegex(ask("--regex", "[ab]{3}"), "^[ab]{3}$")
        self.assertEqual(ask("--grammar", str(lark)), "xxx")
        self.assertRegex(ask("--grammar", str(gbnf)), "^[0-9]{2}!$")
        self.assertIn(ask("--choice", "yes,no"), ("yes", "no"))

    def test_a_grammar_that_cannot_be_followed_is_refused_with_the_reason(self):
        self.assert_refused(1, "regular expression: ", "run", GGUF, "-p", "x", "--regex", "(a")
        self.assert_refused(1, "uniqueItems", "run", GGUF, "-p", "x", "-j", '{"uniqueItems": true}')
        self.assert_refused(2, "at most one of --json-schema", "run", GGUF, "-p", "x", "--regex", "a", "--choice", "b")
        self.assert_refused(1, "no.json", "run", GGUF, "-p", "x", "-j", str(DIRECTORY / "no.json"))

    def test_json_parses_and_counts(self):
        result = self.run_engine("run", GGUF, "-p", "hello", "-o", "json", "--logprobs", "2", *ANSWER)
        answer = json.loads(result.text)
        self.assertEqual(answer["finish"], "length")
        self.assertEqual(answer["usage"]["completion_tokens"], 12)
        self.assertEqual(len(answer["tokens"]), 12)
        self.assertEqual(len(answer["logprobs"]), 12)
        self.assertEqual(len(answer["logprobs"][0]["top"]), 2)
        self.assertEqual(answer["model"], GGUF)
        raw = json.loads(self.run_engine("run", GGUF, "-p", "hello", "--raw", "-o", "json", *ANSWER).text)
        self.assertLess(raw["usage"]["prompt_tokens"], answer["usage"]["prompt_tokens"])

    def test_hugging_face_directory_answers(self):
        self.assertGreater(len(self.run_engine("run", HF, "-p", "hello", *ANSWER).text), 4)

    def test_authors_sampling_is_the_default_and_flags_override_it(self):
        greedy = self.run_engine("run", HF, "-p", "hello", *ANSWER).stdout
        default = ("run", HF, "-p", "hello", *ANSWER[2:])
        self.assertEqual(self.run_engine(*default).stdout, greedy)
        self.assertNotEqual(self.run_engine(*default, "--temperature", "5", "--seed", "1").stdout, greedy)
        self.assertNotEqual(self.run_engine(*default, "--seed", "1", ENGINE_TEMPERATURE="5").stdout, greedy)

    def test_same_seed_repeats_the_answer(self):
        arguments = ("run", GGUF, "-p", "hello", "-n", "12", "--temperature", "1", "--ignore-eos")
        first = self.run_engine(*arguments, "--seed", "5").stdout
        self.assertEqual(self.run_engine(*arguments, "--seed", "5").stdout, first)
        self.assertNotEqual(self.run_engine(*arguments, "--seed", "6").stdout, first)

    def test_verbose_says_what_was_loaded_on_stderr(self):
        result = self.run_engine("run", GGUF, "-p", "hello", "-v", *ANSWER)
        self.assertIn("LlamaForCausalLM, q8_0", result.errors)
        self.assertIn("tokens/s", result.errors)

    def test_config_file_is_read(self):
        file = DIRECTORY / "flags.yaml"
        file.write_text(f"model: {GGUF}\nprompt: hello\ntemperature: 0\nmax-tokens: 3\nignore-eos: true\n")
        answer = json.loads(self.run_engine("run", "--config", str(file), "-o", "json").text)
        self.assertEqual(answer["usage"]["completion_tokens"], 3)

    def test_failures_say_what_and_exit_with_1(self):
        self.assert_refused(1, "nowhere.gguf", "run", "nowhere.gguf", "-p", "a")
        self.assert_refused(1, "cuda", "run", GGUF, "-p", "a", "--device", "cuda:99")
        self.assert_refused(1, "512", "run", GGUF, "-p", "a" * 600)
        self.assert_refused(1, "byte 3 is 0xff", "run", GGUF, "-p", b"caf\xff")
        self.assert_refused(1, "absent.txt", "run", GGUF, "-f", "absent.txt")
        self.assert_refused(1, "directory", "run", GGUF, "-f", MODELS.name)
        self.assert_refused(1, "temperature is -1", "run", GGUF, "-p", "a", "--temperature", "-1")

    def test_wrong_usage_exits_with_2(self):
        self.assert_refused(2, "mean --max-tokens?", "run", GGUF, "--max-tokenz", "1")
        self.assert_refused(2, "not both", "run", GGUF, "-p", "a", "-f", "b")
        self.assert_refused(2, "empty", "run", GGUF, stdin=b"")
        self.assert_refused(2, "empty", "run", GGUF, "-p", "")
        self.assert_refused(2, "-o json", "run", GGUF, "-p", "a", "--logprobs", "1")
        self.assert_refused(2, "--raw", "run", GGUF, "-p", "a", "--raw", "--system", "b")

    # The slowest kernels, so that the answer is still being made when the signal comes.
    def test_interrupt_ends_the_answer_where_it_is(self):
        long = ("run", GGUF, "-p", "hello", "--temperature", "0", "--ignore-eos", "-t", "1")
        process = subprocess.Popen([ENGINE, *long], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**program.ENVIRONMENT, "ENGINE_CPU_ISA": "portable"})
        first = process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=program.TIMEOUT_S)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"stopped by Ctrl-C", errors)
        self.assertTrue((first + rest).endswith(b"\n"))

    def test_reader_that_goes_away_ends_the_program(self):
        long = ("run", GGUF, "-p", "hello", "--temperature", "0", "--ignore-eos")
        process = subprocess.Popen([ENGINE, *long], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.ENVIRONMENT)
        self.assertEqual(len(process.stdout.read(1)), 1)
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        self.assertIn(process.wait(program.TIMEOUT_S), (-13, 0, 1), errors)  # SIGPIPE, or done before it was noticed

    def ended_within(self, limit, amount, *arguments):
        """Where the program may have no more than that."""
        process = subprocess.run([ENGINE, *arguments], capture_output=True, env=program.ENVIRONMENT, check=False,
                                 timeout=program.TIMEOUT_S,
                                 preexec_fn=lambda: resource.setrlimit(limit, (amount, amount)))
        return process.returncode, process.stderr.decode()

    def test_too_few_open_files_end_it_with_a_sentence(self):
        code, errors = self.ended_within(resource.RLIMIT_NOFILE, 4, "serve", GGUF, "--port", "0")
        self.assertEqual(code, 1, errors)
        self.assertIn("engine: cannot serve HTTP: ", errors)
        self.assertIn("Too many open files", errors)

    def test_too_little_memory_ends_it_with_a_sentence(self):
        for megabytes in range(24, 120, 4):
            code, errors = self.ended_within(resource.RLIMIT_AS, megabytes << 20, "run", GGUF, "-p", "hello", *ANSWER)
            with self.subTest(megabytes=megabytes):
                self.assertIn(code, (0, 1, 127), errors)  # 127: the loader's
                self.assertTrue(code == 0 or errors, megabytes)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for stream in ("--stream", "--no-stream"):
            with open("/dev/full", "wb") as full:
                process = subprocess.run([ENGINE, "run", GGUF, "-p", "hello", stream, *ANSWER], stdout=full,
                                         stderr=subprocess.PIPE, env=program.ENVIRONMENT, check=False)
            self.assertEqual(process.returncode, 1)
            self.assertIn(b"standard output", process.stderr)


class OtherVerbs(ProgramTest):
    def test_unknown_verb_names_the_nearest(self):
        self.assert_refused(2, "mean bench?", "bnch")
        self.assert_refused(2, "mean --version?", "--verison")
        self.assert_refused(2, "name a verb")

    def test_help_and_version_are_answers(self):
        self.assertIn("usage: engine VERB", self.run_engine("help").text)
        self.assertIn("--max-tokens", self.run_engine("help", "run").text)
        self.assertIn("usage: engine bench [MODEL] [flags]\n", self.run_engine("bench", "--help").text)
        self.assertIn("engine ", self.run_engine("--version").text)

    def test_devices_and_models_list_what_there_is(self):
        devices = json.loads(self.run_engine("devices", "-o", "json").text)
        self.assertEqual({d["name"].split(":")[0] for d in devices}, {"cpu", "cuda", "rocm", "simt"})
        self.assertTrue(devices[0]["usable"])
        self.assertIn("cuda", self.run_engine("devices").text)
        models = json.loads(self.run_engine("models", "-o", "json").text)
        self.assertIn("smollm2-135m", [m["name"] for m in models["models"]])
        self.assertIn("Qwen3ForCausalLM", models["architectures"])
        self.assertIn("smollm2-135m", self.run_engine("models").text)

    def test_kernels_say_what_runs_and_why_others_declined(self):
        text = self.run_engine("kernels", GGUF, "--device", "cpu").text
        self.assertIn("runs     ", text)
        self.assertIn("declined ", text)
        ops = json.loads(self.run_engine("kernels", HF, "-o", "json").text)
        self.assertTrue(all(op["candidates"] for op in ops))

    def test_plan_adds_up_and_says_when_it_does_not_fit(self):
        self.assertIn("KV cache", self.run_engine("plan", GGUF).text)
        plan = json.loads(self.run_engine("plan", HF, "-c", "auto", "--memory-utilization", "0.5", "-o", "json").text)
        parts = ("weight", "kv_cache", "activation", "workspace", "step", "process")
        self.assertEqual(sum(plan[f"{part}_bytes"] for part in parts), plan["total_bytes"])
        self.assertTrue(plan["fits"])
        self.assert_refused(1, "--memory-utilization", "plan", GGUF, "--memory-utilization", "0.000001")
        self.assert_refused(2, "--max-model-len", "plan", GGUF, "-c", "3x")

    def test_bench_measures_in_three_formats(self):
        sizes = ("-p", "16", "-n", "8", "-r", "1", "-t", "1")
        rows = json.loads(self.run_engine("bench", GGUF, *sizes, "-o", "json").text)["rows"]
        self.assertEqual([row["test"] for row in rows], ["pp16", "tg8"])
        self.assertTrue(all(row["tokens_per_second"] > 0 for row in rows))
        for row in rows:
            self.assertGreater(row["gb_per_second"], 0)
            self.assertGreater(row["share"], 0)
            self.assertGreaterEqual(row["time_share"], row["share"])  # the same time, and work that share leaves out
        self.assertEqual(self.run_engine("bench", GGUF, *sizes, "-o", "csv").text.count("\n"), 3)
        self.assertIn("| pp16 |", self.run_engine("bench", GGUF, *sizes).text)
        self.assert_refused(1, "512", "bench", GGUF, "-p", "1000", "-n", "0")
        self.assert_refused(2, "--repetitions", "bench", GGUF, "-r", "0")

    def test_bench_compares_levels_of_numerics(self):
        sizes = ("-p", "0", "-n", "4", "-r", "1", "-t", "1", "--numerics", "invariant,fast")
        rows = json.loads(self.run_engine("bench", GGUF, *sizes, "-o", "json").text)["rows"]
        self.assertEqual([row["numerics"] for row in rows], ["invariant", "fast"])
        self.assertEqual(rows[0]["speed_ratio"], 1)
        self.assertGreater(rows[1]["speed_ratio"], 0)
        self.assertRegex(self.run_engine("bench", GGUF, *sizes).text, r"\| tg4 fast x\d+\.\d{3} \|")
        self.assert_refused(2, "exact, invariant or fast", "bench", GGUF, "--numerics", "fast,fats")

    def test_bench_puts_devices_into_one_table(self):
        sizes = ("-p", "0", "-n", "2", "-r", "1", "-t", "1", "--device", "cpu,simt,cuda:99")
        table = json.loads(self.run_engine("bench", GGUF, *sizes, "-o", "json").text)
        self.assertEqual([row["device"] for row in table["rows"]], ["cpu", "simt:32"])
        self.assertTrue(all(row["roof"] > 0 for row in table["rows"]))
        self.assertEqual([row["device"] for row in table["missing"]], ["cuda:99"])
        self.assert_refused(1, "cuda:99", "bench", GGUF, "--device", "cuda:99")
        self.assert_refused(1, "no device could be measured; cuda:98", "bench", GGUF, "--device", "cuda:98,cuda:99",
                            "-o", "csv")

    def test_bench_goes_on_where_the_first_device_is_not_there(self):
        sizes = ("-p", "0", "-n", "2", "-r", "1", "-t", "1", "--ttft", "--device", "cuda:99,cpu")
        table = json.loads(self.run_engine("bench", GGUF, *sizes, "-o", "json").text)
        self.assertEqual([row["device"] for row in table["rows"]], ["cpu"])
        self.assertNotIn("first_token", table)
        rows = list(csv.DictReader(self.run_engine("bench", GGUF, *sizes, "-o", "csv").text.splitlines()))
        self.assertEqual([row["device"] for row in rows], ["cpu", "cuda:99"])
        self.assertEqual(rows[0]["missing"], "")
        self.assertIn("cuda:99", rows[1]["missing"])

    def test_bench_serve_refuses_a_negative_number_of_warmups(self):
        self.assert_refused(2, "--num-warmups is -1", "bench", "serve", "--num-warmups=-1")

    def test_selftest_of_a_device_that_is_not_there_is_a_document_too(self):
        result = self.run_engine("selftest", "--device", "cuda:99", "-o", "json", code=1)
        self.assertIn("cuda:99", json.loads(result.text)["error"])

    def test_bench_times_the_first_token(self):
        sizes = ("-p", "0", "-n", "0", "-r", "1", "-t", "1", "--ttft")
        first = json.loads(self.run_engine("bench", GGUF, *sizes, "-o", "json").text)["first_token"]
        self.assertEqual(first["prompt_tokens"], 32)
        self.assertAlmostEqual(first["first_over_later"], first["first_ms"] / first["later_ms"], places=6)
        self.assertIn("| first token of 32 |", self.run_engine("bench", GGUF, *sizes).text)
        self.assert_refused(2, "--ttft", "bench", GGUF, "-p", "0", "-n", "0")

    def test_bench_ops_times_kernels_and_draws_them(self):
        plot = DIRECTORY / "roofline.svg"
        selection = ("--op", "linear", "--format", "q8_0", "--shape", "64x256", "--rows", "1,32", "-r", "1", "-t", "1")
        table = json.loads(self.run_engine("bench", "ops", *selection, "--svg", str(plot), "-o", "json").text)
        self.assertEqual([row["rows"] for row in table["rows"]], [1, 32])
        self.assertTrue(all(row["gops"] > 0 and row["share"] > 0 for row in table["rows"]))
        self.assertEqual(xml.etree.ElementTree.parse(plot).getroot().get("viewBox"), "0 0 960 600")
        every = self.run_engine("bench", "ops", *selection, "--entry", "all", "-o", "csv").text
        self.assertIn(",linear.panel16.portable,", every)
        self.assertIn("| linear | q8_0 |", self.run_engine("bench", "ops", *selection).text)

    def test_bench_ops_times_attention_with_any_heads(self):
        text = self.run_engine("bench", "ops", "--op", "paged_attention", "--format", "bf16", "--heads", "4x2x64",
                               "--context", "40", "--window", "16", "-r", "1", "-t", "1", "--cpu-time").text
        self.assertIn("| 4/2x64 decode@39 | 8 |", text)
        self.assertIn("| 4/2x64 prefill@0 | 40 |", text)

    def test_bench_ops_leaves_out_what_a_device_has_no_kernel_for(self):
        selection = ("bench", "ops", "--device", "simt", "--heads", "4x2x512", "--rows", "1", "-r", "1", "-o", "csv")
        result = self.run_engine(*selection, "--op", "paged_attention,add")
        self.assertIn(",add,f32,", result.text)
        self.assertIn("left out: paged_attention bf16: head_dim is 512; at most 256", result.errors)
        for alone in [("--op", "paged_attention", "--entry", "all"), ("--op", "paged_attention", "--format", "bf16")]:
            result = program.run(ENGINE, *selection, *alone)
            self.assertEqual((result.code, result.text), (1, ""))

    def test_bench_ops_leaves_out_formats_that_a_shape_does_not_suit(self):
        plot = DIRECTORY / "some.svg"
        selection = ("bench", "ops", "--op", "linear", "--format", "q4_k,q4_0", "--rows", "1", "-r", "1", "-t", "1")
        result = self.run_engine(*selection, "--shape", "64x96", "--svg", str(plot))
        self.assertIn("| linear | q4_0 |", result.text)
        self.assertIn("left out: linear q4_k: w is q4_k[64, 96]; its rows must be a multiple of the 256", result.errors)
        self.assertTrue(plot.exists())
        self.assert_refused(1, "needs a multiple of 32", *selection, "--shape", "64x97")

    def test_bench_ops_refuses_what_it_does_not_have(self):
        for part, arguments in [("paged_attention", ("--op", "pagedattention")), ("2048x1024", ("--shape", "5")),
                                ("no format", ("--format", "q9")), ("16x8x128", ("--heads", "16x8")),
                                ("nothing to time", ("--filter", "absent")), ("--rows", ("--rows", "0")),
                                ("exact, invariant or fast", ("--numerics", "fats"))]:
            self.assert_refused(2, part, "bench", "ops", *arguments)
        self.assert_refused(1, "linear.absent", "bench", "ops", "--op", "linear", "--entry", "linear.absent")

    def test_eval_computes_perplexity_and_writes_logits(self):
        text, logits = DIRECTORY / "text.txt", DIRECTORY / "logits.f32"
        text.write_text("the rain in the plain " * 5)
        result = self.run_engine("eval", GGUF, "--text", str(text), "--window", "64", "--logits", str(logits), "-o", "json")
        evaluation = json.loads(result.text)
        self.assertGreater(evaluation["perplexity"], 1)
        self.assertEqual(os.path.getsize(logits), evaluation["tokens"] * 272 * 4)  # padding included
        self.assertIn("perplexity", self.run_engine("eval", GGUF, "--text", str(text), "--window", "64").text)
        self.assert_refused(1, "directory", "eval", GGUF, "--text", MODELS.name)
        self.assert_refused(2, "--text or --tokens", "eval", GGUF)

    def test_eval_refuses_tokens_that_the_model_lacks(self):
        tokens = DIRECTORY / "tokens.bin"
        tokens.write_bytes(b"\x01\x00\x00\x00\xff\xff\x00\x00")
        self.assert_refused(1, "65535", "eval", GGUF, "--tokens", str(tokens), "--window", "64")
        tokens.write_bytes(b"\x01\x00\x00")
        self.assert_refused(1, "4 bytes each", "eval", GGUF, "--tokens", str(tokens))
        tokens.write_bytes(b"")
        self.assert_refused(1, "too few", "eval", GGUF, "--tokens", str(tokens), "--window", "64")

    def test_eval_says_at_once_when_logits_have_no_place(self):
        tokens = DIRECTORY / "tokens.bin"
        tokens.write_bytes(bytes(40))
        self.assert_refused(1, "No such file", "eval", GGUF, "--tokens", str(tokens), "--logits", "absent/logits.bin")

    def test_packed_model_answers_as_its_checkpoint(self):
        packed = str(DIRECTORY / "tiny.packed")
        self.assertIn("MB", self.run_engine("pack", GGUF, "-o", packed, "--verify").text)
        self.assertEqual(self.run_engine("run", packed, "-p", "hello", *ANSWER).stdout,
                         self.run_engine("run", GGUF, "-p", "hello", *ANSWER).stdout)
        text, logits = DIRECTORY / "packed.txt", [DIRECTORY / "logits.packed", DIRECTORY / "logits.gguf"]
        text.write_text("to be or not to be " * 5)
        for model, file in zip((packed, GGUF), logits):
            self.run_engine("eval", model, "--text", str(text), "--window", "64", "--logits", str(file))
        self.assertEqual(logits[0].read_bytes(), logits[1].read_bytes())
        self.assertIn("| tg4 |", self.run_engine("bench", packed, "-p", "8", "-n", "4", "-r", "1", "-t", "1").text)
        self.assertIn("every checksum is right", self.run_engine("pack", packed, "--verify").text)
        self.assert_refused(1, "the checkpoint itself", "pack", GGUF, "-o", GGUF)
        self.assert_refused(1, "packed already", "pack", packed, "-o", packed + "2")
        self.assert_refused(1, "not a file of `engine pack`", "pack", GGUF, "--verify")
        self.assert_refused(1, "absent/tiny.packed", "pack", GGUF, "-o", "absent/tiny.packed")
        self.assert_refused(2, "-o", "pack", GGUF)
        self.assert_refused(2, "name a model", "pack", "-o", packed)

    def test_pull_refuses_what_is_no_model(self):
        self.assert_refused(2, "name a model", "pull")
        self.assert_refused(1, "smollm2-135m", "pull", "no-such-model")

    def pull_with(self, script, code=0):
        """Pulls org/name with `script` in the place of the hub's program; $to is where it must leave the files."""
        programs, cache = DIRECTORY / "programs", DIRECTORY / "cache"
        programs.mkdir(exist_ok=True)
        hf = programs / "hf"
        hf.write_text(f'#!/bin/sh\nfor to; do :; done\n{script}\n')
        hf.chmod(0o755)
        return self.run_engine("pull", "org/name", code=code, ENGINE_CACHE=str(cache),
                               PATH=f"{programs}:{os.environ['PATH']}")

    def test_pull_keeps_a_repository_only_when_it_can_be_loaded(self):
        result = self.pull_with("exit 7", code=1)
        self.assertIn("org/name", result.errors)
        result = self.pull_with(f"cp {HF}/*.safetensors $to", code=1)
        self.assertIn("config.json", result.errors)
        cached = DIRECTORY / "cache/models/org--name"
        self.assertFalse(cached.exists())
        result = self.pull_with(f"cp {HF}/* $to")  # what came before is taken up
        self.assertEqual(result.text.strip(), str(cached))
        self.assertIn("org/name", self.run_engine("models", ENGINE_CACHE=str(DIRECTORY / "cache")).text)
        self.run_engine("run", "org/name", "-p", "hello", *ANSWER, ENGINE_CACHE=str(DIRECTORY / "cache"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
