"""Random weights as the bytes of a GGUF format, made without rounding anything: quants are drawn, scales are chosen.

Every format draws from a symmetric bell, so that weights have mean zero, and the standard deviation asked for within
12 %: a scale has eight random bits of mantissa, which spread it from 1 to 1.25 times its least value.
"""

import dataclasses
import statistics
import struct
from typing import Callable

MEAN_SPREAD = 1.125

# Nibbles around 8 with a deviation of 2.74.
NIBBLES = [3, 4, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 12, 13]
NIBBLE_DEVIATION = statistics.pstdev(NIBBLES)
NIBBLE_TABLE = bytes(NIBBLES[byte & 15] | NIBBLES[byte >> 4] << 4 for byte in range(256))

# Indices into the grid of the IQ4 formats: their values have a mean of 1/16 and a deviation of 34.
GRID = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
GRID_INDICES = [3, 4, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10, 11, 12, 13]
GRID_DEVIATION = statistics.pstdev(GRID[index] for index in GRID_INDICES)
GRID_TABLE = bytes(GRID_INDICES[byte & 15] | GRID_INDICES[byte >> 4] << 4 for byte in range(256))

# Quantiles of a normal distribution: 127 is 2.9 deviations, where the last of 256 of them lies.
NORMAL_QUANTILES = [statistics.NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)]
INT8 = [round(127 * quantile / NORMAL_QUANTILES[-1]) for quantile in NORMAL_QUANTILES]
INT8_DEVIATION = statistics.pstdev(INT8)
INT8_TABLE = bytes(value & 255 for value in INT8)


def half_high_byte(value):
    """The upper byte of an f16 whose lower byte is drawn: on average it is `value`."""
    least = struct.unpack("<H", struct.pack("<e", value / MEAN_SPREAD))[0]
    return min(least + 128, 0x7BFF) >> 8


def fill(blocks, size, at, byte):
    blocks[at::size] = bytes([byte]) * (len(blocks) // size)


def times_eight(high_byte):
    """The upper byte of 8 x: three more in the exponent."""
    return high_byte + (3 << 2)


def scaled(random, count, size, table, scale):
    """Blocks of 32 values, `size` bytes each: an f16 d of about `scale`, then quants drawn by `table`."""
    blocks = bytearray(random.randbytes(count // 32 * size).translate(table))
    blocks[0::size] = random.randbytes(count // 32)
    fill(blocks, size, 1, half_high_byte(scale))
    return blocks


def q4_0(random, count, deviation):
    """f16 d, 16 bytes of nibbles: d (q - 8)."""
    return scaled(random, count, 18, NIBBLE_TABLE, deviation / NIBBLE_DEVIATION)


def q4_1(random, count, deviation):
    """f16 d, f16 m = -8 d, 16 bytes of nibbles: d q + m."""
    blocks = scaled(random, count, 20, NIBBLE_TABLE, deviation / NIBBLE_DEVIATION)
    blocks[2::20] = blocks[0::20]
    fill(blocks, 20, 3, times_eight(blocks[1]) | 0x80)
    return blocks


# Six-bit scales from 16 to 31. The two upper bits of those in the second half are kept in the bytes of the first.
SCALES_FIRST = bytes(0x50 | byte & 15 for byte in range(256))
SCALES_SECOND = bytes((byte & 15) * 0x11 for byte in range(256))
MEAN_SCALE = 23.5


def q4_k(random, count, deviation):
    """f16 d, f16 dmin = 8 d, 12 bytes of 6-bit scales and equal minima, 128 bytes of nibbles: d s q - dmin s."""
    num_blocks = count // 256
    blocks = bytearray(random.randbytes(num_blocks * 144).translate(NIBBLE_TABLE))
    blocks[0::144] = blocks[2::144] = random.randbytes(num_blocks)
    high = half_high_byte(deviation / NIBBLE_DEVIATION / MEAN_SCALE)
    fill(blocks, 144, 1, high)
    fill(blocks, 144, 3, times_eight(high))
    for i in range(4):
        blocks[4 + i::144] = blocks[8 + i::144] = random.randbytes(num_blocks).translate(SCALES_FIRST)
        blocks[12 + i::144] = random.randbytes(num_blocks).translate(SCALES_SECOND)
    return blocks


def iq4_nl(random, count, deviation):
    """f16 d, 16 bytes of indices: d GRID[index]."""
    return scaled(random, count, 18, GRID_TABLE, deviation / GRID_DEVIATION)


def iq4_xs(random, count, deviation):
    """f16 d, 32 + s for 8 groups (2 bytes of high bits, 4 of low ones), 128 bytes of indices: d s GRID[index]."""
    num_blocks = count // 256
    blocks = bytearray(random.randbytes(num_blocks * 136).translate(GRID_TABLE))
    blocks[0::136] = random.randbytes(num_blocks)
    fill(blocks, 136, 1, half_high_byte(deviation / GRID_DEVIATION / MEAN_SCALE))
    for i in range(2):
        fill(blocks, 136, 2 + i, 0xFF)
    for i in range(4):
        blocks[4 + i::136] = random.randbytes(num_blocks)
    return blocks


def q8_0(random, count, deviation):
    """f16 d, 32 int8: d q."""
    return scaled(random, count, 34, INT8_TABLE, deviation / INT8_DEVIATION)


def bf16(random, count, deviation):
    """Each of 256 quantiles of a normal distribution, cut to bf16."""
    draws = random.randbytes(count)
    cut = [struct.pack("<f", deviation * quantile)[2:] for quantile in NORMAL_QUANTILES]
    values = bytearray(2 * count)
    values[0::2] = draws.translate(bytes(low for low, _ in cut))
    values[1::2] = draws.translate(bytes(high for _, high in cut))
    return values


@dataclasses.dataclass(frozen=True)
class Format:
    name: str
    tensor_type: int  # GGUF's number of the format
    file_type: int  # and of a file that is mostly in it
    block_values: int
    block_bytes: int
    draw: Callable  # (random, count, deviation) -> the bytes of `count` values

    def size_of(self, count):
        return count // self.block_values * self.block_bytes


FORMATS = {f.name: f for f in [
    Format("q4_0", 2, 2, 32, 18, q4_0),
    Format("q4_1", 3, 3, 32, 20, q4_1),
    Format("q4_k", 12, 14, 256, 144, q4_k),
    Format("iq4_nl", 20, 25, 32, 18, iq4_nl),
    Format("iq4_xs", 23, 30, 256, 136, iq4_xs),
    Format("q8_0", 8, 7, 32, 34, q8_0),
    Format("bf16", 30, 32, 1, 2, bf16),
]}
