#!/usr/bin/env python3
"""usage: tests/cli/test_draw.py MADANG     the command line from outside, with a tiny random model

Ends with "N passed, N failed, N skipped"."""
import fcntl
import json
import os
import pty
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
MADANG = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/madang")
ROOT = tempfile.mkdtemp(prefix="madang-cli-")
MODEL = ROOT + "/model"
APPLE = "노란 배경 위의 빨간 사과"


def png(data):
    """Size, pixels (unfiltered bytes) and text chunks; asserts every checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    at, texts, pixels, size = 8, {}, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            pixels += body
        elif kind == b"iTXt":
            key, rest = body.split(b"\0", 1)
            texts[key.decode()] = rest[4:].decode("utf-8")
        at += 12 + length
    return size, zlib.decompress(pixels), texts


class Draw(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=ROOT)

    def run_madang(self, *words, **options):
        environment = dict(os.environ, MADANG_MODEL=MODEL, **options.pop("env", {}))
        return subprocess.run([MADANG, *words], cwd=self.dir, capture_output=True, timeout=60, env=environment,
                              **options)

    def draw(self, *words, rc=0, **options):
        r = self.run_madang("draw", *words, **options)
        self.assertEqual(r.returncode, rc, r.stderr.decode(errors="replace"))
        if rc:
            self.assertRegex(r.stderr.decode(errors="replace"), r"\Amadang: .+\n\Z")
        return r

    def files(self):
        return sorted(os.listdir(self.dir))

    def read(self, name):
        with open(f"{self.dir}/{name}", "rb") as f:
            return f.read()

    def test_png_with_its_origin(self):
        r = self.draw(APPLE, "-o", "a.png", "--seed", "7", "--style", "flat")
        size, _, texts = png(self.read("a.png"))
        self.assertEqual(size, (16, 16))
        self.assertEqual(texts["prompt"], APPLE)
        self.assertEqual((texts["seed"], texts["style"]), ("7", "flat"))
        self.assertEqual(texts["model"], "tiny yard")
        self.assertRegex(r.stdout.decode(), r"\Aa\.png  seed 7  [\d.]+ s\n\Z")
        self.assertEqual(r.stderr, b"")

    def test_same_seed_same_picture(self):
        self.draw(APPLE, "-o", "a.png", "--seed", "7", "--threads", "1")
        self.draw(APPLE, "-o", "b.png", "--seed", "7", "--threads", "2")
        self.draw(APPLE, "-o", "c.png", "--seed", "8")
        self.assertEqual(self.read("a.png"), self.read("b.png"))
        self.assertNotEqual(png(self.read("a.png"))[1], png(self.read("c.png"))[1])

    def test_count_is_the_seeds_that_follow(self):
        self.draw(APPLE, "-o", "x.png", "--seed", "7", "--count", "3")
        self.assertEqual(self.files(), ["x-1.png", "x-2.png", "x-3.png"])
        self.draw(APPLE, "-o", "y.png", "--seed", "9")
        self.assertEqual(png(self.read("x-3.png"))[1], png(self.read("y.png"))[1])

    def test_formats_and_sizes(self):
        self.draw(APPLE, "-o", "a.jpg")
        self.draw(APPLE, "-o", "a.WEBP", "--size", "100")
        self.draw(APPLE, "-o", "a.png", "--size", "96", "--style", "line")
        self.assertEqual(self.read("a.jpg")[:3], b"\xff\xd8\xff")
        self.assertEqual(self.read("a.WEBP")[8:12], b"WEBP")
        self.assertIn(APPLE.encode(), self.read("a.jpg"))
        self.assertEqual(png(self.read("a.png"))[0], (96, 96))

    def test_name_from_the_seed(self):
        self.draw(APPLE, "--seed", "12")
        self.assertEqual(self.files(), ["madang-12.png"])
        self.draw(APPLE)
        self.assertEqual(len(self.files()), 2)

    def test_json(self):
        r = self.draw(APPLE, "-o", "a.png", "--seed", "7", "--json", "--guidance", "1", "--temperature", "0")
        answer = json.loads(r.stdout)
        self.assertEqual((answer["file"], answer["prompt"], answer["seed"], answer["task"]), ("a.png", APPLE, 7, "draw"))
        self.assertEqual(len(answer["tokens"]), 16)
        self.assertTrue(all(0 <= t < 60 for t in answer["tokens"]))

    def test_from_a_picture(self):
        self.draw(APPLE, "-o", "a.png", "--seed", "7", "--size", "50")
        for task in ("restyle", "vary", "edit"):
            words = ["a blue cup"] if task == "edit" else []
            self.draw(*words, "--from", "a.png", "--task", task, "-o", task + ".png")
            self.assertEqual(png(self.read(task + ".png"))[0], (16, 16))
        with open(self.dir + "/text.png", "w") as f:
            f.write("not a picture")
        self.draw("a cup", "--from", "text.png", "--task", "edit", rc=2)
        self.draw("a cup", "--from", "missing.png", "--task", "edit", rc=4)
        self.draw("a cup", "--from", "a.png", rc=2)
        self.draw("a cup", "--task", "edit", rc=2)
        self.draw("a cup", "--from", "a.png", "--task", "paint", rc=2)

    def test_wrong_commands(self):
        for words in ([], [""], ["   "], ["a cup", "left over"], ["a cup", "--count", "0"], ["a cup", "--count", "x"],
                      ["a cup", "--colour", "red"], ["a cup", "-o", "a.txt"], ["a cup", "-o"],
                      ["a cup", "--seed", "-1"], ["a cup", "--guidance", "nan"], [b"a \xff cup"],
                      ["a cup", "--size", "1"], ["cup" * 2000], ["a cup", "--style", "no such style"]):
            self.draw(*words, rc=2)
        self.assertEqual(self.files(), [])

    def test_a_long_prompt_is_read_by_what_is_known_of_it(self):
        said = "어제 산책을 하다가 시장에서 노란 배경 위에 곱게 놓여 있던 반질반질하고 예쁜 사과를 보았는데 정말이지 좋았어"
        r = self.draw(said, "-o", "long.png", "--seed", "7")
        self.assertIn('this model reads "노란 배경 사과"', r.stderr.decode())
        self.draw("노란 배경 사과", "-o", "short.png", "--seed", "7")
        self.assertEqual(png(self.read("long.png"))[1], png(self.read("short.png"))[1])
        self.assertEqual(png(self.read("long.png"))[2]["prompt"], said)
        self.draw("cup " * 300, "-o", "cups.png")

    def test_not_yet(self):
        r = self.draw("a pineapple", "-o", "a.png", rc=3)
        self.assertIn("not yet: I can't draw \"a pineapple\"; near it I know: ", r.stderr.decode())
        self.assertEqual(self.files(), [])

    def test_files_that_cannot_be_written(self):
        self.draw(APPLE, "-o", "missing/a.png", rc=4)
        os.mkdir(self.dir + "/folder.png")
        self.draw(APPLE, "-o", "folder.png", rc=4)
        os.symlink("/dev/null", self.dir + "/device.png")
        self.draw(APPLE, "-o", "device.png", rc=4)
        self.assertEqual(self.files(), ["device.png", "folder.png"])

    def test_unwritable_folder(self):
        if os.geteuid() == 0:
            self.draw(APPLE, "-o", "/proc/a.png", rc=4)
        else:
            os.chmod(self.dir, 0o500)
            self.draw(APPLE, "-o", "a.png", rc=4)

    def test_full_disk_leaves_no_half_file(self):
        self.draw(APPLE, "-o", "a.png", "--seed", "1")
        before = self.read("a.png")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        r = self.draw(APPLE, "-o", "a.png", "--seed", "2", "--size", "512", rc=4, preexec_fn=limit)
        self.assertIn(b"can't write a.png", r.stderr)
        self.assertEqual(self.files(), ["a.png"])
        self.assertEqual(self.read("a.png"), before)

    def test_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            p = subprocess.run([MADANG, "draw", APPLE, "-o", "a.png", "--json"], cwd=self.dir, stdout=full,
                               stderr=subprocess.PIPE, env=dict(os.environ, MADANG_MODEL=MODEL))
        self.assertEqual(p.returncode, 4)

    def test_broken_models(self):
        for name, damage in (("config.json", b"{"), ("tokenizer.json", b"[]"), ("concepts.json", b"{}"),
                             ("model.safetensors", b"\xff" * 100), ("model.safetensors", None)):
            folder = tempfile.mkdtemp(dir=ROOT)
            shutil.copytree(MODEL, folder, dirs_exist_ok=True)
            os.remove(f"{folder}/{name}")
            if damage:
                with open(f"{folder}/{name}", "wb") as f:
                    f.write(damage)
            r = self.run_madang("draw", APPLE, "--model", folder)
            self.assertIn(r.returncode, (1, 2, 3, 4), name)
            self.assertRegex(r.stderr.decode(), r"\Amadang: .+\n\Z")
        self.draw(APPLE, "--model", "/nowhere", rc=4)
        self.assertEqual(self.files(), [])

    def start_slow(self, *words, **options):
        """A run that takes long: many pictures, stopped (the system's word) before its first is done. Ctrl-C means to it what it
        means at a terminal, also where the tests themselves run in the background of a script, which ignores it."""
        return subprocess.Popen([MADANG, "draw", APPLE, "-o", "x.png", "--count", "64", *words], cwd=self.dir,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                                env=dict(os.environ, MADANG_MODEL=MODEL), **options)

    def test_ctrl_c_stops_at_once(self):
        for delay in (0.05, 0.1, 0.2, 0.3):
            p = self.start_slow("--size", "4096", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            p.send_signal(signal.SIGINT)
            start = time.monotonic()
            rc = p.wait(timeout=60)
            self.assertIn(rc, (130, -signal.SIGINT))  # the latter: before the program was its own master
            self.assertLess(time.monotonic() - start, 5.0)  # one file of this size, with sanitizers
            for name in self.files():
                self.assertRegex(name, r"\Ax-\d+\.png\Z")
                png(self.read(name))

    def test_terminal_shows_the_picture(self):
        for term, sign in (("xterm-kitty", b"\x1b_G"), ("mlterm", b"\x1bP"), ("xterm-256color", b"\x1b[38;5;")):
            seen = self.on_terminal(term)
            self.assertIn(sign, seen)
            self.assertIn(b"100 %", seen)
        seen = self.on_terminal("dumb")
        self.assertNotIn(b"\x1b", seen)

    def on_terminal(self, term):
        screen, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "TERM_PROGRAM")}
        p = subprocess.Popen([MADANG, "draw", APPLE, "-o", "a.png"], cwd=self.dir, stdin=end, stdout=end, stderr=end,
                             env=dict(environment, MADANG_MODEL=MODEL, TERM=term, LC_ALL="C.UTF-8"))
        os.close(end)
        seen = b""
        while select.select([screen], [], [], 20)[0]:
            try:
                part = os.read(screen, 1 << 16)
            except OSError:
                break
            if not part:
                break
            seen += part
        self.assertEqual(p.wait(timeout=10), 0)
        os.close(screen)
        return seen

    def test_styles_and_model_info(self):
        r = self.run_madang("styles")
        self.assertEqual((r.returncode, r.stdout), (0, b"3d\nflat\nline\n"))
        self.assertEqual(json.loads(self.run_madang("styles", "--json").stdout), {"styles": ["3d", "flat", "line"]})
        info = json.loads(self.run_madang("model", "info", "--json").stdout)
        self.assertEqual((info["width"], info["tokens"], info["concepts"]), (16, 16, 3))
        self.assertIn(b"parameters", self.run_madang("model", "info").stdout)
        self.assertEqual(self.run_madang("model").returncode, 2)
        self.assertEqual(self.run_madang("styles", "x").returncode, 2)

    def test_help(self):
        for words in (["--help"], ["help"], ["draw", "--help"], ["styles", "-h"], ["model", "info", "--help"], ["--version"]):
            r = self.run_madang(*words)
            self.assertEqual((r.returncode, r.stderr), (0, b""), words)
            self.assertTrue(r.stdout)
        self.assertEqual(self.run_madang().returncode, 2)
        self.assertEqual(self.run_madang("paint").returncode, 2)

    def test_no_card(self):
        for words in (["bench", "engine"], ["draw", APPLE, "-o", ROOT + "/card.png"]):
            r = self.run_madang(*words, "--device", "gpu")
            self.assertEqual((r.returncode, r.stderr), (2, b"madang: device: 'gpu' is not cpu or cuda\n"))
            r = self.run_madang(*words, "--device", "cuda")
            if r.returncode == 0:
                self.skipTest("this machine has a card")
            self.assertEqual(r.returncode, 3, r.stderr)
            self.assertIn(b"CUDA", r.stderr)
            self.assertFalse(os.path.exists(ROOT + "/card.png"))


CONCEPTS = {"words": ["노란", "배경"], "concepts": [
    {"id": "1F34E", "en": ["red apple", "apple"], "ko": ["빨간 사과", "사과"], "ja": ["赤いリンゴ", "リンゴ"]},
    {"id": "1F431", "en": ["cat"], "ko": ["고양이"], "ja": ["猫"]},
    {"id": "2615", "en": ["cup"], "ko": ["컵"], "ja": ["カップ"]}]}


def make_model():
    """The engine tests' tiny model, with a lexicon and room for longer prompts."""
    subprocess.run([sys.executable, HERE + "/../engine/make_tiny.py", MODEL], check=True, stdout=subprocess.DEVNULL)
    with open(MODEL + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    config["madang"].update(prompt_length=40, name="tiny yard")
    for name, value in (("config.json", config), ("concepts.json", CONCEPTS)):
        with open(f"{MODEL}/{name}", "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False)


def main():
    make_model()
    try:
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
            unittest.defaultTestLoader.loadTestsFromTestCase(Draw))
    finally:
        subprocess.run(["chmod", "-R", "u+w", ROOT], check=False)
        shutil.rmtree(ROOT)
    failed = len({case.id() for case, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
