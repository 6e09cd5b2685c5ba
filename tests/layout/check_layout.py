#!/usr/bin/env python3
"""Checks the rules of docs/architecture.md that a compiler does not: who includes whom, where macros and vendor headers may
stand, how long a file may be. Usage: check_layout.py REPOSITORY; prints one line per violation."""

import pathlib
import re
import sys

# Folder -> folders it may include besides itself; a folder stands for everything below it. The longest match counts.
MAY_INCLUDE = {
    "core/base": [],
    "core/tensor": ["core/base"],
    "core/device": ["core/base", "core/tensor"],
    "core/kernel": ["core/base", "core/tensor", "core/device"],
    "core/graph": ["core/base", "core/tensor", "core/device", "core/kernel"],
    "core/weights": ["core/base", "core/tensor"],
    "core/kv": ["core/base", "core/tensor"],
    "core/runtime": ["core"],
    "ops": ["core"],
    "models": ["core", "ops"],
    "text": ["core/base"],
    "backends": ["core", "ops", "backends"],
    "backends/cpu": ["core", "ops"],
    "backends/gpu": ["core", "ops"],
    "backends/cuda": ["core", "ops", "backends/gpu"],
    "backends/hip": ["core", "ops", "backends/gpu"],
    "backends/simt": ["core", "ops", "backends/gpu"],
    "engine": ["core", "ops", "models", "backends", "text"],
    "conformance": ["core", "ops"],
    "selftest": ["core", "ops", "backends", "engine", "conformance", "benchmarks"],
    "cli": ["core/base", "core/runtime", "engine", "server", "benchmarks", "selftest"],
    "server": ["core/base", "engine", "server"],
    "server/http": ["core/base"],
    "examples": ["engine"],
    "benchmarks": ["core", "ops", "models", "backends", "text", "engine"],
    "benchmarks/serve": ["core/base", "engine", "benchmarks", "server/http"],
    "tests": ["core", "ops", "models", "backends", "text", "engine", "cli", "server", "benchmarks", "conformance", "selftest"],
}

THIRD_PARTY = ("absl/", "gtest/", "gmock/", "yaml-cpp/", "nlohmann/", "CLI/")

MAX_LINES = 400
CODE = {".h", ".cc", ".cu", ".c"}
TEXT = CODE | {".py", ".rs", ".cmake", ".txt", ".md", ".json", ".yaml", ".yml", ".toml", ".sh", ""}
LISTS = {"Cargo.lock", "LICENSE"}  # not written by hand
SKIPPED_FOLDERS = {"build", "target", "__pycache__", "node_modules"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
VENDOR_HEADER = re.compile(r"(cuda|cublas|hip/|hipblas|nccl|rccl|nvrtc|mkl|dnnl|oneapi/)")
VENDOR_MACRO = re.compile(r"__(CUDACC|NVCC|CUDA_ARCH|HIPCC|HIP_\w+|AMDGCN)__")
MACROS = re.compile(r"RETURN_IF_ERROR|ASSIGN_OR_RETURN|ENGINE_CHECK|GPU_\w+|ENGINE_\w+_|ENGINE_CONCAT")
MACHINE_PATH = re.compile(r"(?<![\w.$}/])/(?:work|home|root|tmp)/\w")


def folder_of(path):
    """The rule's key for a path or an include: the longest folder of MAY_INCLUDE that contains it."""
    matches = [folder for folder in MAY_INCLUDE if path.startswith(folder + "/")]
    return max(matches, key=len, default=None)


def check_include(path, bracket, header):
    """Layer order, and vendor headers in their places."""
    name = pathlib.PurePosixPath(header).name
    if name.startswith("dnnl"):
        if not re.fullmatch(r"backends/cpu/onednn_(library\.h|\w+\.cc)", path):
            yield f"includes {header}; only backends/cpu/onednn_library.h and onednn_*.cc may"
        return
    if header.startswith("boost/"):
        if not path.startswith("server/http/"):
            yield f"includes {header}; only server/http may, for it compiles slowly"
        return
    if bracket == "<":
        if VENDOR_HEADER.match(header) and not path.startswith("backends/"):
            yield f"includes the vendor header {header}; only backends/ may"
        return
    if header.startswith(THIRD_PARTY):
        return
    here, there = folder_of(path), folder_of(header)
    if there is None:
        yield f'includes "{header}"; write includes from the repository root'
    elif here != there and not any((there + "/").startswith(f + "/") for f in MAY_INCLUDE[here]):
        yield f'includes "{header}"; {here} may include {", ".join(MAY_INCLUDE[here]) or "only itself"}'


def check_macros(path, line):
    """Conditions and definitions of the preprocessor."""
    if condition := CONDITION.match(line):
        if "ENGINE_WITH_" in condition[1] and path != "backends/backends.cc":
            yield "tests ENGINE_WITH_*; only backends/backends.cc may"
        if VENDOR_MACRO.search(condition[1]) and path != "backends/gpu/port/port.h":
            yield "tests a vendor's compiler macro; only backends/gpu/port/port.h may"
    define = DEFINE.match(line)
    if define and not path.startswith("tests/") and not MACROS.fullmatch(define[1]):
        yield f"defines the macro {define[1]}; write a function or a constant"


def check_code(path, lines):
    for number, line in enumerate(lines, 1):
        if include := INCLUDE.match(line):
            yield from ((number, message) for message in check_include(path, include[1], include[2]))
        yield from ((number, message) for message in check_macros(path, line))
        if path.endswith(".h") and line.startswith("using namespace"):
            yield number, "has `using namespace` in a header"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "is a header without #pragma once"


def check_file(path, text):
    """All violations of one file, as (line, message); `path` is relative to the repository root."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        yield MAX_LINES, f"has {len(lines)} lines; split it below {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        if MACHINE_PATH.search(line):
            yield number, "names a path of one machine"
    if pathlib.PurePosixPath(path).suffix in CODE and folder_of(path):
        yield from check_code(path, lines)


def files_of(root):
    """Every text file we wrote, relative to the root."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        skipped = any(part in SKIPPED_FOLDERS or part.startswith(".") for part in relative.parts[:-1])
        if not skipped and path.is_file() and path.suffix in TEXT and path.name not in LISTS:
            yield relative.as_posix(), path


def main():
    violations = 0
    for relative, path in files_of(pathlib.Path(sys.argv[1])):
        for line, message in check_file(relative, path.read_text(encoding="utf-8", errors="replace")):
            print(f"{relative}:{line}: {message}")
            violations += 1
    print(f"{violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
