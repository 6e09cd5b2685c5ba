"""A comparison as a page of Markdown."""

import figures
import targets
from measure import COLD_TEST, SPECULATING
from targets import OURS


def table(header, rows, left=1):
    """The first `left` columns are words, the others numbers."""
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [header, rule, *rows])


def number(value, digits=1):
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value, digits=0):
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def megabytes(value):
    return number(value / 1e6, 0)


def speed_cell(figure):
    if figure is None:
        return "–"
    text = number(figure["tokens_per_second"])
    return f"{text} ({percent(figure['share'])})" if "share" in figure else text


def failed_row(cells, reason, columns):
    """A row of a table for what has no figures but a reason, which may hold what a table gives a meaning."""
    row = [*cells, "failed: " + " ".join(reason.replace("|", "/").split())]
    return row + ["–"] * (columns - len(row))


def speed_table(comparison):
    tests = comparison["tests"]
    header, rows = ["model", "engine", *tests, "pp512 TOPS"], []
    for model in comparison["models"]:
        for engine, speeds in model["speed"].items():
            tops = speeds.get("pp512", {}).get("tops")
            rows.append([model["name"], engine, *(speed_cell(speeds.get(test)) for test in tests), number(tops, 3)])
        rows += [failed_row([model["name"], engine], reason, len(header)) for engine, reason in model["failures"].items()]
    return table(header, rows, left=2)


def ratio_table(comparison):
    columns = [*comparison["tests"], "load"]
    rows = [[model["name"], peer, *(number(ratios.get(column), 2) for column in columns)]
            for model in comparison["models"] for peer, ratios in model["ratios"].items()]
    return table(["model", "engine over", *columns], rows, left=2)


def speculation_table(comparison):
    rows = [[model["name"], engine, test, speed_cell(speeds[test]), speed_cell(speeds[test + SPECULATING]),
             number(figures.ratio_of_runs(model["records"], (engine, test + SPECULATING), (engine, test)), 2)]
            for model in comparison["models"] for engine, speeds in model["speed"].items()
            for test in speeds if test + SPECULATING in speeds]
    return table(["model", "engine", "answer", "without", "with", "ratio"], rows, left=3)


def cold_table(comparison):
    rows = [[model["name"], engine, number(cold["load_seconds"], 2), number(1e3 * cold["first_request_seconds"], 0),
             number(1e3 * cold["last_request_seconds"], 0), number(cold["first_over_last"], 2),
             megabytes(cold["peak_bytes"]), number(cold["peak_over_needed"], 2)]
            for model in comparison["models"] for engine, cold in model["cold"].items()]
    return table(["model", "engine", "load s", "first request ms", "tenth ms", "first / tenth", "peak MB",
                  "peak / (weights + KV)"], rows, left=2)


def engine_table(comparison):
    rows = [[name, engine["version"], megabytes(engine["installed_bytes"]), number(engine["kv_bits"], 1)]
            for name, engine in comparison["engines"].items()]
    return table(["engine", "version", "installed MB", "KV cache bits"], rows, left=2)


def settings_text(configuration):
    return ", ".join(f"{name} = {value}" for name, value in configuration.items()) or "defaults"


def sweep_table(comparison):
    rows = [[sweep["engine"], settings_text(row["configuration"]),
             "**chosen**" if row["configuration"] == sweep["chosen"] else "", number(row["pp512"]), number(row["tg32"])]
            for sweep in comparison["sweeps"] for row in sweep["rows"]]
    return table(["engine", "settings", "", "pp512", "tg32"], rows, left=3)


def quality_table(comparison):
    header = ["computed by", "mean KL", "99th percentile", "top-1 agreement", "perplexity"]
    rows = [failed_row([row["name"]], row["failure"], len(header)) if "failure" in row else
            [row["name"], number(row["divergence"], 5), number(row["divergence_99"], 4), percent(row["agreement"], 2),
             number(row["perplexity"], 3)] for row in comparison["quality"]]
    return table(header, rows)


def in_unit(value, unit):
    texts = {"%": percent, "x": lambda v: number(v, 2) + " ×", "s": lambda v: number(v, 2) + " s",
             "MB": lambda v: megabytes(v) + " MB"}
    return "–" if value is None else texts[unit](value)


def target_table(comparison):
    rows = []
    for target, limit, measured, met in targets.rows_of(comparison):
        bound = "–" if limit is None else ("≤ " if target.at_most else "≥ ") + in_unit(limit, target.unit)
        rows.append([target.figure, target.model, bound, in_unit(measured, target.unit),
                     {None: "", True: "yes", False: "**no**"}[met]])
    return table(["figure", "model", "target", "measured", "met"], rows, left=2)


def avx2_table(comparison):
    """As the main table, by `engine bench` alone."""
    rows = []
    for model in comparison["models"]:
        cells = {row["test"]: f"{number(row['tokens_per_second'])} ({percent(row['share'])})"
                 for row in model["own"].get("avx2", {}).get("rows", [])}
        if cells:
            rows.append([model["name"], *(cells.get(test, "–") for test in ("pp512", "tg32"))])
    return table(["model", "pp512", "tg32"], rows)


def not_measured(comparison):
    return [f"Not measured: {label}: {reason}" for label, reason in comparison["own_failures"].items()]


def machine_text(comparison):
    machine = comparison["machine"]
    roofs = table(["probe", "least", "median", "greatest"],
                  [[name, *(number(value / 1e9, 1) for value in comparison["roofs"][kind])]
                   for kind, name in (("read", "read, GB/s"), ("int8", "int8 dot products, GOP/s"),
                                      ("bf16", "bf16 dot products, GOP/s")) if kind in comparison["roofs"]])
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['last_cache_bytes'] / 2**20:.0f} MiB of last cache, "
            f"{machine['memory_bytes'] / 2**30:.0f} GiB of memory; {', '.join(machine['isa'])}. "
            f"{comparison['threads']} threads for every engine.\n\n{roofs}")


METHOD = """Every round, each engine in turn does each test once while the others are stopped; the machine is probed
before and after each. A share is of the mean of those two probes, where they agree within 15 %: of the memory that can be
read where tokens are made (weights and KV cache in the engine's own format), of int8 dot products (bf16 for bf16 weights)
where prompts are read, counting the linear layers alone. Cells are medians, and ratios are medians of the rounds' ratios.
"b8" and "b32" are aggregates of so many sequences, "@4096" has so many tokens in the cache. No engine speculates there.
Load, first tokens (32-token prompts) and memory (a prompt of 512 tokens and 32 more) are those of new processes with the
file in the page cache."""


def section(title, text, rows, content):
    """Nothing where there is nothing to show."""
    return [f"## {title}", text, "", content, ""] if rows else []


def page(comparison):
    others = comparison["others"]
    has_cold = any(model["cold"] for model in comparison["models"])
    return "\n".join([
        "# Beside other engines", "",
        f"Made on {comparison['date']} by", "```", comparison["command"], "```",
        "from weights that are random, but for SmolLM2's: their speed is that of the real shapes.", "",
        f"![Shares of the machine's roofs]({comparison['plot']})", "",
        *section("Targets", "What we hold ourselves to on two cores with AVX-512. A cost is the share of the fast level's "
                 "speed that is lost.", targets.rows_of(comparison), target_table(comparison)),
        *not_measured(comparison),
        *section("Speed", "Tokens per second, and the share of the roof.", True, speed_table(comparison)),
        "How many times as fast as the peer:", "", ratio_table(comparison), "",
        *section("AVX2", "Ours, where there is no AVX-512 (`ENGINE_CPU_ISA=avx2`).",
                 any("avx2" in model["own"] for model in comparison["models"]), avx2_table(comparison)),
        *section("Speculative decoding", "Tokens per second of answers by real weights; the text is the same.",
                 comparison["speculates"], speculation_table(comparison)),
        *section("Load, first tokens, memory", "", has_cold, cold_table(comparison)),
        *section("Quality", "SmolLM2-135M-Instruct Q4_1 against an f32 forward of the same weights "
                 "([method](../../benchmarks/quality/README.md)).", comparison["quality"], quality_table(comparison)),
        *section("Engines", "", True, engine_table(comparison)),
        *section("Settings of the peers", "The best of these by the product of both rates, on the smallest shape in the "
                 "first format. None of them changes the answers.", comparison["sweeps"], sweep_table(comparison)),
        *section("Machine", "", True, machine_text(comparison)),
        f"Other programs took {percent(others['median'])} of the processors (median of the runs; at most "
        f"{percent(others['greatest'])}).", "",
        "## Method", METHOD, ""])


def summarise(comparison, tests):
    """Adds what is computed from the records: speed, cold, ratios, roofs, others."""
    plain, everything = [test for test in tests if not test.text], []
    for model in comparison["models"]:
        records, cold = model["records"], model["cold_records"]
        bits = {name: engine["kv_bits"] for name, engine in comparison["engines"].items()}
        names = [name for name in bits if any(record["engine"] == name for record in records)]
        model["speed"] = {name: figures.speed_figures(model, records, name, tests, bits[name]) for name in names}
        model["cold"] = {name: figures.cold_figures(model, cold, name, COLD_TEST, bits[name]) for name in bits
                         if any(record["engine"] == name for record in cold)}
        model["ratios"] = {peer: figures.speed_ratios(records, OURS, peer, plain) | {
            "load": figures.load_ratio(cold, OURS, peer)} for peer in names if peer != OURS}
        everything += records
    comparison["tests"] = [test.name for test in plain]
    comparison["speculates"] = any(test.speculate for test in tests)
    comparison["roofs"] = figures.roofs(everything)
    shares = [record["others"] for record in everything]
    comparison["others"] = {"median": figures.median(shares), "greatest": max(shares, default=None)}
