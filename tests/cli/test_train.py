#!/usr/bin/env python3
"""usage: tests/cli/test_train.py MADANG     from a folder of pictures to a tuned model, with the built-in one

Ends with "N passed, N failed, N skipped"."""
import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
MADANG = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/madang")
MODEL = os.path.abspath(HERE + "/../../model/weights")
ROOT = tempfile.mkdtemp(prefix="madang-train-")
PREFIX, TOKENS = 27, 144


def png(path, red, green, blue):
    rows = b"".join(b"\0" + b"".join(bytes((red, green, blue)) if (x - 24) ** 2 + (y - 24) ** 2 < 300 else b"\xff\xff\xff"
                                     for x in range(48)) for y in range(48))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 48, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def shard(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, prefix, source, middle, target, count = struct.unpack("<8sIIIIQ", data[:32])
    assert (magic, prefix, source, middle, target) == (b"MDSHARD1", PREFIX, 0, 0, TOKENS)
    size = PREFIX + TOKENS
    ids = struct.unpack("<%dH" % (count * size), data[64:])
    return [ids[i:i + size] for i in range(0, len(ids), size)]


class Train(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=ROOT)
        self.pictures = self.dir + "/pictures"
        os.mkdir(self.pictures)
        for name, colour in (("red", (220, 30, 30)), ("green", (30, 200, 40)), ("blue", (30, 60, 220))):
            png(f"{self.pictures}/{name}.png", *colour)

    def run_madang(self, *words, rc=0):
        r = subprocess.run([MADANG, *words], cwd=self.dir, capture_output=True, timeout=300)
        self.assertEqual(r.returncode, rc, r.stderr.decode(errors="replace"))
        return r.stderr.decode(errors="replace")

    def prepare(self, *words, rc=0):
        return self.run_madang("model", "prepare", "pictures", "ours.shard", "--model", MODEL, *words, rc=rc)

    def captions(self, *rows):
        with open(self.pictures + "/captions.csv", "w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows(rows)

    def train(self, out, **more):
        config = {"base": MODEL, "init": MODEL, "out": out, "steps": 20, "batch": 2, "log_steps": 1, "pad_id": 3062,
                  "warmup_steps": 1, "lr": 0.003, "cooldown": 0, "caption_dropout": 0, "code_jitter": 0, "ema": 0.5,
                  "shards": [{"name": "ours", "path": "ours.shard"}], **more}
        with open(f"{self.dir}/{out}.json", "w", encoding="utf-8") as f:
            json.dump(config, f)
        return self.run_madang("model", "train", "--config", out + ".json")

    def read(self, name):
        with open(f"{self.dir}/{name}", "rb") as f:
            return f.read()

    def test_tune(self):
        self.captions(["file", "caption", "style", "consent"], ["red.png", "우리 마을의 빨간 공", "flat", "signed by its maker"],
                      ["red.png", "our village's \"red\" ball, round", "", "signed by its maker"],
                      ["green.png", "a green ball", "flat", "CC0"], ["blue.png", "a blue ball", "flat", "no"])
        said = self.prepare()
        self.assertIn("blue.png: left out", said)
        self.assertIn("3 records; 2 pictures encoded now, 1 left out", said)
        records = shard(self.dir + "/ours.shard")
        self.assertEqual(len({r[PREFIX:] for r in records}), 2)
        self.assertEqual(len({r[:PREFIX] for r in records}), 3)

        self.assertIn(" left", self.train("tuned", sample_steps=10, prompts=["a green ball", "빨간 공"]))
        with open(self.dir + "/tuned/metrics.csv", newline="") as f:
            loss = [float(row["loss"]) for row in csv.DictReader(f)]
        self.assertEqual(len(loss), 20)
        self.assertLess(sum(loss[-3:]), .5 * sum(loss[:3]))
        self.assertEqual(sorted(n for n in os.listdir(self.dir + "/tuned") if n.startswith("sheet")),
                         ["sheet_000010.png", "sheet_000020.png"])
        self.assertEqual(struct.unpack(">II", self.read("tuned/sheet_000020.png")[16:24]), (2 * 192, 192))
        self.assertNotEqual(self.read("tuned/sheet_000010.png"), self.read("tuned/sheet_000020.png"))
        self.run_madang("draw", "a green ball", "--model", "tuned", "--seed", "1", "-o", "ball.png")

        self.train("again", steps=10, sample_steps=10, prompts=["a green ball", "빨간 공"])
        self.assertEqual(self.read("tuned/sheet_000010.png"), self.read("again/sheet_000010.png"))

    def test_goes_on(self):
        for name in ("red", "green", "blue"):
            with open(f"{self.pictures}/{name}.txt", "w", encoding="utf-8") as f:
                f.write(f"a {name} ball\nthe ball is {name}\nlicence: CC0\nstyle: ink\n")
        self.assertIn("6 records; 3 pictures encoded now", self.prepare())
        whole, codes = self.read("ours.shard"), self.read("ours.shard.codes")
        with open(self.dir + "/ours.shard.codes", "wb") as f:
            f.write(codes[:-100])  # as if it had been stopped in the middle of a picture
        os.remove(self.dir + "/ours.shard")
        self.assertIn("6 records; 1 pictures encoded now", self.prepare())
        self.assertEqual(self.read("ours.shard"), whole)
        self.assertEqual(self.read("ours.shard.codes"), codes)
        png(self.pictures + "/white.png", 250, 250, 250)
        with open(self.pictures + "/white.txt", "w", encoding="utf-8") as f:
            f.write("a white ball\nconsent: yes\n")
        self.assertIn("7 records; 1 pictures encoded now", self.prepare())

    def test_consent(self):
        self.captions(["file", "caption"], ["red.png", "a red ball"], ["green.png", "a green ball"])
        self.assertIn("green.png says nothing of consent or licence (nor do 1 more)", self.prepare(rc=2))
        self.assertFalse(os.path.exists(self.dir + "/ours.shard"))
        self.assertIn("2 records", self.prepare("--consent-given"))
        self.captions(["file", "caption", "Licence"], ["red.png", "a red ball", "unknown"])
        self.assertIn("no picture may be taken", self.prepare("--consent-given", rc=2))

    def test_refusals(self):
        self.assertIn("no captions", self.prepare(rc=2))
        self.run_madang("model", "prepare", "nowhere", "ours.shard", rc=4)
        self.run_madang("model", "prepare", "pictures", rc=2)
        self.captions(["file", "caption", "consent"], ["../red.png", "a red ball", "yes"])
        self.assertIn("captions.csv, line 2", self.prepare(rc=2))
        self.captions(["picture", "words"], ["red.png", "a red ball"])
        self.assertIn("file and caption", self.prepare(rc=2))
        with open(self.pictures + "/captions.csv", "w", encoding="utf-8") as f:
            f.write('file,caption,consent\nred.png,"a red ball,yes\n')
        self.assertIn("line 2: a quote stays open", self.prepare(rc=2))
        with open(self.pictures + "/broken.png", "wb") as f:
            f.write(b"no picture")
        self.captions(["file", "caption", "consent", "style"], ["broken.png", "a", "yes", ""], ["gone.png", "b", "yes", ""],
                      ["green.png", "c", "yes", "baroque"], ["red.png", "a red ball", "yes", "ink"])
        said = self.prepare()
        for word in ("broken.png: left out", "gone.png: left out", "green.png: left out", "baroque", "1 records"):
            self.assertIn(word, said)
        with open(self.dir + "/ours.shard.codes", "r+b") as f:
            f.seek(8)
            f.write(b"another!")
        self.assertIn("another model's tokenizer", self.prepare(rc=2))


def main():
    try:
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
            unittest.defaultTestLoader.loadTestsFromTestCase(Train))
    finally:
        shutil.rmtree(ROOT)
    failed = len({case.id() for case, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
