"""OpenVINO GenAI as a worker (worker.py), through its continuous batching pipeline.

    python openvino_worker.py MODEL THREADS CONTEXT SEQUENCES CONFIGURATION

CONFIGURATION is JSON: properties of the CPU plugin. A GGUF file is converted when it is loaded, which is OpenVINO's own
way to read one.
"""

import json
import sys
import time

import numpy as np
import openvino
import openvino_genai

BLOCK_TOKENS = 32  # of the KV cache on a CPU
STEP_TOKENS = 2048


def make_pipeline(path, threads, context, sequences, configuration):
    scheduler = openvino_genai.SchedulerConfig()
    # A context and a batch of short sequences, and as much again for the prefixes of prompts seen before.
    scheduler.num_kv_blocks = 2 * (context // BLOCK_TOKENS + 4 * sequences)
    scheduler.max_num_batched_tokens = STEP_TOKENS
    scheduler.max_num_seqs = max(sequences, 2)
    scheduler.enable_prefix_caching = True
    properties = {"INFERENCE_NUM_THREADS": threads, **configuration}
    return openvino_genai.ContinuousBatchingPipeline(path, scheduler, "CPU", properties)


def generation(generate):
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = config.min_new_tokens = generate
    config.ignore_eos = True
    config.do_sample = False
    config.apply_chat_template = False
    return config


def count_tokens(handles):
    """Tokens that are new since the last call, for each request."""
    counts = []
    for handle in handles:
        outputs = handle.read() if handle.can_read() else {}
        counts.append(sum(len(output.generated_ids) for output in outputs.values()))
    return counts


def run(pipeline, prompts, generate, ids):
    start = time.perf_counter()
    handles = [pipeline.add_request(next(ids), openvino.Tensor(np.array([prompt], np.int64)), generation(generate))
               for prompt in prompts]
    got, started, first = [0] * len(prompts), 0, start
    while pipeline.has_non_finished_requests():
        pipeline.step()
        got = [total + new for total, new in zip(got, count_tokens(handles))]
        if started == 0 and min(got) > 0:
            first, started = time.perf_counter(), sum(got)
    end = time.perf_counter()
    return {"first_seconds": first - start, "rest_seconds": end - first, "rest_tokens": sum(got) - started}


def main():
    path, threads, context, sequences, configuration = sys.argv[1:]
    start = time.perf_counter()
    pipeline = make_pipeline(path, int(threads), int(context), int(sequences), json.loads(configuration))
    print(json.dumps({"load_seconds": time.perf_counter() - start}), flush=True)
    ids = iter(range(1 << 62))
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(run(pipeline, command["prompts"], command["generate"], ids)), flush=True)


if __name__ == "__main__":
    main()
