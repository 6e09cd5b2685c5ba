"""A thread of another process that stands still for a while: by ptrace, which not every place permits."""

import contextlib
import ctypes
import os
import pathlib
import time

import server_process

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000  # __WALL: threads of others are waited for like processes
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def trace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))  # PermissionError where it is one


def engine_thread(pid):
    """The one that runs steps. Threads without a name have the program's, which is the same; it begins after them."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    names = {int(task.name): (task / "comm").read_text(encoding="ascii").strip() for task in tasks}
    return max(thread for thread, name in names.items() if name == "engine" and thread != pid)


def wait_until_asleep(pid, thread):
    """Stopped elsewhere it could hold a lock that others need."""
    stat = pathlib.Path(f"/proc/{pid}/task/{thread}/stat")
    deadline = time.monotonic() + server_process.TIMEOUT_S
    while stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "S":
        assert time.monotonic() < deadline, f"thread {thread} does not come to rest"
        time.sleep(0.01)


@contextlib.contextmanager
def stopped_engine(pid):
    """Only the thread that enters may leave."""
    thread = engine_thread(pid)
    wait_until_asleep(pid, thread)
    trace(SEIZE, thread)
    try:
        trace(INTERRUPT, thread)
        os.waitpid(thread, WAIT_ALL)
        yield
    finally:
        trace(DETACH, thread)
