"""An engine as a process: it loads a model, then answers one command at a time, each a line of JSON.

A worker's first line is {"load_seconds": …}. A command is {"prompts": [[id, …], …], "generate": n, "speculate": whether}:
all prompts at once, n tokens for each, greedily and past any end token. The answer has `first_seconds`, until every
prompt has its first token, then `rest_seconds` and `rest_tokens`, from there to the end.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
ANSWER_LIMIT_S = 600  # vLLM's start, the slowest seen, took 161 s


class WorkerFailure(Exception):
    """Why an engine gave no answer, in one line."""


def processes_of(session):
    """(process, its /proc/…/stat fields from the state on) of each process in a session."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == session:
            yield path, fields


class Worker:
    def __init__(self, command, log):
        self._log = log
        with open(log, "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        self.loaded = self._answer()

    def _answer(self):
        limit = threading.Timer(ANSWER_LIMIT_S, self._kill)
        limit.start()
        try:
            while line := self._process.stdout.readline():
                if line.startswith("{"):  # libraries print what they like
                    return json.loads(line)
        finally:
            limit.cancel()
        self.close()
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:] or ["it printed nothing"]
        raise WorkerFailure(f"it ended with {self._process.returncode}: {last[0]}")

    def ask(self, command):
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; _answer says how
        return self._answer()

    def pause(self):
        """Takes the processor from threads that spin while they wait."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self._process.pid, signal.SIGCONT)

    def cpu_seconds(self):
        return sum(int(fields[11]) + int(fields[12]) for _, fields in processes_of(self._process.pid)) * TICK_S

    def peak_bytes(self):
        """The most memory it had resident so far, mapped files included; the sum if it is several processes."""
        total = 0
        for path, _ in processes_of(self._process.pid):
            for line in (path / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1]) * 1024
        return total

    def _kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self):
        if self._process.poll() is None:
            self.resume()
        try:
            self._process.stdin.close()
            self._process.wait(timeout=20)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._kill()
            self._process.wait()
        self._process.stdout.close()
