#!/usr/bin/env python3
"""The pure parts of benchmarks/compare: medians of ratios, tables, the page and the plot."""

import pathlib
import re
import sys
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks/compare"))
import figures  # noqa: E402  (the path above leads to it)
import measure  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import targets  # noqa: E402

PROMPT, DECODE, BATCH = measure.PROMPT_TEST, measure.DECODE_TEST, measure.BATCH_TESTS[0]
PLAIN = measure.Test("prose", 3, 9, text=(1, 2, 3))
SPECULATING = measure.Test("prose" + measure.SPECULATING, 3, 9, text=(1, 2, 3), speculate=True)
TESTS = [PROMPT, DECODE, BATCH, PLAIN, SPECULATING]

MODEL = {"name": "small", "format": "q4_0", "weight_bytes": 1000, "token_bytes": 1000, "token_operations": 50,
         "kv_values": 10}
PEER = "a <peer>"


def probe(read, int8=1e3):
    return {"read": read, "int8": int8, "bf16": int8 / 2}


def record(engine, test, round_number, rate, before=1e6, after=1e6, others=0.0):
    return {"engine": engine, "test": test.name, "round": round_number, "tokens_per_second": rate,
            "before": probe(before), "after": probe(after), "others": others}


def cold(engine, round_number, load_seconds, first, last, peak_bytes):
    return {"engine": engine, "round": round_number, "load_seconds": load_seconds,
            "first_seconds": [first, first, last], "peak_bytes": peak_bytes}


class Figures(unittest.TestCase):
    def test_a_ratio_pairs_what_was_measured_in_the_same_round(self):
        # The machine ran at half speed in round 1; either engine's median alone would hide that we are twice as fast.
        rates = {"engine": [100, 50, 120], "peer": [50, 25, 30]}
        records = [record(name, DECODE, i, rate) for name, all_rates in rates.items()
                   for i, rate in enumerate(all_rates)]
        self.assertEqual({"tg32": 2.0}, figures.speed_ratios(records, "engine", "peer", [DECODE, PROMPT]))

    def test_rounds_that_one_engine_lacks_do_not_count(self):
        self.assertEqual(3, figures.median_ratio({0: 1, 1: 30, 2: 7}, {1: 10, 3: 1}))
        self.assertIsNone(figures.median_ratio({0: 1}, {1: 1}))

    def test_decode_is_held_against_the_memory_read_beside_it(self):
        # In the middle of 33 tokens after 16: 32.5 * 10 values * 2 bytes beside 1000 of weights.
        step_bytes = 1000 + 32.5 * 20
        records = [record("engine", DECODE, i, 100, before=0.95 * read, after=1.05 * read)
                   for i, read in enumerate((200 * step_bytes, 400 * step_bytes, 125 * step_bytes))]
        found = figures.test_figures(MODEL, records, "engine", DECODE, 16)
        self.assertAlmostEqual(0.5, found["share"])
        self.assertAlmostEqual(100 * step_bytes / 1e9, found["gigabytes_per_second"])

    def test_a_run_whose_roof_changed_meanwhile_has_no_share(self):
        changed = record("engine", PROMPT, 0, 10)
        changed["after"] = probe(1e6, int8=2 * changed["before"]["int8"])
        self.assertIsNone(figures.test_figures(MODEL, [changed], "engine", PROMPT, 16)["share"])
        both = figures.test_figures(MODEL, [changed, record("engine", PROMPT, 1, 10)], "engine", PROMPT, 16)
        self.assertAlmostEqual(0.5, both["share"])

    def test_prompts_are_held_against_the_dot_products_of_the_format(self):
        records = [record("engine", PROMPT, 0, 10)]
        for weight_format, share in (("q4_0", 0.5), ("bf16", 1.0)):
            found = figures.test_figures(MODEL | {"format": weight_format}, records, "engine", PROMPT, 16)
            self.assertAlmostEqual(share, found["share"])

    def test_memory_is_held_against_weights_and_the_cache_in_use(self):
        needed = 1000 + 545 * 10 * 2
        found = figures.cold_figures(MODEL, [cold("engine", 0, 2, 0.3, 0.2, 3 * needed)], "engine", measure.COLD_TEST, 16)
        self.assertAlmostEqual(3, found["peak_over_needed"])
        self.assertAlmostEqual(1.5, found["first_over_last"])

    def test_the_best_configuration_has_the_greatest_product(self):
        rows = [{"configuration": {"a": i}, "pp512": pp, "tg32": tg} for i, (pp, tg) in
                enumerate(((100, 10), (90, 12), (300, 1)))]
        self.assertEqual({"a": 1}, measure.best_configuration(rows))

    def test_only_kept_prompts_repeat(self):
        kept = measure.Test("kept", 8, 2, kept_prompt=True)
        self.assertEqual(measure.prompts_of(kept, 1024, 1), measure.prompts_of(kept, 1024, 2))
        self.assertNotEqual(measure.prompts_of(DECODE, 1024, 1), measure.prompts_of(DECODE, 1024, 2))
        first, second = measure.prompts_of(measure.Test("two", 8, 2, batch=2), 1024, 1)
        self.assertNotEqual(first, second)


def comparison():
    records = [record(engine, test, i, rate * (i + 1)) for test in (PROMPT, DECODE, BATCH) for i in range(2)
               for engine, rate in (("engine", 40), (PEER, 10))]
    records += [record("engine", test, i, rate) for test, rate in ((PLAIN, 20), (SPECULATING, 30)) for i in range(2)]
    starts = [cold("engine", 0, 1, 0.1, 0.1, 20000), cold(PEER, 0, 4, 0.4, 0.2, 60000)]
    made = {
        "date": "2026-01-01", "command": "make compare", "plot": "compare.svg", "threads": 2,
        "machine": {"cpu": "a processor", "cores": 2, "last_cache_bytes": 2**25, "memory_bytes": 2**34, "isa": ["avx2"]},
        "engines": {name: {"version": "1.0", "kv_bits": 16, "installed_bytes": 5e6} for name in ("engine", PEER)},
        "sweeps": [{"engine": PEER, "chosen": {"hint": 1}, "rows": [
            {"configuration": {"hint": 1}, "pp512": 10, "tg32": 2}, {"configuration": {}, "pp512": 9, "tg32": 2}]}],
        "models": [{**MODEL, "records": records, "cold_records": starts, "failures": {}, "own": {
            "avx2": {"rows": [{"test": "pp512", "tokens_per_second": 8, "share": 0.5}]}}}],
        "kernels": None, "own_failures": {"small: pp4096": "no room"},
        "quality": [{"name": "f32", "divergence": 0, "divergence_99": 0, "agreement": 1, "perplexity": 20},
                    {"name": PEER, "failure": "no logits"}],
    }
    report.summarise(made, TESTS)
    return made


class Targets(unittest.TestCase):
    def rows(self, name="qwen3-0.6b-q4_0", own=None, **more):
        made = comparison()
        made["models"][0] |= {"name": name, "own": own or {}}
        made |= more
        return {target.figure: (limit, measured, met) for target, limit, measured, met in targets.rows_of(made)}

    def test_a_figure_is_held_against_its_limit(self):
        rows = self.rows()
        self.assertEqual((4.2, 1.0, False), rows["batch of 8, times our own single stream"])
        self.assertEqual((1.2, 4.0, True), rows["Q4_0 decode, times the best peer"])
        limit, measured, met = rows["resident memory"]
        self.assertAlmostEqual(1.05 * (1000 + 545 * 10 * 2) + 30e6, limit)
        self.assertEqual((20000, True), (measured, met))

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        self.assertEqual((0.60, None, None), self.rows()["pp4096, of the least time"])
        self.assertEqual((1.3, None, None), self.rows()["Q4_0 pp512, times OpenVINO"])

    def test_models_that_were_left_out_have_no_targets(self):
        self.assertNotIn("Q4_0 pp512, of the int8 peak", self.rows(name="small"))

    def test_the_cost_of_determinism_is_the_speed_that_is_lost(self):
        level = {"numerics": "invariant", "prompt_tokens": 512, "speed_ratio": 1.0}
        own = {"determinism": {"rows": [level, level | {"numerics": "fast", "speed_ratio": 1.25},
                                        level | {"prompt_tokens": 0, "numerics": "fast", "speed_ratio": 1.0}]}}
        rows = self.rows(own=own)
        self.assertEqual((0.10, False), (rows["cost of determinism, pp512"][0], rows["cost of determinism, pp512"][2]))
        self.assertAlmostEqual(0.2, rows["cost of determinism, pp512"][1])
        self.assertEqual((0.03, 0, True), rows["cost of determinism, decode"])

    def test_kernels_alone_are_one_figure_weighed_by_time(self):
        rows = self.rows(kernels={"rows": [{"us": 1, "share": 0.5}, {"us": 3, "share": 0.9}]})
        limit, measured, met = next(row for figure, row in rows.items() if figure.startswith("int8 weights"))
        self.assertAlmostEqual(0.8, measured)
        self.assertEqual((0.78, True), (limit, met))

    def test_starts_of_a_packed_file_have_a_median(self):
        self.assertEqual((0.1, 0.09, True), self.rows(own={"packed": [0.3, 0.09, 0.08]})["load from a packed file"])


class Page(unittest.TestCase):
    def test_every_row_of_every_table_has_the_cells_of_its_header(self):
        page = report.page(comparison())
        tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
        self.assertEqual(10, len(tables))
        for table in tables:
            counts = {line.count("|") for line in table.splitlines()}
            self.assertEqual(1, len(counts), table)

    def test_the_page_says_how_many_times_as_fast_we_are(self):
        page = report.page(comparison())
        self.assertIn(f"| small | {PEER} | 4.00 | 4.00 | 4.00 | 4.00 |", page)
        self.assertIn("hint = 1 | **chosen** | 10.0 | 2.0 |", page)
        self.assertIn("make compare", page)

    def test_speculation_has_rows_of_its_own(self):
        page = report.page(comparison())
        self.assertIn("| small | engine | prose | 20.0", page)
        self.assertIn("| 30.0 | 1.50 |", page)
        self.assertIn("| model | engine | pp512 | tg32 | tg32 b8 | pp512 TOPS |", page)

    def test_an_engine_that_failed_is_a_row_with_its_reason_and_no_ratio(self):
        made = comparison()
        model = made["models"][0]
        model["records"] = [r for r in model["records"] if r["engine"] == "engine"]
        model["cold_records"] = model["cold_records"][:1]
        model["failures"] = {PEER: "no | such\nformat"}
        report.summarise(made, TESTS)
        page = report.page(made)
        self.assertEqual({}, model["ratios"])
        self.assertIn(f"| small | {PEER} | failed: no / such format | – | – | – |", page)
        self.assertIn(f"| {PEER} | failed: no logits | – | – | – |", page)

    def test_another_instruction_set_has_a_table_and_a_run_that_failed_its_reason(self):
        page = report.page(comparison())
        self.assertIn("| small | 8.0 (50 %) | – |", page)
        self.assertIn("Not measured: small: pp4096: no room", page)

    def test_nothing_measured_is_still_a_page(self):
        made = comparison()
        model = made["models"][0] | {"records": [], "cold_records": [], "failures": {"engine": "no model"}}
        made |= {"models": [model], "sweeps": [], "quality": []}
        report.summarise(made, [])
        self.assertIn("failed: no model", report.page(made))
        xml.etree.ElementTree.fromstring(plot.speed_chart(made))

    def test_the_plot_is_a_document_with_a_bar_for_every_share(self):
        root = xml.etree.ElementTree.fromstring(plot.speed_chart(comparison()))
        titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(4, len(titles))
        self.assertTrue(any(title.startswith(PEER) for title in titles))


if __name__ == "__main__":
    unittest.main(verbosity=2)
