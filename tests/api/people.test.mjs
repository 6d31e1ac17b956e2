// The person at the browser: set-up link, sessions and CSRF, sign-up in every mode, passwords, the second
// factor, consent to an app with PKCE.
import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, password } from "./house.mjs";

let house;
before(async () => {
	house = await House.start();
});
after(() => house.stop());

// A browser: cookies and the CSRF token.
class Browser {
	cookies = new Map();
	async call(method, route, body, { csrf = true } = {}) {
		const headers = { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ") };
		if (csrf && this.csrf && method !== "GET")
			headers["x-csrf-token"] = this.csrf;
		const r = await house.call(method, route, body, headers);
		for (const line of r.headers.getSetCookie()) {
			const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
			assert.match(line, /SameSite=Lax/);
			assert.match(line, /HttpOnly/);
			if (/Max-Age=0/.test(line))
				this.cookies.delete(name);
			else
				this.cookies.set(name, value);
		}
		if (r.body?.csrf_token)
			this.csrf = r.body.csrf_token;
		return r;
	}
	session() {
		return this.call("GET", "/api/madang/v1/session");
	}
}

function totp(secret, ms = Date.now()) {
	const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30000)));
	const h = createHmac("sha1", key).update(counter).digest();
	const at = h[19] & 15;
	return String((h.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

const admin = new Browser();

test("the set-up link makes the first administrator, once", async () => {
	const code = house.out.match(/setup\?code=(\S+)/)[1];
	const s = await admin.session();
	assert.equal(s.body.setup_required, true);
	assert.equal(s.body.account, null);
	const form = { code, username: "root1", email: "root@example.org", password };
	assert.equal((await admin.call("POST", "/api/madang/v1/setup", form, { csrf: false })).status, 403);
	assert.ok((await admin.call("POST", "/api/madang/v1/setup", { ...form, code: "wrong" })).status >= 400);
	const done = await admin.call("POST", "/api/madang/v1/setup", form);
	assert.equal(done.status, 200, JSON.stringify(done.body));
	assert.equal(done.body.role, "admin");
	assert.equal(done.body.account.username, "root1");
	const again = new Browser();
	await again.session();
	assert.ok((await again.call("POST", "/api/madang/v1/setup", { ...form, username: "second" })).status >= 400);
});

test("a cookie alone changes nothing: the token has to come with it", async () => {
	assert.equal((await admin.call("POST", "/api/v1/statuses", { status: "x" }, { csrf: false })).status, 403);
	assert.equal((await admin.call("POST", "/api/v1/statuses", { status: "x" })).status, 200);
	assert.equal((await admin.call("GET", "/api/v1/timelines/home")).status, 200);
});

test("a stream with a cookie from another origin is refused", async () => {
	const cookie = [...admin.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
	assert.equal((await house.call("GET", "/api/v1/streaming/user", undefined, { cookie, origin: "https://evil.example" })).status, 403);
});

test("sign-up: closed, by invitation, by approval, open", async () => {
	const settings = (registrations) => admin.call("PATCH", "/api/madang/v1/admin/settings", { registrations });
	const form = (username, more) => ({ username, email: `${username}@example.org`, password, agreement: true, ...more });
	const fresh = async () => {
		const b = new Browser();
		await b.session();
		return b;
	};
	assert.equal((await settings("closed")).body.registrations, "closed");
	assert.equal((await (await fresh()).call("POST", "/api/madang/v1/signup", form("closed1"))).status, 403);

	await settings("invitation");
	assert.ok((await (await fresh()).call("POST", "/api/madang/v1/signup", form("uninvited"))).status >= 400);
	const invitation = (await admin.call("POST", "/api/madang/v1/admin/invitations", { max_uses: 1 })).body;
	assert.equal((await house.call("GET", `/api/madang/v1/invitations/${invitation.code}`)).body.uses_left, 1);
	const invited = await (await fresh()).call("POST", "/api/madang/v1/signup", form("invited", { invitation: invitation.code }));
	assert.equal(invited.status, 200, JSON.stringify(invited.body));
	assert.ok((await (await fresh()).call("POST", "/api/madang/v1/signup", form("toomany", { invitation: invitation.code }))).status >= 400);

	await settings("approval");
	const waiting = await fresh();
	assert.equal((await waiting.call("POST", "/api/madang/v1/signup", form("waiting", { reason: "please" }))).status, 202);
	assert.ok((await waiting.call("POST", "/api/madang/v1/session", { username: "waiting", password })).status >= 401);
	const pending = (await admin.call("GET", "/api/madang/v1/admin/accounts?state=pending")).body;
	assert.deepEqual(pending.map((p) => [p.username, p.reason]), [["waiting", "please"]]);
	await admin.call("POST", `/api/madang/v1/admin/accounts/${pending[0].id}/approve`);
	assert.equal((await waiting.call("POST", "/api/madang/v1/session", { username: "waiting", password })).status, 200);

	await settings("open");
	for (const [bad, field] of [[form("open1", { agreement: false }), "agreement"], [form("a b"), "username"], [form("open1", { password: "short" }), "password"], [form("open1", { email: "no" }), "email"], [form("root1"), "username"]]) {
		const r = await (await fresh()).call("POST", "/api/madang/v1/signup", bad);
		assert.ok(r.status === 422 || r.status === 409, `${field}: ${r.status}`);
		assert.match(r.body.error, new RegExp(field, "i"));
	}
	assert.equal((await (await fresh()).call("POST", "/api/madang/v1/signup", form("open1"))).status, 200);
});

test("sign in by name or address, sign out, list where", async () => {
	const b = new Browser();
	await b.session();
	assert.equal((await b.call("POST", "/api/madang/v1/session", { username: "open1", password: "wrong password" })).status, 401);
	assert.equal((await b.call("POST", "/api/madang/v1/session", { username: "open1@example.org", password })).status, 200);
	const list = (await b.call("GET", "/api/madang/v1/sessions")).body;
	assert.equal(list.filter((s) => s.current).length, 1);
	const other = list.find((s) => !s.current);
	assert.equal((await b.call("DELETE", `/api/madang/v1/sessions/${other.id}`)).status, 200);
	assert.equal((await b.call("GET", "/api/madang/v1/sessions")).body.length, list.length - 1);
	assert.equal((await admin.call("DELETE", `/api/madang/v1/sessions/${list.find((s) => s.current).id}`)).status, 404);
	assert.equal((await b.call("DELETE", "/api/madang/v1/session")).status, 200);
	assert.equal((await b.session()).body.account, null);
});

test("the second factor", async () => {
	const b = new Browser();
	await b.session();
	await b.call("POST", "/api/madang/v1/session", { username: "open1", password });
	const { secret, uri } = (await b.call("POST", "/api/madang/v1/totp")).body;
	assert.match(uri, /^otpauth:\/\/totp\//);
	assert.ok((await b.call("POST", "/api/madang/v1/totp/confirm", { code: "000000" })).status >= 400);
	const on = await b.call("POST", "/api/madang/v1/totp/confirm", { code: totp(secret, Date.now() - 30000) });
	assert.equal(on.status, 200);
	const recovery = on.body.recovery_codes;
	assert.equal(new Set(recovery).size, 10);
	assert.equal((await b.call("GET", "/api/madang/v1/totp/recovery_codes")).body.left, 10);
	const c = new Browser();
	await c.session();
	const half = await c.call("POST", "/api/madang/v1/session", { username: "open1", password });
	assert.equal(half.status, 401);
	assert.equal(half.body.totp_required, true);
	const now = totp(secret);
	assert.equal((await c.call("POST", "/api/madang/v1/session", { username: "open1", password, totp: now })).status, 200);
	const d = new Browser();
	await d.session();
	assert.equal((await d.call("POST", "/api/madang/v1/session", { username: "open1", password, totp: now })).status, 401, "a code counts once");
	const use = async (code) => {
		const e = new Browser();
		await e.session();
		return (await e.call("POST", "/api/madang/v1/session", { username: "open1", password, totp: code })).status;
	};
	assert.equal(await use("nothing-like-it"), 401);
	assert.equal(await use(recovery[0]), 200);
	assert.equal(await use(recovery[0]), 401, "a recovery code counts once");
	assert.equal((await c.call("GET", "/api/madang/v1/totp/recovery_codes")).body.left, 9);
	assert.ok((await c.call("POST", "/api/madang/v1/totp/recovery_codes", { password: "wrong password" })).status >= 400);
	const renewed = (await c.call("POST", "/api/madang/v1/totp/recovery_codes", { password })).body.recovery_codes;
	assert.equal(renewed.length, 10);
	assert.equal(await use(recovery[1]), 401, "new codes take the place of the old");
	assert.equal(await use(renewed[9].toUpperCase()), 200);
	assert.equal((await c.call("DELETE", "/api/madang/v1/totp", { password })).status, 200);
	assert.equal((await c.call("GET", "/api/madang/v1/totp/recovery_codes")).body.left, 0);
});

test("password: changing ends other sessions; a reset link counts once", async () => {
	const b = new Browser(), c = new Browser();
	for (const x of [b, c]) {
		await x.session();
		assert.equal((await x.call("POST", "/api/madang/v1/session", { username: "invited", password })).status, 200);
	}
	assert.ok((await b.call("POST", "/api/madang/v1/password", { current_password: "wrong password", password: "another good one" })).status >= 401);
	assert.equal((await b.call("POST", "/api/madang/v1/password", { current_password: password, password: "another good one" })).status, 200);
	assert.equal((await b.session()).body.account.username, "invited");
	assert.equal((await c.session()).body.account, null);
	const id = (await admin.call("GET", "/api/madang/v1/admin/accounts?q=invited")).body[0].id;
	const { url } = (await admin.call("POST", `/api/madang/v1/admin/accounts/${id}/reset_link`)).body;
	const code = new URL(url).searchParams.get("code");
	// Nobody takes an account over that may as much as they: an administrator gets no link for the owner, nor for another administrator.
	const [chief, other] = ["chief", "other"].map((n) => house.account(n, { admin: true }));
	const owner = (await admin.call("GET", "/api/v1/accounts/verify_credentials")).body;
	assert.equal(owner.role.name, "Owner");
	for (const above of [owner.id, other.id])
		assert.equal((await chief.call("POST", `/api/madang/v1/admin/accounts/${above}/reset_link`)).status, 403);
	for (const [by, whom] of [[chief, id], [chief, chief.id], [admin, other.id]])
		assert.equal((await by.call("POST", `/api/madang/v1/admin/accounts/${whom}/reset_link`)).status, 200);
	const again = new URL((await admin.call("POST", `/api/madang/v1/admin/accounts/${id}/reset_link`)).body.url).searchParams.get("code");
	assert.ok((await c.call("POST", `/api/madang/v1/password/reset/${code}`, { password: "the first link's" })).status >= 400, "only the newest link counts");
	const reset = (p) => c.call("POST", `/api/madang/v1/password/reset/${again}`, { password: p });
	assert.equal((await reset("yet another one")).status, 200);
	assert.ok((await reset("and one more")).status >= 400);
	assert.equal((await c.call("POST", "/api/madang/v1/session", { username: "invited", password: "yet another one" })).status, 200);
	assert.equal((await c.call("POST", "/api/madang/v1/password/reset", { email: "nobody@example.org" })).status, 200);
});

test("OAuth with PKCE, from app to revoked token", async () => {
	const redirect = "com.tapbots.Ivory.10217:/request_token";
	const app = (await house.call("POST", "/api/v1/apps", { client_name: "Ivory", redirect_uris: [redirect, "urn:ietf:wg:oauth:2.0:oob"], scopes: "read write follow push" })).body;
	assert.deepEqual(app.redirect_uris, [redirect, "urn:ietf:wg:oauth:2.0:oob"]);
	const verifier = randomBytes(32).toString("base64url");
	const challenge = createHash("sha256").update(verifier).digest("base64url");
	const ask = { client_id: app.client_id, redirect_uri: redirect, scope: "read write", state: "s t", code_challenge: challenge, code_challenge_method: "S256" };
	const shown = (await admin.call("GET", `/api/madang/v1/authorize?${new URLSearchParams(ask)}`)).body;
	assert.equal(shown.name, "Ivory");
	assert.deepEqual(shown.scopes, ["read", "write"]);
	assert.ok((await admin.call("GET", `/api/madang/v1/authorize?${new URLSearchParams({ ...ask, redirect_uri: "https://evil.example/" })}`)).status >= 400);
	const grant = async () => (await admin.call("POST", "/api/madang/v1/authorize", ask)).body.redirect_to;
	const to = await grant();
	assert.ok(to.startsWith(`${redirect}?code=`) && to.endsWith("&state=s%20t"), to);
	const code = to.match(/code=([^&]+)/)[1];
	const exchange = (more) => house.call("POST", "/oauth/token", new URLSearchParams({ grant_type: "authorization_code", client_id: app.client_id, client_secret: app.client_secret, redirect_uri: redirect, code, code_verifier: verifier, ...more }));
	const wrong = await exchange({ client_secret: "wrong" });
	assert.deepEqual([wrong.status, wrong.body.error], [401, "invalid_client"]);
	const token = await exchange();
	assert.equal(token.status, 200, JSON.stringify(token.body));
	assert.equal(token.body.token_type, "Bearer");
	const twice = await exchange();
	assert.deepEqual([twice.status, twice.body.error], [400, "invalid_grant"]);
	const headers = { authorization: `Bearer ${token.body.access_token}` };
	assert.equal((await house.call("GET", "/api/v1/accounts/verify_credentials", undefined, headers)).status, 200);
	assert.equal((await house.call("GET", "/api/madang/v1/admin/overview", undefined, headers)).status, 403, "an administrator's app has no administrator's scope");
	await house.call("POST", "/oauth/revoke", { client_id: app.client_id, client_secret: app.client_secret, token: token.body.access_token });
	assert.equal((await house.call("GET", "/api/v1/accounts/verify_credentials", undefined, headers)).status, 401);
	const bad = (await grant()).match(/code=([^&]+)/)[1];
	assert.equal((await exchange({ code: bad, code_verifier: "wrong" })).status, 400);
	const own = await house.call("POST", "/oauth/token", { grant_type: "client_credentials", client_id: app.client_id, client_secret: app.client_secret, scope: "read" });
	assert.equal((await house.call("GET", "/api/v1/apps/verify_credentials", undefined, { authorization: `Bearer ${own.body.access_token}` })).body.name, "Ivory");
	const metadata = (await house.call("GET", "/.well-known/oauth-authorization-server")).body;
	assert.ok(metadata.code_challenge_methods_supported.includes("S256"));
});

test("suspending ends what is open", async () => {
	const b = new Browser();
	await b.session();
	await b.call("POST", "/api/madang/v1/session", { username: "waiting", password });
	const { id } = (await b.session()).body.account;
	await admin.call("POST", `/api/madang/v1/admin/accounts/${id}/suspend`);
	assert.equal((await b.call("GET", "/api/v1/timelines/home")).status, 401);
	await admin.call("POST", `/api/madang/v1/admin/accounts/${id}/unsuspend`);
	assert.equal((await b.call("POST", "/api/madang/v1/admin/accounts/1/suspend")).status >= 401, true);
});

test("administration: overview, settings, queue", async () => {
	const o = (await admin.call("GET", "/api/madang/v1/admin/overview")).body;
	assert.ok(o.accounts >= 4 && o.disk_free_bytes > 0 && o.memory_bytes > 0);
	assert.deepEqual((await admin.call("GET", "/api/madang/v1/admin/queue")).body, []);
	const s = (await admin.call("PATCH", "/api/madang/v1/admin/settings", { title: "우리 마당", rules: "Be kind\nBe brief" })).body;
	assert.equal(s.title, "우리 마당");
	assert.equal((await house.call("GET", "/api/v2/instance")).body.rules.length, 2);
});
