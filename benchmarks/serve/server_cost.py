#!/usr/bin/env python3
"""What a server adds to its engine: server_cost.py ENGINE MODEL [--streams 1,8,32,128] [--tokens 64]

The engine's thread has one core, everything else of the server and the load generator the other. For each number of
streams: tokens per second over HTTP and of the same load submitted in process, pinned likewise; and the time on a CPU of
the server's other threads per token, by thread. Names of threads tell them apart (`top -H`)."""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "server"))
import server_process  # noqa: E402

ENGINE_CORE, OTHER_CORE = 0, 1


def threads_of(pid):
    """Thread id -> name."""
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            threads[int(task.name)] = (task / "comm").read_text().strip()
    return threads


def pin_engine(pid):
    """Whether the engine's thread was there to be pinned; everything else already has the other core."""
    engines = [thread for thread, name in threads_of(pid).items() if name == "engine"]
    for thread in engines:
        os.sched_setaffinity(thread, {ENGINE_CORE})
    return bool(engines)


def cpu_seconds(pid):
    """Time on a CPU by name of thread."""
    seconds = {}
    for thread, name in threads_of(pid).items():
        with contextlib.suppress(OSError):
            nanoseconds = int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
            seconds[name] = seconds.get(name, 0) + nanoseconds / 1e9
    return seconds


def bench(engine, *arguments):
    process = subprocess.Popen([engine, "bench", "serve", "--ignore-eos", "-o", "json", *arguments],
                               stdout=subprocess.PIPE, text=True)
    if "--in-process" in arguments:
        while not pin_engine(process.pid):
            time.sleep(0.01)
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(output)
    return json.loads(output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("model")
    parser.add_argument("--streams", default="1,8,32,128")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2, help="answers of each stream")
    options = parser.parse_args()
    streams = [int(n) for n in options.streams.split(",")]
    os.sched_setaffinity(0, {OTHER_CORE})  # inherited
    limits = ["--threads", "1", "--max-num-seqs", str(max(streams)), "--max-model-len",
              str(2 * (options.prompt + options.tokens)), "--num-speculative-tokens", "0", "--no-enable-prefix-caching"]
    server = server_process.Server(options.engine, options.model, *limits, "--no-access-log")
    try:
        pin_engine(server.process.pid)
        print("| streams | tokens/s over HTTP | in process | ratio | us of CPU per token | by thread |")
        print("|---:|---:|---:|---:|---:|---|")
        for count in streams:
            load = ["--max-concurrency", str(count), "--num-prompts", str(count * options.rounds), "--random-input-len",
                    str(options.prompt), "--random-output-len", str(options.tokens), "--num-warmups", "1"]
            before = cpu_seconds(server.process.pid)
            over_http = bench(options.engine, "--base-url", server.url, *load)
            after = cpu_seconds(server.process.pid)
            in_process = bench(options.engine, "--in-process", options.model, *limits, *load)
            tokens = over_http["total_output_tokens"] + options.tokens  # and of the request that warmed up
            micros = {name: (after[name] - before.get(name, 0)) / tokens * 1e6 for name in after}
            micros.pop("engine")
            rates = over_http["output_throughput"], in_process["output_throughput"]
            shown = ", ".join(f"{name} {value:.1f}" for name, value in sorted(micros.items(), key=lambda m: -m[1])
                              if value >= 0.1)
            print(f"| {count} | {rates[0]:.0f} | {rates[1]:.0f} | {rates[0] / rates[1]:.3f} | "
                  f"{sum(micros.values()):.1f} | {shown} |", flush=True)
    finally:
        server.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
