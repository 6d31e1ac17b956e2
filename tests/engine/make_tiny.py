#!/usr/bin/env python3
"""Writes a model directory in Madang's layout with random weights: for tests and measurements.

    make_tiny.py DIR [--shape tiny|builtin|janus] [--int8] [--seed N] [--stamp FILE]

tiny: 4x4 tokens, 16x16 pixels, a few thousand weights. builtin: the built-in model's shape. janus: a tiny Janus-Pro
in the transformers layout (codebook, group norms, attention, its own prompt). Its pictures are
noise, but the same noise for the same seed, and everything that a real model has is there: tokenizer, styles,
encoder, source tokens."""
import argparse
import array
import json
import math
import os
import random
import struct

SHAPES = {
    "tiny": dict(hidden=64, ffn=144, layers=2, heads=4, kv_heads=2, prompt=8, levels=[5, 4, 3], embed=8, latent=16,
                 base=8, encoder_base=8, multiplier=[1, 2, 2], grid=4, patch=1),
    "builtin": dict(hidden=320, ffn=832, layers=8, heads=5, kv_heads=5, prompt=24, levels=[8, 6, 5, 5, 5], embed=8,
                    latent=64, base=48, encoder_base=32, multiplier=[1, 2, 4, 4], grid=12, patch=2),
    "janus": dict(hidden=64, ffn=144, layers=2, heads=4, kv_heads=4, levels=None, codes=64, embed=8, latent=32, base=32,
                  encoder_base=32, multiplier=[1, 2], grid=24, patch=1, vision=dict(width=64, layers=2, heads=4, patch=4)),
}
STYLES = ["3d", "flat", "line"]
JANUS_SPECIAL = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<image_placeholder>", "<begin_of_image>",
                 "<end_of_image>", "<|User|>", "<|Assistant|>"]
SPECIAL = ["<bos>", "<pad>", "<boi>", "<src>", "<style:any>"] + ["<style:%s>" % s for s in STYLES]


class Writer:
    def __init__(self, seed, int8, group_norm):
        self.random = random.Random(seed)
        self.group_norm = group_norm
        self.int8 = int8
        self.tensors = []

    def floats(self, name, shape, values):
        self.tensors.append((name, "F32", shape, array.array("f", values).tobytes()))

    def around(self, name, shape, middle, spread):
        n = math.prod(shape)
        noise = self.random.randbytes(n)
        self.floats(name, shape, [middle + spread * (b - 127.5) / 127.5 for b in noise])

    def weight(self, name, shape, bias=True):
        """A Linear or a convolution whose outputs keep the size of its inputs."""
        fan_in = math.prod(shape[1:])
        if self.int8:
            data = bytearray(self.random.randbytes(math.prod(shape)))
            self.tensors.append((name + ".weight", "I8", shape, bytes(data)))
            self.around(name + ".weight_scale", shape[:1], 1 / (74 * math.sqrt(fan_in)), 0.1 / (74 * math.sqrt(fan_in)))
        else:
            self.around(name + ".weight", shape, 0, math.sqrt(3 / fan_in))
        if bias:
            self.around(name + ".bias", shape[:1], 0, 0.05)

    def norm(self, name, n):
        self.around(name + ".weight", [n], 1, 0.2)

    def picture_norm(self, name, n):
        self.norm(name, n)
        if self.group_norm:
            self.around(name + ".bias", [n], 0, 0.05)

    def write(self, path):
        header, offset = {}, 0
        for name, dtype, shape, data in self.tensors:
            header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
            offset += len(data)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for tensor in self.tensors:
                f.write(tensor[3])


def transformer(w, s, codes, vocab):
    d, head = s["hidden"], s["hidden"] // s["heads"]
    w.around("model.language_model.embed_tokens.weight", [vocab, d], 0, 1)
    for i in range(s["layers"]):
        p = "model.language_model.layers.%d." % i
        w.norm(p + "input_layernorm", d)
        w.norm(p + "post_attention_layernorm", d)
        w.weight(p + "self_attn.q_proj", [s["heads"] * head, d], False)
        w.weight(p + "self_attn.k_proj", [s["kv_heads"] * head, d], False)
        w.weight(p + "self_attn.v_proj", [s["kv_heads"] * head, d], False)
        w.weight(p + "self_attn.o_proj", [d, s["heads"] * head], False)
        w.weight(p + "mlp.gate_proj", [s["ffn"], d], False)
        w.weight(p + "mlp.up_proj", [s["ffn"], d], False)
        w.weight(p + "mlp.down_proj", [d, s["ffn"]], False)
    w.norm("model.language_model.norm", d)
    w.around("model.generation_embeddings.weight", [codes, s["embed"]], 0, 1)
    w.weight("model.generation_aligner.fc1", [d, s["embed"]])
    w.weight("model.generation_aligner.hidden_layers.0", [d, d])
    if s["levels"]:
        w.around("model.image_position_embeddings.weight", [s["grid"] ** 2, d], 0, 0.5)
    w.weight("model.generation_head.proj_out", [d, d])
    w.weight("model.generation_head.vision_head", [codes, d])


def vision(w, s, vocab):
    """The tower, its aligner, and the head that writes text."""
    v, p = s["vision"], "model.vision_model."
    d = v["width"]
    w.weight(p + "embeddings.patch_embedding", [d, 3, v["patch"], v["patch"]])
    w.around(p + "embeddings.position_embedding.weight", [s["grid"] ** 2, d], 0, 0.5)
    for i in range(v["layers"]):
        layer = p + "encoder.layers.%d." % i
        for name in ("layer_norm1", "layer_norm2"):
            w.norm(layer + name, d)
            w.around(layer + name + ".bias", [d], 0, 0.05)
        for name in ("q_proj", "k_proj", "v_proj", "projection_layer"):
            w.weight(layer + "self_attn." + name, [d, d])
        w.weight(layer + "mlp.fc1", [4 * d, d])
        w.weight(layer + "mlp.fc2", [d, 4 * d])
    w.norm(p + "post_layernorm", d)
    w.around(p + "post_layernorm.bias", [d], 0, 0.05)
    w.weight("model.aligner.fc1", [s["hidden"], d])
    w.weight("model.aligner.hidden_layers.0", [s["hidden"], s["hidden"]])
    w.weight("lm_head", [vocab, s["hidden"]], False)


def residual(w, name, inputs, outputs):
    w.picture_norm(name + ".norm1", inputs)
    w.weight(name + ".conv1", [outputs, inputs, 3, 3])
    w.picture_norm(name + ".norm2", outputs)
    w.weight(name + ".conv2", [outputs, outputs, 3, 3])
    if inputs != outputs:
        w.weight(name + ".nin_shortcut", [outputs, inputs, 1, 1])


def attention(w, name, width):
    if not w.group_norm:
        return
    w.picture_norm(name + ".norm", width)
    for part in ("q", "k", "v", "proj_out"):
        w.weight(name + "." + part, [width, width, 1, 1])


def tokenizer(w, s):
    p, pixels, count = "model.vqmodel.", 3 * s["patch"] ** 2, len(s["multiplier"])
    code = len(s["levels"]) if s["levels"] else s["embed"]
    if not s["levels"]:
        w.around(p + "quantize.embedding.weight", [s["codes"], code], 0, 1)
    w.weight(p + "post_quant_conv", [s["latent"], code, 1, 1])
    w.weight(p + "quant_conv", [code, s["latent"], 1, 1])
    width = s["base"] * s["multiplier"][-1]
    w.weight(p + "decoder.conv_in", [width, s["latent"], 3, 3])
    for block in ("block_1", "block_2"):
        residual(w, p + "decoder.mid." + block, width, width)
    attention(w, p + "decoder.mid.attn_1", width)
    for i in range(count):
        out = s["base"] * s["multiplier"][count - 1 - i]
        for j in range(2):
            residual(w, p + "decoder.up.%d.block.%d" % (i, j), width if j == 0 else out, out)
            if i == 0:
                attention(w, p + "decoder.up.0.attn.%d" % j, out)
        width = out
        if i + 1 < count:
            w.weight(p + "decoder.up.%d.upsample.conv" % i, [width, width, 3, 3])
    w.picture_norm(p + "decoder.norm_out", width)
    w.weight(p + "decoder.conv_out", [pixels, width, 3, 3])
    width = s["encoder_base"]
    w.weight(p + "encoder.conv_in", [width, pixels, 3, 3])
    for i in range(count):
        out = s["encoder_base"] * s["multiplier"][i]
        residual(w, p + "encoder.down.%d.block.0" % i, width, out)
        width = out
        if i + 1 < count:
            w.weight(p + "encoder.down.%d.downsample.conv" % i, [width, width, 3, 3])
        else:
            attention(w, p + "encoder.down.%d.attn.0" % i, width)
    for block in ("block_1", "block_2"):
        residual(w, p + "encoder.mid." + block, width, width)
    attention(w, p + "encoder.mid.attn_1", width)
    w.picture_norm(p + "encoder.norm_out", width)
    w.weight(p + "encoder.conv_out", [s["latent"], width, 3, 3])


def text_tokenizer(special):
    """The bytes alone, no merges."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    names = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}
    vocab = {names[b]: b for b in range(256)}
    added = [dict(id=256 + i, content=c, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for i, c in enumerate(special)]
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None,
                pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False),
                post_processor=None, decoder=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False),
                model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None,
                           end_of_word_suffix=None, fuse_unk=False, byte_fallback=False, vocab=vocab, merges=[]))


def janus_config(s, vocab):
    return {
        "model_type": "janus", "image_token_id": 256 + JANUS_SPECIAL.index("<image_placeholder>"),
        "text_config": {"model_type": "llama", "hidden_size": s["hidden"], "intermediate_size": s["ffn"],
                        "num_hidden_layers": s["layers"], "num_attention_heads": s["heads"], "vocab_size": vocab,
                        "max_position_embeddings": 4096},
        "vq_config": {"embed_dim": s["embed"], "num_embeddings": s["codes"], "latent_channels": s["latent"],
                      "base_channels": s["base"], "channel_multiplier": s["multiplier"], "num_res_blocks": 1,
                      "num_patches": s["grid"], "projection_dim": s["hidden"], "image_token_embed_dim": s["hidden"],
                      "num_hidden_layers": 2},
        "vision_config": {"image_size": s["grid"] * s["vision"]["patch"], "patch_size": s["vision"]["patch"],
                          "hidden_size": s["vision"]["width"], "num_hidden_layers": s["vision"]["layers"],
                          "num_attention_heads": s["vision"]["heads"], "mlp_ratio": 4.0, "depth": 2},
    }


def config(s, codes, vocab):
    size = s["grid"] * 2 ** (len(s["multiplier"]) - 1) * s["patch"]
    return {
        "model_type": "madang_janus", "architectures": ["MadangForImageGeneration"],
        "text_config": {"hidden_size": s["hidden"], "intermediate_size": s["ffn"], "num_hidden_layers": s["layers"],
                        "num_attention_heads": s["heads"], "num_key_value_heads": s["kv_heads"], "vocab_size": vocab,
                        "rms_norm_eps": 1e-6, "rope_theta": 10000, "max_position_embeddings": 1024},
        "vq_config": {"quantizer": "fsq", "fsq_levels": s["levels"], "num_embeddings": codes, "embed_dim": s["embed"],
                      "latent_channels": s["latent"], "base_channels": s["base"], "encoder_base_channels": s["encoder_base"],
                      "channel_multiplier": s["multiplier"], "num_res_blocks": 1, "normalization": "rms",
                      "attention": False, "grid": s["grid"], "image_size": size, "patch_size": s["patch"],
                      "projection_dim": s["hidden"], "num_hidden_layers": 2},
        "madang": {"prompt_length": s["prompt"], "guidance": 3.0, "temperature": 1.0, "top_k": 0, "top_p": 1.0,
                   "tasks": ["draw", "restyle", "vary", "edit"],
                   "styles": [{"name": n, "token": "<style:%s>" % n, **({"block": 4} if n == "line" else {})} for n in STYLES],
                   "tokens": {"bos": "<bos>", "pad": "<pad>", "boi": "<boi>", "src": "<src>", "style_any": "<style:any>"}},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stamp", help="an empty file to write when all is done")
    a = parser.parse_args()
    s = SHAPES[a.shape]
    special = SPECIAL if s["levels"] else JANUS_SPECIAL
    codes, vocab = math.prod(s["levels"]) if s["levels"] else s["codes"], 256 + len(special)
    os.makedirs(a.dir, exist_ok=True)
    w = Writer(a.seed, a.int8, not s["levels"])
    transformer(w, s, codes, vocab)
    tokenizer(w, s)
    if "vision" in s:
        vision(w, s, vocab)
    w.write(os.path.join(a.dir, "model.safetensors"))
    settings = config(s, codes, vocab) if s["levels"] else janus_config(s, vocab)
    for name, value in (("config.json", settings), ("tokenizer.json", text_tokenizer(special))):
        with open(os.path.join(a.dir, name), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=1)
    if a.stamp:
        open(a.stamp, "w").close()


if __name__ == "__main__":
    main()
