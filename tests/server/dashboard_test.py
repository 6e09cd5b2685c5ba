#!/usr/bin/env python3
"""Every metric and label of our Grafana dashboard, and every metric of vLLM's own, is served:
dashboard_test.py ENGINE WRITE_TINY_MODELS DASHBOARD"""

import json
import pathlib
import re
import signal
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS, DASHBOARD = sys.argv.pop(1), sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
# A name that is neither a function nor a word of the language; the selector that may follow it.
METRIC = re.compile(r"\b(engine_\w+)(\{[^}]*\})?")
SCRAPED = {"job", "instance"}  # Prometheus adds these

# What vLLM's dashboards ask for: examples/observability in its repository, the overview, service status, and KV cache
# without connectors.
VLLMS = """
cache_config_info e2e_request_latency_seconds_bucket e2e_request_latency_seconds_count e2e_request_latency_seconds_sum
engine_sleep_state generation_tokens_total gpu_cache_usage_perc inter_token_latency_seconds_bucket
iteration_tokens_total_bucket kv_cache_usage_perc num_preemptions_total num_requests_running num_requests_waiting
num_requests_waiting_by_reason prefix_cache_hits_total prefix_cache_queries_total prompt_tokens_cached_total
prompt_tokens_total request_decode_time_seconds_sum request_generation_tokens_bucket request_inference_time_seconds_bucket
request_max_num_generation_tokens_bucket request_max_num_generation_tokens_sum request_params_max_tokens_bucket
request_prefill_time_seconds_sum request_prompt_tokens_bucket request_queue_time_seconds_sum request_success_total
spec_decode_num_accepted_tokens_total spec_decode_num_draft_tokens_total time_per_output_token_seconds_bucket
time_to_first_token_seconds_bucket
""".split()


def expressions():
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


class DashboardTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        server = server_process.Process(ENGINE, model, "--threads", "1").wait_until_ready()
        cls.addClassCleanup(server.end, signal.SIGKILL)
        server.post("/v1/completions", {"prompt": "a", "max_tokens": 3})
        server.wait_for_log(r'"POST /v1/completions" 200 ')
        # Names of metrics, each with its labels.
        cls.served = {}
        for name, labels in re.findall(r"^([\w:]+)(?:\{(.*)\})? \S+$", server.get("/metrics")[1], re.MULTILINE):
            cls.served.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))

    def test_every_metric_of_the_dashboard_is_served_with_its_labels(self):
        seen = set()
        for expression, legend in expressions():
            metrics = METRIC.findall(expression)
            self.assertTrue(metrics, expression)
            for name, selector in metrics:
                seen.add(name)
                self.assertIn(name, self.served, expression)
                self.assertLessEqual(set(re.findall(r"(\w+)=~?\"", selector)) - SCRAPED, self.served[name], expression)
                for group in re.findall(r"by \(([^)]*)\)", expression):
                    self.assertLessEqual(set(group.split(",")), self.served[name], expression)
            self.assertLessEqual(set(re.findall(r"{{(\w+)}}", legend)), set(re.findall(r"\w+", expression)), legend)
        self.assertGreater(len(seen), 20)

    def test_panels_do_not_overlap_and_are_told_apart(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        cells = [(panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy) for panel in panels
                 for dx in range(panel["gridPos"]["w"]) for dy in range(panel["gridPos"]["h"])]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertLess(max(x for x, _ in cells), 24)
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))

    def test_every_metric_of_vllms_dashboards_is_served(self):
        self.assertEqual([name for name in VLLMS if f"vllm:{name}" not in self.served], [])


if __name__ == "__main__":
    unittest.main()
