"""The model's memory: of every thing in every style one picture, in tokens. What the words name is put before the picture that
is drawn, as in retrieval-augmented models (RA-CM3, arXiv:2211.12561), so that the weights need to learn how a thing is put
on a ground, in a place, in a colour, in a number and beside another, and not every thing by heart.

A thing is held in three sizes: alone and as it stands in a place (12 x 12 tokens, on white), and as it is in a pair or a number
(6 x 6). A canvas is what stands before the picture, 12 x 12 tokens: the thing alone or placed, or on white the small ones, the
first named at the top left, the second right of it.
"""
import numpy as np

import nets

G, H = nets.GRID, nets.GRID // 2


class Memory:
    def __init__(self, styles, things):
        held = lambda tokens: np.full((styles, things, tokens), -1, np.int32)  # -1: not held
        self.alone, self.placed, self.small = held(G * G), held(G * G), held(H * H)

    @staticmethod
    def of(singles, single, places, place, counts, count):
        """From the tokens of singles and of four of a thing on white, and of things as they stand in a place."""
        m = Memory(1 + max(r["style"] for r in singles), 1 + max(r["concepts"][0] for r in singles))
        for r, t in zip(singles, single):
            if r["bg"] == 0:
                m.alone[r["style"], r["concepts"][0]] = t
        for r, t in zip(places, place):
            m.placed[r["style"], r["concepts"][0]] = t
        for r, t in zip(counts, count):
            if r["number"] == 4 and r["bg"] == 0:
                m.small[r["style"], r["concepts"][0]] = np.asarray(t).reshape(G, G)[:H, :H].ravel()
        corners = m.alone[:, :, 0]
        m.white = int(np.bincount(corners[corners >= 0]).argmax())
        return m

    def canvas(self, style, things, kind):
        if len(things) == 1 and kind != "count":
            return (self.placed if kind == "scene" else self.alone)[style, things[0]]
        out = np.full((G, G), self.white, np.int32)
        for k, c in enumerate(things[:2]):
            out[:H, k * H:(k + 1) * H] = self.small[style, c].reshape(H, H)
        return out.ravel()
