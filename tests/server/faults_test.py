#!/usr/bin/env python3
"""What goes wrong around a server does not end it: faults_test.py ENGINE WRITE_TINY_MODELS CLOCK_JUMP"""

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import server_process
import stopped_thread

ENGINE, WRITE_TINY_MODELS, CLOCK_JUMP = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
DIRECTORY = pathlib.Path(FOLDER.name)
FIRST = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
LONG = {"prompt": "a", "max_tokens": 400, "ignore_eos": True, "temperature": 0}


def tearDownModule():
    FOLDER.cleanup()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=server_process.TIMEOUT_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def complete(connection, body):
    """The text of an answer."""
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    with connection.getresponse() as response:
        answer = response.read().decode()
        assert response.status == 200, answer
        return json.loads(answer)["choices"][0]["text"]


class FaultsTest(unittest.TestCase):
    def start(self, *arguments, **environment):
        server = server_process.Process(ENGINE, MODEL, "--threads", "1", *arguments, **environment)
        self.addCleanup(server.end, signal.SIGKILL)
        return server

    def connect(self, connection):
        self.addCleanup(connection.close)
        return connection

    def text_before_kill(self, server, connection):
        """Of an answer, before the server is killed in the middle of another."""
        text = complete(connection, LONG)
        connection.request("POST", "/v1/completions", json.dumps({**LONG, "stream": True}))
        with connection.getresponse() as response:
            self.assertEqual(response.status, 200)  # it streams
            self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
        return text

    def test_a_killed_server_leaves_nothing_in_the_way_of_the_next(self):
        path = DIRECTORY / "killed.sock"
        texts = set()
        for _ in range(3):
            server = self.start("--uds", str(path))
            server.wait_for_log(" on unix:")
            texts.add(self.text_before_kill(server, self.connect(UnixConnection(path))))
        self.assertTrue(path.exists())
        self.assertEqual(len(texts), 1)

    def test_a_killed_server_leaves_its_port_to_the_next(self):
        texts, port = set(), 0
        for _ in range(3):
            server = self.start(listen=("--host", "127.0.0.1", "--port", str(port))).wait_until_ready()
            self.assertIn(port, (0, server.port))
            port = server.port
            texts.add(self.text_before_kill(server, self.connect(server.connect())))
        self.assertEqual(len(texts), 1)

    def test_sigterm_while_it_starts_ends_it_in_order(self):
        for seconds in (0, 0.02, 0.05, 0.1, 0.2):
            server = self.start()
            time.sleep(seconds)
            self.assertIn(server.end(), (0, -signal.SIGTERM), server.log)
            self.assertNotRegex(server.log, r"(?i)sanitizer|terminate called|panicked|traceback|check failed")

    def wait_for_readiness(self, server, wanted):
        """The text of /readyz once it has that status."""
        deadline = time.monotonic() + server_process.TIMEOUT_S
        while True:
            status, text = server.get("/readyz")
            if status == wanted:
                return text
            self.assertLess(time.monotonic(), deadline, text)
            time.sleep(0.01)

    def test_a_stuck_engine_is_not_ready_until_it_works_again(self):
        server = self.start("--watchdog-timeout", "1").wait_until_ready()
        alone = complete(self.connect(server.connect()), LONG)
        answer = []
        asks = threading.Thread(target=lambda: answer.append(server.post("/v1/completions", LONG)))
        try:
            with stopped_thread.stopped_engine(server.process.pid):
                asks.start()
                server.wait_for_log(r"the engine is stuck: no step has ended for \d+ s while 1 requests are open")
                self.assertIn("no step has ended for ", self.wait_for_readiness(server, 503))
                self.assertEqual(server.get("/livez")[0], 200)
        except PermissionError as error:
            self.skipTest(f"this machine lets nobody stop a thread of another process: {error}")
        server.wait_for_log("the engine works again")
        self.wait_for_readiness(server, 200)
        asks.join(server_process.TIMEOUT_S)
        [(status, text)] = answer
        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["choices"][0]["text"], alone)

    def test_sigterm_under_load_loses_no_accepted_stream(self):
        server = self.start("--max-num-seqs", "3").wait_until_ready()
        alone = complete(self.connect(server.connect()), LONG)
        connections = [self.connect(server.connect()) for _ in range(40)]
        for i, connection in enumerate(connections):
            connection.request("POST", "/v1/completions", json.dumps({**LONG, "stream": i % 4 != 0}))
        taken = 0
        while taken < len(connections):  # most of them wait
            taken = sum(server.metric(f"engine_requests_{what}") for what in ("ended_total", "running", "waiting")) - 1
        server.process.send_signal(signal.SIGTERM)
        for i, connection in enumerate(connections):
            with connection.getresponse() as response:
                self.assertEqual(response.status, 200)
                answer = response.read().decode()
            if i % 4 == 0:
                self.assertEqual(json.loads(answer)["choices"][0]["text"], alone)
                continue
            events = [line[len("data: "):] for line in answer.splitlines() if line]
            self.assertEqual(events[-1], "[DONE]")
            self.assertEqual("".join(json.loads(event)["choices"][0]["text"] for event in events[:-1]), alone)
        self.assertEqual(server.wait_for_end(), 0)

    def test_clients_that_go_at_random_points_free_their_blocks(self):
        server = self.start("--max-num-seqs", "8").wait_until_ready()
        stays = self.connect(server.connect())
        alone = complete(stays, LONG)
        draw = random.Random(3)
        for _ in range(6):
            sockets = []
            for _ in range(20):
                body = json.dumps({**LONG, "prompt": "a" * draw.randint(1, 90), "stream": draw.random() < 0.7,
                                   "n": draw.choice((1, 1, 3))})
                request = f"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n{body}"
                sockets.append(socket.create_connection(("127.0.0.1", server.port)))
                is_whole = draw.random() < 0.8
                sockets[-1].sendall(request.encode()[: None if is_whole else draw.randrange(len(request))])
            stays.request("POST", "/v1/completions", json.dumps(LONG))
            for one in sockets:
                time.sleep(draw.random() * 0.02)
                one.close()
            made = server.metric("engine_generated_tokens_total")
            with stays.getresponse() as response:
                self.assertEqual(json.loads(response.read())["choices"][0]["text"], alone)
            while server.metric("engine_requests_running") + server.metric("engine_requests_waiting") > 0:
                time.sleep(0.001)
            self.assertEqual(server.metric("engine_kv_cache_usage"), 0)
            # The one that stays, and a few steps of those that are gone; each would have made 400.
            self.assertLess(server.metric("engine_generated_tokens_total") - made, 400 + 8 * 40)

    def test_a_full_disk_for_logs_costs_the_log_and_nothing_else(self):
        path = DIRECTORY / "full.sock"
        with open("/dev/full", "w", encoding="ascii") as full:
            process = subprocess.Popen([ENGINE, "serve", MODEL, "--threads", "1", "--uds", str(path)], stderr=full,
                                       stdout=full, env=server_process.ENVIRONMENT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + server_process.TIMEOUT_S
        status = 0
        while status != 200 and time.monotonic() < deadline:
            connection = UnixConnection(path)
            try:
                connection.request("GET", "/readyz")
                with connection.getresponse() as response:
                    status = response.status
            except OSError:
                time.sleep(0.01)
            connection.close()
        connection = self.connect(UnixConnection(path))
        texts = {complete(connection, LONG) for _ in range(20)}
        self.assertEqual(len(texts), 1)
        connection.close()
        process.send_signal(signal.SIGTERM)
        process.wait(server_process.TIMEOUT_S)
        self.assertGreaterEqual(process.returncode, 0, "a signal ended it")

    def test_a_grammar_that_cannot_be_compiled_ends_its_own_request(self):
        server = self.start().wait_until_ready()
        good = {**LONG, "ignore_eos": False, "structured_outputs": {"regex": "[ab]{5}c"}}
        deep = "(" * 5000 + "a" + ")" * 5000
        bad = [{"regex": "((("}, {"regex": deep}, {"regex": "a{1,100000}{1,100000}"}, {"grammar": "start: missing"},
               {"grammar": "\x00"}, {"json": {"$ref": "#/nowhere"}}, {"json": {"type": "no such type"}},
               {"json": {"allOf": [{"type": "string"}, {"type": "number"}]}}, {"choice": []}]
        connection = self.connect(server.connect())
        alone = complete(connection, good)
        self.assertRegex(alone, "^[ab]{5}c$")
        for form in bad:
            status, answer = server.post("/v1/completions", {**LONG, "structured_outputs": form})
            self.assertEqual(status, 400, f"{str(form)[:80]}: {answer}")
            self.assertEqual(complete(connection, good), alone)
        self.assertEqual(server.metric("engine_kv_cache_usage"), 0)

    @unittest.skipIf(subprocess.run([*FIRST, "true"], check=False, capture_output=True).returncode != 0,
                     "this machine lets nobody be process 1 of a namespace")
    def test_a_second_signal_ends_process_1_of_a_container_at_once(self):
        outer = server_process.Process(FIRST[0], *FIRST[1:], ENGINE, "serve", MODEL, "--threads", "1", verb=())
        self.addCleanup(outer.end, signal.SIGKILL)
        outer.wait_until_ready()
        pid = outer.process.pid
        inner = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii"))
        with socket.create_connection(("127.0.0.1", outer.port)) as client:
            client.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: a\r\n")  # the rest would be waited for
            while outer.metric("engine_http_connections") < 2:
                pass
            os.kill(inner, signal.SIGTERM)
            outer.wait_for_log("shutting down")
            time.sleep(0.5)  # what comes sooner is the first once more
            os.kill(inner, signal.SIGTERM)
            self.assertEqual(outer.wait_for_end(), 128 + signal.SIGTERM)

    def stream_through(self, server, *signals):
        """What is streamed after signals that come in the middle of it."""
        connection = self.connect(server.connect())
        connection.request("POST", "/v1/completions", json.dumps({**LONG, "stream": True}))
        with connection.getresponse() as response:
            response.readline()
            for one in signals:
                server.process.send_signal(one)
            return response.read()

    def test_a_signal_that_comes_twice_at_once_lets_answers_end(self):
        # GNU timeout sends it to the program and to its group; Ctrl-C reaches a program and what forwards it.
        for pair in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
            server = self.start().wait_until_ready()
            self.assertTrue(self.stream_through(server, *pair).endswith(b"data: [DONE]\n\n"))
            self.assertEqual(server.wait_for_end(), 0)

    def test_a_hang_up_lets_answers_end(self):
        server = self.start().wait_until_ready()
        self.assertTrue(self.stream_through(server, signal.SIGHUP).endswith(b"data: [DONE]\n\n"))
        self.assertEqual(server.wait_for_end(), 0)

    def test_a_hang_up_is_nothing_to_who_was_told_to_ignore_it(self):
        server = server_process.Process("nohup", ENGINE, "serve", MODEL, "--threads", "1", verb=())
        self.addCleanup(server.end, signal.SIGKILL)
        server.wait_until_ready()
        self.assertTrue(self.stream_through(server, signal.SIGHUP).endswith(b"data: [DONE]\n\n"))
        self.assertEqual(server.get("/readyz")[0], 200)

    def test_where_few_files_may_be_open_connections_beyond_them_are_closed(self):
        server = server_process.Process("prlimit", "--nofile=64", ENGINE, "serve", MODEL, "--threads", "1", verb=())
        self.addCleanup(server.end, signal.SIGKILL)
        server.wait_for_log(r"32 connections at once, not the 4096 of --max-connections: the process may open 64 files")
        server.wait_until_ready()
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(80)]
        for one in sockets:
            self.addCleanup(one.close)
        for one in sockets[32:]:
            one.settimeout(server_process.TIMEOUT_S)
            self.assertEqual(one.recv(1), b"")
        for one in sockets:
            one.close()
        while server.metric("engine_http_connections") > 1:
            time.sleep(0.01)
        self.assertEqual(server.get("/health")[0], 200)

    def test_who_reads_the_log_may_go_or_stop_reading(self):
        for goes in (True, False):
            path = DIRECTORY / f"log_{goes}.sock"
            reads, writes = os.pipe()
            process = subprocess.Popen([ENGINE, "serve", MODEL, "--threads", "1", "--uds", str(path)], stderr=writes,
                                       env=server_process.ENVIRONMENT)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            os.close(writes)
            while b" on unix:" not in os.read(reads, 4096):
                pass
            if goes:
                os.close(reads)
            connection = self.connect(UnixConnection(path))
            for _ in range(2000):  # lines for more than a pipe holds
                connection.request("GET", "/livez")
                with connection.getresponse() as response:
                    self.assertEqual(response.status, 200)
                    response.read()
            connection.close()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(server_process.TIMEOUT_S), 0)
            if not goes:
                os.close(reads)

    def test_a_text_far_beyond_the_context_is_refused_before_it_takes_memory(self):
        server = self.start().wait_until_ready()
        text = "a!" * 12_000_000
        before = server.peak_bytes()
        for path, body in (("/v1/completions", {"prompt": text}), ("/tokenize", {"prompt": text}),
                           ("/v1/completions", {"prompt": text, "truncate_prompt_tokens": 5}),
                           ("/v1/chat/completions", {"messages": [{"role": "user", "content": text}]})):
            status, answer = server.post(path, body)
            self.assertEqual(status, 400)
            self.assertIn("at most 1048576 are encoded", answer)
            self.assertEqual("context_length_exceeded" in answer, path != "/tokenize")
        # A few copies of the body. A token takes some hundred bytes while it is made.
        self.assertLess(server.peak_bytes() - before, 16 * len(text))
        self.assertEqual(server.post("/v1/completions", {"prompt": "a" * 300_000, "truncate_prompt_tokens": 5,
                                                         "max_tokens": 1})[0], 200)

    def test_a_grammar_that_fails_within_its_answer_ends_its_own_request(self):
        server = self.start().wait_until_ready()
        connection = self.connect(server.connect())
        alone = complete(connection, LONG)
        # Every text of it has ever more ways to be read.
        form = {"grammar": 'start: s\ns: s s s | s s | "a" | ""'}
        status, answer = server.post("/v1/completions", {**LONG, "structured_outputs": form})
        self.assertIn(status, (400, 500), answer)
        self.assertIn("takes more time than a token is granted", answer)
        self.assertEqual(complete(connection, LONG), alone)
        self.assertEqual(server.metric("engine_kv_cache_usage"), 0)

    def test_what_a_long_text_took_is_given_back(self):
        server = self.start().wait_until_ready()
        before = server.resident_bytes()
        for _ in range(4):
            self.assertEqual(server.post("/tokenize", {"prompt": "a!" * 500_000})[0], 200)
            self.assertEqual(server.post("/v1/completions", {"prompt": "a!" * 500_000})[0], 400)
        self.assertGreater(server.peak_bytes() - before, 200 << 20)
        deadline = time.monotonic() + server_process.TIMEOUT_S
        while server.resident_bytes() - before > 64 << 20:
            self.assertLess(time.monotonic(), deadline)

    def test_a_server_stops_where_long_bodies_wait_for_each_other(self):
        server = self.start("--shutdown-timeout", "0").wait_until_ready()
        for _ in range(4):
            connection = self.connect(server.connect())
            connection.request("POST", "/tokenize", json.dumps({"prompt": "a!" * 500_000}))
        while server.metric("engine_http_answers_under_way") < 5:  # with the one that asks
            pass
        self.assertEqual(server.end(), 1, server.log)
        self.assertIn("answers were cut off", server.log)

    def test_requests_that_share_too_small_a_cache_take_turns(self):
        server = self.start("--kv-cache-bytes", "700000", "--max-num-seqs", "16").wait_until_ready()
        connections = [self.connect(server.connect()) for _ in range(16)]
        alone = complete(connections[0], LONG)
        texts = [None] * len(connections)

        def ask(index):
            texts[index] = complete(connections[index], LONG)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(connections))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(texts, [alone] * len(connections))
        self.assertGreater(server.metric("engine_preemptions_total"), 0)
        self.assertEqual(server.metric("engine_kv_cache_usage"), 0)

    def test_the_time_of_day_may_jump(self):
        jump = DIRECTORY / "jump"
        server = self.start("--request-timeout", "60", "--watchdog-timeout", "2", LD_PRELOAD=CLOCK_JUMP,
                            CLOCK_JUMP=str(jump)).wait_until_ready()
        connection = self.connect(server.connect())
        alone = complete(connection, LONG)
        for change in (jump.touch, jump.unlink, jump.touch):
            streaming = self.connect(server.connect())
            streaming.request("POST", "/v1/completions", json.dumps({**LONG, "stream": True}))
            response = streaming.getresponse()
            change()
            with response:
                self.assertTrue(response.read().endswith(b"data: [DONE]\n\n"))
            self.assertEqual(complete(connection, LONG), alone)  # over a connection that has waited
            self.assertEqual(server.get("/readyz")[0], 200)
        self.assertEqual(server.end(), 0)
        days = {line[:10] for line in server.log.splitlines() if line[:2] == "20"}
        self.assertEqual(len(days), 2, f"the clock has not jumped: {server.log}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
