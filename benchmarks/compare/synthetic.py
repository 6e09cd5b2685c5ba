"""Checkpoints with the shapes of real models and random weights, for comparisons of speed without a download.

    python3 benchmarks/compare/synthetic.py OUTPUT_FOLDER --shape qwen3-0.6b --format q4_0 q8_0

The same seed gives the same bytes. Every linear layer, the embedding and the head are in the one format; activations
have about unit variance, so logits are finite and as far apart as a real model's.
"""

import argparse
import dataclasses
import math
import pathlib
import random
import struct

import gguf_file
import vocabulary
from random_blocks import FORMATS

# Values drawn at once: bounds the memory that a large tensor takes. A multiple of every block.
PIECE_VALUES = 1 << 24


@dataclasses.dataclass(frozen=True)
class Shape:
    architecture: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool
    context: int
    rope_theta: float
    epsilon: float
    pre: str  # the tokenizer's way to cut text into words

    def linear_parameters(self):
        """Weights that one token is multiplied with in the layers; the head not counted."""
        attention = 2 * (self.heads + self.kv_heads) * self.head_dim * self.hidden
        return self.layers * (attention + 3 * self.hidden * self.feed_forward)


def qwen3(layers, hidden, feed_forward, heads):
    return Shape("qwen3", layers, hidden, feed_forward, heads, 8, 128, 151936, True, 40960, 1e6, 1e-6, "qwen2")


def llama3(layers, hidden, feed_forward, head_dim, tied):
    return Shape("llama", layers, hidden, feed_forward, 32, 8, head_dim, 128256, tied, 131072, 5e5, 1e-5, "llama-bpe")


SHAPES = {
    "qwen3-0.6b": qwen3(28, 1024, 3072, 16),
    "qwen3-1.7b": qwen3(28, 2048, 6144, 16),
    "qwen3-4b": qwen3(36, 2560, 9728, 32),
    "llama-3.2-1b": llama3(16, 2048, 8192, 64, True),
    "llama-3.1-8b": llama3(32, 4096, 14336, 128, False),
    # For tests: small, with every kind of tensor.
    "tiny-qwen3": Shape("qwen3", 2, 256, 512, 4, 2, 64, 1024, True, 2048, 1e6, 1e-6, "qwen2"),
    "tiny-llama": Shape("llama", 2, 256, 512, 4, 2, 64, 1024, False, 2048, 5e5, 1e-5, "llama-bpe"),
}

# Deviation of logits: as peaked as those of a trained model, so that a divergence between two engines means something.
LOGIT_DEVIATION = 3.0


def tensors_of(shape):
    """(name, shape, deviation of its values; None for a norm's ones)."""
    q_size, kv_size = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim

    def linear(name, rows, columns, gain=1.0):
        return name + ".weight", (rows, columns), gain / math.sqrt(columns)

    yield linear("token_embd", shape.vocab, shape.hidden, LOGIT_DEVIATION)
    yield "output_norm.weight", (shape.hidden,), None
    if not shape.tied:
        yield linear("output", shape.vocab, shape.hidden, LOGIT_DEVIATION)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (shape.hidden,), None
        yield linear(block + "attn_q", q_size, shape.hidden)
        yield linear(block + "attn_k", kv_size, shape.hidden)
        yield linear(block + "attn_v", kv_size, shape.hidden)
        if shape.architecture == "qwen3":
            yield block + "attn_q_norm.weight", (shape.head_dim,), None
            yield block + "attn_k_norm.weight", (shape.head_dim,), None
        yield linear(block + "attn_output", shape.hidden, q_size)
        yield block + "ffn_norm.weight", (shape.hidden,), None
        yield linear(block + "ffn_gate", shape.feed_forward, shape.hidden)
        yield linear(block + "ffn_up", shape.feed_forward, shape.hidden)
        yield linear(block + "ffn_down", shape.hidden, shape.feed_forward)


def settings_of(name, shape, file_type):
    prefix = shape.architecture + "."
    return {
        "general.architecture": shape.architecture,
        "general.name": f"{name} with random weights",
        "general.file_type": file_type,
        "general.quantization_version": 2,
        prefix + "block_count": shape.layers,
        prefix + "context_length": shape.context,
        prefix + "embedding_length": shape.hidden,
        prefix + "feed_forward_length": shape.feed_forward,
        prefix + "attention.head_count": shape.heads,
        prefix + "attention.head_count_kv": shape.kv_heads,
        prefix + "attention.key_length": shape.head_dim,
        prefix + "attention.value_length": shape.head_dim,
        prefix + "attention.layer_norm_rms_epsilon": shape.epsilon,
        prefix + "rope.dimension_count": shape.head_dim,
        prefix + "rope.freq_base": shape.rope_theta,
        prefix + "vocab_size": shape.vocab,
    } | vocabulary.settings(shape.vocab, shape.pre)


def file_of(folder, name, weight_format):
    return folder / f"{name}-{weight_format}.gguf"


def write_checkpoint(path, name, weight_format, seed=1):
    shape, chosen = SHAPES[name], FORMATS[weight_format]
    described = list(tensors_of(shape))
    tensors = []
    for tensor, dimensions, deviation in described:
        count = math.prod(dimensions)
        if deviation is None:
            tensors.append((tensor, dimensions, 0, 4 * count))
        else:
            tensors.append((tensor, dimensions, chosen.tensor_type, chosen.size_of(count)))

    def data_of(i):
        tensor, dimensions, deviation = described[i]
        count = math.prod(dimensions)
        if deviation is None:
            yield struct.pack("<f", 1.0) * count
            return
        draws = random.Random(f"{seed} {tensor}")  # of its own, so that a tensor does not depend on those before it
        for start in range(0, count, PIECE_VALUES):
            yield chosen.draw(draws, min(PIECE_VALUES, count - start), deviation)

    gguf_file.write(path, settings_of(name, shape, chosen.file_type), tensors, data_of)


def ensure_checkpoint(folder, name, weight_format):
    """The path of the checkpoint in `folder`, written first if it is not there."""
    path = file_of(folder, name, weight_format)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_checkpoint(path, name, weight_format)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=["qwen3-0.6b"])
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=["q4_0"])
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.shape:
        for weight_format in arguments.format:
            path = file_of(arguments.folder, name, weight_format)
            write_checkpoint(path, name, weight_format, arguments.seed)
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
