"""The program under test as a process: started, fed, read to its end."""

import os
import subprocess

# Flags may stand in the environment; the tests' own must not meet any.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("ENGINE_") or k == "ENGINE_CACHE"}
TIMEOUT_S = 120


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr

    @property
    def text(self):
        return self.stdout.decode("utf-8")  # strict: the program writes nothing else

    @property
    def errors(self):
        return self.stderr.decode("utf-8")


def run(program, *arguments, stdin=b"", **environment):
    """Runs the program with stdin from bytes and returns what it wrote."""
    return Result(
        subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, timeout=TIMEOUT_S,
            env={**ENVIRONMENT, **environment}, check=False))
