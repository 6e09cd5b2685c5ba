#!/usr/bin/env python3
"""Many connections at once, and what they cost: connections_test.py ENGINE WRITE_TINY_MODELS [IDLE STREAMS]
Prints the figures; fails where memory grows or connections are left behind."""

import itertools
import json
import resource
import selectors
import signal
import socket
import statistics
import sys
import time

import server_process

MAX_IDLE_BYTES = 48 << 10  # of resident memory for a connection that has been answered and waits
LEAK_BYTES = 128  # of a connection that is gone: less than any object of one


def get(path):
    return f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode()


def read_to(client, end):
    data = b""
    while end not in data:
        piece = client.recv(65536)
        if not piece:
            raise RuntimeError(f"closed after {data[-200:]!r}")
        data += piece
    return data


def open_idle(server, count):
    """Connections that have had an answer."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(get("/livez"))
        read_to(client, b'{"status":"ok"}')
        clients.append(client)
    return clients


def close_all(server, clients):
    for client in clients:
        client.close()
    while server.metric("engine_http_connections") > 1:
        pass


def stream_all(server, count):
    """As many streams at once, each read to its end."""
    body = json.dumps({"prompt": "a", "max_tokens": 400, "ignore_eos": True, "stream": True}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(head + body)
        selector.register(client, selectors.EVENT_READ, bytearray())
    clients, peak = [], 0
    while selector.get_map():
        for key, _ in selector.select():
            piece = key.fileobj.recv(65536)
            key.data.extend(piece)
            if key.data.endswith(b"0\r\n\r\n"):
                assert b"data: [DONE]" in key.data and key.data.startswith(b"HTTP/1.1 200"), key.data[:200]
                selector.unregister(key.fileobj)
                clients.append(key.fileobj)
            elif not piece:
                raise RuntimeError(f"a stream was cut after {bytes(key.data[-200:])!r}")
        peak = max(peak, server.resident_bytes())
    return clients, peak


def main():
    engine, write_tiny_models = sys.argv[1:3]
    idle, streams = (int(n) for n in sys.argv[3:5]) if len(sys.argv) > 3 else (2000, 256)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    model, folder = server_process.write_tiny_model(write_tiny_models)
    with folder:
        server = server_process.Process(engine, model, "--threads", "1", "--max-num-seqs",
                                str(streams), "--no-access-log").wait_until_ready()
        try:
            base = server.resident_bytes()
            rounds = []
            for _ in range(8):  # the allocator's arenas fill in the first ones
                clients = open_idle(server, idle)
                rounds.append(server.resident_bytes())
                close_all(server, clients)
            per_connection = (rounds[0] - base) / idle
            print(f"{idle} idle connections: {per_connection / 1024:.1f} KiB each; resident MiB after each round: "
                  + ", ".join(f"{r / 2**20:.1f}" for r in rounds))
            assert per_connection < MAX_IDLE_BYTES, "an idle connection costs too much"
            # An arena may grow once more; what leaked would show in every round.
            growth = statistics.median(later - earlier for earlier, later in itertools.pairwise(rounds[2:]))
            assert growth < LEAK_BYTES * idle, "memory grows from round to round"

            peaks = []
            clients = open_idle(server, idle)  # they wait while others stream
            for _ in range(3):
                start, cpu = time.monotonic(), server.cpu_seconds()
                streaming, peak = stream_all(server, streams)
                peaks.append(peak)
                seconds, cpu = time.monotonic() - start, server.cpu_seconds() - cpu
                for client in streaming:
                    client.close()
            print(f"{streams} streams of 400 tokens beside them: {streams * 400 / seconds:.0f} tokens/s, "
                  f"{cpu / (streams * 400) * 1e6:.0f} us of CPU each, the model's included; peak resident MiB "
                  "of each round: " + ", ".join(f"{p / 2**20:.1f}" for p in peaks))
            assert peaks[2] < peaks[1] * 1.02 + (2 << 20), "memory grows from round to round"
            close_all(server, clients)
            assert server.metric("engine_requests_running") == 0
            assert server.end() == 0, server.log
        finally:
            server.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
