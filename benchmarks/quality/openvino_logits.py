"""Logits of OpenVINO for given tokens, through the model that OpenVINO GenAI makes of a GGUF file; kl.py runs this under
an interpreter that has it.

    python openvino_logits.py MODEL TOKENS WINDOW LOGITS

The file formats are those of kl.py's --candidate. Everything is at its defaults. GenAI's pipelines keep logits to
themselves, so the model runs in the plugin beneath them, one token sequence in one request.
"""

import pathlib
import sys
import tempfile

import numpy as np
import openvino
import openvino_genai


def compile_model(path):
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder) / "model.gguf"  # the converted model is written beside the file
        link.symlink_to(pathlib.Path(path).resolve())
        openvino_genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
        core = openvino.Core()
        return core.compile_model(core.read_model(link.with_name("openvino_model.xml")), "CPU")


def main():
    path, tokens_path, window, logits_path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    tokens = np.fromfile(tokens_path, "<i4").astype(np.int64)
    request = compile_model(path).create_infer_request()
    with open(logits_path, "wb") as out:
        for start in range(0, len(tokens), window):
            ids = tokens[None, start:start + window]
            request.reset_state()
            result = request.infer({
                "input_ids": ids, "attention_mask": np.ones_like(ids), "position_ids": np.arange(ids.size)[None],
                "beam_idx": np.zeros(1, np.int32)})
            result["logits"][0].astype("<f4").tofile(out)


if __name__ == "__main__":
    main()
