"""Trains small vocabularies with the Python library tokenizers and writes goldens/vocabularies.json: the lists that a
GGUF file would carry, texts and their ids.
Command: python3 tests/unit/text/make_vocabulary_goldens.py (needs tokenizers 0.21)."""

import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
BLANK = "\u2581"

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
# name in tokenizer.ggml.pre: (splits before ByteLevel, whether ByteLevel splits too, normalizer, ignore_merges)
PRES = {
    "gpt-2": ([], True, None, False),
    "smollm": ([pre_tokenizers.Digits(individual_digits=True)], True, None, False),
    "llama-bpe": ([CONTRACTION + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST], False, None, True),
    "qwen2": ([CONTRACTION + r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST], False, normalizers.NFC(), False),
    "tekken": ([rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}"
                + REST.replace(r"+[\r\n]*", r"+[\r\n/]*", 1)], False, None, True),
}

CORPUS = ["The quick brown fox isn't the one we'll see in 1234567 days; it's 42 over there.", "for (int i = 0; i < 10; ++i) {\n"
          "    return x[i];\n}\n", "Straße über École naïve Übermut", "Ελληνικά кириллица 中文字符 日本語 한국어 עברית العربية",
          "the the there then this that    with     blanks\t\ttabs\n\n\nlines"] * 4
TEXTS = [
    "", " ", "  ", "\n", " \n", "\n ", "\r\n\r\n", "\t\t x", "a", " a", "a ", "The quick brown fox", "there isn't I'LL we're It'S",
    "1", "12", "123", "1234", "12345678 90", "x1y22z333", "3.14159", "½ ② Ⅷ ٣", "Straße ÉCOLE", "e\u0301 é a\u0308", "中文 字符",
    "日本語 한국어", "עברית العربية", "😀👩\u200d🚀", "for (int i = 0; i < 10; ++i) {\n\treturn;\n}", "...!!!???", "a/b//c/\n",
    "HelloWorld helloWORLD iPhone", "   leading and trailing   ", "\u00a0nbsp\u3000wide\u2028line", "\u0000\u0001\u007f\u0085",
    "<|im_end|>", "x<|im_start|>y", "'s 'S 'ſ", "\u2581the \u2581", "don't  stop\n\n\n now", "a\u200bb", "ſ K Å ﬁ",
]


def byte_level(pre):
    splits, also_bytes, normalizer, whole = PRES[pre]
    tokenizer = Tokenizer(models.BPE(ignore_merges=whole))
    if normalizer:
        tokenizer.normalizer = normalizer
    steps = [pre_tokenizers.Split(Regex(s), "isolated") if isinstance(s, str) else s for s in splits]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=also_bytes)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=360, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False,
        special_tokens=["<|im_start|>", "<|im_end|>"]))
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(m) if isinstance(m, list) else m for m in model["merges"]]
    return tokenizer, {"model": "gpt2", "pre": pre, "tokens": tokens, "merges": merges,
                       "types": [3 if i < 2 else 1 for i in range(len(tokens))]}


def sentence_piece(add_space):
    base = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trained.train_from_iterator(CORPUS[:1] + CORPUS[4:5], trainers.BpeTrainer(vocab_size=90, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    tokens = base + pieces
    ids = {token: i for i, token in enumerate(tokens)}
    merged = ["".join(m) for m in merges]
    # SentencePiece scores a piece by the order of its merge; every way to make it has that rank.
    every = [(piece[:cut], piece[cut:]) for piece in merged for cut in range(1, len(piece))
             if piece[:cut] in ids and piece[cut:] in ids]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=every, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = ([normalizers.Prepend(BLANK)] if add_space else []) + [normalizers.Replace(" ", BLANK)]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(BLANK, " "), decoders.ByteFallback(), decoders.Fuse()] + (
        [decoders.Strip(" ", 1, 0)] if add_space else []))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    scores = [0.0] * len(tokens)
    for rank, piece in enumerate(merged):
        scores[ids[piece]] = -float(rank)
    types = [2, 3, 3] + [6] * 256 + [1] * len(pieces)
    return tokenizer, {"model": "llama", "pre": "default", "tokens": tokens, "scores": scores, "types": types, "bos": 1,
                       "unknown": 0, "add_bos": True, "add_space_prefix": add_space}


def main():
    made = [byte_level(pre) for pre in PRES] + [sentence_piece(True), sentence_piece(False)]
    cases = []
    for tokenizer, vocabulary in made:
        encoded = [tokenizer.encode(text, add_special_tokens=True).ids for text in TEXTS]
        cases.append({"vocabulary": vocabulary, "ids": encoded,
                      "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in encoded]})
    document = {"texts": TEXTS, "cases": cases}
    (HERE / "goldens" / "vocabularies.json").write_text(json.dumps(document) + "\n", encoding="utf-8")


main()
