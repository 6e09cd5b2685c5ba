#!/usr/bin/env python3
"""`engine serve` under TLS by itself: tls_test.py ENGINE WRITE_TINY_MODELS; exits with 77 (skipped) where openssl is
missing."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS = sys.argv.pop(1), sys.argv.pop(1)
if shutil.which("openssl") is None:
    print("skipped: openssl is missing")
    sys.exit(77)
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
DIRECTORY = pathlib.Path(FOLDER.name)
STREAM = {"prompt": "a", "max_tokens": 40, "ignore_eos": True, "stream": True}


def tearDownModule():
    FOLDER.cleanup()


def write_certificate(name):
    """Paths of a new certificate and its key, which take the place of those of that name."""
    paths = [DIRECTORY / f"{name}.pem", DIRECTORY / f"{name}.key"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                    "-out", f"{paths[0]}.new", "-keyout", f"{paths[1]}.new"], check=True, capture_output=True)
    for path in paths:
        os.rename(f"{path}.new", path)
    return [str(path) for path in paths]


class TlsTest(unittest.TestCase):
    def start(self, certificate, key):
        server = server_process.Process(ENGINE, MODEL, "--threads", "1", "--ssl-certfile", certificate, "--ssl-keyfile", key)
        self.addCleanup(server.end, signal.SIGKILL)
        return server

    def ready(self, certificate, key):
        server = self.start(certificate, key)
        server.port = int(server.wait_for_log(r" on https://127\.0\.0\.1:(\d+) after").group(1))
        return server

    def connect(self, server, certificate=None):
        """A client that takes an end without TLS's own for an error; with a certificate, one that trusts this one only."""
        context = ssl.create_default_context(cafile=certificate)
        if certificate is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=server_process.TIMEOUT_S)
        client = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        self.addCleanup(client.close)
        return client

    def ask(self, server, *lines, body=None, certificate=None):
        data = b"" if body is None else json.dumps(body).encode()
        client = self.connect(server, certificate)
        head = "\r\n".join([*lines, "Host: localhost", f"Content-Length: {len(data)}", "", ""])
        client.sendall(head.encode() + data)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer.decode()

    def test_an_answer_whose_end_is_the_connections_ends_as_tls_does(self):
        server = self.ready(*write_certificate("one"))
        close = "Connection: close"
        self.assertIn('{"status":"ok"}', self.ask(server, "GET /livez HTTP/1.1", close))
        self.assertTrue(self.ask(server, "POST /v1/completions HTTP/1.1", close, body=STREAM).endswith("0\r\n\r\n"))
        self.assertTrue(self.ask(server, "POST /v1/completions HTTP/1.0", body=STREAM).endswith("data: [DONE]\n\n"))
        self.assertIn(" 400 ", self.ask(server, "GET /livez HTTP/7.7").splitlines()[0])
        self.assertEqual(server.end(), 0)

    def test_a_refused_client_reads_why_however_much_it_sends(self):
        server = self.ready(*write_certificate("refusing"))
        for _ in range(20):
            with self.connect(server) as client:
                client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
                for _ in range(256):
                    client.sendall(b"b" * 4096)
                self.assertIn(b" 431 ", client.recv(4096))

    def test_noise_ends_its_connection_only(self):
        server = self.ready(*write_certificate("one"))
        hello = bytes.fromhex("16030100c0010000bc0303") + bytes(32)
        for noise in (b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", hello, hello[:3], b"\x16\x03\x01\xff\xff" * 100, b""):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(noise)
        client = self.connect(server)
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        client.close()  # without TLS's end
        self.assertIn('{"status":"ok"}', self.ask(server, "GET /livez HTTP/1.1", "Connection: close"))
        self.assertEqual(server.end(), 0)

    def test_a_renewed_certificate_is_taken_and_a_bad_one_is_not(self):
        old = write_certificate("two")
        trusted = shutil.copy(old[0], DIRECTORY / "old.pem")
        server = self.ready(*old)
        self.assertIn("in force until", server.log)
        kept = self.connect(server, trusted)
        renewed, _ = write_certificate("two")
        server.wait_for_log("(?s)in force until.*two.pem is in force until")
        self.assertIn('{"status":"ok"}', self.ask(server, "GET /livez HTTP/1.1", "Connection: close", certificate=renewed))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(server, trusted)
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(b" 200 ", kept.recv(4096))

        pathlib.Path(old[1]).write_text("no key")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("the certificate stays as it is: cannot use the key .*two.key")
        metrics = self.ask(server, "GET /metrics HTTP/1.1", "Connection: close", certificate=renewed)
        end = int(re.search(r"^engine_tls_certificate_end_seconds (\d+)", metrics, re.MULTILINE).group(1))
        self.assertAlmostEqual(end, time.time() + 2 * 86400, delta=600)
        self.assertEqual(server.end(), 0)

    def test_a_certificate_that_has_ended_is_told(self):
        certificate, key = write_certificate("past")
        subprocess.run(["openssl", "x509", "-in", certificate, "-signkey", key, "-days", "-1", "-out", certificate],
                       check=True, capture_output=True)
        server = self.ready(certificate, key)
        self.assertRegex(server.log, r"WARNING the certificate .*past.pem ended on \d{4}-\d\d-\d\d")


if __name__ == "__main__":
    unittest.main(verbosity=2)
