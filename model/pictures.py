"""Puts sprites on grounds: the one canonical 192x192 picture of every (what, style, ground, layout).

Everything is batched in torch and runs where the sprites are (CPU or GPU). Slots are aligned to the 16-px token
grid, so that an object of one size always falls into the same tokens: one 160-px slot for a single, 96-px slots
(80-px sprites) for pairs and counts, a 112-px place (120 for pixel art) on the ground of a scene.
"""
import io
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from sources import CACHE, COLOURS, PORTRAITS, STYLES

SIZE = 192
PIXEL, INK = STYLES.index("pixel"), STYLES.index("ink")
BLACK = 11
TINTS = [1, 2, 3, 4, 5, 7, 8]  # colours an object can be asked in: red orange yellow green blue purple pink
SLOTS = {"left": (0, 48), "right": (96, 48), "top": (48, 0), "bottom": (48, 96),
         "tl": (0, 0), "tr": (96, 0), "bl": (0, 96), "br": (96, 96)}
PAIRS = [("left", "right"), ("top", "bottom")]
COUNTS = {2: ("left", "right"), 3: ("top", "bl", "br"), 4: ("tl", "tr", "bl", "br")}


class Sprites:
    """Premultiplied RGBA, uint8 [style][concept][h][w][4] at the three sizes; `place` draws them onto grounds."""

    def __init__(self, device="cpu", limit=None, concepts=None):
        self.device = torch.device(device)
        full, scene = [], []
        for style in STYLES:
            offsets = json.load(open(f"{CACHE}/sprites/{style}.json"))
            blob = open(f"{CACHE}/sprites/{style}.bin", "rb").read()
            index = concepts if concepts is not None else range((len(offsets) - 1) if limit is None else limit)
            a = np.stack([np.asarray(Image.open(io.BytesIO(blob[offsets[i]:offsets[i + 1]])).convert("RGBA")) for i in index])
            a = torch.from_numpy(a)
            f, s = [], []
            for part in a.split(64):
                t = part.to(self.device).permute(0, 3, 1, 2).float()
                t = torch.cat([t[:, :3] * t[:, 3:] / 255, t[:, 3:]], 1)
                if style == "pixel":
                    f.append(F.interpolate(t, scale_factor=8, mode="nearest").round().byte())
                    s.append(F.interpolate(t, scale_factor=6, mode="nearest").round().byte())
                else:
                    f.append(t.round().byte())
                    s.append(F.pad(F.interpolate(t, (112, 112), mode="bilinear", antialias=True, align_corners=False),
                                   (4, 4, 8, 0)).round().clamp(0, 255).byte())
            full.append(torch.cat(f))
            scene.append(torch.cat(s))
        self.full, self.scene = torch.stack(full), torch.stack(scene)  # [S,N,4,160,160], [S,N,4,120,120]
        self.n = self.full.shape[1]
        self.people = None  # read when the first portrait is drawn
        self.colours = torch.tensor([c for _, c in COLOURS], dtype=torch.float32, device=self.device)
        grounds = torch.from_numpy(np.load(f"{CACHE}/scenes.npy")).to(self.device).permute(0, 3, 1, 2).float()
        grey = (grounds * torch.tensor([.299, .587, .114], device=self.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
        grey = (grey * .55 + 255 * .45).expand(-1, 3, -1, -1)
        blocks = F.interpolate(F.avg_pool2d(grounds, 8), scale_factor=8, mode="nearest")
        self.grounds = torch.stack([{PIXEL: blocks, INK: grey}.get(i, grounds) for i in range(len(STYLES))])  # [S,8,3,192,192]

    def in_own_colour(self, style, concept, tint):
        """bool [B]: the thing has this colour already, most of it: a red apple is asked for, and keeps its green leaf."""
        a = F.avg_pool2d(self.full[style, concept].float(), 8)
        rgb, alpha = a[:, :3] / a[:, 3:].clamp(min=1) * 255, a[:, 3:] / 255
        colourful = rgb.amax(1, keepdim=True) - rgb.amin(1, keepdim=True) > 50
        nearest = (rgb[:, None] - self.colours.view(1, -1, 3, 1, 1)).square().sum(2).argmin(1, keepdim=True)
        mine = (nearest == tint.view(-1, 1, 1, 1)) & colourful
        return (mine * alpha).sum((1, 2, 3)) > .5 * alpha.sum((1, 2, 3))

    def tinted(self, sprite, tint, ink):
        """sprite premultiplied [B,4,h,w] float; tint: colour index, 0 = as it is; ink: bool [B]. Its middle lightness becomes the colour."""
        c = self.colours[tint].view(-1, 3, 1, 1) / 255
        alpha = sprite[:, 3:].clamp(min=1) / 255
        y = (sprite[:, :3] / 255 / alpha * torch.tensor([.299, .587, .114], device=sprite.device).view(1, 3, 1, 1)).sum(1, keepdim=True).clamp(0, 1)
        middle = (y * sprite[:, 3:]).sum((1, 2, 3), keepdim=True) / sprite[:, 3:].sum((1, 2, 3), keepdim=True).clamp(min=1)
        y = y ** (math.log(.5) / middle.clamp(.01, .99).log()).clamp(.4, 2)
        t = torch.where(y < .5, c * 2 * y, c + (1 - c) * (2 * y - 1))
        t = torch.where(ink.view(-1, 1, 1, 1), (c * .85).expand_as(t), t)
        rgb = t.clamp(0, 1) * alpha * 255 * (sprite[:, 3:] > 0)
        on = (tint > 0).view(-1, 1, 1, 1)
        return torch.cat([torch.where(on, rgb, sprite[:, :3]), sprite[:, 3:]], 1)

    def inked(self, sprite, ink, bg):
        """Ink on black ground is white ink."""
        white = (ink & (bg == BLACK)).view(-1, 1, 1, 1)
        return torch.where(white, torch.cat([sprite[:, 3:].expand(-1, 3, -1, -1), sprite[:, 3:]], 1), sprite)

    @staticmethod
    def over(canvas, sprite, x, y):
        h, w = sprite.shape[-2:]
        part = canvas[:, :, y:y + h, x:x + w]
        part.mul_(1 - sprite[:, 3:] / 255).add_(sprite[:, :3])

    def sprite(self, style, concept, bg, tint, size):
        if size == 120:
            s = self.scene[style, concept].float()
        else:
            s = self.full[style, concept].float()
            if size == 80:
                s = F.avg_pool2d(s, 2)
        ink = style == INK
        if tint.any():
            tint = torch.where(self.in_own_colour(style, concept, tint), torch.zeros_like(tint), tint)
        return self.inked(self.tinted(s, tint, ink), ink & (tint == 0), bg)

    def load_people(self):
        """uint8 [S,people,4,192,192] premultiplied, nothing in the styles that have none."""
        if self.people is None:
            a = {s: torch.from_numpy(np.load(f"{CACHE}/people/{s}.npy")).permute(0, 3, 1, 2) for s in PORTRAITS}
            none = torch.zeros_like(next(iter(a.values())))
            self.people = torch.stack([a.get(s, none) for s in STYLES]).to(self.device)
        return self.people

    def portrait(self, style, person, ground):
        """People on grounds [B,3,192,192]."""
        out = ground.clone()
        self.over(out, self.load_people()[style, person].float(), 0, 0)
        return out

    def ground(self, bg):
        return self.colours[bg].view(-1, 3, 1, 1).expand(-1, 3, SIZE, SIZE).clone()

    def single(self, style, concept, bg, tint):
        out = self.ground(bg)
        self.over(out, self.sprite(style, concept, bg, tint, 160), 16, 16)
        return out

    def place(self, style, concept, scene):
        out = self.grounds[style, scene].clone()
        none = torch.zeros_like(style)
        dark = torch.where((scene == 3) | (scene == 4), torch.full_like(scene, BLACK), none)
        self.over(out, self.sprite(style, concept, torch.zeros_like(dark), none, 120), 36, 56)
        return out

    def placed(self, style, concept):
        """A thing as it stands in a scene, on white."""
        none = torch.zeros_like(style)
        out = self.ground(none)
        self.over(out, self.sprite(style, concept, none, none, 120), 36, 56)
        return out

    def slots(self, style, concepts, bg, names):
        out = self.ground(bg)
        none = torch.zeros_like(style)
        for k, name in enumerate(names):
            x, y = SLOTS[name]
            self.over(out, self.sprite(style, concepts[k], bg, none, 80), x + 8, y + 8)
        return out
