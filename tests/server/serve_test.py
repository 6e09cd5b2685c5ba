#!/usr/bin/env python3
"""`engine serve` from its start to its end, over a tiny model: serve_test.py ENGINE WRITE_TINY_MODELS"""

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
DIRECTORY = pathlib.Path(FOLDER.name)
PAGE = "https://page.example"
SECRET = "a6f0-secret"
ENDLESS = {"prompt": "a", "max_tokens": 450, "ignore_eos": True, "temperature": 0, "stream": True}


def tearDownModule():
    FOLDER.cleanup()


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def exchange(server, method, path, body, headers):
    """Status, headers and text of an answer."""
    with contextlib.closing(server.connect()) as connection:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        with connection.getresponse() as response:
            return response.status, response.headers, response.read().decode()


class ServeTest(unittest.TestCase):
    def start(self, *arguments, model=MODEL, **environment):
        server = server_process.Process(ENGINE, model, "--threads", "1", *arguments, **environment)
        self.addCleanup(server.end, signal.SIGKILL)
        return server

    def refused(self, *arguments, code, **environment):
        server = self.start(*arguments, **environment)
        self.assertEqual(server.wait_for_end(), code, server.log)
        return server.log

    def test_announces_itself_and_answers(self):
        server = self.start("--served-model-name", "tiny", "--served-model-name", "also").wait_until_ready()
        self.assertRegex(server.log, r"q8_0, [\d.]+ MB of weights, [\d.]+ MB of KV cache; 16 requests at once")
        self.assertRegex(server.log, r"engine [\d.]+ serves tiny, also on http://127\.0\.0\.1:\d+ after")
        self.assertEqual([m["id"] for m in json.loads(server.get("/v1/models")[1])["data"]], ["tiny", "also"])
        for name in ("tiny", "also"):
            body = {**ENDLESS, "model": name, "stream": False, "max_tokens": 3}
            status, answer = server.post("/v1/completions", body)
            self.assertEqual(status, 200, answer)
        self.assertEqual(server.metric("vllm:generation_tokens_total"), 7)  # one to be ready, three each
        server.wait_for_log(r'"POST /v1/completions" 200 ')
        self.assertEqual(server.end(), 0)

    def test_names_of_other_servers_flags_work(self):
        server = self.start("--session-len", "128", "--max-batch-size", "2", "--model-name", "tiny", "--api-keys", "k",
                            "--log-format", "json").wait_until_ready()
        self.assertIn("2 requests at once", server.log)
        self.assertIn("context 128", server.log)
        self.assertEqual(server.get("/v1/models")[0], 401)
        self.assertIn("<!DOCTYPE html>", str(server.get("/")[1]))
        self.assertEqual(server.get("/v1/models", Authorization="Bearer k")[0], 200)
        server.wait_for_log(r'"path":"/v1/models","status":200.*"api_key":0')
        for line in server.log.splitlines():
            json.loads(line)
        self.assertEqual(server.end(), 0)

    def test_a_request_is_logged_with_its_trace(self):
        server = self.start().wait_until_ready()
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        server.get("/version", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        server.wait_for_log(f'"GET /version" 200 .* trace_id={trace} span_id=[0-9a-f]{{16}}')
        self.assertEqual(server.get("/version", traceparent="not a trace")[0], 200)
        self.assertNotIn("trace_id", server.wait_for_log(r'(?s)/version" 200 .*(/version" 200 [^\n]*)').group(1))
        self.assertIn("--otlp-traces-endpoint is 'grpc://x'", self.refused("--otlp-traces-endpoint", "grpc://x", code=2))

    def test_nothing_that_was_sent_is_logged(self):
        hello = {"prompt": "a", "max_tokens": 1}
        chat = {"messages": [{"role": SECRET, "content": SECRET}]}
        requests = ((200, "", {**hello, "prompt": SECRET}), (200, "", {**hello, "regex": SECRET}),
                    (400, "", {**hello, "regex": SECRET + "("}), (400, "", {**hello, "max_tokens": SECRET}),
                    (400, "", {**hello, "temperature": -1, SECRET: SECRET}), (200, f"?key={SECRET}", hello))
        for compat in ("strict", "lenient"):
            for form in ("plain", "json"):
                server = self.start("--log-format", form, "--api-compat", compat).wait_until_ready()
                for want, query, body in requests:
                    status, text = server.post("/v1/completions" + query, body, Authorization=f"Bearer {SECRET}")
                    self.assertEqual(status, want, text)
                want = {"strict": 400, "lenient": 200}[compat]
                self.assertEqual(server.post("/v1/completions", {**hello, "other": SECRET})[0], want)
                self.assertEqual(server.post("/v1/chat/completions", chat)[0], 400)
                self.assertEqual(server.end(), 0)
                lines = [line for line in server.log.splitlines() if "req_" in line]
                self.assertEqual(len(lines), len(requests) + 2, server.log)
                self.assertNotIn(SECRET, server.log)

    def test_what_was_sent_is_logged_where_it_is_asked_for(self):
        for form in ("plain", "json"):
            server = self.start("--enable-log-requests", "--max-log-len", "40", "--log-format", form).wait_until_ready()
            body = {"prompt": f"{SECRET} {'x' * 40} behind it", "max_tokens": 1}
            self.assertEqual(server.post(f"/v1/completions?key=query-{SECRET}", body)[0], 200)
            self.assertEqual(server.end(), 0)
            self.assertEqual(server.log.count(SECRET), 1, server.log)
            self.assertNotIn("behind it", server.log)
            self.assertNotIn("query-", server.log)

    def test_pages_of_an_origin_may_call(self):
        server = self.start("--api-key", "k", "--allowed-origins", PAGE).wait_until_ready()
        asks = {"origin": PAGE, "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type"}
        status, headers, _ = exchange(server, "OPTIONS", "/v1/chat/completions", None, asks)  # which never has a key
        self.assertEqual((status, headers["access-control-allow-origin"]), (204, PAGE))
        self.assertIn("POST", headers["access-control-allow-methods"])
        self.assertIn("authorization", headers["access-control-allow-headers"])
        asks["origin"] = "https://other.example"
        _, headers, _ = exchange(server, "OPTIONS", "/v1/chat/completions", None, asks)
        self.assertNotIn("access-control-allow-origin", headers)
        body = {**ENDLESS, "max_tokens": 3}
        for key, want in (("k", 200), ("wrong", 401)):  # else the page could not read why
            status, headers, text = exchange(server, "POST", "/v1/completions", body,
                                             {"origin": PAGE, "authorization": f"Bearer {key}"})
            self.assertEqual((status, headers["access-control-allow-origin"]), (want, PAGE), text)
            self.assertIn("x-request-id", headers["access-control-expose-headers"])
            self.assertTrue(headers["x-request-id"])
            self.assertEqual(text.endswith("data: [DONE]\n\n"), want == 200)

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_listens_on_an_ipv6_address(self):
        server = self.start(listen=("--host", "::1", "--port", "0"))
        port = int(server.wait_for_log(r" on http://\[::1\]:(\d+) after").group(1))
        connection = http.client.HTTPConnection("::1", port, timeout=server_process.TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request("GET", "/readyz")
            with connection.getresponse() as response:
                self.assertEqual(response.status, 200)
        server.wait_for_log(r'::1.* "GET /readyz" 200 ')
        self.assertEqual(server.end(), 0)

    def test_a_wrong_start_says_why_and_ends(self):
        self.assertIn("did you mean --max-model-len?", self.refused("--max-model-length", "5", code=2))
        self.assertIn("--shutdown-timeout", self.refused("--shutdown-timeout", "never", code=2))
        self.assertIn("no-such-file", self.refused("--api-key-file", "/no-such-file", code=1))
        missing = server_process.Process(ENGINE, str(DIRECTORY / "none.gguf"))
        self.assertEqual(missing.wait_for_end(), 1)
        self.assertIn("none.gguf", missing.log)

    def test_flags_come_from_environment_and_file(self):
        config = DIRECTORY / "serve.yaml"
        config.write_text("max-num-seqs: 3\napi-key: [one, two]\n")
        server = self.start("--config", str(config), ENGINE_SERVED_MODEL_NAME="named").wait_until_ready()
        self.assertIn("3 requests at once", server.log)
        self.assertIn("serves named on", server.log)
        for key, status in (("one", 200), ("two", 200), ("three", 401)):
            self.assertEqual(server.get("/v1/models", Authorization=f"Bearer {key}")[0], status)

    def test_a_full_queue_asks_to_come_again(self):
        server = self.start("--max-num-seqs", "1", "--max-queued-requests", "0").wait_until_ready()
        with contextlib.closing(server.connect()) as busy:
            busy.request("POST", "/v1/completions", json.dumps({**ENDLESS, "n": 100}), {"content-type": "application/json"})
            busy.getresponse().readline()
            for _ in range(50):  # one may come between two answers
                status, answer = server.post("/v1/completions", {"prompt": "a", "max_tokens": 1})
                if status != 200:
                    break
            self.assertEqual(status, 429, answer)
            self.assertEqual(json.loads(answer)["error"]["type"], "rate_limit_error")
            self.assertEqual(server.metric("engine_requests_rejected_total"), 1)

    def test_answers_that_find_no_room_wait_for_the_first(self):
        server = self.start("--max-num-seqs", "1", "--max-queued-requests", "0").wait_until_ready()
        status, answer = server.post("/v1/completions", {**ENDLESS, "stream": False, "n": 3})
        self.assertEqual(status, 200, answer)
        self.assertEqual(len(json.loads(answer)["choices"]), 3)
        self.assertEqual(server.metric("engine_requests_rejected_total"), 0)

    def test_a_request_that_takes_too_long_fails(self):
        server = self.start("--request-timeout", "0.000001").wait_until_ready()
        status, answer = server.post("/v1/completions", {**ENDLESS, "stream": False})
        self.assertEqual(status, 504, answer)
        status, answer = server.post("/v1/completions", ENDLESS)
        self.assertIn("the request took longer than it may", answer)

    def test_a_signal_right_after_the_announcement_ends_it_in_order(self):
        for _ in range(5):
            self.assertEqual(self.start().wait_until_ready().end(), 0)

    def test_sigterm_lets_streams_end(self):
        server = self.start().wait_until_ready()
        connections = []
        for _ in range(8):
            connection = server.connect()
            self.addCleanup(connection.close)
            connection.request("POST", "/v1/completions", json.dumps(ENDLESS), {"content-type": "application/json"})
            connections.append(connection)
        responses = [connection.getresponse() for connection in connections]  # their heads: all have begun
        server.process.send_signal(signal.SIGTERM)
        for response in responses:
            self.addCleanup(response.close)
            self.assertTrue(response.read().decode().endswith("data: [DONE]\n\n"))
        self.assertEqual(server.wait_for_end(), 0)
        self.assertIn("all answers have ended", server.log)

    def test_streams_that_outlast_the_shutdown_are_cut(self):
        server = self.start("--shutdown-timeout", "0").wait_until_ready()
        # A client that reads nothing: its answers never end.
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            body = json.dumps({**ENDLESS, "n": 16, "logprobs": 5}).encode()
            head = f"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            client.sendall((head + body) * 4)
            client.recv(10)
            self.assertEqual(server.end(signal.SIGINT), 1)
        self.assertIn("answers were cut off", server.log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
