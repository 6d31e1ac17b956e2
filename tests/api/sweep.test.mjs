// Whose it is: bob has one of everything that is private, with a word in it that nobody else may ever read. Every
// route of docs/api.md is asked for each of these things by strangers, in the path and in every parameter that names
// one; after it all bob's world is as it was. And the tokens that must not be enough: ended, of other scopes, of
// moderators where an administrator is needed; and bodies that are too large.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { House, png, sleep, tinyModel, until } from "./house.mjs";

const docs = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
const routes = [...docs.matchAll(/^\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \| (\S+) \|/gm)].map(([, method, path, scope]) => ({ method, path, scope: scope.replace(/^\?.*/, "-"), name: `${method} ${path}` }));
const SECRET = "qzxb";
const ours = "/api/madang/v1";
// What ends the asker's own session or token, or clears the asker's own things.
const ending = new Set(["DELETE /api/madang/v1/session", "POST /oauth/revoke"]);
const streams = /events$|streaming(?!\/health)/;

let house, root, mod, bob, carol, dave, mallory, blocked;
const theirs = {}; // what it is -> its id

async function made(what, who, method, route, body) {
	const r = await who.call(method, route, body);
	assert.ok(r.status < 300, `${what}: ${r.status} ${JSON.stringify(r.body)}`);
	return r.body;
}

function upload(who, description) {
	const form = new FormData();
	form.set("file", new Blob([png(32, 32)], { type: "image/png" }), "a.png");
	form.set("description", description);
	return made("media", who, "POST", "/api/v2/media", form);
}

async function draw(prompt) {
	const job = await made("job", bob, "POST", `${ours}/jobs`, { prompt, seed: 7 });
	return until("the picture", async () => {
		const r = await bob.call("GET", `${ours}/jobs/${job.id}`);
		return r.body.state === "finished" && r.body;
	}, 240000);
}

async function posts() {
	const say = async (who, form) => made("post", who, "POST", "/api/v1/statuses", form);
	theirs.post = (await say(bob, { status: `${SECRET} for followers`, visibility: "private" })).id;
	const poll = await say(bob, { status: `${SECRET} poll`, visibility: "private", poll: { options: [`${SECRET} a`, "b"], expires_in: 3600 } });
	theirs.pollPost = poll.id;
	theirs.poll = poll.poll.id;
	theirs.direct = (await say(bob, { status: `@carol ${SECRET}`, visibility: "direct" })).id;
	theirs.answer = (await say(carol, { status: `@bob ${SECRET}`, visibility: "direct", in_reply_to_id: theirs.direct })).id;
	theirs.picturePost = (await say(bob, { status: `${SECRET} picture`, visibility: "private", media_ids: [(await upload(bob, SECRET)).id] })).id;
	await say(carol, { status: "an open answer", in_reply_to_id: theirs.post });
	theirs.scheduled = (await say(bob, { status: `${SECRET} later`, scheduled_at: new Date(Date.now() + 3600e3).toISOString() })).id;
	theirs.media = (await upload(bob, SECRET)).id;
	const job = await draw(`${SECRET} 1`);
	theirs.job = job.id;
	theirs.drawn = job.media[0].id;
	theirs.madePost = (await say(bob, { status: `${SECRET} made`, visibility: "private", media_ids: [(await draw(`${SECRET} 2`)).media[0].id] })).id;
	// Open to all, but not what was asked for.
	bob.open = (await say(bob, { status: "look", media_ids: [(await draw(`${SECRET} 3`)).media[0].id], madang: { prompt_visibility: "private" } })).id;
}

async function things() {
	const list = await made("list", bob, "POST", "/api/v1/lists", { title: SECRET });
	theirs.list = list.id;
	await made("listed", bob, "POST", `/api/v1/lists/${list.id}/accounts`, { account_ids: [carol.id] });
	const filter = await made("filter", bob, "POST", "/api/v2/filters", { title: SECRET, context: ["home"], keywords_attributes: [{ keyword: SECRET }] });
	theirs.filter = filter.id;
	theirs.keyword = filter.keywords[0].id;
	theirs.filterStatus = (await made("filtered post", bob, "POST", `/api/v2/filters/${filter.id}/statuses`, { status_id: theirs.post })).id;
	theirs.featured = (await made("tag", bob, "POST", "/api/v1/featured_tags", { name: "yard" })).id;
	theirs.token = (await made("token", bob, "POST", `${ours}/tokens`, { name: SECRET })).id;
	theirs.session = (await made("sessions", bob, "GET", `${ours}/sessions`))[0].id;
	await made("note", bob, "POST", `/api/v1/accounts/${mallory.id}/note`, { comment: SECRET });
	await made("report", bob, "POST", "/api/v1/reports", { account_id: dave.id, comment: SECRET });
	await made("strike", mod, "POST", `/api/v1/admin/accounts/${bob.id}/action`, { type: "none", text: SECRET });
	theirs.strike = (await made("strikes", bob, "GET", `${ours}/strikes`))[0].id;
	theirs.report = (await made("reports", mod, "GET", "/api/v1/admin/reports"))[0].id;
	theirs.reportNote = (await made("note", mod, "POST", `${ours}/admin/reports/${theirs.report}/notes`, { text: SECRET })).id;
	theirs.conversation = (await made("conversations", bob, "GET", "/api/v1/conversations"))[0].id;
	const [told] = await made("notifications", bob, "GET", "/api/v1/notifications?types[]=mention");
	theirs.notification = told.id;
	theirs.group = (await made("groups", bob, "GET", "/api/v2/notifications")).notification_groups[0].group_key;
	await made("policy", bob, "PATCH", "/api/v2/notifications/policy", { for_not_following: "filter" });
	await made("mention", dave, "POST", "/api/v1/statuses", { status: `@bob ${SECRET}`, visibility: "direct" });
	theirs.request = (await made("requests", bob, "GET", "/api/v1/notifications/requests"))[0].id;
	const programme = await made("programme", root, "POST", `${ours}/admin/programmes`, { name: SECRET, listed: false });
	theirs.programme = programme.id;
	await made("member", root, "POST", `${ours}/admin/programmes/${programme.id}/members`, { username: "bob" });
	await made("accepting", bob, "POST", `${ours}/programmes/${programme.id}/accept`, { accept_terms: true });
	theirs.notice = (await made("notices", bob, "GET", `${ours}/notices`))[0].id;
	theirs.feedback = (await made("feedback", bob, "POST", `${ours}/feedback`, { programme_id: programme.id, text: SECRET })).id;
	theirs.invitation = (await made("invitation", root, "POST", `${ours}/admin/invitations`, {})).id;
}

before(async () => {
	house = await House.start({ model: tinyModel() });
	root = house.account("root1", { admin: true });
	[mod, bob, carol, dave, mallory, blocked] = ["mod", "bob", "carol", "dave", "mallory", "blocked"].map((n) => house.account(n));
	await made("role", root, "POST", `${ours}/admin/accounts/${mod.id}/role`, { role: "moderator" });
	const desk = house.admin(["token", "add", "mod", "--scopes", "read write follow push admin:read admin:write"]);
	mod.call = (method, route, body, headers) => house.call(method, route, body, { ...headers, authorization: `Bearer ${desk}` });
	await made("follow", bob, "POST", `/api/v1/accounts/${carol.id}/follow`);
	await made("follow", carol, "POST", `/api/v1/accounts/${bob.id}/follow`);
	await made("block", bob, "POST", `/api/v1/accounts/${blocked.id}/block`);
	await posts();
	await things();
});
after(() => house.stop());

// A stream that opens is closed after a moment; what has come by then is its body.
async function ask(who, method, route, body, headers) {
	if (method !== "GET" || !streams.test(route.split("?")[0]))
		return who.call(method, route, body, headers);
	const stop = new AbortController();
	const r = await fetch(house.url + route, { headers: { ...headers, ...(who.token && { authorization: `Bearer ${who.token}` }) }, signal: stop.signal });
	let text = "";
	setTimeout(() => stop.abort(), 60);
	try {
		for await (const piece of r.body.pipeThrough(new TextDecoderStream()))
			text += piece;
	} catch {
		// closed by us
	}
	return { status: r.status, headers: r.headers, body: text };
}

function check(what, r) {
	assert.ok(r.status < 500, `${what}: ${r.status} ${JSON.stringify(r.body)}`);
	assert.ok(!JSON.stringify(r.body).includes(SECRET), `${what} shows it: ${JSON.stringify(r.body).slice(0, 600)}`);
	if (r.status >= 400)
		assert.match(r.headers.get("content-type"), /application\/json/, what);
	return r.status;
}

// Every parameter that names a thing, with so much beside it that nothing else is missing.
const naming = (id) => ({
	status: "x", prompt: "a red apple", name: "x", title: "x", text: "x", phrase: "x", keyword: "x", context: ["home"], comment: "x", choices: [0], decision: "approve", type: "none", accept_terms: true, maker: "builtin", task: "vary", reason: "x",
	in_reply_to_id: id, quoted_status_id: id, media_ids: [id], media_id: id, status_id: id, status_ids: [id], before: id, programme_id: id, list: id, id, account_id: dave.id, account_ids: [dave.id],
	source: { media_id: id }, home: { last_read_id: id }, media_attributes: [{ id, description: "x" }], keywords_attributes: [{ id, keyword: "x" }],
});
const parameters = (id) => new URLSearchParams({ id, list: id, stream: "list", q: SECRET, status_id: id, account_id: id, max_id: id, min_id: id, state: "", resolve: "true" });

// What bob finds when he looks through everything of his own.
const changing = new Set(["last_used_at", "use_count", "last_used_network", "uses", "wait", "resets_at", "remaining", "position", "elsewhere", "load", "expires_at", "statuses_count", "last_status_at", "updated_at"]);
async function world() {
	const all = {};
	const still = (x) => (Array.isArray(x) ? x.map(still) : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).filter(([k]) => !changing.has(k)).map(([k, v]) => [k, still(v)])) : x);
	for (const { method, path, scope, name } of routes)
		if (method === "GET" && !path.includes(":id") && scope !== "-" && !scope.startsWith("admin") && !streams.test(path) && !/suggestions|authorize|relationships|familiar|accounts\/search|timelines|announcements|apps|sessions|archive/.test(path))
			all[name] = still((await bob.call("GET", path)).body);
	for (const id of [theirs.post, theirs.pollPost, theirs.direct, theirs.picturePost, theirs.madePost, bob.open])
		all[`post ${id}`] = still((await bob.call("GET", `/api/v1/statuses/${id}`)).body);
	for (const [path, id] of [["/api/v1/media/", theirs.media], [`${ours}/jobs/`, theirs.job], ["/api/v1/scheduled_statuses/", theirs.scheduled], ["/api/v1/lists/", theirs.list], ["/api/v2/filters/", theirs.filter]])
		all[path] = still((await bob.call("GET", path + id)).body);
	all.listed = (await bob.call("GET", `/api/v1/lists/${theirs.list}/accounts`)).body.map((x) => x.id);
	return all;
}

assert.ok(routes.length > 200, "the table in docs/api.md is read");
let world0;

test("bob reads his own", async () => {
	world0 = await world();
	assert.ok(JSON.stringify(world0).split(SECRET).length > 40);
});

describe("another person's", () => {
	for (const route of routes.filter((r) => !ending.has(r.name))) {
		const { method, path, scope, name } = route;
		test(name, async () => {
			const nobody = { call: (...a) => house.call(...a) };
			const { post, media, drawn, list, scheduled, programme, report } = theirs;
			// Of what the desk reads, one thing shows that it is the desk's alone.
			const wanted = scope.startsWith("admin") ? { post, report } : path.includes(":id") ? theirs : { post, media, drawn, list, scheduled, programme };
			await Promise.all(Object.entries(wanted).map(async ([what, id]) => {
				const filled = path.replaceAll(":id", encodeURIComponent(id)).replace("*", "x");
				for (const [who, by] of [["mallory", mallory], ["nobody", nobody]]) {
					if (who === "nobody" && scope !== "-")
						continue; // the routes that nobody may ask are swept in bad.test.mjs
					const said = method === "GET" ? await ask(by, method, `${filled}?${parameters(id)}`) : await ask(by, method, filled, naming(id));
					const status = check(`${name} with bob's ${what} by ${who}`, said);
					if (path.includes(":id") && !path.includes("/tags/:id") && !path.includes("/tag/:id"))
						assert.ok(status >= 400, `${name} with bob's ${what} by ${who}: ${status} ${JSON.stringify(said.body)}`);
				}
			}));
			if (path.includes("/statuses/:id"))
				assert.ok(check(`${name} by who is blocked`, await ask(blocked, method, path.replaceAll(":id", bob.open), method === "GET" ? undefined : naming("1"))) >= 400, `${name} by who is blocked`);
		});
	}
	test("pictures of a post that is open, its prompt that is not", async () => {
		for (const route of [`/api/v1/statuses/${bob.open}`, `/api/v1/statuses/${bob.open}/context`, `/api/v1/statuses/${bob.open}/history`, `${ours}/lineage/${bob.open}`, `/api/v1/accounts/${bob.id}/statuses`, "/api/v1/timelines/public", `${ours}/explore`, `/api/v2/search?q=${SECRET}`])
			check(route, await mallory.call("GET", route));
		// It is found by its author alone: not even that it is there is told.
		await until("the index", async () => (await bob.call("GET", `/api/v2/search?q=${SECRET}&type=statuses`)).body.statuses.some((p) => p.id === bob.open));
		assert.deepEqual((await mallory.call("GET", `/api/v2/search?q=${SECRET}&type=statuses`)).body.statuses, []);
	});
	test("bob's world is as it was", async () => {
		const now = await world();
		for (const [name, was] of Object.entries(world0))
			assert.deepEqual(now[name], was, name);
	});
});

describe("not enough", () => {
	const scoped = routes.filter((r) => /^(read|write|push|admin:)/.test(r.scope) || ["any", "admin"].includes(r.scope));
	const as = (token) => ({ token, call: (m, r, b, h) => house.call(m, r, b, { ...h, authorization: `Bearer ${token}` }) });
	const filled = (path) => path.replaceAll(":id", "1").replace("*", "x");
	// A token that is shown must hold, also where none is needed; of pictures nobody's word is asked, and a client ends its own.
	const shown = routes.filter((r) => !/^\/(media|avatars)\//.test(r.path));

	test("a token that has just been ended", async () => {
		const app = await made("app", { call: (...a) => house.call(...a) }, "POST", "/api/v1/apps", { client_name: "x", redirect_uris: "urn:ietf:wg:oauth:2.0:oob", scopes: "read write" });
		const old = await made("token", mallory, "POST", `${ours}/tokens`, { name: "old", scopes: ["read"], expires_in_s: 60 });
		const ended = as(old.token);
		assert.equal((await ended.call("GET", `${ours}/jobs`)).status, 200);
		assert.equal((await as("x").call("POST", "/oauth/revoke", { client_id: app.client_id, client_secret: app.client_secret, token: bob.token })).status < 500, true);
		assert.equal((await bob.call("GET", "/api/v1/accounts/verify_credentials")).status, 200, "another app's token stays");
		assert.equal((await mallory.call("DELETE", `${ours}/tokens/${old.id}`)).status, 200);
		for (const { method, path, name } of shown)
			assert.equal(check(name, await ask(ended, method, filled(path), method === "GET" ? undefined : {})), 401, name);
	});

	test("a token whose time has passed", async () => {
		const short = await made("token", mallory, "POST", `${ours}/tokens`, { name: "short", scopes: ["read"], expires_in_s: 60 });
		house.sql(`UPDATE tokens SET expires_at = 1 WHERE id = ${short.id};`);
		const app = house.admin(["token", "add", "mallory", "--scopes", "read write follow push"]);
		house.sql("UPDATE oauth_tokens SET expires_at = 1 WHERE id = (SELECT MAX(id) FROM oauth_tokens);");
		for (const late of [as(short.token), as(app)])
			for (const { method, path, name } of shown)
				assert.equal(check(name, await ask(late, method, filled(path), method === "GET" ? undefined : {})), 401, name);
	});

	test("a token of other scopes", async () => {
		const of = (scopes) => as(house.admin(["token", "add", "root1", "--scopes", scopes]));
		const [reader, writer, neither] = [of("read admin:read"), of("write push admin:write"), of("read:search write:reports")];
		for (const { method, path, scope, name } of scoped.filter((r) => r.scope !== "any")) {
			const who = /^(read|admin:read)/.test(scope) ? writer : reader;
			assert.equal(check(name, await ask(who, method, filled(path), method === "GET" ? undefined : {})), 403, name);
			if (!["read:search", "write:reports"].includes(scope))
				assert.equal(check(name, await ask(neither, method, filled(path), method === "GET" ? undefined : {})), 403, `${name}, narrow`);
		}
	});

	test("a moderator where an administrator is needed", async () => {
		for (const { method, path, name } of routes.filter((r) => r.scope === "admin"))
			assert.equal(check(name, await mod.call(method, filled(path), method === "GET" ? undefined : {})), 403, name);
	});

	test("a body of a megabyte is refused, and nothing of it stays", async () => {
		const big = "x".repeat(1 << 20);
		for (const { method, path, name } of routes.filter((r) => r.method !== "GET" && !ending.has(r.name))) {
			const form = new URLSearchParams({ status: "x", description: big, prompt: big, display_name: big });
			const r = await root.call(method, filled(path), form).catch((e) => ({ status: 413, cut: e }));
			if (!r.cut) // an answer that comes before all is sent may cost the connection
				assert.ok([400, 404, 413, 422].includes(check(name, r)), `${name}: ${r.status} ${JSON.stringify(r.body)}`);
		}
	});
});

// Whoever may ask, and says nothing at all. What needs nothing is named here; every other route without an id in its path
// says what is missing, a new one too. Those with an id are asked for everything that bob has, the deleting ones last.
const needsNothing = new Set([
	// Settings of which none is changed.
	"PATCH /api/madang/v1/admin/tokens/policy", "PATCH /api/madang/v1/notices/mail", "PATCH /api/madang/v1/admin/load", "PATCH /api/madang/v1/admin/settings", "PATCH /api/v1/accounts/update_credentials", "PATCH /api/v1/profile", "PUT /api/v1/profile", "PATCH /api/v2/notifications/policy", "PUT /api/v2/notifications/policy",
	// A secret to begin with, an invitation, and what is about everything or about nothing that is named.
	"POST /api/madang/v1/totp", "POST /api/madang/v1/admin/invitations", "POST /api/v1/markers", "POST /api/v1/notifications/clear", "POST /api/v1/notifications/requests/accept", "POST /api/v1/notifications/requests/dismiss", "POST /api/v1/admin/dimensions",
]);
// What every route reads, by the names in docs/api.md and in the routes' own code: all at once, each of the wrong type.
const said = [...new Set(["api/mastodon", "api/studio", "api/admin", "api/openai", "app"].flatMap((folder) => {
	const at = new URL(`../../src/${folder}/`, import.meta.url);
	return readdirSync(at).filter((f) => f.endsWith(".c")).flatMap((f) => [...readFileSync(new URL(f, at), "utf8").matchAll(/param_\w+\(\s*\w+,\s*"([^"]+)"/g)].map((m) => m[1]));
}))];
const wrong = { array: [[1]], object: { a: { b: [null] } }, huge: 1e300, negative: -7, fraction: 0.5, text: "x".repeat(3000), empty: "", controls: "a\u0001b", path: "../../etc/passwd" };
const refusal = (name, path, r) => {
	if (r.status < 400)
		return;
	assert.match(r.headers.get("content-type"), /application\/json/, name);
	assert.equal(typeof (path.startsWith("/v1/") ? r.body.error?.message : r.body.error), "string", `${name}: ${JSON.stringify(r.body)}`);
};
assert.ok(said.length > 150, `${said.length} names of parameters are found`);

describe("nothing is said, then what is wrong", () => {
	const writing = routes.filter((r) => r.method !== "GET" && !ending.has(r.name));
	const order = (r) => (r.method === "DELETE" ? 1 : 0);
	for (const { method, path, scope, name } of writing.sort((x, y) => order(x) - order(y)))
		test(name, async () => {
			// Bob owns what is asked for; what the desk does is an administrator's.
			const who = scope.startsWith("admin") || path.includes("/admin/") ? root : bob;
			let answered = false;
			const there = []; // the ids of things that this route is about
			for (const id of path.includes(":id") ? ["1", ...Object.values(theirs)] : [""])
				for (const [what, body, headers] of [["JSON", {}], ["form", new URLSearchParams()], ["multipart", "--b--\r\n", { "content-type": "multipart/form-data; boundary=b" }]]) {
					const r = await who.call(method, path.replaceAll(":id", encodeURIComponent(id)).replace("*", "x"), body, headers);
					assert.ok(r.status < 500, `${name} of ${id}, empty ${what}: ${r.status} ${JSON.stringify(r.body)}`);
					answered ||= r.status < 400;
					refusal(name, path, r);
					if (what === "JSON" && r.status !== 404)
						there.push(id);
				}
			// And of the wrong types, where there is something to look at.
			for (const id of method === "DELETE" ? [] : there.slice(0, 3))
				for (const [kind, value] of Object.entries(wrong)) {
					const r = await who.call(method, path.replaceAll(":id", encodeURIComponent(id)).replace("*", "x"), Object.fromEntries(said.map((n) => [n, value])));
					assert.ok(r.status < 500, `${name} of ${id} with ${kind}: ${r.status} ${JSON.stringify(r.body)}`);
					refusal(`${name} of ${id} with ${kind}`, path, r);
				}
			if (!path.includes(":id"))
				assert.equal(answered, needsNothing.has(name), `${name}: ${answered ? "answered, though nothing was said" : "is named as one that needs nothing"}`);
		});
});

test("after all this it is the same process, without an error in its log", async () => {
	await sleep(200);
	assert.equal(house.process.exitCode, null);
	assert.ok(!/level=error/.test(house.log), house.log.match(/.*level=error.*/)?.[0]);
	assert.match((await house.call("GET", "/metrics")).body, /madang_http_requests_total\{status="5xx"\} 0/);
});
