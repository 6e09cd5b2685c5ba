"""Our engine beside others: same models, same threads, same prompts, in turn. Writes a page, its figures and a plot.

    python3 benchmarks/compare/compare.py

README.md beside this file says what is measured and how.
"""

import argparse
import datetime
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import engines
import machine
import measure
import own
import plot
import quality
import report
import synthetic
from model import Model

QUALITY_TOKENS, QUICK_QUALITY_TOKENS = 4096, 1024


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse_arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one shape and format, few rounds, no depth, no sweep: 4 minutes")
    parser.add_argument("--minutes", type=float, help="for all models, 16 (--quick: 2); each has two rounds at least")
    parser.add_argument("--shape", nargs="*", choices=synthetic.SHAPES)
    parser.add_argument("--format", nargs="+", choices=synthetic.FORMATS,
                        help="depth, batches, loading and memory are measured in the first alone")
    parser.add_argument("--model", nargs="*", default=[], help="GGUF files to compare on as well")
    parser.add_argument("--no-real", action="store_true", help="leave SmolLM2-135M out: its answers and speculation")
    parser.add_argument("--peer", nargs="*", choices=engines.PEERS, default=["llama_cpp", "openvino"])
    parser.add_argument("--kv-cache-dtype", default="auto", help="ours")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=8, help="of the tests, at most")
    parser.add_argument("--models", type=pathlib.Path, default=engines.ENVIRONMENTS / "models",
                        help="where synthetic checkpoints are kept")
    parser.add_argument("--output", type=pathlib.Path, default=engines.ROOT / "docs/benchmarks")
    arguments = parser.parse_args(words)
    if arguments.shape is None:
        arguments.shape = ["qwen3-0.6b"] if arguments.quick else ["qwen3-0.6b", "qwen3-1.7b"]
    arguments.format = arguments.format or (["q4_0"] if arguments.quick else ["q4_0", "q4_k", "q8_0", "bf16"])
    if arguments.minutes is None:
        arguments.minutes = 2 if arguments.quick else 16
    return arguments


def command_text():
    """What was typed, without folders, which are this machine's own."""
    folders = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    folders.add_argument("--models")
    folders.add_argument("--output")
    _, words = folders.parse_known_args(sys.argv[1:])
    return shlex.join(["python3", "benchmarks/compare/compare.py",
                       *(pathlib.Path(word).name if "/" in word else word for word in words)])


def install(peers):
    """(those that are here now, name -> why another is not)."""
    failures = {}
    for peer in peers:
        try:
            engines.install(peer)
        except engines.InstallFailure as failure:
            failures[peer.name] = f"not installed: {failure}"
            say(f"{peer.name} is {failures[peer.name]}")
    return [peer for peer in peers if peer.name not in failures], failures


class Comparison:
    def __init__(self, arguments):
        self.arguments = arguments
        self.logs = engines.ENVIRONMENTS / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.ours = engines.ours(arguments.kv_cache_dtype)
        self.peers, self.install_failures = install([engines.PEERS[key] for key in arguments.peer])
        self.probe = machine.RoofProbe(engines.BUILD / "benchmarks/roof_probe", arguments.threads)
        self.tests = {}  # of all models, by name

    def models(self):
        """(the model, its tests, whether loading and memory are measured), small ones first."""
        for shape in self.arguments.shape:
            for weight_format in self.arguments.format:
                first = weight_format == self.arguments.format[0]
                tests = measure.BASIC_TESTS + measure.BATCH_TESTS * first
                if not self.arguments.quick:
                    tests += (measure.DEPTH_TEST,) * first
                yield Model(synthetic.ensure_checkpoint(self.arguments.models, shape, weight_format)), tests, first
        for path in self.arguments.model:
            yield Model(path), measure.BASIC_TESTS + measure.BATCH_TESTS + (measure.DEPTH_TEST,), True

    def bench(self, model, contestants=()):
        return measure.Bench(model, contestants, self.arguments.threads, self.probe, self.logs, say)

    def runs_alone(self, is_first):
        if not is_first:
            return {}
        return own.SHORT_RUNS if self.arguments.quick else own.SHORT_RUNS | own.LONG_RUNS

    def sweep(self, model):
        """(rows for the report, engine -> configuration)."""
        rows, chosen = [], {engine: engine.configurations[0] for engine in (self.ours, *self.peers)}
        for peer in [] if self.arguments.quick else self.peers:
            if tried := self.bench(model).sweep(peer):
                chosen[peer] = measure.best_configuration(tried)
                rows.append({"engine": peer.name, "rows": tried, "chosen": chosen[peer]})
        return rows, chosen

    def real_model(self):
        """(rows of quality, the model and its tests)."""
        if self.arguments.no_real:
            return [], []
        say("the divergence of every engine's answers on SmolLM2-135M")
        tokens = QUICK_QUALITY_TOKENS if self.arguments.quick else QUALITY_TOKENS
        try:
            rows = quality.measure(self.peers, tokens)
        except (OSError, subprocess.CalledProcessError) as failure:
            say(f"SmolLM2-135M is left out: {failure}")
            return [{"name": "every engine", "failure": str(failure)}], []
        tests = measure.BASIC_TESTS + tuple(measure.speculation_tests(quality.text()))
        return rows, [(Model(quality.MODEL), tests, False)]

    def measure(self):
        """All of the report but what was typed."""
        answers, real = self.real_model()
        models = [*real, *self.models()]
        own_runs = own.OwnRuns(self.arguments.threads, self.logs, say)
        sweeps, chosen = self.sweep(next((model for model, _, is_first in models if is_first), models[0][0]))
        end, results = time.monotonic() + 60 * self.arguments.minutes, []
        tests_left = sum(len(tests) for _, tests, _ in models)
        for model, tests, is_first in models:
            bench = self.bench(model, list(chosen.items()))
            deadline = time.monotonic() + (end - time.monotonic()) * len(tests) / tests_left
            tests_left -= len(tests)
            records = bench.run_resident(tests, self.arguments.rounds, deadline)
            cold = bench.run_cold(1 if self.arguments.quick else 3) if is_first else []
            self.tests |= {test.name: test for test in tests}
            results.append({**model.describe(), "records": records, "cold_records": cold,
                            "own": own_runs.of_model(model, self.runs_alone(is_first), is_first),
                            "failures": self.install_failures | bench.failures})
        self.probe.close()
        installed = {engine.name: {"version": engines.version_of(engine), "kv_bits": engine.kv_bits,
                                   "installed_bytes": engines.installed_bytes(engine)}
                     for engine in (self.ours, *self.peers)}
        made = {"date": datetime.date.today().isoformat(), "plot": "compare.svg", "machine": machine.describe(),
                "threads": self.arguments.threads, "engines": installed, "sweeps": sweeps, "models": results,
                "quality": answers, "kernels": None if self.arguments.quick else own_runs.kernels(),
                "own_failures": own_runs.failures}
        report.summarise(made, self.tests.values())
        return made


def write(comparison, folder):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in comparison.items()]
    (folder / "compare.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    (folder / "compare.md").write_text(report.page(comparison))
    (folder / "compare.svg").write_text(plot.speed_chart(comparison))
    say(f"wrote compare.md, compare.json and compare.svg into {folder}")


def main():
    arguments = parse_arguments()
    subprocess.run(["cmake", "--build", engines.BUILD, "--target", "engine", "engine_worker", "roof_probe"], check=True,
                   stdout=sys.stderr)
    write({"command": command_text()} | Comparison(arguments).measure(), arguments.output)


if __name__ == "__main__":
    main()
