// Mastodon's client API through masto.js: every method that the library has for what is offered here, each answer
// held against the library's own types. What was called, and how it was answered, becomes its section of
// docs/compatibility.md.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { createRestAPIClient, createStreamingAPIClient } from "masto";
import WebSocket from "ws";
import { section, test } from "./compatibility.mjs";
import { House, png, tinyModel, until } from "./house.mjs";
import { checkShape } from "./shape.mjs";

// Held by suites of their own.
const elsewhere = [/^\/oauth/, /^\/\.well-known/, /^\/nodeinfo/, /streaming/, /notifications/, /\/push\//, /\/admin\//, /\/reports/, /\/announcements/, /translate$/, /\/trends/, /timelines\/link/, /custom_emojis/, /\/apps/, /\/search/, /\/exports?/, /\/imports?/, /instance/, /emails/];
let house, alice, bob, carol, a, b, c, nobody;
before(async () => {
	house = await House.start({ model: tinyModel() });
	const scopes = "read write follow push";
	alice = house.account("alice", { scopes });
	bob = house.account("bob", { scopes });
	carol = house.account("carol", { scopes });
	const client = (who) => createRestAPIClient({ url: house.url, accessToken: who?.token });
	[a, b, c, nobody] = [client(alice), client(bob), client(carol), client()];
});
after(() => house.stop());

const fails = (promise, status) => assert.rejects(async () => await promise, (e) => e.statusCode === status || assert.fail(`${e.statusCode} ${e.message}, not ${status}`));

describe("statuses", () => {
	let status;
	test("create, fetch, several, context, remove", async () => {
		status = checkShape("Status", await a.v1.statuses.create({ status: "Hello #tests @bob", language: "en", spoilerText: "cw" }));
		assert.equal(status.quoteApproval.currentUser, "automatic");
		checkShape("Status", await nobody.v1.statuses.$select(status.id).fetch());
		assert.equal(checkShape("Status[]", await b.v1.statuses.fetch({ id: [status.id] })).length, 1);
		const reply = await b.v1.statuses.create({ status: "@alice hi", inReplyToId: status.id });
		const context = await a.v1.statuses.$select(status.id).context.fetch();
		assert.equal(checkShape("Status[]", context.descendants)[0].id, reply.id);
		const gone = checkShape("Status", await b.v1.statuses.$select(reply.id).remove());
		assert.equal(gone.text, "@alice hi");
		await fails(a.v1.statuses.$select(reply.id).fetch(), 404);
	});
	test("update with source and history", async () => {
		const media = await a.v2.media.create({ file: new Blob([png(20, 20)], { type: "image/png" }), description: "a red square" });
		checkShape("MediaAttachment", await a.v1.media.$select(media.id).fetch());
		checkShape("MediaAttachment", await a.v1.media.$select(media.id).update({ description: "a square" }));
		const one = await a.v1.statuses.create({ status: "first", mediaIds: [media.id] });
		const edited = checkShape("Status", await a.v1.statuses.$select(one.id).update({ status: "second", mediaIds: [media.id], mediaAttributes: [{ id: media.id, description: "red", focus: "0.5,0.5" }] }));
		assert.match(edited.content, /second/);
		assert.ok(edited.editedAt);
		assert.equal(edited.mediaAttachments[0].description, "red");
		assert.equal(checkShape("StatusSource", await a.v1.statuses.$select(one.id).source.fetch()).text, "second");
		const history = await nobody.v1.statuses.$select(one.id).history.list();
		assert.deepEqual(history.map((v) => v.content), ["<p>first</p>", "<p>second</p>"]);
		checkShape("Account", history[0].account);
		await fails(b.v1.statuses.$select(one.id).update({ status: "mine" }), 404);
		const without = await a.v1.statuses.$select(one.id).update({ status: "third" });
		assert.equal(without.mediaAttachments.length, 0);
	});
	test("favourite, bookmark, reblog, pin, mute", async () => {
		const s = () => b.v1.statuses.$select(status.id);
		assert.equal(checkShape("Status", await s().favourite()).favourited, true);
		assert.equal(checkShape("Account[]", await a.v1.statuses.$select(status.id).favouritedBy.list())[0].username, "bob");
		assert.equal(checkShape("Status[]", await b.v1.favourites.list()).length, 1);
		assert.equal((await s().unfavourite()).favourited, false);
		assert.equal((await s().bookmark()).bookmarked, true);
		assert.equal(checkShape("Status[]", await b.v1.bookmarks.list()).length, 1);
		assert.equal((await s().unbookmark()).bookmarked, false);
		assert.equal(checkShape("Status", await s().reblog()).reblog.id, status.id);
		assert.equal(checkShape("Account[]", await a.v1.statuses.$select(status.id).rebloggedBy.list()).length, 1);
		assert.equal((await s().unreblog()).reblogged, false);
		assert.equal((await s().mute()).muted, true);
		assert.equal((await s().unmute()).muted, false);
		assert.equal(checkShape("Status", await a.v1.statuses.$select(status.id).pin()).pinned, true);
		assert.equal(checkShape("Status[]", await nobody.v1.accounts.$select(alice.id).statuses.list({ pinned: true }))[0].id, status.id);
		await fails(s().pin(), 422);
		assert.equal((await a.v1.statuses.$select(status.id).unpin()).pinned, false);
	});
	test("quotes: policy, list, revoke", async () => {
		const open = await a.v1.statuses.create({ status: "quote me" });
		const closed = await a.v1.statuses.create({ status: "do not", quoteApprovalPolicy: "nobody" });
		assert.equal((await b.v1.statuses.$select(closed.id).fetch()).quoteApproval.currentUser, "denied");
		await fails(b.v1.statuses.create({ status: "but", quotedStatusId: closed.id }), 403);
		const quote = checkShape("Status", await b.v1.statuses.create({ status: "look", quotedStatusId: open.id }));
		assert.equal(quote.quote.state, "accepted");
		assert.equal(quote.quote.quotedStatus.id, open.id);
		const outer = await c.v1.statuses.create({ status: "deeper", quotedStatusId: quote.id });
		assert.equal(outer.quote.quotedStatus.quote.quotedStatusId, open.id);
		assert.equal(checkShape("Status[]", await a.v1.statuses.$select(open.id).quotes.list()).length, 1);
		const post = (route) => alice.call("POST", route);
		assert.equal((await carol.call("POST", `/api/v1/statuses/${open.id}/quotes/${quote.id}/revoke`)).status, 403);
		const revoked = await post(`/api/v1/statuses/${open.id}/quotes/${quote.id}/revoke`);
		assert.equal(revoked.body.quote.state, "revoked");
		assert.equal((await a.v1.statuses.$select(open.id).fetch()).quotesCount, 0);
		const policy = await alice.call("PUT", `/api/v1/statuses/${open.id}/interaction_policy`, { quote_approval_policy: "followers" });
		assert.deepEqual(policy.body.quote_approval.automatic, ["followers"]);
	});
	test("polls: asking and voting", async () => {
		const asked = checkShape("Status", await a.v1.statuses.create({ status: "tea?", poll: { options: ["yes", "no"], expiresIn: 600, multiple: false } }));
		checkShape("Poll", await nobody.v1.polls.$select(asked.poll.id).fetch());
		const voted = checkShape("Poll", await b.v1.polls.$select(asked.poll.id).votes.create({ choices: [1] }));
		assert.deepEqual([voted.voted, voted.ownVotes, voted.votesCount, voted.options[1].votesCount], [true, [1], 1, 1]);
		await fails(b.v1.polls.$select(asked.poll.id).votes.create({ choices: [0] }), 422);
		await fails(a.v1.statuses.create({ status: "x", poll: { options: ["one"], expiresIn: 600 } }), 422);
	});
	test("scheduled: kept, listed, moved, taken back, posted in its time", async () => {
		const at = (ms) => new Date(Date.now() + ms).toISOString();
		const kept = await a.v1.statuses.create({ status: "much later", scheduledAt: at(3600e3) });
		assert.equal(kept.params.text, "much later");
		assert.equal((await a.v1.scheduledStatuses.list()).length, 1);
		assert.equal((await a.v1.scheduledStatuses.$select(kept.id).fetch()).id, kept.id);
		await fails(b.v1.scheduledStatuses.$select(kept.id).fetch(), 404);
		const moved = at(7200e3);
		assert.equal((await a.v1.scheduledStatuses.$select(kept.id).update({ scheduledAt: moved })).scheduledAt, moved);
		await a.v1.scheduledStatuses.$select(kept.id).remove();
		await fails(a.v1.scheduledStatuses.$select(kept.id).fetch(), 404);
		await fails(a.v1.statuses.create({ status: "x", scheduledAt: "tomorrow" }), 422);
	});
	test("a scheduled status survives a kill", async () => {
		await a.v1.statuses.create({ status: "after the kill", scheduledAt: new Date(Date.now() + 4000).toISOString() });
		await house.kill();
		await house.up();
		const mine = async () => (await a.v1.accounts.$select(alice.id).statuses.list({ limit: 5 })).filter((s) => s.content.includes("after the kill"));
		await until("it is posted", async () => (await mine()).length > 0, 20000);
		assert.equal((await mine()).length, 1);
		assert.equal((await a.v1.scheduledStatuses.list()).length, 0);
	});
	test("a picture that is not posted is taken back", async () => {
		const media = await a.v2.media.create({ file: new Blob([png(9, 9)], { type: "image/png" }) });
		assert.equal((await alice.call("DELETE", `/api/v1/media/${media.id}`)).status, 200);
		const form = new FormData();
		form.set("file", new Blob([png(9, 9)], { type: "image/png" }), "x.png");
		const kept = await alice.call("POST", "/api/v1/media", form);
		assert.equal(kept.status, 200);
		// One that a post has stays with it.
		await a.v1.statuses.create({ status: "with it", mediaIds: [kept.body.id] });
		const r = await alice.call("DELETE", `/api/v1/media/${kept.body.id}`);
		assert.deepEqual([r.status, r.body.error], [422, "Media attachment is currently used by a status"]);
	});
	test("who may not, sees nothing", async () => {
		const own = await a.v1.statuses.create({ status: "for followers", visibility: "private", poll: { options: ["a", "b"], expiresIn: 600 } });
		for (const who of [c, nobody]) {
			const s = who.v1.statuses.$select(own.id);
			for (const ask of [() => s.fetch(), () => s.history.list(), () => s.quotes.list(), () => s.context.fetch(), () => s.favouritedBy.list(), () => s.rebloggedBy.list(), () => who.v1.polls.$select(own.poll.id).fetch()])
				await fails(ask(), 404);
		}
		assert.equal((await c.v1.statuses.fetch({ id: [own.id] })).length, 0);
	});
});

describe("accounts", () => {
	test("fetch, several, lookup, search, verify, update", async () => {
		checkShape("Account", await nobody.v1.accounts.$select(alice.id).fetch());
		assert.equal(checkShape("Account[]", await nobody.v1.accounts.fetch({ id: [alice.id, bob.id] })).length, 2);
		checkShape("Account", await nobody.v1.accounts.lookup({ acct: "alice" }));
		checkShape("Account[]", await b.v1.accounts.search.list({ q: "ali" }));
		assert.equal((await b.v1.accounts.search.list({ q: "ali", following: true })).length, 0);
		checkShape("AccountCredentials", await a.v1.accounts.verifyCredentials());
		const me = checkShape("AccountCredentials", await a.v1.accounts.updateCredentials({
			displayName: "Alice", note: "hi", bot: false, discoverable: true, locked: false,
			avatar: new Blob([png(16, 16)], { type: "image/png" }), header: new Blob([png(30, 10)], { type: "image/png" }),
			fieldsAttributes: [{ name: "site", value: "https://example.org" }], source: { privacy: "unlisted", sensitive: true, language: "ko" },
		}));
		assert.deepEqual([me.source.privacy, me.source.sensitive, me.source.language, me.fields.length], ["unlisted", true, "ko", 1]);
		const preferences = await a.v1.preferences.fetch();
		assert.equal(preferences["posting:default:visibility"], "unlisted");
		await a.v1.accounts.updateCredentials({ source: { privacy: "public", sensitive: false, language: "en" } });
		checkShape("Profile", await a.v1.profile.fetch());
		assert.equal(checkShape("Profile", await a.v1.profile.update({ avatarDescription: "a square" })).avatarDescription, "a square");
		assert.equal((await alice.call("PATCH", "/api/v1/profile", { avatar_description: "" })).body.avatar_description, "");
		assert.match((await a.v1.profile.avatar.remove()).avatar, /avatars/);
		assert.match(checkShape("AccountCredentials", await a.v1.profile.header.remove()).header, /header\.svg/);
	});
	test("follow with choices, followers, following, relationships, familiar followers", async () => {
		const r = checkShape("Relationship", await b.v1.accounts.$select(alice.id).follow({ reblogs: false, notify: true, languages: ["ko", "en"] }));
		assert.deepEqual([r.following, r.showingReblogs, r.notifying, r.languages], [true, false, true, ["ko", "en"]]);
		assert.equal(checkShape("Account[]", await a.v1.accounts.$select(alice.id).followers.list())[0].username, "bob");
		assert.equal(checkShape("Account[]", await a.v1.accounts.$select(bob.id).following.list())[0].username, "alice");
		assert.equal(checkShape("Relationship[]", await b.v1.accounts.relationships.fetch({ id: [alice.id] }))[0].following, true);
		await c.v1.accounts.$select(bob.id).follow();
		const familiar = await c.v1.accounts.familiarFollowers.fetch({ id: [alice.id] });
		assert.equal(familiar[0].accounts[0].username, "bob");
		assert.equal((await a.v1.accounts.$select(bob.id).removeFromFollowers()).followedBy, false);
		checkShape("Relationship", await c.v1.accounts.$select(bob.id).unfollow());
	});
	test("locked accounts: requests authorized and rejected", async () => {
		await a.v1.accounts.updateCredentials({ locked: true });
		for (const [who, deed, following] of [[b, "authorize", true], [c, "reject", false]]) {
			assert.equal((await who.v1.accounts.$select(alice.id).follow()).requested, true);
			const [asking] = checkShape("Account[]", await a.v1.followRequests.list());
			checkShape("Relationship", await a.v1.followRequests.$select(asking.id)[deed]());
			assert.equal((await who.v1.accounts.relationships.fetch({ id: [alice.id] }))[0].following, following);
		}
		await a.v1.accounts.updateCredentials({ locked: false });
	});
	test("block, mute for a while, domains", async () => {
		assert.equal((await a.v1.accounts.$select(carol.id).block()).blocking, true);
		assert.equal(checkShape("Account[]", await a.v1.blocks.list()).length, 1);
		assert.equal((await a.v1.accounts.$select(carol.id).unblock()).blocking, false);
		assert.equal((await a.v1.accounts.$select(carol.id).mute({ duration: 3600, notifications: false })).muting, true);
		const [muted] = checkShape("Account[]", await a.v1.mutes.list());
		assert.ok(Date.parse(muted.muteExpiresAt) > Date.now());
		assert.equal((await a.v1.accounts.$select(carol.id).unmute()).muting, false);
		await a.v1.domainBlocks.create({ domain: "bad.example" });
		assert.deepEqual([...await a.v1.domainBlocks.list()], ["bad.example"]);
		await a.v1.domainBlocks.remove({ domain: "bad.example" });
		await fails(a.v1.domainBlocks.create({ domain: "not a domain" }), 422);
	});
	test("notes, endorsements", async () => {
		assert.equal((await a.v1.accounts.$select(bob.id).note.create({ comment: "owes me tea" })).note, "owes me tea");
		await fails(a.v1.accounts.$select(bob.id).endorse(), 422);
		await a.v1.accounts.$select(bob.id).follow();
		assert.equal(checkShape("Relationship", await a.v1.accounts.$select(bob.id).endorse()).endorsed, true);
		assert.equal(checkShape("Account[]", await a.v1.endorsements.list()).length, 1);
		assert.equal(checkShape("Account[]", await nobody.v1.accounts.$select(alice.id).endorsements.list()).length, 1);
		assert.equal((await a.v1.accounts.$select(bob.id).unendorse()).endorsed, false);
		assert.equal((await a.v1.accounts.$select(bob.id).pin()).endorsed, true);
		assert.equal((await a.v1.accounts.$select(bob.id).unpin()).endorsed, false);
	});
	test("directory and suggestions", async () => {
		assert.ok(checkShape("Account[]", await nobody.v1.directory.list({ order: "new", local: true })).length >= 3);
		checkShape("Account[]", await c.v1.suggestions.list());
		const all = await c.v2.suggestions.list();
		assert.ok(all.length > 0);
		checkShape("Suggestion[]", all);
		await c.v1.suggestions.$select(all[0].account.id).remove();
		assert.ok(!(await c.v2.suggestions.list()).some((s) => s.account.id === all[0].account.id));
	});
	test("markers", async () => {
		const [{ id }] = await a.v1.timelines.home.list({ limit: 1 });
		await a.v1.markers.create({ home: { lastReadId: id } });
		assert.equal((await a.v1.markers.fetch({ timeline: ["home"] })).home.lastReadId, id);
	});
});

describe("tags", () => {
	test("fetch, follow, feature", async () => {
		checkShape("Tag", await nobody.v1.tags.$select("tests").fetch());
		assert.equal(checkShape("Tag", await c.v1.tags.$select("moon").follow()).following, true);
		assert.equal(checkShape("Tag[]", await c.v1.followedTags.list())[0].name, "moon");
		const s = await b.v1.statuses.create({ status: "the #moon" });
		assert.ok((await c.v1.timelines.home.list()).some((x) => x.id === s.id));
		assert.equal((await c.v1.tags.$select("moon").unfollow()).following, false);
		assert.equal((await b.v1.tags.$select("moon").feature()).featuring, true);
		assert.equal((await b.v1.tags.$select("moon").unfeature()).featuring, false);
	});
	test("featured tags and suggestions", async () => {
		assert.ok(checkShape("Tag[]", await b.v1.featuredTags.suggestions.list()).some((t) => t.name === "moon"));
		const tag = checkShape("FeaturedTag", await b.v1.featuredTags.create({ name: "moon" }));
		assert.equal(checkShape("FeaturedTag[]", await b.v1.featuredTags.list()).length, 1);
		assert.equal(checkShape("FeaturedTag[]", await nobody.v1.accounts.$select(bob.id).featuredTags.list()).length, 1);
		const tagged = await nobody.v1.accounts.$select(bob.id).statuses.list({ tagged: "Moon" });
		assert.ok(tagged.length > 0 && tagged.every((s) => s.tags.some((t) => t.name === "moon")), JSON.stringify(tagged.map((s) => s.tags)));
		assert.ok((await nobody.v1.accounts.$select(bob.id).statuses.list()).length > tagged.length, "the tag leaves some out");
		await b.v1.featuredTags.$select(tag.id).remove();
	});
});

describe("lists and conversations", () => {
	test("lists: made, filled, read, emptied, removed", async () => {
		await a.v1.accounts.$select(bob.id).follow();
		const list = checkShape("List", await a.v1.lists.create({ title: "friends", repliesPolicy: "list" }));
		checkShape("List[]", await a.v1.lists.list());
		checkShape("List", await a.v1.lists.$select(list.id).fetch());
		assert.equal((await a.v1.lists.$select(list.id).update({ title: "close friends", exclusive: true })).exclusive, true);
		await a.v1.lists.$select(list.id).accounts.create({ accountIds: [bob.id] });
		await fails(a.v1.lists.$select(list.id).accounts.create({ accountIds: [carol.id] }), 404);
		assert.equal(checkShape("Account[]", await a.v1.lists.$select(list.id).accounts.list()).length, 1);
		assert.equal(checkShape("List[]", await a.v1.accounts.$select(bob.id).lists.list()).length, 1);
		const s = await b.v1.statuses.create({ status: "only in the list" });
		assert.equal(checkShape("Status[]", await a.v1.timelines.list.$select(list.id).list())[0].id, s.id);
		assert.ok(!(await a.v1.timelines.home.list()).some((x) => x.id === s.id));
		await fails(b.v1.timelines.list.$select(list.id).list(), 404);
		await fails(b.v1.lists.$select(list.id).fetch(), 404);
		await a.v1.lists.$select(list.id).accounts.remove({ accountIds: [bob.id] });
		await a.v1.lists.$select(list.id).remove();
		await fails(a.v1.lists.$select(list.id).fetch(), 404);
	});
	test("conversations: read, unread, removed", async () => {
		await b.v1.statuses.create({ status: "@alice psst", visibility: "direct" });
		const [one] = checkShape("Conversation[]", await a.v1.conversations.list());
		assert.deepEqual([one.unread, one.accounts[0].username], [true, "bob"]);
		assert.equal((await a.v1.conversations.$select(one.id).read()).unread, false);
		assert.equal(checkShape("Conversation", await a.v1.conversations.$select(one.id).unread()).unread, true);
		await fails(c.v1.conversations.$select(one.id).read(), 404);
		await a.v1.conversations.$select(one.id).remove();
		assert.equal((await a.v1.conversations.list()).length, 0);
	});
	test("timelines", async () => {
		for (const list of [a.v1.timelines.home, nobody.v1.timelines.public, nobody.v1.timelines.tag.$select("moon")])
			checkShape("Status[]", await list.list());
		const page = a.v1.timelines.public.list({ limit: 2 }).values();
		const first = (await page.next()).value, second = (await page.next()).value;
		assert.ok(BigInt(first.at(-1).id) > BigInt(second[0].id));
	});
});

describe("filters", () => {
	test("filters v2 with keywords and statuses, on every status", async () => {
		const filter = checkShape("v2.Filter", await c.v2.filters.create({ title: "cats", context: ["home", "public"], filterAction: "hide", keywordsAttributes: [{ keyword: "cat", wholeWord: true }, { keyword: "kitten", wholeWord: false }] }));
		assert.equal(filter.keywords.length, 2);
		checkShape("v2.Filter[]", await c.v2.filters.list());
		checkShape("v2.Filter", await c.v2.filters.$select(filter.id).fetch());
		const s = await a.v1.statuses.create({ status: "my Cat and the kittens", visibility: "public" });
		const seen = await c.v1.statuses.$select(s.id).fetch();
		assert.deepEqual(seen.filtered[0].keywordMatches, ["cat", "kitten"]);
		assert.equal(seen.filtered[0].filter.filterAction, "hide");
		assert.deepEqual((await c.v1.timelines.public.list()).find((x) => x.id === s.id).filtered.length, 1);
		assert.equal((await b.v1.statuses.$select(s.id).fetch()).filtered.length, 0);
		const updated = await c.v2.filters.$select(filter.id).update({ title: "pets", filterAction: "warn", keywordsAttributes: [{ id: filter.keywords[0].id, keyword: "dog" }, { id: filter.keywords[1].id, _destroy: true }] });
		assert.deepEqual([updated.title, updated.keywords.map((k) => k.keyword)], ["pets", ["dog"]]);
		const k = await c.v2.filters.$select(filter.id).keywords.create({ keyword: "Katze" });
		assert.equal((await c.v2.filters.$select(filter.id).keywords.list()).length, 2);
		await c.v2.filters.keywords.$select(k.id).fetch();
		assert.equal((await c.v2.filters.keywords.$select(k.id).update({ keyword: "고양이" })).keyword, "고양이");
		await fails(b.v2.filters.keywords.$select(k.id).fetch(), 404);
		await c.v2.filters.keywords.$select(k.id).remove();
		const f = await c.v2.filters.$select(filter.id).statuses.create({ statusId: s.id });
		assert.deepEqual((await c.v1.statuses.$select(s.id).fetch()).filtered[0].statusMatches, [s.id]);
		assert.equal((await c.v2.filters.$select(filter.id).statuses.list()).length, 1);
		await c.v2.filters.statuses.$select(f.id).fetch();
		await c.v2.filters.statuses.$select(f.id).remove();
		await fails(b.v2.filters.$select(filter.id).fetch(), 404);
		await c.v2.filters.$select(filter.id).remove();
		await fails(c.v2.filters.$select(filter.id).fetch(), 404);
	});
	test("filters v1", async () => {
		const one = checkShape("Filter", await c.v1.filters.create({ phrase: "rain", context: ["home"], irreversible: true, expiresIn: 3600 }));
		assert.ok(one.irreversible && one.expiresAt);
		assert.equal(checkShape("Filter[]", await c.v1.filters.list()).length, 1);
		await c.v1.filters.$select(one.id).fetch();
		assert.equal((await c.v1.filters.$select(one.id).update({ phrase: "snow", context: ["home", "thread"] })).phrase, "snow");
		await c.v1.filters.$select(one.id).remove();
		assert.equal((await c.v2.filters.list()).length, 0);
	});
	test("pictures made by AI are labelled, for those who want it", async () => {
		const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "a red apple", count: 1, maker: "builtin" })).body;
		const done = await until("the picture is drawn", async () => {
			const j = (await alice.call("GET", `/api/madang/v1/jobs/${job.id}`)).body;
			return ["finished", "failed"].includes(j.state) && j;
		}, 120000);
		assert.equal(done.state, "finished", JSON.stringify(done.error));
		const s = await a.v1.statuses.create({ status: "made", mediaIds: [done.media[0].id] });
		assert.equal((await c.v1.statuses.$select(s.id).fetch()).filtered.length, 0);
		const set = (body) => carol.call("POST", "/api/madang/v1/made_filter", body);
		assert.equal((await set({ action: "hide" })).body.action, "hide");
		const seen = await c.v1.statuses.$select(s.id).fetch();
		assert.equal(seen.filtered[0].filter.filterAction, "hide");
		assert.deepEqual(seen.filtered[0].filter.context, ["home", "notifications", "public", "thread", "account"]);
		assert.equal((await c.v2.filters.list()).length, 1);
		assert.equal((await set({ action: "none" })).body.action, "none");
		assert.deepEqual((await set({ action: "warn", maker: "builtin" })).body.makers, [{ maker: "builtin", action: "warn" }]);
		assert.equal((await c.v1.statuses.$select(s.id).fetch()).filtered[0].filter.filterAction, "warn");
		await set({ action: "none", maker: "builtin" });
	});
});

describe("streams", () => {
	const listen = (who) => createStreamingAPIClient({ streamingApiUrl: `ws://127.0.0.1:${house.port}`, accessToken: who.token, implementation: WebSocket });
	test("edits, filters, conversations and lists arrive live", async () => {
		const streaming = listen(alice);
		const heard = [];
		const collect = async (events) => {
			for await (const e of events)
				heard.push(e);
		};
		try {
			const list = await a.v1.lists.create({ title: "live" });
			await a.v1.accounts.$select(bob.id).follow();
			await a.v1.lists.$select(list.id).accounts.create({ accountIds: [bob.id] });
			for (const events of [streaming.user.subscribe(), streaming.direct.subscribe(), streaming.list.subscribe({ list: list.id }), streaming.public.subscribe()])
				collect(events).catch(() => {});
			const has = (event, stream, test) => until(`${event} on ${stream}`, () => heard.find((e) => e.event === event && e.stream[0] === stream && test(e.payload)), 20000);
			let s;
			await until("the streams are open", async () => {
				s = await b.v1.statuses.create({ status: "knock #live" });
				return heard.some((e) => e.stream[0] === "list") && heard.some((e) => e.stream[0] === "user") && heard.some((e) => e.stream[0] === "public");
			}, 20000);
			const next = await b.v1.statuses.create({ status: "one" });
			await has("update", "list", (p) => p.id === next.id);
			await b.v1.statuses.$select(next.id).update({ status: "two" });
			for (const stream of ["user", "public", "list"])
				await has("status.update", stream, (p) => p.id === next.id && p.content.includes("two"));
			await a.v2.filters.create({ title: "f", context: ["home"], keywordsAttributes: [{ keyword: "spoiler" }] });
			await has("filters_changed", "user", () => true);
			const caught = await b.v1.statuses.create({ status: "a spoiler" });
			for (const stream of ["user", "public", "list"])
				await has("update", stream, (p) => p.id === caught.id && p.filtered.length === 1);
			await b.v1.statuses.create({ status: "@alice secret", visibility: "direct" });
			await has("conversation", "direct", (p) => p.unread && p.lastStatus.content.includes("secret"));
			await b.v1.statuses.$select(next.id).remove();
			await has("delete", "public", (p) => p === next.id);
			assert.ok(s.id);
		} finally {
			streaming.close();
		}
	});
	test("nobody hears another one's list", async () => {
		const list = await a.v1.lists.create({ title: "mine" });
		const r = await house.call("GET", `/api/v1/streaming/list?list=${list.id}`, undefined, { authorization: `Bearer ${bob.token}` });
		assert.equal(r.status, 404);
	});
});

test("docs/compatibility.md says what this run has shown", () => section("client.test.mjs", (r) => !elsewhere.some((e) => e.test(r.path))));
