#!/usr/bin/env python3
"""usage: bench/train.py > bench/train.csv     training speed: madang and PyTorch on the same model, one after another

The same Janus-style transformer (model/nets.py) on random tokens, one core and two: forward, backward and optimizer.
PyTorch runs in bf16 autocast with AdamW. Needs build/ and Debian's python3-torch (run it with /usr/bin/python3).
share: of what one core does at most with bf16 operands at hand (AMX, or else AVX-512), measured right before.
train.csv is of an AMD EPYC without AMX, train_amx.csv of a machine with it, and of older source."""
import csv
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHAPES = {"10M": (320, 832, 6, 5), "31M": (512, 1280, 8, 8)}
PREFIX, GRID, VOCAB, CODES = 27, 12, 3072, 6000
TARGET = GRID * GRID
BATCH = 64


def model(d, f, layers, heads):
    return {"text_config": {"hidden_size": d, "intermediate_size": f, "num_hidden_layers": layers,
                            "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": VOCAB,
                            "rms_norm_eps": 1e-6, "rope_theta": 10000, "max_position_embeddings": 1024},
            "vq_config": {"fsq_levels": [8, 6, 5, 5, 5], "num_embeddings": CODES, "embed_dim": 8, "grid": GRID}}


def write_shard(path, count=256):
    r = random.Random(1)
    with open(path, "wb") as f:
        f.write(struct.pack("<8sIIIIQ32x", b"MDSHARD1", PREFIX, 0, 0, TARGET, count))
        for _ in range(count):
            record = [r.randrange(VOCAB) for _ in range(PREFIX)] + [r.randrange(CODES) for _ in range(TARGET)]
            f.write(struct.pack("<%dH" % len(record), *record))


def bf16_peak():
    """TFLOPS, and by which instructions."""
    run = subprocess.run([ROOT + "/build/bench/bf16_peak"], capture_output=True, text=True)
    return (float(run.stdout.split()[0]), run.stdout.split()[1]) if run.returncode == 0 else (0, "none")


def madang(folder, shape, threads, optimizer, batch, steps):
    """Samples a second and TFLOPS: the median of the lines but the first."""
    out = tempfile.mkdtemp(dir=folder)
    config = {"model": folder + "/model.json", "out": out, "batch": batch, "steps": steps, "log_steps": 1,
              "threads": threads, "optimizer": optimizer, "caption_dropout": 0,
              "shards": [{"name": "draw", "path": folder + "/draw.shard"}]}
    with open(folder + "/model.json", "w") as f:
        json.dump(model(*shape), f)
    with open(folder + "/train.json", "w") as f:
        json.dump(config, f)
    subprocess.run([ROOT + "/build/madang", "model", "train", "--config", folder + "/train.json"], check=True,
                   stderr=subprocess.DEVNULL)
    with open(out + "/metrics.csv", newline="") as f:
        rows = list(csv.DictReader(f))[1:]
    rows.sort(key=lambda row: float(row["samples_per_s"]))
    middle = rows[len(rows) // 2]
    return float(middle["samples_per_s"]), float(middle["tflops"])


def pytorch(shape, threads, batch, steps):
    import torch
    sys.path.insert(0, os.environ.get("NETS", ROOT + "/model"))
    import nets
    nets.TOKENS = TARGET
    torch.set_num_threads(threads)
    m = nets.Janus(model(*shape))
    optimizer = torch.optim.AdamW(m.parameters(), lr=1e-3)
    prefix, codes = torch.randint(VOCAB, (batch, PREFIX)), torch.randint(CODES, (batch, TARGET))
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = m.logits(m.hidden(prefix, codes[:, :-1]))
        loss = torch.nn.functional.cross_entropy(z.reshape(-1, CODES).float(), codes.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - begin)
    times = sorted(times[1:])
    return batch / times[len(times) // 2]


def main():
    out = csv.writer(sys.stdout)
    out.writerow(["shape", "program", "optimizer", "threads", "batch", "samples_per_s", "tflops", "bf16", "peak_tflops",
                  "share", "times_pytorch"])
    with tempfile.TemporaryDirectory() as folder:
        write_shard(folder + "/draw.shard")
        for name, shape in SHAPES.items():
            for threads in (1, 2):
                peak, by = bf16_peak()
                base = pytorch(shape, threads, 16, 3)
                results = [(opt, *madang(folder, shape, threads, opt, BATCH, 4)) for opt in ("adamw", "muon")]
                flops = results[0][2] / results[0][1]
                rows = [("pytorch", "adamw", 16, base, base * flops)]
                rows += [("madang", opt, BATCH, speed, tflops) for opt, speed, tflops in results]
                for program, opt, batch, speed, tflops in rows:
                    share = tflops / (peak * threads) if peak else 0
                    out.writerow([name, program, opt, threads, batch, "%.2f" % speed, "%.3f" % tflops, by,
                                  "%.3f" % peak, "%.3f" % share, "%.2f" % (speed / base)])
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
