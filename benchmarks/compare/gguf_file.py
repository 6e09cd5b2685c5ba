"""GGUF v3 files: writes them, making tensors while they are written so that none is held whole; reads what they contain."""

import math
import struct

ALIGNMENT = 32

# GGUF's numbers of the types that are written here.
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(value):
    """(type, bytes): bool, str and float as they are, int as u32."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<?", value)
    if isinstance(value, str):
        return STRING, text(value)
    if isinstance(value, float):
        return FLOAT32, struct.pack("<f", value)
    return UINT32, struct.pack("<I", value)


def typed(value):
    """(type, bytes) of a scalar, or of a list of strings or of ints, which are written as i32."""
    if not isinstance(value, list):
        return scalar(value)
    if isinstance(value[0], str):
        return ARRAY, struct.pack("<IQ", STRING, len(value)) + b"".join(map(text, value))
    return ARRAY, struct.pack(f"<IQ{len(value)}i", INT32, len(value), *value)


def padding(size):
    return bytes(-size % ALIGNMENT)


def header(settings, tensors):
    """tensors: (name, shape with the slowest dimension first, type, bytes) each, in the order of their data."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(settings))]
    for key, value in settings.items():
        kind, data = typed(value)
        parts += [text(key), struct.pack("<I", kind), data]
    offset = 0
    for name, shape, kind, size in tensors:
        parts += [text(name), struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, offset)]
        offset += size + len(padding(size))
    data = b"".join(parts)
    return data + padding(len(data))


def write(path, settings, tensors, data_of):
    """data_of(i) yields the bytes of tensor i in pieces. The file appears whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    with open(unfinished, "wb") as out:
        out.write(header(settings, tensors))
        for i, (name, _, _, size) in enumerate(tensors):
            start = out.tell()
            for piece in data_of(i):
                out.write(piece)
            if out.tell() - start != size:
                raise ValueError(f"{name}: {out.tell() - start} bytes were made of {size}")
            out.write(padding(size))
    unfinished.rename(path)


# Values and bytes of a block, by GGUF's number of the type: those that checkpoints of quantised decoders have.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 12: (256, 144),
          13: (256, 176), 14: (256, 210), 20: (32, 18), 30: (1, 2)}
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", UINT32: "I", INT32: "i", FLOAT32: "f", BOOL: "?", 10: "Q", 11: "q", 12: "d"}


class Reader:
    """The settings and the tensors of a GGUF file, without their data."""

    def __init__(self, path):
        with open(path, "rb") as self._file:
            if self._file.read(4) != b"GGUF":
                raise ValueError(f"{path} is no GGUF file")
            _, num_tensors, num_settings = self._unpack("IQQ")
            self.settings = {}
            for _ in range(num_settings):
                key = self._text()
                self.settings[key] = self._value(*self._unpack("I"))
            self.tensors = dict(self._tensor() for _ in range(num_tensors))

    def _unpack(self, form):
        form = "<" + form
        return struct.unpack(form, self._file.read(struct.calcsize(form)))

    def _text(self):
        return self._file.read(*self._unpack("Q")).decode(errors="replace")

    def _value(self, kind):
        if kind == STRING:
            return self._text()
        if kind != ARRAY:
            return self._unpack(SCALARS[kind])[0]
        item, count = self._unpack("IQ")
        if item == STRING:
            return [self._text() for _ in range(count)]
        return list(self._unpack(f"{count}{SCALARS[item]}"))

    def _tensor(self):
        """(name, (shape with the slowest dimension first, type))."""
        name = self._text()
        shape = self._unpack(f"{self._unpack('I')[0]}Q")
        kind, _ = self._unpack("IQ")
        return name, (shape[::-1], kind)

    def bytes_of(self, name):
        shape, kind = self.tensors[name]
        values, size = BLOCKS[kind]
        return math.prod(shape) // values * size
