#!/usr/bin/env python3
"""Every GPU kernel stays within its budget on every target that was compiled.
Usage: budgets_test.py LIST_KERNELS REPORTS (ENGINE_GPU_REPORT_DIR)."""

import fnmatch
import subprocess
import sys
import unittest

import budgets

# The least part of a multiprocessor's threads that are resident; the first pattern counts. Kernels that wait for memory
# need half of them to keep enough loads in flight; those that compute with what they hold in registers need a quarter.
OCCUPANCY = [
    ("linear_*_tile", 0.25),
    ("linear_*_matrix", 0.25),
    ("linear_*_small", 0.375),  # 16 tokens: between the two
    ("paged_attention_*", 0.25),
    ("sample", 0.375),  # a block per row: multiprocessors rarely have a second one
    ("*", 0.5),
]


def budget_of(kernel):
    return next(occupancy for pattern, occupancy in OCCUPANCY if fnmatch.fnmatch(kernel, pattern))


class Budgets(unittest.TestCase):
    maxDiff = None
    kernels = {}  # name -> (threads, shared bytes)
    reports = ""

    def setUp(self):
        self.usages = budgets.read_reports(self.reports, {name: threads for name, (threads, _) in self.kernels.items()})
        self.targets = sorted({target for target, _ in self.usages})
        if not self.targets:
            self.skipTest("neither nvcc nor a clang for AMD GPUs is on this machine")

    def violations(self, has, may):
        """Kernels and targets for which may(target, kernel, has(usage)) is false."""
        return [
            f"{kernel} on {target}: {usage}"
            for (target, kernel), usage in sorted(self.usages.items())
            if not may(target, kernel, has(usage))
        ]

    def test_every_kernel_is_compiled_for_every_target_and_no_other(self):
        for target in self.targets:
            self.assertEqual({name for t, name in self.usages if t == target}, set(self.kernels), target)

    def test_shared_memory_is_what_the_list_says(self):
        declared = {name: shared_bytes for name, (_, shared_bytes) in self.kernels.items()}
        self.assertEqual([], self.violations(lambda u: u.shared_bytes, lambda _, kernel, n: n == declared[kernel]))

    def test_nothing_spills(self):
        self.assertEqual([], self.violations(lambda u: u.spilled_bytes, lambda _, kernel, bytes_: bytes_ == 0))

    def test_enough_threads_are_resident(self):
        self.assertEqual([], self.violations(lambda u: u.occupancy, lambda _, kernel, part: part >= budget_of(kernel)))


class Parsing(unittest.TestCase):
    def test_ptxas_reports(self):
        report = (
            "ptxas info    : Compiling entry function 'add' for 'sm_80'\n"
            "ptxas info    : Function properties for add\n"
            "    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n"
            "ptxas info    : Used 64 registers, used 1 barriers, 1024 bytes smem, 448 bytes cmem[0]\n"
        )
        self.assertEqual(
            budgets.parse_ptxas(report, {"add": 256}), {("sm_80", "add"): budgets.Usage(64, 1024, 12, 0.5)}
        )

    def test_amd_reports(self):
        report = "".join(
            f"a.cu:1:1: remark: {line} [-Rpass-analysis=kernel-resource-usage]\n"
            for line in (
                "Function Name: add", "    VGPRs: 10", "    ScratchSize [bytes/lane]: 52",
                "    Occupancy [waves/SIMD]: 4", "    VGPRs Spill: 12", "    LDS Size [bytes/block]: 2048",
            )
        )
        self.assertEqual(budgets.parse_amd(report, "gfx942"), {("gfx942", "add"): budgets.Usage(10, 2048, 52, 0.5)})

    def test_occupancy_follows_from_what_is_scarce(self):
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 32, 0), 1.0)
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 33, 0), 0.75)
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 32, 40 << 10), 0.5)


if __name__ == "__main__":
    listing = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        name, threads, shared_bytes = line.split()
        Budgets.kernels[name] = (int(threads), int(shared_bytes))
    Budgets.reports = sys.argv[2]
    unittest.main(argv=sys.argv[:1])
