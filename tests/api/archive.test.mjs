// The archive of somebody who has posted ten thousand pictures: streamed in bounded memory, without those that wait for
// approval, given up when nobody reads it, and never mistaken for the whole when the server stops.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before, test } from "node:test";
import { House, png, until } from "./house.mjs";

const at = "/api/madang/v1/exports/archive.zip";
const POSTS = 10000, HELD = 7;
let house, ana, dir, files;

before(async () => {
	dir = mkdtempSync(path.join(tmpdir(), "madang-archive-"));
	house = await House.start();
	ana = house.account("ana");
	const f = new FormData();
	f.set("file", new Blob([png(160, 120, [30, 90, 200])], { type: "image/png" }), "a.png");
	const media = (await ana.call("POST", "/api/v2/media", f)).body;
	const first = (await ana.call("POST", "/api/v1/statuses", { status: "first", media_ids: [media.id] })).body;
	// Ten thousand like it, all with that picture, by the database itself; some wait for approval.
	const text = "words ".repeat(1000);
	const id = (i) => `${BigInt(first.id)} + ${i} * 65536`;
	house.sql(`
		BEGIN;
		INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, media_count, created_at)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${POSTS - 1})
			SELECT ${id("i")}, ${ana.id}, 'u' || i, 'u' || i, TRUE, 0, 'number ' || i || ' ${text}', '<p>' || i || '</p>', ${id("i")}, 1, 1 FROM n;
		INSERT INTO media (id, account_id, post_id, position, kind, state, hash, type, width, height, size, description, held, created_at)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${POSTS - 1})
			SELECT ${id("i")}, ${ana.id}, ${id("i")}, 0, m.kind, m.state, m.hash, m.type, m.width, m.height, m.size, 'one', i <= ${HELD}, 1
			FROM n, media m WHERE m.id = ${media.id};
		DELETE FROM search_queue; -- what is measured is the archive
		COMMIT;`);
	files = POSTS - HELD;
});
after(() => {
	rmSync(dir, { recursive: true, force: true });
	return house.stop();
});

const begin = (signal) => fetch(house.url + at, { headers: { authorization: `Bearer ${ana.token}` }, signal });
const memory = (what) => Number(readFileSync(`/proc/${house.process.pid}/status`, "utf8").match(new RegExp(`${what}:\\s+(\\d+) kB`))[1]);
const python = (code, ...args) => JSON.parse(execFileSync("python3", ["-c", code, ...args], { maxBuffer: 1 << 26 }));

test("all of it, in the memory of some pages", async () => {
	writeFileSync(`/proc/${house.process.pid}/clear_refs`, "5"); // the most begins anew
	const before = memory("VmRSS");
	const r = await begin();
	assert.equal(r.status, 200);
	assert.equal((await begin()).status, 429); // one at a time
	const file = path.join(dir, "whole.zip");
	await pipeline(r.body, createWriteStream(file));
	const grown = memory("VmHWM") - before;
	const zip = python(`
import sys, zipfile, json
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
o = json.loads(z.read("outbox.json"))["orderedItems"]
names = set(z.namelist())
print(json.dumps({
	"bytes": sum(i.file_size for i in z.infolist()),
	"pictures": sum(n.startswith("media_attachments/") for n in names),
	"posts": len({x["object"]["id"] for x in o}),
	"attached": sum(len(x["object"]["attachment"]) for x in o),
	"held": sum(x["object"]["madang"]["picturesHeld"] for x in o),
	"lineage": sum("lineage" in x["object"]["madang"] for x in o),
	"there": all(a["url"] in names for x in o for a in x["object"]["attachment"]),
}))`, file);
	assert.deepEqual({ ...zip, bytes: 0 }, { bytes: 0, pictures: files, posts: POSTS, attached: files, held: HELD, lineage: POSTS, there: true });
	assert.ok(zip.bytes > 70e6, `${zip.bytes} bytes`);
	assert.ok(grown < 40 << 10, `${grown} KiB for ${zip.bytes} bytes`);
});

test("who stops reading ends it; it can be begun again at once", async () => {
	const stop = new AbortController();
	const reader = (await begin(stop.signal)).body.getReader();
	reader.closed.catch(() => {});
	await reader.read();
	stop.abort();
	await until("it is given up", () => house.log.includes("export.failed"), 60000);
	const again = new AbortController();
	const r = await until("its place is free", async () => {
		const now = await begin(again.signal);
		return now.status === 200 && now;
	}, 60000);
	r.body.getReader().closed.catch(() => {});
	again.abort();
});

test("a server that stops in the middle does not look as if that were all", async () => {
	const r = await until("its place is free", async () => {
		const now = await begin();
		return now.status === 200 && now;
	}, 60000);
	const reader = r.body.getReader();
	await reader.read();
	assert.equal(await house.kill("SIGTERM"), 0);
	await assert.rejects(async () => {
		while (!(await reader.read()).done)
			;
	});
	await house.up();
});
