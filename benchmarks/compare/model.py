"""A GGUF file as something to compare engines on: what a token costs."""

import math
import pathlib

import gguf_file
from random_blocks import FORMATS

FORMAT_NAMES = {weight_format.tensor_type: name for name, weight_format in FORMATS.items()}


class Model:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.stem
        reader = gguf_file.Reader(self.path)
        prefix = reader.settings["general.architecture"] + "."
        self.vocab = len(reader.settings["tokenizer.ggml.tokens"])
        self.layers = reader.settings[prefix + "block_count"]
        heads = reader.settings[prefix + "attention.head_count"]
        head_dim = reader.settings.get(prefix + "attention.key_length",
                                       reader.settings[prefix + "embedding_length"] // heads)
        self.kv_values = 2 * self.layers * reader.settings[prefix + "attention.head_count_kv"] * head_dim
        linears = [name for name, (shape, _) in reader.tensors.items() if name.startswith("blk.") and len(shape) == 2]
        self.weight_bytes = sum(map(reader.bytes_of, reader.tensors))
        # Every weight is read for a token, but of an embedding that is not the head as well only one row.
        tied = "output.weight" not in reader.tensors
        self.token_bytes = self.weight_bytes - (0 if tied else reader.bytes_of("token_embd.weight"))
        # Linear layers only, for every engine alike: neither attention nor the head, which needs one row of a prompt.
        self.token_operations = 2 * sum(math.prod(reader.tensors[name][0]) for name in linears)
        self.format = FORMAT_NAMES.get(reader.tensors[linears[0]][1], "other")

    def read(self):
        """So that the page cache holds it."""
        with open(self.path, "rb", buffering=0) as file:
            while file.read(1 << 24):
                pass

    def describe(self):
        return {"name": self.name, "format": self.format, "weight_bytes": self.weight_bytes,
                "token_bytes": self.token_bytes, "token_operations": self.token_operations,
                "kv_values": self.kv_values}
