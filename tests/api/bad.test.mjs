// Bad input on every route of docs/api.md: 4xx with a reason, never 500, and nothing is lost.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { House, sleep, tinyModel } from "./house.mjs";

const docs = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
const routes = [...docs.matchAll(/^\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \| (\S+) \|/gm)].map(([, method, path, scope]) => ({ method, path, scope: scope.replace(/^\?.*/, "-") }));
// Signing out and ending sessions would end the test's own tokens; clearing and long streams have tests of their own.
const skipped = new Set(["DELETE /api/madang/v1/session"]);

// Every name that any route reads, so that each is tried with each kind of nonsense.
const names = ["status", "media_ids", "in_reply_to_id", "sensitive", "spoiler_text", "visibility", "language", "prompt", "style", "seed", "count", "guidance", "maker", "task", "source", "strength", "region", "username", "password", "email", "totp", "code", "client_name", "redirect_uris", "scopes", "website", "grant_type", "client_id", "client_secret", "redirect_uri", "scope", "limit", "max_id", "since_id", "min_id", "q", "type", "offset", "id", "types", "exclude_types", "account_id", "timeline", "home", "description", "focus", "file", "media_id", "kind", "role", "title", "rules", "registrations", "max_uses", "expires_in_s", "acct", "only_media", "pinned", "notifications", "duration", "reblogs", "stream", "tag", "token", "display_name", "note", "fields_attributes", "avatar", "bot", "locked", "agreement", "madang", "scheduled_at", "poll", "poll[options]", "poll[expires_in]", "choices", "quoted_status_id", "quote_approval_policy", "media_attributes", "context", "filter_action", "keywords_attributes", "keyword", "whole_word", "phrase", "status_id", "action", "replies_policy", "exclusive", "account_ids", "text", "effective_date", "delete_media", "show_media", "attribution_domains", "avatar_description", "shortcode", "category", "image", "disabled", "languages", "comment", "domain", "name", "order", "source[privacy]"];
const nonsense = { array: [[], [1]], object: { a: { b: [null, {}] } }, huge: 1e300, negative: -1, text: "x".repeat(3000), empty: "", zero: 0, yes: true, no: null, controls: "a\u0001b", emoji: "😀", path: "../../etc/passwd", injection: "'; DROP TABLE accounts; --" };

let house, admin, bob, post, media;
before(async () => {
	house = await House.start({ model: tinyModel() });
	admin = house.account("admin", { admin: true });
	bob = house.account("bob");
	post = (await admin.call("POST", "/api/v1/statuses", { status: "for followers", visibility: "private" })).body;
	media = post;
});
after(() => house.stop());

function check(what, r) {
	assert.ok(r.status < 500, `${what}: ${r.status} ${JSON.stringify(r.body)}`);
	if (r.status >= 400) {
		assert.match(r.headers.get("content-type"), /application\/json/, what);
		// OpenAI's clients want an object, Mastodon's a text.
		const said = what.includes(" /v1/") ? r.body.error?.message : r.body.error;
		assert.equal(typeof said, "string", `${what}: ${JSON.stringify(r.body)}`);
		assert.ok(said.length > 3, what);
	}
	return r.status;
}

// Streams that open are closed at once.
async function ask(who, method, route, body, headers = {}) {
	if (method === "GET" && /events$|streaming(?!\/health)/.test(route.split("?")[0])) {
		const stop = new AbortController();
		const r = await fetch(house.url + route, { headers: { ...headers, ...(who && { authorization: `Bearer ${who.token}` }) }, signal: stop.signal });
		const json = r.ok ? null : await r.json();
		stop.abort();
		return { status: r.status, headers: r.headers, body: json };
	}
	return who ? who.call(method, route, body, headers) : house.call(method, route, body, headers);
}

const fill = (path, id) => path.replaceAll(":id", id);
const writes = (m) => m !== "GET";

assert.ok(routes.length > 100, "the table in docs/api.md is read");

describe("every route", () => {
	for (const { method, path, scope } of routes.filter((r) => !skipped.has(`${r.method} ${r.path}`))) {
		test(`${method} ${path}`, async () => {
			const name = `${method} ${path}`;
			if (scope !== "-")
				assert.ok([401, 403].includes(check(`${name} by nobody`, await ask(null, method, fill(path, "1")))));
			if (!path.startsWith("/media/") && !path.startsWith("/avatars/"))
				assert.equal(check(`${name}, wrong token`, await ask({ token: "nope", call: (m, r, b, h) => house.call(m, r, b, { ...h, authorization: "Bearer nope" }) }, method, fill(path, "1"))), 401);
			if (scope === "admin")
				assert.equal(check(`${name} by bob`, await ask(bob, method, fill(path, admin.id))), 403);
			if (path.includes(":id"))
				for (const id of ["abc", "-1", "0", "99999999999999999999999", "1", "%FF", "a%00b", "..%2f..%2fetc%2fpasswd", "'%22"])
					check(`${name} with ${id}`, await ask(admin, method, fill(path, id)));
			if (path.includes("/statuses/:id"))
				assert.equal(check(`${name}, not bob's to see`, await ask(bob, method, fill(path, post.id))), path.includes("/admin/") ? 403 : 404);
			if (writes(method)) {
				const json = { "content-type": "application/json" };
				for (const text of ["{", "[1]", "nul", '{"a":\xff}', "{".repeat(100000)])
					assert.ok([400, 404, 413, 422].includes(check(`${name}, broken JSON`, await ask(admin, method, fill(path, "1"), text, json))), name);
				assert.equal(check(`${name}, a type we do not know`, await ask(admin, method, fill(path, "1"), "x", { "content-type": "text/plain" })), 415);
				check(`${name}, broken multipart`, await ask(admin, method, fill(path, "1"), "--b\r\nno", { "content-type": "multipart/form-data; boundary=b" }));
				check(`${name}, invalid UTF-8`, await ask(admin, method, fill(path, "1"), new Uint8Array(Buffer.from(names.map((n) => `${n}=%ff%fe`).join("&"))), { "content-type": "application/x-www-form-urlencoded" }));
			}
			for (const [kind, value] of Object.entries(nonsense)) {
				const form = Object.fromEntries(names.map((n) => [n, value]));
				if (writes(method))
					check(`${name} with ${kind}`, await ask(admin, method, fill(path, "1"), form));
				else if (typeof value !== "object")
					for (let at = 0; at < names.length; at += 25) { // what fits into a request's head
						const some = names.slice(at, at + 25).filter((n) => n !== "stream").map((n) => [n, String(value).slice(0, 30)]);
						check(`${name} with ${kind}`, await ask(admin, method, `${fill(path, "1")}?${new URLSearchParams(some)}`));
					}
			}
		});
	}
});

test("too large is 413, before it is read", async () => {
	for (const path of ["/api/v1/statuses", "/api/madang/v1/jobs", "/oauth/token"])
		assert.equal(check(path, await admin.call("POST", path, "x".repeat(3 << 20), { "content-type": "application/json" }).catch(() => ({ status: 413, headers: new Headers({ "content-type": "application/json" }), body: { error: "cut off" } }))), 413);
});

test("a scope that the token lacks", async () => {
	const token = house.admin(["token", "add", "bob", "--scopes", "read:statuses"]);
	const call = (m, r, b) => house.call(m, r, b, { authorization: `Bearer ${token}` });
	assert.equal((await call("GET", "/api/v1/timelines/home")).status, 200);
	assert.equal((await call("GET", "/api/v1/accounts/verify_credentials")).status, 403);
	assert.equal((await call("POST", "/api/v1/statuses", { status: "x" })).status, 403);
});

// Raw sockets: what no well-behaved client sends.
function raw(text, ms = 3000) {
	return new Promise((resolve) => {
		const s = net.connect(house.port, "127.0.0.1");
		let got = "";
		s.on("data", (d) => (got += d));
		s.on("close", () => resolve(got));
		s.on("error", () => resolve(got));
		s.write(text);
		setTimeout(() => s.destroy(), ms);
	});
}

test("framing that a proxy might read differently", async () => {
	for (const text of [
		"POST /api/v1/statuses HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /api/v1/statuses HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
	])
		assert.match(await raw(text, 1000), /^HTTP\/1\.1 400 /);
	await raw("\x00\x01\x02GET\r\n\r\n", 500);
	await raw(`GET /${"a".repeat(100000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 500);
	await raw(`GET / HTTP/1.1\r\n${"X: y\r\n".repeat(20000)}\r\n`, 500);
});

test("after all this the server is the same process, and everything is there", async () => {
	await sleep(200);
	assert.equal(house.process.exitCode, null);
	assert.equal((await admin.call("GET", `/api/v1/statuses/${post.id}`)).body.content, "<p>for followers</p>");
	assert.equal((await house.call("GET", "/health")).body, "OK");
	assert.ok(!/level=error/.test(house.log), house.log.match(/.*level=error.*/)?.[0]);
	assert.match((await house.call("GET", "/metrics")).body, /madang_http_requests_total\{status="5xx"\} 0/);
});
