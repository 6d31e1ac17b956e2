// The main path with masto.js, as an app would walk it: two people, posts, pictures, likes, answers, streams.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient, createStreamingAPIClient } from "masto";
import WebSocket from "ws";
import { House, png, sleep, until } from "./house.mjs";

let house, alice, bob, a, b;

before(async () => {
	house = await House.start();
	alice = house.account("alice", { admin: true });
	bob = house.account("bob");
	a = createRestAPIClient({ url: house.url, accessToken: alice.token });
	b = createRestAPIClient({ url: house.url, accessToken: bob.token });
});
after(() => house.stop());

describe("who and where", () => {
	test("instance v1 and v2", async () => {
		const v2 = await a.v2.instance.fetch();
		assert.equal(v2.domain, `127.0.0.1:${house.port}`);
		assert.ok(v2.configuration.statuses.maxCharacters >= 500);
		assert.match(v2.configuration.urls.streaming, /^ws:/);
		const v1 = await a.v1.instance.fetch();
		assert.match(v1.urls.streamingApi, /^ws:/);
	});

	test("verify_credentials, lookup, search, relationships", async () => {
		const me = await a.v1.accounts.verifyCredentials();
		assert.equal(me.username, "alice");
		assert.ok(me.avatar && me.avatarStatic && me.header);
		assert.equal((await b.v1.accounts.lookup({ acct: "alice" })).id, me.id);
		assert.equal((await b.v1.accounts.search.list({ q: "ali" }))[0].id, me.id);
		const [r] = await b.v1.accounts.relationships.fetch({ id: [me.id] });
		assert.equal(r.following, false);
	});

	test("update_credentials by multipart, with an avatar and fields", async () => {
		const me = await a.v1.accounts.updateCredentials({
			displayName: "Alice 앨리스",
			note: "Draws <b>apples</b>",
			fieldsAttributes: [{ name: "site", value: "https://example.org" }],
			avatar: new Blob([png(40, 40)], { type: "image/png" }),
			source: { privacy: "unlisted" },
		});
		assert.equal(me.displayName, "Alice 앨리스");
		assert.ok(!me.note.includes("<b>apples"));
		assert.equal(me.fields[0].name, "site");
		assert.equal(me.source.privacy, "unlisted");
		const picture = await fetch(me.avatar);
		assert.equal(picture.headers.get("content-type"), "image/webp");
		assert.match(picture.headers.get("cache-control"), /immutable/);
		await a.v1.accounts.updateCredentials({ source: { privacy: "public" } });
	});

	test("the default avatar is a picture", async () => {
		const r = await fetch((await b.v1.accounts.verifyCredentials()).avatar);
		assert.equal(r.status, 200);
		assert.equal(r.headers.get("content-type"), "image/svg+xml");
	});
});

describe("posts", () => {
	test("post, read, like, boost, bookmark, answer, notifications, delete", async () => {
		await b.v1.accounts.$select(alice.id).follow();
		const post = await a.v1.statuses.create({ status: "안녕 @bob #봄 https://example.org/x", spoilerText: "spring", language: "ko", visibility: "public" });
		assert.equal(post.language, "ko");
		assert.equal(post.spoilerText, "spring");
		assert.equal(post.mentions[0].acct, "bob");
		assert.equal(post.tags[0].name, "봄");
		assert.equal(post.madang.made_with ?? post.madang.madeWith ?? null, null);

		assert.equal((await b.v1.timelines.home.list())[0].id, post.id);
		assert.equal((await b.v1.timelines.public.list({ local: true }))[0].id, post.id);
		assert.equal((await b.v1.timelines.tag.$select("봄").list())[0].id, post.id);
		assert.equal((await b.v1.accounts.$select(alice.id).statuses.list())[0].id, post.id);

		const s = b.v1.statuses.$select(post.id);
		assert.equal((await s.favourite()).favouritesCount, 1);
		assert.equal((await s.favourite()).favouritesCount, 1, "a second time changes nothing");
		assert.equal((await s.bookmark()).bookmarked, true);
		const boost = await s.reblog();
		assert.equal(boost.reblog.id, post.id);
		const answer = await b.v1.statuses.create({ status: "@alice 응!", inReplyToId: post.id });
		assert.equal(answer.inReplyToAccountId, alice.id);
		const context = await a.v1.statuses.$select(post.id).context.fetch();
		assert.deepEqual(context.descendants.map((x) => x.id), [answer.id]);
		const fresh = await s.fetch();
		assert.deepEqual([fresh.favouritesCount, fresh.reblogsCount, fresh.repliesCount], [1, 1, 1]);
		assert.deepEqual([fresh.favourited, fresh.reblogged, fresh.bookmarked], [true, true, true]);
		assert.equal((await s.favouritedBy.list())[0].username, "bob");
		assert.equal((await s.rebloggedBy.list())[0].username, "bob");
		assert.equal((await b.v1.favourites.list())[0].id, post.id);
		assert.equal((await b.v1.bookmarks.list())[0].id, post.id);

		const types = (await a.v1.notifications.list({ excludeTypes: ["admin.sign_up"] })).map((n) => n.type).sort(); // ana is the administrator
		assert.deepEqual(types, ["favourite", "follow", "mention", "reblog"]);
		assert.deepEqual((await a.v1.notifications.list({ types: ["follow"] })).map((n) => n.type), ["follow"]);
		assert.equal((await a.v1.notifications.list({ excludeTypes: ["follow", "mention", "admin.sign_up"] })).length, 2);
		const [first] = await a.v1.notifications.list();
		const all = (await a.v1.notifications.list()).length;
		await a.v1.notifications.$select(first.id).dismiss();
		assert.equal((await a.v1.notifications.list()).length, all - 1);
		await a.v1.notifications.clear();
		assert.equal((await a.v1.notifications.list()).length, 0);

		assert.equal((await s.unfavourite()).favouritesCount, 0);
		assert.equal((await s.unbookmark()).bookmarked, false);
		assert.equal((await s.unreblog()).reblogged, false);
		const deleted = await a.v1.statuses.$select(post.id).remove();
		assert.ok(deleted.id);
		await assert.rejects(s.fetch(), (e) => e.statusCode === 404);
	});

	test("pages: next and prev by Link", async () => {
		for (let i = 0; i < 7; i++)
			await a.v1.statuses.create({ status: `page ${i}` });
		const seen = [];
		for await (const page of b.v1.accounts.$select(alice.id).statuses.list({ limit: 3 }))
			seen.push(...page.map((s) => s.id));
		assert.ok(seen.length >= 7);
		assert.equal(new Set(seen).size, seen.length);
		const r = await house.call("GET", `/api/v1/timelines/public?limit=2&local=true`);
		assert.match(r.headers.get("link"), /local=true&max_id=\d+>; rel="next".*min_id=\d+>; rel="prev"/);
	});

	test("an Idempotency-Key counts once", async () => {
		const key = { "idempotency-key": "k1" };
		const one = await alice.call("POST", "/api/v1/statuses", { status: "once" }, key);
		const two = await alice.call("POST", "/api/v1/statuses", { status: "once" }, key);
		assert.equal(one.body.id, two.body.id);
	});

	test("JSON, form, multipart and query are alike", async () => {
		const form = new FormData();
		form.set("status", "alike");
		for (const [route, body] of [["", { status: "alike" }], ["", new URLSearchParams({ status: "alike" })], ["", form], ["?status=alike", undefined]]) {
			const r = await alice.call("POST", `/api/v1/statuses${route}`, body);
			assert.equal(r.status, 200);
			assert.match(r.body.content, /alike/);
		}
	});

	test("who may see what", async () => {
		const direct = await a.v1.statuses.create({ status: "only me", visibility: "direct" });
		const followers = await a.v1.statuses.create({ status: "followers", visibility: "private" });
		const eve = house.account("eve");
		assert.equal((await eve.call("GET", `/api/v1/statuses/${direct.id}`)).status, 404);
		assert.equal((await eve.call("GET", `/api/v1/statuses/${followers.id}`)).status, 404);
		assert.equal((await bob.call("GET", `/api/v1/statuses/${followers.id}`)).status, 200);
		assert.equal((await bob.call("GET", `/api/v1/statuses/${direct.id}`)).status, 404);
		assert.equal((await house.call("GET", `/api/v1/statuses/${followers.id}`)).status, 404);
		assert.equal((await bob.call("DELETE", `/api/v1/statuses/${followers.id}`)).status >= 403, true);
		assert.equal((await eve.call("POST", `/api/v1/statuses/${direct.id}/favourite`)).status, 404);
	});
});

describe("pictures", () => {
	test("upload, describe, post, fetch; gone with the last post", async () => {
		const media = await a.v2.media.create({ file: new Blob([png(600, 300)], { type: "image/png" }), description: "red" });
		assert.equal(media.type, "image");
		assert.equal(media.description, "red");
		assert.deepEqual([media.meta.original.width, media.meta.original.height], [600, 300]);
		assert.equal(media.meta.small.width, 480);
		assert.match(media.blurhash, /^[A-Za-z0-9#$%*+,\-.:;=?@[\]^_{|}~]{28}$/);
		const changed = await a.v1.media.$select(media.id).update({ description: "quite red", focus: "0.5,-0.5" });
		assert.equal(changed.description, "quite red");
		assert.deepEqual(changed.meta.focus, { x: 0.5, y: -0.5 });
		const post = await a.v1.statuses.create({ status: "", mediaIds: [media.id], sensitive: true });
		assert.equal(post.mediaAttachments[0].id, media.id);
		assert.equal((await fetch(media.url)).status, 200);
		await assert.rejects(b.v1.statuses.create({ status: "mine", mediaIds: [media.id] }), (e) => e.statusCode >= 400 && e.statusCode < 500);
		await a.v1.statuses.$select(post.id).remove();
		await alice.call("DELETE", `/api/v1/media/${media.id}`);
		await until("the object is gone", async () => (await fetch(media.url)).status === 404, 15000);
	});

	test("a moving GIF goes on moving", async () => {
		const frame = (pixel) => `21f904040a000000` + `2c000000000100010000` + `0202${pixel}0100`;
		const gif = Buffer.from(`474946383961010001008000000000` + `00ffffff` + `21ff0b4e45545343415045322e300301000000` + frame("44") + frame("4c") + `3b`, "hex");
		const media = await a.v2.media.create({ file: new Blob([gif], { type: "image/gif" }) });
		assert.deepEqual([media.type, media.meta.original.width, media.meta.original.height], ["image", 1, 1]);
		const bytes = Buffer.from(await (await fetch(media.url)).arrayBuffer());
		assert.equal(bytes.subarray(8, 12).toString(), "WEBP");
		assert.equal(bytes.toString("latin1").split("ANMF").length - 1, 2, "two frames");
	});

	test("a part of a file: Range, If-Range, and what is no part", async () => {
		const media = await a.v2.media.create({ file: new Blob([png(64, 64)]) });
		const whole = Buffer.from(await (await fetch(media.url)).arrayBuffer());
		const part = async (headers) => {
			const r = await fetch(media.url, { headers });
			return { status: r.status, bytes: Buffer.from(await r.arrayBuffer()), range: r.headers.get("content-range"), etag: r.headers.get("etag") };
		};
		const n = whole.length;
		for (const [range, from, to] of [["bytes=0-9", 0, 9], ["bytes=10-", 10, n - 1], ["bytes=-5", n - 5, n - 1], [`bytes=5-${n + 100}`, 5, n - 1], [`bytes=-${n + 5}`, 0, n - 1], ["bytes=0-0", 0, 0]]) {
			const r = await part({ range });
			assert.deepEqual([r.status, r.range], [206, `bytes ${from}-${to}/${n}`], range);
			assert.ok(r.bytes.equals(whole.subarray(from, to + 1)), range);
		}
		for (const range of ["bytes=1-2,4-5", "bytes=", "bytes=-", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=99999999999999999999999-"]) {
			const r = await part({ range });
			assert.equal(r.status, 200, range);
			assert.ok(r.bytes.equals(whole), range);
		}
		for (const range of [`bytes=${n}-`, `bytes=${n + 5}-${n + 9}`, "bytes=-0"]) {
			const r = await part({ range });
			assert.deepEqual([r.status, r.range], [416, `bytes */${n}`], range);
		}
		const { etag } = await part({});
		assert.equal((await part({ range: "bytes=0-3", "if-range": etag })).status, 206);
		assert.equal((await part({ range: "bytes=0-3", "if-range": '"other"' })).status, 200);
		assert.equal((await part({ range: "bytes=0-3", "if-none-match": etag })).status, 304);
	});

	test("what is no picture is refused with a reason", async () => {
		for (const bytes of [Buffer.from("hello"), Buffer.alloc(0), png(20, 20).subarray(0, 60), Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>")]) {
			const form = new FormData();
			form.set("file", new Blob([bytes]), "a.png");
			const r = await alice.call("POST", "/api/v2/media", form);
			assert.equal(r.status, 422, JSON.stringify(r.body));
			assert.equal(r.body.field, "file");
		}
	});
});

describe("streams", () => {
	const streaming = (token) => createStreamingAPIClient({ streamingApiUrl: house.url.replace("http", "ws"), accessToken: token, implementation: WebSocket });

	test("WebSocket: user and public", async () => {
		await b.v1.accounts.$select(alice.id).follow();
		const client = streaming(bob.token);
		const got = [];
		const user = client.user.subscribe(), local = client.public.local.subscribe();
		(async () => { for await (const e of user) got.push(["user", e.event, e.payload]); })().catch(() => {});
		(async () => { for await (const e of local) got.push(["local", e.event, e.payload]); })().catch(() => {});
		await until("both are heard", async () => { // masto.js subscribes by messages: until they are read, nothing comes
			await a.v1.statuses.create({ status: "anybody there?" });
			await sleep(100);
			return ["user", "local"].every((stream) => got.some(([from]) => from === stream));
		});
		const post = await a.v1.statuses.create({ status: "live @bob" });
		const of = (p) => p.id === post.id || p.status?.id === post.id;
		await until("three events", () => got.filter(([, , p]) => of(p)).length >= 3).catch((e) => assert.fail(`${e.message}: ${got.map((g) => g.slice(0, 2))}\n${house.log.split("\n").slice(-12).join("\n")}`));
		assert.ok(got.some(([s, e, p]) => s === "user" && e === "update" && p.id === post.id));
		assert.ok(got.some(([s, e, p]) => s === "local" && e === "update" && p.id === post.id));
		assert.ok(got.some(([s, e, p]) => s === "user" && e === "notification" && p.status.id === post.id));
		await a.v1.statuses.$select(post.id).remove();
		await until("the delete", () => got.some(([s, e, p]) => s === "user" && e === "delete" && p === post.id));
		client.close();
	});

	test("SSE: public, hashtag, and nothing without a token for user", async () => {
		const seen = [];
		const events = await house.listen("/api/v1/streaming/hashtag?tag=Tree", bob.token);
		const watch = (async () => {
			for await (const e of events) {
				seen.push(e);
				break;
			}
		})();
		const post = await a.v1.statuses.create({ status: "a #tree" });
		await watch;
		assert.equal(seen[0].event, "update");
		assert.equal(JSON.parse(seen[0].data).id, post.id);
		assert.equal((await house.call("GET", "/api/v1/streaming/user")).status, 401);
		assert.equal((await house.call("GET", "/api/v1/streaming/health")).body, "OK");
	});
});

describe("the rest that apps ask for", () => {
	test("preferences, markers, search, empty lists", async () => {
		assert.equal((await a.v1.preferences.fetch())["posting:default:visibility"], "public");
		const [post] = await a.v1.timelines.home.list();
		await a.v1.markers.create({ home: { lastReadId: post.id } });
		assert.equal((await a.v1.markers.fetch({ timeline: ["home"] })).home.lastReadId, post.id);
		assert.equal((await a.v2.search.list({ q: "bob" })).accounts[0].username, "bob");
		for (const route of ["lists", "custom_emojis", "announcements", "filters", "followed_tags"])
			assert.deepEqual((await alice.call("GET", `/api/v1/${route}`)).body, []);
		const conversations = (await alice.call("GET", "/api/v1/conversations")).body;
		assert.deepEqual([...new Set(conversations.map((c) => c.last_status.visibility))], ["direct"]);
	});

	test("follow, mute, block, requests of a locked account", async () => {
		const s = b.v1.accounts.$select(alice.id);
		assert.equal((await s.mute()).muting, true);
		assert.equal((await s.unmute()).muting, false);
		assert.equal((await s.unfollow()).following, false);
		await a.v1.accounts.updateCredentials({ locked: true });
		assert.equal((await s.follow()).requested, true);
		assert.equal((await a.v1.followRequests.list())[0].username, "bob");
		await a.v1.followRequests.$select(bob.id).authorize();
		assert.equal((await b.v1.accounts.relationships.fetch({ id: [alice.id] }))[0].following, true);
		assert.equal((await a.v1.accounts.$select(bob.id).block()).blocking, true);
		assert.equal((await a.v1.blocks.list())[0].username, "bob");
		assert.equal((await a.v1.accounts.$select(bob.id).unblock()).blocking, false);
	});
});
