#!/usr/bin/env python3
"""Noise, truncation, slowness and nonsense, then the same server as before: noise_test.py ENGINE WRITE_TINY_MODELS [COUNT SEED]
No crash, no wrong status, no memory, file or KV block kept. Port-scan traffic killed a week-old server of others
(vllm-project/vllm#44486), one JSON field another's decode loop for good (InternLM/lmdeploy#4965)."""

import asyncio
import collections
import json
import os
import random
import re
import signal
import socket
import struct
import sys
import time

import noise
import server_process

AT_ONCE = 32
ENDLESS = {"prompt": "a", "max_tokens": 400, "ignore_eos": True, "stream": True}
MAX_GROWTH = 20 << 20  # of resident memory from the first tenth to the end: caches of allocators, 8 MiB of KV cache


def status_of(answer):
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(match.group(1)) if match else None


def check_body(answer, status):
    """A refusal of ours says what is wrong, as JSON."""
    body = answer.partition(b"\r\n\r\n")[2]
    if status < 400 or not body:  # of HEAD there is none
        return
    text = body.decode()
    error = json.loads(text[: text.rindex("}") + 1])
    assert error.get("error", error)["message"], text


async def exchange(port, data, is_whole, random_):
    """The answer to the bytes, sent at once or in pieces; how the client ends varies. None: it did not wait for one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if random_.random() < 0.05:
            for _ in range(4):
                cut = random_.randrange(len(data) + 1)
                writer.write(data[:cut])
                data = data[cut:]
                await writer.drain()
                await asyncio.sleep(random_.random() * 0.02)
        writer.write(data)
        if random_.random() < 0.1:  # reset, with whatever is on its way
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return None
        if not is_whole:  # to the server, a client that ends its side has gone
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), server_process.TIMEOUT_S)
    except OSError:  # reset by the server, which refuses what still comes
        return b""
    finally:
        writer.close()


async def leave(port, random_):
    """A stream whose client goes at some point."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(noise.request("/v1/completions", json.dumps({**ENDLESS, "n": random_.randrange(1, 4)}).encode()))
    await reader.read(random_.choice((1, 500, 20000)))
    writer.close()


async def send_all(server, count, random_, statuses, allow=lambda statuses: statuses):
    queue = iter(range(count))

    async def work():
        for i in queue:
            if i % 100 == 0:
                await leave(server.port, random_)
                continue
            kind = random_.choice(noise.RARE if i % 50 == 1 else noise.KINDS)
            data, allowed = kind(random_)
            allowed = allow(allowed)
            answer = await exchange(server.port, data, None not in allowed, random_)
            if answer is None:
                continue
            status = status_of(answer)
            statuses[kind.__name__, status] += 1
            assert status in allowed, (kind.__name__, status, data[:2000], answer[:500])
            if status is not None:
                check_body(answer, status)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def assert_soon(holds, what):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def wait_until_idle(server, **headers):
    for metric, most in (("http_connections", 1), ("requests_running", 0), ("kv_cache_usage", 0)):
        assert_soon(lambda: server.metric("engine_" + metric, **headers) <= most, f"{metric} stays above {most}")


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test(server, count, seed):
    noise.learn_fields(json.loads(server.get("/openapi.json")[1]))
    hello = {"prompt": "hello", "max_tokens": 8, "temperature": 0}
    expected = json.loads(server.post("/v1/completions", hello)[1])["choices"]
    statuses, random_ = collections.Counter(), random.Random(seed)
    start = time.monotonic()
    asyncio.run(send_all(server, count // 10, random_, statuses))
    wait_until_idle(server)
    files, resident = open_files(server), server.resident_bytes()
    asyncio.run(send_all(server, count - count // 10, random_, statuses))
    wait_until_idle(server)
    growth = server.resident_bytes() - resident
    print(f"seed {seed}: {count} connections in {time.monotonic() - start:.0f} s; resident {resident / 2**20:.1f} MiB "
          f"after a tenth, {growth / 2**20:+.1f} MiB at the end; {files} files, {open_files(server) - files:+d}")
    for (kind, status), number in sorted(statuses.items(), key=str):
        print(f"  {kind:15} {status}: {number}")
    assert_soon(lambda: open_files(server) <= files, "files are left open")
    assert growth < MAX_GROWTH, "memory is kept"
    assert json.loads(server.post("/v1/completions", hello)[1])["choices"] == expected
    assert server.end() == 0, server.log


def test_without_key(server, count, seed):
    """The noise of who has no key: it is told so, and generates nothing."""
    key = {"Authorization": "Bearer secret"}
    statuses = collections.Counter()
    asyncio.run(send_all(server, count, random.Random(seed), statuses, noise.without_key))
    wait_until_idle(server, **key)
    refused = sum(number for (_, status), number in statuses.items() if status == 401)
    print(f"seed {seed}: {count} connections without a key: {refused} of {statuses.total()} answers say so")
    assert refused > statuses.total() / 3, statuses
    assert server.metric("engine_generated_tokens_total", **key) == 1, "more than the token that made it ready"
    status, answer = server.post("/v1/completions", {"prompt": "hello", "max_tokens": 8}, **key)
    assert status == 200, answer
    assert server.end() == 0, server.log


def main():
    engine, write_tiny_models = sys.argv[1:3]
    count, seed = (int(n) for n in sys.argv[3:5]) if len(sys.argv) > 4 else (4000, 1)
    model, folder = server_process.write_tiny_model(write_tiny_models)
    flags = ("--threads", "1", "--no-access-log", "--max-queued-requests", "4096", "--pooling", "last")
    with folder:
        for run, size, more in ((test, count, ()), (test_without_key, min(count, 1000), ("--api-key", "secret"))):
            server = server_process.Server(engine, model, *flags, *more)
            try:
                run(server, size, seed)
            finally:
                server.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
