"""Random numbers that Python and C++ draw alike, bit for bit. The C++ side is tests/models/tiny_checkpoint.cc.

Element i of the stream called `name` under `seed` is SplitMix64 started at seed XOR FNV-1a(name), advanced i + 1 times.
A weight is centre + step * j, where j in [-128, 128) comes from the word's top byte and step is a power of two. So
every value has at most 8 significant bits: f32, f16 and bf16 checkpoints of a model hold exactly the same numbers.
"""

import numpy as np

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3
SPLITMIX_GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def fnv1a(data):
    value = FNV_OFFSET
    for byte in data:
        value = ((value ^ byte) * FNV_PRIME) & MASK
    return value


def words(seed, name, count):
    """The first `count` 64-bit words of the stream `name`."""
    start = np.uint64(seed ^ fnv1a(name.encode()))
    z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(SPLITMIX_GAMMA)  # wraps, as uint64_t does
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw_weights(seed, name, shape, centre, step):
    """A float32 tensor of `shape`."""
    j = (words(seed, name, int(np.prod(shape))) >> np.uint64(56)).astype(np.float32) - np.float32(128)
    return (np.float32(centre) + np.float32(step) * j).reshape(shape)


def draw_tokens(seed, name, count, limit):
    """`count` token ids below `limit`."""
    return [int(word % np.uint64(limit)) for word in words(seed, name, count)]


def checksum(tensor):
    """FNV-1a over the little-endian bytes."""
    return fnv1a(tensor.astype("<f4").tobytes())
