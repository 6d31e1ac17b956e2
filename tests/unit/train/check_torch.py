#!/usr/bin/env python3
"""usage: check_torch.py TRAIN_GRADIENTS [LEVEL…]     the trainer's gradients against PyTorch's, on the network of model/nets.py

Small shapes, samples with and without a source in one batch. Exits with 77 (skipped) where there is no PyTorch."""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    print("no PyTorch here: skipped")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "model"))
import nets  # noqa: E402

VOCAB = 50
LIMITS = {"scalar": 1e-4, "avx512": 1e-4, "avx512bf16": 1e-2, "amx": 1e-2}
# hidden, intermediate, layers, heads, grid, FSQ levels, prefix, samples; the last is done in parts of everything
SHAPES = [(64, 96, 2, 2, 4, [8, 6, 5], 7, 5), (128, 192, 3, 2, 5, [8, 6, 5], 9, 5), (96, 160, 2, 3, 7, [3, 5, 3, 3], 11, 5),
          (128, 1184, 1, 2, 4, [10, 10, 10], 7, 70)]


def write_tensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, t in tensors.items():
        blob = t.detach().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_tensors(path):
    with open(path, "rb") as f:
        data = f.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    out = {}
    for name, t in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            out[name] = torch.frombuffer(bytearray(data[start + begin:start + end]), dtype=torch.float32).reshape(t["shape"])
    return out


def write_shard(path, parts, codes, count):
    """parts: prefix, source, middle, target. Returns the records."""
    r = random.Random(sum(parts))
    records = [[r.randrange(codes if i % 2 else VOCAB) for i in range(4) for _ in range(parts[i])]
               for _ in range(count)]
    with open(path, "wb") as f:
        f.write(struct.pack("<8sIIIIQ32x", b"MDSHARD1", *parts, count))
        for record in records:
            f.write(struct.pack("<%dH" % len(record), *record))
    return torch.tensor(records)


def build(d, f, layers, heads, grid, levels, codes):
    config = {"text_config": {"hidden_size": d, "intermediate_size": f, "num_hidden_layers": layers,
                              "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": VOCAB,
                              "rms_norm_eps": 1e-6, "rope_theta": 10000, "max_position_embeddings": 256},
              "vq_config": {"fsq_levels": levels, "num_embeddings": codes, "embed_dim": 8, "grid": grid}}
    nets.TOKENS = grid * grid
    model = nets.Janus(config)
    for name, p in model.named_parameters():  # away from the first weights, where much is nearly linear
        if p.ndim == 1:
            p.data.add_(torch.randn_like(p) * .1)
        elif "fc1" not in name and "generation_embeddings" not in name:
            p.data.mul_(3)
    return config, model


def check(program, folder, shape):
    d, f, layers, heads, grid, levels, p, count = shape
    n, codes = grid * grid, torch.tensor(levels).prod().item()
    config, model = build(d, f, layers, heads, grid, levels, codes)
    with open(folder + "/config.json", "w", encoding="utf-8") as out:
        json.dump(config, out)
    draw = write_shard(folder + "/draw.shard", (p, 0, 0, n), codes, count)
    edit = write_shard(folder + "/edit.shard", (p, n, 2, n), codes, 2)
    states = [model.hidden(draw[:, :p], draw[:, p:-1]),
              model.hidden(edit[:, :p], edit[:, p + n + 2:-1], edit[:, p + n:p + n + 2], edit[:, p:p + n])]
    logits = torch.cat([model.logits(s).reshape(-1, codes) for s in states])
    loss = torch.nn.functional.cross_entropy(logits, torch.cat([draw[:, -n:].reshape(-1), edit[:, -n:].reshape(-1)]))
    loss.backward()
    write_tensors(folder + "/weights.safetensors", {"model." + k: v for k, v in model.named_parameters()})
    good = True
    for level in sys.argv[2:] or LIMITS:
        limit = LIMITS[level]
        run = subprocess.run([program, folder + "/config.json", folder + "/weights.safetensors", level,
                              folder + "/g.safetensors", folder + "/draw.shard", folder + "/edit.shard"],
                             capture_output=True, text=True)
        if run.returncode != 0:
            print(level, run.stderr.strip())
            good = good and level != "scalar" and "no " + level + " kernels" in run.stderr
            continue
        found, error, norm = read_tensors(folder + "/g.safetensors"), 0., 0.
        for name, q in model.named_parameters():
            error += (found["model." + name].reshape(q.shape) - q.grad).square().sum().item()
            norm += q.grad.square().sum().item()
        error = (error / norm) ** .5
        good = good and error <= limit and abs(float(run.stdout) - loss.item()) <= limit * loss.item()
        print("%s %s: relative error %.1e (limit %g), loss %s, PyTorch's %.6f" %
              (shape, level, error, limit, run.stdout.strip(), loss.item()))
    return good


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if all([check(sys.argv[1], folder, shape) for shape in SHAPES]) else 1)


if __name__ == "__main__":
    main()
