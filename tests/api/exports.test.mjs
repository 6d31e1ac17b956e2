// Taking along and bringing along: CSV lists both ways, imports with their progress, the archive with pictures and
// lineage, also to a reader who leaves.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { House, png, until } from "./house.mjs";

let house, root, ana, bo, cho, dir, host;
const exportsAt = "/api/madang/v1/exports", importsAt = "/api/madang/v1/imports";

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), "madang-export-"));
	house = await House.start();
	host = `127.0.0.1:${house.port}`;
	root = house.account("root1", { admin: true });
	[ana, bo, cho] = ["ana", "bo", "cho"].map((n) => house.account(n));
});
after(() => {
	rmSync(dir, { recursive: true, force: true });
	return house.stop();
});

const ok = async (who, method, route, body) => {
	const r = await who.call(method, route, body);
	assert.equal(r.status, 200, `${method} ${route}: ${JSON.stringify(r.body)}`);
	return r.body;
};
const csv = async (who, name) => ok(who, "GET", `${exportsAt}/${name}.csv`);

function form(type, data, mode) {
	const f = new FormData();
	f.set("type", type);
	if (mode)
		f.set("mode", mode);
	f.set("data", new Blob([data], { type: "text/csv" }), "list.csv");
	return f;
}
const start = (who, type, data, mode) => ok(who, "POST", importsAt, form(type, data, mode));
const ended = (who, { id }) => until("the import ends", async () => {
	const now = await ok(who, "GET", `${importsAt}/${id}`);
	return now.state !== "running" && now;
});
const bring = async (who, type, data, mode) => ended(who, await start(who, type, data, mode));

async function download(who, route) {
	const r = await fetch(house.url + route, { headers: { authorization: `Bearer ${who.token}` } });
	assert.equal(r.status, 200);
	assert.equal(r.headers.get("content-type"), "application/zip");
	const file = path.join(dir, `${Math.random()}.zip`);
	writeFileSync(file, Buffer.from(await r.arrayBuffer()));
	const read = (name) => execFileSync("python3", ["-c", "import sys,zipfile;sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))", file, name], { maxBuffer: 1 << 28 });
	const names = JSON.parse(execFileSync("python3", ["-c", "import sys,zipfile,json;z=zipfile.ZipFile(sys.argv[1]);assert z.testzip() is None;print(json.dumps(z.namelist()))", file]));
	return { names, read, json: (name) => JSON.parse(read(name)) };
}
const upload = async (who, colour) => {
	const f = new FormData();
	f.set("file", new Blob([png(40, 30, colour)], { type: "image/png" }), "a.png");
	f.set("description", "one colour");
	return ok(who, "POST", "/api/v2/media", f);
};

describe("lists", () => {
	let post;
	test("out, in Mastodon's columns", async () => {
		await ok(ana, "POST", `/api/v1/accounts/${bo.id}/follow`, { notify: true, languages: ["ko", "en"] });
		await ok(ana, "POST", `/api/v1/accounts/${cho.id}/follow`, { reblogs: false });
		await ok(ana, "POST", `/api/v1/accounts/${root.id}/mute`, { notifications: false });
		await ok(ana, "POST", "/api/v1/domain_blocks", { domain: "bad.example" });
		post = await ok(bo, "POST", "/api/v1/statuses", { status: "keep this" });
		await ok(ana, "POST", `/api/v1/statuses/${post.id}/bookmark`);
		const list = await ok(ana, "POST", "/api/v1/lists", { title: "Friends, \"old\" ones" });
		await ok(ana, "POST", `/api/v1/lists/${list.id}/accounts`, { account_ids: [bo.id] });
		assert.equal(await csv(ana, "follows"), `Account address,Show boosts,Notify on new posts,Languages\nbo@${host},true,true,"ko, en"\ncho@${host},false,false,\n`);
		assert.equal(await csv(ana, "mutes"), `Account address,Hide notifications\nroot1@${host},false\n`);
		assert.equal(await csv(ana, "domain_blocks"), "bad.example\n");
		assert.equal(await csv(ana, "bookmarks"), `${post.uri}\n`);
		assert.equal(await csv(ana, "lists"), `"Friends, ""old"" ones",bo@${host}\n`);
		assert.equal(await csv(ana, "blocks"), "");
		assert.deepEqual(await ok(ana, "GET", exportsAt), { follows: 2, blocks: 0, mutes: 1, domain_blocks: 1, bookmarks: 1, lists: 1 });
		assert.equal((await ana.call("GET", `${exportsAt}/secrets.csv`)).status, 404);
		assert.equal((await ana.call("GET", `${exportsAt}/follows`)).status, 404);
		assert.equal((await house.call("GET", `${exportsAt}/follows.csv`)).status, 401);
	});

	test("back in, into another account: everything is as it was", async () => {
		const dora = house.account("dora");
		for (const type of ["follows", "mutes", "domain_blocks", "bookmarks", "lists"]) {
			const data = await csv(ana, type);
			const done = await bring(dora, type, data);
			assert.deepEqual([done.state, done.failed, done.imported, done.processed, done.total], ["finished", 0, done.total, done.total, done.total], type);
			assert.equal(await csv(dora, type), data, type);
		}
	});

	test("what cannot be imported is told, row by row", async () => {
		const eve = house.account("eve");
		const done = await bring(eve, "follows", `Account address,Show boosts\r\n@BO@${host.toUpperCase()},false\r\nnobody@${host},true\r\n\r\nfar@away.example,true\r\neve@${host},true\r\n`);
		assert.deepEqual([done.imported, done.failed, done.total], [1, 3, 4]);
		const failures = await ok(eve, "GET", `${importsAt}/${done.id}/failures.csv`);
		assert.match(failures, /^nobody,true,.*\nfar@away\.example,true,.*\neve,true,.*\n$/);
		assert.equal(await csv(eve, "follows"), `Account address,Show boosts,Notify on new posts,Languages\nbo@${host},false,false,\n`);
		assert.equal((await ok(eve, "GET", importsAt))[0].id, done.id);
		assert.equal((await bo.call("GET", `${importsAt}/${done.id}`)).status, 404);
		assert.equal((await bo.call("DELETE", `${importsAt}/${done.id}`)).status, 404);
		assert.equal((await bo.call("GET", `${importsAt}/${done.id}/failures.csv`)).status, 404);
	});

	test("overwrite: what is not in it goes", async () => {
		const fin = house.account("fin");
		await bring(fin, "follows", `bo@${host}\ncho@${host}\n`);
		const done = await bring(fin, "follows", `cho@${host}\nana@${host}\n`, "overwrite");
		assert.deepEqual([done.imported, done.removed, done.mode], [2, 1, "overwrite"]);
		assert.match(await csv(fin, "follows"), /cho@.*\nana@/);
		await bring(fin, "lists", `A,cho@${host}\nA,ana@${host}\nB,ana@${host}\n`);
		assert.equal((await bring(fin, "lists", `A,ana@${host}\n`, "overwrite")).removed, 1);
		assert.equal(await csv(fin, "lists"), `A,ana@${host}\nB,ana@${host}\n`);
		for (const [type, one, two] of [["blocks", `bo@${host}`, `root1@${host}`], ["mutes", `bo@${host}`, `root1@${host}`], ["domain_blocks", "a.example", "b.example"]]) {
			await bring(fin, type, `${one}\n`);
			assert.equal((await bring(fin, type, `${two}\n`, "overwrite")).removed, 1, type);
			assert.match(await csv(fin, type), new RegExp(`^(Account.*\n)?${two}`), type);
		}
		await bring(fin, "bookmarks", `${post.uri}\n`);
		const other = await ok(bo, "POST", "/api/v1/statuses", { status: "another" });
		assert.equal((await bring(fin, "bookmarks", `${other.uri}\n`, "overwrite")).removed, 1);
		assert.equal(await csv(fin, "bookmarks"), `${other.uri}\n`);
	});

	test("a long one can be cancelled", async () => {
		const gil = house.account("gil");
		const begun = await start(gil, "domain_blocks", Array.from({ length: 20000 }, (_, i) => `n${i}.example\n`).join(""));
		assert.deepEqual([begun.state, begun.total], ["running", 20000]);
		const stopped = await ok(gil, "DELETE", `${importsAt}/${begun.id}`);
		assert.equal(stopped.state, "cancelled");
		assert.ok(stopped.processed < 20000 && stopped.finished_at);
		assert.equal((await ok(gil, "DELETE", `${importsAt}/${begun.id}`)).processed, stopped.processed);
	});

	test("bad ones are refused, naming the line", async () => {
		for (const [type, data, status] of [["follows", "", 422], ["follows", "Account address\n", 422], ["follows", "bo\n\"open", 422], ["follows", "bo\nx y z\n", 422], ["follows", "a@b@c\n", 422], ["follows", Buffer.from([0xff, 0xfe, 0]), 422], ["lists", "only\n", 422], ["bookmarks", "ftp://x\n", 422], ["domain_blocks", "nodot\n", 422], ["jokes", "bo\n", 422], ["", "bo\n", 422], ["follows", "x".repeat(5 << 20), 422], ["blocks", "a\n".repeat(20001), 422]]) {
			const r = await bo.call("POST", importsAt, form(type, data));
			assert.equal(r.status, status, `${type} ${data.slice(0, 40)}`);
			assert.equal(typeof r.body.error, "string");
		}
		assert.match((await bo.call("POST", importsAt, form("follows", "bo\nx y\n"))).body.error, /line 2/);
		assert.equal((await bo.call("POST", importsAt, form("follows", "bo\n", "replace"))).status, 422);
		assert.equal((await bo.call("POST", importsAt, { type: "follows", data: "bo" })).status, 422);
		assert.equal((await bo.call("POST", importsAt, { type: "follows" })).status, 422);
	});
});

describe("the archive", () => {
	test("posts, pictures, polls, boosts, what is private too", async () => {
		const picture = await upload(cho, [10, 200, 30]);
		const post = await ok(cho, "POST", "/api/v1/statuses", { status: "A #green one for @bo", media_ids: [picture.id], spoiler_text: "colours", language: "en" });
		await ok(cho, "POST", "/api/v1/statuses", { status: "@bo only you", visibility: "direct" });
		await ok(cho, "POST", "/api/v1/statuses", { status: "Which?", poll: { options: ["a", "b"], expires_in: 600 } });
		const theirs = await ok(bo, "POST", "/api/v1/statuses", { status: "boost me" });
		await ok(cho, "POST", `/api/v1/statuses/${theirs.id}/reblog`);
		await ok(cho, "POST", `/api/v1/statuses/${theirs.id}/favourite`);
		const zip = await download(cho, `${exportsAt}/archive.zip`);
		assert.deepEqual(zip.names.slice(0, 4), ["actor.json", "outbox.json", "likes.json", "bookmarks.json"]);
		assert.ok(zip.names.includes("follows.csv") && zip.names.includes("lists.csv"));
		assert.equal(zip.json("actor.json").preferredUsername, "cho");
		const items = zip.json("outbox.json").orderedItems;
		assert.deepEqual(items.map((x) => x.type), ["Announce", "Create", "Create", "Create"]);
		assert.deepEqual([items[0].object, items[1].object.type, items[1].object.oneOf.map((x) => x.name)], [theirs.uri, "Question", ["a", "b"]]);
		assert.deepEqual([items[2].to.length, items[2].object.source.content], [1, "@bo only you"]);
		const note = items[3].object;
		assert.deepEqual([note.id, note.summary, note.tag.map((x) => x.name), note.attachment[0].name], [post.uri, "colours", ["@bo", "#green"], "one colour"]);
		assert.ok(zip.read(note.attachment[0].url).length > 50);
		assert.deepEqual(zip.json("likes.json").orderedItems, [theirs.uri]);
	});

	test("of somebody else: moderators, without what was said to few; and it stands in the log", async () => {
		const route = `/api/madang/v1/admin/accounts/${cho.id}/archive.zip`;
		assert.equal((await bo.call("GET", route)).status, 403);
		const zip = await download(root, route);
		const text = zip.read("outbox.json").toString();
		assert.ok(text.includes("A #green one") && !text.includes("only you"));
		assert.ok(!zip.names.includes("follows.csv") && !zip.names.includes("bookmarks.json"));
		assert.ok((await ok(root, "GET", "/api/madang/v1/admin/audit")).some((x) => x.action === "account.export" && x.target_id === cho.id));
		assert.equal((await root.call("GET", "/api/madang/v1/admin/accounts/1/archive.zip")).status, 404);
		assert.equal((await house.call("GET", `${exportsAt}/archive.zip`)).status, 401);
	});

	test("many posts; a reader who leaves ends it, and it can be begun again", async () => {
		const hal = house.account("hal");
		for (let i = 0; i < 30; i++)
			await Promise.all(Array.from({ length: 20 }, (_, k) => ok(hal, "POST", "/api/v1/statuses", { status: `${i * 20 + k} ${"words ".repeat(700)}`, visibility: "unlisted" })));
		const stop = new AbortController();
		const r = await fetch(`${house.url}${exportsAt}/archive.zip`, { headers: { authorization: `Bearer ${hal.token}` }, signal: stop.signal });
		const reader = r.body.getReader();
		await reader.read();
		reader.closed.catch(() => {});
		stop.abort();
		const zip = await until("its place is free again", async () => {
			try {
				return await download(hal, `${exportsAt}/archive.zip`);
			} catch (e) {
				if (e.code !== "ERR_ASSERTION")
					throw e;
				return undefined;
			}
		});
		const items = zip.json("outbox.json").orderedItems;
		assert.equal(new Set(items.map((x) => x.object.source.content.split(" ")[0])).size, 600);
	});
});
