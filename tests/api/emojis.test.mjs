// The server's own emojis: administrators keep them, everybody writes them, and every text carries those in it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import "./audited.mjs";
import { House, png } from "./house.mjs";
import { checkShape } from "./shape.mjs";

const kept = "/api/madang/v1/admin/emojis";
let house, root, mod, alice, a;
before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	mod = house.account("mod");
	alice = house.account("alice");
	await root.call("POST", `/api/madang/v1/admin/accounts/${mod.id}/role`, { role: "moderator" });
	mod.token = house.admin(["token", "add", "mod", "--scopes", "read write admin:read admin:write"]);
	mod.call = (method, route, body) => house.call(method, route, body, { authorization: `Bearer ${mod.token}` });
	a = createRestAPIClient({ url: house.url, accessToken: alice.token });
});
after(() => house.stop());

const form = (members, image = png(24, 24)) => {
	const f = new FormData();
	for (const [k, v] of Object.entries(members))
		f.set(k, v);
	if (image)
		f.set("image", new Blob([image], { type: "image/png" }), "e.png");
	return f;
};
const codes = (thing) => thing.emojis.map((m) => m.shortcode);

describe("keeping them", () => {
	let cat;
	test("an administrator adds one; everybody sees it", async () => {
		const r = await root.call("POST", kept, form({ shortcode: "blob_cat", category: "Cats" }));
		assert.equal(r.status, 200, JSON.stringify(r.body));
		cat = r.body;
		assert.deepEqual([cat.shortcode, cat.category, cat.visible_in_picker, cat.disabled], ["blob_cat", "Cats", true, false]);
		const list = checkShape("CustomEmoji[]", await createRestAPIClient({ url: house.url }).v1.customEmojis.list());
		assert.deepEqual(list.map((m) => [m.shortcode, m.category, m.url]), [["blob_cat", "Cats", cat.url]]);
		for (const url of [cat.url, cat.static_url]) {
			const picture = await fetch(url);
			assert.deepEqual([picture.status, picture.headers.get("content-type")], [200, "image/webp"]);
			await picture.arrayBuffer();
		}
	});

	test("also from a picture of one's own", async () => {
		const media = (await root.call("POST", "/api/v2/media", (() => { const f = new FormData(); f.set("file", new Blob([png(64, 64, [0, 0, 200])], { type: "image/png" }), "x.png"); return f; })())).body;
		const r = await root.call("POST", kept, { shortcode: "Sea", media_id: media.id });
		assert.deepEqual([r.status, r.body.url, r.body.category], [200, media.url, null]);
		assert.equal((await root.call("DELETE", `/api/v1/media/${media.id}`)).status, 200);
		assert.equal((await fetch(r.body.url)).status, 200); // the emoji holds it
	});

	test("nobody else keeps them", async () => {
		for (const who of [mod, alice]) {
			assert.equal((await who.call("GET", kept)).status, 403);
			assert.equal((await who.call("POST", kept, form({ shortcode: "mine" }))).status, 403);
			assert.equal((await who.call("PATCH", `${kept}/${cat.id}`, { disabled: true })).status, 403);
			assert.equal((await who.call("DELETE", `${kept}/${cat.id}`)).status, 403);
		}
		assert.equal((await house.call("GET", kept)).status, 401);
	});

	test("bad ones are refused by name", async () => {
		for (const [body, status, words] of [
			[form({}), 422, /shortcode/],
			[form({ shortcode: "x" }), 422, /shortcode/],
			[form({ shortcode: ":cat:" }), 422, /shortcode/],
			[form({ shortcode: "고양이" }), 422, /shortcode/],
			[form({ shortcode: "a".repeat(65) }), 422, /shortcode/],
			[form({ shortcode: "blob_cat" }), 409, /taken/],
			[form({ shortcode: "other", category: "x".repeat(51) }), 422, /category/],
			[form({ shortcode: "other", category: "x".repeat(500) }), 422, /category/],
			[form({ shortcode: "other", disabled: "perhaps" }), 422, /disabled/],
			[form({ shortcode: "other" }, null), 422, /image/],
			[form({ shortcode: "other" }, Buffer.from("no picture")), 422, /image/],
			[form({ shortcode: "other" }, png(513, 10)), 422, /image/],
			[form({ shortcode: "other" }, png(512, 512)), 422, /image/], // 786 KB
			[{ shortcode: "other", image: "text" }, 422, /image/],
			[{ shortcode: "other", media_id: "1" }, 404, /not found/],
			[{ shortcode: "other", media_id: "x" }, 422, /media_id/],
		]) {
			const r = await root.call("POST", kept, body);
			assert.equal(r.status, status, JSON.stringify(r.body));
			assert.match(r.body.error, words);
		}
		assert.equal((await root.call("GET", `${kept}/1`)).status, 404);
		assert.equal((await root.call("PATCH", `${kept}/1`, { disabled: true })).status, 404);
		assert.equal((await root.call("DELETE", `${kept}/1`)).status, 404);
		assert.equal((await root.call("GET", kept)).body.length, 2);
	});

	test("changed: category, picture, picker", async () => {
		const r = await root.call("PATCH", `${kept}/${cat.id}`, form({ category: "Animals", visible_in_picker: "false" }, png(30, 30, [9, 9, 9])));
		assert.deepEqual([r.status, r.body.category, r.body.visible_in_picker, r.body.shortcode], [200, "Animals", false, "blob_cat"]);
		assert.notEqual(r.body.url, cat.url);
		assert.equal((await fetch(cat.url)).status, 404); // nothing names the old picture any more
		assert.deepEqual((await a.v1.customEmojis.list()).map((m) => m.shortcode), ["Sea"]);
		assert.deepEqual(codes(await a.v1.statuses.create({ status: "still shown :blob_cat:" })), ["blob_cat"]);
		assert.deepEqual((await root.call("GET", `${kept}/${cat.id}`)).body, r.body);
		await root.call("PATCH", `${kept}/${cat.id}`, { visible_in_picker: true });
	});

	test("pages", async () => {
		const one = await root.call("GET", `${kept}?limit=1`);
		assert.match(one.headers.get("link"), /rel="next"/);
		const next = one.headers.get("link").match(/<[^>]*(\/api[^>]*)>; rel="next"/)[1];
		assert.deepEqual([...one.body, ...(await root.call("GET", next)).body].map((m) => m.shortcode), ["Sea", "blob_cat"]);
	});
});

describe("where they are written", () => {
	test("statuses, content warnings, polls, edits", async () => {
		const s = checkShape("Status", await a.v1.statuses.create({ status: "hi :Sea: and :Sea:, :nothing: a:Sea:b :sea:", spoilerText: "(:blob_cat:)" }));
		assert.deepEqual(codes(s), ["blob_cat", "Sea"]);
		assert.match(s.content, /:Sea: and :Sea:/);
		for (const text of ["no emoji: here", "::Sea::", ":Sea:Sea:", "x:Sea:", ":Sea", "http://x/:Sea:5", ":" .repeat(3000), "12:34:56"])
			assert.deepEqual(codes(await a.v1.statuses.create({ status: text })), [], text);
		assert.deepEqual(codes(await a.v1.statuses.create({ status: "여기:Sea:" })), ["Sea"]);
		const poll = await a.v1.statuses.create({ status: "which?", poll: { options: ["plain", "wet :Sea:"], expiresIn: 3600 } });
		assert.deepEqual([codes(poll), codes(poll.poll)], [["Sea"], ["Sea"]]);
		await a.v1.statuses.$select(s.id).update({ status: "now :blob_cat:" });
		const history = await a.v1.statuses.$select(s.id).history.list();
		assert.deepEqual(history.map(codes), [["blob_cat", "Sea"], ["blob_cat"]]);
	});

	test("names, notes and fields of accounts", async () => {
		const me = checkShape("AccountCredentials", await a.v1.accounts.updateCredentials({ displayName: "Alice :Sea:", note: "has a :blob_cat:", fieldsAttributes: [{ name: "pet", value: ":blob_cat:" }] }));
		assert.deepEqual(codes(me), ["Sea", "blob_cat"]);
		const s = await a.v1.statuses.create({ status: "plain" });
		assert.deepEqual([codes(s), codes(s.account)], [[], ["Sea", "blob_cat"]]);
	});

	test("disabled and deleted, they are only words again, also in answers that were kept", async () => {
		const s = await a.v1.statuses.create({ status: "twice :Sea: :blob_cat:" });
		const home = async () => codes((await a.v1.timelines.home.list()).find((x) => x.id === s.id));
		assert.deepEqual(await home(), ["Sea", "blob_cat"]);
		const list = (await root.call("GET", kept)).body;
		const id = (code) => list.find((m) => m.shortcode === code).id;
		assert.equal((await root.call("PATCH", `${kept}/${id("Sea")}`, { disabled: true })).body.disabled, true);
		assert.deepEqual(await home(), ["blob_cat"]);
		assert.equal((await root.call("PATCH", `${kept}/${id("Sea")}`, { disabled: false })).body.disabled, false);
		assert.deepEqual(await home(), ["Sea", "blob_cat"]);
		assert.equal((await root.call("DELETE", `${kept}/${id("blob_cat")}`)).status, 200);
		assert.deepEqual(await home(), ["Sea"]);
		assert.deepEqual((await a.v1.customEmojis.list()).map((m) => m.shortcode), ["Sea"]);
	});

	test("every change stands in the audit log", async () => {
		const log = (await root.call("GET", "/api/madang/v1/admin/audit")).body.filter((x) => x.action.startsWith("emoji.")).map((x) => `${x.action} ${x.detail}`);
		assert.deepEqual(log.reverse(), ["emoji.create blob_cat", "emoji.create Sea", "emoji.update blob_cat", "emoji.update blob_cat", "emoji.disable Sea", "emoji.enable Sea", "emoji.delete blob_cat"]);
	});
});
