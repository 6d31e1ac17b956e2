"""Contact sheets: rows of pictures as one PNG."""
import torch
from PIL import Image


def to_u8(x):
    return ((x.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu()


def save(path, pictures, columns, shrink=2):
    """pictures: uint8 tensor [n,256,256,3]"""
    n, h, w, _ = pictures.shape
    rows = (n + columns - 1) // columns
    out = torch.full((rows * h, columns * w, 3), 255, dtype=torch.uint8)
    for i in range(n):
        r, c = divmod(i, columns)
        out[r * h:(r + 1) * h, c * w:(c + 1) * w] = pictures[i]
    im = Image.fromarray(out.numpy())
    im.resize((im.width // shrink, im.height // shrink), Image.LANCZOS).save(path)


def save_pairs(path, a, b, columns=8):
    """a above b, row by row."""
    rows = []
    for i in range(0, a.shape[0], columns):
        rows += [to_u8(a[i:i + columns]), to_u8(b[i:i + columns])]
    save(path, torch.cat(rows), columns)
