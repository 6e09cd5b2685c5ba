#!/usr/bin/env python3
"""A server under mixed load: soak_test.py ENGINE WRITE_TINY_MODELS [--seconds 60] [--seed N] [--sanitized]

Two models and a route between them, four keys, any priority: streams that are read to their end, that are left at a random
point or read slowly, answers under grammars, forced tool calls, every API, requests that are wrong and bytes that are no
HTTP, all at once. Between rounds, when nothing is under way: no block is in use, no connection and no file is left; over
the last two thirds resident memory is flat. Each stream gets the text that it
gets alone, and on SIGTERM every accepted one ends. --sanitized: ENGINE is built with a sanitizer, which keeps memory that
is freed, so that it is not compared. Any report of one fails."""

import argparse
import json
import os
import random
import signal
import socket
import threading
import time

import server_process

NUM_CLIENTS = 64
ROUND_SECONDS = 5
MAX_GROWTH_BYTES = 4 << 20  # arenas of the allocator
MODELS = ("a", "b", "chat")
KEYS = ("key0", "key1", "key2", "key3")
OWN = {"authorization": "Bearer key0"}  # of what is asked beside the load
REPORTS = ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "runtime error:", "LeakSanitizer")

REQUESTS = [{"prompt": f"{'shared beginning ' * (i % 3)}request {i}", "max_tokens": 5 + 9 * i, "seed": i,
             "temperature": float(i % 2), "ignore_eos": True} for i in range(12)]
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}}}]
WRONG = [
    ("/v1/completions", {"prompt": "a", "max_tokens": "many"}),
    ("/v1/completions", {"prompt": "a", "no_such_field": 1}),
    ("/v1/completions", {"prompt": "a " * 600}),
    ("/v1/completions", {"prompt": "a", "structured_outputs": {"regex": "((("}}),
    ("/v1/chat/completions", {"messages": []}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}], "tool_choice": "required"}),
    ("/v1/embeddings", {"input": []}),
    ("/v1/responses", {"input": "a", "background": True}),
    ("/v1/messages", {"messages": [{"role": "user", "content": "a"}]}),
    ("/v1/completions", {"model": "none", "prompt": "a"}),
    ("/v1/nothing", {}),
]
# Of each API, what an answer has and its usage counts.
OTHERS = [
    ("/v1/responses", {"input": "a", "max_output_tokens": 9}, "output"),
    ("/v1/messages", {"messages": [{"role": "user", "content": "a"}], "max_tokens": 9}, "content"),
    ("/v1/embeddings", {"input": ["a", "shared beginning", "b"]}, "data"),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}], "max_tokens": 9, "n": 3}, "choices"),
    ("/tokenize", {"prompt": "a"}, "tokens"),
]
NOISE = [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 300, b"POST /v1/completions HTTP/1.1\r\n",
         b"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{\"prompt\": ", b"SSH-2.0-scan\r\n"]


def events_of(text):
    return [event.removeprefix("data: ") for event in text.split("\n\n") if event]


def stream_text(text):
    """The text of a whole stream of /v1/completions; its end is checked."""
    *events, last = events_of(text)
    assert last == "[DONE]", f"a stream ends in {text[-300:]!r}"
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    assert choices[-1]["finish_reason"] == "length", f"a stream ends in {text[-300:]!r}"
    return "".join(choice["text"] for choice in choices)


def as_anyone(choose, body):
    """The body for one of the models, in any priority, and the headers of one of the keys."""
    headers = {"authorization": f"Bearer {choose.choice(KEYS)}"}
    return {"model": choose.choice(MODELS), "priority": choose.choice((-1, 0, 0, 1)), **body}, headers


class Clients:
    """Threads that ask at random until they are told to stop; the first failure is kept."""

    def __init__(self, server, expected, seed):
        self.server, self.expected, self.seed = server, expected, seed
        self.failure = None
        self.counts = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self, seconds):
        self._stop.clear()
        threads = [threading.Thread(target=self._client, args=(self.seed * NUM_CLIENTS + i,)) for i in range(NUM_CLIENTS)]
        for thread in threads:
            thread.start()
        self._stop.wait(seconds)
        self._stop.set()
        for thread in threads:
            thread.join()
        self.seed += 1
        if self.failure:
            raise self.failure

    def _client(self, seed):
        choose = random.Random(seed)
        actions = [self.stream] * 4 + [self.leave] * 3
        actions += [self.grammar, self.tool, self.other, self.wrong, self.noise, self.look]
        while not self._stop.is_set():
            action = choose.choice(actions)
            try:
                action(choose)
            except Exception as failure:  # noqa: BLE001: any one ends the test
                self.failure = self.failure or failure
                self._stop.set()
            with self._lock:
                self.counts[action.__name__] = self.counts.get(action.__name__, 0) + 1

    def stream(self, choose):
        index = choose.randrange(len(REQUESTS))
        body, headers = as_anyone(choose, {**REQUESTS[index], "stream": True})
        status, text = self.server.post("/v1/completions", body, **headers)
        assert status == 200, text
        text = stream_text(text)
        assert text == self.expected[index], f"{REQUESTS[index]} gave {text!r}, alone {self.expected[index]!r}"

    def leave(self, choose):
        body, headers = as_anyone(choose, {"prompt": "a", "max_tokens": 400, "ignore_eos": True, "stream": True,
                                           "n": choose.choice((1, 1, 3))})
        body = json.dumps(body).encode()
        head = (f"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n"
                f"authorization: {headers['authorization']}\r\n\r\n").encode()
        data = head + body
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=server_process.TIMEOUT_S) as client:
            client.sendall(data[:choose.choice((len(data), len(data), choose.randrange(len(data))))])
            left = choose.choice((0, 1, 1000, 20_000))
            if left == 0 or len(data) < len(head):
                return
            client.settimeout(choose.uniform(0.001, 0.5))
            try:
                while left > 0 and (piece := client.recv(min(left, 4096))):
                    left -= len(piece)
            except TimeoutError:
                pass
            if choose.random() < 0.5:  # a reset instead of a polite end
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    def grammar(self, choose):
        forms = [{"regex": "[ab]{5}c"}, {"choice": ["yes", "no"]}, {"json": {"enum": [1, {"a": [True]}]}}]
        form = choose.choice(forms)
        body, headers = as_anyone(choose, {"prompt": "a", "max_tokens": 60, "structured_outputs": form})
        status, text = self.server.post("/v1/completions", body, **headers)
        assert status == 200, text
        choice = json.loads(text)["choices"][0]
        answer = choice["text"]
        if choice["finish_reason"] == "length":
            assert "json" in form, text  # which may have any white space; the others are shorter
        elif "json" in form:
            assert json.loads(answer) in form["json"]["enum"], answer
        elif "choice" in form:
            assert answer in form["choice"], answer
        else:
            assert len(answer) == 6 and set(answer[:5]) <= {"a", "b"} and answer[5] == "c", answer

    def tool(self, choose):
        body = {"messages": [{"role": "user", "content": "add"}], "max_tokens": 200, "tools": TOOLS,
                "tool_choice": choose.choice(("required", {"type": "function", "function": {"name": "add"}}))}
        body, headers = as_anyone(choose, body)
        status, text = self.server.post("/v1/chat/completions", body, **headers)
        assert status == 200, text
        choice = json.loads(text)["choices"][0]
        if choice["finish_reason"] == "tool_calls":
            for call in choice["message"]["tool_calls"]:
                assert json.loads(call["function"]["arguments"])["n"] in (1, 2), text

    def other(self, choose):
        path, body, has = choose.choice(OTHERS)
        status, text = self.server.post(path, {"model": choose.choice(MODELS), **body},
                                        authorization=f"Bearer {choose.choice(KEYS)}")
        assert status == 200 and has in json.loads(text), f"{path} {body}: {status} {text}"

    def wrong(self, choose):
        path, body = choose.choice(WRONG)
        key = choose.choice((*KEYS, "none"))
        status, text = self.server.post(path, body, authorization=f"Bearer {key}")
        right = (401, 404) if key == "none" else (400, 404)  # what is not there is so for anybody
        assert status in right, f"{path} {body}: {status} {text}"

    def noise(self, choose):
        with socket.create_connection(("127.0.0.1", self.server.port)) as client:
            client.sendall(choose.choice(NOISE))

    def look(self, choose):
        path = choose.choice(("/health", "/readyz", "/metrics", "/v1/models", "/version"))
        status, text = self.server.get(path, **OWN)
        assert status == 200, f"{path}: {status} {text}"


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def left_behind(server, files):
    """What is there though nobody asks any more."""
    left = {"files": max(0, open_files(server) - files)}  # before the questions below, whose sockets it would find
    for name in ("engine_requests_running", "engine_requests_waiting", "engine_kv_cache_usage"):
        left[name] = server.metric(name, **OWN)
    left["connections"] = server.metric("engine_http_connections", **OWN) - 1  # the one that asks
    return {name: value for name, value in left.items() if value}


def wait_until_idle(server, files):
    deadline = time.monotonic() + 60
    while left := left_behind(server, files):
        assert time.monotonic() < deadline, f"nobody asks any more, and there is still {left}"
        time.sleep(0.05)


def check_sigterm(server):
    """Streams that have begun end in full."""
    connections = [server.connect() for _ in range(32)]
    for connection in connections:
        connection.request("POST", "/v1/completions", json.dumps({**REQUESTS[-1], "stream": True}), OWN)
    responses = [connection.getresponse() for connection in connections]
    server.process.send_signal(signal.SIGTERM)
    texts = {stream_text(response.read().decode()) for response in responses}
    for connection in connections:
        connection.close()
    assert len(texts) == 1, texts
    assert server.wait_for_end() == 0, server.log


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("write_tiny_models")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    parser.add_argument("--sanitized", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    model, folder = server_process.write_tiny_model(options.write_tiny_models)
    with folder:
        # Room for few of them at once, so that they take blocks from each other.
        server = server_process.Process(
            options.engine, f"a={model}", f"b={model}", "--route", "chat=a:60,b:40", "--api-key", *KEYS, "--threads", "2",
            "--max-num-seqs", "16", "--max-queued-requests", "4096", "--tool-call-parser", "hermes", "--kv-cache-bytes",
            "1200000", "--pooling", "last", "--no-access-log").wait_until_ready()
        try:
            files = open_files(server)
            expected = [stream_text(server.post("/v1/completions", {**r, "stream": True}, **OWN)[1]) for r in REQUESTS]
            clients = Clients(server, expected, options.seed)
            clients.run(1)
            wait_until_idle(server, files)
            resident = []
            end = time.monotonic() + options.seconds
            while time.monotonic() < end:
                clients.run(min(ROUND_SECONDS, max(1, end - time.monotonic())))
                wait_until_idle(server, files)
                resident.append(server.resident_bytes())
            print(f"{clients.counts}, {server.metric('engine_preemptions_total', **OWN):.0f} preemptions, resident MiB: "
                  + ", ".join(f"{r / 2**20:.1f}" for r in resident), flush=True)
            flat = resident[len(resident) // 3:]
            assert options.sanitized or flat[-1] - flat[0] < MAX_GROWTH_BYTES, "memory grows"
            check_sigterm(server)
        finally:
            server.end(signal.SIGKILL)
        for report in REPORTS:
            assert report not in server.log, server.log


if __name__ == "__main__":
    main()
