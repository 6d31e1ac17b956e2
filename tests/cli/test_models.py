#!/usr/bin/env python3
"""usage: tests/cli/test_models.py MADANG     models by name, rounded models, describing, with tiny random models

Ends with "N passed, N failed, N skipped"."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
MADANG = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/madang")
ROOT = tempfile.mkdtemp(prefix="madang-models-")
JANUS, YARD = ROOT + "/Janus Tiny", ROOT + "/yard"


class Models(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=ROOT)
        self.models = self.dir + "/kept/models"

    def run_madang(self, *words, rc=0, **environment):
        environment = dict(os.environ, MADANG_MODELS=self.models, **environment)
        r = subprocess.run([MADANG, *words], cwd=self.dir, capture_output=True, timeout=120, env=environment)
        self.assertEqual(r.returncode, rc, r.stderr.decode(errors="replace"))
        if rc:
            self.assertRegex(r.stderr.decode(errors="replace"), r"\Amadang: .+\n\Z")
        return r.stdout.decode()

    def tokens(self, *words):
        return json.loads(self.run_madang("draw", "apple", "--seed", "5", "-o", "x.png", "--json", *words))

    def test_by_name(self):
        self.assertIn("describes", self.run_madang("model", "add", JANUS))
        self.assertEqual(self.run_madang("model", "list").split()[0], "janus-tiny")
        self.assertEqual(json.loads(self.run_madang("model", "list", "--json")),
                         [{"name": "janus-tiny", "folder": os.path.realpath(JANUS)}])
        self.assertEqual(self.tokens("--model", "janus-tiny")["tokens"], self.tokens("--model", JANUS)["tokens"])
        self.run_madang("model", "add", JANUS, rc=2)
        self.run_madang("model", "add", YARD, "--name", "a/b", rc=2)
        self.run_madang("model", "remove", "janus-tiny")
        self.run_madang("model", "remove", "janus-tiny", rc=4)
        self.assertTrue(os.path.exists(JANUS + "/config.json"))
        self.assertEqual(self.run_madang("model", "list"), "")

    def test_rounded(self):
        for quant in ("int8", "int4"):
            self.run_madang("model", "add", YARD, "--name", "yard-" + quant, "--quant", quant)
            kept = self.tokens("--model", "yard-" + quant)["tokens"]
            self.assertEqual(kept, self.tokens("--model", YARD, "--quant", quant)["tokens"])
            self.assertNotIn("config.json", os.listdir(self.models))
        self.run_madang("model", "quantize", YARD, "smaller/", "--quant", "int4")
        self.assertEqual(sorted(os.listdir(self.dir + "/smaller")), sorted(os.listdir(YARD)))
        self.run_madang("model", "quantize", YARD, "smaller", "--quant", "int4", rc=2)
        self.run_madang("model", "quantize", "smaller", "smallest", "--quant", "int4", rc=3)
        self.run_madang("model", "quantize", YARD, "other", rc=2)
        self.run_madang("model", "remove", "yard-int8")
        self.assertEqual(os.listdir(self.models), ["yard-int4"])
        self.assertEqual(sorted(os.listdir(self.dir)), ["kept", "smaller", "x.png"])

    def test_broken_models_are_not_added(self):
        broken = self.dir + "/broken"
        shutil.copytree(JANUS, broken)
        with open(broken + "/config.json", encoding="utf-8") as f:
            config = json.load(f)
        config["text_config"]["num_hidden_layers"] = 3
        with open(broken + "/config.json", "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.run_madang("model", "add", broken, rc=2)
        self.run_madang("model", "add", self.dir + "/nowhere", rc=4)
        self.run_madang("model", "add", self.dir, rc=4)
        self.assertEqual(self.run_madang("model", "list"), "")

    def test_describe(self):
        self.run_madang("model", "add", JANUS, "--name", "eyes")
        self.tokens("--model", "eyes")
        said = json.loads(self.run_madang("describe", "x.png", "--model", "eyes", "--json", "--tokens", "40"))
        self.assertEqual(set(said), {"description", "model"})
        self.assertTrue(said["description"])
        plain = self.run_madang("describe", "x.png", "--model", "eyes", "--tokens", "40")
        self.assertEqual(plain, said["description"] + "\n")
        asked = self.run_madang("describe", "x.png", "-q", "what is it?", "--model", "eyes", "--tokens", "40")
        self.assertNotEqual(asked, plain)
        self.run_madang("describe", "x.png", "--model", YARD, rc=3)
        self.run_madang("describe", "nothing.png", "--model", "eyes", rc=4)
        self.run_madang("describe", JANUS + "/config.json", "--model", "eyes", rc=2)
        self.run_madang("describe", rc=2)
        self.run_madang("describe", "x.png", "--quant", "int3", rc=2)

    def test_classes(self):
        """LlamaGen's own two files, transformer and picture tokenizer, in one folder; the golden vectors hold their numbers."""
        def read(name):
            with open(HERE + "/../engine/golden/" + name, "rb") as f:
                n = int.from_bytes(f.read(8), "little")
                return json.loads(f.read(n)), f.read()
        os.mkdir(self.dir + "/classes")
        shutil.copy(HERE + "/../engine/golden/tiny_llamagen_c2i.safetensors", self.dir + "/classes/c2i.safetensors")
        head, body = read("tiny_janus.safetensors")
        prefix = "gen_vision_model."
        head = json.dumps({k[len(prefix):]: v for k, v in head.items() if k.startswith(prefix)}).encode()
        with open(self.dir + "/classes/vq.safetensors", "wb") as f:
            f.write(len(head).to_bytes(8, "little") + head + body)
        with open(self.dir + "/classes/config.json", "w", encoding="utf-8") as f:
            json.dump({"llamagen": {"grid": 4, "n_head": 4}}, f)
        for quant in ("file", "int8", "int4"):
            words = ["draw", "class 3", "--model", "classes", "--quant", quant, "--seed", "1", "-o", "x.png", "--json"]
            self.assertEqual(len(json.loads(self.run_madang(*words))["tokens"]), 16)
        self.run_madang("draw", "a dog", "--model", "classes", "-o", "x.png", rc=2)
        self.run_madang("draw", "class 10", "--model", "classes", "-o", "x.png", rc=2)
        self.run_madang("describe", "x.png", "--model", "classes", rc=3)

    def test_words(self):
        for words in (["describe", "--help"], ["model", "--help"], ["model", "add", "--help"]):
            self.assertIn("usage: madang " + words[0], self.run_madang(*words))
        for words in (["model"], ["model", "paint"], ["model", "add"], ["model", "list", "x"], ["model", "info", "x"]):
            self.run_madang(*words, rc=2)


def main():
    make = [sys.executable, HERE + "/../engine/make_tiny.py"]
    subprocess.run([*make, JANUS, "--shape", "janus"], check=True)
    subprocess.run([*make, YARD], check=True)
    try:
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
            unittest.defaultTestLoader.loadTestsFromTestCase(Models))
    finally:
        shutil.rmtree(ROOT)
    failed = len({case.id() for case, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
