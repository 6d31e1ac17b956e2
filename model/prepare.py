#!/usr/bin/env python3
"""Writes what the transformer learns as shards of ready sequences (text ids and picture tokens).

usage: prepare.py TOKENIZER OUTDIR [--edition 0 [--besides -1]] [--kinds single,tinted,scene,count,pair,restyle,background,recolour]
                  [--captions 8] [--pairs 30000] [--workers 2]
Kinds with "recalled_" before them: the same pictures drawn after what the model's memory holds of the things (memory.py).
The pictures of a kind are encoded once (OUTDIR/<kind>.npy, int16 tokens [rows,144]); every row then gets several
captions. A shard: a 64-byte header {"MDSHARD1", u32 prefix, source, middle, target, u64 count} and records of u16.
--besides: only the things that this edition did not know.
Held out from training: grounds of singles with held_single(), pairs with held_pair(), captions' held phrasings.
"""
import argparse
import json
import os
import random
import struct
import time
import traceback

import numpy as np
import torch

import captions as C
import nets
from curated import edition
from memory import Memory
from people import people
from pictures import COUNTS, PAIRS, TINTS, Sprites
from sources import CACHE, STYLES
from text import Text

PREFIX = nets.PROMPT + 3
N = nets.TOKENS


def held_pair(a, b):
    return (a * 31 + b * 17) % 16 == 0


def held_single(style, concept, bg):
    return bg > 0 and (style * 7 + concept * 3 + bg * 5) % 20 == 0


def ground_of(style, concept, k, colour=None):
    """A ground for row k of a picture, never the colour of the thing itself; k = 0 is white."""
    if k == 0:
        return 0
    bg = 1 + (style * 5 + concept * 7 + k * 4) % 11
    return bg if bg != colour else 1 + bg % 11


def rows_of(kind, ids, pairs):
    """Every picture of a kind as a meta dict; concept numbers are indexes into concepts.json."""
    out, r = [], random.Random(17)
    cc = C.concepts()
    for s in range(len(STYLES)):
        for c in ids:
            if kind == "single":
                out += [{"kind": "single", "style": s, "concepts": [c], "bg": bg, "tint": 0} for bg in range(12)]
            elif kind == "tinted" and C.tintable(cc[c]):
                out += [{"kind": "single", "style": s, "concepts": [c], "tint": t, "bg": ground_of(s, c, (c + t) % 3, t)} for t in TINTS]
            elif kind == "scene":
                out += [{"kind": "scene", "style": s, "concepts": [c], "scene": k, "bg": 0} for k in range(8)]
            elif kind == "placed":
                out.append({"kind": "placed", "style": s, "concepts": [c]})
            elif kind == "count":
                out += [{"kind": "count", "style": s, "concepts": [c], "number": n, "bg": ground_of(s, c + n, k)} for n in (2, 3, 4) for k in (0, 1)]
    if "portrait" in kind:
        for s, c, m in ((s, c, {"style": s, "concepts": [c], "traits": p["traits"]}) for s, name in enumerate(STYLES) for c, p in enumerate(people()) if name in p["styles"]):
            if kind == "portrait":
                out += [m | {"kind": kind, "bg": bg} for bg in range(12)]
            else:
                out += [m | {"kind": "scene", "bg": 0, "scene": (c + s + 3 * k) % 8} for k in range(2)]
    while kind == "pair" and len(out) < pairs:
        a, b = r.choice(ids), r.choice(ids)
        if a != b and not held_pair(a, b):
            out.append({"kind": "pair", "style": r.randrange(6), "concepts": [a, b], "relation": r.randrange(2),
                        "bg": 0 if r.random() < .3 else r.randrange(1, 12)})
    return out


def draw(s, ms):
    """Pictures of metas of one layout, in [-1,1], channels last."""
    column = lambda values: torch.tensor(values, device=s.device)
    t = lambda key: column([m[key] for m in ms])
    style, a = t("style"), column([m["concepts"][0] for m in ms])
    kind = ms[0]["kind"]
    if kind == "single":
        x = s.single(style, a, t("bg"), t("tint"))
    elif "traits" in ms[0]:
        x = s.portrait(style, a, s.ground(t("bg")) if kind == "portrait" else s.grounds[style, t("scene")])
    elif kind == "scene":
        x = s.place(style, a, t("scene"))
    elif kind == "placed":
        x = s.placed(style, a)
    elif kind == "count":
        n = ms[0]["number"]
        x = s.slots(style, [a] * n, t("bg"), COUNTS[n])
    else:
        x = s.slots(style, [a, column([m["concepts"][1] for m in ms])], t("bg"), PAIRS[ms[0]["relation"]])
    return (x / 127.5 - 1).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def encode(s, vq, rows, out, part, parts):
    layouts, at_once = {}, 16 if s.device.type == "cpu" else 256
    for i, m in enumerate(rows):
        layouts.setdefault((m["kind"], m.get("number"), m.get("relation")), []).append(i)
    for where in layouts.values():
        for k, i in enumerate(range(0, len(where), at_once)):
            if k % parts == part:
                w = where[i:i + at_once]
                with torch.autocast(s.device.type, dtype=torch.bfloat16):
                    out[w] = vq.ids(draw(s, [rows[j] for j in w])).flatten(1).cpu().numpy()


def in_processes(work, count):
    """work(k) for every k, each in a process of its own."""
    pids = []
    for k in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                work(k)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        pids.append(pid)
    assert all([os.waitpid(p, 0)[1] == 0 for p in pids]), "a process failed"


def tokens_of(kind, rows, s, vq, path, workers):
    if os.path.exists(path):
        done = np.load(path, mmap_mode="r")
        assert len(done) == len(rows), path
        return done
    t0 = time.time()
    out = np.lib.format.open_memmap(path + ".part", mode="w+", dtype=np.int16, shape=(len(rows), N))
    if s.device.type == "cpu":
        in_processes(lambda k: encode(s, vq, rows, out, k, workers) or out.flush(), workers)
    else:
        encode(s, vq, rows, out, 0, 1)
        out.flush()
    os.rename(path + ".part", path)
    print(f"{kind}: {len(rows)} pictures in {time.time() - t0:.0f} s", flush=True)
    return np.load(path, mmap_mode="r")


def prefix_ids(text, words, style, last, r=None, extra=()):
    sp, ids = text.special, text.encode(words)[:nets.PROMPT]
    ids = around(r, ids, extra) if extra else ids
    return [sp["<bos>"]] + ids + [sp["<pad>"]] * (nets.PROMPT - len(ids)) + [sp[style], sp[last]]


def said(say, text):
    """A phrasing of say() that the model reads to its end."""
    while True:
        words = say()
        if len(text.encode(words)) <= nets.PROMPT:
            return words


def fillers(text, cap):
    """Pieces that name nothing by themselves: in no concept's name, no colour, style, place or number; or of two letters at most."""
    names = C.leaves([[c[l] for l in C.LANGS] for c in cap.c])
    spoken = {C.plural(n) for n in C.leaves([c["en"] for c in cap.c])}.union(names, C.words())
    spoken = {t for n in spoken for t in text.encode(n) + text.encode(" " + n)} | set(text.special.values())
    return [t for piece, t in text.vocab.items() if t not in spoken or len(piece) < 3 and t not in text.special.values()]


def around(r, ids, extra):
    """Words that say nothing, before and after: a person says more than the captions foresee, and it must not matter."""
    if r.random() < .35:
        for _ in range(r.randrange(1, 4)):
            more = r.choices(extra, k=r.randrange(1, 7))
            if len(ids) + len(more) <= nets.PROMPT:
                ids = more + ids if r.random() < .5 else ids + more
    return ids


def mentioned(words, things, cap):
    """The things in the order in which the words name them: the longest names first, each letter once."""
    words, found = words.lower(), {}
    names = sorted({(n.lower(), c) for c in things for n in C.leaves([cap.c[c][l] for l in C.LANGS])}, key=lambda x: -len(x[0]))
    for name, c in names:
        at = words.find(name)
        if at >= 0 and c not in found:
            found[c] = at
            words = words.replace(name, "\0" * len(name), 1)
    return sorted(things, key=lambda c: found.get(c, len(words)))


def style_token(r, s):
    """(token, must the words say the style)"""
    return ("<style:any>", True) if r.random() < .2 else (f"<style:{STYLES[s]}>", r.random() < .15)


def write(path, make, source, workers):
    """The records that make(k, random) gives for every k below workers, mixed."""
    def part(k):
        np.save(f"{path}.{k}.npy", np.asarray(make(k, random.Random(f"{os.path.basename(path)} {k}")), dtype=np.uint16))

    in_processes(part, workers)
    a = np.concatenate([np.load(f"{path}.{k}.npy") for k in range(workers)])
    for k in range(workers):
        os.remove(f"{path}.{k}.npy")
    np.random.RandomState(1).shuffle(a)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<8sIIIIQ", b"MDSHARD1", PREFIX, N if source else 0, 2 if source else 0, N, len(a)).ljust(64, b"\0"))
        a.tofile(f)
    os.rename(path + ".part", path)
    print(path, len(a), "records", a.nbytes >> 20, "MiB", flush=True)


def draws(kind, rows, tokens, text, cap, captions, extra, r):
    out = []
    for m, t in zip(rows, tokens):
        if kind == "single" and held_single(m["style"], m["concepts"][0], m["bg"]):
            continue
        for _ in range(captions * (3 if kind == "single" and m["bg"] == 0 else 1)):
            token, say = style_token(r, m["style"])
            out.append(np.concatenate([prefix_ids(text, said(lambda: cap.caption(r, m, say_style=say), text), token, "<boi>", r, extra), t]))
    return out


def recalled(kind, rows, tokens, memory, text, cap, captions, extra, r):
    """As draws(), after what the memory holds of the things, in the order in which they are named."""
    out = []
    for m, t in zip(rows, tokens):
        if kind == "single" and held_single(m["style"], m["concepts"][0], m["bg"]):
            continue
        for _ in range(captions * (4 if kind == "single" and m["bg"] == 0 else 1)):
            token, say = style_token(r, m["style"])
            words = said(lambda: cap.caption(r, m, say_style=say), text)
            things = m["concepts"] if "traits" in m else mentioned(words, m["concepts"], cap)
            out.append(np.concatenate([prefix_ids(text, words, token, "<src>", r, extra), memory.canvas(m["style"], things, kind),
                                       [text.special[token], text.special["<boi>"]], t]))
    return out


def people_memory(load):
    """Of people; in a place they stand as they do alone."""
    rows, tokens = load("portrait")
    white = [i for i, m in enumerate(rows) if m["bg"] == 0]
    return Memory.of(rows, tokens, [rows[i] for i in white], tokens[white], [], [])


def edited(cap, r, e, text):
    """An instruction that the model reads to its end."""
    while True:
        words = cap.edit(r, e)
        if len(text.encode(words)) <= nets.PROMPT:
            return words
        e.pop("said", None)


def edits(kind, single, srows, tinted, trows, text, cap, count, extra, r):
    """Pairs of pictures of one concept: restyle, background, recolour."""
    at = {(m["style"], m["concepts"][0], m["bg"]): i for i, m in enumerate(srows)}
    out = []
    while len(out) < count:
        if kind == "recolour":
            j = r.randrange(len(trows))
            m = trows[j]
            src, dst = single[at[m["style"], m["concepts"][0], m["bg"]]], tinted[j]
            e, s, d = {"task": kind, "tint": m["tint"]}, m["style"], m["style"]
        else:
            m = srows[r.randrange(len(srows))]
            s, c, bg = m["style"], m["concepts"][0], m["bg"] if r.random() < .6 else 0
            d, g = (r.randrange(6), bg) if kind == "restyle" else (s, r.randrange(12))
            if held_single(d, c, g):
                continue
            src, dst = single[at[s, c, bg]], single[at[d, c, g]]
            e = {"task": kind, "style": d, "bg": g, "source": m}
            if kind == "restyle" and r.random() < .5:
                e["said"] = cap.caption(r, m, say_style=r.random() < .2)
        words = edited(cap, r, e, text)
        a = "<style:any>" if r.random() < .3 else f"<style:{STYLES[s]}>"
        b = "<style:any>" if kind == "restyle" and words and r.random() < .3 else f"<style:{STYLES[d]}>"
        out.append(np.concatenate([prefix_ids(text, words, a, "<src>", r, extra if words else ()), src, [text.special[b], text.special["<boi>"]], dst]))
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tokenizer")
    p.add_argument("out")
    p.add_argument("--edition", type=int, default=0)
    p.add_argument("--besides", type=int, default=-1)
    p.add_argument("--kinds", default="single,tinted,scene,count,pair")
    p.add_argument("--captions", type=int, default=8)
    p.add_argument("--edits", type=int, default=100000)
    p.add_argument("--pairs", type=int, default=30000)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    o = p.parse_args()
    torch.set_num_threads(1)
    if o.device == "cpu":
        import fused
        nets.Fused.norm_swish = staticmethod(fused.norm_swish)
    os.makedirs(o.out, exist_ok=True)
    known = set(edition(C.concepts(), o.besides)) if o.besides >= 0 else set()
    ids = [i for i in edition(C.concepts(), o.edition) if i not in known]
    s, vq = Sprites(o.device), nets.VQModel().to(o.device, memory_format=torch.channels_last).eval()
    vq.load_state_dict(torch.load(o.tokenizer, map_location=o.device))
    text, cap, w = Text(), C.Captions(), o.workers
    extra = fillers(text, cap)
    json.dump(ids, open(f"{o.out}/concepts.json", "w"))
    load = lambda k: (lambda rows: (rows, tokens_of(k, rows, s, vq, f"{o.out}/{k}.npy", o.workers)))(rows_of(k, ids, o.pairs))
    for kind in o.kinds.split(","):
        if kind in ("restyle", "background", "recolour"):
            srows, single = load("single")
            trows, tinted = load("tinted")
            write(f"{o.out}/{kind}.shard", lambda k, r: edits(kind, single, srows, tinted, trows, text, cap, o.edits // w, extra, r), True, w)
        elif kind.startswith("recalled_"):
            what = kind[9:]
            rows, tokens = load(what)
            memory = people_memory(load) if "portrait" in what else Memory.of(*load("single"), *load("placed"), *load("count"))
            write(f"{o.out}/{kind}.shard", lambda k, r: recalled(what, rows[k::w], tokens[k::w], memory, text, cap, o.captions, extra, r), True, w)
        else:
            rows, tokens = load(kind)
            write(f"{o.out}/{kind}.shard", lambda k, r: draws(kind, rows[k::w], tokens[k::w], text, cap, o.captions, extra, r), False, w)


if __name__ == "__main__":
    main()
