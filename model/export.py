#!/usr/bin/env python3
"""Puts the trained parts together as the model people run: OUTDIR/{config.json,tokenizer.json,concepts.json,model.safetensors}.

usage: export.py TOKENIZER.pt TRANSFORMER.safetensors SHARDDIR OUTDIR [--tasks draw,vary] [--guidance 1.5] ...
Weight matrices and convolutions become I8 with one F32 scale a row (an output channel); the rest is F16.
"""
import argparse
import copy
import csv
import json
import os
import shutil
import struct

import numpy as np
import torch
import torch.nn.functional as F

import captions as C
import nets
from curated import edition
from memory import Memory
from pictures import Sprites
from people import NAMES as NAMES_OF_PEOPLE, TRAITS, people
from prepare import people_memory, rows_of
from sources import CACHE, PORTRAITS, STYLES

DTYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8, "U8": np.uint8, "I32": np.int32, "BF16": np.uint16}
STYLE_LABELS = {s: {l: C.STYLE[l][i] for l in C.LANGS} for i, s in enumerate(STYLES)}


def read(path):
    """{name: float32 array} of a safetensors file (F32, F16, BF16, I8 with scales)."""
    f = open(path, "rb")
    n = struct.unpack("<Q", f.read(8))[0]
    head = json.loads(f.read(n))
    body, out = f.read(), {}
    for name, t in head.items():
        if name == "__metadata__":
            continue
        a = np.frombuffer(body[t["data_offsets"][0]:t["data_offsets"][1]], DTYPES[t["dtype"]]).reshape(t["shape"])
        out[name] = (a.astype(np.uint32) << 16).view(np.float32) if t["dtype"] == "BF16" else a.astype(np.float32)
    for name in [k for k in out if k.endswith("_scale")]:
        s = out.pop(name)
        w = out[name[:-6]]
        out[name[:-6]] = w * s.reshape([-1] + [1] * (w.ndim - 1))
    return out


def write(path, tensors, metadata):
    head, at = {"__metadata__": metadata}, 0
    names = sorted(tensors, key=lambda k: (-tensors[k].dtype.itemsize, k))  # widest first: every tensor stays aligned
    kind = {np.dtype(v): k for k, v in DTYPES.items()}
    for k in names:
        a = tensors[k]
        head[k] = {"dtype": kind[a.dtype], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    h = json.dumps(head, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 64)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h)
        for k in names:
            f.write(np.ascontiguousarray(tensors[k]).tobytes())
    os.rename(path + ".part", path)


def quantised(name, w):
    """I8 rows where that is nearly free; F16 for vectors, the tiny embedding and the first and last convolution."""
    small = w.ndim < 2 or w.size < 20000 or "generation_embeddings" in name or "position" in name or "conv_in" in name or "conv_out" in name
    if small:
        return {name: w.astype(np.float16)}
    rows = np.abs(w.reshape(len(w), -1)).max(1)
    scale = np.maximum(rows, 1e-8).astype(np.float32) / 127
    q = np.clip(np.round(w / scale.reshape([-1] + [1] * (w.ndim - 1))), -127, 127).astype(np.int8)
    return {name: q, name + "_scale": scale}


def stem(name):
    return name.lower().removesuffix("s")


def names(c, core, labels):
    """What a thing can be asked for by: not by another's label ("vampire" of a bat). Beyond the core its label and what is part of
    it ("boot" of "hiking boot"): other words of the lexicon ("family" of a crown) say too often something else."""
    part = lambda n, label: len(n) > 1 and (n in label or label in n)
    return {l: [n for k, n in enumerate(c[l]) if k == 0 or (l, stem(n)) not in labels and (core or part(n.lower(), c[l][0].lower()))]
            for l in C.LANGS}


LOOK = 12


def look(pictures):
    """How things look at a glance (src/engine/glance.h): premultiplied pictures [n,4,h,w] without a ground, each the square around what is
    there, a twenty-fifth wider, in 12 x 12 cells -> uint8 [n, 576]. Of nothing: zeros."""
    out = torch.zeros(len(pictures), LOOK, LOOK, 4)
    for i, p in enumerate(pictures.float()):
        rows, columns = (torch.where((p[3] > 30).sum(d) > 1)[0] for d in (1, 0))
        if not len(rows) or not len(columns):
            continue
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        side, pad = round(max(bottom - top, right - left) * 1.04), 64
        y, x = round((top + bottom - side) / 2) + pad, round((left + right - side) / 2) + pad
        out[i] = F.adaptive_avg_pool2d(F.pad(p, (pad,) * 4)[:, y:y + side, x:x + side], LOOK).permute(1, 2, 0)
    return out.round().clamp(0, 255).byte().flatten(1).numpy()


def remember(path, shards, things, portraits):
    """What the memory holds of these things; with portraits, of people too: the first row is of no one, theirs are the last.
    A person asked for in a style in which none is drawn is drawn flat; small, beside another or in a number, as the emoji of such a one."""
    ids = json.load(open(f"{shards}/concepts.json"))
    load = lambda kind: (rows_of(kind, ids, 0), np.load(f"{shards}/{kind}.npy"))
    memory = Memory.of(*load("single"), *load("placed"), *load("count"))
    held = {k: getattr(memory, k)[:, things] for k in ("alone", "placed", "small")}
    sprites = Sprites()
    held["look"] = np.stack([look(s[things]) for s in sprites.full])
    if portraits:
        them, cc = people_memory(load), C.concepts()
        who = [next(i for i, c in enumerate(cc) if c["en"][0] == p["traits"][0]) for p in people()]
        drawn = [STYLES.index(s if s in PORTRAITS else PORTRAITS[0]) for s in STYLES]
        faces = {"alone": them.alone[drawn], "placed": them.placed[drawn], "small": memory.small[:, who],
                 "look": np.stack([look(sprites.load_people()[s]) for s in drawn])}
        nobody = {k: np.full_like(a[:, :1], 0 if k == "look" else -1) for k, a in held.items()}
        held = {k: np.concatenate([nobody[k], a, faces[k]], 1) for k, a in held.items()}
    write(path, held | {"white": np.array([memory.white], np.int32)}, {"format": "pt"})


def portrait():
    """The one thing of which everyone is a kind."""
    return {"id": "portrait", "char": "👤"} | NAMES_OF_PEOPLE | {"kinds": [p["traits"] for p in people()]}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tokenizer")
    p.add_argument("transformer")
    p.add_argument("shards")
    p.add_argument("out")
    p.add_argument("--tasks", default="draw,vary")
    p.add_argument("--guidance", type=float, default=1.5)
    p.add_argument("--temperature", type=float, default=.5)
    p.add_argument("--top-k", type=int, default=0)
    p.add_argument("--top-p", type=float, default=.9)
    p.add_argument("--edition", default="1.1")
    p.add_argument("--memory", help="prepare.py's OUTDIR with single.npy, placed.npy and count.npy: what it holds of the things goes along (memory.py)")
    p.add_argument("--portraits", action="store_true", help="people too, from portrait.npy beside those")
    p.add_argument("--known", help="evaluate.py's _known.csv: only things that came out as asked in two of its three tries are offered")
    p.add_argument("--unasked", default="flat", help="the style of who asks for none: one that was trained with plain words; 'any' was trained only beside a style's name")
    o = p.parse_args()
    os.makedirs(o.out, exist_ok=True)
    tensors = {}
    for k, v in torch.load(o.tokenizer, map_location="cpu").items():
        tensors.update(quantised("model.vqmodel." + k, v.float().numpy()))
    for k, v in read(o.transformer).items():
        tensors.update(quantised(k if k.startswith("model.") else "model." + k, v))
    write(f"{o.out}/model.safetensors", tensors, {"format": "pt", "model": "madang-built-in", "edition": o.edition})
    config = copy.deepcopy(nets.CONFIG)
    config["madang"] = {"name": "madang", "edition": o.edition, "prompt_length": nets.PROMPT, "tasks": o.tasks.split(","),
                        "guidance": o.guidance, "temperature": o.temperature, "top_k": o.top_k, "top_p": o.top_p,
                        "styles": [{"name": s, "token": f"<style:{s}>", "label": STYLE_LABELS[s], **({"block": 8} if s == "pixel" else {})} for s in STYLES],
                        "tokens": {"bos": "<bos>", "pad": "<pad>", "boi": "<boi>", "src": "<src>", "style_any": f"<style:{o.unasked}>",
                                   "source_any": "<style:any>"}}
    json.dump(config, open(f"{o.out}/config.json", "w"), ensure_ascii=False, indent=1)
    shutil.copy(f"{CACHE}/tokenizer.json", o.out)
    cc = C.concepts()
    known = [cc[i] for i in json.load(open(f"{o.shards}/concepts.json"))]
    if o.known:
        with open(o.known) as f:
            good = {r["id"] for r in csv.DictReader(f) if sum(r[k] == "0" for k in ("rank en", "rank ko", "rank ja")) >= 2}
        known = [c for c in known if c["id"] in good]
    if o.portraits:  # a woman is someone, no longer a yellow face
        known = [c for c in known if c["en"][0] not in NAMES_OF_PEOPLE["en"]]
    labels = {(l, stem(c[l][0])) for c in known for l in C.LANGS}
    core = {c["id"] for c in (cc[i] for i in edition(cc, 0))}
    known = sorted(known, key=lambda c: c["id"] not in core)  # of two things with one name the first is meant
    if o.memory:
        remember(f"{o.out}/memory.safetensors", o.memory, [cc.index(c) for c in known], o.portraits)
    json.dump({"concepts": [portrait()] * o.portraits + [{k: c[k] for k in ("id", "char")} | names(c, c["id"] in core, labels) for c in known],
               **({"traits": {t: C.leaves(w) for t, w in TRAITS.items()}} if o.portraits else {}), "words": C.words(),
               "numbers": sorted(set(C.leaves([C.NUMBER, C.NUMBER_ALSO]))), "places": sorted(set(C.leaves(C.SCENE))), "colours": sorted(set(C.leaves([C.COLOUR, C.COLOUR_ALSO]))), "styles": C.style_words(), "grounds": C.grounds(), "frames": C.FRAMES, "instead": C.INSTEAD, "between": C.BETWEEN},
              open(f"{o.out}/concepts.json", "w"), ensure_ascii=False, indent=0)
    print({f: os.path.getsize(f"{o.out}/{f}") for f in sorted(os.listdir(o.out))})


if __name__ == "__main__":
    main()
