#!/usr/bin/env python3
"""deploy/nginx.conf in front of a server: proxy_test.py ENGINE WRITE_TINY_MODELS NGINX_CONF; exits with 77 (skipped) where
nginx or openssl is missing."""

import http.client
import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS, CONF = sys.argv.pop(1), sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
if NGINX is None or shutil.which("openssl") is None:
    print("skipped: nginx or openssl is missing (scripts/setup full)")
    sys.exit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, folder = server_process.write_tiny_model(WRITE_TINY_MODELS)
        cls.addClassCleanup(folder.cleanup)
        cls.server = server_process.Process(ENGINE, model, "--threads", "1", "--max-num-seqs", "1",
                                            "--max-queued-requests", "0").wait_until_ready()
        cls.addClassCleanup(cls.server.end, signal.SIGKILL)
        cls.port = free_port()
        cls.start_nginx(pathlib.Path(folder.name))

    @classmethod
    def start_nginx(cls, folder):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                        "-keyout", folder / "llm.key", "-out", folder / "llm.pem"], check=True, capture_output=True)
        text = CONF.read_text().replace("/etc/ssl", str(folder)).replace("listen 443", f"listen 127.0.0.1:{cls.port}")
        (folder / "site.conf").write_text(text.replace("127.0.0.1:8000", f"127.0.0.1:{cls.server.port}"))
        (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/pid; error_log stderr crit; events {{}}\n"
                                           f"http {{ access_log off; include {folder}/site.conf; }}\n")
        command = [NGINX, "-p", folder, "-c", folder / "nginx.conf"]
        subprocess.run([*command, "-t"], check=True)
        nginx = subprocess.Popen(command)
        cls.addClassCleanup(nginx.wait)
        cls.addClassCleanup(nginx.terminate)
        deadline = time.monotonic() + 30
        while not cls.answers():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @classmethod
    def answers(cls):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", cls.port)) == 0

    def ask(self, method, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=ssl._create_unverified_context())
        self.addCleanup(connection.close)
        connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
        return connection.getresponse()

    def test_a_stream_passes_with_its_request_id(self):
        body = {"prompt": "a", "max_tokens": 450, "ignore_eos": True, "stream": True}
        response = self.ask("POST", "/v1/completions", body)
        text = response.read()
        self.assertTrue(text.endswith(b"data: [DONE]\n\n"))
        self.assertGreater(text.count(b"data: "), 100)
        request_id = response.headers["x-request-id"]
        self.assertRegex(request_id, r"^[0-9a-f]{32}$")
        self.server.wait_for_log(f'"POST /v1/completions" 200 .*{request_id}')

    def wait_until_idle(self):
        while self.server.metric("engine_kv_cache_usage") > 0:
            time.sleep(0.01)

    def test_a_full_queue_is_told_with_when_to_come_again(self):
        self.addCleanup(self.wait_until_idle)  # after what `ask` closes
        busy = self.ask("POST", "/v1/completions", {"prompt": "a", "n": 100, "max_tokens": 400, "ignore_eos": True,
                                                    "stream": True})
        busy.readline()
        for _ in range(50):  # one may come between two answers
            response = self.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 1})
            if response.status != 200:
                break
        self.assertEqual((response.status, response.headers["retry-after"]), (429, "1"))
        self.assertEqual(json.load(response)["error"]["type"], "rate_limit_error")

    def test_what_is_not_for_the_world_is_denied(self):
        self.assertEqual(self.ask("GET", "/v1/models").status, 200)
        for path in ("/metrics", "/readyz", "/livez", "/version"):
            self.assertEqual(self.ask("GET", path).status, 403)


if __name__ == "__main__":
    unittest.main()
