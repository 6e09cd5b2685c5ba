"""What is asked of our engine alone, by `engine bench`: long prompts, the price of determinism, first tokens, another
instruction set, kernels without a checkpoint of their format; and how soon a packed file is ready."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

import engines
from measure import COLD_TEST
from worker import WorkerFailure

DEPTH = ("-d", "4096")
AVX2 = {"ENGINE_CPU_ISA": "avx2"}
PACKED_STARTS = 3

# Name -> arguments of `engine bench MODEL`.
SHORT_RUNS = {
    "determinism": ("-p", "512", "-n", "16", "-r", "4", "--numerics", "invariant,fast"),
    "first token": ("-p", "0", "-n", "0", "--ttft", "-r", "5"),
}
LONG_RUNS = {
    "pp4096": ("-p", "4096", "-n", "0", "-r", "1"),
    "int8 cache": ("-p", "0", "-n", "16", "-r", "3", *DEPTH, "--kv-cache-dtype", "int8"),
    "determinism @4096": ("-p", "0", "-n", "16", "-r", "3", *DEPTH, "--numerics", "invariant,fast"),
}
AVX2_RUN = ("-p", "512", "-n", "32", "-r", "2")
W8_RUN = ("ops", "--op", "linear,gated_mlp", "--format", "w8", "--rows", "512")


class OwnRuns:
    """`failures` has the reason of each run that failed."""

    def __init__(self, threads, log_folder, say):
        self.threads, self.log_folder, self.say = threads, log_folder, say
        self.failures = {}

    def of_model(self, model, runs, packs):
        """name -> the document that a run printed; where it is packed as well, "packed" -> seconds until each start."""
        made = {name: self.bench((model.path, *words), f"{model.name}: {name}") for name, words in runs.items()}
        made["avx2"] = self.bench((model.path, *AVX2_RUN), f"{model.name}: avx2", AVX2)
        if packs:
            made["packed"] = self.packed(model)
        return {name: result for name, result in made.items() if result}

    def bench(self, words, label, environment=None):
        self.say(f"{label}: ours alone")
        run = subprocess.run([engines.BUILD / "cli/engine", "bench", *words, "-t", str(self.threads), "-o", "json"],
                             env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)
        if run.returncode == 0:
            return json.loads(run.stdout)
        self.fail(label, (run.stderr.strip().splitlines() or ["it printed nothing"])[-1])
        return None

    def kernels(self):
        """Products by int8 weights with a scale per row, which no GGUF file has."""
        return self.bench(W8_RUN, "w8 kernels")

    def packed(self, model):
        """Seconds until a packed file is ready."""
        label = f"{model.name}: packed"
        self.say(f"{label}: ours alone")
        with tempfile.TemporaryDirectory(dir=model.path.parent) as folder:
            path = pathlib.Path(folder) / "model.pack"
            try:
                subprocess.run([engines.BUILD / "cli/engine", "pack", model.path, "-o", path], check=True,
                               capture_output=True)
                return [self._start(path) for _ in range(PACKED_STARTS)]
            except (subprocess.CalledProcessError, WorkerFailure) as failure:
                self.fail(label, str(failure))
                return None

    def _start(self, path):
        engine = engines.ours("auto")
        context = COLD_TEST.prompt + COLD_TEST.generate + 64
        with contextlib.closing(engine.start(path, self.threads, context, 1, engine.configurations[0],
                                             self.log_folder)) as worker:
            return worker.loaded["load_seconds"]

    def fail(self, label, reason):
        self.failures[label] = reason
        self.say(f"{label} failed: {reason}")
