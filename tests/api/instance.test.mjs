// What the server says of itself, and what an account says of itself: documents, languages, kept-out domains, the
// profile, the app behind a status, and writing a deleted one anew.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import "./audited.mjs";
import { House, password, png } from "./house.mjs";
import { checkShape } from "./shape.mjs";

const documents = "/api/madang/v1/admin/documents";
let house, root, mod, alice, bob, a, b, nobody;
before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	mod = house.account("mod");
	alice = house.account("alice");
	bob = house.account("bob");
	await root.call("POST", `/api/madang/v1/admin/accounts/${mod.id}/role`, { role: "moderator" });
	const token = house.admin(["token", "add", "mod", "--scopes", "read write admin:read admin:write"]);
	mod.call = (method, route, body) => house.call(method, route, body, { authorization: `Bearer ${token}` });
	const client = (who) => createRestAPIClient({ url: house.url, accessToken: who?.token });
	[a, b, nobody] = [client(alice), client(bob), client()];
});
after(() => house.stop());

const fails = (promise, status) => assert.rejects(async () => await promise, (e) => e.statusCode === status || assert.fail(`${e.statusCode} ${e.message}, not ${status}`));
const day = (days) => new Date(Date.now() + days * 86400000).toISOString().slice(0, 10);
const upload = async (who) => {
	const f = new FormData();
	f.set("file", new Blob([png(16, 16, [1, 2, 3].map(() => Math.floor(Math.random() * 255)))], { type: "image/png" }), "x.png");
	return (await who.call("POST", "/api/v2/media", f)).body;
};

describe("documents", () => {
	const put = (kind, form) => root.call("PUT", `${documents}/${kind}`, form);

	test("nothing is written yet", async () => {
		assert.deepEqual(checkShape("ExtendedDescription", await nobody.v1.instance.extendedDescription.fetch()), { updatedAt: null, content: "" });
		for (const kind of ["privacy_policy", "terms_of_service", "terms_of_service/2026-01-01"])
			assert.equal((await house.call("GET", `/api/v1/instance/${kind}`)).status, 404);
		const { urls } = (await house.call("GET", "/api/v2/instance")).body.configuration;
		assert.deepEqual([urls.about, urls.privacy_policy, urls.terms_of_service], [null, null, null]);
	});

	test("Markdown becomes safe HTML", async () => {
		const text = "# Our *yard*\n\nHello **there**, see [the rules](https://example.org/r) and https://example.net/x.\n<script>alert(1)</script> [bad](javascript:alert(1))\n\n- one\n- `two <b>`\n\n1. first\n2. second\n\n> quoted\n\n---\n\n```\nx < y\n```";
		const r = await put("extended_description", { text });
		assert.equal(r.status, 200, JSON.stringify(r.body));
		const { content, updatedAt } = checkShape("ExtendedDescription", await nobody.v1.instance.extendedDescription.fetch());
		assert.ok(Math.abs(Date.parse(updatedAt) - Date.now()) < 60000);
		const link = (url, words) => `<a href="${url}" target="_blank" rel="nofollow noopener noreferrer">${words}</a>`;
		assert.equal(content, `<h1>Our <em>yard</em></h1><p>Hello <strong>there</strong>, see ${link("https://example.org/r", "the rules")} and ${link("https://example.net/x", "https://example.net/x")}.\n&lt;script&gt;alert(1)&lt;/script&gt; [bad](javascript:alert(1))</p><ul><li>one</li><li><code>two &lt;b&gt;</code></li></ul><ol><li>first</li><li>second</li></ol><blockquote><p>quoted</p></blockquote><hr /><pre><code>x &lt; y\n</code></pre>`);
		assert.equal((await house.call("GET", "/api/v2/instance")).body.configuration.urls.about, `${house.url}/about`);
		assert.deepEqual([r.body.kind, r.body.text, r.body.content, r.body.effective_date], ["extended_description", text, content, null]);
	});

	test("the privacy policy is replaced, and taken away", async () => {
		await put("privacy_policy", { text: "first" });
		await put("privacy_policy", { text: "second" });
		assert.equal((await house.call("GET", "/api/v1/instance/privacy_policy")).body.content, "<p>second</p>");
		assert.equal((await root.call("DELETE", `${documents}/privacy_policy`)).status, 200);
		assert.equal((await root.call("DELETE", `${documents}/privacy_policy`)).status, 404);
		assert.equal((await house.call("GET", "/api/v1/instance/privacy_policy")).status, 404);
	});

	test("terms count from a day on, and tell what comes after them", async () => {
		const terms = async (of = "") => (await house.call("GET", `/api/v1/instance/terms_of_service${of}`)).body;
		await put("terms_of_service", { text: "later", effective_date: day(30) });
		assert.deepEqual(await terms(), { effective_date: day(30), effective: false, succeeded_by: null, content: "<p>later</p>" });
		await put("terms_of_service", { text: "now" });
		await put("terms_of_service", { text: "before", effective_date: "2025-01-31" });
		assert.deepEqual(await terms(), { effective_date: day(0), effective: true, succeeded_by: day(30), content: "<p>now</p>" });
		assert.deepEqual(await terms("/2025-01-31"), { effective_date: "2025-01-31", effective: true, succeeded_by: day(0), content: "<p>before</p>" });
		assert.deepEqual((await root.call("GET", documents)).body.map((d) => [d.kind, d.effective_date]), [["extended_description", null], ["terms_of_service", day(30)], ["terms_of_service", day(0)], ["terms_of_service", "2025-01-31"]]);
		assert.equal((await root.call("DELETE", `${documents}/terms_of_service?effective_date=${day(30)}`)).status, 200);
		assert.equal((await terms()).succeeded_by, null);
	});

	test("only administrators write them, and not anything", async () => {
		for (const who of [mod, alice])
			assert.deepEqual([(await who.call("GET", documents)).status, (await who.call("PUT", `${documents}/privacy_policy`, { text: "x" })).status, (await who.call("DELETE", `${documents}/privacy_policy`)).status], [403, 403, 403]);
		for (const [kind, form, status] of [["nothing", { text: "x" }, 404], ["privacy_policy", {}, 422], ["privacy_policy", { text: "  " }, 422], ["privacy_policy", { text: "x", effective_date: day(0) }, 422], ["terms_of_service", { text: "x", effective_date: "soon" }, 422], ["terms_of_service", { text: "x", effective_date: "2026-02-30" }, 422], ["terms_of_service", { text: "x", effective_date: "2026-2-3" }, 422], ["privacy_policy", { text: "x".repeat(50001) }, 422]])
			assert.equal((await put(kind, form)).status, status, JSON.stringify([kind, form]).slice(0, 100));
		const log = (await root.call("GET", "/api/madang/v1/admin/audit")).body.filter((x) => x.action.startsWith("document."));
		assert.deepEqual([log[0].action, log[0].detail], ["document.delete", `terms_of_service ${day(30)}`]);
	});

	test("nothing that is written breaks out of it", async () => {
		for (const text of ["**", "****", "[](", "[a](http://x", "`", "> > > > deep", "```\nno end", "*a **b* c**", "#".repeat(50), "- ", "1.", "\\", "[[[[a](https://x.y)", "**".repeat(3000), "[".repeat(5000), "https://", "[x](https://a\"onclick=b)", "<".repeat(1000)]) {
			const r = await put("extended_description", { text });
			assert.equal(r.status, 200);
			const open = [];
			for (const [, end, name, own] of r.body.content.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
				assert.match(name, /^(p|h\d|ul|ol|li|em|strong|code|pre|blockquote|a|br|hr)$/);
				if (end)
					assert.equal(open.pop(), name, text);
				else if (!own)
					open.push(name);
			}
			assert.deepEqual(open, [], text);
			assert.ok(!/"onclick/.test(r.body.content));
		}
	});
});

describe("the server", () => {
	test("languages", async () => {
		assert.deepEqual((await nobody.v1.instance.languages.list()).map((l) => l.code), ["en", "ja", "ko"]);
		assert.deepEqual((await house.call("GET", "/api/v1/instance")).body.languages, ["en", "ja", "ko"]);
	});

	test("translation is not offered, and says so everywhere", async () => {
		assert.deepEqual(await nobody.v1.instance.translationLanguages.list(), {});
		assert.equal((await house.call("GET", "/api/v2/instance")).body.configuration.translation.enabled, false);
		const open = await a.v1.statuses.create({ status: "hello" }), closed = await a.v1.statuses.create({ status: "psst", visibility: "private" });
		await fails(a.v1.statuses.$select(open.id).translate({ lang: "ko" }), 404);
		await fails(a.v1.statuses.$select(closed.id).translate({ lang: "ko" }), 403);
		await fails(b.v1.statuses.$select(closed.id).translate({ lang: "ko" }), 404);
	});

	test("domains that are kept out are told to whom the setting says", async () => {
		const list = (who) => (who ?? nobody).v1.instance.domainBlocks.fetch();
		const r = createRestAPIClient({ url: house.url, accessToken: root.token });
		await r.v1.admin.domainBlocks.create({ domain: "bad.example", severity: "suspend", publicComment: "spam" });
		await r.v1.admin.domainBlocks.create({ domain: "worse.example.org", severity: "silence", obfuscate: true });
		await r.v1.admin.domainBlocks.create({ domain: "fine.example", severity: "noop" });
		await fails(list(), 404);
		await fails(list(a), 404);
		const set = async (value) => (await root.call("PATCH", "/api/madang/v1/admin/settings", { show_domain_blocks: value })).body.show_domain_blocks;
		assert.equal(await set("users"), "users");
		await fails(list(), 401);
		assert.equal((await list(a)).length, 2);
		assert.equal(await set("all"), "all");
		const shown = checkShape("DomainBlock[]", await list());
		const digest = (domain) => createHash("sha256").update(domain).digest("hex");
		assert.deepEqual(shown, [{ domain: "bad.example", digest: digest("bad.example"), severity: "suspend", comment: "spam" }, { domain: "worse.*******.org", digest: digest("worse.example.org"), severity: "silence", comment: "" }]);
		assert.equal((await root.call("PATCH", "/api/madang/v1/admin/settings", { show_domain_blocks: "some" })).status, 422);
	});
});

describe("profiles", () => {
	test("read as they were written, changed, and kept", async () => {
		const before = checkShape("Profile", await a.v1.profile.fetch());
		assert.deepEqual([before.avatar, before.header, before.showMedia, before.hideCollections, before.attributionDomains], [null, null, true, false, []]);
		await a.v1.featuredTags.create({ name: "yard" });
		const changed = checkShape("Profile", await a.v1.profile.update({ displayName: "Alice", note: "I <3 #yards", avatar: new Blob([png(40, 40)], { type: "image/png" }), avatarDescription: "a red square", indexable: false, showMedia: false, showFeatured: false, hideCollections: true, fieldsAttributes: [{ name: "web", value: "https://example.org" }], attributionDomains: ["example.org", "example.net"] }));
		assert.deepEqual([changed.displayName, changed.note, changed.avatarDescription, changed.indexable, changed.discoverable, changed.showMedia, changed.showMediaReplies, changed.showFeatured, changed.fields[0].value, changed.featuredTags[0].name], ["Alice", "I <3 #yards", "a red square", false, true, false, true, false, "https://example.org", "yard"]);
		assert.ok(changed.avatar);
		assert.deepEqual(await a.v1.profile.fetch(), changed);
		const me = checkShape("AccountCredentials", await a.v1.accounts.verifyCredentials());
		assert.deepEqual([me.indexable, me.source.hideCollections, me.source.indexable, me.source.attributionDomains], [false, true, false, ["example.org", "example.net"]]);
		checkShape("AccountCredentials", await a.v1.profile.avatar.remove());
		assert.equal((await a.v1.profile.fetch()).avatar, null);
	});

	test("who hides their collections hides them from others", async () => {
		await a.v1.accounts.$select(bob.id).follow();
		await b.v1.accounts.$select(alice.id).follow();
		for (const list of ["followers", "following"]) {
			assert.equal((await b.v1.accounts.$select(alice.id)[list].list()).length, 0);
			assert.equal((await a.v1.accounts.$select(alice.id)[list].list()).length, 1);
			assert.equal((await a.v1.accounts.$select(bob.id)[list].list()).length, 1);
		}
		await a.v1.accounts.updateCredentials({ hideCollections: false });
		assert.equal((await b.v1.accounts.$select(alice.id).followers.list()).length, 1);
	});

	test("bad ones", async () => {
		for (const form of [{ avatar_description: "x".repeat(151) }, { indexable: "perhaps" }, { show_media: [1, 2] }, { attribution_domains: ["a b"] }, { attribution_domains: ["https://x"] }, { attribution_domains: Array(101).fill("a.example") }, { display_name: "x".repeat(200) }])
			assert.equal((await alice.call("PATCH", "/api/v1/profile", form)).status, 422, JSON.stringify(form).slice(0, 80));
		assert.equal((await house.call("GET", "/api/v1/profile")).status, 401);
	});
});

describe("statuses", () => {
	test("tell the app they were made with, to their author and where everybody sees them", async () => {
		const { client_id, client_secret } = (await house.call("POST", "/api/v1/apps", { client_name: "Tusker", redirect_uris: "urn:ietf:wg:oauth:2.0:oob", scopes: "read write", website: "https://tusker.example" })).body;
		const s = await house.call("GET", "/api/madang/v1/session");
		const cookies = (r) => r.headers.getSetCookie().map((x) => x.split(";")[0]).join("; ");
		const signedIn = await house.call("POST", "/api/madang/v1/session", { username: "alice", password }, { "x-csrf-token": s.body.csrf_token, cookie: cookies(s) });
		const headers = { "x-csrf-token": signedIn.body.csrf_token, cookie: cookies(signedIn) };
		const { code } = (await house.call("POST", "/api/madang/v1/authorize", { client_id, redirect_uri: "urn:ietf:wg:oauth:2.0:oob", scope: "read write" }, headers)).body;
		const token = (await house.call("POST", "/oauth/token", { grant_type: "authorization_code", code, client_id, client_secret, redirect_uri: "urn:ietf:wg:oauth:2.0:oob" })).body.access_token;
		const through = createRestAPIClient({ url: house.url, accessToken: token });
		const made = { name: "Tusker", website: "https://tusker.example" };
		const open = checkShape("Status", await through.v1.statuses.create({ status: "from an app" }));
		assert.deepEqual(open.application, made);
		assert.deepEqual((await nobody.v1.statuses.$select(open.id).fetch()).application, made);
		const closed = await through.v1.statuses.create({ status: "for @bob", visibility: "direct" });
		assert.deepEqual((await a.v1.statuses.$select(closed.id).fetch()).application, made);
		assert.equal((await b.v1.statuses.$select(closed.id).fetch()).application, null);
		assert.equal((await a.v1.statuses.create({ status: "by a token" })).application, null);
	});

	test("deleted to be written anew, they leave their pictures; deleted for good, they don't", async () => {
		const media = await upload(alice);
		const first = (await alice.call("POST", "/api/v1/statuses", { status: "typo", media_ids: [media.id] })).body;
		const gone = (await alice.call("DELETE", `/api/v1/statuses/${first.id}`)).body;
		assert.deepEqual([gone.text, gone.media_attachments.map((m) => m.id)], ["typo", [media.id]]);
		assert.equal((await alice.call("GET", `/api/v1/media/${media.id}`)).status, 200);
		assert.equal((await bob.call("POST", "/api/v1/statuses", { status: "mine", media_ids: [media.id] })).status, 422);
		const again = (await alice.call("POST", "/api/v1/statuses", { status: "no typo", media_ids: [media.id] })).body;
		assert.deepEqual(again.media_attachments.map((m) => m.id), [media.id]);
		assert.equal((await alice.call("DELETE", `/api/v1/statuses/${again.id}?delete_media=true`)).status, 200);
		assert.equal((await alice.call("GET", `/api/v1/media/${media.id}`)).status, 404);
		assert.equal((await fetch(media.url)).status, 404);
		assert.equal((await alice.call("DELETE", `/api/v1/statuses/${again.id}?delete_media=perhaps`)).status, 422);
	});

	test("a moderator's deletion takes the pictures along", async () => {
		const media = await upload(bob);
		const post = (await bob.call("POST", "/api/v1/statuses", { status: "rude", media_ids: [media.id] })).body;
		assert.equal((await mod.call("DELETE", `/api/v1/statuses/${post.id}`)).status, 200);
		assert.equal((await bob.call("GET", `/api/v1/media/${media.id}`)).status, 404);
	});
});
