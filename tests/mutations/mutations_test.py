#!/usr/bin/env python3
"""Every bug of mutation_list.py is found by the layer named there: tests that cannot fail prove nothing.
Usage: mutations_test.py BUILD [--quick] [NAME…]."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from mutation_list import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = "lib/engine/libengine_simt"  # of a build


class Build:
    """What a release build compiled and linked, to be done again with another source."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        entries = json.loads((self.folder / "compile_commands.json").read_text())
        commands = [shlex.split(entry["command"]) for entry in entries]
        self.commands = {command[command.index("-o") + 1]: command for command in commands}

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{shlex.join(command[:1])} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def compile(self, output, sources, unit, result):
        """The object `output`, made of `unit`; what lies in the folder `sources` takes the place of what the project has."""
        command = list(self.commands[output])
        place = sources / unit
        command[command.index("-o") + 1] = str(result)
        command[-1] = str(place if place.exists() else ROOT / unit)
        self.run([command[0], f"-I{sources}", *command[1:], "-Wno-error"])

    def link(self, target, output, mutant, result):
        """`target` with the object `mutant` for `output`: before all others, as of an inline function the first is taken."""
        line = subprocess.run(["ninja", "-t", "commands", target], cwd=self.folder, capture_output=True, text=True)
        command = shlex.split(line.stdout.splitlines()[-1].removeprefix(": && ").removesuffix(" && :"))
        command[command.index("-o") + 1] = str(result)
        if output in command:
            command.remove(output)
        command.insert(1, str(mutant))
        self.run(command)

    def test_program(self, name):
        folder = "tests/conformance" if name.startswith("conformance") else "tests/unit/gpu"
        return f"{folder}/{name}"


def mutate(mutation, sources):
    text = (ROOT / mutation.file).read_text()
    count = text.count(mutation.old)
    if count != 1:
        raise RuntimeError(f"{mutation.file} has the text {count} times, so the mutation is to be written anew: {mutation.old}")
    place = sources / mutation.file
    place.parent.mkdir(parents=True)
    place.write_text(text.replace(mutation.old, mutation.new))


def output_of(mutation, folder):
    """Runs its test with the bug in place, and returns the exit status and what it printed."""
    mutate(mutation, folder / "sources")
    (folder / "bin").mkdir()
    program = folder / "bin" / mutation.test
    if mutation.unit.endswith(".cu"):
        width = ("_check" if mutation.layer in ("checks", "counts") else "") + str(mutation.warp)
        kernels = f"backends/gpu/CMakeFiles/engine_simt{width}_kernels.dir"
        os.link(BUILD.folder / BUILD.test_program(mutation.test), program)
        shutil.copytree(BUILD.folder / "lib/engine", folder / "lib/engine", copy_function=os.symlink)
        target = LIBRARY + width + ".so"
        (folder / target).unlink()
        result = folder / target
    else:
        kernels = f"backends/gpu/CMakeFiles/engine_backends_gpu.dir"
        target, result = BUILD.test_program(mutation.test), program
    output = f"{kernels}/{pathlib.Path(mutation.unit).name}.o"
    BUILD.compile(output, folder / "sources", mutation.unit, folder / "mutant.o")
    BUILD.link(target, output, folder / "mutant.o", result)
    environment = dict(os.environ, GTEST_FAIL_FAST="1", GTEST_FILTER=mutation.cases, GTEST_BRIEF="1")
    if mutation.layer == "checks":
        environment["ENGINE_CONFORMANCE_CHECKS"] = "1"
    done = subprocess.run([program], env=environment, capture_output=True, text=True, errors="replace", timeout=120)
    return done.returncode, done.stdout + done.stderr


class Mutations(unittest.TestCase):
    def run_mutation(self, mutation):
        # Beside the build: programs look for kernels in lib/engine of the folders above them, and links need one disk.
        with tempfile.TemporaryDirectory(dir=BUILD.folder / "tests", prefix="mutant_") as folder:
            return output_of(mutation, pathlib.Path(folder))


def add_test(mutation):
    def test(self):
        status, output = self.run_mutation(mutation)
        self.assertNotEqual(status, 0, "nothing noticed the bug")
        self.assertIn(mutation.shows, output)

    setattr(Mutations, f"test_{mutation.layer}_finds_{mutation.name}", test)


def add_control(mutation):
    """The same with nothing changed must pass, or a test that fails says nothing about the bug."""

    def test(self):
        status, output = self.run_mutation(mutation._replace(new=mutation.old))
        self.assertEqual(status, 0, output[-2000:])

    setattr(Mutations, f"test_{mutation.layer}_passes_without_{mutation.name}", test)


if __name__ == "__main__":
    BUILD = Build(sys.argv[1])
    names = [argument for argument in sys.argv[2:] if argument != "--quick"]
    chosen = [m for m in MUTATIONS if m.name in names or (not names and (m.quick or "--quick" not in sys.argv))]
    for mutation in chosen:
        add_test(mutation)
    for layer in {m.layer: m for m in reversed(chosen)}.values():
        add_control(layer)
    unittest.main(argv=sys.argv[:1])
