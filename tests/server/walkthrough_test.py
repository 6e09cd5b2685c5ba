#!/usr/bin/env python3
"""A user of LMDeploy types what they know, and a cluster looks whether it runs: walkthrough_test.py ENGINE
WRITE_TINY_MODELS"""

import json
import re
import signal
import socket
import struct
import sys
import time
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 8}
# As a kubelet sends it: a connection for each probe.
PROBE = "GET {} HTTP/1.1\r\nHost: 10.1.2.3:23333\r\nUser-Agent: kube-probe/1.34\r\nAccept: */*\r\nConnection: close\r\n\r\n"


def tearDownModule():
    FOLDER.cleanup()


def free_port():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


class Walkthrough(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        # 23333 may be taken, and the tiny model knows short contexts only.
        typed = f"{MODEL} --reasoning-parser qwen-qwq --server-port {cls.port} --session-len 256"
        cls.server = server_process.Process(ENGINE, *typed.split(), listen=()).wait_until_ready()
        cls.addClassCleanup(cls.server.end, signal.SIGKILL)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=server_process.TIMEOUT_S)
        self.addCleanup(client.close)
        return client

    def probe(self, path):
        """The status of a kubelet's HTTP probe, which reads to the end."""
        client = self.connect()
        client.sendall(PROBE.format(path).encode())
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        self.assertIn(b"connection: close\r\n", answer)
        return int(answer.split()[1])

    def knock(self, linger):
        """A kubelet's TCP probe: connects, and closes at once; without lingering that is a reset."""
        client = self.connect()
        if not linger:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def test_the_command_listens_where_it_was_told_to_and_answers(self):
        self.assertRegex(self.server.log, rf"context 256;(.|\n)* on http://0\.0\.0\.0:{self.port} after")
        model = json.loads(self.server.get("/v1/models")[1])["data"][0]
        self.assertEqual(model["max_model_len"], 256)
        status, answer = self.server.post("/v1/chat/completions", {**CHAT, "model": model["id"]})
        self.assertEqual(status, 200, answer)
        self.assertEqual(json.loads(answer)["choices"][0]["message"]["role"], "assistant")
        status, answer = self.server.post("/v1/chat/completions", {**CHAT, "model": model["id"], "stream": True})
        self.assertTrue(answer.endswith("data: [DONE]\n\n"), answer)

    def test_probes_of_a_cluster_pass_and_leave_nothing_behind(self):
        for _ in range(20):
            for path in ("/readyz", "/livez", "/health"):
                self.assertEqual(self.probe(path), 200)
            self.knock(linger=True)
            self.knock(linger=False)
        deadline = time.monotonic() + server_process.TIMEOUT_S
        while self.server.metric("engine_http_connections") > 1:  # our own
            self.assertLess(time.monotonic(), deadline)
        self.assertNotIn("WARNING", re.sub("WARNING no API key is asked for.*", "", self.server.log))

    def test_a_client_of_a_tunnel_or_proxy_may_name_the_server(self):
        client = self.connect()
        client.sendall(f"GET http://localhost:{self.port}/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))


if __name__ == "__main__":
    unittest.main(verbosity=2)
