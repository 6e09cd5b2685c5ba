#!/usr/bin/env python3
"""Every GPU kernel stays within its budget on every target that was compiled.
Usage: budgets_test.py LIST_KERNELS REPORTS (ENGINE_GPU_REPORT_DIR) MODULES (lib/engine) CUOBJDUMP."""

import fnmatch
import pathlib
import subprocess
import sys
import unittest

import budgets

# The least part of a multiprocessor's threads that are resident; the first pattern counts. Kernels that wait for memory
# need half of them to keep enough loads in flight; those that compute with what they hold in registers need a quarter.
OCCUPANCY = [
    ("linear_*_tile", 0.25),
    ("linear_*_matrix", 0.25),
    ("linear_bf16_one", 0.25),  # these hold the weights that are on their way
    ("linear_f16_one", 0.25),
    ("linear_f32_one", 0.25),
    ("paged_attention_matrix_128", 0.1875),  # queries, too, are in registers: three blocks of 128 threads
    ("paged_attention_*", 0.25),
    ("sample", 0.375),  # a block per row: multiprocessors rarely have a second one
    ("*", 0.5),
]

# Instructions of a lane per byte of weights that the decode kernels of quantised weights (linear_*_one) may take: as many as
# are issued while memory brings a byte, multiprocessors * lanes that issue in a cycle * clock / bandwidth. What is over a
# budget waits for instructions and not for memory.
INSTRUCTIONS_PER_BYTE = {
    "sm_80": 108 * 128 * 1.41e9 / 2.04e12,  # A100, 80 GB: 9.6
    "sm_90a": 132 * 128 * 1.755e9 / 3.35e12,  # H100 SXM: 8.9
    "gfx942": 304 * 64 * 2.1e9 / 5.3e12,  # MI300X: 7.7
    "gfx1100": 96 * 64 * 2.3e9 / 0.96e12,  # RX 7900 XTX: 14.7
}
# Bits of a weight in panels (tests/unit/gpu/gpu_panel_layout_test.cc); of w4 with the largest block.
WEIGHT_BITS = {
    "q4_0": 4.5, "q4_1": 5.0, "q5_0": 5.5, "q5_1": 6.0, "q8_0": 8.5, "w8": 8.0, "q4_k": 4.625, "q5_k": 5.625, "q6_k": 6.5625,
    "iq4_nl": 4.5, "iq4_xs": 4.3125, "w4": 4.25,
}  # fmt: skip
ONE_TOKEN = {f"linear_{dtype}_one": 4 * bits / 8 for dtype, bits in WEIGHT_BITS.items()}  # bytes of a dot product


def budget_of(kernel):
    return next(occupancy for pattern, occupancy in OCCUPANCY if fnmatch.fnmatch(kernel, pattern))


class Budgets(unittest.TestCase):
    maxDiff = None
    kernels = {}  # name -> (threads, shared bytes)
    reports, modules, cuobjdump = "", "", ""

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

    def test_decoding_waits_for_memory_and_not_for_instructions(self):
        readable = {target for target in self.targets if self.cuobjdump or target in budgets.AMD_WAVES}
        counted = readable & set(INSTRUCTIONS_PER_BYTE)
        if not counted:
            self.skipTest("no target of which the machine's balance stands above, or cuobjdump is missing")
        listings = {}
        for target in counted & set(budgets.AMD_WAVES):
            for assembly in pathlib.Path(self.reports, target).glob("linear_*.s"):
                listings |= budgets.parse_amd_assembly(assembly.read_text(encoding="utf-8"), target)
        for fatbin in pathlib.Path(self.modules, "cuda").glob("linear_*.fatbin") if self.cuobjdump else ():
            listings |= budgets.parse_sass(budgets.disassemble(self.cuobjdump, fatbin))
        per_byte = {
            (target, kernel): budgets.instructions_per_dot(listing) / ONE_TOKEN[kernel]
            for (target, kernel), listing in listings.items()
            if kernel in ONE_TOKEN
        }
        self.assertEqual(set(per_byte), {(target, kernel) for target in counted for kernel in ONE_TOKEN})
        for (target, kernel), count in sorted(per_byte.items()):
            print(f"{kernel} on {target}: {count:.1f} instructions per byte")
        over = {at: count for at, count in per_byte.items() if count > INSTRUCTIONS_PER_BYTE[at[0]]}
        self.assertEqual({}, over)


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

    def test_instructions_are_those_of_the_loop_that_multiplies(self):
        sass = (
            "\tcode for sm_90a\n\t.target\tsm_90a\n\n\t\tFunction : linear_w8_one\n"
            "        /*0000*/  S2R R1, SR_TID.X ;  /* 0x00 */\n"
            "        /*0010*/  IDP.4A.S8.S8 R2, R3, R4, R2 ;  /* 0x00 */\n"
            "        /*0020*/  FADD R5, R5, R2 ;  /* 0x00 */\n"
            "        /*0030*/  IDP.4A.S8.S8 R2, R3, R4, R2 ;  /* 0x00 */\n"
            "        /*0040*/  @P0 BRA 0x10 ;  /* 0x00 */\n"
            "        /*0050*/  @!P1 BRA 0x0 ;  /* 0x00 */\n"
            "        /*0060*/  BRA 0x60 ;  /* 0x00 */\n"
        )
        listings = budgets.parse_sass(sass)
        self.assertEqual([("sm_90a", "linear_w8_one")], list(listings))
        self.assertEqual(budgets.instructions_per_dot(listings["sm_90a", "linear_w8_one"]), 2.0)
        amd = (
            "linear_w8_one:                          ; @linear_w8_one\n; %bb.0:\n\ts_load_dword s0, s[2:3], 0x0\n"
            ".LBB0_1:                                ; =>This Loop Header\n\tv_mov_b32_e32 v1, 0\n"
            ".LBB0_2:                                ;   Parent Loop BB0_1\n\tv_add_u32_e32 v0, 1, v0\n"
            "\tv_dot4_i32_i8 v1, v2, v3, v1\n\ts_cbranch_scc1 .LBB0_2\n\ts_cbranch_scc0 .LBB0_1\n.Lfunc_end0:\n"
        )
        listings = budgets.parse_amd_assembly(amd, "gfx942")
        self.assertEqual(budgets.instructions_per_dot(listings["gfx942", "linear_w8_one"]), 2.0)

    def test_sums_of_one_slot_count_once_for_a_group(self):
        sass = (
            "\tcode for sm_90a\n\t\tFunction : linear_w8_one\n"
            "        /*0000*/  IDP.4A.S8.S8 R2, R3, R4, R2 ;\n"
            "        /*0010*/  LDS R5, [R6] ;\n"
            "        /*0020*/  FFMA R7, R5, R8, R7 ;\n"
            "        /*0030*/  LDS R5, [R6+0x4] ;\n"
            "        /*0040*/  FFMA R7, R5, R8, R7 ;\n"
            "        /*0050*/  @P0 BRA 0x10 ;\n"
            "        /*0060*/  @P1 BRA 0x0 ;\n"
        )
        listing = budgets.parse_sass(sass)["sm_90a", "linear_w8_one"]
        self.assertEqual(budgets.instructions_per_dot(listing), 2 + 5 / 2 / 8)

    def test_occupancy_follows_from_what_is_scarce(self):
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 32, 0), 1.0)
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 33, 0), 0.75)
        self.assertEqual(budgets.nvidia_occupancy("sm_80", 256, 32, 40 << 10), 0.5)


if __name__ == "__main__":
    listing = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        name, threads, shared_bytes = line.split()
        Budgets.kernels[name] = (int(threads), int(shared_bytes))
    # Those that are empty may be missing.
    Budgets.reports, Budgets.modules, Budgets.cuobjdump = [*sys.argv[2:], "", ""][:3]
    unittest.main(argv=sys.argv[:1])
