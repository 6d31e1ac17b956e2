// Moderation from outside: reports, actions with reasons and appeals, roles, lists, held posts, the audit log; with
// masto.js where Mastodon has it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import WebSocket from "ws";
import "./audited.mjs";
import { House, password, until } from "./house.mjs";

let house, root, mod, alice, bob, r, m, a, b;
const client = (p) => createRestAPIClient({ url: house.url, accessToken: p.token });

before(async () => {
	house = await House.start({ arguments: ["--trusted-proxies", "127.0.0.1,10.0.0.0/8"] });
	root = house.account("root1", { admin: true });
	mod = house.account("mod");
	alice = house.account("alice");
	bob = house.account("bob");
	assert.equal((await root.call("POST", `/api/madang/v1/admin/accounts/${mod.id}/role`, { role: "moderator" })).status, 200);
	const token = house.admin(["token", "add", "mod", "--scopes", "read write follow push admin:read admin:write"]);
	mod.call = (method, route, body) => house.call(method, route, body, { authorization: `Bearer ${token}` });
	mod.token = token;
	[r, m, a, b] = [root, mod, alice, bob].map(client);
});
after(() => house.stop());

const action = (type, more) => mod.call("POST", `/api/v1/admin/accounts/${bob.id}/action`, { type, ...more });
const signIn = async (username) => {
	const s = await house.call("GET", "/api/madang/v1/session");
	return house.call("POST", "/api/madang/v1/session", { username, password }, { "x-csrf-token": s.body.csrf_token, cookie: s.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") });
};

describe("reports", () => {
	let post, report;
	test("sending one; moderators hear of it", async () => {
		post = await b.v1.statuses.create({ status: "rude words" });
		report = await a.v1.reports.create({ accountId: bob.id, statusIds: [post.id], comment: "rude", category: "spam", forward: true });
		assert.deepEqual([report.actionTaken, report.category, report.comment, report.forwarded, report.targetAccount.id, report.statusIds], [false, "spam", "rude", false, bob.id, [post.id]]);
		const [n] = await m.v1.notifications.list({ types: ["admin.report"] });
		assert.deepEqual([n.report.id, n.account.id], [report.id, alice.id]);
		const [g] = (await m.v2.notifications.list({ types: ["admin.report"] })).notificationGroups;
		assert.equal(g.report.targetAccount.id, bob.id);
		assert.equal((await a.v1.notifications.list({ types: ["admin.report"] })).length, 0);
	});

	test("bad ones are refused", async () => {
		const other = await a.v1.statuses.create({ status: "mine" });
		for (const [form, status] of [[{}, 422], [{ account_id: "1" }, 404], [{ account_id: bob.id, status_ids: [other.id] }, 422], [{ account_id: bob.id, category: "boring" }, 422], [{ account_id: bob.id, comment: "x".repeat(1001) }, 422], [{ account_id: bob.id, status_ids: ["1"] }, 404]])
			assert.equal((await alice.call("POST", "/api/v1/reports", form)).status, status, JSON.stringify(form));
	});

	test("reading, assigning, notes, resolving, reopening", async () => {
		const list = await m.v1.admin.reports.list();
		assert.deepEqual(list.map((x) => x.id), [report.id]);
		const one = await m.v1.admin.reports.$select(report.id).fetch();
		assert.deepEqual([one.account.username, one.targetAccount.username, one.statuses[0].id, one.assignedAccount], ["alice", "bob", post.id, null]);
		assert.equal((await m.v1.admin.reports.$select(report.id).assignToSelf()).assignedAccount.id, mod.id);
		assert.equal((await m.v1.admin.reports.$select(report.id).unassign()).assignedAccount, null);
		const notes = `/api/madang/v1/admin/reports/${report.id}/notes`;
		const note = (await mod.call("POST", notes, { text: "looks like spam" })).body;
		assert.deepEqual((await mod.call("GET", notes)).body.map((x) => x.text), ["looks like spam"]);
		assert.equal((await mod.call("POST", notes, {})).status, 422);
		assert.equal((await mod.call("DELETE", `${notes}/${note.id}`)).status, 200);
		assert.equal((await mod.call("DELETE", `${notes}/${note.id}`)).status, 404);
		assert.equal((await mod.call("PUT", `/api/v1/admin/reports/${report.id}`, { category: "legal" })).body.category, "legal");
		const done = await m.v1.admin.reports.$select(report.id).resolve();
		assert.deepEqual([done.actionTaken, done.actionTakenByAccount.id], [true, mod.id]);
		assert.equal((await m.v1.admin.reports.list()).length, 0);
		assert.equal((await m.v1.admin.reports.list({ resolved: true })).length, 1);
		assert.equal((await m.v1.admin.reports.$select(report.id).reopen()).actionTaken, false);
	});

	test("an action resolves the report and takes the posts", async () => {
		assert.equal((await action("delete_statuses", { report_id: report.id, text: "not here" })).status, 200);
		assert.equal((await alice.call("GET", `/api/v1/statuses/${post.id}`)).status, 404);
		assert.equal((await m.v1.admin.reports.$select(report.id).fetch()).actionTaken, true);
	});
});

describe("who may", () => {
	test("people may not; a token needs the scope; roles have their order", async () => {
		for (const route of ["/api/v1/admin/accounts", "/api/v1/admin/reports", "/api/v1/admin/domain_blocks", "/api/madang/v1/admin/held", "/api/madang/v1/admin/audit"]) {
			const full = house.admin(["token", "add", "alice", "--scopes", "read write admin:read admin:write"]);
			assert.equal((await house.call("GET", route, undefined, { authorization: `Bearer ${full}` })).status, 403, route);
			const poor = house.admin(["token", "add", "root1", "--scopes", "read write"]);
			assert.equal((await house.call("GET", route, undefined, { authorization: `Bearer ${poor}` })).status, 403, route);
		}
		assert.equal((await mod.call("POST", `/api/v1/admin/accounts/${root.id}/action`, { type: "silence" })).status, 403);
		assert.equal((await mod.call("POST", `/api/v1/admin/accounts/${mod.id}/action`, { type: "silence" })).status, 403);
		assert.equal((await mod.call("POST", "/api/v1/admin/domain_blocks", { domain: "bad.example" })).status, 403);
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/accounts/${alice.id}/role`, { role: "moderator" })).status, 403);
		assert.equal((await root.call("POST", `/api/madang/v1/admin/accounts/${alice.id}/role`, { role: "owner" })).status, 422);
		assert.equal((await action("dance")).status, 422);
		assert.equal((await action()).status, 422);
	});

	test("accounts, found by any property", async () => {
		assert.deepEqual((await m.v1.admin.accounts.list({ username: "ali" })).map((x) => x.username), ["alice"]);
		assert.deepEqual((await m.v1.admin.accounts.list({ email: "bob@" })).map((x) => x.email), ["bob@example.org"]);
		assert.equal((await m.v1.admin.accounts.list({ remote: true })).length, 0);
		assert.deepEqual((await m.v2?.admin?.accounts?.list?.({ permissions: "staff" }) ?? (await mod.call("GET", "/api/v2/admin/accounts?permissions=staff")).body).map((x) => x.username), ["mod", "root1"]);
		const one = await m.v1.admin.accounts.$select(bob.id).fetch();
		assert.deepEqual([one.approved, one.suspended, one.silenced, one.disabled, one.role.permissions], [true, false, false, false, "0"]);
		assert.equal((await mod.call("GET", "/api/v1/admin/accounts/1")).status, 404);
	});
});

describe("actions", () => {
	test("a warning with its reason, and the person hears of it", async () => {
		await action("none", { text: "please be kind" });
		const [n] = await b.v1.notifications.list({ types: ["moderation_warning"] });
		assert.deepEqual([n.moderationWarning.action, n.moderationWarning.text], ["none", "please be kind"]);
	});

	test("limited: strangers do not come across it, followers do; undone", async () => {
		const post = await b.v1.statuses.create({ status: "anybody there? 제한된글" });
		const seen = async (c) => (await c.v1.timelines.public.list()).some((s) => s.id === post.id);
		assert.equal(await seen(a), true);
		assert.equal((await action("silence")).status, 200);
		assert.equal(await seen(a), false);
		assert.equal((await alice.call("GET", `/api/v1/statuses/${post.id}`)).status, 200);
		assert.deepEqual((await a.v2.search.list({ q: "제한된글", type: "statuses" })).statuses, []);
		await b.v1.statuses.create({ status: "@alice psst" });
		assert.equal((await a.v1.notifications.list({ accountId: bob.id, types: ["mention"] })).length, 0);
		await r.v1.accounts.$select(bob.id).follow();
		assert.equal(await seen(r), true);
		assert.deepEqual((await m.v1.admin.accounts.list({ silenced: true })).map((x) => x.id), [bob.id]);
		assert.equal((await m.v1.admin.accounts.$select(bob.id).unsilence()).silenced, false);
		assert.equal(await seen(a), true);
	});

	test("sensitive: all its posts are", async () => {
		const post = await b.v1.statuses.create({ status: "plain" });
		await action("sensitive");
		assert.equal((await a.v1.statuses.$select(post.id).fetch()).sensitive, true);
		assert.equal((await m.v1.admin.accounts.$select(bob.id).unsensitive()).sensitized, false);
		assert.equal((await a.v1.statuses.$select(post.id).fetch()).sensitive, false);
	});

	test("disabled: it cannot sign in, nor use its tokens", async () => {
		await action("disable");
		assert.equal((await bob.call("GET", "/api/v1/accounts/verify_credentials")).status, 401);
		assert.equal((await signIn("bob")).status, 403);
		assert.equal((await m.v1.admin.accounts.$select(bob.id).enable()).disabled, false);
		assert.equal((await signIn("bob")).status, 200);
	});

	test("suspended: it is gone for everybody; an appeal with the code brings it back", async () => {
		const { appeal_url: url } = (await action("suspend", { text: "enough" })).body.madang;
		assert.equal((await alice.call("GET", `/api/v1/accounts/${bob.id}`)).status, 404);
		assert.equal((await alice.call("GET", `/api/v1/accounts/${bob.id}/statuses`)).status, 404);
		assert.ok(!(await a.v1.timelines.public.list()).some((s) => s.account.id === bob.id));
		assert.equal((await a.v2.search.list({ q: "bob", type: "accounts" })).accounts.length, 0);
		assert.equal((await signIn("bob")).status, 403);
		assert.equal((await action("suspend")).status, 409);
		const session = await house.call("GET", "/api/madang/v1/session");
		const headers = { "x-csrf-token": session.body.csrf_token, cookie: session.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") };
		const code = new URL(url).searchParams.get("code");
		const appeal = (c) => house.call("POST", "/api/madang/v1/appeals", { code: c, text: "I am sorry" }, headers);
		assert.equal((await appeal("wrong")).status, 404);
		assert.equal((await appeal(code)).status, 200);
		assert.equal((await appeal(code)).status, 409);
		const [waiting] = (await mod.call("GET", "/api/madang/v1/admin/appeals")).body;
		assert.deepEqual([waiting.action, waiting.appeal.text, waiting.appeal.state], ["suspend", "I am sorry", "pending"]);
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/appeals/${waiting.id}/approve`)).body.appeal.state, "approved");
		assert.equal((await alice.call("GET", `/api/v1/accounts/${bob.id}`)).status, 200);
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/appeals/${waiting.id}/reject`)).status, 409);
	});

	test("one's own strikes, and an appeal of somebody else", async () => {
		bob.token = house.admin(["token", "add", "bob", "--scopes", "read write"]);
		const call = (method, route, body) => house.call(method, route, body, { authorization: `Bearer ${bob.token}` });
		const strikes = (await call("GET", "/api/madang/v1/strikes")).body;
		assert.ok(strikes.length >= 6);
		const warning = strikes.find((s) => s.action === "none");
		assert.equal((await alice.call("POST", `/api/madang/v1/strikes/${warning.id}/appeal`, { text: "let me" })).status, 404);
		assert.equal((await call("POST", `/api/madang/v1/strikes/${warning.id}/appeal`, { text: "but why" })).body.appeal.state, "pending");
		assert.equal((await alice.call("GET", `/api/madang/v1/strikes?account_id=${bob.id}`)).status, 403);
		const [waiting] = (await mod.call("GET", "/api/madang/v1/admin/appeals")).body;
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/appeals/${waiting.id}/reject`)).body.appeal.state, "rejected");
		assert.equal((await call("GET", "/api/madang/v1/strikes")).body.find((s) => s.id === warning.id).appeal.state, "rejected");
	});

	test("erasing takes a suspended account's posts", async () => {
		const eve = house.account("eve");
		const post = (await eve.call("POST", "/api/v1/statuses", { status: "soon gone" })).body;
		assert.equal((await root.call("DELETE", `/api/v1/admin/accounts/${eve.id}`)).status, 403);
		await mod.call("POST", `/api/v1/admin/accounts/${eve.id}/action`, { type: "suspend" });
		assert.equal((await mod.call("DELETE", `/api/v1/admin/accounts/${eve.id}`)).status, 403);
		assert.equal((await root.call("DELETE", `/api/v1/admin/accounts/${eve.id}`)).status, 200);
		await until("the posts to go", async () => (await root.call("GET", `/api/v1/statuses/${post.id}`)).status === 404);
		assert.equal((await signIn("eve")).status, 401);
	});
});

describe("the server's lists", () => {
	test("domains, e-mail domains, networks: adding, changing, removing", async () => {
		for (const [list, form, change] of [["domain_blocks", { domain: "Bad.Example", severity: "suspend", reject_media: true }, { severity: "silence" }], ["domain_allows", { domain: "good.example" }], ["email_domain_blocks", { domain: "mail.example" }], ["ip_blocks", { ip: "192.0.2.0/24", severity: "no_access", comment: "bots", expires_in: 3600 }, { severity: "sign_up_block" }], ["canonical_email_blocks", { email: "B.O.B+x@Example.org" }]]) {
			const route = `/api/v1/admin/${list}`;
			const made = await root.call("POST", route, form);
			assert.equal(made.status, 200, `${list}: ${JSON.stringify(made.body)}`);
			assert.equal((await root.call("POST", route, form)).status, 409, list);
			assert.deepEqual((await root.call("GET", route)).body.map((x) => x.id), [made.body.id]);
			if (change)
				assert.equal((await root.call("PUT", `${route}/${made.body.id}`, change)).body.severity, change.severity);
			if (list === "canonical_email_blocks")
				assert.deepEqual((await root.call("POST", `${route}/test`, { email: "bob@example.org" })).body.map((x) => x.id), [made.body.id]);
			assert.equal((await root.call("GET", `${route}/${made.body.id}`)).body.id, made.body.id);
			assert.equal((await root.call("DELETE", `${route}/${made.body.id}`)).status, 200);
			assert.equal((await root.call("GET", `${route}/${made.body.id}`)).status, 404);
		}
		for (const [list, form] of [["domain_blocks", { domain: "no dots" }], ["domain_blocks", {}], ["domain_blocks", { domain: "x.example", severity: "harsh" }], ["ip_blocks", { ip: "999.1.1.1" }], ["ip_blocks", { ip: "10.0.0.0/99" }], ["canonical_email_blocks", {}]])
			assert.equal((await root.call("POST", `/api/v1/admin/${list}`, form)).status, 422, JSON.stringify(form));
	});

	test("who is listed cannot sign up or in", async () => {
		const session = await house.call("GET", "/api/madang/v1/session");
		const headers = { "x-csrf-token": session.body.csrf_token, cookie: session.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") };
		await root.call("PATCH", "/api/madang/v1/admin/settings", { registrations: "open" });
		const signUp = (username, email) => house.call("POST", "/api/madang/v1/signup", { username, email, password, agreement: true }, headers);
		await root.call("POST", "/api/v1/admin/email_domain_blocks", { domain: "mail.example" });
		assert.equal((await signUp("new1", "x@sub.mail.example")).status, 422);
		await root.call("POST", "/api/v1/admin/canonical_email_blocks", { email: "bad@example.net" });
		assert.equal((await signUp("new2", "b.a.d+1@example.net")).status, 422);
		const { id } = (await root.call("POST", "/api/v1/admin/ip_blocks", { ip: "127.0.0.0/8", severity: "sign_up_requires_approval" })).body;
		assert.equal((await signUp("new3", "new3@example.net")).status, 202);
		assert.ok((await m.v1.notifications.list({ types: ["admin.sign_up"] })).some((n) => n.account.username === "new3"));
		const [pending] = await m.v1.admin.accounts.list({ pending: true });
		assert.equal((await m.v1.admin.accounts.$select(pending.id).approve()).approved, true);
		await root.call("PUT", `/api/v1/admin/ip_blocks/${id}`, { severity: "sign_up_block" });
		assert.equal((await signUp("new4", "new4@example.net")).status, 403);
		assert.equal((await signIn("alice")).status, 200);
		await root.call("DELETE", `/api/v1/admin/ip_blocks/${id}`);
		assert.notEqual((await signUp("new4", "new4@example.net")).status, 403);
	});

	test("a closed network gets nothing at all, whatever it asks and whoever asks", async () => {
		const from = (address, method = "GET", route = "/api/v1/timelines/home", body) => alice.call(method, route, body, { "x-forwarded-for": address });
		const add = (ip, more) => root.call("POST", "/api/v1/admin/ip_blocks", { ip, severity: "no_access", ...more });
		for (let i = 0; i < 2; i++) // the second answer is a kept one
			assert.equal((await from("203.0.113.9")).status, 200);
		// Streams of both kinds, from inside and from outside of what is closed.
		const listen = async (address) => {
			const r = await fetch(`${house.url}/api/v1/streaming/public`, { headers: { authorization: `Bearer ${alice.token}`, "x-forwarded-for": address } });
			const s = new WebSocket(`${house.url.replace("http", "ws")}/api/v1/streaming?stream=public&access_token=${alice.token}`, { headers: { "x-forwarded-for": address } });
			const state = { sse: "open", ws: "open" };
			await once(s, "open");
			s.on("close", () => (state.ws = "closed"));
			(async () => { for await (const _ of r.body); })().catch(() => {}).finally(() => (state.sse = "closed"));
			return Object.assign(state, { end: () => (s.close(), r.body.cancel().catch(() => {})) });
		};
		const inside = await listen("203.0.113.9"), outside = await listen("198.51.100.1");
		const { id } = (await add("203.0.113.0/24")).body;
		await until("its streams end", () => inside.sse === "closed" && inside.ws === "closed");
		assert.deepEqual([outside.sse, outside.ws], ["open", "open"]);
		outside.end();
		const refused = await from("203.0.113.9");
		assert.equal(refused.status, 403);
		assert.match(refused.body.error, /network/);
		for (const [method, route, body] of [["GET", "/"], ["GET", "/api/v2/instance"], ["GET", "/api/v1/timelines/public"], ["GET", "/api/v1/streaming/user"], ["POST", "/api/v1/statuses", { status: "x" }], ["POST", "/oauth/token", {}], ["GET", "/no/such/page"], ["OPTIONS", "/api/v1/statuses"]])
			assert.equal((await from("203.0.113.200", method, route, body)).status, 403, route);
		// What proxies that are trusted say counts from the right; what stands before it is only somebody's word.
		assert.equal((await from("203.0.113.9, 10.0.0.7")).status, 403);
		assert.equal((await from("10.0.0.8, ::ffff:203.0.113.9")).status, 403);
		assert.equal((await from("203.0.113.9, 198.51.100.1")).status, 200);
		assert.equal((await from("203.0.114.9")).status, 200);
		assert.equal((await root.call("PUT", `/api/v1/admin/ip_blocks/${id}`, { severity: "sign_up_block" })).status, 200);
		assert.equal((await from("203.0.113.9")).status, 200);
		await root.call("DELETE", `/api/v1/admin/ip_blocks/${id}`);
		assert.equal((await add("2001:db8::/32", { expires_in: 1 })).status, 200);
		assert.equal((await from("2001:db8:1::1")).status, 403);
		await until("the end of the block", async () => (await from("2001:db8:1::1")).status === 200);
		for (const own of ["127.0.0.0/8", "::ffff:127.0.0.1", "0.0.0.0/0"])
			assert.equal((await add(own)).status, 422, own);
	});

	test("words are refused or held; a held post is let through, or not", async () => {
		const words = "/api/madang/v1/admin/word_blocks";
		assert.equal((await root.call("POST", words, { phrase: "금지어", action: "refuse" })).status, 200);
		assert.equal((await root.call("POST", words, { phrase: "maybe", action: "hold", whole_word: true })).status, 200);
		const refused = await alice.call("POST", "/api/v1/statuses", { status: "이건 금지어다" });
		assert.equal(refused.status, 422);
		const fine = (await alice.call("POST", "/api/v1/statuses", { status: "maybes are fine" })).body;
		for (const word of ["금지어", "maybe"])
			assert.equal((await alice.call("PUT", `/api/v1/statuses/${fine.id}`, { status: `now a ${word}` })).status, 422, word);
		assert.match((await alice.call("GET", `/api/v1/statuses/${fine.id}`)).body.content, /maybes are fine/);
		assert.equal((await alice.call("PUT", `/api/v1/statuses/${fine.id}`, { status: "still fine" })).status, 200);
		const bobs = house.admin(["token", "add", "bob", "--scopes", "read write"]);
		const heard = async () => (await house.call("GET", "/api/v1/notifications?types[]=mention", undefined, { authorization: `Bearer ${bobs}` })).body.length;
		const before = await heard();
		const held = (await alice.call("POST", "/api/v1/statuses", { status: "@bob Maybe this" })).body;
		assert.equal((await alice.call("GET", `/api/v1/statuses/${held.id}`)).status, 200);
		assert.equal((await root.call("GET", `/api/v1/statuses/${held.id}`)).status, 404);
		assert.ok(!(await m.v1.timelines.public.list()).some((s) => s.id === held.id));
		assert.equal(await heard(), before);
		const [waiting] = (await mod.call("GET", "/api/madang/v1/admin/held")).body;
		assert.deepEqual([waiting.id, waiting.visibility, waiting.status.id], [held.id, "public", held.id]);
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/held/${held.id}/approve`)).status, 200);
		assert.equal((await root.call("GET", `/api/v1/statuses/${held.id}`)).body.visibility, "public");
		assert.equal(await heard(), before + 1);
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/held/${held.id}/approve`)).status, 404);
		const second = (await alice.call("POST", "/api/v1/statuses", { status: "maybe not" })).body;
		assert.equal((await mod.call("POST", `/api/madang/v1/admin/held/${second.id}/reject`)).status, 200);
		assert.equal((await alice.call("GET", `/api/v1/statuses/${second.id}`)).status, 404);
		const rule = (await root.call("GET", words)).body.find((w) => w.phrase === "maybe");
		assert.equal((await root.call("PUT", `${words}/${rule.id}`, { action: "refuse" })).status, 200);
		assert.equal((await alice.call("POST", "/api/v1/statuses", { status: "maybe now" })).status, 422);
		assert.equal((await root.call("DELETE", `${words}/${rule.id}`)).status, 200);
		const free = await alice.call("POST", "/api/v1/statuses", { status: "maybe then" });
		assert.equal((await root.call("GET", `/api/v1/statuses/${free.body.id}`)).status, 200);
	});

	test("the first posts of new accounts wait where the setting says so", async () => {
		assert.equal((await root.call("PATCH", "/api/madang/v1/admin/settings", { hold_first_posts: 1 })).body.hold_first_posts, 1);
		const carol = house.account("carol");
		const first = (await carol.call("POST", "/api/v1/statuses", { status: "hello" })).body;
		const second = (await carol.call("POST", "/api/v1/statuses", { status: "hello again" })).body;
		for (const p of [first, second])
			assert.equal((await alice.call("GET", `/api/v1/statuses/${p.id}`)).status, 404);
		await mod.call("POST", `/api/madang/v1/admin/held/${first.id}/approve`);
		const third = (await carol.call("POST", "/api/v1/statuses", { status: "now I may" })).body;
		assert.equal((await alice.call("GET", `/api/v1/statuses/${third.id}`)).status, 200);
		await root.call("PATCH", "/api/madang/v1/admin/settings", { hold_first_posts: 0 });
	});
});

describe("figures and the log", () => {
	test("measures, dimensions, retention", async () => {
		const startAt = new Date(Date.now() - 2 * 86400000).toISOString(), endAt = new Date().toISOString();
		const [news, opened] = await m.v1.admin.measures.create({ keys: ["new_users", "opened_reports", "tag_uses"], startAt, endAt });
		assert.equal(news.key, "new_users");
		assert.ok(Number(news.total) >= 5);
		assert.equal(news.data.length, 3);
		assert.equal(Number(opened.total), 1);
		const dimensions = (await root.call("POST", "/api/v1/admin/dimensions", { keys: ["languages", "software_versions", "space_usage"] })).body;
		assert.deepEqual(dimensions.map((d) => d.key), ["languages", "software_versions", "space_usage"]);
		assert.equal(dimensions[0].data[0].key, "en");
		const cohorts = (await mod.call("POST", "/api/v1/admin/retention", { start_at: startAt, end_at: endAt, frequency: "day" })).body;
		assert.equal(cohorts.length, 3);
		assert.equal(cohorts[2].data.length, 1);
		assert.equal((await mod.call("POST", "/api/v1/admin/measures", { keys: ["new_users"] })).status, 422);
		assert.equal((await mod.call("POST", "/api/v1/admin/measures", { keys: ["new_users"], start_at: "yesterday", end_at: "today" })).status, 422);
	});

	test("every action stands in the audit log, with who did it", async () => {
		const log = (await mod.call("GET", "/api/madang/v1/admin/audit?limit=80")).body;
		const actions = new Set(log.map((x) => x.action));
		for (const what of ["account.none", "account.silence", "account.unsilence", "account.suspend", "account.delete", "report.resolve", "report.note", "domain_block.create", "ip_block.delete", "word_block.create", "post.approve", "post.reject", "appeal.create", "appeal.approve", "settings.change", "account.role"])
			assert.ok(actions.has(what), what);
		const ofBob = (await mod.call("GET", `/api/madang/v1/admin/audit?target_id=${bob.id}`)).body;
		assert.ok(ofBob.every((x) => x.target_id === bob.id));
		assert.ok(ofBob.some((x) => x.account_id === mod.id && x.detail === "enough"));
	});
});
