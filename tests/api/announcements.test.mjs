// Announcements: written by administrators, read, dismissed and reacted to by everybody, heard on streams; live ones
// with the conversation that grows under them. With masto.js where Mastodon has it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient, createStreamingAPIClient } from "masto";
import WebSocket from "ws";
import "./audited.mjs";
import { House, png, sleep, until } from "./house.mjs";

let house, root, ana, bo, a;
const desk = "/api/madang/v1/admin/announcements";

before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	ana = house.account("ana");
	bo = house.account("bo");
	a = createRestAPIClient({ url: house.url, accessToken: ana.token });
});
after(() => house.stop());

const write = async (form) => {
	const made = await root.call("POST", desk, form);
	assert.equal(made.status, 200, JSON.stringify(made.body));
	return made.body;
};

// What arrives on the stream "user", as masto.js gives it.
function listen(token) {
	const api = createStreamingAPIClient({ streamingApiUrl: `ws://127.0.0.1:${house.port}`, accessToken: token, implementation: WebSocket });
	const heard = [];
	const events = api.user.subscribe();
	(async () => {
		for await (const e of events)
			heard.push(e);
	})();
	return { heard, close: () => api.close(), wait: (event, more = () => true) => until(event, () => heard.find((e) => e.event === event && more(e.payload))) };
}

// The same for a stream that masto.js has no name for. It listens when what is sent behind the subscription is answered.
async function follow(thread, token) {
	const ws = new WebSocket(`ws://127.0.0.1:${house.port}/api/v1/streaming${token ? `?access_token=${token}` : ""}`);
	const heard = [];
	ws.addEventListener("message", (m) => heard.push(JSON.parse(m.data)));
	await new Promise((resolve) => ws.addEventListener("open", resolve));
	for (const stream of ["madang:thread", "nonsense"])
		ws.send(JSON.stringify({ type: "subscribe", stream, tag: thread }));
	await until("subscribed", () => heard.some((m) => m.error)); // "nonsense" at least
	return { heard, close: () => ws.close(), wait: (event) => until(event, () => heard.find((e) => e.event === event)) };
}

describe("reading", () => {
	let first;
	test("what is published is there, with its words, mentions and tags", async () => {
		first = await write({ text: "Hello @ana & welcome to #Madang\n\nhttps://example.org/x", starts_at: "2030-01-31T09:00:00Z", ends_at: "2030-02-01T10:30:00+09:00" });
		const [one] = await a.v1.announcements.list();
		assert.equal(one.id, first.id);
		assert.match(one.content, /^<p>Hello <span.*&amp; welcome.*<\/p><p><a href="https:\/\/example.org\/x"/s);
		assert.deepEqual([one.mentions[0].acct, one.tags[0].name, one.statuses, one.emojis, one.reactions], ["ana", "Madang", [], [], []]);
		assert.deepEqual([one.startsAt, one.endsAt, one.allDay, one.published, one.read], ["2030-01-31T09:00:00.000Z", "2030-02-01T01:30:00.000Z", false, true, false]);
		assert.ok(Date.parse(one.publishedAt) && Date.parse(one.updatedAt));
		assert.deepEqual(one.madang, { pinned: false, live: false, threadId: null, thread: null });
		assert.equal(first.madang.text, "Hello @ana & welcome to #Madang\n\nhttps://example.org/x");
	});

	test("dismissing counts for oneself", async () => {
		assert.deepEqual(await a.v1.announcements.$select(first.id).dismiss(), {});
		assert.equal((await a.v1.announcements.list())[0].read, true);
		assert.deepEqual(await a.v1.announcements.list({ withDismissed: false }), []);
		assert.equal((await bo.call("GET", "/api/v1/announcements?with_dismissed=false")).body[0].read, false);
	});

	test("pinned ones first, then the newest; nobody sees drafts", async () => {
		const pinned = await write({ text: "Rules of the yard", pinned: true });
		const second = await write({ text: "Second" });
		const draft = await write({ text: "Not yet", published: false });
		assert.deepEqual((await a.v1.announcements.list()).map((x) => x.id), [pinned.id, second.id, first.id]);
		assert.equal((await ana.call("POST", `/api/v1/announcements/${draft.id}/dismiss`)).status, 404);
		assert.equal((await ana.call("PUT", `/api/v1/announcements/${draft.id}/reactions/${encodeURIComponent("🌸")}`)).status, 404);
		assert.deepEqual((await root.call("GET", desk)).body.map((x) => x.id).sort(), [first.id, pinned.id, second.id, draft.id].sort());
		assert.equal((await house.call("GET", "/api/v1/announcements")).status, 401);
		for (const x of [pinned, second, draft])
			await root.call("DELETE", `${desk}/${x.id}`);
	});
});

describe("reactions", () => {
	test("added once, counted, taken back", async () => {
		const { id } = await write({ text: "React!" });
		const r = a.v1.announcements.$select(id).reactions;
		const all = async () => (await a.v1.announcements.list()).find((x) => x.id === id).reactions;
		assert.deepEqual(await r.$select("🌸").update(), {});
		await r.$select("🌸").update();
		for (const name of ["👍🏽", "👩‍👩‍👧", "🇰🇷", "1️⃣", "❤️"])
			await r.$select(name).update();
		assert.equal((await bo.call("PUT", `/api/v1/announcements/${id}/reactions/${encodeURIComponent("🌸")}`)).status, 200);
		assert.deepEqual((await all())[0], { name: "🌸", count: 2, me: true });
		assert.equal((await all()).length, 6);
		await r.$select("🌸").remove();
		await r.$select("🌸").remove();
		assert.deepEqual((await all()).find((x) => x.name === "🌸"), { name: "🌸", count: 1, me: false });
		for (const name of ["a", "봄", "1", "🌸🌸", "🌸 ", "%ff", "x".repeat(300), "🇰", "♥‍"])
			assert.equal((await ana.call("PUT", `/api/v1/announcements/${id}/reactions/${encodeURIComponent(name)}`)).status, 422, name);
		for (const name of ["😀", "😁", "😂"])
			assert.equal((await ana.call("PUT", `/api/v1/announcements/${id}/reactions/${encodeURIComponent(name)}`)).status, name === "😂" ? 422 : 200);
		await root.call("DELETE", `${desk}/${id}`);
	});
});

describe("reactions with the house's own emojis", () => {
	const add = async (shortcode) => {
		const f = new FormData();
		f.set("shortcode", shortcode);
		f.set("image", new Blob([png(24, 24)], { type: "image/png" }), "e.png");
		const r = await root.call("POST", "/api/madang/v1/admin/emojis", f);
		assert.equal(r.status, 200, JSON.stringify(r.body));
		return r.body;
	};

	test("by their shortcode, with their pictures; out of use they are not shown, deleted they are gone", async () => {
		const cat = await add("blob_cat"), { id } = await write({ text: "React!" });
		const r = a.v1.announcements.$select(id).reactions;
		const all = async (who = ana) => (await who.call("GET", "/api/v1/announcements")).body.find((x) => x.id === id).reactions;
		const s = listen(bo.token);
		await until("connected", async () => {
			await root.call("PATCH", `${desk}/${id}`, { text: "React!" });
			return s.heard.length;
		});
		assert.deepEqual(await r.$select("blob_cat").update(), {});
		await r.$select("🌸").update();
		const own = { name: "blob_cat", count: 1, me: true, url: cat.url, static_url: cat.static_url };
		assert.deepEqual(await all(), [own, { name: "🌸", count: 1, me: true }]);
		assert.deepEqual((await all(bo))[0], { ...own, me: false });
		const told = await s.wait("announcement.reaction", (p) => p.name === "blob_cat");
		assert.deepEqual(told.payload, { name: "blob_cat", count: 1, url: cat.url, staticUrl: cat.static_url, announcementId: id });
		s.close();
		for (const name of ["blob_dog", ":blob_cat:", "Blob_cat", "blob_cat ", "b"])
			assert.equal((await ana.call("PUT", `/api/v1/announcements/${id}/reactions/${encodeURIComponent(name)}`)).status, 422, name);
		await root.call("PATCH", `/api/madang/v1/admin/emojis/${cat.id}`, { disabled: true });
		assert.deepEqual((await all()).map((x) => x.name), ["🌸"]);
		assert.equal((await bo.call("PUT", `/api/v1/announcements/${id}/reactions/blob_cat`)).status, 422);
		await root.call("PATCH", `/api/madang/v1/admin/emojis/${cat.id}`, { disabled: false });
		assert.deepEqual(await all(), [own, { name: "🌸", count: 1, me: true }]);
		assert.equal((await root.call("DELETE", `/api/madang/v1/admin/emojis/${cat.id}`)).status, 200);
		await add("blob_cat"); // another one of that name has not been reacted with
		assert.deepEqual((await all()).map((x) => x.name), ["🌸"]);
		await r.$select("blob_cat").update();
		await r.$select("blob_cat").remove();
		assert.deepEqual((await all()).map((x) => x.name), ["🌸"]);
		await root.call("DELETE", `${desk}/${id}`);
	});
});

describe("administrators", () => {
	test("change, unpublish, publish, delete; it stands in the log", async () => {
		const made = await write({ text: "One", published: false });
		const changed = (await root.call("PATCH", `${desk}/${made.id}`, { text: "Two", pinned: true, ends_at: "2031-01-01" })).body;
		assert.deepEqual([changed.madang.text, changed.madang.pinned, changed.published, changed.ends_at], ["Two", true, false, "2031-01-01T00:00:00.000Z"]);
		assert.equal((await root.call("POST", `${desk}/${made.id}/publish`)).body.published, true);
		assert.ok((await a.v1.announcements.list()).some((x) => x.id === made.id));
		assert.equal((await root.call("PATCH", `${desk}/${made.id}`, { ends_at: "" })).body.ends_at, null);
		assert.equal((await root.call("POST", `${desk}/${made.id}/unpublish`)).body.published, false);
		assert.ok(!(await a.v1.announcements.list()).some((x) => x.id === made.id));
		assert.equal((await root.call("GET", `${desk}/${made.id}`)).body.madang.text, "Two");
		assert.deepEqual((await root.call("DELETE", `${desk}/${made.id}`)).body, {});
		assert.equal((await root.call("GET", `${desk}/${made.id}`)).status, 404);
		const actions = (await root.call("GET", "/api/madang/v1/admin/audit")).body.filter((x) => x.target_id === made.id).map((x) => x.action);
		assert.deepEqual([...new Set(actions)].sort(), ["announcement.create", "announcement.delete", "announcement.update"]);
	});

	test("others may not, and bad forms are refused", async () => {
		const { id } = await write({ text: "Mine" });
		const token = house.admin(["token", "add", "ana", "--scopes", "read write admin:read admin:write"]);
		for (const [method, route] of [["GET", desk], ["POST", desk], ["GET", `${desk}/${id}`], ["PATCH", `${desk}/${id}`], ["DELETE", `${desk}/${id}`], ["POST", `${desk}/${id}/publish`], ["POST", `${desk}/${id}/unpublish`]]) {
			const r = await house.call(method, route, method === "GET" ? undefined : { text: "x" }, { authorization: `Bearer ${token}` });
			assert.equal(r.status, 403, `${method} ${route}`);
			assert.equal(typeof r.body.error, "string");
			assert.ok([401, 403].includes((await house.call(method, route)).status));
		}
		for (const form of [{}, { text: "" }, { text: " \n " }, { text: "x".repeat(5001) }, { text: "x", published: "perhaps" }, { text: "x", starts_at: "soon" }, { text: "x", starts_at: "2030-13-01" }, { text: "x", ends_at: "2030-01-01T00:00:00Zz" }, { text: "x", starts_at: "2030-01-02", ends_at: "2030-01-01" }, { text: "x", status_id: "1" }, { text: "x", status_id: "none" }])
			assert.equal((await root.call("POST", desk, form)).status, 422, JSON.stringify(form));
		for (const x of ["1", "none", "9999999999999999999999"])
			assert.equal((await root.call("PATCH", `${desk}/${x}`, { text: "x" })).status, 404, x);
		await root.call("DELETE", `${desk}/${id}`);
	});

	test("it comes at its time, and goes at its time", async () => {
		const soon = (ms) => new Date(Date.now() + ms).toISOString();
		const later = await write({ text: "Later", scheduled_at: soon(4000) });
		assert.deepEqual([later.published, later.madang.scheduled_at != null], [false, true]);
		const going = await write({ text: "Going", ends_at: soon(4000) });
		const allDay = await write({ text: "All day", all_day: true, ends_at: soon(-1000) });
		const seen = async () => (await a.v1.announcements.list()).map((x) => x.id);
		await until("published", async () => (await seen()).includes(later.id));
		await until("over", async () => !(await seen()).includes(going.id));
		assert.ok((await seen()).includes(allDay.id));
		await until("unpublished", async () => !(await root.call("GET", `${desk}/${going.id}`)).body.published);
		for (const x of [later, going, allDay])
			await root.call("DELETE", `${desk}/${x.id}`);
	});
});

describe("live", () => {
	test("everybody who is signed in hears of it", async () => {
		const s = listen(ana.token);
		const { id } = await write({ text: "News" });
		await until("connected", async () => {
			await root.call("PATCH", `${desk}/${id}`, { text: "News" });
			return s.heard.length;
		});
		const told = await s.wait("announcement", (p) => p.id === id);
		assert.equal(told.payload.content, "<p>News</p>");
		assert.ok(!("text" in told.payload.madang));
		await bo.call("PUT", `/api/v1/announcements/${id}/reactions/${encodeURIComponent("🌸")}`);
		const reaction = await s.wait("announcement.reaction");
		assert.deepEqual(reaction.payload, { name: "🌸", count: 1, announcementId: id });
		await bo.call("DELETE", `/api/v1/announcements/${id}/reactions/${encodeURIComponent("🌸")}`);
		await s.wait("announcement.reaction", (p) => p.count === 0);
		await root.call("POST", `${desk}/${id}/unpublish`);
		const gone = await s.wait("announcement.delete");
		assert.equal(gone.payload, Number(id)); // masto.js parses it; Mastodon sends the bare id too
		s.close();
		await root.call("DELETE", `${desk}/${id}`);
	});

	test("a thread that readers follow as it grows, with and without an account", async () => {
		const post = (await root.call("POST", "/api/v1/statuses", { status: "Tonight, as it happens" })).body;
		const { id } = await write({ text: "Live from the yard", status_id: post.id });
		const [one] = await a.v1.announcements.list();
		assert.deepEqual([one.madang.live, one.madang.threadId, one.madang.thread.id, one.statuses[0].id], [true, post.id, post.id, post.id]);
		const signedIn = await follow(one.madang.threadId, ana.token), stranger = await follow(one.madang.threadId);
		const sse = await house.listen(`/api/v1/streaming?stream=madang:thread&tag=${post.id}`, bo.token);
		const first = sse.next();
		const reply = (await root.call("POST", "/api/v1/statuses", { status: "The gates are open", in_reply_to_id: post.id, visibility: "unlisted" })).body;
		for (const who of [signedIn, stranger]) {
			const told = await who.wait("update");
			assert.deepEqual(told.stream, ["madang:thread", post.id]);
			assert.equal(JSON.parse(told.payload).id, reply.id);
		}
		const { value } = await first;
		assert.deepEqual([value.event, JSON.parse(value.data).id], ["update", reply.id]);
		await sse.return();
		await root.call("POST", "/api/v1/statuses", { status: "elsewhere" });
		await root.call("POST", "/api/v1/statuses", { status: "followers only", in_reply_to_id: post.id, visibility: "private" });
		await root.call("PUT", `/api/v1/statuses/${reply.id}`, { status: "The gates are wide open" });
		assert.match(JSON.parse((await stranger.wait("status.update")).payload).content, /wide open/);
		await root.call("DELETE", `/api/v1/statuses/${reply.id}`);
		assert.equal((await signedIn.wait("delete")).payload, reply.id);
		assert.equal((await stranger.wait("delete")).payload, reply.id);
		assert.equal(stranger.heard.filter((e) => e.event === "update").length, 1);
		signedIn.close();
		stranger.close();
		// The post goes, the announcement stays.
		await root.call("DELETE", `/api/v1/statuses/${post.id}`);
		assert.equal((await a.v1.announcements.list()).find((x) => x.id === id).madang.live, false);
	});

	test("what one may not see cannot be followed, nor be announced", async () => {
		const secret = (await root.call("POST", "/api/v1/statuses", { status: "psst", visibility: "private" })).body;
		assert.equal((await root.call("POST", desk, { text: "x", status_id: secret.id })).status, 422);
		assert.equal((await ana.call("GET", `/api/v1/streaming?stream=madang:thread&tag=${secret.id}`)).status, 404);
		assert.equal((await ana.call("GET", "/api/v1/streaming?stream=madang:thread&tag=none")).status, 404);
		assert.equal((await ana.call("GET", "/api/v1/streaming?stream=madang:thread")).status, 422);
		const ws = await follow(secret.id, ana.token);
		await until("refused", () => ws.heard.filter((m) => m.error).length === 2);
		ws.close();
	});
});
