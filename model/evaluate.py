#!/usr/bin/env python3
"""Measures a model directory: does the picture show what was asked? Writes metrics as CSV and a sheet of unpicked samples.

usage: evaluate.py MODELDIR OUT [--n 120] [--madang build/madang [--quant int8] [--forget]] [--guidance G --temperature T --top-p P]
                   [--only single,…] [--edition 0] [--besides 0]
A drawn object is compared with every concept's true picture in the asked style on the asked ground (pixel distance of
the slot at 20x20, best over shifts of 4 px): top-1 means that the asked one is the nearest. Prompts use the concepts'
labels in held-out phrasings, pairs are held out from training. With --madang the pictures come from the engine, by
`madang draw`, with the model's memory unless --forget; otherwise from PyTorch on the same (quantised) weights, by heart.
--edition, --besides: only things of this edition of curated.py, or only others, are asked for; all are compared.
"""
import argparse
import csv
import json
import random
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import captions as C
import nets
from curated import edition
from export import read
from people import people
from pictures import COUNTS, PAIRS, SIZE, SLOTS, TINTS, Sprites
from prepare import draw as canonical, ground_of, held_pair, held_single
from sheet import save, to_u8
from sources import COLOURS, PORTRAITS, STYLES
from text import Text

FEATURE = 20
STYLE_FEATURE = 80  # finer: at 20x20 pixel art is the same as what it was made of


def load(path, dev):
    w = {k[6:]: torch.from_numpy(v) for k, v in read(f"{path}/model.safetensors").items()}
    vq, m = nets.VQModel().to(dev).eval(), nets.Janus().to(dev).eval()
    vq.load_state_dict({k[8:]: v for k, v in w.items() if k.startswith("vqmodel.")})
    m.load_state_dict({k: v for k, v in w.items() if not k.startswith("vqmodel.")})
    return vq, m


class Torch:
    """Draws with PyTorch on the weights of a model directory."""

    def __init__(self, path, knobs):
        self.dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.vq, self.m = load(path, self.dev)
        self.text, self.knobs = Text(f"{path}/tokenizer.json"), knobs
        self.m.dtype_of_run = torch.bfloat16

    def prefix(self, words, style, last="<boi>"):
        sp, ids = self.text.special, self.text.encode(words)[:nets.PROMPT]
        return [sp["<bos>"]] + ids + [sp["<pad>"]] * (nets.PROMPT - len(ids)) + [sp[style], sp[last]]

    @torch.no_grad()
    def __call__(self, prompts, styles, source=None, source_styles=None, seed=0):
        gen, out = torch.Generator(self.dev).manual_seed(seed), []
        with torch.autocast(self.dev.type, dtype=torch.bfloat16):
            for i in range(0, len(prompts), 64):
                p, s, mid, src = prompts[i:i + 64], [f"<style:{x}>" for x in styles[i:i + 64]], None, None
                if source is None:
                    a, b = [self.prefix(w, t) for w, t in zip(p, s)], [self.prefix("", "<pad>") for _ in p]
                else:
                    t = [f"<style:{x}>" for x in source_styles[i:i + 64]]
                    a, b = [self.prefix(w, k, "<src>") for w, k in zip(p, t)], [self.prefix("", k, "<src>") for k in t]
                    mid = torch.tensor([[self.text.special[x], self.text.special["<boi>"]] for x in s], device=self.dev)
                    src = self.vq.ids(source[i:i + 64].to(self.dev)).flatten(1)
                ids = self.m.generate(torch.tensor(a, device=self.dev), torch.tensor(b, device=self.dev), src, mid, generator=gen, **self.knobs)
                out.append(to_u8(self.vq.decode(ids.view(-1, nets.GRID, nets.GRID)).float()))
        return torch.cat(out)


class Engine:
    """Draws with the engine, as people do: `madang draw`, one prompt after another."""

    def __init__(self, madang, path, knobs, quant, forget):
        self.command = [madang, "draw", "--model", path, "--quant", quant] + ["--forget"] * forget + [w for k in ("guidance", "temperature") for w in (f"--{k}", str(knobs[k]))]

    def __call__(self, prompts, styles, source=None, source_styles=None, seed=0):
        out = []
        with tempfile.TemporaryDirectory() as folder:
            for i, (p, s) in enumerate(zip(prompts, styles)):
                extra = []
                if source is not None:
                    Image.fromarray(to_u8(source[i:i + 1])[0].numpy()).save(f"{folder}/source.png")
                    extra = ["--from", f"{folder}/source.png", "--task", "restyle" if source_styles[i] != s else "edit"]
                done = subprocess.run(self.command + ["--style", s, "--seed", str(seed * 1000 + i), "-o", f"{folder}/a.png", *extra, "--", p],
                                      capture_output=True, text=True)
                if done.returncode and extra and "can't tell what" in done.stderr:
                    out.append(torch.full((SIZE, SIZE, 3), 128, dtype=torch.uint8))  # it asks instead of drawing: not what was asked for
                    continue
                done.check_returncode()
                out.append(torch.from_numpy(np.asarray(Image.open(f"{folder}/a.png").convert("RGB")).copy()))
        return torch.stack(out)


def features(x, size=FEATURE):
    """uint8 or float pictures [n,3,h,w] in 0..255 -> [n, 3*size*size]"""
    return F.adaptive_avg_pool2d(x.float(), size).flatten(1)


class Judge:
    def __init__(self, sprites, ids):
        self.s, self.ids, self.cache = sprites, ids, {}

    def library(self, style, bg, size, tint=0):
        """Features of every known concept, cropped to its slot."""
        key = (style, bg, size, tint)
        if key not in self.cache:
            out = []
            for part in torch.tensor(self.ids).split(64):
                z = torch.zeros_like(part)
                x = self.s.ground(z + bg)[:, :, :size, :size].clone()
                self.s.over(x, self.s.sprite(z + style, part, z + bg, z + tint, size), 0, 0)
                out.append(features(x))
            self.cache[key] = torch.cat(out)
        return self.cache[key]

    def crops(self, pic, x, y, size, feature=FEATURE):
        pad = F.pad(pic.permute(2, 0, 1)[None].float(), (4, 4, 4, 4), mode="replicate")
        return [features(pad[:, :, y + 4 + dy:y + 4 + dy + size, x + 4 + dx:x + 4 + dx + size], feature) for dx in (-4, 0, 4) for dy in (-4, 0, 4)]

    def rank(self, pic, concept, style, bg, size, x, y, tint=0):
        lib = self.library(style, bg, size, tint)
        d = torch.stack([(lib - c).square().mean(1) for c in self.crops(pic, x, y, size)]).min(0)[0]
        return int((d < d[self.ids.index(concept)]).sum())

    def style(self, pic, concept, bg, size=160, x=16, y=16):
        crops, d = self.crops(pic, x, y, size, STYLE_FEATURE), []
        for s in range(len(STYLES)):
            one = lambda v: torch.tensor([v])
            p = self.s.ground(one(bg))[:, :, :size, :size].clone()
            self.s.over(p, self.s.sprite(one(s), one(concept), one(bg), one(0), size), 0, 0)
            f = features(p, STYLE_FEATURE)
            d.append(min(float((f - c).square().mean()) for c in crops))
        return int(np.argmin(d))

    @staticmethod
    def ground(pic):
        edge = torch.cat([pic[:8, :8].reshape(-1, 3), pic[:8, -8:].reshape(-1, 3)]).float().mean(0)
        return int(((torch.tensor([c for _, c in COLOURS]).float() - edge).square().sum(1)).argmin())


class Run:
    def __init__(self, draw, sprites, ids, asked, n, out):
        self.draw, self.s, self.ids, self.asked, self.n, self.out = draw, sprites, ids, asked, n, out
        self.judge, self.cap, self.rows, self.r = Judge(sprites, ids), C.Captions(), [], random.Random(8)

    def log(self, name, value, count, note=""):
        self.rows.append((name, round(100 * value, 1), count, note))
        print(f"{name:34} {100 * value:5.1f} %  of {count} {note}", flush=True)

    def single(self):
        for lang in C.LANGS:
            ms = [{"kind": "single", "style": k % 6, "concepts": [self.r.choice(self.asked)], "tint": 0,
                   "bg": self.r.randrange(12) if k % 2 else 0} for k in range(self.n)]
            words = [self.cap.caption(self.r, m, lang=lang, plain=True, held=True) for m in ms]
            pics = self.draw(words, [STYLES[m["style"]] for m in ms], seed=1)
            rank = np.array([self.judge.rank(p, m["concepts"][0], m["style"], m["bg"], 160, 16, 16) for p, m in zip(pics, ms)])
            self.log(f"single top-1 {lang}", (rank == 0).mean(), len(ms))
            self.log(f"single top-5 {lang}", (rank < 5).mean(), len(ms))
            self.log(f"style {lang}", np.mean([self.judge.style(p, m["concepts"][0], m["bg"]) == m["style"] for p, m in zip(pics, ms)]), len(ms))
            self.log(f"background {lang}", np.mean([self.judge.ground(p) == m["bg"] for p, m in zip(pics, ms)]), len(ms))
            for s, name in enumerate(STYLES):
                w = [i for i, m in enumerate(ms) if m["style"] == s]
                self.log(f"single top-1 {lang} {name}", (rank[w] == 0).mean(), len(w))
            if lang == "en":
                save(f"{self.out}_single.png", pics[:64], 8, 1)
                open(f"{self.out}_single.txt", "w").write("\n".join(f"{w} / {STYLES[m['style']]}" for w, m in zip(words[:64], ms)))

    def known(self):
        """Every concept in three styles, a language each: which ones the model can claim to know (export.py --known)."""
        ms = [{"kind": "single", "style": (k + 2 * j) % 6, "concepts": [c], "tint": 0, "bg": 0} for k, c in enumerate(self.asked) for j in range(3)]
        words = [self.cap.caption(self.r, m, lang=C.LANGS[k % 3], plain=True) for k, m in enumerate(ms)]
        pics = self.draw(words, [STYLES[m["style"]] for m in ms], seed=7)
        rank = np.array([self.judge.rank(p, m["concepts"][0], m["style"], 0, 160, 16, 16) for p, m in zip(pics, ms)]).reshape(-1, 3)
        self.log("concepts top-1 in at least two of three styles", ((rank == 0).sum(1) >= 2).mean(), len(rank))
        self.log("concepts top-1 in at least one of three styles", ((rank == 0).sum(1) >= 1).mean(), len(rank))
        cc = C.concepts()
        with open(f"{self.out}_known.csv", "w") as f:
            csv.writer(f).writerows([("id", "concept", "rank en", "rank ko", "rank ja")] + [(cc[c]["id"], cc[c]["en"][0], *r) for c, r in zip(self.asked, rank.tolist())])

    def tinted(self):
        cc = C.concepts()
        ok = [i for i in self.asked if C.tintable(cc[i])]
        ms = [{"kind": "single", "style": k % 6, "concepts": [self.r.choice(ok)], "tint": TINTS[k % len(TINTS)], "bg": 0} for k in range(self.n // 2)]
        pics = self.draw([self.cap.caption(self.r, m, lang=C.LANGS[k % 3], plain=True) for k, m in enumerate(ms)], [STYLES[m["style"]] for m in ms], seed=2)
        good = [self.judge.rank(p, m["concepts"][0], m["style"], 0, 160, 16, 16, m["tint"]) == 0 for p, m in zip(pics, ms)]
        self.log("coloured object top-1", np.mean(good), len(ms))

    def plain(self, m, lang):
        return self.cap.caption(self.r, m, lang=lang, plain=True)

    def spoken(self):
        """The same as people say it."""
        say = lambda m, lang: self.cap.spoken(self.r, m, lang)
        self.pair(say, ", as people say it")
        self.scene(say, ", as people say it")

    def scene(self, say=None, how=""):
        ms = [{"kind": "scene", "style": k % 6, "concepts": [self.r.choice(self.asked)], "scene": k % 8, "bg": 0} for k in range(self.n // 2)]
        pics = self.draw([(say or self.plain)(m, C.LANGS[k % 3]) for k, m in enumerate(ms)], [STYLES[m["style"]] for m in ms], seed=3)
        top, place = [], []
        for p, m in zip(pics, ms):
            t = lambda v: torch.tensor([v] * len(self.ids))
            lib = self.s.place(t(m["style"]), torch.tensor(self.ids), t(m["scene"]))[:, :, 56:176, 36:156]
            d = (features(lib) - features(p.permute(2, 0, 1)[None, :, 56:176, 36:156])).square().mean(1)
            top.append(int((d < d[self.ids.index(m["concepts"][0])]).sum()) == 0)
            top_band = p[:48].permute(2, 0, 1)[None].float()
            place.append(int((features(self.s.grounds[m["style"]][:, :, :48]) - features(top_band)).square().mean(1).argmin()) == m["scene"])
        self.log(f"scene: object top-1{how}", np.mean(top), len(ms))
        self.log(f"scene: place{how}", np.mean(place), len(ms))
        save(f"{self.out}_{'spoken_' * bool(how)}scene.png", pics[:32], 8, 1)

    def pair(self, say=None, how=""):
        ms = []
        while len(ms) < self.n // 2:
            a, b = self.r.choice(self.asked), self.r.choice(self.asked)
            if a != b and held_pair(a, b):
                ms.append({"kind": "pair", "style": len(ms) % 6, "concepts": [a, b], "relation": len(ms) % 2, "bg": 0 if say else self.r.choice((0, 3, 5, 6, 8))})
        pics = self.draw([(say or self.plain)(m, C.LANGS[k % 3]) for k, m in enumerate(ms)], [STYLES[m["style"]] for m in ms], seed=4)
        ok = np.array([[self.judge.rank(p, m["concepts"][j], m["style"], m["bg"], 80, SLOTS[PAIRS[m["relation"]][j]][0] + 8,
                                        SLOTS[PAIRS[m["relation"]][j]][1] + 8) for j in (0, 1)] for p, m in zip(pics, ms)])
        self.log(f"pair: both objects in their places{how}", (ok == 0).all(1).mean(), len(ms), "held-out pairs")
        self.log(f"pair: one object top-1{how}", (ok == 0).mean(), 2 * len(ms))
        save(f"{self.out}_{'spoken_' * bool(how)}pair.png", pics[:32], 8, 1)

    def count(self):
        ms = [{"kind": "count", "style": k % 6, "concepts": [self.r.choice(self.asked)], "number": 2 + k % 3, "bg": (0, 3, 5, 6, 8)[k % 5]} for k in range(self.n // 2)]
        pics = self.draw([self.cap.caption(self.r, m, lang=C.LANGS[k % 3], plain=True) for k, m in enumerate(ms)], [STYLES[m["style"]] for m in ms], seed=5)
        seen, right = [], []
        for p, m in zip(pics, ms):
            ground = torch.tensor(COLOURS[m["bg"]][1]).float()
            used = lambda name: bool(((p[SLOTS[name][1] + 24:SLOTS[name][1] + 72, SLOTS[name][0] + 24:SLOTS[name][0] + 72].float() - ground).abs().mean() > 6))
            seen.append(all(used(k) for k in COUNTS[m["number"]]))
            if m["number"] == 2:  # nothing above or below the middle row
                seen[-1] = seen[-1] and bool((p[:40, 60:132].float() - ground).abs().mean() < 12)
            right.append(seen[-1] and np.mean([self.judge.rank(p, m["concepts"][0], m["style"], m["bg"], 80, SLOTS[k][0] + 8, SLOTS[k][1] + 8) == 0
                                               for k in COUNTS[m["number"]]]) > .5)
        self.log("count right", np.mean(seen), len(ms))
        self.log("count right and object top-1", np.mean(right), len(ms))

    def restyle_of_ours(self):
        """A picture that was made here: the server has its words, and draws them again in the style asked for (makers/builtin.c)."""
        ms = [{"kind": "single", "style": k % 6, "concepts": [self.r.choice(self.asked)], "tint": 0, "bg": (0, 3, 5, 8)[k % 4]} for k in range(self.n // 2)]
        words, styles = [], []
        for k, m in enumerate(ms):
            lang, styles = C.LANGS[k % 3], styles + [(m["style"] + 1 + self.r.randrange(5)) % 6]
            e = {"task": "restyle", "style": styles[-1], "said": self.cap.caption(self.r, m, lang=lang, plain=True)}
            words.append(self.cap.edit(self.r, e, lang=lang, plain=True))
        pics = self.draw(words, [STYLES[s] for s in styles], seed=9)
        good = [self.judge.rank(p, m["concepts"][0], s, m["bg"], 160, 16, 16) == 0 for p, m, s in zip(pics, ms, styles)]
        self.log("restyle, of a picture made here: concept top-1 in what was asked", np.mean(good), len(ms))

    def portrait(self):
        """Two traits of a person, in every style that has people: is whom the picture is most like like that?"""
        everyone, seen, who = people(), [], []
        for k in range(self.n // 2):
            s, lang = STYLES.index(PORTRAITS[k % 4]), C.LANGS[k % 3]
            p = self.r.choice([p for p in everyone if STYLES[s] in p["styles"]])
            asked = [p["traits"][0], self.r.choice([t for t in p["traits"][1:] if "skin" not in t])]
            bg = self.r.choice((0, 3, 5, 6, 8))
            m = {"kind": "portrait", "traits": asked, "style": s, "bg": bg, "concepts": [0]}
            seen.append(self.draw([self.cap.caption(self.r, m, lang=lang, plain=True)], [STYLES[s]], seed=20 + k)[0])
            held = [i for i, q in enumerate(everyone) if STYLES[s] in q["styles"]]
            z = torch.zeros(len(held), dtype=torch.long)
            lib = features(self.s.portrait(z + s, torch.tensor(held), self.s.ground(z + bg)), 48)
            like = everyone[held[int((lib - features(seen[-1].permute(2, 0, 1)[None], 48)).square().mean(1).argmin())]]
            who.append(set(asked) <= set(like["traits"]))
        self.log("portrait: who and what else was asked for", np.mean(who), len(who), "four styles")
        save(f"{self.out}_portrait.png", torch.stack(seen[:32]), 8, 1)

    def edits(self):
        cc = C.concepts()
        ok = [i for i in self.asked if C.tintable(cc[i])]
        kinds = [(t, t == "restyle") for t in self.edits_known] + [("restyle", False)] * ("restyle" in self.edits_known)
        if "restyle" in self.edits_known:
            self.restyle_of_ours()
        for task, named in kinds:
            ms, es = [], []
            for k in range(self.n // 2):
                m = {"kind": "single", "style": k % 6, "concepts": [self.r.choice(ok)], "tint": 0, "bg": (0, 3, 5, 8)[k % 4]}
                e = {"task": task, "style": (m["style"] + 1 + self.r.randrange(5)) % 6 if task == "restyle" else m["style"],
                     "bg": self.r.randrange(12) if task == "background" else m["bg"], "tint": self.r.choice(TINTS) if task == "recolour" else 0, "source": m if named else None}
                ms.append(m)
                es.append(e)
            src = torch.cat([canonical(self.s, [m]) for m in ms])
            pics = self.draw([self.cap.edit(self.r, e, lang=C.LANGS[k % 3], plain=True) for k, e in enumerate(es)], [STYLES[e["style"]] for e in es],
                             source=src, source_styles=[STYLES[m["style"]] for m in ms], seed=6)
            good = [self.judge.rank(p, m["concepts"][0], e["style"], e["bg"], 160, 16, 16, e["tint"]) == 0 for p, m, e in zip(pics, ms, es)]
            self.log(f"{task}{', the thing named' * named}: concept top-1 in what was asked", np.mean(good), len(ms))

    def ceiling(self, vq):
        ms = [{"kind": "single", "style": k % 6, "concepts": [self.r.choice(self.asked)], "tint": 0, "bg": k % 12} for k in range(self.n)]
        x = canonical(self.s, ms)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            y = torch.cat([vq.decode(vq.ids(p)) for p in x.split(16)]).float()
        psnr = (10 * torch.log10(4 / (y.clamp(-1, 1) - x).square().mean((1, 2, 3)))).mean()
        pics = to_u8(y)
        rank = np.array([self.judge.rank(p, m["concepts"][0], m["style"], m["bg"], 160, 16, 16) for p, m in zip(pics, ms)])
        self.log("ceiling (reconstruction) top-1", (rank == 0).mean(), len(ms), f"psnr {float(psnr):.2f}")
        self.log("ceiling (reconstruction) style", np.mean([self.judge.style(p, m["concepts"][0], m["bg"]) == m["style"] for p, m in zip(pics, ms)]), len(ms))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("out")
    p.add_argument("--n", type=int, default=120)
    p.add_argument("--only", default="ceiling,single,tinted,scene,pair,spoken,count,portrait,edits")
    p.add_argument("--madang", help="the program, to draw with the engine")
    p.add_argument("--forget", action="store_true", help="draw by heart, without the model's memory")
    p.add_argument("--edition", type=int, default=3)
    p.add_argument("--besides", type=int, default=-1)
    p.add_argument("--quant", default="file", help="how the engine keeps the weights: file, f32, bf16, int8 or int4")
    p.add_argument("--guidance", type=float)
    p.add_argument("--temperature", type=float)
    p.add_argument("--top-p", type=float)
    o = p.parse_args()
    torch.set_num_threads(1)
    if not torch.cuda.is_available():
        import fused
        nets.Fused.norm_swish = staticmethod(fused.norm_swish)
    d = json.load(open(f"{o.model}/config.json"))["madang"]
    knobs = {k: d[k] if getattr(o, k) is None else getattr(o, k) for k in ("guidance", "temperature", "top_p")}
    index = {c["id"]: i for i, c in enumerate(C.concepts())}
    ids = [index[c["id"]] for c in json.load(open(f"{o.model}/concepts.json"))["concepts"] if c["id"] != "portrait"]
    t0, draw = time.time(), Engine(o.madang, o.model, knobs, o.quant, o.forget) if o.madang else Torch(o.model, knobs)
    not_asked = set(edition(C.concepts(), o.besides)) if o.besides >= 0 else set()
    asked = sorted((set(ids) & set(edition(C.concepts(), o.edition))) - not_asked)
    run = Run(draw, Sprites("cpu"), ids, asked, o.n, o.out)
    run.edits_known = [k for k in ("restyle", "background", "recolour") if ("restyle" if k == "restyle" else "edit") in d["tasks"]]
    print(f"{len(asked)} of {len(ids)} things, chance {100 / len(ids):.2f} %, {knobs}", flush=True)
    for name in o.only.split(","):
        run.ceiling(load(o.model, torch.device("cpu"))[0]) if name == "ceiling" else getattr(run, name)()
    with open(f"{o.out}.csv", "w") as f:
        csv.writer(f).writerows([("measure", "percent", "of", "note")] + run.rows)
    print(f"{time.time() - t0:.0f} s")


if __name__ == "__main__":
    main()
