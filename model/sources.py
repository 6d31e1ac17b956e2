"""Where the pictures come from: five openly licensed sets, one key (the emoji's code points) for all.

3d       @lobehub/fluent-emoji-3d                   MIT (Microsoft)       WebP 256
flat     @iconify-json/fluent-emoji-flat            MIT (Microsoft)       SVG
cartoon  @iconify-json/noto                         Apache-2.0 (Google)   SVG
simple   @iconify-json/twemoji                      CC-BY-4.0 (Twitter)   SVG
ink      @iconify-json/fluent-emoji-high-contrast   MIT (Microsoft)       SVG
pixel    made here from `cartoon` (see rasterise.py)

people   @dicebear/lorelei (flat, ink), @dicebear/open-peeps (cartoon), @dicebear/pixel-art (pixel)   CC0-1.0
"""
import json
import os

CACHE = os.environ.get("MADANG_MODEL_CACHE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "cache"))
SETS = {"3d": None, "flat": "fluent-emoji-flat", "cartoon": "noto", "simple": "twemoji",
        "ink": "fluent-emoji-high-contrast"}
PORTRAITS = ["flat", "cartoon", "pixel", "ink"]  # the styles in which people are drawn
STYLES = ["3d", "flat", "cartoon", "simple", "pixel", "ink"]
COLOURS = [("white", (255, 255, 255)), ("red", (229, 72, 77)), ("orange", (247, 147, 64)), ("yellow", (250, 214, 84)),
           ("green", (98, 192, 116)), ("blue", (76, 134, 232)), ("sky blue", (168, 216, 245)), ("purple", (156, 108, 214)),
           ("pink", (248, 184, 208)), ("brown", (146, 104, 76)), ("gray", (168, 170, 176)), ("black", (28, 30, 36))]


def normal(code):
    return "-".join(p for p in code.upper().split("-") if p not in ("FE0F", "FE0E"))


def iconify(name):
    """{key: SVG bytes} of one Iconify set."""
    base = f"{CACHE}/node_modules/@iconify-json/{name}/"
    d, chars = json.load(open(base + "icons.json")), json.load(open(base + "chars.json"))
    aliases, out = d.get("aliases", {}), {}
    for code, icon in chars.items():
        while icon in aliases:
            icon = aliases[icon]["parent"]
        i = d["icons"].get(icon)
        if i:
            w, h = i.get("width", d.get("width", 16)), i.get("height", d.get("height", 16))
            out.setdefault(normal(code), (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'viewBox="0 0 {w} {h}" width="{w}" height="{h}">{i["body"]}</svg>').encode())
    return out


def webp_files():
    base = f"{CACHE}/node_modules/@lobehub/fluent-emoji-3d/assets/"
    return {normal(f[:-5]): base + f for f in os.listdir(base) if f.endswith(".webp")}


def available():
    return {style: set(webp_files() if name is None else iconify(name)) for style, name in SETS.items()}
