// kill -9 in a loop under mixed writes: whatever was acknowledged is there, no job is drawn into two posts.
// MADANG_KILLS says how often: 100 on each database by itself, in about 40 seconds each; 200 and more by hand, before a release
// and after each change of how the database is written.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, sleep, tinyModel, until } from "./house.mjs";

const kills = Number(process.env.MADANG_KILLS ?? 100);
let house, people;
before(async () => {
	house = await House.start({ model: tinyModel() });
	people = ["ann", "ben", "cho"].map((name) => house.account(name));
});
after(() => house.stop());

const acknowledged = { posts: new Map(), likes: new Map(), jobs: new Map() };
let unclear = 0;

// Writes until told to stop; remembers only what the server has said yes to.
async function write(who, stop) {
	for (let n = 0; !stop.now; n++) {
		try {
			const what = n % 3;
			if (what === 0) {
				const text = `${who.name} ${process.hrtime.bigint()}`;
				const r = await who.call("POST", "/api/v1/statuses", { status: text });
				if (r.status === 200)
					acknowledged.posts.set(r.body.id, text);
			} else if (what === 1 && acknowledged.posts.size) {
				const ids = [...acknowledged.posts.keys()];
				const id = ids[Math.floor(Math.random() * ids.length)];
				const r = await who.call("POST", `/api/v1/statuses/${id}/favourite`);
				if (r.status === 200)
					acknowledged.likes.set(`${who.name} ${id}`, { who, id });
			} else {
				const r = await who.call("POST", "/api/madang/v1/jobs", { prompt: `job ${n}` });
				if (r.status === 200)
					acknowledged.jobs.set(r.body.id, who);
				else
					await sleep(20);
			}
		} catch {
			unclear++; // the connection broke: it may or may not be there
			await sleep(10);
		}
	}
}

test(`${kills} kills`, async () => {
	for (let i = 0; i < kills; i++) {
		const stop = { now: false };
		const before = acknowledged.posts.size;
		const writers = people.map((p) => write(p, stop));
		// Every second life lasts until something was promised, however busy the machine is; the others may end sooner.
		if (i % 2)
			await until("a post is acknowledged", () => acknowledged.posts.size > before);
		await sleep(10 + Math.random() ** 2 * 270); // many short lives, and some in which pictures are drawn
		await house.kill("SIGKILL");
		stop.now = true;
		await Promise.all(writers);
		await house.up();
	}
	assert.ok(acknowledged.posts.size >= Math.floor(kills / 2), `${acknowledged.posts.size} posts`);
	for (const [id, text] of acknowledged.posts) {
		const r = await people[0].call("GET", `/api/v1/statuses/${id}`);
		assert.equal(r.status, 200, `post ${id} is lost`);
		assert.ok(r.body.content.includes(text));
	}
	for (const { who, id } of acknowledged.likes.values())
		assert.equal((await who.call("GET", `/api/v1/statuses/${id}`)).body.favourited, true, `a like of ${id} is lost`);
	for (const [id, who] of acknowledged.jobs) {
		const job = await until(`job ${id} has ended`, async () => {
			const r = await who.call("GET", `/api/madang/v1/jobs/${id}`);
			assert.equal(r.status, 200, `job ${id} is lost`);
			return ["finished", "failed"].includes(r.body.state) && r.body;
		}, 60000);
		// A job that was being drawn in three crashes is given up, with a reason.
		if (job.state === "failed")
			assert.ok(job.error.message);
		else
			assert.equal(job.media.length, 1, `job ${id} was drawn more than once`);
	}
	for (const { id } of [...acknowledged.likes.values()].slice(0, 20)) {
		const s = (await people[0].call("GET", `/api/v1/statuses/${id}`)).body;
		const by = (await people[0].call("GET", `/api/v1/statuses/${id}/favourited_by`)).body;
		assert.equal(s.favourites_count, by.length, "counts agree with rows");
	}
	console.log(`# kills=${kills} posts=${acknowledged.posts.size} likes=${acknowledged.likes.size} jobs=${acknowledged.jobs.size} broken_connections=${unclear}`);
});
