#!/usr/bin/env python3
"""schemathesis sends what /openapi.json allows, and what it does not: schemathesis_test.py ENGINE WRITE_TINY_MODELS"""

import pathlib
import subprocess
import sys

import server_process

# Documents cannot say every limit (a prompt within the context), so a request that fits one may still be refused.
UNFIT = "positive_data_acceptance"


def main():
    engine, write_tiny_models = sys.argv[1:3]
    model, folder = server_process.write_tiny_model(write_tiny_models)
    with folder:
        server = server_process.Server(engine, model, "--pooling", "last", "--threads", "1", "--no-access-log")
        command = [pathlib.Path(sys.executable).with_name("schemathesis"), "run", server.url + "/openapi.json",
                   "--phases", "examples,coverage,fuzzing", "--max-examples", "200", "--seed", "1", "--no-color",
                   "--exclude-checks", UNFIT]
        code = subprocess.run(command, cwd=folder.name, check=False).returncode
        assert server.end() == 0 and code == 0, server.log


if __name__ == "__main__":
    main()
