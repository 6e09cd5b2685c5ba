"""`engine serve` as a process: started, asked over sockets, ended by signals."""

import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

# Flags may stand in the environment; the tests' own must not meet any.
OTHERS_KEYS = ("VLLM_API_KEY", "LLAMA_API_KEY")
ENVIRONMENT = {k: v for k, v in os.environ.items()
               if k == "ENGINE_CACHE" or not k.startswith("ENGINE_") and k not in OTHERS_KEYS}
TIMEOUT_S = 120


def write_tiny_model(program):
    """The path of a tiny random model, and the folder that goes with it."""
    folder = tempfile.TemporaryDirectory()
    subprocess.run([program, folder.name], check=True)
    return str(pathlib.Path(folder.name) / "tiny.gguf"), folder


def slow_model(folder):
    """The path of a model beside the tiny one, whose context has room for answers that take seconds."""
    path = pathlib.Path(folder.name) / "hf"
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 8192}))
    return str(path)


class Process:
    """Starts the program; `wait_until_ready` or `wait_for_end` come next."""

    def __init__(self, engine, *arguments, verb=("serve",), listen=("--host", "127.0.0.1", "--port", "0"), **environment):
        self.process = subprocess.Popen(
            [engine, *verb, *arguments, *listen], stderr=subprocess.PIPE, text=True,
            env={**ENVIRONMENT, **environment})
        atexit.register(self.process.kill)  # where a test failed before it stopped the server
        self.log = ""
        self.port = None
        self.url = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.log += line
                self._changed.notify_all()
        with self._changed:
            self.log += "\n(end)"
            self._changed.notify_all()

    def wait_for_log(self, pattern):
        with self._changed:
            found = self._changed.wait_for(
                lambda: re.search(pattern, self.log) or self.log.endswith("(end)"), TIMEOUT_S)
            match = re.search(pattern, self.log)
            assert found and match, self.log
            return match

    def wait_until_ready(self):
        self.port = int(self.wait_for_log(r" on http://[\d.]+:(\d+) after").group(1))
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def ask(self, method, path, body, headers):
        """Status and text of the answer."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, headers)
            with connection.getresponse() as response:
                return response.status, response.read().decode()

    def get(self, path, **headers):
        return self.ask("GET", path, None, headers)

    def post(self, path, body, **headers):
        return self.ask("POST", path, json.dumps(body), {"content-type": "application/json", **headers})

    def embed(self, texts, key="none", **fields):
        """Their embeddings, as the answer has them where no client is between."""
        status, text = self.post("/v1/embeddings", {"input": texts, **fields}, Authorization=f"Bearer {key}")
        assert status == 200, text
        return [item["embedding"] for item in json.loads(text)["data"]]

    def metric(self, name, **headers):
        """The sum of a metric's samples."""
        page = self.get("/metrics", **headers)[1]
        return sum(float(value) for value in re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", page, re.MULTILINE))

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) << 10

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, with_signal=signal.SIGTERM):
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait_for_end()

    def wait_for_end(self):
        code = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        self.process.stderr.close()
        return code


class Server(Process):
    """One that is ready."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.wait_until_ready()

    def stop(self):
        """The exit code."""
        return self.end()
