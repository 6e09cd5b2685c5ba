"""Logits of llama.cpp for given tokens, through llama-cpp-python; kl.py runs this under an interpreter that has it.

    python llama_cpp_logits.py MODEL TOKENS WINDOW LOGITS

The file formats are those of kl.py's --candidate. Everything is at its defaults, the f16 KV cache included.
"""

import sys

import llama_cpp
import numpy as np


def main():
    model, tokens_path, window, logits_path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    tokens = np.fromfile(tokens_path, "<i4").tolist()
    llm = llama_cpp.Llama(model, n_ctx=window, n_batch=window, logits_all=True, verbose=False)
    with open(logits_path, "wb") as out:
        for start in range(0, len(tokens), window):
            llm.reset()
            llm.eval(tokens[start:start + window])
            llm.scores[:llm.n_tokens].astype("<f4").tofile(out)


if __name__ == "__main__":
    main()
