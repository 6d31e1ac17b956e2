#!/usr/bin/env python3
"""What `madang model train` needs to train the picture decoder ("part": "decoder"), and its weights brought back.

usage: decoder.py shards SHARDDIR [--kinds single:1,tinted:2,scene:2,count:2,pair:4] [--edition 0]
           writes SHARDDIR/<kind>.pixels: every n-th picture of a kind with the codes that prepare.py made of it
       decoder.py begin TOKENIZER.pt OUT.safetensors         its decoder, as the trainer reads it
       decoder.py end TOKENIZER.pt TRAINED.safetensors OUT.pt   the tokenizer with the trained decoder
A shard of pictures: a 64-byte header {"MDPIXEL1", u32 codes, u32 side, u64 count} and records of u16[codes] and
u8[side][side][3].
"""
import argparse
import os
import struct
import sys

import numpy as np
import torch

import captions as C
import nets
from curated import edition
from export import read, write
from pictures import SIZE, Sprites
from prepare import N, draw, rows_of

HELD = ("encoder.", "quant_conv.")


def rendered(s, rows):
    """Pictures of neighbouring rows of one layout, uint8 [n,192,192,3]."""
    at = 0
    while at < len(rows):
        key = lambda m: (m["kind"], m.get("number"), m.get("relation"))
        n = 1
        while n < 32 and at + n < len(rows) and key(rows[at + n]) == key(rows[at]):
            n += 1
        x = draw(s, rows[at:at + n])
        yield ((x + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        at += n


def shards(o):
    s, ids = Sprites("cpu"), edition(C.concepts(), o.edition)
    for kind, every in (k.split(":") for k in o.kinds.split(",")):
        codes = np.load(f"{o.shards}/{kind}.npy", mmap_mode="r")
        rows = rows_of(kind, ids, len(codes))
        assert len(rows) == len(codes), f"{kind}: {len(rows)} pictures, {len(codes)} of codes"
        pick = range(0, len(rows), int(every))
        path = f"{o.shards}/{kind}.pixels"
        with open(path + ".part", "wb") as f:
            f.write(struct.pack("<8sIIQ", b"MDPIXEL1", N, SIZE, len(pick)).ljust(64, b"\0"))
            k = iter(pick)
            for part in rendered(s, [rows[i] for i in pick]):
                for x in part:
                    f.write(codes[next(k)].astype("<u2").tobytes() + x.tobytes())
        os.rename(path + ".part", path)
        print(path, len(pick), "pictures", flush=True)


def flat(name, v):
    """[out][in][3][3] to the trainer's [tap * in][out]."""
    if v.ndim != 4:
        return v
    o, i, h, w = v.shape
    return np.ascontiguousarray(v.transpose(2, 3, 1, 0).reshape(h * w * i, o))


def begin(o):
    w = {k: v.float().numpy() for k, v in torch.load(o.tokenizer, map_location="cpu").items() if not k.startswith(HELD)}
    write(o.out, {"model.vqmodel." + k: flat(k, v) for k, v in w.items()}, {"format": "pt"})


def end(o):
    state, trained = torch.load(o.tokenizer, map_location="cpu"), read(o.trained)
    for k, v in state.items():
        if k.startswith(HELD):
            continue
        t = torch.from_numpy(np.array(trained["model.vqmodel." + k]))
        if v.ndim == 4:
            n, i, h, w = v.shape
            t = t.view(h, w, i, n).permute(3, 2, 0, 1)
        state[k] = t.float().contiguous().view(v.shape)
    nets.VQModel().load_state_dict(state)
    torch.save(state, o.out)


def main():
    p = argparse.ArgumentParser()
    c = p.add_subparsers(dest="command", required=True)
    a = c.add_parser("shards")
    a.add_argument("shards")
    a.add_argument("--kinds", default="single:1,tinted:2,scene:2,count:2,pair:4")
    a.add_argument("--edition", type=int, default=0)
    a = c.add_parser("begin")
    a.add_argument("tokenizer")
    a.add_argument("out")
    a = c.add_parser("end")
    a.add_argument("tokenizer")
    a.add_argument("trained")
    a.add_argument("out")
    o = p.parse_args()
    getattr(sys.modules[__name__], o.command)(o)


if __name__ == "__main__":
    main()
