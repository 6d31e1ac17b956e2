#!/usr/bin/env python3
"""Draws every concept of cache/concepts.json in every style: cache/sprites/<style>.bin, one lossy-alpha-safe WebP
after another, with <style>.json holding the offsets. Sprites are RGBA, 160x160, the object filling the square.

`pixel` is made from `cartoon`: averaged to 20x20, colours snapped to 8 levels a channel, hard alpha; it is
kept at 20x20 and only ever enlarged by whole factors, so it is real pixel art.

The people of the portraits (people.mjs) go to cache/people/<style>.npy, whole pictures without a ground: uint8 [people,192,192,4],
premultiplied, nothing where a style has none.
"""
import io
import json
import os
import sys
from multiprocessing import Pool

import cairo
import gi
import numpy as np
from PIL import Image

from sources import CACHE, PORTRAITS, SETS, STYLES, iconify, webp_files

gi.require_version("Rsvg", "2.0")
from gi.repository import Rsvg  # noqa: E402

SIZE = 160
FULL = 192
BIG = 256


def render_svg(svg):
    handle = Rsvg.Handle.new_from_data(svg)
    surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, BIG, BIG)
    box = Rsvg.Rectangle()
    box.x = box.y = 0
    box.width = box.height = BIG
    handle.render_document(cairo.Context(surface), box)
    surface.flush()
    a = np.frombuffer(surface.get_data(), np.uint8).reshape(BIG, BIG, 4)[..., [2, 1, 0, 3]].astype(np.float32)
    alpha = a[..., 3:]
    rgb = np.where(alpha > 0, a[..., :3] * 255 / np.maximum(alpha, 1), 0)
    return Image.fromarray(np.concatenate([rgb, alpha], -1).clip(0, 255).astype(np.uint8), "RGBA")


def premultiplied_resize(im, size):
    a = np.asarray(im).astype(np.float32)
    a[..., :3] *= a[..., 3:] / 255
    planes = [Image.fromarray(a[..., k], "F").resize((size, size), Image.LANCZOS) for k in range(4)]
    a = np.stack([np.asarray(p) for p in planes], -1).clip(0, 255)
    a[..., :3] = np.where(a[..., 3:] > 0.5, a[..., :3] * 255 / np.maximum(a[..., 3:], 0.5), 0)
    return Image.fromarray(a.clip(0, 255).round().astype(np.uint8), "RGBA")


def trimmed(im, margin=0.02):
    """The object's own box, squared, with a small margin: every style then fills its slot alike."""
    box = Image.fromarray(((np.asarray(im)[..., 3] > 12) * 255).astype(np.uint8)).getbbox()
    side = max(box[2] - box[0], box[3] - box[1])
    side = min(BIG, int(round(side * (1 + 2 * margin))))
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x, y = int(round(cx - side / 2)), int(round(cy - side / 2))
    out = Image.new("RGBA", (side, side))
    out.paste(im, (-x, -y))
    return out


def pixelate(im, n=20):
    a = np.asarray(premultiplied_box(im, n)).astype(np.float32)
    solid = a[..., 3:] > 110
    rgb = np.round(a[..., :3] / 255 * 7) / 7 * 255
    return Image.fromarray(np.concatenate([rgb * solid, solid * 255.0], -1).astype(np.uint8), "RGBA")


def premultiplied_box(im, n):
    a = np.asarray(im).astype(np.float32)
    a[..., :3] *= a[..., 3:] / 255
    planes = [np.asarray(Image.fromarray(a[..., k], "F").resize((n, n), Image.BOX)) for k in range(4)]
    a = np.stack(planes, -1)
    a[..., :3] = np.where(a[..., 3:] > 0.5, a[..., :3] * 255 / np.maximum(a[..., 3:], 0.5), 0)
    return Image.fromarray(a.clip(0, 255).astype(np.uint8), "RGBA")


def one(job):
    style, source = job
    im = Image.open(source).convert("RGBA").resize((BIG, BIG), Image.LANCZOS) if isinstance(source, str) else render_svg(source)
    im = trimmed(im)
    im = pixelate(im) if style == "pixel" else premultiplied_resize(im, SIZE)
    out = io.BytesIO()
    if style in ("pixel", "ink"):
        im.save(out, "WEBP", lossless=True, method=4)
    else:
        im.save(out, "WEBP", quality=90, alpha_quality=90, method=4)
    return out.getvalue()


def standing(im):
    """The person's own box on the picture's lower edge."""
    im = im.crop(Image.fromarray(((np.asarray(im)[..., 3] > 12) * 255).astype(np.uint8)).getbbox())
    side = max(im.width, round(im.height * 1.05))
    out = Image.new("RGBA", (side, side))
    out.paste(im, ((side - im.width) // 2, side - im.height))
    return out


def person(job):
    style, path = job
    if not os.path.exists(path):
        return np.zeros((FULL, FULL, 4), np.uint8)
    svg = open(path, "rb").read()
    if style == "pixel":  # 16 pixels a side, enlarged to 8 pixels each
        small = render_svg(svg).resize((16, 16), Image.BOX)
        im = Image.new("RGBA", (24, 24))
        im.paste(small, (4, 8))
        im = im.resize((FULL, FULL), Image.NEAREST)
        im.putalpha(im.getchannel("A").point(lambda v: 255 * (v > 110)))
    else:
        im = premultiplied_resize(standing(render_svg(svg)), FULL)
    a = np.asarray(im).astype(np.float32)
    a[..., :3] *= a[..., 3:] / 255
    return a.round().astype(np.uint8)


def people():
    count = len(json.load(open(f"{CACHE}/people.json")))
    for style in PORTRAITS:
        with Pool(2) as pool:
            a = np.stack(pool.map(person, [(style, f"{CACHE}/people/{style}/{n}.svg") for n in range(count)], 8))
        np.save(f"{CACHE}/people/{style}.npy", a)
        print(style, int(a[..., 3].any((1, 2)).sum()), "of", count, "people", flush=True)


def main():
    os.makedirs(f"{CACHE}/sprites", exist_ok=True)
    keys = [c["id"] for c in json.load(open(f"{CACHE}/concepts.json"))]
    for style in STYLES:
        base = "cartoon" if style == "pixel" else style
        src = webp_files() if SETS[base] is None else iconify(SETS[base])
        with Pool(2) as pool:
            blobs = pool.map(one, [(style, src[k]) for k in keys], 32)
        offsets = np.cumsum([0] + [len(b) for b in blobs]).tolist()
        open(f"{CACHE}/sprites/{style}.bin", "wb").write(b"".join(blobs))
        json.dump(offsets, open(f"{CACHE}/sprites/{style}.json", "w"))
        print(style, len(blobs), "sprites", offsets[-1] >> 10, "KiB", flush=True)
    people()


if __name__ == "__main__":
    sys.exit(main())
