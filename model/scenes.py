#!/usr/bin/env python3
"""Eight little places to stand in, drawn here: cache/scenes.npy, uint8 [8,192,192,3]. Ours, Apache-2.0."""
import math
import random

import cairo
import numpy as np

from sources import CACHE

S, OUT = 256, 192  # drawn in units of 256, kept at 192
NAMES = ["meadow", "beach", "snow", "night", "space", "undersea", "sunset", "room"]


def vertical(c, y0, y1, *stops):
    g = cairo.LinearGradient(0, y0, 0, y1)
    for i, (r, gr, b) in enumerate(stops):
        g.add_color_stop_rgb(i / (len(stops) - 1), r / 255, gr / 255, b / 255)
    c.set_source(g)
    c.rectangle(0, y0, S, y1 - y0)
    c.fill()


def disc(c, x, y, r, rgb, alpha=1.0):
    c.set_source_rgba(*(v / 255 for v in rgb), alpha)
    c.arc(x, y, r, 0, 2 * math.pi)
    c.fill()


def hill(c, y, rise, rgb, x=128.0, width=420.0):
    c.set_source_rgb(*(v / 255 for v in rgb))
    c.save()
    c.translate(x, y + rise)
    c.scale(width / 2, rise)
    c.arc(0, 0, 1, math.pi, 2 * math.pi)
    c.restore()
    c.fill()
    c.rectangle(0, y + rise - 0.5, S, S)
    c.fill()


def cloud(c, x, y, k, rgb=(255, 255, 255)):
    for dx, dy, r in ((0, 0, 12), (14, -6, 14), (30, 0, 12), (15, 4, 12)):
        disc(c, x + dx * k, y + dy * k, r * k, rgb)


def star(c, x, y, r):
    disc(c, x, y, r, (255, 250, 220))


def meadow(c):
    vertical(c, 0, 200, (120, 190, 250), (205, 234, 252))
    disc(c, 216, 40, 22, (255, 221, 90))
    cloud(c, 24, 48, 1)
    cloud(c, 120, 30, .7)
    hill(c, 152, 60, (140, 205, 110), 40, 360)
    hill(c, 172, 40, (104, 184, 88), 190, 460)


def beach(c):
    vertical(c, 0, 130, (110, 195, 250), (210, 240, 252))
    disc(c, 40, 40, 22, (255, 221, 90))
    cloud(c, 150, 44, .9)
    vertical(c, 122, 186, (40, 140, 205), (90, 200, 220))
    hill(c, 176, 30, (245, 222, 170), 110, 560)


def snow(c):
    vertical(c, 0, 200, (170, 200, 230), (226, 238, 248))
    hill(c, 150, 60, (226, 236, 246), 210, 360)
    hill(c, 176, 40, (250, 252, 255), 90, 500)
    r = random.Random(7)
    for _ in range(34):
        disc(c, r.uniform(4, 252), r.uniform(4, 150), r.choice((1.6, 2.4, 3)), (255, 255, 255))


def night(c):
    vertical(c, 0, 210, (18, 24, 62), (62, 70, 130))
    r = random.Random(3)
    for _ in range(36):
        star(c, r.uniform(4, 252), r.uniform(4, 140), r.choice((.9, 1.3, 2)))
    disc(c, 208, 46, 24, (250, 240, 200))
    hill(c, 176, 44, (36, 62, 74), 150, 480)


def space(c):
    vertical(c, 0, S, (14, 12, 36), (40, 22, 72))
    r = random.Random(5)
    for _ in range(60):
        star(c, r.uniform(3, 253), r.uniform(3, 253), r.choice((.8, 1.2, 1.9)))
    disc(c, 44, 50, 26, (226, 130, 96))
    disc(c, 36, 44, 8, (200, 104, 78))
    disc(c, 214, 226, 52, (86, 110, 200))


def undersea(c):
    vertical(c, 0, S, (80, 200, 232), (16, 90, 160))
    r = random.Random(9)
    for _ in range(16):
        disc(c, r.uniform(8, 248), r.uniform(10, 190), r.choice((3, 4, 6)), (215, 245, 255), .55)
    hill(c, 206, 40, (226, 204, 150), 120, 520)


def sunset(c):
    vertical(c, 0, 200, (96, 70, 150), (240, 120, 110), (255, 196, 110))
    disc(c, 128, 176, 46, (255, 232, 150))
    vertical(c, 176, S, (220, 120, 100), (120, 70, 120))
    hill(c, 214, 30, (70, 46, 84), 120, 560)


def room(c):
    vertical(c, 0, 186, (250, 236, 214), (244, 224, 196))
    for x, y, w, h, rgb in ((24, 30, 84, 84, (255, 255, 255)), (30, 36, 34, 34, (160, 212, 246)), (68, 36, 34, 34, (160, 212, 246)),
                            (30, 74, 34, 34, (160, 212, 246)), (68, 74, 34, 34, (160, 212, 246)), (0, 180, 256, 8, (255, 250, 240))):
        c.set_source_rgb(*(v / 255 for v in rgb))
        c.rectangle(x, y, w, h)
        c.fill()
    vertical(c, 188, S, (196, 146, 100), (176, 124, 82))


def main():
    out = []
    for name in NAMES:
        surface = cairo.ImageSurface(cairo.FORMAT_RGB24, OUT, OUT)
        context = cairo.Context(surface)
        context.scale(OUT / S, OUT / S)
        globals()[name](context)
        surface.flush()
        out.append(np.frombuffer(surface.get_data(), np.uint8).reshape(OUT, OUT, 4)[..., [2, 1, 0]].copy())
    np.save(f"{CACHE}/scenes.npy", np.stack(out))


if __name__ == "__main__":
    main()
