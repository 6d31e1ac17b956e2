// What client.test.mjs leaves to others: every method of masto.js for signing in, the instance, notifications, announcements,
// trends, push, reports and the desk, each answer held against the library's own types.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { after, before } from "node:test";
import { createRestAPIClient } from "masto";
import "./audited.mjs";
import { section, test } from "./compatibility.mjs";
import { House, password, until } from "./house.mjs";
import { checkShape } from "./shape.mjs";

const mine = /notifications|\/push\/|\/admin\/|\/reports|\/announcements|\/trends|custom_emojis|\/apps|\/search|instance|oauth|nodeinfo|streaming/;
// They need pages that are linked to: cards.test.mjs.
const cards = /trends\/links|timelines\/link/;

let house, root, alice, bob, a, b, desk, nobody;
before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	[alice, bob] = ["alice", "bob"].map((n) => house.account(n));
	const client = (who) => createRestAPIClient({ url: house.url, accessToken: who?.token });
	[a, b, desk, nobody] = [client(alice), client(bob), client(root), client()];
});
after(() => house.stop());
const is = (type, value) => {
	checkShape(type, value);
	if (type.endsWith("[]"))
		assert.ok(value.length > 0, `there is no ${type} to look at`);
	return value;
};

test("apps and the instance", async () => {
	const app = await nobody.v1.apps.create({ clientName: "x", redirectUris: "urn:ietf:wg:oauth:2.0:oob", scopes: "read" });
	assert.ok(is("Client", app).clientSecret);
	const { body } = await house.call("POST", "/oauth/token", { grant_type: "client_credentials", client_id: app.clientId, client_secret: app.clientSecret });
	is("Application", await createRestAPIClient({ url: house.url, accessToken: body.access_token }).v1.apps.verifyCredentials());
	is("v2.Instance", await nobody.v2.instance.fetch());
	is("Instance", await nobody.v1.instance.fetch());
	assert.deepEqual(await nobody.v1.instance.peers.list(), []);
	is("Activity[]", await nobody.v1.instance.activity.list());
	assert.ok((await nobody.v1.instance.languages.list()).some((l) => l.code === "ko"));
	is("ExtendedDescription", await nobody.v1.instance.extendedDescription.fetch());
	assert.deepEqual(await nobody.v1.instance.translationLanguages.list(), {});
	assert.equal((await root.call("PATCH", "/api/madang/v1/admin/settings", { show_domain_blocks: "all" })).status, 200);
	assert.ok((await root.call("POST", "/api/v1/admin/domain_blocks", { domain: "worse.example", severity: "suspend" })).status < 300);
	is("DomainBlock[]", await nobody.v1.instance.domainBlocks.list());
	checkShape("CustomEmoji[]", await nobody.v1.customEmojis.list());
});

test("search", async () => {
	await b.v1.statuses.create({ status: "a persimmon #orchard" });
	await until("the index", async () => (await a.v2.search.list({ q: "persimmon" })).statuses.length);
	is("Status[]", (await a.v2.search.list({ q: "persimmon" })).statuses);
	is("Tag[]", (await a.v2.search.list({ q: "orchard" })).hashtags);
	await until("the name", async () => (await a.v1.accounts.search.list({ q: "bob" })).length);
	is("Account[]", await a.v1.accounts.search.list({ q: "bob" }));
	is("Account[]", (await a.v2.search.list({ q: "bob", type: "accounts" })).accounts);
});

test("notifications, one by one, in groups, and those that wait", async () => {
	const post = await a.v1.statuses.create({ status: "like me" });
	const like = async () => {
		await b.v1.statuses.$select(post.id).unfavourite();
		await b.v1.statuses.$select(post.id).favourite();
	};
	await like();
	const [one] = is("Notification[]", await a.v1.notifications.list());
	is("Notification", await a.v1.notifications.$select(one.id).fetch());
	assert.equal((await a.v1.notifications.unreadCount.fetch()).count, 1);
	assert.equal((await a.v2.notifications.unreadCount.fetch()).count, 1);
	const groups = await a.v2.notifications.list();
	is("GroupedNotificationsResults", groups);
	const key = groups.notificationGroups[0].groupKey;
	is("GroupedNotificationsResults", await a.v2.notifications.$select(key).fetch());
	is("Account[]", await a.v2.notifications.$select(key).accounts.fetch());
	await a.v2.notifications.$select(key).dismiss();
	await like();
	await a.v1.notifications.$select((await a.v1.notifications.list())[0].id).dismiss();
	await a.v1.notifications.clear();
	is("v2.NotificationPolicy", await a.v2.notifications.policy.fetch());
	is("v2.NotificationPolicy", await a.v2.notifications.policy.update({ forNotFollowing: "filter" }));
	const waiting = async () => {
		await b.v1.statuses.create({ status: "@alice hello" });
		return is("NotificationRequest[]", await a.v1.notifications.requests.list())[0].id;
	};
	const id = await waiting();
	is("NotificationRequest", await a.v1.notifications.requests.$select(id).fetch());
	await a.v1.notifications.requests.$select(id).dismiss();
	await a.v1.notifications.requests.dismiss({ id: [await waiting()] });
	await a.v1.notifications.requests.$select(await waiting()).accept();
	await a.v1.notifications.requests.accept({ id: ["1"] });
	assert.equal((await a.v1.notifications.requests.merged.fetch()).merged, true);
});

test("push", async () => {
	const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
	const p256dh = publicKey.export({ type: "spki", format: "der" }).subarray(-65).toString("base64url");
	is("WebPushSubscription", await a.v1.push.subscription.create({ subscription: { endpoint: "https://push.example/x", keys: { p256dh, auth: randomBytes(16).toString("base64url") } }, data: { alerts: { follow: true } } }));
	is("WebPushSubscription", await a.v1.push.subscription.fetch());
	is("WebPushSubscription", await a.v1.push.subscription.update({ data: { alerts: { follow: false } } }));
	await a.v1.push.subscription.remove();
});

test("announcements", async () => {
	assert.ok((await house.call("POST", "/api/madang/v1/admin/announcements", { text: "Hello all", published: true }, { authorization: `Bearer ${house.admin(["token", "add", "root1", "--scopes", "read write admin:read admin:write"])}` })).status < 300);
	const [one] = is("Announcement[]", await a.v1.announcements.list());
	await a.v1.announcements.$select(one.id).reactions.$select("👍").update();
	is("Reaction[]", (await a.v1.announcements.list())[0].reactions);
	await a.v1.announcements.$select(one.id).reactions.$select("👍").remove();
	await a.v1.announcements.$select(one.id).dismiss();
});

test("trends, for everybody and for the desk", async () => {
	const post = await b.v1.statuses.create({ status: "#orchard again" });
	await a.v1.statuses.create({ status: "#orchard too" });
	await a.v1.statuses.$select(post.id).favourite();
	await until("trends", async () => (await a.v1.trends.tags.list()).length, 200000);
	is("Tag[]", await a.v1.trends.tags.list());
	checkShape("Status[]", await a.v1.trends.statuses.list());
	checkShape("TrendLink[]", await a.v1.trends.links.list());
	const t = desk.v1.admin.trends;
	is("admin.Tag[]", await t.tags.list());
	is("admin.Tag", await t.tags.$select("orchard").reject());
	is("admin.Tag", await t.tags.$select("orchard").approve());
	is("Status", await t.statuses.$select(post.id).reject());
	is("Status", await t.statuses.$select(post.id).approve());
	checkShape("Status[]", await t.statuses.list());
	checkShape("TrendLink[]", await t.links.list());
	await t.links.publishers.list();
});

test("reports and the desk", async () => {
	const bad = await b.v1.statuses.create({ status: "something bad" });
	is("Report", await a.v1.reports.create({ accountId: bob.id, statusIds: [bad.id], comment: "look", category: "spam" }));
	const d = desk.v1.admin;
	const [report] = is("admin.Report[]", await d.reports.list());
	const r = d.reports.$select(report.id);
	for (const what of ["fetch", "assignToSelf", "unassign", "resolve", "reopen"])
		is("admin.Report", await r[what]());
	is("admin.Account[]", await d.accounts.list());
	const x = d.accounts.$select(bob.id);
	is("admin.Account", await x.fetch());
	const act = (type) => x.action.create({ type, reportId: report.id, text: "no" });
	await act("silence");
	is("admin.Account", await x.unsilence());
	await act("sensitive");
	is("admin.Account", await x.unsensitive());
	await act("disable");
	is("admin.Account", await x.enable());
	await act("suspend");
	is("admin.Account", await x.unsuspend());
});

test("the desk's lists", async () => {
	const d = desk.v1.admin;
	for (const [type, resource, form, change] of [
		["DomainBlock", d.domainBlocks, { domain: "bad.example", severity: "silence" }, { severity: "suspend" }],
		["DomainAllow", d.domainAllows, { domain: "good.example" }],
		["EmailDomainBlock", d.emailDomainBlocks, { domain: "mail.example" }],
		["IpBlock", d.ipBlocks, { ip: "192.0.2.0/24", severity: "no_access", comment: "x" }, { severity: "sign_up_block" }],
		["CanonicalEmailBlock", d.canonicalEmailBlocks, { email: "x@mail.example" }],
	]) {
		const made = is(`admin.${type}`, await resource.create(form));
		is(`admin.${type}[]`, await resource.list());
		is(`admin.${type}`, await resource.$select(made.id).fetch());
		if (change)
			is(`admin.${type}`, await resource.$select(made.id).update(change));
		if (type === "CanonicalEmailBlock")
			is("admin.CanonicalEmailBlock[]", await resource.test({ email: "x@mail.example" }));
		await resource.$select(made.id).remove();
	}
	const [startAt, endAt] = [-6, 0].map((n) => new Date(Date.now() + n * 86400e3).toISOString().slice(0, 10));
	is("admin.Measure[]", await d.measures.create({ keys: ["new_users", "active_users", "interactions", "opened_reports", "resolved_reports"], startAt, endAt }));
	is("admin.Dimension[]", await d.dimensions.create({ keys: ["languages", "sources", "software_versions", "space_usage"], startAt, endAt }));
	is("admin.Cohort[]", await d.retention.create({ startAt, endAt, frequency: "day" }));
});

test("who asks to come in: approved and rejected", async () => {
	const d = desk.v1.admin;
	assert.equal((await root.call("PATCH", "/api/madang/v1/admin/settings", { registrations: "approval" })).status, 200);
	const session = await house.call("GET", "/api/madang/v1/session");
	const headers = { "x-csrf-token": session.body.csrf_token, cookie: session.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") };
	for (const what of ["approve", "reject"]) {
		assert.equal((await house.call("POST", "/api/madang/v1/signup", { username: `new${what}`, email: `${what}@example.net`, password, agreement: true, reason: "please" }, headers)).status, 202);
		const [pending] = is("admin.Account[]", await d.accounts.list({ pending: true }));
		is("admin.Account", await d.accounts.$select(pending.id)[what]());
	}
});

test("what the library has no method for", async () => {
	const ok = async (who, method, route, body) => {
		const r = await who.call(method, route, body);
		assert.ok(r.status < 300, `${method} ${route}: ${r.status} ${JSON.stringify(r.body)}`);
		return r.body;
	};
	for (const [kind, effective] of [["privacy_policy"], ["terms_of_service", "2026-01-01"], ["terms_of_service", "2026-02-01"]])
		await ok(root, "PUT", `/api/madang/v1/admin/documents/${kind}`, { text: "Be kind.", effective_date: effective });
	for (const route of ["/.well-known/nodeinfo", "/.well-known/oauth-authorization-server", "/nodeinfo/2.0", "/api/v1/instance/privacy_policy", "/api/v1/instance/rules", "/api/v1/instance/terms_of_service", "/api/v1/instance/terms_of_service/2026-01-01", "/api/v1/trends", "/api/v1/streaming/health"])
		await ok(house, "GET", route);
	await ok(alice, "PATCH", "/api/v2/notifications/policy", { for_not_following: "accept" });
	await ok(alice, "GET", "/oauth/userinfo");
	const list = await ok(alice, "POST", "/api/v1/lists", { title: "heard" });
	for (const stream of ["?stream=user", "/direct", "/hashtag?tag=x", "/hashtag/local?tag=x", `/list?list=${list.id}`, "/public", "/public/local", "/public/remote", "/user", "/user/notification"])
		await (await house.listen(`/api/v1/streaming${stream}`, alice.token)).return();
	const app = await ok(house, "POST", "/api/v1/apps", { client_name: "y", redirect_uris: "urn:ietf:wg:oauth:2.0:oob", scopes: "read" });
	const { access_token: token } = await ok(house, "POST", "/oauth/token", { grant_type: "client_credentials", client_id: app.client_id, client_secret: app.client_secret });
	await ok(house, "POST", "/oauth/revoke", { client_id: app.client_id, client_secret: app.client_secret, token });
});

test("docs/compatibility.md says what this run has shown", () => section("methods.test.mjs", (r) => mine.test(r.name) && !cards.test(r.name)));
