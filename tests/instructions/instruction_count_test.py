#!/usr/bin/env python3
"""Holds the instructions of a decode step against the recorded ones: instruction_count_test.py DECODE_STEPS COMPILER [--record]

Instructions are counted by callgrind on AVX2 code (valgrind has no AVX-512) with one thread, and only inside Runner::Run.
They do not depend on clocks, cores or neighbours, so they show a step that became dearer where no timing could. They do
depend on the compiler, whose name is recorded with them.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

RECORD = pathlib.Path(__file__).with_name("decode_step.json")
FORMATS = ("q4_0", "q4_k", "q8_0")
TOKENS = 32
STEPS = TOKENS + 1  # the prompt is one token
MOST_GROWTH = 0.03


def count(program, weights):
    """Instructions of a step: those inside Runner::Run."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", "--toggle-collect=engine::Runner::Run(*", "--callgrind-out-file=out",
                   program, weights, str(TOKENS)]
        environment = {**os.environ, "ENGINE_CPU_ISA": "avx2"}
        result = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode != 0 or not collected or int(collected[1]) == 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return int(collected[1]) // STEPS


def reason_to_skip():
    if shutil.which("valgrind") is None:
        return "valgrind is not installed; scripts/setup test installs it"
    if " avx2 " not in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"):
        return "this machine has no AVX2, whose code is counted"
    return None


def main():
    program, compiler = os.path.abspath(sys.argv[1]), sys.argv[2]
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    records = "--record" in sys.argv
    reason = reason_to_skip()
    if not records and compiler != recorded["compiler"]:
        reason = f"built by {compiler}; the counts are those of {recorded['compiler']}"
    if reason:
        print(f"SKIPPED: {reason}")
        return 0
    with concurrent.futures.ThreadPoolExecutor() as pool:
        counts = dict(zip(FORMATS, pool.map(lambda weights: count(program, weights), FORMATS)))
    if records:
        RECORD.write_text(json.dumps({"compiler": compiler, **counts}, indent=2) + "\n", encoding="utf-8")
        return 0
    failures = 0
    for weights, instructions in counts.items():
        growth = instructions / recorded[weights] - 1
        print(f"{weights}: {instructions} instructions per step, {growth:+.2%} from {recorded[weights]}")
        failures += growth > MOST_GROWTH
    if failures:
        print(f"a decode step may grow by {MOST_GROWTH:.0%}; if it has to be dearer, or has become cheaper, record it:\n"
              f"  {sys.executable} {__file__} {program} '{compiler}' --record")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
