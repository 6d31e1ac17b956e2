// What the choices that people make do, beyond being kept: the label of made pictures wherever a status is shown, what
// a list shows of replies, mutes that end, posts that wait with their pictures, words of search, lists brought along.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { House, png, sleep, tinyModel, until } from "./house.mjs";

let house, alice, bob, carol, dan;
const ok = async (who, method, route, body) => {
	const r = await who.call(method, route, body);
	assert.ok(r.status < 300, `${method} ${route}: ${r.status} ${JSON.stringify(r.body)}`);
	return r.body;
};
const get = (who, route) => ok(who, "GET", route);
const say = (who, status, more) => ok(who, "POST", "/api/v1/statuses", { status, ...more });
const upload = async (who, colour = [9, 90, 9]) => {
	const f = new FormData();
	f.set("file", new Blob([png(30, 20, colour)], { type: "image/png" }), "a.png");
	f.set("description", "one colour");
	return ok(who, "POST", "/api/v2/media", f);
};
const draw = async (who, prompt, more) => {
	const job = await ok(who, "POST", "/api/madang/v1/jobs", { prompt, count: 1, maker: "builtin", ...more });
	return until("the picture", async () => {
		const j = await get(who, `/api/madang/v1/jobs/${job.id}`);
		assert.notEqual(j.state, "failed", JSON.stringify(j.error));
		return j.state === "finished" && j.media[0];
	}, 120000);
};

before(async () => {
	house = await House.start({ model: tinyModel() });
	[alice, bob, carol, dan] = ["alice", "bob", "carol", "dan"].map((n) => house.account(n));
	await ok(carol, "POST", `/api/v1/accounts/${alice.id}/follow`);
});
after(() => house.stop());

describe("pictures made by AI", () => {
	test("carry the label on every route that shows a status, in notifications and in streams", async () => {
		const list = await ok(carol, "POST", "/api/v1/lists", { title: "a" });
		await ok(carol, "POST", `/api/v1/lists/${list.id}/accounts`, { account_ids: [alice.id] });
		await ok(carol, "POST", "/api/madang/v1/made_filter", { action: "warn" });
		const base = `http://127.0.0.1:${house.port}/api/v1/streaming`;
		const heard = [];
		const ws = new WebSocket(base.replace("http", "ws"), [carol.token]);
		await new Promise((r) => ws.once("open", r));
		ws.on("message", (m) => heard.push(JSON.parse(m)));
		const streams = [["user"], ["public"], ["public:local"], ["public:media"], ["hashtag", { tag: "made" }], ["list", { list: list.id }], ["user:notification"], ["direct"]];
		for (const [stream, more] of streams)
			ws.send(JSON.stringify({ type: "subscribe", stream, ...more }));
		await until("it hears", async () => {
			await say(alice, "knock #made @carol");
			await sleep(50);
			return ["user", "public", "hashtag", "list", "user:notification"].every((s) => heard.some((e) => e.stream[0] === s));
		});
		const media = await draw(alice, "a red apple");
		const s = await say(alice, "@carol look #made", { media_ids: [media.id] });
		const direct = await say(alice, "@carol psst", { media_ids: [(await draw(alice, "a blue cup")).id], visibility: "direct" });
		const labelled = (x, where) => {
			assert.ok(x, `${where}: it is not there`);
			assert.equal(x.filtered?.[0]?.filter.filter_action, "warn", `${where}: ${JSON.stringify(x.filtered)}`);
			assert.equal(x.filtered.length, 1, where);
		};
		for (const stream of ["user", "public", "public:local", "public:media", "hashtag", "list"])
			labelled(JSON.parse((await until(`${stream}`, () => heard.find((e) => e.stream[0] === stream && e.event === "update" && JSON.parse(e.payload).id === s.id))).payload), `stream ${stream}`);
		for (const stream of ["user", "user:notification"])
			labelled(JSON.parse((await until(`${stream}`, () => heard.find((e) => e.stream[0] === stream && e.event === "notification" && JSON.parse(e.payload).status?.id === s.id))).payload).status, `notification on ${stream}`);
		labelled(JSON.parse((await until("direct", () => heard.find((e) => e.event === "conversation"))).payload).last_status, "stream direct");
		ws.close();

		await ok(carol, "POST", `/api/v1/statuses/${s.id}/favourite`);
		await ok(carol, "POST", `/api/v1/statuses/${s.id}/bookmark`);
		const boost = await ok(bob, "POST", `/api/v1/statuses/${s.id}/reblog`);
		const reply = await say(alice, "below", { in_reply_to_id: s.id });
		const quote = await say(bob, "quoting", { quoted_status_id: s.id });
		await ok(alice, "POST", `/api/v1/statuses/${s.id}/pin`);
		const found = (id) => (all) => all.find((x) => x.id === id);
		const shows = {
			[`/api/v1/statuses/${s.id}`]: (x) => x,
			[`/api/v1/statuses?id[]=${s.id}`]: found(s.id),
			[`/api/v1/statuses/${reply.id}/context`]: (x) => found(s.id)(x.ancestors),
			"/api/v1/timelines/home": found(s.id),
			"/api/v1/timelines/public": found(s.id),
			"/api/v1/timelines/public?local=true&only_media=true": found(s.id),
			"/api/v1/timelines/tag/made": found(s.id),
			[`/api/v1/timelines/list/${list.id}`]: found(s.id),
			[`/api/v1/accounts/${alice.id}/statuses`]: found(s.id),
			[`/api/v1/accounts/${alice.id}/statuses?pinned=true`]: found(s.id),
			[`/api/v1/accounts/${bob.id}/statuses`]: (all) => found(boost.id)(all).reblog,
			[`/api/v1/statuses/${boost.id}`]: (x) => x.reblog,
			"/api/v1/favourites": found(s.id),
			"/api/v1/bookmarks": found(s.id),
			"/api/v1/notifications": (all) => all.find((n) => n.status?.id === s.id)?.status,
			"/api/v2/notifications": (x) => found(s.id)(x.statuses),
			"/api/v1/conversations": (all) => all.find((c) => c.last_status?.id === direct.id)?.last_status,
			[`/api/v1/statuses/${quote.id}`]: (x) => x.quote.quoted_status,
			"/api/madang/v1/explore": (x) => found(s.id)(Array.isArray(x) ? x : x.statuses ?? []),
		};
		for (const [route, pick] of Object.entries(shows))
			labelled(pick(await get(carol, route)), route);
		labelled(found(s.id)((await until("the index", async () => (await get(carol, "/api/v2/search?q=made:yes&type=statuses")).statuses.length && get(carol, "/api/v2/search?q=made:yes&type=statuses"))).statuses), "search");
		for (const action of ["favourite", "bookmark", "mute", "unmute", "unbookmark", "unfavourite"])
			labelled(await ok(carol, "POST", `/api/v1/statuses/${s.id}/${action}`), action);
		labelled((await ok(carol, "POST", `/api/v1/statuses/${s.id}/reblog`)).reblog, "reblog");
		// Who made no such choice sees no label; what is not made has none.
		assert.deepEqual((await get(dan, `/api/v1/statuses/${s.id}`)).filtered, []);
		const plain = await say(alice, "not made", { media_ids: [(await upload(alice)).id] });
		assert.deepEqual((await get(carol, `/api/v1/statuses/${plain.id}`)).filtered, []);
		await ok(carol, "POST", "/api/madang/v1/made_filter", { action: "none" });
	});
});

describe("lists", () => {
	test("show replies by their policy: none, to members, to whom one follows", async () => {
		for (const who of [bob, dan])
			await ok(alice, "POST", `/api/v1/accounts/${who.id}/follow`);
		const lists = {};
		for (const policy of ["none", "list", "followed"]) {
			lists[policy] = await ok(alice, "POST", "/api/v1/lists", { title: policy, replies_policy: policy });
			assert.equal(lists[policy].replies_policy, policy);
			await ok(alice, "POST", `/api/v1/lists/${lists[policy].id}/accounts`, { account_ids: [bob.id] });
		}
		const root = { bob: await say(bob, "bob's own"), dan: await say(dan, "dan's"), carol: await say(carol, "carol's") };
		const said = { own: root.bob };
		for (const [name, to] of Object.entries(root))
			said[name] = await say(bob, `answers ${name}`, { in_reply_to_id: to.id });
		const seen = async (policy) => {
			const ids = (await get(alice, `/api/v1/timelines/list/${lists[policy].id}`)).map((x) => x.id);
			return Object.entries(said).filter(([, x]) => ids.includes(x.id)).map(([k]) => k).sort();
		};
		const wanted = { none: ["bob", "own"], list: ["bob", "own"], followed: ["bob", "dan", "own"] };
		for (const [policy, names] of Object.entries(wanted))
			assert.deepEqual(await until(`the list ${policy}`, async () => {
				const now = await seen(policy);
				return now.length >= names.length && now;
			}), names, policy);
	});

	test("of those who are in an exclusive list nothing stands at home", async () => {
		const list = await ok(alice, "POST", "/api/v1/lists", { title: "apart", exclusive: true });
		await ok(alice, "POST", `/api/v1/lists/${list.id}/accounts`, { account_ids: [dan.id] });
		const [apart, kept] = [await say(dan, "apart"), await say(bob, "at home")];
		const home = async () => (await get(alice, "/api/v1/timelines/home")).map((x) => x.id);
		assert.ok((await home()).includes(kept.id) && !(await home()).includes(apart.id));
		assert.ok((await get(alice, `/api/v1/timelines/list/${list.id}`)).some((x) => x.id === apart.id));
		await ok(alice, "DELETE", `/api/v1/lists/${list.id}`);
		const later = await say(dan, "back");
		assert.ok((await home()).includes(later.id));
	});
});

test("a mute ends when its time has come", async () => {
	const s = await say(bob, "while muted");
	const home = async () => (await get(alice, "/api/v1/timelines/home")).some((x) => x.id === s.id);
	assert.ok(await home());
	const mute = await ok(alice, "POST", `/api/v1/accounts/${bob.id}/mute`, { duration: 3 });
	assert.deepEqual([mute.muting, mute.muting_notifications], [true, true]);
	assert.equal(await home(), false);
	await say(bob, "@alice unheard");
	assert.ok(!(await get(alice, "/api/v1/notifications")).some((n) => n.status?.content.includes("unheard")));
	await until("it has ended", home);
	const [relation] = await get(alice, `/api/v1/accounts/relationships?id[]=${bob.id}`);
	assert.equal(relation.muting, false);
	assert.deepEqual(await get(alice, "/api/v1/mutes"), []);
});

test("a post that waits keeps its pictures, and comes with them and its poll's choices", async () => {
	const media = await upload(alice);
	const at = new Date(Date.now() + 3000).toISOString();
	const waiting = await say(alice, "later, with a picture", { media_ids: [media.id], scheduled_at: at, spoiler_text: "wait", sensitive: true, visibility: "unlisted" });
	assert.deepEqual([waiting.media_attachments[0].id, waiting.params.text, waiting.params.visibility], [media.id, "later, with a picture", "unlisted"]);
	// It is nobody's to use twice, nor to take away.
	assert.equal((await alice.call("POST", "/api/v1/statuses", { status: "mine now", media_ids: [media.id] })).status, 422);
	const [kept] = await get(alice, "/api/v1/scheduled_statuses");
	assert.equal(kept.media_attachments[0].id, media.id);
	const come = await until("its time", async () => (await get(alice, `/api/v1/accounts/${alice.id}/statuses`)).find((x) => x.content.includes("later, with a picture")));
	assert.deepEqual([come.media_attachments[0].id, come.media_attachments[0].description, come.visibility, come.spoiler_text, come.sensitive], [media.id, "one colour", "unlisted", "wait", true]);
	assert.deepEqual(await get(alice, "/api/v1/scheduled_statuses"), []);
});

test("an edit's history has every version, with its words and its warning, and the pictures that the post still has", async () => {
	const [kept, gone] = [await upload(alice), await upload(alice, [90, 9, 9])];
	const edit = (form) => ok(alice, "PUT", `/api/v1/statuses/${s.id}`, form);
	const s = await say(alice, "one", { media_ids: [kept.id, gone.id], language: "en" });
	await edit({ status: "two", spoiler_text: "careful", media_ids: [kept.id, gone.id] });
	await edit({ status: "three", media_ids: [kept.id] });
	const versions = await get(bob, `/api/v1/statuses/${s.id}/history`);
	assert.deepEqual(versions.map((v) => [v.content, v.spoiler_text, v.media_attachments.map((m) => m.id)]), [["<p>one</p>", "", [kept.id]], ["<p>two</p>", "careful", [kept.id]], ["<p>three</p>", "", [kept.id]]]);
	assert.ok(versions.every((v) => v.account.id === alice.id && v.created_at));
	assert.equal((await get(alice, `/api/v1/statuses/${s.id}/source`)).text, "three");
});

test("search: style:, and every operator beside words of each language", async () => {
	const media = await draw(bob, "a red apple", { style: "flat" });
	const ids = {
		made: (await say(bob, "그림입니다 this is made 作りました", { media_ids: [media.id] })).id,
		ko: (await say(bob, "가을 하늘은 높다")).id,
		ja: (await say(bob, "秋の空は高い")).id,
		en: (await say(bob, "the autumn sky is high")).id,
		shown: (await say(bob, "가을 하늘 秋の空 sky", { media_ids: [(await upload(bob)).id] })).id,
	};
	const find = async (q) => {
		const all = (await get(dan, `/api/v2/search?type=statuses&limit=40&q=${encodeURIComponent(q)}`)).statuses.map((x) => x.id);
		return Object.entries(ids).filter(([, id]) => all.includes(id)).map(([k]) => k).sort();
	};
	await until("the index", async () => (await find("from:bob")).length === 5);
	const day = (days) => new Date(Date.now() + days * 86400000).toISOString().slice(0, 10);
	for (const [q, wanted] of [["style:flat", ["made"]], ["style:flat from:bob", ["made"]], ["style:3d from:bob", []], ["그림 made:yes", ["made"]], ["作り made:yes", ["made"]], ["made made:no", []],
		["하늘", ["ko", "shown"]], ["하늘 has:picture", ["shown"]], ["空 has:picture", ["shown"]], ["sky has:picture from:bob", ["shown"]], ["하늘 made:no", ["ko", "shown"]],
		[`하늘 before:${day(2)} from:bob`, ["ko", "shown"]], [`空 after:${day(-2)}`, ["ja", "shown"]], [`autumn before:${day(-2)}`, []], [`autumn after:${day(2)}`, []], ["空 from:alice", []]])
		assert.deepEqual(await find(q), wanted, q);
});

test("blocks come along in a CSV, too", async () => {
	await ok(carol, "POST", `/api/v1/accounts/${dan.id}/block`);
	const csv = await get(carol, "/api/madang/v1/exports/blocks.csv");
	assert.equal(csv, `dan@${new URL(house.url).host}\n`);
	const eve = house.account("eve");
	const form = new FormData();
	form.set("type", "blocks");
	form.set("data", new Blob([csv], { type: "text/csv" }), "blocks.csv");
	const { id } = await ok(eve, "POST", "/api/madang/v1/imports", form);
	await until("it has ended", async () => (await get(eve, `/api/madang/v1/imports/${id}`)).state === "finished");
	assert.equal((await get(eve, "/api/v1/blocks"))[0].id, dan.id);
	assert.equal(await get(eve, "/api/madang/v1/exports/blocks.csv"), csv);
});
