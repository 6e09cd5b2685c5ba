"""Decoders of the llama kind in plain numpy: the second opinion on the fixtures, the reference of benchmarks/quality.

Written from the formulas, not from any implementation. The precision is that of the weights; nothing is cached, so a
sequence is computed whole.
"""

import math

import numpy as np


def rope_parameters(config):
    """The RoPE settings of old configs (rope_theta, rope_scaling) and of new ones (rope_parameters) as one dict."""
    settings = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    settings.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    settings.setdefault("rope_type", settings.get("type", "default"))
    return settings


def llama3_frequencies(frequencies, settings):
    """Slow waves are stretched by the factor, fast ones kept, and those between blended."""
    factor, low, high = settings["factor"], settings["low_freq_factor"], settings["high_freq_factor"]
    turns = settings["original_max_position_embeddings"] * frequencies / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return kept * frequencies + (1 - kept) * frequencies / factor


def yarn_frequencies(frequencies, settings):
    """Dimensions turning below beta_slow times in the original context are stretched, those above beta_fast kept."""
    size = 2 * len(frequencies)
    context, theta = settings["original_max_position_embeddings"], settings["rope_theta"]

    def dimension(turns):
        return size * math.log(context / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low = max(math.floor(dimension(settings.get("beta_fast", 32))), 0)
    high = min(math.ceil(dimension(settings.get("beta_slow", 1))), size - 1)
    stretched = np.clip((np.arange(len(frequencies)) - low) / max(high - low, 0.001), 0, 1)
    return (1 - stretched) * frequencies + stretched * frequencies / settings["factor"]


def rope_tables(config, head_dim, num_tokens):
    """cos and sin, [num_tokens, 1, head_dim / 2], in double."""
    settings = rope_parameters(config)
    frequencies = settings["rope_theta"] ** (-np.arange(0, head_dim, 2) / head_dim)
    amplitude = 1.0
    if settings["rope_type"] == "linear":
        frequencies = frequencies / settings["factor"]
    elif settings["rope_type"] == "llama3":
        frequencies = llama3_frequencies(frequencies, settings)
    elif settings["rope_type"] == "yarn":
        frequencies = yarn_frequencies(frequencies, settings)
        amplitude = 0.1 * math.log(settings["factor"]) + 1
    elif settings["rope_type"] != "default":
        raise ValueError(f"rope_type is {settings['rope_type']}; only default, linear, llama3 and yarn are known here")
    angles = np.arange(num_tokens)[:, None] * frequencies
    return amplitude * np.cos(angles)[:, None], amplitude * np.sin(angles)[:, None]


def rotate(x, tables):
    """Rotates the pairs (i, i + head_dim / 2) of x, [tokens, heads, head_dim]."""
    cos, sin = (table.astype(x.dtype) for table in tables)
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(epsilon)) * weight


def attend(q, k, v, window):
    """Causal attention of q over k and v, [tokens, heads, head_dim] each; `window`, if set, is how far a query sees."""
    num_tokens, num_heads, head_dim = q.shape
    group = num_heads // k.shape[1]
    distance = np.arange(num_tokens)[:, None] - np.arange(num_tokens)
    hidden = (distance < 0) | (distance >= (window or num_tokens))
    out = np.empty_like(q)
    for head in range(num_heads):
        scores = q[:, head] @ k[:, head // group].T / q.dtype.type(math.sqrt(head_dim))
        scores[hidden] = -np.inf
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        out[:, head] = scores / scores.sum(-1, keepdims=True) @ v[:, head // group]
    return out


def forward(config, weights, tokens, round_input=lambda x: x):
    """Logits [tokens, vocab]. `weights` has Hugging Face names; `round_input` sees the input of every linear."""
    epsilon = config["rms_norm_eps"]
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    sliding = config["model_type"] == "mistral" or config.get("use_sliding_window", False)
    window = config.get("sliding_window") if sliding else None
    tables = rope_tables(config, head_dim, len(tokens))

    def linears(x, *names):
        x = round_input(x)
        return [x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", x.dtype.type(0)) for name in names]

    def attention_input(block, x, kind):
        x = x.reshape(len(tokens), -1, head_dim)
        norm = weights.get(f"{block}.{kind}_norm.weight")
        return rotate(x if norm is None else rms_norm(x, norm, epsilon), tables)

    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        block, mlp = f"model.layers.{layer}.self_attn", f"model.layers.{layer}.mlp"
        y = rms_norm(x, weights[f"model.layers.{layer}.input_layernorm.weight"], epsilon)
        q, k, v = linears(y, f"{block}.q_proj", f"{block}.k_proj", f"{block}.v_proj")
        y = attend(attention_input(block, q, "q"), attention_input(block, k, "k"),
                   v.reshape(len(tokens), -1, head_dim), window)
        x = x + linears(y.reshape(len(tokens), -1), f"{block}.o_proj")[0]
        y = rms_norm(x, weights[f"model.layers.{layer}.post_attention_layernorm.weight"], epsilon)
        gate, up = linears(y, f"{mlp}.gate_proj", f"{mlp}.up_proj")
        x = x + linears(gate / (1 + np.exp(-gate)) * up, f"{mlp}.down_proj")[0]
    x = rms_norm(x, weights["model.norm.weight"], epsilon)
    head = "model.embed_tokens" if config.get("tie_word_embeddings") else "lm_head"
    return linears(x, head)[0]
