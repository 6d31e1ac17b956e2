// What real apps read field by field, and where an answer that looks right breaks them: numbers and texts, links,
// scopes, limits. Each of these was once different from Mastodon's.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient, createStreamingAPIClient } from "masto";
import WebSocket from "ws";
import { House, until } from "./house.mjs";
import { checkShape } from "./shape.mjs";

let house, root, alice, bob, carol, a, b, nobody;
before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	[alice, bob, carol] = ["alice", "bob", "carol"].map((n) => house.account(n));
	const client = (who) => createRestAPIClient({ url: house.url, accessToken: who?.token });
	[a, b, nobody] = [client(alice), client(bob), client()];
});
after(() => house.stop());

const ok = (r) => {
	assert.ok(r.status < 300, `${r.status} ${JSON.stringify(r.body)}`);
	return r.body;
};
const get = async (who, route) => ok(await (who ?? house).call("GET", route));
const say = async (who, status, more) => ok(await who.call("POST", "/api/v1/statuses", { status, ...more }));
const withScopes = (name, scopes) => {
	const token = house.admin(["token", "add", name, "--scopes", scopes]);
	return { token, call: (m, r, body) => house.call(m, r, body, { authorization: `Bearer ${token}` }) };
};
// Trends are found the more seldom the busier the machine is: at most one part in fifty of its time.
const LATE_MS = 300000;
const links = (r) => Object.fromEntries([...(r.headers.get("link") ?? "").split(",")].flatMap((l) => {
	const m = l.match(/<([^>]+)>; rel="(\w+)"/);
	return m ? [[m[2], m[1]]] : [];
}));

describe("scopes", () => {
	test("what everybody may read needs the scope where a token is shown", async () => {
		const hidden = await say(alice, "for followers", { visibility: "private" });
		const open = await say(alice, "for all");
		const only = withScopes("alice", "write:statuses push");
		for (const route of [`statuses/${hidden.id}`, `statuses/${open.id}`, `statuses/${open.id}/context`, `statuses/${open.id}/history`, `statuses/${open.id}/favourited_by`, `statuses?id[]=${open.id}`, `accounts/${alice.id}`, `accounts/${alice.id}/statuses`, `accounts/${alice.id}/followers`, "accounts/lookup?acct=alice", "timelines/public", "timelines/tag/x"]) {
			const r = await only.call("GET", `/api/v1/${route}`);
			assert.deepEqual([r.status, r.body.error], [403, "This action is outside the authorized scopes"], route);
		}
		assert.equal((await only.call("GET", "/api/v2/search?q=x")).status, 403);
		const narrow = withScopes("alice", "read:statuses");
		assert.equal((await narrow.call("GET", `/api/v1/statuses/${hidden.id}`)).status, 200);
		assert.equal((await narrow.call("GET", `/api/v1/accounts/${alice.id}`)).status, 403);
		assert.equal((await house.call("GET", `/api/v1/statuses/${open.id}`)).status, 200);
		assert.equal((await only.call("GET", "/api/v2/instance")).status, 200);
	});

	test("`profile` tells who one is, and nothing else", async () => {
		const profile = withScopes("alice", "profile");
		assert.equal((await profile.call("GET", "/api/v1/accounts/verify_credentials")).body.username, "alice");
		const info = (await profile.call("GET", "/oauth/userinfo")).body;
		assert.deepEqual(info, { iss: `${house.url}/`, sub: `${house.url}/users/alice`, name: "alice", preferred_username: "alice", profile: `${house.url}/@alice`, picture: `${house.url}/avatars/${alice.id}.svg` });
		const meta = await get(null, "/.well-known/oauth-authorization-server");
		assert.equal(meta.issuer, info.iss);
		assert.ok(["read", "write", "follow", "push", "profile", "read:statuses", "write:media"].every((s) => meta.scopes_supported.includes(s)));
		assert.deepEqual([meta.code_challenge_methods_supported, meta.response_modes_supported], [["S256"], ["query"]]);
		assert.equal((await profile.call("GET", "/api/v1/preferences")).status, 403);
	});

	test("streams too: by the path, by the parameter, by a message", async () => {
		const push = withScopes("alice", "push"), statuses = withScopes("alice", "read:statuses");
		const streaming = "/api/v1/streaming";
		for (const route of ["/user", "/direct", "/user/notification", "?stream=user", "?stream=direct", "?stream=user:notification", "?stream=list&list=1"])
			assert.equal((await push.call("GET", streaming + route)).status, 403, route);
		assert.equal((await statuses.call("GET", `${streaming}?stream=user:notification`)).status, 403);
		const ws = new WebSocket(`ws://127.0.0.1:${house.port}${streaming}`, [push.token]);
		const said = [];
		ws.on("message", (m) => said.push(JSON.parse(m)));
		await new Promise((r) => ws.once("open", r));
		ws.send(JSON.stringify({ type: "subscribe", stream: "user" }));
		await until("the refusal", () => said.length);
		assert.equal(said[0].error, "Unknown stream");
		ws.close();
		// Who may read statuses only hears of them on `user`, and of no notification.
		const heard = await house.listen(`${streaming}/user`, statuses.token);
		await say(bob, "@alice psst");
		const own = await say(alice, "my own");
		const first = (await heard.next()).value;
		assert.deepEqual([first.event, JSON.parse(first.data).id], ["update", own.id]);
		await heard.return();
	});
});

describe("links of pages", () => {
	test("hold no letter that an app would trip over", async () => {
		for (let i = 0; i < 3; i++)
			await say(alice, `#한국 ${i}`);
		const r = await house.call("GET", `/api/v1/timelines/tag/${encodeURIComponent("한국")}?limit=2&any[]=${encodeURIComponent("a,b")}`);
		assert.match(r.headers.get("link"), /^[\x21-\x7e ]+$/);
		assert.equal(r.headers.get("link").split(",").length, 2);
		const { next } = links(r);
		assert.ok(next.startsWith(`${house.url}/api/v1/timelines/tag/${encodeURIComponent("한국")}?`), next);
		assert.equal(new URL(next).searchParams.get("any[]"), "a,b");
		const second = await house.call("GET", next.slice(house.url.length));
		assert.equal(ok(second).length, 1);
		const pages = [];
		for await (const page of nobody.v1.timelines.tag.$select("한국").list({ limit: 2 }))
			pages.push(page.length);
		assert.deepEqual(pages.slice(0, 2), [2, 1]);
	});

	test("trends are paged by offset", async () => {
		for (const who of [alice, bob, carol])
			await say(who, "#one #two #three");
		await until("trends", async () => (await get(null, "/api/v1/trends/tags")).length >= 3, LATE_MS);
		const first = await house.call("GET", "/api/v1/trends/tags?limit=2");
		assert.deepEqual(links(first), { next: `${house.url}/api/v1/trends/tags?limit=2&offset=2` });
		const second = await house.call("GET", "/api/v1/trends/tags?limit=2&offset=2");
		assert.deepEqual(links(second), { prev: `${house.url}/api/v1/trends/tags?limit=2&offset=0` });
		const all = [];
		for await (const page of nobody.v1.trends.tags.list({ limit: 2 }))
			all.push(...page.map((t) => t.name));
		assert.equal(new Set(all).size, 3);
	});

	test("more than the largest limit is the largest", async () => {
		for (const route of ["/api/v2/search?q=x&limit=100", "/api/v1/accounts/search?q=x&limit=1000", "/api/v1/directory?limit=500", "/api/v1/suggestions?limit=500", "/api/v2/suggestions?limit=500", "/api/v1/trends/tags?limit=50", "/api/v1/trends/statuses?limit=500", "/api/v1/trends/links?limit=100", "/api/v1/timelines/home?limit=100000", "/api/v1/notifications/unread_count?limit=100000"])
			assert.equal((await alice.call("GET", route)).status, 200, route);
		assert.equal((await alice.call("GET", "/api/v2/search?q=x&limit=many")).status, 422);
	});
});

describe("accounts", () => {
	test("roles are shown, with ids as texts and the bits that apps test", async () => {
		const me = checkShape("AccountCredentials", await createRestAPIClient({ url: house.url, accessToken: root.token }).v1.accounts.verifyCredentials());
		assert.deepEqual([typeof me.role.id, me.role.name, me.role.highlighted, (Number(me.role.permissions) & 0x10) !== 0], ["string", "Admin", true, true]);
		assert.deepEqual(checkShape("Account", await nobody.v1.accounts.$select(root.id).fetch()).roles, [{ id: me.role.id, name: "Admin", color: "" }]);
		const her = await a.v1.accounts.verifyCredentials();
		assert.deepEqual([her.role.id, her.role.permissions, her.roles], ["-99", "0", []]);
		const raw = await get(null, `/api/v1/accounts/${alice.id}`);
		assert.equal(raw.hide_collections, false);
		assert.ok(!("limited" in raw) && !("suspended" in raw));
	});

	test("a language that is taken back is null, not an empty text", async () => {
		await a.v1.accounts.updateCredentials({ source: { language: "ko" } });
		assert.equal((await a.v1.preferences.fetch())["posting:default:language"], "ko");
		const r = await alice.call("PATCH", "/api/v1/accounts/update_credentials", { source: { language: "" } });
		assert.equal(r.body.source.language, null);
		assert.equal((await get(alice, "/api/v1/preferences"))["posting:default:language"], null);
	});

	test("relationships: as many as two pages hold, in the order asked for, each once", async () => {
		const few = await a.v1.accounts.relationships.fetch({ id: [carol.id, bob.id, carol.id, "1"] });
		assert.deepEqual(few.map((r) => r.id), [carol.id, bob.id]);
		const many = Array.from({ length: 140 }, (_, i) => (i === 99 ? bob.id : i === 3 ? carol.id : String(5000 + i)));
		assert.deepEqual((await a.v1.accounts.relationships.fetch({ id: many })).map((r) => r.id), [carol.id, bob.id]);
		assert.deepEqual(await get(alice, "/api/v1/accounts/relationships"), []);
	});

	test("are found by the words of their names, where posts say the same words", async () => {
		await a.v1.accounts.updateCredentials({ displayName: "마당지기 Gardener" });
		await say(bob, "a gardener, 마당지기");
		for (const q of ["gardener", "garden", "마당지기", "alic"])
			await until(`alice by ${q}`, async () => (await b.v1.accounts.search.list({ q })).some((x) => x.id === alice.id));
		assert.deepEqual((await get(bob, "/api/v2/search?q=gardener&type=accounts")).accounts.map((x) => x.id), [alice.id]);
		assert.deepEqual(await get(bob, "/api/v1/accounts/search?q=account"), []);
		await a.v1.accounts.updateCredentials({ displayName: "" });
		await until("the name is gone", async () => !(await get(bob, "/api/v2/search?q=gardener&type=accounts")).accounts.length);
	});
});

describe("lists", () => {
	test("limit=0 gives all members in one answer, without pages", async () => {
		const list = await a.v1.lists.create({ title: "many" });
		const rows = Array.from({ length: 170 }, (_, i) => 9000 + i);
		house.sql(rows.map((n) => `INSERT INTO accounts (id, username, username_key, uri, url, created_at, updated_at) VALUES (${n}, 'm${n}', 'm${n}', 'x:${n}', 'x:${n}', 1, 1); INSERT INTO list_members (list_id, account_id, owner_id, id) VALUES (${list.id}, ${n}, ${alice.id}, ${n});`).join("\n"));
		const all = await alice.call("GET", `/api/v1/lists/${list.id}/accounts?limit=0`);
		assert.equal(new Set(ok(all).map((x) => x.id)).size, 170);
		assert.equal(all.headers.get("link"), null);
		const page = await alice.call("GET", `/api/v1/lists/${list.id}/accounts`);
		assert.equal(ok(page).length, 40);
		assert.ok(links(page).next);
		assert.equal((await bob.call("GET", `/api/v1/lists/${list.id}/accounts?limit=0`)).status, 404);
	});
});

describe("tags", () => {
	test("in a search they have their days, and whether one follows them", async () => {
		await say(alice, "#Searched");
		await b.v1.tags.$select("searched").follow();
		const find = async (who) => (await get(who, "/api/v2/search?q=searched&type=hashtags")).hashtags;
		await until("its days", async () => (await find(null))[0]?.history?.[0]?.uses === "1", LATE_MS);
		const [mine] = checkShape("Tag[]", (await b.v2.search.list({ q: "searched", type: "hashtags" })).hashtags);
		assert.deepEqual([mine.id, mine.name.toLowerCase(), mine.following, mine.featuring, mine.history.length], ["Searched", "searched", true, false, 7]);
		assert.equal((await find(alice))[0].following, false);
	});

	test("trends tell whether one follows them", async () => {
		await b.v1.tags.$select("one").follow();
		await until("trends", async () => (await get(null, "/api/v1/trends/tags")).some((t) => t.name === "one"), LATE_MS);
		assert.equal((await b.v1.trends.tags.list()).find((t) => t.name === "one").following, true);
		assert.equal((await a.v1.trends.tags.list()).find((t) => t.name === "one").following, false);
	});

	test("a timeline of several: any, all, none, remote", async () => {
		const [red, blue, both, dark] = [await say(alice, "#red"), await say(alice, "#Blue"), await say(alice, "#red #blue"), await say(alice, "#red #dark")];
		const ids = async (query) => (await get(null, `/api/v1/timelines/tag/red?${query}`)).map((s) => s.id);
		const newest = (...posts) => posts.map((p) => p.id).sort((x, y) => (BigInt(x) < BigInt(y) ? 1 : -1));
		assert.deepEqual(await ids(""), newest(red, both, dark));
		assert.deepEqual(await ids("any[]=blue"), newest(red, blue, both, dark));
		assert.deepEqual(await ids("all[]=BLUE"), newest(both));
		assert.deepEqual(await ids("none[]=dark"), newest(red, both));
		assert.deepEqual(await ids("any[]=blue&none[]=dark&none[]=nothing"), newest(red, blue, both));
		assert.deepEqual(await ids("remote=true"), []);
		assert.deepEqual(await ids("any[]=blue&limit=2"), newest(both, dark));
		assert.deepEqual(await ids(`any[]=blue&limit=2&max_id=${both.id}`), newest(red, blue));
		assert.deepEqual(await ids(`any[]=blue&limit=2&min_id=${red.id}`), newest(blue, both));
	});
});

describe("notifications", () => {
	test("the newest of a group is the one id that is a number", async () => {
		const post = await say(alice, "like me");
		await b.v1.statuses.$select(post.id).favourite();
		const r = await fetch(`${house.url}/api/v2/notifications?types[]=favourite`, { headers: { authorization: `Bearer ${alice.token}` } });
		const text = await r.text(), id = text.match(/"page_max_id":"(\d+)"/)[1];
		assert.ok(text.includes(`"most_recent_notification_id":${id},`), text.slice(-600));
	});
});

describe("the instance", () => {
	test("v2 tells what an app gates on", async () => {
		const i = await get(null, "/api/v2/instance");
		assert.equal(i.domain, `127.0.0.1:${house.port}`);
		assert.match(i.version, /^4\.5\.\d+ /);
		assert.equal(i.api_versions.mastodon, 7);
		assert.equal(i.configuration.translation.enabled, false);
		const limits = i.configuration.accounts;
		assert.deepEqual([limits.max_display_name_length, limits.max_note_length, limits.profile_field_name_limit, limits.max_avatar_description_length], [60, 1000, 255, 150]);
		assert.equal((await alice.call("PATCH", "/api/v1/accounts/update_credentials", { display_name: "x".repeat(limits.max_display_name_length + 1) })).status, 422);
		assert.equal((await alice.call("PATCH", "/api/v1/accounts/update_credentials", { display_name: "x".repeat(limits.max_display_name_length) })).status, 200);
		assert.deepEqual([i.registrations.min_age, i.registrations.reason_required], [null, false]);
		ok(await root.call("PATCH", "/api/madang/v1/admin/settings", { rules: "Be kind\nNo spam" }));
		assert.deepEqual((await get(null, "/api/v2/instance")).rules, [{ id: "1", text: "Be kind", hint: "", translations: {} }, { id: "2", text: "No spam", hint: "", translations: {} }]);
	});
});

describe("signing in", () => {
	test("a token is not kept by anybody on the way, and only its own app takes it back", async () => {
		const app = async (name) => ok(await house.call("POST", "/api/v1/apps", { client_name: name, redirect_uris: ["com.tapbots.Ivory.10217:/request_token"], scopes: "read profile" }));
		const [mine, other] = [await app("mine"), await app("other")];
		assert.deepEqual(mine.redirect_uris, ["com.tapbots.Ivory.10217:/request_token"]);
		const credentials = (x) => ({ client_id: x.client_id, client_secret: x.client_secret });
		const r = await house.call("POST", "/oauth/token", { grant_type: "client_credentials", ...credentials(mine) });
		assert.equal(r.headers.get("cache-control"), "no-store");
		const { access_token: token } = ok(r);
		const refused = await house.call("POST", "/oauth/revoke", { ...credentials(other), token });
		assert.deepEqual([refused.status, refused.body.error], [403, "unauthorized_client"]);
		assert.deepEqual(ok(await house.call("POST", "/oauth/revoke", { ...credentials(mine), token })), {});
		assert.equal((await house.call("GET", "/api/v1/apps/verify_credentials", undefined, { authorization: `Bearer ${token}` })).status, 401);
	});
});

describe("streams", () => {
	test("every one that masto.js has: by its own name, deletions too", async () => {
		const list = await a.v1.lists.create({ title: "live" });
		await a.v1.accounts.$select(bob.id).follow();
		await a.v1.lists.$select(list.id).accounts.create({ accountIds: [bob.id] });
		const streaming = createStreamingAPIClient({ streamingApiUrl: `ws://127.0.0.1:${house.port}`, accessToken: alice.token, implementation: WebSocket });
		const heard = {};
		const collect = async (name, events) => {
			heard[name] = [];
			for await (const e of events)
				heard[name].push(e);
		};
		try {
			const open = { user: streaming.user, public: streaming.public, local: streaming.public.local, remote: streaming.public.remote, remoteMedia: streaming.public.remote.media };
			for (const [name, s] of Object.entries(open))
				collect(name, s.subscribe());
			collect("tag", streaming.hashtag.subscribe({ tag: "Streamed" }));
			collect("tagLocal", streaming.hashtag.local.subscribe({ tag: "streamed" }));
			collect("list", streaming.list.subscribe({ list: list.id }));
			const full = ["user", "public", "local", "tag", "tagLocal", "list"];
			let post; // said again until everything listens
			await until("all of them hear", async () => {
				post = await say(bob, "now #streamed");
				for (const end = Date.now() + 2000; Date.now() < end; await new Promise((r) => setTimeout(r, 20)))
					if (full.every((n) => heard[n].some((e) => e.event === "update" && e.payload.id === post.id)))
						return true;
			});
			ok(await bob.call("DELETE", `/api/v1/statuses/${post.id}`));
			await until("the deletion everywhere", () => full.every((n) => heard[n].some((e) => e.event === "delete" && e.payload === post.id)));
			for (const n of full)
				assert.ok(heard[n].every((e) => e.stream[0] === { user: "user", public: "public", local: "public:local", tag: "hashtag", tagLocal: "hashtag:local", list: "list" }[n]), n);
			assert.ok(heard.remote.concat(heard.remoteMedia).every((e) => e.event === "delete"));
		} finally {
			streaming.close();
		}
	});

	test("the paths of server-sent events", async () => {
		for (const route of ["public/remote", "public?only_media=true", "public/local?only_media=true", "hashtag/local?tag=x"]) {
			const heard = await house.listen(`/api/v1/streaming/${route}`, alice.token);
			await heard.return();
		}
		assert.equal((await house.call("GET", "/api/v1/streaming/hashtag/local")).status, 422);
	});
});

describe("who is limited", () => {
	test("is in no suggestion, no directory and no trend, and says so on the profile", async () => {
		const dim = house.account("dim");
		await say(dim, "hello");
		const suggested = async () => (await get(carol, "/api/v2/suggestions?limit=80")).some((s) => s.account.id === dim.id);
		const listed = async (order) => (await get(null, `/api/v1/directory?limit=80&order=${order}`)).some((x) => x.id === dim.id);
		assert.deepEqual([await suggested(), await listed("active"), await listed("new")], [true, true, true]);
		ok(await root.call("POST", `/api/v1/admin/accounts/${dim.id}/action`, { type: "silence" }));
		assert.deepEqual([await suggested(), await listed("active"), await listed("new")], [false, false, false]);
		assert.equal((await get(carol, `/api/v1/accounts/${dim.id}`)).limited, true);
		// A tag that only one other uses beside the one who is limited stands out by nobody's but the other's use.
		const post = await say(dim, "#dimmed");
		await say(alice, "#dimmed #marker");
		await say(bob, "#marker");
		await a.v1.statuses.$select(post.id).favourite();
		await b.v1.statuses.$select(post.id).favourite();
		await until("the other tag", async () => (await get(null, "/api/v1/trends/tags?limit=20")).some((t) => t.name === "marker"), LATE_MS);
		assert.ok(!(await get(null, "/api/v1/trends/tags?limit=20")).some((t) => t.name === "dimmed"));
		assert.ok(!(await get(null, "/api/v1/trends/statuses")).some((s) => s.id === post.id));
		ok(await root.call("POST", `/api/v1/admin/accounts/${dim.id}/unsilence`));
		assert.equal(await suggested(), true);
	});
});

describe("an author of many followers", () => {
	test("waits for none of them; they have the post and hear of it soon", async () => {
		const star = house.account("star"), last = house.account("last");
		const rows = Array.from({ length: 1200 }, (_, i) => 20000 + i);
		house.sql(rows.map((n) => `INSERT INTO accounts (id, username, username_key, uri, url, created_at, updated_at) VALUES (${n}, 'f${n}', 'f${n}', 'y:${n}', 'y:${n}', 1, 1); INSERT INTO follows (account_id, target_id, id, local, notify, created_at) VALUES (${n}, ${star.id}, ${n}, TRUE, ${n % 2 ? "TRUE" : "FALSE"}, 1);`).join("\n"));
		ok(await last.call("POST", `/api/v1/accounts/${star.id}/follow`, { notify: true }));
		const post = await say(star, "to all of you");
		assert.equal((await get(star, "/api/v1/timelines/home"))[0].id, post.id);
		await until("the last of them has it", async () => (await get(last, "/api/v1/timelines/home")).some((s) => s.id === post.id));
		await until("and has heard of it", async () => (await get(last, "/api/v1/notifications?types[]=status")).some((n) => n.status.id === post.id));
		assert.equal((await get(last, "/api/v1/notifications?types[]=status")).length, 1);
	});
});
