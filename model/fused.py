"""norm_swish for a CPU: builds fused.c beside the cache and wraps it as an autograd function (bf16, channels last)."""
import ctypes
import os
import subprocess

import torch

from sources import CACHE


def build():
    here, out = os.path.dirname(os.path.abspath(__file__)), f"{CACHE}/fused.so"
    if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(f"{here}/fused.c"):
        subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-shared", "-fPIC", f"{here}/fused.c", "-o", out, "-lm"], check=True)
    return ctypes.CDLL(out)


LIB = build()
POINTER = lambda t: ctypes.c_void_p(t.data_ptr())


class NormSwish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        x = x.bfloat16().contiguous(memory_format=torch.channels_last)
        w = w.detach().contiguous()
        y = torch.empty_like(x, memory_format=torch.channels_last)
        c = x.shape[1]
        LIB.norm_swish_forward(POINTER(x), POINTER(w), POINTER(y), ctypes.c_long(x.numel() // c), ctypes.c_int(c))
        ctx.save_for_backward(x, w)
        return y

    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        gy = gy.bfloat16().contiguous(memory_format=torch.channels_last)
        gx, gw, c = torch.empty_like(x, memory_format=torch.channels_last), torch.zeros_like(w), x.shape[1]
        LIB.norm_swish_backward(POINTER(x), POINTER(w), POINTER(gy), POINTER(gx), POINTER(gw), ctypes.c_long(x.numel() // c), ctypes.c_int(c))
        return gx, gw


def norm_swish(x, w):
    return NormSwish.apply(x, w)
