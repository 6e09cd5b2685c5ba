"""Programs whose engine has one core, and everything else the other: so one does not disturb what is measured of the
other. Names of threads tell them apart (`top -H`)."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "server"))
import server_process  # noqa: E402

ENGINE_CORE, OTHER_CORE = 0, 1


def take_other_core():
    """For this program and those that it starts."""
    os.sched_setaffinity(0, {OTHER_CORE})


def threads_of(pid):
    """Thread id -> name."""
    threads = {}
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                threads[int(task.name)] = (task / "comm").read_text().strip()
    return threads


def pin_engine(pid):
    """Whether the engine's thread was there to be pinned."""
    engines = [thread for thread, name in threads_of(pid).items() if name == "engine"]
    for thread in engines:
        os.sched_setaffinity(thread, {ENGINE_CORE})
    return bool(engines)


def cpu_seconds(pid):
    """Time on a CPU by name of thread."""
    seconds = {}
    for thread, name in threads_of(pid).items():
        with contextlib.suppress(OSError):
            nanoseconds = int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
            seconds[name] = seconds.get(name, 0) + nanoseconds / 1e9
    return seconds


def start_server(engine, model, *arguments):
    server = server_process.Server(engine, model, "--threads", "1", "--num-speculative-tokens", "0", "--no-access-log",
                                   *map(str, arguments))
    pin_engine(server.process.pid)
    return server


def start_bench(engine, *arguments):
    return subprocess.Popen([engine, "bench", "serve", "--ignore-eos", "-o", "json", *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)


def result_of(bench):
    output, _ = bench.communicate()
    if bench.returncode != 0:
        sys.exit(output)
    return json.loads(output)


def bench_in_process(engine, model, *arguments):
    """The result, and the time on a CPU by name of thread."""
    bench = start_bench(engine, "--in-process", model, "--threads", "1", "--num-speculative-tokens", "0", *arguments)
    is_pinned, seconds = False, {}
    while bench.poll() is None:
        is_pinned = is_pinned or pin_engine(bench.pid)
        seconds |= cpu_seconds(bench.pid)  # a thread that has ended had what it last had
        time.sleep(0.02)
    return result_of(bench), seconds
