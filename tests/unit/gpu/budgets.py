"""What the compilers report of each GPU kernel, the occupancy that follows from it, and what its machine code issues."""

import os
import pathlib
import re
import subprocess
from dataclasses import dataclass

# Per multiprocessor, from the CUDA programming guide's table of compute capabilities: threads, registers, bytes of shared
# memory of which each block takes one KiB for the system.
NVIDIA = {
    "sm_80": (2048, 65536, 164 << 10),
    "sm_86": (1536, 65536, 100 << 10),
    "sm_89": (1536, 65536, 100 << 10),
    "sm_90a": (2048, 65536, 228 << 10),
    "sm_100a": (2048, 65536, 228 << 10),
    "sm_103a": (2048, 65536, 228 << 10),
    "sm_120a": (1536, 65536, 100 << 10),
}
# Waves of a SIMD at most: what the compiler's occupancy is a part of.
AMD_WAVES = {"gfx90a": 8, "gfx942": 8, "gfx1100": 16, "gfx1201": 16}


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


@dataclass
class Instruction:
    text: str
    target: str  # of a branch: a label, or the address of an instruction; else empty
    labels: tuple  # that lead here


def parse_sass(text):
    """{(arch, kernel): [Instruction]} of what cuobjdump -sass prints."""
    listings = {}
    for part in text.split("code for ")[1:]:
        arch, *functions = part.split("Function : ")
        for function in functions:
            listing = listings.setdefault((arch.split()[0], re.match(r"\w+", function)[0]), [])
            for at, words in re.findall(r"/\*([0-9a-f]{4,})\*/\s+([^;/]+);", function):
                branch = re.search(r"BRA.*0x(\w+)", words)
                listing.append(Instruction(words.strip(), branch[1].zfill(4) if branch else "", (at,)))
    return listings


def parse_amd_assembly(text, arch):
    """{(arch, kernel): [Instruction]} of clang's assembly."""
    listings = {}
    parts = re.split(r"(?m)^(\w+): +; @\w+$", text)
    for name, part in zip(parts[1::2], parts[2::2]):
        listing, labels = listings.setdefault((arch, name), []), []
        for line in part.split(".Lfunc_end")[0].splitlines():
            if label := re.match(r"(\.LBB\w+):", line):
                labels.append(label[1])
            elif re.match(r"\t[a-z]", line):
                branch = re.search(r"branch\w* (\.LBB\w+)", line)
                listing.append(Instruction(line.strip(), branch[1] if branch else "", tuple(labels)))
                labels = []
    return listings


DOT = re.compile(r"IDP\.4A|v_dot4")  # four weights of one row, by one token
DOTS_OF_GROUP = 8
CHAIN = re.compile(r"\bFFMA|v_fma_f32|v_fmac_f32")  # adds what a group has to a sum


def loops_of(listing):
    """[(first instruction, behind the last)], inner ones of the same beginning left out."""
    places = {label: i for i, instruction in enumerate(listing) for label in instruction.labels}
    ends = {}
    for i, instruction in enumerate(listing):
        if places.get(instruction.target, i + 1) <= i:
            ends[places[instruction.target]] = i + 1
    return list(ends.items())


def count(pattern, listing):
    return sum(bool(pattern.search(instruction.text)) for instruction in listing)


def issued(listing):
    """Multiprocessors of NVIDIA issue one instruction of any kind at a time, AMD's a vector instruction beside others."""
    is_amd = any(instruction.text.startswith("v_") for instruction in listing)
    return sum(instruction.text.startswith("v_") or not is_amd for instruction in listing)


def instructions_per_dot(listing):
    """Of the innermost loop with the most dot products, counting all its paths: what all threads of a block do again
    and again. Of loops inside it that multiply nothing and add up groups, which one slot does, a group's part counts."""
    loops = loops_of(listing)
    begin, end = max(loops, key=lambda loop: (count(DOT, listing[slice(*loop)]), loop[0] - loop[1]))
    inside = [loop for loop in loops if begin <= loop[0] and loop[1] <= end and loop != (begin, end)]
    innermost = [a for a in inside if not any(a != b and a[0] <= b[0] and b[1] <= a[1] for b in inside)]
    sums = [listing[slice(*loop)] for loop in innermost if not count(DOT, listing[slice(*loop)])]
    multiplying = issued(listing[begin:end]) - sum(issued(loop) for loop in sums)
    adding = min((issued(loop) / count(CHAIN, loop) for loop in sums if count(CHAIN, loop)), default=0)
    return multiplying / count(DOT, listing[begin:end]) + adding / DOTS_OF_GROUP


def disassemble(cuobjdump, fatbin):
    """Its disassembler, nvdisasm, lies beside it."""
    path = f"{pathlib.Path(cuobjdump).parent}:{os.environ['PATH']}"
    command = [cuobjdump, "-sass", fatbin]
    return subprocess.run(command, env={**os.environ, "PATH": path}, check=True, capture_output=True, text=True).stdout
