"""Every target, with what was measured for it: the limits that the engine is held to on two cores with AVX-512."""

import dataclasses
from collections.abc import Callable

import figures
from measure import COLD_TEST, SPECULATING

OURS = "engine"
LLAMA_CPP, OPENVINO = "llama.cpp", "OpenVINO GenAI"
SMALL, LARGE, REAL = "qwen3-0.6b", "qwen3-1.7b", "SmolLM2-135M-Instruct.Q4_1"


@dataclasses.dataclass(frozen=True)
class Target:
    figure: str
    model: str  # empty: of none
    measure: Callable  # of the model's results, or of the comparison: None where it was not measured
    limit: float | Callable | None = None  # None: printed only. Callable: of the model's results too
    at_most: bool = False
    unit: str = "%"  # of the limit and the figure: "%" of something, "x", "s", "MB"

    def row(self, comparison):
        """(self, limit, measured, whether it is met or None), or None where the model was not measured."""
        results = next((model for model in comparison["models"] if model["name"] == self.model), None)
        if not self.model:
            results = comparison
        if results is None:
            return None
        measured = self.measure(results)
        limit = self.limit(results) if callable(self.limit) else self.limit
        met = None
        if measured is not None and limit is not None:
            met = measured <= limit if self.at_most else measured >= limit
        return self, limit, measured, met


def share(test):
    return lambda model: model["speed"].get(OURS, {}).get(test, {}).get("share")


def over(peer, test):
    return lambda model: model["ratios"].get(peer, {}).get(test)


def over_best(test):
    """The least of the ratios to peers."""
    def measure(model):
        ratios = [ratios[test] for ratios in model["ratios"].values() if ratios.get(test) is not None]
        return min(ratios, default=None)
    return measure


def over_own(test, base):
    return lambda model: figures.ratio_of_runs(model["records"], (OURS, test), (OURS, base))


def cold(name):
    return lambda model: model["cold"].get(OURS, {}).get(name)


def own(run, field, prompt=None, numerics=None):
    """`field` of the row of an own run that reads prompts (or, prompt = False, makes tokens) at a level of numerics."""
    def measure(model):
        rows = model["own"].get(run, {}).get("rows", [])
        found = [row[field] for row in rows if (prompt is None or prompt == (row["prompt_tokens"] > 0))
                 and (numerics is None or row["numerics"] == numerics)]
        return found[0] if found else None
    return measure


def price(run, prompt):
    """How much faster the fast level is, as the share of its speed that is lost without it."""
    def measure(model):
        gain = own(run, "speed_ratio", prompt, "fast")(model)
        return None if gain is None else 1 - 1 / gain
    return measure


def first_token(model):
    return model["own"].get("first token", {}).get("first_token", {}).get("later_over_step")


def packed_seconds(model):
    return figures.median(model["own"].get("packed", []))


def kernel_share(comparison):
    """Of all shapes together: the time at the roof over the time taken."""
    rows = (comparison["kernels"] or {}).get("rows", [])
    return sum(row["us"] * row["share"] for row in rows) / sum(row["us"] for row in rows) if rows else None


def most_memory(model):
    """1.05 times what it takes and 30 MB."""
    needed = model["weight_bytes"] + figures.kv_bytes(model, COLD_TEST.prompt + COLD_TEST.generate, 16)
    return 1.05 * needed + 30e6


def targets_of_shape(shape, prompt, over_openvino):
    q4, test = f"{shape}-q4_0", "pp512"
    return [
        Target("Q4_0 pp512, of the int8 peak", q4, share(test), prompt),
        Target("Q4_0 pp512, times llama.cpp", q4, over(LLAMA_CPP, test), 2.2, unit="x"),
        Target("Q4_0 pp512, times OpenVINO", q4, over(OPENVINO, test), over_openvino, unit="x"),
        Target("Q4_K pp512, of the int8 peak", f"{shape}-q4_k", share(test), 0.58),
        Target("Q8_0 pp512, of the int8 peak", f"{shape}-q8_0", share(test), 0.62),
        Target("bf16 pp512, of the bf16 peak", f"{shape}-bf16", share(test), 0.85),
        Target("Q8_0 decode, of the read roof", f"{shape}-q8_0", share("tg32"), 0.95),
        Target("bf16 decode, of the read roof", f"{shape}-bf16", share("tg32"), 0.95),
        Target("pp4096, of the least time", q4, own("pp4096", "time_share"), 0.60),
        Target("decode at depth 4,096, int8 cache, of the read roof", q4, own("int8 cache", "share"), 0.85),
        Target("load from GGUF, times llama.cpp's speed", q4, over(LLAMA_CPP, "load"), 1.0, unit="x"),
        Target("load from a packed file", q4, packed_seconds, 0.1, at_most=True, unit="s"),
        Target("resident memory", q4, cold("peak_bytes"), most_memory, at_most=True, unit="MB"),
        Target("first request over the tenth", q4, cold("first_over_last"), 1.05, at_most=True, unit="x"),
        Target("TTFT of 32 tokens over the step that reads them", q4, first_token, 1.15, at_most=True, unit="x"),
        Target("cost of determinism, decode", q4, price("determinism", False), 0.03, at_most=True),
        Target("cost of determinism, pp512", q4, price("determinism", True), 0.10, at_most=True),
        Target("cost of determinism, decode at depth 4,096", q4, price("determinism @4096", False)),
    ]


TARGETS = [
    Target("Q4_0 decode, of the read roof", f"{LARGE}-q4_0", share("tg32"), 0.94),
    Target("Q4_0 decode, times llama.cpp", f"{LARGE}-q4_0", over(LLAMA_CPP, "tg32"), 1.15, unit="x"),
    Target("Q4_0 decode, times OpenVINO", f"{LARGE}-q4_0", over(OPENVINO, "tg32"), 2.0, unit="x"),
    Target("Q4_K decode, of the read roof", f"{LARGE}-q4_k", share("tg32"), 0.90),
    Target("Q4_K decode, times llama.cpp", f"{LARGE}-q4_k", over(LLAMA_CPP, "tg32"), 1.15, unit="x"),
    Target("Q4_K decode, times OpenVINO", f"{LARGE}-q4_k", over(OPENVINO, "tg32"), 2.0, unit="x"),
    Target("Q4_0 decode, of the read roof", f"{SMALL}-q4_0", share("tg32"), 0.88),
    Target("Q4_0 decode, times the best peer", f"{SMALL}-q4_0", over_best("tg32"), 1.2, unit="x"),
    Target("Q4_1 decode, of the read roof", REAL, share("tg32"), 0.75),
    Target("batch of 8, times OpenVINO", f"{SMALL}-q4_0", over(OPENVINO, "tg32 b8"), 2.2, unit="x"),
    Target("batch of 8, times our own single stream", f"{SMALL}-q4_0", over_own("tg32 b8", "tg32"), 4.2, unit="x"),
    Target("batch of 32, times OpenVINO", f"{SMALL}-q4_0", over(OPENVINO, "tg16 b32"), 1.7, unit="x"),
    *targets_of_shape(SMALL, 0.62, 1.3),
    *targets_of_shape(LARGE, 0.66, 1.5),
    Target("int8 weights with a scale per row, 512 rows, kernels alone, of the int8 peak", "", kernel_share, 0.78),
    Target("speculation, editing", REAL, over_own("editing" + SPECULATING, "editing"), 1.8, unit="x"),
    Target("speculation, prose", REAL, over_own("prose" + SPECULATING, "prose"), 0.98, unit="x"),
]


def rows_of(comparison):
    """(target, limit, measured, met) of each whose model was measured."""
    return [row for target in TARGETS if (row := target.row(comparison))]
