#!/usr/bin/env python3
"""The text tokenizer: byte-level BPE in the Hugging Face layout, with the pre-tokenizer of DeepSeek-LLM.

`python3 text.py` learns it from the captions and writes cache/tokenizer.json; class Text encodes as the engine does.
"""
import json
import random
import re
from collections import Counter, defaultdict

from captions import COLOUR, LANGS, NUMBER, STYLE, Captions
from sources import CACHE, STYLES

VOCAB = 3072
SPECIALS = ["<bos>", "<pad>", "<boi>", "<src>", "<style:any>"] + [f"<style:{s}>" for s in STYLES]
LETTERS = ("A-Za-zªµºÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆՠ-ֈႠ-ჅჇჍა-ჺჽ-ჿᏽᲀ-ᲈᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗ")
PATTERNS = [r"[\r\n]", rf"\s?[{LETTERS}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", r"[一-龥ࠀ-一가-퟿]+"]


def byte_table():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, n = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


BYTES = byte_table()


def isolate(pieces, pattern):
    out = []
    for p in pieces:
        at = 0
        for m in pattern.finditer(p):
            if m.start() > at:
                out.append(p[at:m.start()])
            if m.end() > m.start():
                out.append(m.group())
            at = m.end()
        if at < len(p):
            out.append(p[at:])
    return out


COMPILED = [re.compile(p) for p in PATTERNS] + [re.compile(r"[0-9]")]


def pre_tokenize(text):
    pieces = [text]
    for p in COMPILED:
        pieces = isolate(pieces, p)
    return ["".join(BYTES[b] for b in p.encode()) for p in pieces]


class Text:
    def __init__(self, path=None):
        d = json.load(open(path or f"{CACHE}/tokenizer.json"))
        self.vocab, self.special = d["model"]["vocab"], {t["content"]: t["id"] for t in d["added_tokens"]}
        self.rank = {tuple(m.split(" ")): i for i, m in enumerate(d["model"]["merges"])}
        self.cache = {}

    def bpe(self, piece):
        ids = self.cache.get(piece)
        if ids is None:
            w = list(piece)
            while len(w) > 1:
                best = min(range(len(w) - 1), key=lambda i: self.rank.get((w[i], w[i + 1]), 1 << 30))
                if (w[best], w[best + 1]) not in self.rank:
                    break
                w[best:best + 2] = [w[best] + w[best + 1]]
            ids = self.cache[piece] = [self.vocab[x] for x in w]
        return ids

    def encode(self, text):
        return [i for p in pre_tokenize(text) for i in self.bpe(p)]


def learn(words, size):
    """words: Counter of byte-mapped pieces. Returns merges."""
    seqs = [(list(w), k) for w, k in words.items()]
    count, where = Counter(), defaultdict(set)
    for i, (w, k) in enumerate(seqs):
        for p in zip(w, w[1:]):
            count[p] += k
            where[p].add(i)
    merges = []
    while len(merges) < size:
        pair, n = max(count.items(), key=lambda x: (x[1], x[0]))
        if n <= 0:
            break
        merges.append(pair)
        for i in list(where[pair]):
            w, k = seqs[i]
            for p in zip(w, w[1:]):
                count[p] -= k
                where[p].discard(i)
            out, j = [], 0
            while j < len(w):
                if j + 1 < len(w) and (w[j], w[j + 1]) == pair:
                    out.append(w[j] + w[j + 1])
                    j += 2
                else:
                    out.append(w[j])
                    j += 1
            seqs[i] = (out, k)
            for p in zip(out, out[1:]):
                count[p] += k
                where[p].add(i)
        del count[pair]
    return merges


def corpus():
    cap, r, words = Captions(), random.Random(0), Counter()

    def add(text, k=1):
        for p in pre_tokenize(text):
            words[p] += k
    for c in cap.c:
        for l in LANGS:
            add(c[l][0], 40)
            for n in c[l][1:]:
                add(n, 12)
    n = len(cap.c)
    for _ in range(30000):
        kind = r.choice(["single", "single", "scene", "pair", "count"])
        m = {"kind": kind, "concepts": [r.randrange(n), r.randrange(n)], "bg": r.randrange(12) if kind != "scene" else 0,
             "tint": r.choice([0, 0, 1, 2, 3, 4, 5, 7, 8]) if kind == "single" else 0, "style": r.randrange(6), "scene": r.randrange(8),
             "relation": r.randrange(2), "number": r.randrange(2, 5)}
        add(cap.caption(r, m, say_style=r.random() < .3, lang=r.choice(LANGS)))
        add(cap.edit(r, {**m, "task": r.choice(["restyle", "background", "recolour"]), "tint": r.choice([1, 2, 3, 4, 5, 7, 8])}, lang=r.choice(LANGS)))
    return words


def main():
    base = [BYTES[b] for b in range(256)]
    merges = learn(corpus(), VOCAB - 256 - len(SPECIALS))
    vocab = {t: i for i, t in enumerate(base)}
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    first = len(vocab)
    assert first + len(SPECIALS) <= VOCAB
    added = [{"id": first + i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for i, t in enumerate(SPECIALS)]
    split = [{"type": "Split", "pattern": {"Regex": p}, "behavior": "Isolated", "invert": False} for p in PATTERNS]
    json.dump({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
               "normalizer": {"type": "Sequence", "normalizers": []},
               "pre_tokenizer": {"type": "Sequence", "pretokenizers": split + [
                   {"type": "Digits", "individual_digits": True},
                   {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
               "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
               "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                         "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": [f"{a} {b}" for a, b in merges]}},
              open(f"{CACHE}/tokenizer.json", "w"), ensure_ascii=False, indent=0)
    print(len(vocab), "tokens and", len(SPECIALS), "special ones")


if __name__ == "__main__":
    main()
