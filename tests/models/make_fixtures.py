"""Make tests/models/fixtures: tiny random models, a prompt each, and what Hugging Face transformers answers.

    python -m venv .oracle
    .oracle/bin/pip install --no-deps torch
    .oracle/bin/pip install numpy filelock typing_extensions sympy networkx jinja2 fsspec setuptools
    .oracle/bin/pip install transformers==5.23.0
    .oracle/bin/python tests/models/torch_cpu_stubs.py .oracle/lib/python3*/site-packages
    .oracle/bin/python tests/models/make_fixtures.py [NAME...]

The fixtures in the repository were made with torch 2.15.0 and transformers 5.23.0. Each is a folder:
    config.json    the checkpoint's config
    fixture.json   seed, tensors (name, shape, centre, step, checksum; portable_weights.py draws them), prompt, the
                   positions whose logits are stored, the greedy continuation, and three figures: `oracle_error` (the
                   largest difference between transformers in f32 and numpy_decoder.py in double), `greedy_margin` (the
                   smallest lead of a chosen token) and `largest_logit`
    logits.bin     little-endian float32 [positions, vocab_size]
"""

import copy
import itertools
import json
import pathlib
import sys

import numpy as np
import torch
import transformers

from cases import CASES
from numpy_decoder import forward
from portable_weights import checksum, draw_tokens, draw_weights

FIRST_SEED = 1
NUM_GREEDY = 8
# A continuation is only worth comparing when rounding cannot flip it; other seeds are tried until it is.
MIN_GREEDY_MARGIN = 0.1
MAX_ORACLE_ERROR = 2e-4


def distribution(name, shape):
    """centre and step such that hidden states stay near 1 and logits reach a few units."""
    if name.endswith("norm.weight"):
        return 1.0, 2.0**-7
    if name.endswith(".bias"):
        return 0.0, 2.0**-8
    # j is uniform in [-128, 128), so a product over k inputs of size 1 has deviation step * 128 * sqrt(k / 3).
    # Embeddings stay small beside what the layers add; otherwise a tied model only repeats its input.
    gain = 4.0 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.5
    return 0.0, 2.0 ** round(np.log2(gain * np.sqrt(3 / shape[1]) / 128))


def build(case, seed):
    """The transformers model, its tensor list as the fixture stores it, and the weights by name."""
    config = transformers.AutoConfig.for_model(**copy.deepcopy(case.config))  # it rewrites nested settings in place
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    model.eval()
    tensors, weights = [], {}
    for name, parameter in model.named_parameters():  # lists a tied head once, as the embedding
        shape = list(parameter.shape)
        centre, step = distribution(name, shape)
        weights[name] = draw_weights(seed, name, shape, centre, step)
        tensors.append({"name": name, "shape": shape, "centre": centre, "step": step,
                        "checksum": f"{checksum(weights[name]):016x}"})
        parameter.data.copy_(torch.from_numpy(weights[name]))
    return model, tensors, weights


@torch.no_grad()
def logits_of(model, tokens):
    return model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()


def continue_greedily(model, prompt, used_vocab):
    """The next NUM_GREEDY tokens, and the smallest lead that one of them had."""
    tokens, margin = list(prompt), np.inf
    for _ in range(NUM_GREEDY):
        row = logits_of(model, tokens)[-1, :used_vocab]
        second, first = np.sort(row)[-2:]
        margin = min(margin, first - second)
        tokens.append(int(row.argmax()))
    return tokens[len(prompt):], float(margin)


def rounded(figure):
    return float(f"{figure:.3g}")


def draw_model(case, used_vocab):
    """The case under the first seed whose greedy continuation is clear: (model, weights, the fixture so far)."""
    for seed in itertools.count(FIRST_SEED):
        model, tensors, weights = build(case, seed)
        prompt = draw_tokens(seed, "prompt", case.prompt, used_vocab)
        greedy, margin = continue_greedily(model, prompt, used_vocab)
        if margin >= MIN_GREEDY_MARGIN:
            return model, weights, {"seed": seed, "prompt": prompt, "greedy": greedy,
                                    "greedy_margin": rounded(margin), "tensors": tensors}


def make(case, directory):
    vocab_size = case.config["vocab_size"]
    used_vocab = case.used_vocab or vocab_size
    model, weights, fixture = draw_model(case, used_vocab)
    logits = logits_of(model, fixture["prompt"])
    double_weights = {name: weight.astype(np.float64) for name, weight in weights.items()}
    second_opinion = forward(case.config, double_weights, fixture["prompt"])
    oracle_error = float(np.abs(logits - second_opinion).max())
    if oracle_error > MAX_ORACLE_ERROR:
        sys.exit(f"{case.name}: transformers and numpy_decoder.py differ by {oracle_error:g}; "
                 f"above {MAX_ORACLE_ERROR:g} one of them is wrong")

    positions = list(range(case.prompt - 1, -1, -case.every))[::-1]  # the last position is always among them
    fixture = {"traps": case.traps, "vocab_size": vocab_size, "used_vocab": used_vocab, "positions": positions,
               "oracle_error": rounded(oracle_error), "largest_logit": rounded(np.abs(logits).max())} | fixture
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(case.config, indent=2) + "\n")
    (directory / "fixture.json").write_text(one_item_a_line(fixture))
    logits[positions].astype("<f4").tofile(directory / "logits.bin")
    print(f"{case.name}: seed {fixture['seed']}, oracle error {oracle_error:.1e}, greedy margin "
          f"{fixture['greedy_margin']:.2f}, logits to {fixture['largest_logit']:.1f}", flush=True)


def one_item_a_line(fixture):
    """JSON whose diffs read well: one key a line, and one tensor a line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in fixture.items() if key != "tensors"]
    tensors = ",\n".join("    " + json.dumps(tensor) for tensor in fixture["tensors"])
    return "{\n" + ",\n".join(lines) + ',\n  "tensors": [\n' + tensors + "\n  ]\n}\n"


def main():
    torch.set_num_threads(1)
    unknown = set(sys.argv[1:]) - {case.name for case in CASES}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; cases.py has {', '.join(case.name for case in CASES)}")
    for case in CASES:
        if len(sys.argv) == 1 or case.name in sys.argv[1:]:
            make(case, pathlib.Path(__file__).parent / "fixtures" / case.name)


if __name__ == "__main__":
    main()
