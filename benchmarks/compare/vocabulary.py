"""A byte-level BPE vocabulary of any size, made up: bytes, then every word of two, three and four small letters."""

import itertools
import string

NORMAL, CONTROL = 1, 3
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LETTERS = string.ascii_lowercase


def byte_spellings():
    """GPT-2's: printable bytes stand for themselves, the others for the characters from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("\xa1"), ord("\xac") + 1), *range(ord("\xae"), 256)]
    others = (chr(256 + i) for i in itertools.count())
    return [chr(byte) if byte in printable else next(others) for byte in range(256)]


def merges():
    """Pairs of tokens that merge into one, each of tokens that exist by then."""
    pairs = [a + b for a in LETTERS for b in LETTERS]
    yield from ((a, b) for a in LETTERS for b in LETTERS)
    yield from ((pair, letter) for pair in pairs for letter in LETTERS)
    yield from ((first, second) for first in pairs for second in pairs)


def settings(size, pre):
    """The tokenizer's GGUF keys for `size` tokens; `pre` names the way text is cut into words."""
    chosen = list(itertools.islice(merges(), size - 256 - len(SPECIAL)))
    tokens = byte_spellings() + [a + b for a, b in chosen] + SPECIAL
    if len(tokens) != size:
        raise ValueError(f"a vocabulary of {size} tokens was asked for; {len(tokens)} can be made")
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [NORMAL] * (size - len(SPECIAL)) + [CONTROL] * len(SPECIAL),
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in chosen],
        "tokenizer.ggml.bos_token_id": size - 3,
        "tokenizer.ggml.eos_token_id": size - 1,
        "tokenizer.ggml.padding_token_id": size - 3,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template":
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    }
