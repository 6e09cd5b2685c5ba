"""The engines that are compared: how each is started, installed, and configured."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys

from worker import Worker

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / ".oracle/compare"
BUILD = ROOT / "build/release"

# Not part of an engine: what every environment has, and numpy, which only our worker of it may need.
NOT_INSTALLED = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "numpy", "numpy.libs", "__pycache__")


@dataclasses.dataclass(frozen=True, eq=False)  # an engine is itself: a key
class Engine:
    name: str
    key: str  # of its environment and its worker
    packages: tuple = ()
    build_settings: tuple = ()  # environment variables while it is installed
    compilers: tuple = ()  # the same, where the named program is here
    configurations: tuple = ({},)  # what the sweep tries (the first is taken without one); none changes the answers
    kv_bits: float = 16
    speculates: bool = False

    def environment(self):
        return ENVIRONMENTS / self.key

    def python(self):
        return self.environment() / "bin/python"

    def start(self, model, threads, context, sequences, configuration, log_folder):
        settings = [threads, context, sequences]
        if not self.packages:
            command = [BUILD / "benchmarks/engine_worker", model, *settings, configuration["kv_cache_dtype"]]
        else:
            command = [self.python(), HERE / f"{self.key}_worker.py", model, *settings, json.dumps(configuration)]
        return Worker(command, log_folder / f"{self.key}.log")


def ours(kv_cache_dtype):
    # int8: a scale for each token and head of 128 values.
    return Engine("engine", "engine", configurations=({"kv_cache_dtype": kv_cache_dtype},), speculates=True,
                  kv_bits={"f32": 32, "int8": 8.25}.get(kv_cache_dtype, 16))


LLAMA_CPP = Engine(
    "llama.cpp", "llama_cpp", ("llama-cpp-python",),
    (("CMAKE_ARGS", "-DGGML_NATIVE=ON -DCMAKE_BUILD_TYPE=Release"),), (("CC", "clang-19"), ("CXX", "clang++-19")),
    # Flash attention: 0 never, 1 always; n_ubatch: tokens computed at once. Weights are repacked where it has kernels.
    tuple({"flash_attn_type": flash, "n_ubatch": ubatch} for flash, ubatch in ((1, 512), (1, 128), (0, 512))))

OPENVINO = Engine(
    "OpenVINO GenAI", "openvino", ("openvino-genai",), configurations=({}, {"ENABLE_CPU_PINNING": False}),
    kv_bits=8.5)  # u8 by default, a scale and an offset for each group

PEERS = {peer.key: peer for peer in (LLAMA_CPP, OPENVINO)}


class InstallFailure(Exception):
    """Why a peer is not here, in one line."""


def install(engine):
    """Its environment, made where it is missing. A build from source takes all processors for several minutes."""
    if version_of(engine):
        return
    print(f"installing {engine.name}: {' '.join(engine.packages)}", file=sys.stderr)
    settings = {name: program for name, program in engine.compilers if shutil.which(program)}
    subprocess.run([sys.executable, "-m", "venv", "--clear", engine.environment()], check=True)
    pip = subprocess.run([engine.python(), "-m", "pip", "install", "-q", *engine.packages, "numpy"], check=False,
                         env={**os.environ, **dict(engine.build_settings), **settings}, stderr=subprocess.PIPE, text=True)
    if pip.returncode != 0:
        reason = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise InstallFailure(reason[-1])


def version_of(engine):
    """Empty where it is not installed."""
    if not engine.packages:
        return subprocess.check_output([BUILD / "cli/engine", "--version"], text=True).split()[-1]
    if not engine.python().exists():
        return ""
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    found = subprocess.run([engine.python(), "-c", code, engine.packages[0]], capture_output=True, check=False)
    return found.stdout.decode().strip()


def size_of(path):
    if path.is_dir():
        return sum(entry.lstat().st_size for entry in path.rglob("*") if entry.is_file())
    return path.stat().st_size


def installed_bytes(engine):
    """Of the program and what comes with it; of a Python package, what its environment holds besides Python."""
    if engine.packages:
        packages = next(engine.environment().glob("lib/python*/site-packages"))
        return sum(size_of(entry) for entry in packages.iterdir()
                   if entry.name not in NOT_INSTALLED and not entry.name.startswith(("pip-", "setuptools-", "numpy-")))
    program = BUILD / "cli/engine"
    libraries = subprocess.check_output(["ldd", program], text=True).split()
    ours_too = {pathlib.Path(word).resolve() for word in libraries if word.startswith(str(ROOT))}
    opened = {path.resolve() for path in (ROOT / ".deps/lib").glob("libdnnl.so.3")}  # by dlopen
    return size_of(program) + sum(map(size_of, ours_too | opened))
