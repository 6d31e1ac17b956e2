// The message catalogues: complete in every language, all used, and no text of the interface outside of them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../web/", import.meta.url));
const { parse } = createRequire(join(WEB, "package.json"))("svelte/compiler");

function files(folder) {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]));
}

const sources = files(join(WEB, "src")).filter((name) => /\.(svelte|ts)$/.test(name) && !/i18n\/(en|ko|ja)(\/\w+)?\.ts$/.test(name));
/** [area, key, text] of every message of a language, in the order they are written in. */
const rows = (language) =>
	files(join(WEB, `src/i18n/${language}`)).flatMap((name) =>
		[...readFileSync(name, "utf8").matchAll(/^\t("[^"]+"): (".*"),$/gm)].map((row) => [basename(name, ".ts"), JSON.parse(row[1]), JSON.parse(row[2])]),
	);
const catalogue = (language) => Object.fromEntries(rows(language).map(([, key, text]) => [key, text]));
const en = catalogue("en");
const names = (text) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((found) => found[1]))].sort();

test("every key is there in every language, with the same values in it", () => {
	assert.ok(Object.keys(en).length > 300);
	for (const language of ["ko", "ja"]) {
		const other = catalogue(language);
		assert.deepEqual(Object.keys(other).sort(), Object.keys(en).sort(), language);
		for (const [key, text] of Object.entries(other)) {
			assert.ok(text.trim(), `${language} ${key} is empty`);
			const spoken = names(en[key]).filter((name) => name !== "n");
			for (const name of spoken) assert.ok(names(text).includes(name), `${language} ${key} leaves out {${name}}`);
			for (const name of names(text)) assert.ok(names(en[key]).includes(name) || name === "n", `${language} ${key} invents {${name}}`);
		}
	}
});

test("a key is found by its name: one file for what comes before the first point, and in it the order of the alphabet", () => {
	const homes = new Map();
	for (const language of ["en", "ko", "ja"]) {
		const keys = new Map();
		for (const [area, key] of rows(language)) {
			const prefix = key.split(".")[0];
			if (!homes.has(prefix)) homes.set(prefix, area);
			assert.equal(area, homes.get(prefix), `${language} ${key} belongs to the others of its name`);
			assert.ok((keys.get(area) ?? "") < key, `${language}/${area}.ts: ${key} does not come after ${keys.get(area)}`);
			keys.set(area, key);
		}
		const whole = readFileSync(join(WEB, `src/i18n/${language}.ts`), "utf8");
		const later = readFileSync(join(WEB, "src/i18n/index.svelte.ts"), "utf8");
		for (const area of keys.keys()) assert.ok(whole.includes(`...${area}`) || later.includes(`import("./${language}/${area}")`), `${language}.ts leaves out ${area}`);
	}
});

test("every key is used, and every used key exists", () => {
	const all = sources.map((name) => readFileSync(name, "utf8")).join("\n");
	const prefixes = [...all.matchAll(/`([a-z.A-Z]+\.)\$\{/g)].map((found) => found[1]);
	for (const key of Object.keys(en)) {
		assert.ok(all.includes(`"${key}"`) || prefixes.some((prefix) => key.startsWith(prefix)), `${key} is not used`);
	}
	for (const [, key] of all.matchAll(/\bt\(\s*"([^"]+)"/g)) assert.ok(key in en, `${key} does not exist`);
});

const SPOKEN = new Set(["alt", "title", "placeholder", "aria-label", "aria-description", "label", "text", "hint"]);
const hasLetters = (text) => /\p{L}/u.test(text);

function textOf(node, found) {
	if (!node || typeof node !== "object") return;
	if (Array.isArray(node)) {
		for (const one of node) textOf(one, found);
		return;
	}
	// "@" before a name and "madang" as a class are not words of the interface; plain text between tags is.
	if (node.type === "Text" && hasLetters(node.data)) found.push(node.data.trim());
	if (node.type === "Attribute") {
		const parts = Array.isArray(node.value) ? node.value : [];
		if (SPOKEN.has(node.name)) for (const part of parts) if (part.type === "Text" && hasLetters(part.data)) found.push(`${node.name}=${part.data}`);
		return;
	}
	if (node.type === "StyleSheet" || node.type === "Script") return;
	for (const [key, value] of Object.entries(node)) if (key !== "parent") textOf(value, found);
}

test("no text of the interface lives outside of the catalogues", () => {
	for (const name of sources.filter((one) => one.endsWith(".svelte"))) {
		const found = [];
		textOf(parse(readFileSync(name, "utf8"), { modern: true }).fragment, found);
		assert.deepEqual(found, [], name.slice(WEB.length));
	}
	for (const name of sources) {
		const code = readFileSync(name, "utf8")
			.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->/g, "")
			.replace(/\/\/ .*$/gm, "");
		// The names of the languages are written in themselves; the catalogues are not among the sources.
		const strange = [...code.matchAll(/["'`][^"'`\n]*[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][^"'`\n]*["'`]/gu)].map((one) => one[0]);
		const allowed = ['"한국어"', '"日本語"', '"으로"'];
		assert.deepEqual(strange.filter((one) => !allowed.includes(one)), [], name.slice(WEB.length));
	}
});
