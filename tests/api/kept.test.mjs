// Answers that are kept in memory are never old: whatever changes shows in the very next answer.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { House, onPostgres, png, until } from "./house.mjs";

let house, admin, alice, bob, cho;
before(async () => {
	house = await House.start();
	admin = house.account("root", { admin: true });
	alice = house.account("alice");
	bob = house.account("bob");
	cho = house.account("cho");
	await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`);
});
after(() => house.stop());

const post = async (who, more) => (await who.call("POST", "/api/v1/statuses", { status: "x", ...more })).body;
// Asked three times, so that the third answer is one that was kept.
async function home(who = bob, at = "") {
	for (let i = 0; i < 2; i++)
		await who.call("GET", `/api/v1/timelines/home${at}`);
	const r = await who.call("GET", `/api/v1/timelines/home${at}`);
	assert.equal(r.status, 200);
	return r.body;
}
const now = async (who = bob, at = "") => (await who.call("GET", `/api/v1/timelines/home${at}`)).body;
const kept = async () => Number((await house.call("GET", "/metrics")).body.match(/madang_kept_total\{what="answer",found="yes"\} (\d+)/)[1]);

test("answers are kept at all, for each person and each page by itself", async () => {
	const first = await post(alice), second = await post(alice);
	const before = await kept();
	assert.deepEqual((await home()).map((s) => s.id), [second.id, first.id]);
	assert.ok((await kept()) >= before + 2);
	assert.deepEqual((await home(cho)).map((s) => s.id), []);
	assert.deepEqual((await home(bob, "?limit=1")).map((s) => s.id), [second.id]);
	assert.deepEqual((await home(bob, `?max_id=${second.id}`)).map((s) => s.id), [first.id]);
	const r = await bob.call("GET", "/api/v1/timelines/home?limit=1");
	assert.match(r.headers.get("link"), new RegExp(`max_id=${second.id}>; rel="next"`));
	assert.ok(r.headers.get("x-request-id"));
});

test("what happens to a post", async () => {
	const p = await post(alice);
	const of = (list) => list.find((s) => s.id === p.id);
	assert.ok(of(await home()));
	const steps = [
		["a like of one's own", () => bob.call("POST", `/api/v1/statuses/${p.id}/favourite`), (s) => s.favourited && s.favourites_count === 1],
		["a like of another", () => cho.call("POST", `/api/v1/statuses/${p.id}/favourite`), (s) => s.favourites_count === 2],
		["taken back", () => bob.call("POST", `/api/v1/statuses/${p.id}/unfavourite`), (s) => !s.favourited && s.favourites_count === 1],
		["a bookmark", () => bob.call("POST", `/api/v1/statuses/${p.id}/bookmark`), (s) => s.bookmarked],
		["no bookmark", () => bob.call("POST", `/api/v1/statuses/${p.id}/unbookmark`), (s) => !s.bookmarked],
		["a boost", () => cho.call("POST", `/api/v1/statuses/${p.id}/reblog`), (s) => s.reblogs_count === 1],
		["a boost of one's own", () => bob.call("POST", `/api/v1/statuses/${p.id}/reblog`), (s) => s.reblogged && s.reblogs_count === 2],
		["no boost", () => bob.call("POST", `/api/v1/statuses/${p.id}/unreblog`), (s) => !s.reblogged && s.reblogs_count === 1],
		["an answer", () => cho.call("POST", "/api/v1/statuses", { status: "@alice y", in_reply_to_id: p.id }), (s) => s.replies_count === 1],
		["another name of its author", () => alice.call("PATCH", "/api/v1/accounts/update_credentials", { display_name: "Alice 2" }), (s) => s.account.display_name === "Alice 2"],
		["another follower of its author", () => cho.call("POST", `/api/v1/accounts/${alice.id}/follow`), (s) => s.account.followers_count === 2],
		["another post of its author", () => post(alice), (s) => s.account.statuses_count >= 4],
	];
	for (const [what, act, holds] of steps) {
		await home();
		const r = await act();
		assert.ok(!r.status || r.status === 200, `${what}: ${JSON.stringify(r.body)}`);
		const s = of(await now());
		assert.ok(s && holds(s), `${what}: ${JSON.stringify(s)}`);
	}
	await home();
	await alice.call("DELETE", `/api/v1/statuses/${p.id}`);
	assert.equal(of(await now()), undefined);
});

test("what happens between people", async () => {
	const p = await post(alice);
	const seen = async () => (await now()).some((s) => s.id === p.id);
	for (const [route, shown] of [["mute", false], ["unmute", true], ["block", false]]) {
		await home();
		await bob.call("POST", `/api/v1/accounts/${alice.id}/${route}`);
		assert.equal(await seen(), shown, route);
	}
	await bob.call("POST", `/api/v1/accounts/${alice.id}/unblock`);
	await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`);
	assert.equal((await home()).some((s) => s.id === p.id), true);
	await bob.call("POST", `/api/v1/accounts/${alice.id}/unfollow`);
	assert.equal(await seen(), false, "unfollow");
	await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`);
	assert.equal(await seen(), true, "follow");
	await home();
	await admin.call("POST", `/api/madang/v1/admin/accounts/${alice.id}/suspend`);
	assert.equal(await seen(), false, "suspended");
	assert.equal((await alice.call("GET", "/api/v1/timelines/home")).status, 401);
	await admin.call("POST", `/api/madang/v1/admin/accounts/${alice.id}/unsuspend`);
	assert.equal(await seen(), true, "not suspended any more");
});

test("the public timeline, signed in or not", async () => {
	const list = async (who) => (who ? who.call : (...a) => house.call(...a))("GET", "/api/v1/timelines/public").then((r) => r.body);
	for (const who of [undefined, bob]) {
		await list(who), await list(who);
		const p = await post(cho);
		assert.equal((await list(who))[0].id, p.id);
		await list(who);
		await cho.call("POST", `/api/v1/statuses/${p.id}/favourite`);
		assert.equal((await list(who))[0].favourites_count, 1);
		assert.equal((await list(who))[0].favourited ?? false, false);
		assert.equal((await list(cho))[0].favourited, true);
		const form = new FormData();
		form.set("file", new Blob([png(8, 8)]), "a.png");
		const media = (await cho.call("POST", "/api/v2/media", form)).body;
		const q = await post(cho, { media_ids: [media.id] });
		await list(who);
		assert.equal((await list(who))[0].media_attachments[0].id, media.id);
		await list(who);
		await cho.call("DELETE", `/api/v1/statuses/${q.id}`);
		assert.equal((await list(who))[0].id, p.id);
	}
});

test("who may read: a token of an app has a scope, nobody has no home", async () => {
	await home();
	const narrow = { authorization: `Bearer ${house.admin(["token", "add", "bob", "--scopes", "write"])}` };
	for (let i = 0; i < 3; i++) {
		assert.equal((await house.call("GET", "/api/v1/timelines/home", undefined, narrow)).status, 403);
		assert.equal((await house.call("GET", "/api/v1/timelines/home")).status, 401);
		assert.equal((await house.call("GET", "/api/v1/timelines/home", undefined, { authorization: "Bearer nonsense" })).status, 401);
	}
});

describe("two servers", { skip: onPostgres ? false : "SQLite has one process" }, () => {
	test("a change at one shows at the other", async () => {
		const other = await House.beside(house);
		try {
			const p = await post(alice);
			const there = async () => (await other.call("GET", "/api/v1/timelines/home", undefined, { authorization: `Bearer ${bob.token}` })).body.find((s) => s.id === p.id);
			await until("it is there", there);
			for (let i = 0; i < 3; i++)
				await there();
			await cho.call("POST", `/api/v1/statuses/${p.id}/favourite`);
			await until("the like", async () => (await there()).favourites_count === 1, 6000); // before it grows old by itself, which is 10 s
			await there();
			await alice.call("DELETE", `/api/v1/statuses/${p.id}`);
			await until("it is gone", async () => !(await there()), 6000);
		} finally {
			await other.stop();
		}
	});
});
