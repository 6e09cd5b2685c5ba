#!/usr/bin/env python3
"""Every `engine serve …` of docs/deploying.md starts and answers, and every name in its table of flags is taken:
commands_test.py ENGINE WRITE_TINY_MODELS docs/deploying.md"""

import json
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import unittest

import server_process

ENGINE, WRITE_TINY_MODELS, PAGE = sys.argv.pop(1), sys.argv.pop(1), pathlib.Path(sys.argv.pop(1)).read_text()
MODEL, FOLDER = server_process.write_tiny_model(WRITE_TINY_MODELS)
OTHER = str(pathlib.Path(FOLDER.name) / "hf")
MODELS = {"PATH": MODEL, "model.gguf": MODEL, "smollm2-135m": OTHER}

# What each flag is tried with; None: a switch.
VALUES = {
    "--host": "127.0.0.1", "--port": "0", "--uds": "none.sock", "--served-model-name": "name", "--max-model-len": "128",
    "--max-num-seqs": "2", "--max-num-batched-tokens": "64", "--prefill-share": "0.5", "--kv-cache-dtype": "int8",
    "--memory-utilization": "0.5", "--reasoning-parser": "qwen3", "--tool-call-parser": "hermes", "--enable-prefix-caching": None, "--api-key": "key",
    "--api-key-file": "/dev/null", "--ssl-certfile": "none.pem", "--ssl-keyfile": "none.key", "--allowed-origins": "*",
    "--draft-model": "none.gguf", "--num-speculative-tokens": "3", "--shutdown-timeout": "5",
    "--disable-access-log-for-endpoints": "/livez", "--http-threads": "1", "--otlp-traces-endpoint": "http://localhost:4318/v1/traces",
    "--quant-policy": "8", "--pooling": "mean", "--model": "/none/other.gguf", "--tensor-parallel-size": "1",
    "--chat-template": "{{ messages }}", "--chat-template-kwargs": "{}", "--generation-config": "vllm",
    "--enable-log-requests": None, "--max-log-len": "100",
    "--override-generation-config": '{"top_k": 3}', "--kv-cache-bytes": "1000000", "--max-queued-requests": "8", "--request-timeout": "60", "--log-format": "json",
}


def tearDownModule():
    FOLDER.cleanup()


def commands():
    for block in re.findall(r"^```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("engine serve "):
                yield line


def flags_of(cell):
    return re.findall(r"`(-[\w-]+)", re.sub(r"\([^)]*\)", "", cell))


def rows():
    """The flags of `engine serve`, and what others call each."""
    table = PAGE.split("| `engine serve` |")[1].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        cells = line.strip().strip("|").split("|")
        ours = flags_of(cells[0])
        for cell in cells[1:]:
            theirs = flags_of(cell)
            yield from zip(ours, theirs) if len(ours) > 1 and len(theirs) == len(ours) else [(ours[0], t) for t in theirs]
        yield from ((flag, flag) for flag in ours)


class CommandsTest(unittest.TestCase):
    def test_every_command_starts_and_answers(self):
        self.assertGreater(len(list(commands())), 4)
        for command in commands():
            with self.subTest(command):
                words = [re.sub(r"^(\w+=)?(.*)$", lambda m: (m[1] or "") + MODELS.get(m[2], m[2]), word)
                         for word in shlex.split(command)[2:]]
                # The tiny models know short contexts only.
                server = server_process.Process(ENGINE, *words, "--max-model-len", "256", "--threads", "1")
                self.addCleanup(server.end, signal.SIGKILL)
                server.wait_until_ready()
                self.ask(server, re.search(r"--api-keys? (\S+)", command))
                self.assertEqual(server.end(), 0)

    def ask(self, server, key):
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key[1]}"} if key else {})}
        models = json.loads(server.ask("GET", "/v1/models", None, headers)[1])["data"]
        body = {"model": models[0]["id"], "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
        status, answer = server.ask("POST", "/v1/chat/completions", json.dumps(body), headers)
        self.assertEqual(status, 200, answer)
        self.assertEqual(server.get("/readyz")[0], 200)

    def test_every_flag_of_the_table_is_taken(self):
        names = list(rows())
        self.assertGreater(len(names), 40)
        for ours, name in names:
            value = VALUES["--quant-policy" if name == "--quant-policy" else ours]
            arguments = [name] if value is None else [name, value]
            # What is wrong with the model is said only once all flags are understood.
            ended = subprocess.run([ENGINE, "serve", "/none/model.gguf", *arguments], capture_output=True, text=True,
                                   timeout=60, env=server_process.ENVIRONMENT)
            self.assertEqual(ended.returncode, 1, f"{name}: {ended.stderr}")
            self.assertNotIn("unknown flag", ended.stderr)


if __name__ == "__main__":
    unittest.main()
