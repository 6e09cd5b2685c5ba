#!/usr/bin/env python3
"""What prompts of 2,000 tokens cost those that stream: long_prompts.py ENGINE MODEL [--shares 1,0.6,0.5,0.4,0.3] [--plot FILE]

For each --prefill-share: the time between tokens of streams in a run in which such prompts arrive, one when the last one
is read, and how fast these are read: the tokens of a prompt over the median time to its first token. Then that time for
a prompt whose beginning is in the prefix cache, beside one that is not. The plot shows the time between tokens over each
run, and by percentile. The engine's thread has a core of its own."""

import argparse
import pathlib
import signal

import latency_plot
import pinned

PROMPT = 2000


def median(values):
    return sorted(values)[len(values) // 2]


def print_cached(engine, server):
    """Prompts of a run begin alike: the first one reads that, the others find it."""
    load = ["--base-url", server.url, "--save-detailed", "--random-output-len", 4, "--max-concurrency", 1]
    shared = pinned.result_of(pinned.start_bench(engine, *load, "--random-prefix-len", PROMPT, "--random-input-len", 8,
                                                 "--num-prompts", 8))["ttfts"]
    fresh = pinned.result_of(pinned.start_bench(engine, *load, "--random-input-len", PROMPT + 8, "--num-prompts", 2,
                                                "--seed", 1))["ttfts"]
    cached, uncached = median(shared[1:]), median([shared[0], *fresh])
    print(f"first token of {PROMPT} tokens: {uncached * 1e3:.0f} ms, cached {cached * 1e3:.1f} ms: {cached / uncached:.1%}",
          flush=True)


def print_row(server, options, share):
    """The results of the streams and of the prompts."""
    load = ["--base-url", server.url, "--save-detailed"]
    streams = pinned.start_bench(options.engine, *load, "--random-input-len", 8, "--random-output-len", options.tokens,
                                 "--num-prompts", options.streams, "--metric-percentiles", "90,99,100")
    prompts = pinned.result_of(pinned.start_bench(options.engine, *load, "--random-input-len", PROMPT,
                                                  "--random-output-len", 1, "--num-prompts", options.prompts,
                                                  "--max-concurrency", 1, "--seed", 2))
    first = prompts["median_ttft_ms"]
    result = pinned.result_of(streams)
    gaps = [result[f"{name}_itl_ms"] for name in ("median", "p90", "p99", "p100")]
    print(f"| {share} | " + " | ".join(f"{gap:.1f}" for gap in gaps) + f" | {gaps[2] / gaps[0]:.2f} | "
          f"{first:.0f} | {PROMPT / first * 1e3:.0f} |", flush=True)
    return result, prompts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("model")
    parser.add_argument("--shares", default="1,0.6,0.5,0.4,0.3")
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=400, help="of each stream")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--plot", help="an SVG file")
    options = parser.parse_args()
    pinned.take_other_core()
    print("| share | median ms | P90 | P99 | longest | P99 / median | first token of a prompt, ms | tokens/s of a prompt |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    shares = options.shares.split(",")
    runs = {}
    for share in shares:
        server = pinned.start_server(options.engine, options.model, "--prefill-share", share, "--max-num-seqs",
                                     options.streams + options.prompts, "--max-model-len", 4096)
        try:
            runs[f"--prefill-share {share}"] = print_row(server, options, share)
            if share == shares[-1]:
                print_cached(options.engine, server)
        finally:
            server.end(signal.SIGKILL)
    if options.plot:
        pathlib.Path(options.plot).write_text(latency_plot.draw_latency(runs, f"{options.streams} streams"),
                                              encoding="utf-8")


if __name__ == "__main__":
    main()
