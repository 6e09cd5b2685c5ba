"""Writes GGUF v3 files, making tensors while they are written so that none is held whole."""

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
