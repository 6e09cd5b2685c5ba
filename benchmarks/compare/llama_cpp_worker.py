"""llama.cpp as a worker (worker.py), through the C functions that llama-cpp-python binds.

    python llama_cpp_worker.py MODEL THREADS CONTEXT SEQUENCES CONFIGURATION

CONFIGURATION is JSON: fields of llama_context_params. Every kind of batch has a context of its own over the one model,
as `llama-batched-bench` would make it, and a prompt that begins like the last one is read from where they part.
"""

import ctypes
import json
import pathlib
import sys
import time

import llama_cpp
import numpy as np

SHORT_CONTEXT = 1024
BATCH_CONTEXT = 128  # of each sequence of a batch
BATCH_TOKENS = 2048


class ThreadPoolParams(ctypes.Structure):
    """ggml_threadpool_params, which the bindings lack."""
    _fields_ = [("cpumask", ctypes.c_bool * 512), ("n_threads", ctypes.c_int), ("prio", ctypes.c_int),
                ("poll", ctypes.c_uint32), ("strict_cpu", ctypes.c_bool), ("paused", ctypes.c_bool)]


def library():
    """The loaded one with all that it depends on: other files of the same libraries would be second copies."""
    return llama_cpp.llama_cpp._lib


def make_thread_pool(threads):
    """As llama.cpp's own programs make one. A context without starts its threads anew for every step."""
    library().ggml_threadpool_params_default.restype = ThreadPoolParams
    library().ggml_threadpool_new.restype = ctypes.c_void_p
    params = library().ggml_threadpool_params_default(ctypes.c_int(threads))
    return ctypes.c_void_p(library().ggml_threadpool_new(ctypes.byref(params)))


def attach(context, pool):
    library().llama_attach_threadpool(ctypes.c_void_p(context), pool, pool)


class Context:
    def __init__(self, model, num_sequences, context_tokens, threads, configuration, pool):
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max = num_sequences * context_tokens, num_sequences
        params.n_batch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = threads
        for name, value in configuration.items():
            if not hasattr(params, name):
                raise SystemExit(f"llama_context_params has no {name}")
            setattr(params, name, value)
        self._context = llama_cpp.llama_init_from_model(model, params)
        attach(self._context, pool)
        self._vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)
        self._known = []  # tokens of the only sequence that the cache holds

    def _decode(self, tokens):
        """tokens: (id, position, sequence, whether its logits are wanted) each. The likeliest next tokens."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, (token, position, sequence, wanted) in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        if llama_cpp.llama_decode(self._context, batch) != 0:
            raise SystemExit("llama_decode failed")
        return [self._likeliest(i) for i, entry in enumerate(tokens) if entry[3]]

    def _likeliest(self, row):
        logits = llama_cpp.llama_get_logits_ith(self._context, row)
        address = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
        return int(np.ctypeslib.as_array(address, (self._vocab,)).argmax())

    def _forget(self, prompts):
        """Drops what the prompts do not begin with, their last token in any case. How many tokens stay."""
        memory, kept = llama_cpp.llama_get_memory(self._context), 0
        if len(prompts) == 1:
            pairs = zip(self._known, prompts[0][:-1])
            kept = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(self._known), len(prompts[0]) - 1))
        if kept == 0 or not llama_cpp.llama_memory_seq_rm(memory, 0, kept, -1):
            llama_cpp.llama_memory_clear(memory, True)
            return 0
        return kept

    def run(self, prompts, generate):
        start = time.perf_counter()
        kept = self._forget(prompts)
        entries = [(token, position, sequence, position == len(prompt) - 1)
                   for sequence, prompt in enumerate(prompts) for position, token in enumerate(prompt)]
        entries, latest = entries[kept:], []
        for at in range(0, len(entries), BATCH_TOKENS):
            latest += self._decode(entries[at:at + BATCH_TOKENS])
        first = time.perf_counter()
        for step in range(generate - 1):
            latest = self._decode([(token, len(prompts[i]) + step, i, True) for i, token in enumerate(latest)])
        end = time.perf_counter()
        self._known = prompts[0] if len(prompts) == 1 else []
        return {"first_seconds": first - start, "rest_seconds": end - first,
                "rest_tokens": (generate - 1) * len(prompts)}


class Model:
    def __init__(self, path, threads, context, configuration):
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self._model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        self._threads, self._configuration = threads, configuration
        self._long_context, self._contexts = context, {}
        self._pool = make_thread_pool(threads)
        self._context_for(1, 1)

    def _context_for(self, num_sequences, tokens):
        length = BATCH_CONTEXT if num_sequences > 1 else SHORT_CONTEXT if tokens <= SHORT_CONTEXT else self._long_context
        key = (num_sequences, length)
        if key not in self._contexts:
            self._contexts[key] = Context(self._model, *key, self._threads, self._configuration, self._pool)
        return self._contexts[key]

    def run(self, prompts, generate):
        return self._context_for(len(prompts), len(prompts[0]) + generate).run(prompts, generate)


def main():
    path, threads, context, _, configuration = sys.argv[1:]
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    start = time.perf_counter()
    model = Model(path, int(threads), int(context), json.loads(configuration))
    print(json.dumps({"load_seconds": time.perf_counter() - start}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(model.run(command["prompts"], command["generate"])), flush=True)


if __name__ == "__main__":
    main()
