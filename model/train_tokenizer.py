#!/usr/bin/env python3
"""Trains the picture tokenizer for a given wall time and writes OUT (weights, EMA, bf16-safe f32 state dict).

usage: train_tokenizer.py OUT MINUTES [--batch 64] [--lr 6e-4] [--init FILE] [--decoder-only] [--device cpu]
Loss: L1 + gradient L1 (crisp edges) + a little MSE; sharpen.py goes on from there.
--decoder-only freezes the encoder: better pixels from the same codes.
The second half of the pictures are the canonical ones the transformer learns; the first half is denser and moved
about, so that the encoder also reads pictures that are not ours.
"""
import argparse
import copy
import json
import math
import os
import time

import torch
import torch.nn.functional as F

import nets
from pictures import COUNTS, PAIRS, TINTS, Sprites


def draw(s, n, gen, singles=False, people=0):
    """n canonical pictures of every kind (or singles only), this share of them portraits, uint8-like floats [n,3,192,192]."""
    if people:
        return torch.cat([portraits(s, int(n * people), gen), draw(s, n - int(n * people), gen)])
    dev = s.device
    ri = lambda hi, k=n: torch.randint(hi, (k,), generator=gen, device=dev)
    a = n if singles else n // 2
    tint = torch.where(torch.rand(a, generator=gen, device=dev) < .25, torch.tensor(TINTS, device=dev)[ri(7, a)], torch.zeros(a, dtype=torch.long, device=dev))
    out = [s.single(ri(6, a), ri(s.n, a), torch.where(torch.rand(a, generator=gen, device=dev) < .4, torch.zeros(a, dtype=torch.long, device=dev), ri(12, a)), tint)]
    if singles:
        return out[0]
    b = n // 8
    out.append(s.place(ri(6, b), ri(s.n, b), ri(8, b)))
    for k in (0, 1):
        out.append(s.slots(ri(6, b), [ri(s.n, b), ri(s.n, b)], ri(12, b), PAIRS[k]))
    c = n - a - 3 * b
    out.append(s.slots(ri(6, c), [ri(s.n, c) for _ in range(4)], ri(12, c), COUNTS[4]))
    return torch.cat(out)


def portraits(s, n, gen):
    held = s.load_people()[:, :, 3].amax((2, 3)).nonzero()
    style, person = held[torch.randint(len(held), (n,), generator=gen, device=s.device)].T
    ground = s.ground(torch.randint(12, (n,), generator=gen, device=s.device))
    k = n // 5
    ground[:k] = s.grounds[style[:k], torch.randint(8, (k,), generator=gen, device=s.device)]
    ground[k:2 * k + 1] = 255
    return s.portrait(style, person, ground)


def moved(x, gen):
    """Shifted, flipped and recoloured copies: pictures that are not on the grid."""
    n = x.shape[0]
    dx, dy = (int(v) for v in torch.randint(-24, 25, (2,), generator=gen, device=x.device))
    y = torch.roll(x, (dy, dx), (2, 3))
    if torch.rand(1, generator=gen, device=x.device) < .5:
        y = y.flip(3)
    k = n // 4
    y[:k] = y[:k][:, torch.randperm(3, generator=gen, device=x.device)]
    return y


def grads(x):
    return x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]


def psnr(a, b):
    return float((10 * torch.log10(4 / (a - b).square().mean((1, 2, 3)))).mean())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("minutes", type=float)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--lr", type=float, default=6e-4)
    p.add_argument("--init")
    p.add_argument("--decoder-only", action="store_true")
    p.add_argument("--every", type=float, default=20)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--concepts", type=int)
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--ids", help="train on these concepts' single pictures only (a shard folder's concepts.json)")
    p.add_argument("--threads", type=int, default=1)
    o = p.parse_args()
    t0, dev = time.time(), torch.device(o.device)
    torch.manual_seed(0)
    gen = torch.Generator(dev).manual_seed(1)
    if dev.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch._dynamo.config.cache_size_limit = 64
        nets.Fused.norm_swish = staticmethod(torch.compile(nets.norm_swish, dynamic=False))
    else:
        import fused
        torch.set_num_threads(o.threads)
        nets.Fused.norm_swish = staticmethod(fused.norm_swish)
    s = Sprites(dev, o.concepts, json.load(open(o.ids)) if o.ids else None)
    print(f"sprites {tuple(s.full.shape)} {time.time() - t0:.0f} s", flush=True)
    m = nets.VQModel().to(dev, memory_format=torch.channels_last)
    if o.init:
        m.load_state_dict(torch.load(o.init, map_location=dev))
    ema, me = copy.deepcopy(m), 0
    if o.workers > 1:  # single-threaded processes on shared parameters (Hogwild): steadier than OpenMP on busy cores
        m.share_memory()
        for k in range(1, o.workers):
            if os.fork() == 0:
                me = k
                gen.manual_seed(1 + k)
                torch.manual_seed(k)
                break
    trained = list(m.decoder.parameters()) + list(m.post_quant_conv.parameters()) if o.decoder_only else list(m.parameters())
    opt = torch.optim.AdamW(trained, o.lr, betas=(.9, .99), weight_decay=1e-4)
    val = (draw(s, 64, torch.Generator(dev).manual_seed(99), bool(o.ids)) / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    cast = lambda: torch.autocast(dev.type, dtype=torch.bfloat16)
    norm = lambda x: (x / 127.5 - 1).clamp(-1, 1).contiguous(memory_format=torch.channels_last)

    def evaluate():
        with torch.no_grad(), cast():
            y, _ = ema(val)
            ids = ema.ids(val)
        return psnr(y.float().clamp(-1, 1), val), ids.unique().numel()

    it, t1, shown, seen, end = 0, time.time(), time.time(), 0, t0 + o.minutes * 60
    total = end - t1
    while time.time() < end:
        f = (time.time() - t1) / total
        lr = o.lr * min(1, (it + 1) / 60) * max(.02, .5 * (1 + math.cos(math.pi * min(1, f))))
        for g in opt.param_groups:
            g["lr"] = lr
        with torch.no_grad():
            x = draw(s, o.batch, gen, bool(o.ids))
            if it % 3 == 2 and not o.decoder_only:
                x = moved(x, gen)
            x = norm(x)
        with cast():
            if o.decoder_only:  # the codes stay as they are, so that a transformer trained on them stays valid
                with torch.no_grad():
                    q = m.values(m.ids(x))
                y = m.decoder(m.post_quant_conv(q))
            else:
                y, _ = m(x)
        y = y.float()
        gy, gx = grads(y), grads(x)
        l1 = (y - x).abs().mean()
        loss = l1 + .5 * (F.mse_loss(y, x)) + .5 * sum((a - b).abs().mean() for a, b in zip(gy, gx))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        it += 1
        seen += o.batch
        d = min(.998, (1 + it) / (10 + it))
        if me:
            continue
        with torch.no_grad():
            torch._foreach_mul_(list(ema.parameters()), d)
            torch._foreach_add_(list(ema.parameters()), list(m.parameters()), alpha=1 - d)
        if time.time() - shown > o.every:
            shown = time.time()
            v = evaluate()
            print(f"{(shown - t0) / 60:.1f} min it {it} {seen * o.workers / (shown - t1):.1f} pictures/s lr {lr:.1e} l1 {float(l1):.4f} "
                  f"val psnr {v[0]:.2f} codes in 64 pictures {v[1]}", flush=True)
            torch.save(ema.state_dict(), o.out)
    if me:
        os._exit(0)
    torch.save(ema.state_dict(), o.out)
    print("final", it, "steps", seen, "pictures; psnr, codes:", evaluate())
    from sheet import save_pairs
    with torch.no_grad(), cast():
        save_pairs(o.out.replace(".pt", ".png"), val[:32], ema(val[:32])[0].float())


if __name__ == "__main__":
    main()
