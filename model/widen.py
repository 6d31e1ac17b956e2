#!/usr/bin/env python3
"""Writes a model directory again with all its weights in F32, to measure what rounding costs.

usage: widen.py MODELDIR OUT [TRANSFORMER.safetensors]     with the training's own transformer in place of the rounded one
"""
import os
import shutil
import sys

from export import read, write


def main():
    model, out = sys.argv[1:3]
    tensors = read(f"{model}/model.safetensors")
    if len(sys.argv) > 3:
        for name, values in read(sys.argv[3]).items():
            name = name if name.startswith("model.") else "model." + name
            if tensors[name].shape != values.shape:
                raise SystemExit(f"{sys.argv[3]}: {name} is not of this model's shape")
            tensors[name] = values
    write(f"{out}/model.safetensors", tensors, {"format": "pt"})
    for name in ("config.json", "tokenizer.json", "concepts.json", "memory.safetensors"):
        if os.path.exists(f"{model}/{name}"):
            shutil.copy(f"{model}/{name}", out)


if __name__ == "__main__":
    main()
