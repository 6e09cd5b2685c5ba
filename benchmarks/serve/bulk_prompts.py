#!/usr/bin/env python3
"""What --prefill-share costs who sends many long prompts at once: bulk_prompts.py ENGINE MODEL [--shares 1,0.6,0.4]

In process, with the engine's thread on a core of its own; the shares take turns in each round. The time that this thread
runs until all answers have ended, over that of the first share: the median of the rounds, and their range. It has work
all the while, and what else the machine does is not counted. With answers of one token nobody ever waits for a next
one."""

import argparse

import pinned

PROMPT = 2000


def seconds_of(options, share, tokens):
    load = ["--random-input-len", PROMPT, "--random-output-len", tokens, "--num-prompts", options.prompts]
    limits = ["--max-num-seqs", options.prompts, "--max-model-len", 4096, "--prefill-share", share]
    _, seconds = pinned.bench_in_process(options.engine, options.model, *load, *limits)
    return seconds["engine"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("model")
    parser.add_argument("--shares", default="1,0.6,0.4")
    parser.add_argument("--tokens", default="1,16,128", help="of an answer")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pinned.take_other_core()
    first, *others = options.shares.split(",")
    print(f"| tokens of an answer | seconds with {first} | " + " | ".join(f"{share} ÷ {first}" for share in others) + " |")
    print("|---:" * (2 + len(others)) + "|", flush=True)
    for tokens in options.tokens.split(","):
        seconds = {share: [] for share in (first, *others)}
        for _ in range(options.rounds):
            for share, runs in seconds.items():
                runs.append(seconds_of(options, share, tokens))
        cells = []
        for share in others:
            ratios = sorted(run / base for run, base in zip(seconds[share], seconds[first]))
            cells.append(f"{ratios[len(ratios) // 2]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        base = sorted(seconds[first])[options.rounds // 2]
        print(f"| {tokens} | {base:.1f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
