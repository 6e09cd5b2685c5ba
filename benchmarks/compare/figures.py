"""From records of single runs to the figures of a report: medians, of ratios wherever two things are compared."""

import statistics

GIGA, TERA = 1e9, 1e12


def median(values):
    """None without values."""
    values = list(values)
    return statistics.median(values) if values else None


def median_ratio(numerators, denominators):
    """The median over the keys that both have: what was measured in the same round is compared."""
    return median(numerators[key] / denominators[key] for key in numerators if key in denominators)


def by_round(records, engine, field, **where):
    return {record["round"]: field(record) for record in records
            if record["engine"] == engine and all(record[key] == value for key, value in where.items())}


# Bandwidth on shared hosts flips between states within seconds: where the probes before and after differ by more than
# this, nobody knows which roof a run had.
STEADY_RATIO = 1.15


def share_of_roof(records, engine, test, kind, amount):
    """The median over the rounds with a steady roof: `amount` of a token, times tokens per second, of what can be done."""
    shares = []
    for record in records:
        probes = record["before"][kind], record["after"][kind]
        if record["engine"] == engine and record["test"] == test.name and max(probes) <= STEADY_RATIO * min(probes):
            shares.append(record["tokens_per_second"] * amount / statistics.mean(probes))
    return median(shares)


def dots_of(model):
    """The probe that its prompts are held against."""
    return "bf16" if model["format"] == "bf16" else "int8"


def kv_bytes(model, tokens, kv_bits):
    return model["kv_values"] * tokens * kv_bits / 8


def bytes_per_token(model, test, kv_bits):
    """What one step of one sequence must read: weights, and the cache at the middle of the generation."""
    return model["token_bytes"] + kv_bytes(model, test.prompt + test.generate / 2, kv_bits)


def test_figures(model, records, engine, test, kv_bits):
    """A batch has no share: its steps are bound neither by memory nor by arithmetic alone."""
    rate = median(by_round(records, engine, lambda r: r["tokens_per_second"], test=test.name).values())
    if test.reads_prompts:
        share = share_of_roof(records, engine, test, dots_of(model), model["token_operations"])
        return {"tokens_per_second": rate, "share": share, "tops": rate * model["token_operations"] / TERA}
    if test.batch > 1 or test.speculate:
        return {"tokens_per_second": rate}
    size = bytes_per_token(model, test, kv_bits)
    return {"tokens_per_second": rate, "share": share_of_roof(records, engine, test, "read", size),
            "gigabytes_per_second": rate * size / GIGA}


def speed_figures(model, records, engine, tests, kv_bits):
    """By the name of the test; only those that the engine did."""
    done = {record["test"] for record in records if record["engine"] == engine}
    return {test.name: test_figures(model, records, engine, test, kv_bits) for test in tests if test.name in done}


def cold_figures(model, records, engine, cold_test, kv_bits):
    ours = [record for record in records if record["engine"] == engine]
    needed = model["weight_bytes"] + kv_bytes(model, cold_test.prompt + cold_test.generate, kv_bits)
    return {
        "load_seconds": median(record["load_seconds"] for record in ours),
        "first_request_seconds": median(record["first_seconds"][0] for record in ours),
        "last_request_seconds": median(record["first_seconds"][-1] for record in ours),
        "first_over_last": median(record["first_seconds"][0] / record["first_seconds"][-1] for record in ours),
        "peak_bytes": median(record["peak_bytes"] for record in ours),
        "peak_over_needed": median(record["peak_bytes"] / needed for record in ours),
    }


def ratio_of_runs(records, numerator, denominator):
    """How many times faster one (engine, test's name) was than another."""
    rates = [by_round(records, engine, lambda r: r["tokens_per_second"], test=test)
             for engine, test in (numerator, denominator)]
    return median_ratio(*rates)


def speed_ratios(records, ours, peer, tests):
    """How many times faster we are, by the name of the test."""
    ratios = {test.name: ratio_of_runs(records, (ours, test.name), (peer, test.name)) for test in tests}
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}


def load_ratio(records, ours, peer):
    """How many times faster we load."""
    times = [by_round(records, engine, lambda r: r["load_seconds"]) for engine in (ours, peer)]
    return median_ratio(times[1], times[0])


def roofs(records):
    """kind -> (least, median, greatest) of all probes, per second."""
    probes = [record[side] for record in records for side in ("before", "after")]
    kinds = ("read", "int8", "bf16")
    return {kind: (min(p[kind] for p in probes), median(p[kind] for p in probes), max(p[kind] for p in probes))
            for kind in kinds} if probes else {}
