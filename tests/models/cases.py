"""The tiny models of the fixtures. Each config is written as a checkpoint's config.json would be, old style or new.

`prompt` is the length of the prompt, `every` the distance between positions whose logits are stored. Where `used_vocab`
is set, ids from there on are padding: never drawn and never sampled.
"""

import dataclasses


@dataclasses.dataclass
class Case:
    name: str
    traps: str
    config: dict
    prompt: int = 48
    every: int = 1
    used_vocab: int | None = None


def base(model_type, architecture, **changes):
    config = {
        "architectures": [architecture], "model_type": model_type, "hidden_act": "silu", "hidden_size": 64,
        "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "vocab_size": 128, "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "dtype": "float32",
    }
    return config | changes


def llama(**changes):
    return base("llama", "LlamaForCausalLM", **changes)


def mistral(**changes):
    return base("mistral", "MistralForCausalLM", **changes)


def qwen2(**changes):
    return base("qwen2", "Qwen2ForCausalLM", **changes)


def qwen3(**changes):
    return base("qwen3", "Qwen3ForCausalLM", **changes)


CASES = [
    Case("llama_wide_heads", "head_dim 32 is not hidden / heads; ragged intermediate size; odd vocabulary; untied",
         llama(head_dim=32, intermediate_size=172, vocab_size=99, rope_theta=10000.0)),
    Case("llama_rope_llama3", "llama3 scaling beyond the original context; tied; one key head",
         llama(tie_word_embeddings=True, num_key_value_heads=1, rope_theta=500000.0, rms_norm_eps=1e-5,
               rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 16})),
    Case("llama_rope_linear_biases", "linear scaling; biases on all seven linears; as many key heads as query heads",
         llama(attention_bias=True, mlp_bias=True, num_key_value_heads=4,
               rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0})),
    Case("llama_three_heads", "three heads over one key head; hidden size 96; tied, as SmolLM2",
         llama(hidden_size=96, num_attention_heads=3, num_key_value_heads=1, tie_word_embeddings=True,
               rope_theta=100000.0)),
    Case("llama_long_prompt", "a prompt of several hundred tokens; every row a multiple of 256, as K-quants need",
         llama(hidden_size=256, intermediate_size=512, num_key_value_heads=1, rope_theta=10000.0), prompt=300, every=6),
    Case("mistral_window", "a window of 16 tokens, shorter than the prompt; head_dim 32 is not hidden / heads",
         mistral(head_dim=32, sliding_window=16, rope_theta=10000.0)),
    Case("mistral_no_window", "sliding_window is null; a large theta",
         mistral(sliding_window=None, rope_theta=1000000.0)),
    Case("qwen2_tied", "biases on q, k and v only; tied; a window that use_sliding_window turns off",
         qwen2(tie_word_embeddings=True, sliding_window=16, use_sliding_window=False, max_window_layers=1,
               rope_theta=1000000.0)),
    Case("qwen2_yarn", "yarn scaling beyond the original context; untied",
         qwen2(rope_theta=1000000.0,
               rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})),
    Case("qwen3_padded_vocab", "q and k norms; q is wider than hidden; untied; ids from 99 on are padding",
         qwen3(head_dim=32, rope_theta=1000000.0), used_vocab=99),
    Case("qwen3_tied", "q and k norms over 128; tied; every row a multiple of 256, as K-quants need",
         qwen3(hidden_size=256, intermediate_size=512, head_dim=128, tie_word_embeddings=True,
               rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
]
