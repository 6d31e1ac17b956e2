// Early access: tokens and their leaks, programmes with waves, taking access back.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, onPostgres, png, sleep, until } from "./house.mjs";

const api = "/api/madang/v1";
let house, root, alice, bob, fake;
before(async () => {
	fake = http.createServer((rq, rs) => {
		let text = "";
		rq.on("data", (d) => (text += d));
		rq.on("end", async () => {
			await sleep(text.includes("slow") ? 20000 : 10);
			rs.writeHead(200, { "content-type": "application/json" });
			rs.end(JSON.stringify({ data: [{ b64_json: png(64, 64).toString("base64") }] }));
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({ arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m1", "--openai-width", "64", "--openai-height", "64", "--trusted-proxies", "127.0.0.1"] });
	root = house.account("root", { admin: true });
	alice = house.account("alice");
	bob = house.account("bob");
	for (const who of [alice, bob])
		await who.call("POST", `${api}/studio/consent`, { maker: "openai" });
});
after(async () => {
	await house.stop();
	fake.closeAllConnections();
	fake.close();
});

const ok = (r, status = 200) => {
	assert.equal(r.status, status, JSON.stringify(r.body));
	return r.body;
};
const make = async (who, form = {}) => ok(await who.call("POST", `${api}/tokens`, { name: "t", ...form }));
const as = (token, headers = {}) => (method, route, body, more) => house.call(method, route, body, { authorization: `Bearer ${token}`, ...headers, ...more });
const draw = (call, more = {}) => call("POST", "/v1/images/generations", { prompt: "a cat", ...more });
const state = async (who, id) => (await who.call("GET", `${api}/tokens/${id}`)).body.state;
const told = async (who, kind) => (await who.call("GET", `${api}/notices`)).body.filter((n) => n.kind === kind);

test("a token is shown once, counted, and changed by its owner only", async () => {
	const t = await make(alice, { name: "my script", networks: ["127.0.0.0/8"] });
	assert.match(t.token, /^mad-[\w-]{43}$/);
	assert.equal(t.state, "active");
	assert.deepEqual(t.scopes, ["read", "write:media"]);
	ok(await draw(as(t.token)));
	ok(await draw(as(t.token)));
	const seen = await until("the count", async () => {
		const r = (await alice.call("GET", `${api}/tokens/${t.id}`)).body;
		return r.use_count === 2 && r;
	});
	assert.equal(seen.token, undefined);
	assert.equal(seen.last_used_network, "127.0.0.0/24");
	assert.ok(seen.last_used_at);
	assert.equal(seen.uses.length, 1);
	assert.equal(seen.uses[0].count, 2);
	assert.ok(!JSON.stringify((await alice.call("GET", `${api}/tokens`)).body).includes(t.token));
	for (const [method, route, body] of [["GET", ""], ["PATCH", "", { name: "x" }], ["DELETE", ""], ["POST", "/confirm"]])
		assert.equal((await bob.call(method, `${api}/tokens/${t.id}${route}`, body)).status, 404);
	assert.equal(ok(await alice.call("PATCH", `${api}/tokens/${t.id}`, { name: "other", networks: null })).networks.length, 0);
	ok(await alice.call("DELETE", `${api}/tokens/${t.id}`));
	const refused = await draw(as(t.token));
	assert.equal(refused.status, 401);
	assert.match(refused.body.error.message, /revoked/);
	assert.equal(await state(alice, t.id), "revoked");
});

test("bounds: scopes, makers, tasks, networks, origins, time", async () => {
	const cases = [
		[{ scopes: ["read"] }, {}, 403],
		[{ makers: ["builtin"] }, {}, 403],
		[{ makers: ["builtin", "openai"], tasks: ["draw"] }, {}, 200],
		[{ tasks: ["vary"] }, {}, 403],
		[{ networks: ["192.0.2.0/24", "2001:db8::/32"] }, {}, 403],
		[{ networks: ["192.0.2.0/24"] }, { "x-forwarded-for": "192.0.2.77" }, 200],
		[{ networks: ["192.0.2.0/24"] }, { "x-forwarded-for": "192.0.3.77" }, 403],
		[{ networks: ["2001:db8::/32"] }, { "x-forwarded-for": "2001:db8:7::1" }, 200],
		[{ origins: ["https://example.org"] }, {}, 403],
		[{ origins: ["https://example.org"] }, { origin: "https://example.org" }, 200],
		[{ origins: ["https://example.org"] }, { origin: "https://example.org.evil.example" }, 403],
	];
	for (const [form, headers, status] of cases)
		assert.equal((await draw(as((await make(alice, form)).token, headers))).status, status, JSON.stringify([form, headers]));
	const short = await make(alice, { expires_in_s: 1 });
	ok(await draw(as(short.token)));
	await until("the end", async () => (await draw(as(short.token))).status === 401);
	assert.equal(await state(alice, short.id), "expired");
	for (const t of ok(await alice.call("GET", `${api}/tokens?limit=80`)))
		ok(await alice.call("DELETE", `${api}/tokens/${t.id}`));
});

test("bad tokens and bad forms", async () => {
	const t = await make(alice);
	for (const secret of [t.token.slice(0, -1), `${t.token}x`, t.token.slice(4), "mad-", t.token.toUpperCase(), "mad-" + "A".repeat(43), "mad-" + "é".repeat(20), "x".repeat(5000)])
		assert.notEqual((await as(secret)("GET", `${api}/jobs`).catch(() => ({ status: 401 }))).status, 200, secret);
	const forms = [{ name: "" }, { name: " " }, { name: "x".repeat(101) }, { scopes: ["admin:write"] }, { scopes: ["write"] }, { tasks: ["fly"] }, { networks: ["everywhere"] }, { networks: ["1.2.3.4/33"] }, { networks: ["::/129"] }, { origins: ["example.org"] }, { origins: ["https://a/b"] }, { makers: ["two words"] }, { expires_in_s: -1 }, { expires_in_s: 10 ** 15 }, { programme_id: "1" }, { programme_id: "x" }];
	for (const form of forms) {
		const r = await alice.call("POST", `${api}/tokens`, { name: "t", ...form });
		assert.ok(r.status === 422 || (form.programme_id && r.status === 404), `${JSON.stringify(form)}: ${r.status}`);
	}
	assert.equal((await house.call("GET", `${api}/tokens`)).status, 401);
	// A token cannot make, end or confirm tokens, nor do what only a person may.
	const call = as(t.token);
	assert.equal((await call("POST", `${api}/tokens`, { name: "child" })).status, 403);
	assert.equal((await call("DELETE", `${api}/tokens/${t.id}`)).status, 403);
	assert.equal((await call("POST", `${api}/password`, { current_password: "x", password: "yyyyyyyyyy" })).status, 403);
	assert.equal((await call("POST", "/api/v1/statuses", { status: "hi" })).status, 403);
	assert.equal((await call("GET", `${api}/admin/tokens`)).status, 403);
	assert.equal((await alice.call("GET", `${api}/admin/tokens`)).status, 403);
	ok(await alice.call("DELETE", `${api}/tokens/${t.id}`));
});

test("the same token from many networks: its owner is asked, or it is suspended", async () => {
	assert.equal(ok(await root.call("PATCH", `${api}/admin/tokens/policy`, { networks_max: 3 })).action, "confirm");
	const t = await make(alice, { name: "leaky" });
	const from = (n) => as(t.token, { "x-forwarded-for": `198.51.${n}.7` })("GET", `${api}/jobs`);
	for (let n = 0; n < 3; n++)
		ok(await from(n));
	await sleep(1500);
	assert.equal(await state(alice, t.id), "active");
	await from(3);
	await until("the stop", async () => (await from(0)).status === 403);
	const seen = ok(await alice.call("GET", `${api}/tokens/${t.id}`));
	assert.equal(seen.state, "confirm");
	assert.match(seen.reason, /4 networks/);
	const [notice] = await told(alice, "token.confirm");
	assert.equal(notice.target_id, t.id);
	assert.ok(notice.text.includes("leaky"));
	assert.equal(ok(await alice.call("POST", `${api}/tokens/${t.id}/confirm`)).state, "active");
	ok(await from(0));
	await alice.call("POST", `${api}/notices/${notice.id}/read`);
	assert.equal((await told(alice, "token.confirm"))[0].read, true);
	assert.equal((await bob.call("POST", `${api}/notices/${notice.id}/read`)).status, 404);

	ok(await root.call("PATCH", `${api}/admin/tokens/policy`, { action: "suspend", agents_max: 2, networks_max: 100 }));
	const u = await make(alice, { name: "shared" });
	for (let n = 0; n < 3; n++)
		await as(u.token, { "user-agent": `program ${n}` })("GET", `${api}/jobs`);
	await until("the suspension", async () => (await state(alice, u.id)) === "suspended");
	assert.equal((await alice.call("POST", `${api}/tokens/${u.id}/confirm`)).status, 403);
	assert.equal(ok(await root.call("POST", `${api}/tokens/${u.id}/confirm`)).state, "active");

	ok(await root.call("PATCH", `${api}/admin/tokens/policy`, { agents_max: 100, requests_max: 20 }));
	const v = await make(alice, { name: "hasty" });
	for (let n = 0; n < 25; n++)
		await as(v.token)("GET", `${api}/jobs`);
	await until("the suspension", async () => (await state(alice, v.id)) === "suspended");
	ok(await root.call("PATCH", `${api}/admin/tokens/policy`, { action: "confirm", networks_max: 50, agents_max: 50, requests_max: 10000 }));
	for (const bad of [{ networks_max: 0 }, { requests_max: -5 }, { action: "explode" }])
		assert.equal((await root.call("PATCH", `${api}/admin/tokens/policy`, bad)).status, 422);
	assert.ok(ok(await root.call("GET", `${api}/admin/tokens?account_id=${alice.id}`)).every((t) => t.account.username === "alice"));
});

test("a token in a public post is suspended at once, with its jobs", async () => {
	const t = await make(alice, { name: "posted" });
	const asked = draw(as(t.token), { prompt: "slow" });
	const job = await until("the job", async () => (await alice.call("GET", `${api}/jobs`)).body.find((j) => j.state === "drawing"));
	ok(await bob.call("POST", "/api/v1/statuses", { status: `look what I found: (${t.token}).` }));
	assert.equal(await state(alice, t.id), "suspended");
	assert.equal((await as(t.token)("GET", `${api}/jobs`)).status, 403);
	assert.equal((await asked).status, 403);
	assert.equal((await alice.call("GET", `${api}/jobs/${job.id}`)).body.state, "cancelled");
	assert.equal((await told(alice, "token.suspended")).filter((n) => n.target_id === t.id).length, 1);
});

test("a programme: closed to others, applied for, opened in waves, ended", async () => {
	const form = { name: "Testers", makers: ["openai"], terms: "Be kind.", places: 1, review: "none", questions: ["What was good?", "What was not?"] };
	const p = ok(await root.call("POST", `${api}/admin/programmes`, form));
	assert.equal(p.state, "open");
	assert.deepEqual(p.questions, form.questions);
	const refused = await draw(bob.call);
	assert.equal(refused.status, 403);
	assert.match(refused.body.error.message, /Testers/);
	assert.equal((await bob.call("POST", `${api}/jobs`, { prompt: "x" })).status, 403);

	assert.equal((await bob.call("POST", `${api}/programmes/${p.id}/apply`, { reason: "curious" })).status, 422); // the terms
	const applied = ok(await bob.call("POST", `${api}/programmes/${p.id}/apply`, { reason: "curious", accept_terms: true }));
	assert.equal(applied.membership.state, "applied");
	assert.equal(applied.counts, undefined);
	assert.equal((await bob.call("POST", `${api}/programmes/${p.id}/apply`, { accept_terms: true })).status, 409);
	assert.equal((await draw(bob.call)).status, 403);
	const wave = ok(await root.call("POST", `${api}/admin/programmes/${p.id}/cohorts`, { name: "first wave" }));
	const [member] = ok(await root.call("GET", `${api}/admin/programmes/${p.id}/members?state=applied`));
	assert.equal(member.reason, "curious");
	ok(await root.call("POST", `${api}/admin/programmes/${p.id}/members/${member.id}`, { state: "active", cohort_id: wave.id }));
	assert.match((await draw(bob.call)).body.error.message, /not been opened/);
	ok(await root.call("PATCH", `${api}/admin/programmes/${p.id}/cohorts/${wave.id}`, { opens_at: new Date(Date.now() - 1000).toISOString() }));
	const drawn = ok(await draw(bob.call));
	assert.equal((await told(bob, "programme.accepted")).length, 1);

	// The one place is taken.
	assert.equal((await alice.call("POST", `${api}/programmes/${p.id}/apply`, { accept_terms: true })).status, 409);
	assert.equal((await root.call("POST", `${api}/admin/programmes/${p.id}/members`, { username: "alice" })).status, 409);
	ok(await root.call("PATCH", `${api}/admin/programmes/${p.id}`, { places: 5 }));
	ok(await root.call("POST", `${api}/admin/programmes/${p.id}/members`, { username: "alice" }));
	assert.equal((await told(alice, "programme.invited")).length, 1);
	assert.equal((await draw(alice.call)).status, 403);
	ok(await alice.call("POST", `${api}/programmes/${p.id}/accept`, { accept_terms: true }));
	ok(await draw(alice.call));

	// New terms have to be accepted anew.
	ok(await root.call("PATCH", `${api}/admin/programmes/${p.id}`, { terms: "Be kinder." }));
	assert.match((await draw(alice.call)).body.error.message, /terms/);
	ok(await alice.call("POST", `${api}/programmes/${p.id}/accept`, { accept_terms: true }));
	ok(await draw(alice.call));

	// Its end closes the maker for its members too; it does not open it for others.
	ok(await root.call("PATCH", `${api}/admin/programmes/${p.id}`, { ends_at: "2020-01-01" }));
	assert.match((await draw(alice.call)).body.error.message, /ended/);
	assert.equal((await draw(house.account("carol").call)).status, 403);
	assert.equal((await alice.call("POST", `${api}/programmes/${p.id}/apply`, {})).status, 403);
	ok(await root.call("PATCH", `${api}/admin/programmes/${p.id}`, { ends_at: null }));
	assert.equal((await root.call("DELETE", `${api}/admin/programmes/${p.id}`)).status, 409);
	assert.ok(drawn.madang.job_id);
});

test("bad programmes, and other people's ids", async () => {
	for (const form of [{}, { name: "" }, { name: "x", places: -1 }, { name: "x", tasks: ["fly"] }, { name: "x", review: "maybe" }, { name: "x", review_hours: 0 }, { name: "x", starts_at: "soon" }, { name: "x", starts_at: "2026-02-02", ends_at: "2026-02-01" }])
		assert.equal((await root.call("POST", `${api}/admin/programmes`, form)).status, 422, JSON.stringify(form));
	const a = ok(await root.call("POST", `${api}/admin/programmes`, { name: "A", listed: false }));
	const b = ok(await root.call("POST", `${api}/admin/programmes`, { name: "B" }));
	const cohort = ok(await root.call("POST", `${api}/admin/programmes/${a.id}/cohorts`, { name: "of A" }));
	assert.equal((await alice.call("GET", `${api}/programmes/${a.id}`)).status, 404); // not listed
	assert.equal((await alice.call("POST", `${api}/programmes/${a.id}/apply`, {})).status, 404);
	assert.equal((await root.call("POST", `${api}/admin/programmes/${b.id}/members`, { username: "alice", cohort_id: cohort.id })).status, 422);
	assert.equal((await root.call("PATCH", `${api}/admin/programmes/${b.id}/cohorts/${cohort.id}`, { name: "mine" })).status, 404);
	assert.equal((await root.call("POST", `${api}/admin/programmes/${b.id}/members`, { username: "nobody" })).status, 422);
	assert.equal((await alice.call("POST", `${api}/admin/programmes`, { name: "mine" })).status, 403);
	assert.equal((await draw(alice.call, { programme_id: a.id })).status, 400);
	assert.equal((await draw(alice.call, { programme_id: "x" })).status, 400);
	assert.equal((await draw(alice.call, { programme_id: b.id })).status, 403);
	assert.equal((await alice.call("POST", `${api}/tokens`, { name: "t", programme_id: b.id })).status, 403);
	ok(await root.call("DELETE", `${api}/admin/programmes/${a.id}`));
	ok(await root.call("DELETE", `${api}/admin/programmes/${b.id}`));
});

test("revoking cuts streams, cancels jobs, tells those affected, and can be undone", async () => {
	const p = ok(await root.call("GET", `${api}/programmes`)).find((x) => x.name === "Testers");
	const cohort = ok(await root.call("GET", `${api}/admin/programmes/${p.id}/cohorts`))[0];
	await bob.call("POST", `${api}/programmes/${p.id}/accept`, { accept_terms: true });
	const targets = [
		["token", async (t) => t.id],
		["account", async () => bob.id],
		["cohort", async () => cohort.id],
		["programme", async () => p.id],
	];
	for (const [kind, id] of targets) {
		const t = await make(bob, { name: kind, programme_id: p.id });
		const call = as(t.token);
		const waits = draw(call, { prompt: "slow" });
		const stream = fetch(`${house.url}/v1/images/generations`, { method: "POST", headers: { authorization: `Bearer ${t.token}`, "content-type": "application/json" }, body: JSON.stringify({ prompt: "slow", stream: true }) });
		const jobs = await until("two jobs", async () => {
			const found = (await bob.call("GET", `${api}/jobs`)).body.filter((j) => ["queued", "drawing"].includes(j.state));
			return found.length === 2 && found;
		});
		const events = fetch(`${house.url}${api}/jobs/${jobs[0].id}/events`, { headers: { authorization: `Bearer ${t.token}` } });
		await stream;
		await events;
		const r = ok(await root.call("POST", `${api}/admin/revocations`, { kind, id: await id(t), message: "Sorry!" }));
		assert.equal(r.kind, kind);
		assert.equal(r.jobs, 2);
		assert.ok(r.tokens >= 1);
		assert.equal((await draw(call)).status, 401, kind);
		assert.match(await (await stream).text(), /event: error/);
		await (await events).text(); // it ends
		assert.equal((await waits).status, 403);
		for (const j of jobs)
			assert.equal((await bob.call("GET", `${api}/jobs/${j.id}`)).body.state, "cancelled");
		assert.match((await told(bob, "access.revoked"))[0].text, /Sorry!/);
		assert.equal((await root.call("POST", `${api}/admin/revocations`, { kind, id: await id(t) })).status, 409);
		if (kind !== "token")
			assert.equal((await draw(bob.call)).status, 403);
		const undone = ok(await root.call("DELETE", `${api}/admin/revocations/${r.id}`));
		assert.ok(undone.undone_at);
		ok(await draw(call));
		assert.ok((await told(bob, "access.restored")).length);
		assert.equal((await root.call("DELETE", `${api}/admin/revocations/${r.id}`)).status, 409);
	}
	assert.equal((await root.call("POST", `${api}/admin/revocations`, { kind: "token", id: "123" })).status, 404);
	assert.equal((await root.call("POST", `${api}/admin/revocations`, { kind: "world", id: "1" })).status, 422);
	assert.equal((await root.call("POST", `${api}/admin/revocations`, { kind: "token" })).status, 422);
	assert.equal((await alice.call("POST", `${api}/admin/revocations`, { kind: "account", id: bob.id })).status, 403);
	assert.equal(ok(await root.call("GET", `${api}/admin/revocations`)).length, 4);
});

test("revoking reaches every process", { skip: !onPostgres && "one process on SQLite" }, async () => {
	const second = await House.beside(house, { arguments: house.options.arguments });
	try {
		const p = ok(await root.call("GET", `${api}/programmes`)).find((x) => x.name === "Testers");
		const t = await make(bob, { name: "both", programme_id: p.id });
		const headers = { authorization: `Bearer ${t.token}` };
		const streams = [];
		for (const h of [house, second]) {
			const r = await fetch(`${h.url}/v1/images/generations`, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify({ prompt: "slow", stream: true }) });
			assert.equal(r.status, 200);
			streams.push(r.text());
		}
		await until("both jobs", async () => (await bob.call("GET", `${api}/jobs`)).body.filter((j) => ["queued", "drawing"].includes(j.state)).length === 2);
		const r = ok(await root.call("POST", `${api}/admin/revocations`, { kind: "programme", id: p.id }));
		assert.equal(r.jobs, 2);
		for (const h of [house, second])
			assert.equal((await h.call("GET", "/v1/models", undefined, headers)).status, 401);
		for (const s of await Promise.all(streams))
			assert.match(s, /event: error/);
		ok(await root.call("DELETE", `${api}/admin/revocations/${r.id}`));
		for (const h of [house, second])
			assert.equal((await h.call("GET", "/v1/models", undefined, headers)).status, 200);
	} finally {
		await second.kill("SIGTERM");
	}
});
