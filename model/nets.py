"""The two networks of the built-in model, with the tensor names of the Hugging Face Janus layout.

VQModel: 192x192 picture <-> 12x12 tokens of finite scalar quantisation (Mentzer et al., arXiv 2309.15505); residual
convolutions as in VQGAN, but with a per-position RMS norm, so that every pixel depends on its neighbourhood only.
Janus: a Llama decoder over text and picture tokens (arXiv 2501.17811), with a learnt table of grid positions.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

LEVELS = (8, 6, 5, 5, 5)
CODES = math.prod(LEVELS)
GRID = 12
TOKENS = GRID * GRID
CONFIG = {
    "model_type": "madang_janus", "architectures": ["MadangForImageGeneration"],
    "text_config": {"hidden_size": 320, "intermediate_size": 832, "num_hidden_layers": 8, "num_attention_heads": 5,
                    "num_key_value_heads": 5, "vocab_size": 3072, "rms_norm_eps": 1e-6, "rope_theta": 10000,
                    "max_position_embeddings": 1024},
    "vq_config": {"quantizer": "fsq", "fsq_levels": list(LEVELS), "num_embeddings": CODES, "embed_dim": 8, "latent_channels": 64,
                  "base_channels": 48, "encoder_base_channels": 32, "channel_multiplier": [1, 2, 4, 4], "patch_size": 2, "num_res_blocks": 1,
                  "normalization": "rms", "attention": False, "grid": GRID, "image_size": 16 * GRID, "projection_dim": 320,
                  "num_hidden_layers": 2},
}
PROMPT = 24


def norm_swish(x, w):
    """Per-position RMS norm over channels, then x * sigmoid(x)."""
    f = x.float()
    f = f * torch.rsqrt(f.square().mean(1, keepdim=True) + 1e-6) * w.view(1, -1, 1, 1)
    return F.silu(f).to(x.dtype)


class Fused:
    norm_swish = staticmethod(norm_swish)


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c))

    def forward(self, x):
        return Fused.norm_swish(x, self.weight)


class Res(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.norm1, self.conv1 = Norm(i), nn.Conv2d(i, o, 3, padding=1)
        self.norm2, self.conv2 = Norm(o), nn.Conv2d(o, o, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)
        if i != o:
            self.nin_shortcut = nn.Conv2d(i, o, 1)

    def forward(self, x):
        h = self.conv2(self.norm2(self.conv1(self.norm1(x))))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class Resample(nn.Module):
    def __init__(self, c, stride):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, stride=stride, padding=1 if stride == 1 else 0)
        self.stride = stride

    def forward(self, x):
        if self.stride == 1:
            return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Stage(nn.Module):
    def __init__(self, i, o, blocks, resample):
        super().__init__()
        self.block = nn.ModuleList([Res(i if j == 0 else o, o) for j in range(blocks)])
        if resample:
            setattr(self, resample, Resample(o, 1 if resample == "upsample" else 2))
        self.resample = resample

    def forward(self, x):
        for b in self.block:
            x = b(x)
        return getattr(self, self.resample)(x) if self.resample else x


class Mid(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.block_1, self.block_2 = Res(c, c), Res(c, c)

    def forward(self, x):
        return self.block_2(self.block_1(x))


class Encoder(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.patch = v["patch_size"]
        ch = [v["encoder_base_channels"] * m for m in v["channel_multiplier"]]
        self.conv_in = nn.Conv2d(3 * v["patch_size"] ** 2, ch[0], 3, padding=1)
        self.down = nn.ModuleList([Stage(ch[max(i - 1, 0)], ch[i], v["num_res_blocks"], "downsample" if i + 1 < len(ch) else None)
                                   for i in range(len(ch))])
        self.mid, self.norm_out = Mid(ch[-1]), Norm(ch[-1])
        self.conv_out = nn.Conv2d(ch[-1], v["latent_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(F.pixel_unshuffle(x, self.patch))
        for s in self.down:
            x = s(x)
        return self.conv_out(self.norm_out(self.mid(x)))


class Decoder(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.patch = v["patch_size"]
        ch = [v["base_channels"] * m for m in reversed(v["channel_multiplier"])]
        self.conv_in, self.mid = nn.Conv2d(v["latent_channels"], ch[0], 3, padding=1), Mid(ch[0])
        self.up = nn.ModuleList([Stage(ch[max(i - 1, 0)], ch[i], v["num_res_blocks"] + 1, "upsample" if i + 1 < len(ch) else None)
                                 for i in range(len(ch))])
        self.norm_out, self.conv_out = Norm(ch[-1]), nn.Conv2d(ch[-1], 3 * v["patch_size"] ** 2, 3, padding=1)

    def forward(self, z):
        x = self.mid(self.conv_in(z))
        for s in self.up:
            x = s(x)
        return F.pixel_shuffle(self.conv_out(self.norm_out(x)), self.patch)


class VQModel(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        v = config["vq_config"]
        self.encoder, self.decoder = Encoder(v), Decoder(v)
        self.quant_conv = nn.Conv2d(v["latent_channels"], len(LEVELS), 1)
        self.post_quant_conv = nn.Conv2d(len(LEVELS), v["latent_channels"], 1)
        steps = torch.tensor([l - 1 for l in LEVELS], dtype=torch.float32).view(1, -1, 1, 1)
        base = torch.tensor([math.prod(LEVELS[:j]) for j in range(len(LEVELS))]).view(1, -1, 1, 1)
        self.register_buffer("steps", steps, persistent=False)
        self.register_buffer("base", base, persistent=False)

    def bound(self, x):
        return torch.tanh(self.quant_conv(self.encoder(x)).float())

    def digits(self, y):
        return torch.round((y + 1) / 2 * self.steps)

    def ids(self, x):
        """[B,3,192,192] in [-1,1] -> [B,12,12] int64"""
        return (self.digits(self.bound(x)).long() * self.base).sum(1)

    def values(self, ids):
        d = (ids[:, None] // self.base) % (self.steps.long() + 1)
        return 2 * d.float() / self.steps - 1

    def decode(self, ids):
        return self.decoder(self.post_quant_conv(self.values(ids)))

    def forward(self, x):
        y = self.bound(x)
        q = 2 * self.digits(y) / self.steps - 1
        return self.decoder(self.post_quant_conv(y + (q - y).detach())), q


class RMSNorm(nn.Module):
    def __init__(self, d, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        f = x.float()
        return (f * torch.rsqrt(f.square().mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def attend(q, k, v, causal):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    s = (q.float() @ k.float().transpose(-1, -2)) / math.sqrt(q.shape[-1])
    if causal:
        s = s + torch.full(s.shape[-2:], float("-inf"), device=s.device).triu(1)
    return (s.softmax(-1) @ v.float()).to(v.dtype)


class Attention(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x, cos, sin, cache=None, at=0):
        b, t, d = x.shape
        q, k, v = (p(x).view(b, t, self.h, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            cache[0][:, :, at:at + t], cache[1][:, :, at:at + t] = k, v
            k, v = cache[0][:, :, :at + t], cache[1][:, :, :at + t]
        return self.o_proj(attend(q, k, v, t > 1).transpose(1, 2).reshape(b, t, d))


class MLP(nn.Module):
    def __init__(self, d, f):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = nn.Linear(d, f, bias=False), nn.Linear(d, f, bias=False), nn.Linear(f, d, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, d, f, h, eps):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(d, eps), RMSNorm(d, eps)
        self.self_attn, self.mlp = Attention(d, h), MLP(d, f)

    def forward(self, x, cos, sin, cache=None, at=0):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache, at)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.embed_tokens = nn.Embedding(c["vocab_size"], d)
        self.layers = nn.ModuleList([Layer(d, c["intermediate_size"], c["num_attention_heads"], c["rms_norm_eps"])
                                     for _ in range(c["num_hidden_layers"])])
        self.norm = RMSNorm(d, c["rms_norm_eps"])


class Aligner(nn.Module):
    def __init__(self, i, d):
        super().__init__()
        self.fc1, self.hidden_layers = nn.Linear(i, d), nn.ModuleList([nn.Linear(d, d)])

    def forward(self, x):
        return self.hidden_layers[0](F.gelu(self.fc1(x)))


class Head(nn.Module):
    def __init__(self, d, k):
        super().__init__()
        self.proj_out, self.vision_head = nn.Linear(d, d), nn.Linear(d, k)

    def forward(self, x):
        return self.vision_head(F.gelu(self.proj_out(x)))


class Janus(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        c, v = config["text_config"], config["vq_config"]
        self.config, d = config, c["hidden_size"]
        self.language_model = Llama(c)
        self.generation_embeddings = nn.Embedding(v["num_embeddings"], v["embed_dim"])
        self.generation_aligner, self.generation_head = Aligner(v["embed_dim"], d), Head(d, v["num_embeddings"])
        self.image_position_embeddings = nn.Embedding(v["grid"] ** 2, d)
        self.head_dim = d // c["num_attention_heads"]
        depth = c["num_hidden_layers"]
        for n, p in self.named_parameters():
            if p.ndim == 2:
                nn.init.normal_(p, std=.02 / (math.sqrt(2 * depth) if n.endswith(("o_proj.weight", "down_proj.weight")) else 1))
        nn.init.normal_(self.generation_embeddings.weight)
        ids, base = torch.arange(v["num_embeddings"]), 1
        for j, l in enumerate(v["fsq_levels"]):  # the digits are known: start from them
            self.generation_embeddings.weight.data[:, j] = 2 * ((ids // base) % l).float() / (l - 1) - 1
            base *= l
        nn.init.normal_(self.generation_aligner.fc1.weight, std=.4)
        inv = 1.0 / (c["rope_theta"] ** (torch.arange(0, self.head_dim, 2).float() / self.head_dim))
        ang = torch.arange(c["max_position_embeddings"]).float()[:, None] * inv
        self.register_buffer("cos", ang.cos(), persistent=False)
        self.register_buffer("sin", ang.sin(), persistent=False)

    def image(self, ids, first=0):
        """Picture tokens ids [B,n], the first of them at grid place `first` -> input embeddings."""
        place = torch.arange(first, first + ids.shape[1], device=ids.device)
        return self.generation_aligner(self.generation_embeddings(ids)) + self.image_position_embeddings(place)

    def text(self, ids):
        return self.language_model.embed_tokens(ids)

    def run(self, x, cache=None, at=0):
        t = x.shape[1]
        cos, sin = self.cos[at:at + t].to(x.dtype), self.sin[at:at + t].to(x.dtype)
        for i, layer in enumerate(self.language_model.layers):
            x = layer(x, cos, sin, None if cache is None else cache[i], at)
        return x

    def logits(self, x):
        return self.generation_head(self.language_model.norm(x))

    def hidden(self, prefix, ids, middle=None, source=None):
        """prefix [B,P+3] text ids; for edits source [B,144] and middle [B,2]; ids [B,143] target tokens but the last.
        Returns the states that predict the 144 target tokens."""
        parts = [self.text(prefix)]
        if source is not None:
            parts += [self.image(source), self.text(middle)]
        parts.append(self.image(ids))
        return self.run(torch.cat(parts, 1))[:, -TOKENS:]

    @torch.no_grad()
    def generate(self, prefix, empty, source=None, middle=None, guidance=1.5, temperature=.7, top_k=0, top_p=.95, generator=None):
        """Draws [B,144] tokens. empty: the prefix of the unguided stream (not used at guidance 1)."""
        b, dev = prefix.shape[0], prefix.device
        two = guidance != 1
        if two:
            prefix = torch.cat([prefix, empty])
            if source is not None:
                source, middle = torch.cat([source, source]), torch.cat([middle, middle])
        x = self.text(prefix)
        if source is not None:
            x = torch.cat([x, self.image(source), self.text(middle)], 1)
        n, total, h = x.shape[0], x.shape[1] + TOKENS, self.config["text_config"]["num_attention_heads"]
        x = x.to(self.dtype_of_run)
        cache = [tuple(torch.zeros(n, h, total, self.head_dim, dtype=x.dtype, device=dev) for _ in range(2))
                 for _ in self.language_model.layers]
        at, out = x.shape[1], torch.empty(b, TOKENS, dtype=torch.long, device=dev)
        x = self.run(x, cache)[:, -1:]
        for i in range(TOKENS):
            z = self.logits(x)[:, 0].float()
            if two:
                z = z[b:] + guidance * (z[:b] - z[b:])
            if temperature <= 0:
                t = z.argmax(-1)
            else:
                s, order = z.sort(-1, descending=True)
                p = (s / temperature).softmax(-1)
                drop = p.cumsum(-1) - p > top_p
                if top_k:
                    drop[:, top_k:] = True
                t = order.gather(1, torch.multinomial(p.masked_fill(drop, 0), 1, generator=generator))[:, 0]
            out[:, i] = t
            if i + 1 < TOKENS:
                t = torch.cat([t, t]) if two else t
                x = self.run(self.image(t[:, None], i).to(self.dtype_of_run), cache, at + i)
        return out

    dtype_of_run = torch.float32
