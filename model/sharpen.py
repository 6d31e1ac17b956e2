#!/usr/bin/env python3
"""Sharpens the picture decoder: a perceptual loss from a classifier of our own things, and a patch discriminator.

usage: sharpen.py classifier OUT.pt MINUTES [--threads 1] [--device cpu]
       sharpen.py decoder TOKENIZER.pt CLASSIFIER.pt OUT.pt MINUTES [--batch 8] [--lr 2e-4] [--threads 1] [--device cpu]

The codes stay as they are, so that a transformer trained on them stays valid. The loss is train_tokenizer.py's (what a pixel
should be), the distance of normalised features (LPIPS, arXiv 1801.03924, with our classifier in the place of one trained on photographs)
and a hinge loss of patches, weighted by the ratio of the gradients at the last layer (VQGAN, arXiv 2012.09841). The
discriminator sees the true picture's colours at 16 pixels beside what it judges (pix2pix, arXiv 1611.07004): it is to
tell sharp from soft, not one thing from another.
"""
import argparse
import copy
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

import nets
from pictures import Sprites
from sheet import save_pairs
from train_tokenizer import draw, grads, portraits, psnr

STAGES = (32, 64, 128, 192, 256)


def unit(x):
    """uint8-like floats to what the networks take."""
    return (x / 127.5 - 1).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


class Classifier(nn.Module):
    def __init__(self, things, styles=6):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, 2, 1) for i, o in zip((3, *STAGES), STAGES))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in STAGES)
        self.thing, self.style = nn.Linear(4 * STAGES[-1], things), nn.Linear(4 * STAGES[-1], styles)

    def features(self, x):
        out = []
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x)))
            out.append(x)
        return out

    def forward(self, x):
        x = F.avg_pool2d(self.features(x)[-1], 3).flatten(1)
        return self.thing(x), self.style(x)


class Patches(nn.Module):
    def __init__(self, c=32):
        super().__init__()
        sn = nn.utils.spectral_norm
        self.net = nn.Sequential(sn(nn.Conv2d(6, c, 4, 2, 1)), nn.LeakyReLU(.2), sn(nn.Conv2d(c, 2 * c, 4, 2, 1)), nn.LeakyReLU(.2),
                                 sn(nn.Conv2d(2 * c, 4 * c, 4, 2, 1)), nn.LeakyReLU(.2), nn.Conv2d(4 * c, 1, 3, 1, 1))

    def forward(self, picture, like):
        coarse = F.interpolate(F.avg_pool2d(like, 16), scale_factor=16, mode="nearest")
        return self.net(torch.cat([picture, coarse], 1).contiguous(memory_format=torch.channels_last)).float()


def perceived(net, a, b):
    """Mean distance of features whose length is one at every place."""
    distance = 0
    for x, y in zip(net.features(a), net.features(b)):
        distance = distance + (F.normalize(x.float(), dim=1) - F.normalize(y.float(), dim=1)).square().sum(1).mean()
    return distance / len(STAGES)


def setup(o):
    torch.manual_seed(0)
    if o.device == "cpu":
        import fused
        torch.set_num_threads(o.threads)
        nets.Fused.norm_swish = staticmethod(fused.norm_swish)
    gen = torch.Generator(o.device).manual_seed(1)
    return Sprites(o.device), gen, lambda: torch.autocast(torch.device(o.device).type, dtype=torch.bfloat16)


def classifier(o):
    s, gen, cast = setup(o)
    m = Classifier(s.n).to(o.device, memory_format=torch.channels_last)
    opt = torch.optim.AdamW(m.parameters(), 2e-3, weight_decay=1e-2)
    ri = lambda hi, n=32: torch.randint(hi, (n,), generator=gen, device=s.device)
    start, shown, it, right = time.time(), time.time(), 0, 0.0
    while (f := (time.time() - start) / (o.minutes * 60)) < 1:
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, (it + 1) / 50) * max(.02, 1 - f)
        style, thing = ri(6), ri(s.n)
        with torch.no_grad():
            x = unit(s.single(style, thing, ri(12), torch.zeros_like(style)))
            dx, dy = (int(v) for v in ri(33, 2) - 16)
            x = torch.roll(x, (dy, dx), (2, 3))
        with cast():
            t, k = m(x)
        loss = F.cross_entropy(t.float(), thing) + .3 * F.cross_entropy(k.float(), style)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        it += 1
        right = .98 * right + .02 * float((t.argmax(1) == thing).float().mean())
        if time.time() - shown > 20:
            shown = time.time()
            print(f"{(shown - start) / 60:.1f} min it {it} {32 * it / (shown - start):.0f} pictures/s loss {float(loss):.3f} right {100 * right:.1f} %", flush=True)
    torch.save(m.state_dict(), o.out)


def jittered(ids, m, gen):
    """Two in a hundred codes with one digit off by one, as a transformer is."""
    digits = (ids[:, None] // m.base) % (m.steps.long() + 1)
    hit = (torch.rand(ids.shape, generator=gen, device=ids.device) < .02)[:, None] & \
        (torch.randint(len(nets.LEVELS), ids.shape, generator=gen, device=ids.device)[:, None] == torch.arange(len(nets.LEVELS), device=ids.device).view(1, -1, 1, 1))
    step = torch.randint(2, digits.shape, generator=gen, device=ids.device) * 2 - 1
    moved = torch.minimum((digits + step * hit).clamp(min=0), m.steps.long().expand_as(digits))
    return (moved * m.base).sum(1)


def decoder(o):
    s, gen, cast = setup(o)
    m = nets.VQModel().to(o.device, memory_format=torch.channels_last)
    m.load_state_dict({k: v.float() for k, v in torch.load(o.tokenizer, map_location=o.device).items()})
    ema, first = copy.deepcopy(m), copy.deepcopy(m)
    judge = Classifier(s.n).to(o.device, memory_format=torch.channels_last).requires_grad_(False)
    judge.load_state_dict(torch.load(o.classifier, map_location=o.device))
    judge.eval()
    trained = [*m.decoder.parameters(), *m.post_quant_conv.parameters()]
    m.encoder.requires_grad_(False)
    m.quant_conv.requires_grad_(False)
    disc = Patches().to(o.device, memory_format=torch.channels_last)
    opt = torch.optim.Adam(trained, o.lr, betas=(.5, .99))
    dopt = torch.optim.Adam(disc.parameters(), 4e-4, betas=(.5, .99))
    last = m.decoder.conv_out.weight
    val = unit(draw(s, 64, torch.Generator(o.device).manual_seed(99)))
    people = unit(portraits(s, 32, torch.Generator(o.device).manual_seed(98)))
    with torch.no_grad(), cast():
        val_ids, people_ids = m.ids(val), m.ids(people)

    def figures(net):
        with torch.no_grad(), cast():
            y = torch.cat([net.decode(i) for i in val_ids.split(8)]).float().clamp(-1, 1)
            edge = sum((a - b).abs().mean() for a, b in zip(grads(y), grads(val)))
            steep = sum(a.abs().mean() for a in grads(y)) / sum(a.abs().mean() for a in grads(val))
            p = torch.cat([net.decode(i) for i in people_ids.split(8)]).float().clamp(-1, 1)
            return f"psnr {psnr(y, val):.2f} of portraits {psnr(p, people):.2f} edges {float(edge):.4f} steepness {float(steep):.3f} perceived {float(perceived(judge, y, val)):.4f}", y, p

    print("before:", figures(first)[0], flush=True)
    start, shown, it, weight = time.time(), time.time(), 0, 0.0
    while (f := (time.time() - start) / (o.minutes * 60)) < 1:
        for g in opt.param_groups:
            g["lr"] = o.lr * min(1, (it + 1) / 50) * max(.02, min(1, 2 * (1 - f)))
        with torch.no_grad(), cast():
            x = unit(draw(s, o.batch, gen, people=o.people))
            q = m.values(jittered(m.ids(x), m, gen))
        with cast():
            y = m.decoder(m.post_quant_conv(q))
            seen = perceived(judge, y, x)
        y = y.float()
        pixel = (y - x).abs().mean() + .5 * F.mse_loss(y, x) + .5 * sum((a - b).abs().mean() for a, b in zip(grads(y), grads(x)))
        loss = pixel + o.perceptual * seen
        if it > 100:
            with cast():
                adv = -disc(y, x).mean()
            if it % 16 == 5 or not weight:  # the ratio moves slowly
                size = lambda l: torch.autograd.grad(l, last, retain_graph=True)[0].float().norm()
                weight = o.gan * float((size(loss) / (size(adv) + 1e-6)).clamp(max=100))
            loss = loss + weight * adv
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
        with cast():
            real, fake = disc(x, x), disc(y.detach(), x)
        dl = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        dopt.zero_grad(set_to_none=True)
        dl.backward()
        dopt.step()
        it += 1
        d = min(.995, (1 + it) / (10 + it))
        with torch.no_grad():
            torch._foreach_mul_(list(ema.parameters()), d)
            torch._foreach_add_(list(ema.parameters()), list(m.parameters()), alpha=1 - d)
        if time.time() - shown > 60:
            shown = time.time()
            text, y, p = figures(ema)
            print(f"{(shown - start) / 60:.1f} min it {it} {o.batch * it / (shown - start):.1f} pictures/s pixel {float(pixel):.4f} perceived {float(seen):.4f} "
                  f"disc {float(dl):.3f} weight {weight:.4f}; {text}", flush=True)
            torch.save(ema.state_dict(), o.out)
            save_pairs(o.out.replace(".pt", ".png"), torch.cat([val[:24], people]), torch.cat([y[:24], p]))
    torch.save(ema.state_dict(), o.out)
    print("after:", figures(ema)[0])


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(dest="what", required=True)
    for name, files in (("classifier", ("out",)), ("decoder", ("tokenizer", "classifier", "out"))):
        q = sub.add_parser(name)
        for f in files:
            q.add_argument(f)
        q.add_argument("minutes", type=float)
        q.add_argument("--threads", type=int, default=1)
        q.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    q.add_argument("--batch", type=int, default=8)
    q.add_argument("--lr", type=float, default=2e-4)
    q.add_argument("--perceptual", type=float, default=.3)
    q.add_argument("--people", type=float, default=.375, help="the share of portraits")
    q.add_argument("--gan", type=float, default=.15, help="how strong the discriminator's gradient is beside the others'")
    o = p.parse_args()
    {"classifier": classifier, "decoder": decoder}[o.what](o)


if __name__ == "__main__":
    main()
