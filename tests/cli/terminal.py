"""A program on a terminal of its own: what a person types and sees."""

import os
import pty
import select
import signal
import time

TIMEOUT_S = 60
CTRL_C, CTRL_D = b"\x03", b"\x04"


class Terminal:
    def __init__(self, arguments, environment):
        self.seen = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(arguments[0], arguments, environment)

    def type(self, text):
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def read_until(self, *parts):
        """What is shown up to and including the first of `parts` to appear, from where the last call ended."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            found = [(self.seen.index(p) + len(p)) for p in parts if p in self.seen]
            if found:
                text, self.seen = self.seen[: min(found)], self.seen[min(found):]
                return text.decode("utf-8", "replace")
            if not self._read(deadline):
                raise AssertionError(f"the program ended before it showed {parts}: {self.seen!r}")

    def wait_for_end(self):
        """The exit code, or minus the signal that ended the program."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def _read(self, deadline):
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more is shown after {TIMEOUT_S} s: {self.seen!r}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.seen += data
        return bool(data)
