"""Engines side by side: in each round every engine does each test once, in turn, with probes of the machine between.

Resident engines that do not have their turn are stopped, so that no spinning thread of theirs takes a core. An engine
that fails is left out from then on, and its reason is kept.
"""

import dataclasses
import random
import time

import machine
from worker import WorkerFailure

FIRST_TOKEN_REQUESTS = 10
SETTLE_S = 0.05


@dataclasses.dataclass(frozen=True)
class Test:
    name: str
    prompt: int
    generate: int
    batch: int = 1
    kept_prompt: bool = False  # the same in each round, so that a prefix cache holds it
    text: tuple = ()  # the prompt's tokens, for those that must mean something
    speculate: bool = False

    @property
    def reads_prompts(self):
        return self.generate == 1

    def tokens_per_second(self, answer):
        if self.reads_prompts:
            return self.prompt * self.batch / answer["first_seconds"]
        return answer["rest_tokens"] / answer["rest_seconds"]


# Of every model.
PROMPT_TEST, DECODE_TEST = Test("pp512", 512, 1), Test("tg32", 16, 33)
BASIC_TESTS = (PROMPT_TEST, DECODE_TEST)
# Of each shape in one format.
DEPTH_TEST = Test("tg32 @4096", 4096, 33, kept_prompt=True)
BATCH_TESTS = (Test("tg32 b8", 16, 33, batch=8), Test("tg16 b32", 16, 17, batch=32))
FIRST_TOKEN_TEST = Test("first", 32, 1)
# The memory of an engine that serves one person.
COLD_TEST = Test("pp512 and tg32", 512, 33)


SPECULATING = ", speculating"


def speculation_tests(text):
    """Without and with speculation: prose that goes on, and a passage that is copied, as an editor's answer mostly is."""
    passage = text[:200]
    for name, tokens in (("prose", passage), ("editing", passage + passage + passage[:24])):
        for speculate in (False, True):
            yield Test(name + SPECULATING * speculate, len(tokens), 129, text=tokens, speculate=speculate)


def prompts_of(test, vocab, seed):
    if test.text:
        return [list(test.text)]
    draws = random.Random(f"{test.name} {0 if test.kept_prompt else seed}")
    # Without the last tokens of a vocabulary, which are special ones.
    return [[draws.randrange(vocab - 512) for _ in range(test.prompt)] for _ in range(test.batch)]


class Bench:
    """One model under several engines: (engine, configuration) pairs. `failures` has the reason of each that failed."""

    def __init__(self, model, contestants, threads, probe, log_folder, say):
        self.model, self.contestants, self.threads = model, contestants, threads
        self.probe, self.log_folder, self.say = probe, log_folder, say
        self.failures = {}

    def start(self, engine, configuration, context, sequences):
        return engine.start(self.model.path, self.threads, context, sequences, configuration, self.log_folder)

    def ask(self, worker, test, seed):
        return worker.ask({"prompts": prompts_of(test, self.model.vocab, seed), "generate": test.generate,
                           "speculate": test.speculate})

    def fail(self, engine, failure):
        self.failures[engine.name] = str(failure)
        self.say(f"{self.model.name}: {engine.name} failed: {failure}")

    def probed(self, worker, test, seed, before):
        """One run of a test: its rate, the probes around it, and the share of time that other programs took."""
        worker.resume()
        self.ask(worker, FIRST_TOKEN_TEST, seed)  # wakes its threads
        busy, own, start = machine.busy_seconds(), worker.cpu_seconds(), time.perf_counter()
        answer = self.ask(worker, test, seed)
        seconds = time.perf_counter() - start
        others = machine.busy_seconds() - busy - (worker.cpu_seconds() - own)
        worker.pause()
        time.sleep(SETTLE_S)
        return {"test": test.name, "tokens_per_second": test.tokens_per_second(answer), "before": before,
                "after": self.probe.measure(), "others": max(0.0, others / seconds / self.threads)}

    def run_resident(self, tests, rounds, deadline):
        """Records of all engines, loaded once: of as many rounds as begin before the deadline, and of two at least."""
        context = max(test.prompt + test.generate for test in tests) + 64
        sequences = max(test.batch for test in tests)
        workers, records = {}, []
        try:
            for engine, configuration in self.contestants:
                self._enter(workers, engine, configuration, context, sequences, tests)
            for i in range(rounds):
                if i < 2 or time.monotonic() < deadline:
                    records += self._round(i, workers, tests)
        finally:
            for worker in workers.values():
                worker.close()
        return records

    def _enter(self, workers, engine, configuration, context, sequences, tests):
        try:
            workers[engine] = worker = self.start(engine, configuration, context, sequences)
            for test in self._tests_of(engine, tests):  # touches every page, and reads the prompts that are kept
                self.ask(worker, test, -1)
            worker.pause()
        except WorkerFailure as failure:
            workers.pop(engine, None)
            self.fail(engine, failure)

    def _tests_of(self, engine, tests):
        return [test for test in tests if engine.speculates or not test.speculate]

    def _round(self, number, workers, tests):
        records = []
        for test in tests:
            before = self.probe.measure()
            order = list(workers)
            turn = number % max(len(order), 1)
            for engine in order[turn:] + order[:turn]:  # who goes first takes turns
                if test not in self._tests_of(engine, tests):
                    continue
                try:
                    record = self.probed(workers[engine], test, number, before)
                except WorkerFailure as failure:
                    workers.pop(engine)
                    self.fail(engine, failure)
                    continue
                records.append({"engine": engine.name, "round": number, **record})
                before = record["after"]
                self.say(f"{self.model.name}: round {number + 1}, {test.name}: {engine.name} "
                         f"{record['tokens_per_second']:.1f} tok/s")
        return records

    def run_cold(self, rounds):
        """Records of engines that are started, used for a few requests and ended: load, first tokens, memory."""
        return [record for number in range(rounds) for engine, configuration in self.contestants
                if engine.name not in self.failures and (record := self._start_cold(number, engine, configuration))]

    def _start_cold(self, number, engine, configuration):
        self.model.read()  # from disk once; from then on loading measures the engine
        try:
            worker = self.start(engine, configuration, COLD_TEST.prompt + COLD_TEST.generate + 64, 1)
            first = [self.ask(worker, FIRST_TOKEN_TEST, seed)["first_seconds"] for seed in range(FIRST_TOKEN_REQUESTS)]
            self.ask(worker, COLD_TEST, number)
        except WorkerFailure as failure:
            return self.fail(engine, failure)
        record = {"engine": engine.name, "round": number, "first_seconds": first,
                  "load_seconds": worker.loaded["load_seconds"], "peak_bytes": worker.peak_bytes()}
        worker.close()
        self.say(f"{self.model.name}: {engine.name} loaded in {record['load_seconds']:.2f} s, "
                 f"peak {record['peak_bytes'] / 1e6:.0f} MB")
        return record

    def sweep(self, engine):
        """Tokens per second of each configuration that runs, reading and making tokens."""
        rows = []
        for configuration in engine.configurations:
            rates = {}
            try:
                worker = self.start(engine, configuration, 1024, 1)
                for test in BASIC_TESTS:
                    self.ask(worker, test, -1)
                    rates[test.name] = max(test.tokens_per_second(self.ask(worker, test, seed)) for seed in range(2))
            except WorkerFailure as failure:
                self.say(f"{engine.name} {configuration}: {failure}")
                continue
            worker.close()
            rows.append({"configuration": configuration, **rates})
            self.say(f"{engine.name} {configuration}: " + ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()))
        return rows


def best_configuration(rows):
    """The one with the greatest product of its rates."""
    return max(rows, key=lambda row: row[PROMPT_TEST.name] * row[DECODE_TEST.name])["configuration"]
