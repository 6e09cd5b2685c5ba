#!/usr/bin/env python3
"""What a server adds to its engine: server_cost.py ENGINE MODEL [--streams 1,8,32,128] [--tokens 64]

The engine's thread has one core, everything else of the server and the load generator the other. For each number of
streams: tokens per second over HTTP and of the same load submitted in process, pinned likewise, which take turns, as the
machine's speed changes; and the time on a CPU of the server's other threads per token. Part of that is the output thread's
own work, text from tokens, which an engine in process has too."""

import argparse
import signal

import pinned


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("model")
    parser.add_argument("--streams", default="1,8,32,128")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    streams = [int(n) for n in options.streams.split(",")]
    pinned.take_other_core()
    limits = ["--max-num-seqs", str(max(streams)), "--max-model-len", str(2 * (options.prompt + options.tokens)),
              "--no-enable-prefix-caching"]
    server = pinned.start_server(options.engine, options.model, *limits)
    print("| streams | tokens/s over HTTP | ratio to in process | us of CPU per token | output thread in process | by thread |")
    print("|---:|---:|---:|---:|---:|---|")
    try:
        for count in streams:
            # Few streams go on for longer, so that each run takes about a second or more.
            tokens = max(options.tokens, 256 // count)
            load = ["--max-concurrency", count, "--num-prompts", count, "--random-input-len", options.prompt,
                    "--random-output-len", tokens]
            total = options.rounds * count * tokens
            ratios, rates, inside, before = [], [], 0, pinned.cpu_seconds(server.process.pid)
            for _ in range(options.rounds):
                rates.append(pinned.result_of(
                    pinned.start_bench(options.engine, "--base-url", server.url, *load))["output_throughput"])
                result, seconds = pinned.bench_in_process(options.engine, options.model, *limits, *load)
                ratios.append(rates[-1] / result["output_throughput"])
                inside += seconds.get("output", 0)
            after = pinned.cpu_seconds(server.process.pid)
            micros = {name: (after[name] - before.get(name, 0)) / total * 1e6 for name in after if name != "engine"}
            shown = ", ".join(f"{name} {value:.1f}" for name, value in sorted(micros.items(), key=lambda m: -m[1])
                              if value >= 0.1)
            print(f"| {count} | {median(rates):.0f} | {median(ratios):.3f} | {sum(micros.values()):.1f} | "
                  f"{inside / total * 1e6:.1f} | {shown} |", flush=True)
    finally:
        server.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
