// Two servers on one PostgreSQL: what happens in one is heard on the streams of the other.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { House, onPostgres, password, postgresStart, postgresStop, until } from "./house.mjs";

describe("two servers, one database", { skip: onPostgres ? false : "SQLite has one process" }, () => {
	let a, b, alice, bob;
	before(async () => {
		a = await House.start();
		alice = a.account("alice");
		bob = a.account("bob");
		b = await House.beside(a, { arguments: ["--trusted-proxies", "127.0.0.1"] });
		await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`);
	});
	after(async () => {
		await b?.stop();
		await a?.stop();
	});

	// Listens at a house; got fills with events, ended says when the stream has been cut.
	function listen(house, route, token) {
		const heard = { got: [], ended: false };
		(async () => {
			for await (const e of house.events(route, token))
				heard.got.push(e);
		})().catch(() => {}).finally(() => (heard.ended = true));
		return heard;
	}

	// Somebody signed in with a cookie.
	async function browser(house, username) {
		const cookies = {};
		let csrf;
		const call = async (method, route, body) => {
			const headers = { cookie: Object.entries(cookies).map(([k, v]) => `${k}=${v}`).join("; "), ...(csrf ? { "x-csrf-token": csrf } : {}) };
			const r = await house.call(method, route, body, headers);
			for (const line of r.headers.getSetCookie())
				Object.assign(cookies, Object.fromEntries([line.match(/^([^=]+)=([^;]*)/).slice(1)]));
			csrf = r.body?.csrf_token ?? csrf;
			return r;
		};
		await call("GET", "/api/madang/v1/session");
		await call("POST", "/api/madang/v1/session", { username, password });
		return call;
	}

	const opened = (house) => house.log.split("path=/api/v1/streaming/user ").length - 1;
	const open = async (house, count) =>
		until(`${count} streams`, async () => (await house.call("GET", "/metrics")).body.includes(`madang_http_streams ${count}\n`));

	test("a network that is closed in one is closed in the other, and opened again", async () => {
		const root = a.account("root1", { admin: true });
		const there = () => fetch(`${b.url}/api/v2/instance`, { headers: { "x-forwarded-for": "203.0.113.9" } }).then((r) => r.status);
		assert.equal(await there(), 200);
		const { id } = (await root.call("POST", "/api/v1/admin/ip_blocks", { ip: "203.0.113.0/24", severity: "no_access" })).body;
		await until("the other closes too", async () => (await there()) === 403);
		await root.call("DELETE", `/api/v1/admin/ip_blocks/${id}`);
		await until("and opens", async () => (await there()) === 200);
	});

	test("a post through one arrives at the streams of the other, whatever its length", async () => {
		const user = listen(b, "/api/v1/streaming/user", bob.token), all = listen(b, "/api/v1/streaming/public", bob.token);
		await open(b, 2);
		const post = (await alice.call("POST", "/api/v1/statuses", { status: `far away ${"마당 ".repeat(1500)}@bob` })).body;
		const of = (heard, event) => heard.got.filter((e) => e.event === event);
		await until("the post at home", () => of(user, "update").some((e) => JSON.parse(e.data).id === post.id));
		await until("the post in public", () => of(all, "update").some((e) => JSON.parse(e.data).id === post.id));
		await until("the notification", () => of(user, "notification").some((e) => JSON.parse(e.data).status.id === post.id));
		await alice.call("DELETE", `/api/v1/statuses/${post.id}`);
		await until("the delete", () => of(user, "delete").some((e) => e.data === post.id));
	});

	test("a token that ends at one ends the streams at the other", async () => {
		const redirect_uri = "urn:ietf:wg:oauth:2.0:oob";
		const app = (await a.call("POST", "/api/v1/apps", { client_name: "x", redirect_uris: redirect_uri, scopes: "read" })).body;
		const client = { client_id: app.client_id, client_secret: app.client_secret };
		const signedIn = await browser(a, "alice");
		const grant = await signedIn("POST", "/api/madang/v1/authorize", { client_id: app.client_id, redirect_uri, scope: "read" });
		assert.equal(grant.status, 200, JSON.stringify(grant.body));
		const { code } = grant.body;
		const token = (await a.call("POST", "/oauth/token", { grant_type: "authorization_code", ...client, redirect_uri, code })).body.access_token;
		const headers = { authorization: `Bearer ${token}` };
		const before = opened(b), stream = listen(b, "/api/v1/streaming/user", token);
		await until("it is open", () => opened(b) > before);
		for (let i = 0; i < 3; i++) // so that b knows the token well
			assert.equal((await b.call("GET", "/api/v1/timelines/home", undefined, headers)).status, 200);
		assert.equal((await a.call("POST", "/oauth/revoke", { ...client, token })).status, 200);
		await until("the stream is cut", () => stream.ended);
		assert.equal((await b.call("GET", "/api/v1/timelines/home", undefined, headers)).status, 401);
	});

	test("the database goes and comes: streams of people are cut, new ones hear again", async () => {
		const before = opened(b), stream = listen(b, "/api/v1/streaming/user", bob.token);
		await until("it is open", () => opened(b) > before);
		postgresStop();
		await until("the stream is cut", () => stream.ended);
		assert.equal((await bob.call("GET", "/api/v1/timelines/home")).status, 503);
		postgresStart();
		await until("it is back", async () => (await bob.call("GET", "/api/v1/timelines/home")).status === 200);
		await until("both listen", () => [a, b].every((h) => h.log.includes("relay.connected")));
		const again = listen(b, "/api/v1/streaming/user", bob.token);
		await until("it is open", () => opened(b) > before + 1);
		const post = (await bob.call("POST", "/api/v1/statuses", { status: "still here" })).body;
		await until("the post", () => again.got.some((e) => e.event === "update" && JSON.parse(e.data).id === post.id));
	});
});
