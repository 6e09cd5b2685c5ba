"""A GGUF file of the llama architecture as tests/models/numpy_decoder.py wants it: a config and f32 weights."""

import re

import gguf
import numpy as np

# GGUF's names of a layer's tensors and Hugging Face's.
LAYER_NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
MODEL_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def config_of(reader):
    def setting(key):
        return reader.fields[f"llama.{key}"].contents()

    names = {tensor.name for tensor in reader.tensors}
    return {
        "model_type": "llama", "hidden_size": setting("embedding_length"), "num_hidden_layers": setting("block_count"),
        "num_attention_heads": setting("attention.head_count"),
        "num_key_value_heads": setting("attention.head_count_kv"),
        "rms_norm_eps": setting("attention.layer_norm_rms_epsilon"), "rope_theta": setting("rope.freq_base"),
        "tie_word_embeddings": "output.weight" not in names,
    }


def hugging_face_name(name):
    if match := re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", name):
        return f"model.layers.{match[1]}.{LAYER_NAMES[match[2]]}.{match[3]}"
    stem, _, kind = name.rpartition(".")
    return f"{MODEL_NAMES[stem]}.{kind}"


def split_halves(weight, num_heads):
    """Undoes the converter's order of q and k rows: rotary pairs (2i, 2i + 1) become (i, i + head_dim / 2) again."""
    return weight.reshape(num_heads, -1, 2, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)


def load(reader):
    """(config, weights by Hugging Face name)."""
    config, weights = config_of(reader), {}
    for tensor in reader.tensors:
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name.endswith("attn_q.weight"):
            weight = split_halves(weight, config["num_attention_heads"])
        elif tensor.name.endswith("attn_k.weight"):
            weight = split_halves(weight, config["num_key_value_heads"])
        weights[hugging_face_name(tensor.name)] = weight
    return config, weights
