"""What the compilers report of each GPU kernel, and the occupancy that follows from it."""

import pathlib
import re
from dataclasses import dataclass

# Per multiprocessor, from the CUDA programming guide's table of compute capabilities: threads, registers, bytes of shared
# memory of which each block takes one KiB for the system.
NVIDIA = {"sm_80": (2048, 65536, 164 << 10), "sm_90a": (2048, 65536, 228 << 10)}
# Waves of a SIMD at most: what the compiler's occupancy is a part of.
AMD_WAVES = {"gfx942": 8, "gfx1100": 16}


@dataclass
class Usage:
    """One kernel on one target."""

    registers: int
    shared_bytes: int
    spilled_bytes: int  # a thread's
    occupancy: float


def nvidia_occupancy(arch, threads, registers, shared_bytes):
    """Resident threads / possible threads: registers are granted to warps by 256."""
    all_threads, all_registers, all_shared = NVIDIA[arch]
    warps = threads // 32
    by_registers = all_registers // (warps * -(-registers * 32 // 256) * 256)
    by_shared = all_shared // (shared_bytes + 1024)
    return min(all_threads // threads, by_registers, by_shared) * threads / all_threads


PTXAS = re.compile(
    r"Compiling entry function '(\w+)' for '(\w+)'.*?"
    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?"
    r"Used (\d+) registers([^\n]*)",
    re.DOTALL,
)


def parse_ptxas(text, threads):
    """{(arch, kernel): Usage} of a report of ptxas -v."""
    usages = {}
    for name, arch, stack, stores, loads, registers, rest in PTXAS.findall(text):
        shared = re.search(r"(\d+) bytes smem", rest)
        shared_bytes = int(shared[1]) if shared else 0
        occupancy = nvidia_occupancy(arch, threads.get(name, 256), int(registers), shared_bytes)
        spilled = max(int(stack), int(stores), int(loads))
        usages[arch, name] = Usage(int(registers), shared_bytes, spilled, occupancy)
    return usages


def parse_amd(text, arch):
    """{(arch, kernel): Usage} of clang's kernel-resource-usage remarks."""
    usages = {}
    for part in text.split("remark: Function Name: ")[1:]:
        name = re.match(r"\w+", part)[0]
        fields = {key.strip(): value for key, value in re.findall(r"remark: +([\w ]+?)(?: \[[^]]*\])?: (\S+)", part)}
        usages[arch, name] = Usage(
            registers=int(fields["VGPRs"]),
            shared_bytes=int(fields["LDS Size"]),
            spilled_bytes=int(fields["ScratchSize"]),
            occupancy=int(fields["Occupancy"]) / AMD_WAVES[arch],
        )
    return usages


def read_reports(folder, threads):
    """All targets below the folder of reports."""
    usages = {}
    for report in sorted(pathlib.Path(folder).glob("*/*.log")):
        text = report.read_text(encoding="utf-8")
        target = report.parent.name
        usages |= parse_ptxas(text, threads) if target == "cuda" else parse_amd(text, target)
    return usages
