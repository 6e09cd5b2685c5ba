"""The machine as a report describes it, what it can do at this moment, and how busy others keep it."""

import json
import os
import pathlib
import subprocess

# Instruction sets that the kernels of one engine or another use.
SHOWN_FLAGS = ("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
               "amx_bf16")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def last_cache_bytes():
    """As the kernel has it: of one instance. The C library's figure can be that of the whole host of a virtual machine."""
    sizes = sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    return int(sizes[-1].read_text().strip().rstrip("K")) * 1024 if sizes else 0


def describe():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    info = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = info["flags"].split()
    return {
        "cpu": f"{info['model name']} (family {info['cpu family']}, model {info['model']})",
        "cores": len(os.sched_getaffinity(0)),
        "last_cache_bytes": last_cache_bytes(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "isa": [flag for flag in SHOWN_FLAGS if flag in flags],
    }


def busy_seconds():
    """Processor time that all programs, and the host's other guests (steal), have taken so far."""
    user, nice, system, _, _, irq, soft_irq, steal = map(int, pathlib.Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft_irq + steal) * TICK_S


class RoofProbe:
    """Bytes read and int8 and bf16 operations per second, by the repository's own probe loops."""

    def __init__(self, program, threads):
        self._process = subprocess.Popen([program, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)

    def measure(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.communicate()
