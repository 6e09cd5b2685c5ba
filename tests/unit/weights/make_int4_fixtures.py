"""Make tests/unit/weights/int4: one 4-bit weight in each way that checkpoints store it, and the numbers it stands for.

    python -m venv .numpy
    .numpy/bin/pip install numpy
    .numpy/bin/python tests/unit/weights/make_int4_fixtures.py

Each fixture is a checkpoint of one linear, "proj": config.json, and model.safetensors with the tensors of its scheme, random
but for symmetric zero points, and "expected", f32 [n, k]. The formulas are those of the formats' descriptions:
    AWQ (gemm)          qweight i32 [k, n/8], qzeros i32 [k/g, n/8], scales [k/g, n]. Nibble j of a word, from its lowest
                        bits on, belongs to column (0, 2, 4, 6, 1, 3, 5, 7)[j] of its eight. w = (q - z) s
    GPTQ                qweight i32 [k/8, n], eight inputs to a word in order; qzeros i32 [k/g, n/8], eight outputs to a word
                        in order; scales [k/g, n]; g_idx i32 [k]. w = (q - (z + 1)) s; in "gptq_v2", w = (q - z) s
    compressed-tensors  weight_packed i32 [n, k/8], eight inputs to a word in order; weight_scale [n, k/g]; weight_zero_point
                        i32 [n/8, k/g], eight outputs to a word in order, or none: 8. w = (q - z) s
"""

import json
import pathlib

import numpy as np

N, K = 16, 256
AWQ_COLUMNS = [0, 2, 4, 6, 1, 3, 5, 7]


def nibbles(words):
    """[...] uint32 to [..., 8], from the lowest bits on."""
    return (words[..., None] >> np.arange(0, 32, 4, dtype=np.uint32) & 15).astype(np.int32)


def along_columns(words, order=range(8)):
    """[rows, columns / 8] words of eight neighbouring columns each to [rows, columns]."""
    values = np.empty((words.shape[0], words.shape[1], 8), np.int32)
    values[..., list(order)] = nibbles(words)
    return values.reshape(words.shape[0], -1)


def along_rows(words):
    """[rows / 8, columns] words of eight neighbouring rows each to [rows, columns]."""
    return along_columns(words.T).T


def dequantise(q, zero_points, scales):
    """[n, k] from q [n, k] and numbers of groups [n, groups]. The product of integer and scale is exact."""
    group = q.shape[1] // scales.shape[1]
    return ((q - np.repeat(zero_points, group, 1)).astype(np.float32) * np.repeat(scales, group, 1)).astype(np.float32)


def awq(tensors):
    return dequantise(along_columns(tensors["qweight"], AWQ_COLUMNS).T, along_columns(tensors["qzeros"], AWQ_COLUMNS).T,
                      tensors["scales"].T)


def gptq(tensors, offset):
    return dequantise(along_rows(tensors["qweight"]).T, along_columns(tensors["qzeros"]).T + offset, tensors["scales"].T)


def compressed(tensors):
    scales = tensors["weight_scale"]
    symmetric = "weight_zero_point" not in tensors
    zero_points = np.full(scales.shape, 8) if symmetric else along_rows(tensors["weight_zero_point"])
    return dequantise(along_columns(tensors["weight_packed"]), zero_points, scales)


def random_words(random, *shape):
    return random.integers(0, 2**32, shape, np.uint32)


def random_scales(random, bf16, *shape):
    """f32 numbers that the type holds."""
    scales = random.normal(0.01, 0.004, shape).astype(np.float32)
    if not bf16:
        return scales.astype(np.float16).astype(np.float32)
    # Smaller than any f16, as well.
    scales = np.ldexp(scales, random.integers(-20, 3, shape)).astype(np.float32)
    return (scales.view(np.uint32) & 0xFFFF0000).view(np.float32)


def stored(name, values, bf16):
    """The safetensors type and the bytes."""
    if values.dtype == np.float32 and name != "expected":
        return ("BF16", (values.view(np.uint32) >> 16).astype("<u2")) if bf16 else ("F16", values.astype("<f2"))
    return {"uint32": "I32", "int32": "I32", "int64": "I64", "float32": "F32"}[values.dtype.name], values


def write(directory, config, tensors, bf16):
    header, data = {}, b""
    for name, values in tensors.items():
        dtype, values = stored(name, np.ascontiguousarray(values), bf16)
        full_name = name if name == "expected" else f"proj.{name}"
        header[full_name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps({"quantization_config": config}, indent=2) + "\n")
    (directory / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)


def make_awq(random, group, bf16):
    tensors = {"qweight": random_words(random, K, N // 8), "qzeros": random_words(random, K // group, N // 8),
               "scales": random_scales(random, bf16, K // group, N)}
    config = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
    return config, tensors | {"expected": awq(tensors)}


def make_gptq(random, group, bf16, symmetric=False, version=None):
    zero_points = random_words(random, K // group, N // 8)
    if symmetric:
        zero_points[:] = 0x88888888 if version == "gptq_v2" else 0x77777777
    tensors = {"qweight": random_words(random, K // 8, N), "qzeros": zero_points,
               "scales": random_scales(random, bf16, K // group, N), "g_idx": np.arange(K, dtype=np.int32) // group}
    config = {"quant_method": "gptq", "bits": 4, "group_size": group, "sym": symmetric, "desc_act": False}
    if version:
        config["checkpoint_format"] = version
    return config, tensors | {"expected": gptq(tensors, 0 if version == "gptq_v2" else 1)}


def make_compressed(random, group, bf16, symmetric=False):
    tensors = {"weight_packed": random_words(random, N, K // 8), "weight_scale": random_scales(random, bf16, N, K // group),
               "weight_shape": np.array([N, K], np.int64)}
    if not symmetric:
        tensors["weight_zero_point"] = random_words(random, N // 8, K // group)
    weights = {"num_bits": 4, "type": "int", "symmetric": symmetric, "strategy": "channel" if group == K else "group"}
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized", "kv_cache_scheme": None,
              "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}}
    return config, tensors | {"expected": compressed(tensors)}


CASES = {
    "awq_g128": lambda random: make_awq(random, 128, False),
    "awq_g32_bf16": lambda random: make_awq(random, 32, True),
    "gptq_g128_sym": lambda random: make_gptq(random, 128, False, symmetric=True),
    "gptq_g64_asym": lambda random: make_gptq(random, 64, False, version="gptq"),
    "gptq_v2_g32_asym_bf16": lambda random: make_gptq(random, 32, True, version="gptq_v2"),
    "gptq_channel_sym": lambda random: make_gptq(random, K, False, symmetric=True, version="gptq_v2"),
    "compressed_g128_sym_bf16": lambda random: make_compressed(random, 128, True, symmetric=True),
    "compressed_g32_asym": lambda random: make_compressed(random, 32, False),
    "compressed_channel_asym_bf16": lambda random: make_compressed(random, K, True),
}


def main():
    for seed, (name, make) in enumerate(CASES.items()):
        config, tensors = make(np.random.default_rng(seed))
        write(pathlib.Path(__file__).parent / "int4" / name, config, tensors, name.endswith("_bf16"))


if __name__ == "__main__":
    main()
