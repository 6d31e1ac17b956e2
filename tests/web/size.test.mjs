// The first visit stays small: what index.html loads at once, and one catalogue, compressed.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DIST = fileURLToPath(new URL("../../web/dist/", import.meta.url));
const FIRST_KB_MAX = 90;

test(`the first visit loads less than ${FIRST_KB_MAX} KB of script`, (context) => {
	const page = readFileSync(`${DIST}index.html`, "utf8");
	const scripts = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((found) => found[1]);
	assert.ok(scripts.length >= 3);
	scripts.push(`assets/${readdirSync(`${DIST}assets`).find((name) => /^ko-.*\.js$/.test(name))}`);
	const size = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(DIST + name), { level: 9 }).length, 0) / 1000;
	context.diagnostic(`${size.toFixed(1)} KB of script, gzip`);
	assert.ok(size < FIRST_KB_MAX, `${size.toFixed(1)} KB`);
	assert.ok(!/<script(?![^>]*src=)|<style|style="/.test(page), "nothing inline, or the policy would refuse it");
});
