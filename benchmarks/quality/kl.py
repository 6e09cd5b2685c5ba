"""How far do quantised inference engines stray from their own weights? KL divergence on real text.

    python -m venv .oracle && .oracle/bin/pip install numpy gguf tokenizers
    .oracle/bin/python benchmarks/quality/kl.py --candidate NAME COMMAND

README.md beside this file explains the method, the options and the file formats.
"""

import argparse
import dataclasses
import json
import pathlib
import shlex
import subprocess
import sys

import gguf
import numpy as np

import llama_gguf
import material

ROOT = pathlib.Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests/models"))
from numpy_decoder import forward  # noqa: E402  (the path above leads to it)


@dataclasses.dataclass
class Score:
    """Figures of one candidate, an entry for each token seen."""
    divergence: list = dataclasses.field(default_factory=list)
    agrees: list = dataclasses.field(default_factory=list)
    surprise: list = dataclasses.field(default_factory=list)

    def add(self, reference, candidate, next_tokens):
        """reference and candidate are log-probabilities [tokens, vocab] over one window."""
        self.divergence.extend((np.exp(reference) * (reference - candidate)).sum(-1, dtype=np.float64))
        self.agrees.extend(reference.argmax(-1) == candidate.argmax(-1))
        self.surprise.extend(-candidate[np.arange(len(next_tokens)), next_tokens])

    def mean(self):
        return float(np.mean(self.divergence))

    def figures(self):
        return {"divergence": self.mean(), "divergence_99": float(np.quantile(self.divergence, 0.99)),
                "agreement": float(np.mean(self.agrees)), "perplexity": float(np.exp(np.mean(self.surprise)))}

    def cells(self):
        found = self.figures()
        return [f"{found['divergence']:.5f}", f"{found['divergence_99']:.4f}", f"{100 * found['agreement']:.2f} %",
                f"{found['perplexity']:.3f}"]


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def round_to_int8(group):
    """docs/numerics.md, rule 4: one scale for each token and group of `group` values, round half to even."""

    def rounded(x):
        tokens, size = x.shape
        groups = np.pad(x, ((0, 0), (0, -size % group))).reshape(tokens, -1, group)
        scale = np.abs(groups).max(-1, keepdims=True) / np.float32(127)
        values = np.clip(np.rint(groups / np.where(scale == 0, 1, scale)), -127, 127) * scale
        return values.reshape(tokens, -1)[:, :size]

    return rounded


def run_candidate(command, model, tokens, window, cache):
    """The logits [tokens, vocab] that `command` writes for the tokens, mapped."""
    tokens_path, logits_path = cache / "tokens.bin", cache / "logits.bin"
    tokens.tofile(tokens_path)
    fields = {"model": model, "tokens": tokens_path, "window": window, "logits": logits_path}
    subprocess.run([part.format(**fields) for part in shlex.split(command)], check=True)
    logits = np.memmap(logits_path, "<f4", mode="r")
    logits_path.unlink()  # nearly a gigabyte; the mapping keeps it until we end
    if logits.size % len(tokens):
        raise ValueError(f"it wrote {logits.size} logits, not a row for each of {len(tokens)} tokens")
    return logits.reshape(len(tokens), -1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / ".oracle/quality", help="where downloads are kept")
    parser.add_argument("--model", type=pathlib.Path, help="another GGUF file of the llama architecture")
    parser.add_argument("--text", type=pathlib.Path, help="another text")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--groups", type=int, nargs="*", default=[32, 64, 128], help="int8 activation groups in numpy")
    parser.add_argument("--candidate", nargs=2, action="append", default=[], metavar=("NAME", "COMMAND"),
                        help="a command with {model} {tokens} {window} {logits}; may be given several times")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures to this file")
    return parser.parse_args()


def candidates_of(arguments, model, config, weights, tokens):
    """name -> the function that gives the logits of tokens[start:end]; and name -> why there are none."""

    def numpy_candidate(group):
        return lambda start, end: forward(config, weights, tokens[start:end], round_to_int8(group))

    def command_candidate(name, command):
        logits = run_candidate(command, model, tokens, arguments.window, arguments.cache)
        return lambda start, end: logits[start:end]

    candidates = {f"numpy, A = {group}": numpy_candidate(group) for group in arguments.groups}
    failures = {}
    for name, command in arguments.candidate:
        try:
            candidates[name] = command_candidate(name, command)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            failures[name] = str(error)
    return candidates, failures


def score_all(candidates, reference_of, tokens, window):
    scores = {name: Score() for name in candidates}
    perplexity = Score()
    for start in range(0, len(tokens), window):
        end = start + window
        next_tokens = tokens[start + 1:end]
        reference = log_softmax(reference_of(start, end))
        perplexity.add(reference, reference, next_tokens)
        for name, logits_of in candidates.items():
            scores[name].add(reference, log_softmax(np.asarray(logits_of(start, end))), next_tokens)
        print(f"\r{end} of {len(tokens)} tokens", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"numpy, f32": perplexity} | scores


def print_table(scores):
    print("| computed by | mean KL | 99th percentile | top-1 agreement | perplexity |")
    print("|---|---|---|---|---|")
    for name, score in scores.items():
        print("| " + " | ".join([name, *score.cells()]) + " |")
    names = [name for name, score in scores.items() if score.mean() > 0]
    for i, name in enumerate(names):
        for other in names[i + 1:]:
            print(f"mean KL of ({other}) over ({name}): {scores[other].mean() / scores[name].mean():.3f}")


def main():
    arguments = parse_arguments()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    model = arguments.model or material.fetch_weights(arguments.cache)
    text = arguments.text.read_text(encoding="utf-8") if arguments.text else material.fetch_text(arguments.cache)
    reader = gguf.GGUFReader(model)
    tokens = material.tokenize(reader, text)[:arguments.tokens]
    tokens = tokens[:len(tokens) // arguments.window * arguments.window]  # whole windows only
    if not len(tokens):
        sys.exit(f"the text has fewer tokens than one window of {arguments.window}; give a longer --text")
    config, weights = llama_gguf.load(reader)
    candidates, failures = candidates_of(arguments, model, config, weights, tokens)

    def reference_of(start, end):
        return forward(config, weights, tokens[start:end])

    scores = score_all(candidates, reference_of, tokens, arguments.window)
    print_table(scores)
    for name, reason in failures.items():
        print(f"{name} failed: {reason}")
    if arguments.json:
        rows = [{"name": name, **score.figures()} for name, score in scores.items()]
        rows += [{"name": name, "failure": reason} for name, reason in failures.items()]
        arguments.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
