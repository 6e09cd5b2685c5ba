#!/usr/bin/env python3
"""schemathesis sends what /openapi.json allows, and what it does not: schemathesis_test.py ENGINE WRITE_TINY_MODELS"""

import json
import pathlib
import subprocess
import sys

import server_process

# Documents cannot say every limit (a prompt within the context), so a request that fits one may still be refused.
UNFIT = "positive_data_acceptance"
# Most messages that the document allows say nothing, or what no template writes. These are some that the server takes, so
# that not every chat is refused.
MESSAGES = {"minItems": 1, "items": {
    "type": "object", "required": ["role", "content"], "additionalProperties": False,
    "properties": {"role": {"enum": ["user", "assistant"]}, "content": {"type": "string", "maxLength": 40}}}}


def run(server, folder, document, *arguments):
    command = [pathlib.Path(sys.executable).with_name("schemathesis"), "run", document, "--url", server.url,
               "--phases", "examples,coverage,fuzzing", "--max-examples", "200", "--seed", "1", "--no-color",
               "--exclude-checks", UNFIT, *arguments]
    return subprocess.run(command, cwd=folder, check=False).returncode


def write_chats(server, folder):
    """The document, with what a message may be."""
    document = json.loads(server.get("/openapi.json")[1])
    paths = {}
    for path, operations in document["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        properties = body["content"]["application/json"]["schema"]["properties"] if body else {}
        if "messages" in properties:
            properties["messages"].update(MESSAGES)
            paths[path] = operations
    file = pathlib.Path(folder) / "chats.json"
    file.write_text(json.dumps({**document, "paths": paths}), encoding="utf-8")
    return file


def main():
    engine, write_tiny_models = sys.argv[1:3]
    model, folder = server_process.write_tiny_model(write_tiny_models)
    with folder:
        server = server_process.Server(engine, model, "--pooling", "last", "--threads", "1", "--no-access-log")
        codes = (run(server, folder.name, server.url + "/openapi.json"),
                 run(server, folder.name, write_chats(server, folder.name), "--mode", "positive"))
        assert server.end() == 0 and codes == (0, 0), server.log


if __name__ == "__main__":
    main()
