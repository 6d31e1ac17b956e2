// Notifications with masto.js: one by one, in groups, the policy before them, the requests behind it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import { House } from "./house.mjs";

let house, alice, bob, a, people;
const client = (p) => createRestAPIClient({ url: house.url, accessToken: p.token });

before(async () => {
	house = await House.start();
	alice = house.account("alice");
	bob = house.account("bob");
	people = Array.from({ length: 4 }, (_, i) => house.account(`fan${i}`));
	a = client(alice);
});
after(() => house.stop());

const say = (p, status, more) => client(p).v1.statuses.create({ status, ...more });
const ids = (list) => list.map((n) => n.id);

describe("version 1", () => {
	let post;
	test("types, exclude_types, account_id, paging", async () => {
		post = await say(alice, "look");
		await client(bob).v1.statuses.$select(post.id).favourite();
		await client(bob).v1.statuses.$select(post.id).reblog();
		await client(bob).v1.accounts.$select(alice.id).follow();
		await say(bob, "@alice hello");
		await client(people[0]).v1.statuses.$select(post.id).favourite();
		const all = await a.v1.notifications.list();
		assert.deepEqual(all.map((n) => n.type).sort(), ["favourite", "favourite", "follow", "mention", "reblog"]);
		assert.deepEqual(ids(all), ids(all).sort((x, y) => (BigInt(x) < BigInt(y) ? 1 : -1)));
		assert.deepEqual((await a.v1.notifications.list({ types: ["mention"] })).map((n) => n.type), ["mention"]);
		assert.deepEqual((await a.v1.notifications.list({ types: ["mention", "follow"] })).map((n) => n.type), ["mention", "follow"]);
		assert.ok((await a.v1.notifications.list({ excludeTypes: ["favourite"] })).every((n) => n.type !== "favourite"));
		assert.equal((await a.v1.notifications.list({ excludeTypes: ["favourite"] })).length, 3);
		const ofFan = await a.v1.notifications.list({ accountId: people[0].id });
		assert.deepEqual(ofFan.map((n) => [n.type, n.account.username]), [["favourite", "fan0"]]);
		const first = await a.v1.notifications.list({ types: ["favourite", "mention"], limit: 2 });
		const rest = await a.v1.notifications.list({ types: ["favourite", "mention"], limit: 2, maxId: first[1].id });
		assert.equal(rest.length, 1);
		assert.ok(!ids(first).includes(rest[0].id));
		assert.deepEqual(ids(await a.v1.notifications.list({ types: ["favourite", "mention"], limit: 1, minId: rest[0].id })), [first[1].id]);
	});

	test("one, dismissing one, counting", async () => {
		assert.equal((await a.v1.notifications.unreadCount.fetch()).count, 5);
		assert.equal((await a.v1.notifications.unreadCount.fetch({ types: ["mention"] })).count, 1);
		const [mention] = await a.v1.notifications.list({ types: ["mention"] });
		assert.equal((await a.v1.notifications.$select(mention.id).fetch()).status.account.username, "bob");
		assert.match(mention.groupKey, /^ungrouped-/);
		await a.v1.notifications.$select(mention.id).dismiss();
		assert.equal((await a.v1.notifications.list({ types: ["mention"] })).length, 0);
		assert.equal((await bob.call("GET", `/api/v1/notifications/${(await a.v1.notifications.list())[0].id}`)).status, 404);
	});
});

describe("groups", () => {
	let post;
	test("what happens to one post is one group", async () => {
		await a.v1.notifications.clear();
		post = await say(alice, "the apple");
		for (const p of people)
			await client(p).v1.statuses.$select(post.id).favourite();
		for (const p of people.slice(0, 2))
			await client(p).v1.accounts.$select(alice.id).follow();
		const mention = await say(people[3], "@alice nice");
		const r = await a.v2.notifications.list();
		assert.deepEqual(r.notificationGroups.map((g) => [g.type, g.notificationsCount]), [["mention", 1], ["follow", 2], ["favourite", 4]]);
		const [m, f, likes] = r.notificationGroups;
		assert.equal(m.statusId, mention.id);
		assert.equal(likes.statusId, post.id);
		assert.deepEqual(new Set(likes.sampleAccountIds), new Set(people.map((p) => p.id)));
		assert.deepEqual(f.sampleAccountIds, [people[1].id, people[0].id]);
		assert.ok(likes.pageMinId < likes.pageMaxId);
		assert.equal(Number(likes.pageMaxId), likes.mostRecentNotificationId); // as apps in Swift and Go want it: a number
		assert.deepEqual(new Set(r.accounts.map((x) => x.id)), new Set(people.map((p) => p.id)));
		assert.deepEqual(new Set(r.statuses.map((x) => x.id)), new Set([post.id, mention.id]));
		assert.equal((await a.v2.notifications.unreadCount.fetch()).count, 3);
		assert.equal((await a.v1.notifications.unreadCount.fetch()).count, 7);
		const v1 = await a.v1.notifications.list({ types: ["favourite"] });
		assert.ok(v1.every((n) => n.groupKey === likes.groupKey));
	});

	test("grouped_types, types, paging", async () => {
		const r = await a.v2.notifications.list({ groupedTypes: ["follow"] });
		assert.equal(r.notificationGroups.filter((g) => g.type === "favourite").length, 4);
		assert.equal(r.notificationGroups.filter((g) => g.type === "follow").length, 1);
		assert.deepEqual((await a.v2.notifications.list({ types: ["favourite"] })).notificationGroups.map((g) => g.notificationsCount), [4]);
		const first = (await a.v2.notifications.list({ limit: 1 })).notificationGroups;
		const second = (await a.v2.notifications.list({ limit: 1, maxId: first[0].pageMaxId })).notificationGroups;
		assert.deepEqual([first[0].type, second[0].type], ["mention", "follow"]);
		const back = (await a.v2.notifications.list({ limit: 1, minId: second[0].pageMaxId })).notificationGroups;
		assert.equal(back[0].groupKey, first[0].groupKey);
	});

	test("one group, its accounts, taking one back, dismissing", async () => {
		const [likes] = (await a.v2.notifications.list({ types: ["favourite"] })).notificationGroups;
		const one = await a.v2.notifications.$select(likes.groupKey).fetch();
		assert.equal(one.notificationGroups[0].notificationsCount, 4);
		assert.equal((await a.v2.notifications.$select(likes.groupKey).accounts.fetch()).length, 4);
		await client(people[3]).v1.statuses.$select(post.id).unfavourite();
		const now = await a.v2.notifications.$select(likes.groupKey).fetch();
		assert.equal(now.notificationGroups[0].notificationsCount, 3);
		assert.equal(now.notificationGroups[0].mostRecentNotificationId < likes.mostRecentNotificationId, true);
		assert.equal((await bob.call("GET", `/api/v2/notifications/${likes.groupKey}`)).status, 404);
		assert.equal((await bob.call("POST", `/api/v2/notifications/${likes.groupKey}/dismiss`)).status, 404);
		await a.v2.notifications.$select(likes.groupKey).dismiss();
		assert.equal((await a.v2.notifications.list({ types: ["favourite"] })).notificationGroups.length, 0);
		assert.equal((await a.v1.notifications.list({ types: ["favourite"] })).length, 0);
		assert.equal((await alice.call("GET", `/api/v2/notifications/${likes.groupKey}`)).status, 404);
	});

	test("a group goes with its post, and loses whom one blocks", async () => {
		const other = await say(alice, "another");
		await client(people[0]).v1.statuses.$select(other.id).favourite();
		await client(people[1]).v1.statuses.$select(other.id).favourite();
		await a.v1.accounts.$select(people[0].id).block();
		const [g] = (await a.v2.notifications.list({ types: ["favourite"] })).notificationGroups;
		assert.deepEqual(g.sampleAccountIds, [people[1].id]);
		await a.v1.accounts.$select(people[0].id).unblock();
		await a.v1.statuses.$select(other.id).remove();
		assert.equal((await a.v2.notifications.list({ types: ["favourite"] })).notificationGroups.length, 0);
	});
});

describe("the policy", () => {
	const policy = () => a.v2.notifications.policy.fetch();
	test("as Mastodon has it at first; what is wrong is refused", async () => {
		const p = await policy();
		assert.deepEqual([p.forNotFollowing, p.forNotFollowers, p.forNewAccounts, p.forPrivateMentions, p.forLimitedAccounts], ["accept", "accept", "accept", "filter", "filter"]);
		assert.equal(p.summary.pendingRequestsCount, 0);
		const bad = await alice.call("PATCH", "/api/v2/notifications/policy", { for_not_following: "maybe" });
		assert.equal(bad.status, 422);
		assert.match(bad.body.error, /for_not_following/);
	});

	test("a private mention out of the blue waits; accepting shows it", async () => {
		await a.v1.notifications.clear();
		const dm = await say(bob, "@alice psst", { visibility: "direct" });
		assert.equal((await a.v1.notifications.list()).length, 0);
		assert.deepEqual((await a.v1.notifications.list({ accountId: bob.id, includeFiltered: true })).map((n) => n.status.id), [dm.id]);
		const [r] = await a.v1.notifications.requests.list();
		assert.equal(r.account.username, "bob");
		assert.equal(r.notificationsCount, "1");
		assert.equal(r.lastStatus.id, dm.id);
		assert.equal((await a.v1.notifications.requests.$select(r.id).fetch()).id, r.id);
		assert.equal((await bob.call("GET", `/api/v1/notifications/requests/${r.id}`)).status, 404);
		assert.equal((await bob.call("POST", `/api/v1/notifications/requests/${r.id}/accept`)).status, 404);
		assert.equal((await policy()).summary.pendingRequestsCount, 1);
		await a.v1.notifications.requests.$select(r.id).accept();
		assert.equal((await a.v1.notifications.requests.merged.fetch()).merged, true);
		assert.deepEqual((await a.v1.notifications.list()).map((n) => n.status.id), [dm.id]);
		await say(bob, "@alice again", { visibility: "direct" });
		assert.equal((await a.v1.notifications.list()).length, 2);
		assert.equal((await a.v1.notifications.requests.list()).length, 0);
	});

	test("filter and drop; dismissing deletes; several at once", async () => {
		await a.v1.notifications.clear();
		const post = await say(alice, "for strangers");
		await a.v2.notifications.policy.update({ forNotFollowing: "filter" });
		await client(people[2]).v1.statuses.$select(post.id).favourite();
		await say(people[3], "@alice hi");
		assert.equal((await a.v1.notifications.list()).length, 0);
		assert.equal((await a.v2.notifications.list()).notificationGroups.length, 0);
		const requests = await a.v1.notifications.requests.list();
		assert.equal(requests.length, 2);
		const of = (p) => requests.find((r) => r.account.id === p.id).id;
		await a.v1.notifications.requests.$select(of(people[3])).dismiss();
		assert.equal((await alice.call("POST", "/api/v1/notifications/requests/accept", { id: [of(people[2])] })).status, 200);
		assert.deepEqual((await a.v2.notifications.list()).notificationGroups.map((g) => [g.type, g.notificationsCount]), [["favourite", 1]]);
		assert.equal((await a.v1.notifications.list({ accountId: people[3].id, includeFiltered: true })).length, 0);
		await a.v2.notifications.policy.update({ forNotFollowing: "drop" });
		await say(people[3], "@alice are you there");
		assert.equal((await a.v1.notifications.list({ includeFiltered: true, accountId: people[3].id })).length, 0);
		await a.v1.accounts.$select(people[3].id).follow();
		await say(people[3], "@alice and now");
		assert.equal((await a.v1.notifications.list({ accountId: people[3].id })).length, 1);
		await a.v2.notifications.policy.update({ forNotFollowing: "accept" });
	});
});
