"""SmolLM2-135M, the one real model here: what the engines' answers are worth, by benchmarks/quality, and its text."""

import array
import json
import shlex
import subprocess
import sys

import engines

FOLDER = engines.ROOT / "benchmarks/quality"
ENVIRONMENT = engines.ROOT / ".oracle"
CACHE = ENVIRONMENT / "quality"
MODEL = CACHE / "SmolLM2-135M-Instruct.Q4_1.gguf"
FILES = "{model} {tokens} {window} {logits}"


def commands_of(peers):
    """Engine -> the command that kl.py runs, of those that let their logits be seen."""
    program = shlex.quote(str(engines.BUILD / "cli/engine"))
    commands = {"engine": f"{program} eval {{model}} --tokens {{tokens}} --window {{window}} --logits {{logits}}"}
    for peer in peers:
        script = FOLDER / f"{peer.key}_logits.py"
        if script.exists():
            commands[peer.name] = f"{shlex.join([str(peer.python()), str(script)])} {FILES}"
    return commands


def ensure_environment():
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "numpy", "gguf", "tokenizers"], check=True)
    return python


def measure(peers, num_tokens):
    """Rows of kl.py, the f32 reference first. Afterwards MODEL is there, and text() too."""
    result = engines.ENVIRONMENTS / "quality.json"
    command = [ensure_environment(), FOLDER / "kl.py", "--groups", "--tokens", str(num_tokens), "--json", result]
    for name, text in commands_of(peers).items():
        command += ["--candidate", name, text]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return json.loads(result.read_text())


def text():
    """The tokens that the answers were about."""
    return tuple(array.array("i", (CACHE / "tokens.bin").read_bytes()))
