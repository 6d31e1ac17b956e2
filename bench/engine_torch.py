#!/usr/bin/python3
"""The engine beside PyTorch: one guided picture of the same model in one run, and do they choose the same tokens?

    bench/engine_torch.py [--model DIR] [--madang build/madang] [--threads N] [--style NAME] [--prompt TEXT] [--csv]

PyTorch computes in f32 with a key/value cache, both streams as one batch, as a careful user would write it. The
engine draws the same picture (the likeliest token always) in f32, to compare the tokens, and as its file stores it
(int8), to compare the time. A prompt is encoded by model/text.py; without one there is none. Prints tokens a second of both, streams counted, and the ratio.

Needs Debian's python3-torch."""
import argparse
import json
import os
import struct
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I8": torch.int8}


def load(path):
    with open(path, "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(n))
        payload = bytearray(f.read())
    header.pop("__metadata__", None)
    raw = {}
    for name, t in header.items():
        a, b = t["data_offsets"]
        count = 1
        for d in t["shape"]:
            count *= d
        raw[name] = torch.frombuffer(payload, dtype=DTYPES[t["dtype"]], count=count, offset=a).reshape(t["shape"])
    weights = {}
    for name, value in raw.items():
        if name.endswith("_scale"):
            continue
        scale = raw.get(name + "_scale")
        value = value.float()
        if scale is not None:
            value = value * scale.reshape([-1] + [1] * (value.dim() - 1))
        weights[name] = value.contiguous()
    return weights


class Model:
    def __init__(self, directory):
        self.w = load(os.path.join(directory, "model.safetensors"))
        with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
            self.config = json.load(f)
        with open(os.path.join(directory, "tokenizer.json"), encoding="utf-8") as f:
            added = json.load(f)["added_tokens"]
        self.ids = {t["content"]: t["id"] for t in added}
        t = self.config["text_config"]
        self.layers, self.heads, self.hidden = t["num_hidden_layers"], t["num_attention_heads"], t["hidden_size"]
        self.kv_heads = t.get("num_key_value_heads", self.heads)
        self.eps, self.d = t.get("rms_norm_eps", 1e-6), self.hidden // self.heads
        half = torch.arange(self.d // 2, dtype=torch.float64)
        angle = torch.arange(1024, dtype=torch.float64)[:, None] * t.get("rope_theta", 10000.0) ** (-half / (self.d // 2))
        self.cos, self.sin = angle.cos().float(), angle.sin().float()
        self.tokens = self.config["vq_config"]["grid"] ** 2
        p = "model.language_model.layers.%d."
        self.qkv = [torch.cat([self.w[p % i + "self_attn.%s_proj.weight" % n] for n in "qkv"]) for i in range(self.layers)]
        self.gate_up = [torch.cat([self.w[p % i + "mlp.%s_proj.weight" % n] for n in ("gate", "up")]) for i in range(self.layers)]

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.w[name + ".weight"]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def rope(self, x, at):
        n = x.shape[2]
        c, s = self.cos[at:at + n], self.sin[at:at + n]
        a, b = x.chunk(2, -1)
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    def run(self, x, cache, at):
        """x: [streams, n, hidden]; cache: [layers][2][streams, heads, positions, d]"""
        streams, n = x.shape[:2]
        sizes = [self.heads * self.d, self.kv_heads * self.d, self.kv_heads * self.d]
        for i in range(self.layers):
            p = "model.language_model.layers.%d." % i
            q, k, v = F.linear(self.norm(x, p + "input_layernorm"), self.qkv[i]).split(sizes, -1)
            q, k, v = [t.view(streams, n, -1, self.d).transpose(1, 2) for t in (q, k, v)]
            cache[i][0][:, :, at:at + n] = self.rope(k, at)
            cache[i][1][:, :, at:at + n] = v
            k, v = [cache[i][j][:, :, :at + n] for j in (0, 1)]
            if self.kv_heads != self.heads:
                k, v = [t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (k, v)]
            scores = self.rope(q, at) @ k.transpose(-1, -2) * self.d ** -0.5
            if n > 1:
                scores += torch.full((n, at + n), float("-inf")).triu(at + 1)
            mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(streams, n, -1)
            x = x + self.linear(mixed, p + "self_attn.o_proj")
            gate, up = F.linear(self.norm(x, p + "post_attention_layernorm"), self.gate_up[i]).chunk(2, -1)
            x = x + self.linear(F.silu(gate) * up, p + "mlp.down_proj")
        return x

    def logits(self, x):
        x = self.norm(x, "model.language_model.norm")
        return self.linear(F.gelu(self.linear(x, "model.generation_head.proj_out")), "model.generation_head.vision_head")

    def image(self, token, place):
        x = self.w["model.generation_embeddings.weight"][token]
        x = self.linear(F.gelu(self.linear(x, "model.generation_aligner.fc1")), "model.generation_aligner.hidden_layers.0")
        positions = self.w.get("model.image_position_embeddings.weight")
        return x if positions is None else x + positions[place]

    def draw(self, prompt, style, guidance):
        """Greedy tokens, by how much each was the likeliest, and seconds from the first of them to the last."""
        m = self.config["madang"]
        t = m["tokens"]
        pad, length = self.ids[t["pad"]], m["prompt_length"]
        bos, padded = [self.ids[t["bos"]]], (prompt + [pad] * length)[:length]
        names = {s["name"]: s["token"] for s in m["styles"]}
        style = self.ids[names[style] if style else t["style_any"]]
        ids = torch.tensor([bos + padded + [style, self.ids[t["boi"]]], bos + [pad] * (length + 1) + [self.ids[t["boi"]]]])
        n = ids.shape[1]
        cache = [[torch.zeros(2, self.kv_heads, n + self.tokens, self.d) for _ in range(2)] for _ in range(self.layers)]
        x = self.run(self.w["model.language_model.embed_tokens.weight"][ids], cache, 0)[:, -1:]
        begin, tokens, margins = time.perf_counter(), [], []
        for i in range(self.tokens):
            c, u = self.logits(x[:, -1])
            z = u + guidance * (c - u)
            top = z.topk(2).values
            margins.append(float(top[0] - top[1]))
            tokens.append(int(z.argmax()))
            if i + 1 < self.tokens:
                e = self.image(tokens[-1], i)
                x = self.run(e.expand(2, 1, -1), cache, n + i)
        return tokens, margins, time.perf_counter() - begin


def engine(a, quant):
    command = [a.madang, "bench", "picture", "--model", a.model, "--prompt", a.prompt, "--greedy", "--tokens", "--csv",
               "--quant", quant, "--threads", str(a.threads), "--seconds", str(a.seconds)]
    if a.style:
        command += ["--style", a.style]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [int(t) for t in lines[-1].split()], float(lines[0].split(",")[6]) / 1e3


def encode(a):
    if not a.prompt:
        return []
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "model"))
    from text import Text
    return Text(os.path.join(a.model, "tokenizer.json")).encode(a.prompt)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="model/weights")
    p.add_argument("--madang", default="build/madang")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--style")
    p.add_argument("--prompt", default="")
    p.add_argument("--seconds", type=float, default=0.5)
    p.add_argument("--csv", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.set_grad_enabled(False)
    model = Model(a.model)
    runs = [model.draw(encode(a), a.style, model.config["madang"]["guidance"]) for _ in range(2)]
    tokens, margins, _ = runs[0]
    torch_s = min(r[2] for r in runs)
    exact, exact_s = engine(a, "f32")
    stored, stored_s = engine(a, "file")
    same = next((i for i, (x, y) in enumerate(zip(tokens, exact)) if x != y), len(tokens))
    stored_same = next((i for i, (x, y) in enumerate(zip(tokens, stored)) if x != y), len(tokens))
    rate = lambda s: 2 * len(tokens) / s
    if a.csv:
        print("model,threads,torch_f32_tokens_per_s,engine_f32_tokens_per_s,engine_tokens_per_s,ratio,same_tokens,tokens")
        print("%s,%d,%.1f,%.1f,%.1f,%.2f,%d,%d" % (os.path.basename(os.path.normpath(a.model)), a.threads, rate(torch_s),
                                                   rate(exact_s), rate(stored_s), torch_s / stored_s, same, len(tokens)))
        return
    print("PyTorch %s f32  %8.1f tokens/s" % (torch.__version__, rate(torch_s)))
    print("engine f32          %8.1f tokens/s  %.1f times" % (rate(exact_s), torch_s / exact_s))
    print("engine as stored    %8.1f tokens/s  %.1f times" % (rate(stored_s), torch_s / stored_s))
    if same == len(tokens):
        print("all %d tokens are the same in f32" % same)
    else:
        print("the first %d of %d tokens are the same in f32; there the two likeliest were %.2g apart"
              % (same, len(tokens), margins[same]))
    print("as stored, the first %d are" % stored_same)


if __name__ == "__main__":
    main()
