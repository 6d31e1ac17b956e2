// Uploads that are not ready when they are answered: 202, 206, 200 or 422; through kill -9; with limits; and nothing of
// what was sent stays.
import assert from "node:assert/strict";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import { House, onPostgres, png, sleep, tinyModel, until } from "./house.mjs";
import { checkShape } from "./shape.mjs";

let house, alice, bob;
const large = png(1600, 1200);
const form = (bytes = png(32, 32), more = {}) => {
	const f = new FormData();
	f.set("file", new Blob([bytes], { type: "image/png" }), "a.png");
	for (const [k, v] of Object.entries(more))
		f.set(k, v);
	return f;
};
const upload = (who, bytes, more) => who.call("POST", "/api/v2/media", form(bytes, more));
const get = (who, id) => who.call("GET", `/api/v1/media/${id}`);
const ready = (who, id, by = get) => until("the picture", async () => {
	const r = await by(who, id);
	return r.status !== 206 && r;
});
const files = (h) => readdirSync(`${h.data}/media`, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => f.name);
// A file of alice's that nobody will ever process, until `go`.
let fakes = 0;
function hold(h, account, due = "9000000000000000") {
	const id = String(700 + ++fakes), hash = String(fakes).padStart(64, "0");
	h.sql(`INSERT INTO media (id, account_id, state, kind, type, size, created_at) VALUES (${id}, ${account.id}, 1, 0, 'image/png', 5, ${Date.now()});
		INSERT INTO objects (hash, refs) VALUES ('${hash}', 1);
		INSERT INTO uploads (media_id, account_id, hash, due_at) VALUES (${id}, ${account.id}, '${hash}', ${due});`);
	return id;
}

describe("an upload that is answered at once", () => {
	before(async () => {
		house = await House.start({ model: tinyModel(), arguments: ["--upload-wait-ms", "0"] });
		[alice, bob] = ["alice", "bob"].map((n) => house.account(n));
	});
	after(() => house.stop());

	test("202 without an address; then 206, then 200 with everything", async () => {
		const r = await upload(alice, large, { description: "a red sheet", focus: "0.5,-0.5" });
		assert.deepEqual([r.status, r.body.url, r.body.preview_url, r.body.type, r.body.description], [202, null, null, "image", "a red sheet"]);
		const done = (await ready(alice, r.body.id)).body;
		assert.deepEqual([done.meta.original.width, done.meta.original.height, done.description, done.meta.focus], [1600, 1200, "a red sheet", { x: 0.5, y: -0.5 }]);
		assert.ok(done.blurhash);
		for (const url of [done.url, done.preview_url])
			assert.equal((await fetch(url)).headers.get("content-type"), "image/webp");
		assert.equal((await alice.call("POST", "/api/v1/statuses", { status: "look", media_ids: [done.id] })).status, 200);
	});

	test("masto.js waits by itself", async () => {
		const a = createRestAPIClient({ url: house.url, accessToken: alice.token });
		const done = await a.v2.media.create({ file: new Blob([png(64, 48)], { type: "image/png" }), description: "x" });
		checkShape("MediaAttachment", done);
		assert.ok(done.url);
		assert.equal((await a.v1.statuses.create({ status: "", mediaIds: [done.id] })).mediaAttachments[0].id, done.id);
	});

	test("v1 waits, and answers 200", async () => {
		const r = await alice.call("POST", "/api/v1/media", form());
		assert.equal(r.status, 200);
		assert.ok(r.body.url);
	});

	test("while it is pending: 206, described, but not posted, not drawn from, nobody else's", async () => {
		const id = hold(house, alice);
		const r = await get(alice, id);
		assert.deepEqual([r.status, r.body.url], [206, null]);
		const put = await alice.call("PUT", `/api/v1/media/${id}`, { description: "later" });
		assert.deepEqual([put.status, put.body.description, put.body.url], [206, "later", null]);
		for (const body of [{ status: "x", media_ids: [id] }, { status: "x", media_ids: [id], scheduled_at: new Date(Date.now() + 3600e3).toISOString() }]) {
			const post = await alice.call("POST", "/api/v1/statuses", body);
			assert.equal(post.status, 422);
			assert.match(post.body.error, /^Cannot attach files that have not finished processing/);
		}
		const old = (await alice.call("POST", "/api/v1/statuses", { status: "old" })).body;
		assert.equal((await alice.call("PUT", `/api/v1/statuses/${old.id}`, { status: "x", media_ids: [id] })).status, 422);
		assert.equal((await alice.call("POST", "/api/madang/v1/jobs", { prompt: "a red apple", task: "edit", source: { media_id: id } })).status, 422);
		assert.equal((await alice.call("POST", `/api/madang/v1/media/${id}/describe`, {})).status, 422);
		assert.equal((await get(bob, id)).status, 404);
		assert.equal((await upload(bob)).status, 202, "others go on");
		assert.equal((await alice.call("DELETE", `/api/v1/media/${id}`)).status, 200);
		assert.equal((await get(alice, id)).status, 404);
	});

	test("what is no picture is refused at once; what turns out to be none is 422 with a reason", async () => {
		const text = await upload(alice, Buffer.from("hello, this is a text"));
		assert.equal(text.status, 422);
		assert.match(text.body.error, /not a picture/);
		const r = await upload(alice, png(300, 300).subarray(0, 5000));
		assert.equal(r.status, 202);
		const failed = await ready(alice, r.body.id);
		assert.equal(failed.status, 422);
		assert.match(failed.body.error, /not a picture that can be read/);
		assert.equal((await alice.call("PUT", `/api/v1/media/${r.body.id}`, { description: "x" })).status, 422);
		assert.equal((await alice.call("POST", "/api/v1/statuses", { status: "x", media_ids: [r.body.id] })).status, 422);
		// The object is not there: nobody can do it.
		const lost = hold(house, alice, "0");
		assert.match((await ready(alice, lost)).body.error, /upload it again/);
	});

	test("so many wait, of one account and in all", async () => {
		const full = await House.start({ arguments: ["--upload-wait-ms", "0", "--uploads-waiting-own-max", "2", "--uploads-waiting-max", "3"] });
		try {
			const [cara, dan, eve] = ["cara", "dan", "eve"].map((n) => full.account(n));
			const held = [hold(full, cara), hold(full, cara)];
			const own = await upload(cara);
			assert.deepEqual([own.status, typeof own.body.error], [429, "string"]);
			hold(full, dan);
			const all = await upload(eve);
			assert.deepEqual([all.status, typeof all.body.error], [503, "string"]);
			assert.deepEqual(files(full), [], "nothing of what is refused is stored");
			assert.equal((await full.call("POST", "/api/v1/media", form(), { authorization: `Bearer ${eve.token}` })).status, 200, "v1 has no line");
			assert.equal((await cara.call("DELETE", `/api/v1/media/${held[0]}`)).status, 200);
			assert.equal((await upload(cara)).status, 202);
		} finally {
			await full.stop();
		}
	});

	test("deleted while it is processed: nothing stays", async () => {
		const before = files(house).length;
		const all = await Promise.all([1, 2, 3].map((n) => upload(bob, png(900, 900, [n, n, n]))));
		for (const r of all)
			assert.equal((await bob.call("DELETE", `/api/v1/media/${r.body.id}`)).status, 200);
		await until("the files to go", () => files(house).length <= before);
		await sleep(1500); // those that were being processed would come now
		await until("the files to go", () => files(house).length <= before);
		assert.ok(!/event=upload\.(queue|look|forget)/.test(house.log), house.log.match(/.*event=upload.*/)?.[0]);
	});
});

describe("an upload that may take a moment", () => {
	test("is answered 200; one that fails by then 422, and leaves nothing", async () => {
		const h = await House.start({ arguments: ["--upload-wait-ms", "20000"] });
		try {
			const cho = h.account("cho");
			const r = await upload(cho, png(200, 100));
			assert.equal(r.status, 200);
			assert.ok(r.body.url && r.body.preview_url);
			const bad = await upload(cho, png(300, 300).subarray(0, 5000));
			assert.equal(bad.status, 422);
			assert.match(bad.body.error, /not a picture that can be read/);
			// The raw file goes; the picture and its thumbnail stay.
			await until("the raw files to go", () => files(h).length === 2);
			// Whoever waits when the server stops hears what is so.
			hold(h, cho);
			const many = Promise.all([1, 2, 3, 4, 5, 6].map((n) => upload(cho, png(700, 700, [n, 9, 9]))));
			await sleep(150);
			const code = h.kill("SIGTERM");
			for (const one of await many)
				assert.ok([200, 202].includes(one.status), String(one.status));
			assert.equal(await code, 0);
		} finally {
			await h.stop();
		}
	});
});

describe("how large it may be", () => {
	test("is the setting's, to its last megabyte; beyond it is 413", async () => {
		const h = await House.start({ arguments: ["--upload-mib-max", "56"] });
		try {
			const eve = h.account("eve");
			const { body: instance } = await h.call("GET", "/api/v2/instance");
			assert.equal(instance.configuration.media_attachments.image_size_limit, 56 << 20);
			const huge = png(4400, 4200); // not compressed: 55.4 MB
			assert.ok(huge.length > 52 << 20 && huge.length < 56 << 20);
			for (const version of ["v1", "v2"]) {
				const r = await eve.call("POST", `/api/${version}/media`, form(huge));
				assert.deepEqual([r.status, r.body.meta?.original.width], [200, 4096], `${version}: ${JSON.stringify(r.body)}`);
			}
			for (const more of [1 << 20, 20 << 20]) {
				const bytes = Buffer.alloc((56 << 20) + more);
				png(1, 1).copy(bytes);
				const r = await eve.call("POST", "/api/v2/media", form(bytes)).catch((e) => ({ status: 413, body: { error: String(e) } }));
				assert.deepEqual([r.status, typeof r.body.error], [413, "string"], `${more} bytes too many`);
			}
		} finally {
			await h.stop();
		}
	});
});

describe("kill -9", () => {
	test("while something is being stored: what is half written goes with the next start, once nobody can be writing it", async () => {
		const h = await House.start();
		try {
			const at = (name) => `${h.data}/media/${name}`;
			for (const [name, minutes] of [[".new.00000000000000aa", 90], [".new.00000000000000bb", 5]]) {
				writeFileSync(at(name), "half");
				utimesSync(at(name), Date.now() / 1000 - minutes * 60, Date.now() / 1000 - minutes * 60);
			}
			await h.kill();
			await h.up();
			assert.deepEqual(files(h), [".new.00000000000000bb"]);
		} finally {
			await h.stop();
		}
	});

	test("between upload and processing: taken up again, once, and everything is freed", async () => {
		const h = await House.start({ arguments: ["--upload-wait-ms", "0"] });
		try {
			const dora = h.account("dora");
			const sent = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => upload(dora, png(1000, 1000, [n * 30, 0, 0]))));
			await h.kill();
			assert.deepEqual(sent.map((r) => r.status), Array(6).fill(202));
			await h.up();
			for (const r of sent) {
				const done = await ready(dora, r.body.id);
				assert.equal(done.status, 200);
				assert.equal((await fetch(done.body.url.replace(/^http:\/\/[^/]+/, h.url))).status, 200);
			}
			// Six pictures and their thumbnails, each processed once; of what was sent nothing is left.
			await until("the raw files to go", () => files(h).filter((f) => !f.startsWith(".new")).length === 12);
			for (const r of sent)
				assert.equal((await dora.call("DELETE", `/api/v1/media/${r.body.id}`)).status, 200);
			await until("all files to go", () => files(h).filter((f) => !f.startsWith(".new")).length === 0);
			await h.kill("SIGTERM");
		} finally {
			await h.stop();
		}
	});
});

describe("two processes on one database", { skip: !onPostgres && "PostgreSQL only" }, () => {
	test("either does it, and who waits hears of it", async () => {
		const h = await House.start({ arguments: ["--upload-wait-ms", "20000"] });
		const other = await House.beside(h, { arguments: ["--upload-wait-ms", "20000"] });
		try {
			const finn = h.account("finn");
			const by = (x) => ({ call: (m, r, b) => x.call(m, r, b, { authorization: `Bearer ${finn.token}` }) });
			const all = await Promise.all(Array.from({ length: 12 }, (_, n) => upload(by(n % 2 ? h : other), png(400, 400, [n, 1, 1]))));
			for (const r of all)
				assert.deepEqual([r.status, !!r.body.url], [200, true]);
			// One dies with what it had begun; the other takes it up when the lease has ended.
			const late = hold(h, finn);
			h.sql(`UPDATE uploads SET worker = 'somebody dead', due_at = 0, hash = '${all[0].body.url.match(/[0-9a-f]{64}/)[0]}', attempts = 1 WHERE media_id = ${late}; UPDATE objects SET refs = refs + 1 WHERE hash = '${all[0].body.url.match(/[0-9a-f]{64}/)[0]}'`);
			assert.equal((await ready(finn, late)).status, 200);
		} finally {
			await other.stop();
			await h.stop();
		}
	});
});
