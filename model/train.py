#!/usr/bin/env python3
"""Trains the transformer with PyTorch for a given wall time on the shards of prepare.py (for a GPU; on a CPU use
`madang model train`, which reads the same shards and is much faster than PyTorch there).

usage: train.py OUT MINUTES SHARD[=weight]… [--batch 512] [--init FILE] [--device cuda]
Muon (Jordan et al. 2024) on the blocks' matrices, AdamW on the rest; linear warm-up, flat, linear cool-down by wall
time; EMA; 10 % of captions dropped; input tokens made unsure as `madang model train` does it (code_noise, code_jitter).
OUT.safetensors holds the EMA weights in BF16 and is written every 90 s, so that a cut run loses little.
"""
import argparse
import math
import random
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F

import nets
from export import read, write
from text import Text


class Shard:
    """Records of ready sequences, on the device; see prepare.py."""

    def __init__(self, path, device):
        magic, self.prefix, self.source, self.middle, self.target, self.count = struct.unpack("<8sIIIIQ", open(path, "rb").read(32))
        assert magic == b"MDSHARD1", path
        self.width = self.prefix + self.source + self.middle + self.target
        # Token ids stay below 2^15: PyTorch has no unsigned 16-bit numbers to index with.
        self.records = torch.from_numpy(np.fromfile(path, np.int16, offset=64).reshape(self.count, self.width)).to(device)
        self.name = path.split("/")[-1].split(".")[0]

    def batch(self, n):
        x = self.records[torch.randint(self.count, (n,), device=self.records.device)].long()
        a, b, c = self.prefix, self.prefix + self.source, self.prefix + self.source + self.middle
        return x[:, :a], x[:, a:b] if self.source else None, x[:, b:c] if self.middle else None, x[:, c:]


def orthogonal(g, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix, batched over equal shapes [k,m,n]."""
    x = g.bfloat16() if g.is_cuda else g.float()
    turned = x.shape[-2] > x.shape[-1]
    if turned:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.transpose(-1, -2) if turned else x).float()


class Muon:
    """The update has the root mean square of AdamW's, so that one learning rate serves both."""

    def __init__(self, params, momentum=.95, decay=.01):
        self.groups = {}
        for p in params:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.momentum, self.decay = momentum, decay
        self.buf = {k: torch.zeros(len(v), *k, device=v[0].device) for k, v in self.groups.items()}

    @torch.no_grad()
    def step(self, lr):
        for shape, ps in self.groups.items():
            g, buf = torch.stack([p.grad.float() for p in ps]), self.buf[shape]
            buf.mul_(self.momentum).add_(g)
            u = orthogonal(g + self.momentum * buf) * (.2 * math.sqrt(max(shape)))
            for p, d in zip(ps, u):
                p.mul_(1 - lr * self.decay).add_(d, alpha=-lr)
                p.grad = None


LEVELS = torch.tensor(nets.LEVELS)
BASE = torch.tensor([math.prod(nets.LEVELS[:j]) for j in range(len(nets.LEVELS))])


def jitter(ids, share=.04):
    """Moves one digit of some tokens by one level."""
    levels, base = LEVELS.to(ids.device), BASE.to(ids.device)
    j = torch.randint(len(levels), ids.shape, device=ids.device)
    d = (ids // base[j]) % levels[j]
    e = (d + torch.randint(0, 2, ids.shape, device=ids.device) * 2 - 1).clamp(min=0).minimum(levels[j] - 1)
    return torch.where(torch.rand(ids.shape, device=ids.device) < share, ids + (e - d) * base[j], ids)


def noise(ids, share=.75):
    """In a share of the samples many of the tokens shown are any token at all: only the words can tell then, and so they are read."""
    row = lambda: torch.rand(len(ids), 1, device=ids.device)
    any_token = torch.rand(ids.shape, device=ids.device) < torch.where(row() < share, row(), torch.zeros_like(row()))
    return torch.where(any_token, torch.randint(nets.CODES, ids.shape, device=ids.device), jitter(ids))


def drop(prefix, pad, keep_style, share=.1):
    """Empties the words of some prompts (and the style, where there is no source)."""
    out = prefix.clone()
    last = prefix.shape[1] - (2 if keep_style else 1)
    out[:, 1:last] = pad
    return torch.where(torch.rand(len(prefix), 1, device=prefix.device) < share, out, prefix)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("minutes", type=float)
    p.add_argument("shards", nargs="+")
    p.add_argument("--batch", type=int, default=512)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--adam-lr", type=float, default=2e-3)
    p.add_argument("--cool", type=float, default=.45)
    p.add_argument("--warm", type=int, default=150)
    p.add_argument("--init")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    o = p.parse_args()
    t0, dev = time.time(), torch.device(o.device)
    torch.manual_seed(0)
    rr, cuda = random.Random(0), dev.type == "cuda"
    shards = [(Shard(s.split("=")[0], dev), float(s.split("=")[1]) if "=" in s else 1.0) for s in o.shards]
    pad = Text().special["<pad>"]
    m = nets.Janus().to(dev)
    if o.init:
        m.load_state_dict({k[6:]: torch.from_numpy(v) for k, v in read(o.init).items() if "vqmodel" not in k})
    ema = {k: v.detach().clone() for k, v in m.named_parameters()}
    matrices = [q for n, q in m.named_parameters() if ".layers." in n and q.ndim == 2]
    small = [q for n, q in m.named_parameters() if not (".layers." in n and q.ndim == 2)]
    muon, adam = Muon(matrices), torch.optim.AdamW(small, o.adam_lr, betas=(.9, .95), weight_decay=0.0)
    if cuda:
        torch.backends.cuda.matmul.allow_tf32 = True
        torch._dynamo.config.cache_size_limit = 32
        nets.Layer.forward = torch.compile(nets.Layer.forward, dynamic=False)
        m.generation_head.forward = torch.compile(m.generation_head.forward, dynamic=False)

    def save():
        bf16 = lambda v: (v.float().cpu().contiguous().view(torch.int32).numpy().view(np.uint32) + 0x8000 >> 16).astype(np.uint16)
        write(o.out, {f"model.{k}": bf16(v) for k, v in ema.items()}, {"format": "pt"})

    it, seen, t1, shown, run = 0, 0, time.time(), time.time(), {}
    end = t0 + o.minutes * 60
    total, saved = end - t1, time.time()
    while time.time() < end:
        k = min(1, (it + 1) / o.warm) * min(1, max((1 - (time.time() - t1) / total) / o.cool, .01))
        shard = rr.choices([s for s, _ in shards], [w for _, w in shards])[0]
        prefix, source, middle, target = shard.batch(o.batch // (2 if shard.source else 1))
        with torch.autocast(dev.type, dtype=torch.bfloat16):
            h = m.hidden(drop(prefix, pad, shard.source > 0), noise(target)[:, :-1], middle, source)
            z = m.logits(h)
        loss = F.cross_entropy(z.float().flatten(0, 1), target.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(small, 1.0)
        for g in adam.param_groups:
            g["lr"] = o.adam_lr * k
        muon.step(o.lr * k)
        adam.step()
        adam.zero_grad(set_to_none=True)
        it, seen = it + 1, seen + len(prefix)
        if it % 4 == 0:
            d = min(.99, (1 + it / 4) / (10 + it / 4))
            with torch.no_grad():
                for a, b in zip(ema.values(), m.parameters()):
                    a.lerp_(b, 1 - d)
        if it % 10 == 0 or it < 4:
            run[shard.name] = .7 * run.get(shard.name, float(loss)) + .3 * float(loss)
        if it in (3, 20, 100) or time.time() - shown > 20:
            shown = time.time()
            print(f"{(shown - t0) / 60:.2f} min it {it} {seen / (shown - t1):.0f} samples/s lr {k:.2f} loss "
                  + " ".join(f"{n} {v:.4f}" for n, v in run.items()), flush=True)
        if time.time() - saved > 90:
            saved = time.time()
            save()
    save()
    print("final", it, "steps", seen, "samples", run, flush=True)


if __name__ == "__main__":
    main()
