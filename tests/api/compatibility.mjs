// Which routes of Mastodon's client API a suite has called, in which test, and how they answered: together that is
// docs/compatibility.md. Each suite owns one section of it, writes it where MADANG_WRITE_COMPATIBILITY=1, and compares it otherwise.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test as nodeTest } from "node:test";

const docs = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
const table = docs.slice(docs.indexOf("## Mastodon's client API")).split("\n## ")[0];
export const routes = [...table.matchAll(/^\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \|/gm)].map(([, method, path]) => ({
	name: `${method} ${path}`,
	method,
	path,
	pattern: new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(":id", "[^/]+")}$`),
	parts: path.split(":id").length,
}));

const calls = new Map();
let running = "";
const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
	const method = init?.method ?? input.method ?? "GET";
	const { pathname } = new URL(input.url ?? input);
	const answer = await realFetch(input, init);
	const [route] = routes.filter((r) => r.method === method && r.pattern.test(pathname)).sort((x, y) => x.parts - y.parts);
	if (route && answer.ok && !calls.has(route))
		calls.set(route, { status: answer.status, test: running });
	return answer;
};

/** node's test, which says what is called by it. */
export const test = (name, fn) => nodeTest(name, async (t) => {
	running = name;
	await fn(t);
});

const file = new URL("../../docs/compatibility.md", import.meta.url);
const HEAD = `# Compatibility

What has been called with masto.js 7.12 (and by hand where the library has no method for it), each answer held against the library's own types,
on SQLite and on PostgreSQL: every route of [Mastodon's client API](api.md), once. Each section is written by the run of its suite in tests/api
(\`MADANG_WRITE_COMPATIBILITY=1\`) and compared by every other one.

Not offered, and answered with 404: translation (no maker of texts is asked to; \`configuration.translation.enabled\` is false), collections,
identity proofs, making accounts through apps.
`;
const notOffered = ["POST /api/v1/statuses/:id/translate"];

/** The section of a suite says what it has called of what is its own; none of that may be missing. */
export function section(suite, own) {
	const left = routes.filter((r) => own(r) && !notOffered.includes(r.name));
	assert.deepEqual(left.filter((r) => !calls.has(r)).map((r) => r.name), [], "not called");
	const lines = left.map((r) => `| ${r.method} \`${r.path}\` | ${calls.get(r).status} | ${calls.get(r).test} |`);
	const text = `\n## ${suite}\n\n| endpoint | status | test |\n| --- | --- | --- |\n${lines.join("\n")}\n`;
	const was = readFileSync(file, "utf8").split(/(?=\n## )/);
	if (process.env.MADANG_WRITE_COMPATIBILITY) {
		const others = was.slice(1).filter((s) => !s.startsWith(`\n## ${suite}\n`));
		writeFileSync(file, HEAD + [...others, text].sort().join(""));
		return;
	}
	assert.equal(was[0], HEAD);
	assert.equal(was.find((s) => s.startsWith(`\n## ${suite}\n`)), text);
	const rows = [...was.join("").matchAll(/^\| (\w+) `([^`]+)` \|/gm)].map(([, method, path]) => `${method} ${path}`);
	assert.deepEqual([...rows, ...notOffered].sort(), routes.map((r) => r.name).sort(), "every route stands there, once");
}
