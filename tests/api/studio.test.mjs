// The studio with the built-in engine (a tiny random model): draw, watch, post, remix, lineage, @draw, cancel,
// and drawing again after a crash.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, png, tinyModel, until } from "./house.mjs";

let house, alice, bob;
before(async () => {
	house = await House.start({ model: tinyModel() });
	alice = house.account("alice", { admin: true });
	bob = house.account("bob");
});
after(() => house.stop());

const finished = (who, id) => until(`job ${id} is drawn`, async () => {
	const job = (await who.call("GET", `/api/madang/v1/jobs/${id}`)).body;
	assert.notEqual(job.state, "failed", JSON.stringify(job.error));
	return job.state === "finished" && job;
}, 20000);

async function draw(who, form) {
	const r = await who.call("POST", "/api/madang/v1/jobs", form);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	return finished(who, r.body.id);
}

test("what the studio offers", async () => {
	const s = (await house.call("GET", "/api/madang/v1/studio")).body;
	assert.equal(s.makers[0].id, "builtin");
	assert.ok(s.makers[0].styles.length > 0 && s.makers[0].styles[0].label.ko);
	assert.deepEqual(s.makers[0].controls, ["style", "seed", "guidance", "count"]);
	assert.equal(s.defaults.maker, "builtin");
});

test("draw in Korean, watch, post, another remixes, lineage shows both", async () => {
	const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "빨간 사과", style: "3d", seed: 7, count: 2 })).body;
	assert.ok(["queued", "drawing"].includes(job.state));
	const events = [];
	for await (const e of house.events(`/api/madang/v1/jobs/${job.id}/events`, alice.token))
		events.push(e);
	assert.equal(events.at(-1).event, "finished");
	const done = JSON.parse(events.at(-1).data);
	assert.equal(done.media.length, 2);
	assert.equal(done.seed, 7);
	const drawn = await finished(alice, job.id);
	assert.equal(drawn.media[0].description, "빨간 사과");
	assert.equal(drawn.media[0].madang.seed, 7);
	assert.equal((await fetch(drawn.media[0].url)).headers.get("content-type"), "image/webp");

	const post = (await alice.call("POST", "/api/v1/statuses", { status: "my apple", media_ids: [drawn.media[0].id] })).body;
	assert.equal(post.madang.made_with.maker, "builtin");
	assert.equal(post.madang.made_with.style, "3d");
	assert.equal(post.madang.prompt, "빨간 사과");
	assert.equal(post.madang.remixable, true);
	assert.equal((await house.call("GET", "/api/madang/v1/explore")).body[0].id, post.id);
	assert.equal((await house.call("GET", "/api/madang/v1/explore?style=flat")).body.length, 0);

	const remix = await draw(bob, { prompt: "파란 사과", task: "restyle", style: "flat", source: { status_id: post.id } });
	const second = (await bob.call("POST", "/api/v1/statuses", { status: "remixed", media_ids: [remix.media[0].id] })).body;
	assert.equal(second.madang.remix_of.id, post.id);
	assert.equal(second.madang.remix_of.account.username, "alice");
	assert.ok(second.madang.lineage_url);
	assert.equal((await bob.call("GET", `/api/v1/statuses/${post.id}`)).body.madang.remixes_count, 1);
	const tree = (await house.call("GET", `/api/madang/v1/lineage/${second.id}`)).body;
	assert.equal(tree.root.id, post.id);
	assert.equal(tree.root.children[0].id, second.id);
	assert.equal(tree.count, 2);
	assert.ok((await alice.call("GET", "/api/v1/notifications")).body.some((n) => n.madang.remix && n.type === "mention"));

	await alice.call("DELETE", `/api/v1/statuses/${post.id}`);
	const after = (await house.call("GET", `/api/madang/v1/lineage/${second.id}`)).body;
	assert.deepEqual([after.root.deleted, after.root.status, after.root.children[0].id], [true, null, second.id]);
	assert.equal((await bob.call("GET", `/api/v1/statuses/${second.id}`)).body.madang.remix_of.deleted, true);
});

test("a restyle without words takes those of its source, also where one may not read them", async () => {
	const first = await draw(alice, { prompt: "a quiet pond", seed: 4 });
	const own = { task: "restyle", style: "flat", seed: 5, source: { media_id: first.media[0].id } };
	const [worded, blank, other] = [await draw(alice, { ...own, prompt: "a quiet pond" }), await draw(alice, { ...own, prompt: " " }), await draw(alice, { ...own, prompt: "a loud pond" })];
	assert.equal(blank.media[0].blurhash, worded.media[0].blurhash);
	assert.notEqual(other.media[0].blurhash, worded.media[0].blurhash);
	const post = (await alice.call("POST", "/api/v1/statuses", { status: "whose words are mine", media_ids: [first.media[0].id], madang: { prompt_visibility: "private" } })).body;
	assert.equal((await bob.call("GET", `/api/v1/statuses/${post.id}`)).body.madang.prompt, null);
	const theirs = await draw(bob, { task: "restyle", style: "flat", seed: 5, source: { status_id: post.id } });
	assert.equal(theirs.media[0].blurhash, worded.media[0].blurhash);
	assert.ok(!JSON.stringify(theirs).includes("quiet pond"), "what one may not read stays unread");
	const form = new FormData();
	form.set("file", new Blob([png(64, 64)]), "a.png");
	const upload = (await alice.call("POST", "/api/v2/media", form)).body;
	const looked = await draw(alice, { task: "restyle", style: "flat", seed: 5, source: { media_id: upload.id } });
	assert.equal(looked.media.length, 1, "at what was not made here the maker looks");
	for (const bad of [{ task: "vary", source: { media_id: first.media[0].id } }, { task: "edit", source: { media_id: first.media[0].id }, prompt: "  " }, {}, { prompt: "" }]) {
		const r = await alice.call("POST", "/api/madang/v1/jobs", bad);
		assert.deepEqual([r.status, r.body.error], [422, "Validation failed: prompt can't be blank"], JSON.stringify(bad));
	}
});

test("the same seed draws the same picture; another does not", async () => {
	const [one, two, three] = await Promise.all([1, 1, 2].map((seed) => draw(alice, { prompt: "a tree", seed })));
	assert.equal(one.media[0].url, two.media[0].url);
	assert.notEqual(one.media[0].url, three.media[0].url);
});

test("vary and edit, from a picture of one's own and from an upload", async () => {
	const first = await draw(alice, { prompt: "a house", seed: 3 });
	const varied = await draw(alice, { prompt: "a house", task: "vary", strength: 0.5, source: { media_id: first.media[0].id } });
	assert.notEqual(varied.media[0].url, first.media[0].url);
	const form = new FormData();
	form.set("file", new Blob([png(64, 64)]), "a.png");
	const upload = (await alice.call("POST", "/api/v2/media", form)).body;
	assert.equal((await draw(alice, { prompt: "a hat on it", task: "edit", source: { media_id: upload.id } })).media.length, 1);
	const theirs = await bob.call("POST", "/api/madang/v1/jobs", { prompt: "x", task: "vary", source: { media_id: upload.id } });
	assert.ok(theirs.status >= 403 && theirs.status <= 422, "somebody else's draft");
});

test("who sees the prompt", async () => {
	for (const [visibility, seen] of [["public", true], ["private", false], ["remixers", false]]) {
		const job = await draw(alice, { prompt: `secret ${visibility}` });
		const post = (await alice.call("POST", "/api/v1/statuses", { status: "x", media_ids: [job.media[0].id], madang: { prompt_visibility: visibility, remixable: visibility !== "private" } })).body;
		assert.equal(post.madang.prompt, `secret ${visibility}`, "its author");
		const other = await bob.call("GET", `/api/v1/statuses/${post.id}`);
		assert.equal(other.body.madang.prompt, seen ? `secret ${visibility}` : null);
		if (!seen) {
			assert.equal(other.body.media_attachments[0].madang?.prompt ?? null, null);
			const file = Buffer.from(await (await fetch(other.body.media_attachments[0].url)).arrayBuffer());
			assert.ok(!file.includes("secret"), "nor does the file tell it");
		}
		if (visibility === "private") {
			const r = await bob.call("POST", "/api/madang/v1/jobs", { prompt: "x", task: "vary", source: { status_id: post.id } });
			assert.ok(r.status === 403 || r.status === 422, "not to be remixed");
		}
	}
});

test("use as profile picture", async () => {
	const job = await draw(bob, { prompt: "my face" });
	const me = (await bob.call("POST", "/api/madang/v1/profile_picture", { media_id: job.media[0].id, kind: "avatar" })).body;
	assert.equal(me.avatar, job.media[0].url);
	assert.ok((await alice.call("POST", "/api/madang/v1/profile_picture", { media_id: job.media[0].id })).status >= 403);
});

test("@draw answers with a picture", async () => {
	const post = (await alice.call("POST", "/api/v1/statuses", { status: "@draw a green star" })).body;
	const answer = await until("the answer", async () => (await alice.call("GET", `/api/v1/statuses/${post.id}/context`)).body.descendants[0], 20000);
	assert.equal(answer.account.username, "draw");
	assert.equal(answer.media_attachments.length, 1);
	assert.equal(answer.account.bot, true);
});

test("an Idempotency-Key draws once; the history is one's own", async () => {
	const key = { "idempotency-key": "j1" };
	const [one, two] = [await alice.call("POST", "/api/madang/v1/jobs", { prompt: "once" }, key), await alice.call("POST", "/api/madang/v1/jobs", { prompt: "once" }, key)];
	assert.equal(one.body.id, two.body.id);
	assert.equal((await bob.call("GET", `/api/madang/v1/jobs/${one.body.id}`)).status, 404);
	assert.ok((await bob.call("DELETE", `/api/madang/v1/jobs/${one.body.id}`)).status >= 403);
	await finished(alice, one.body.id);
	assert.equal((await alice.call("DELETE", `/api/madang/v1/jobs/${one.body.id}`)).status, 200);
	assert.ok(!(await alice.call("GET", "/api/madang/v1/jobs")).body.some((j) => j.id === one.body.id));
});

test("bad forms name the field", async () => {
	for (const [form, field] of [[{}, "prompt"], [{ prompt: " " }, "prompt"], [{ prompt: "x".repeat(1001) }, "prompt"], [{ prompt: "x", style: "none" }, "style"], [{ prompt: "x", count: 5 }, "count"], [{ prompt: "x", count: "many" }, "count"], [{ prompt: "x", seed: -1 }, "seed"], [{ prompt: "x", guidance: 99 }, "guidance"], [{ prompt: "x", maker: "nobody" }, "maker"], [{ prompt: "x", task: "film" }, "task"], [{ prompt: "x", task: "vary" }, "source"], [{ prompt: "x", task: "edit", source: { media_id: "1" }, region: [0, 2, 1, 1] }, "region"], [{ prompt: "x", task: "edit", source: { media_id: "1" }, region: [0, 0.5, 0.5, 0.5] }, "region"], [{ prompt: "x\u0000y" }, "prompt"]]) {
		const r = await alice.call("POST", "/api/madang/v1/jobs", form);
		assert.ok(r.status === 422 || r.status === 400, `${JSON.stringify(form)}: ${r.status}`);
		if (r.status === 422)
			assert.equal(r.body.field, field, JSON.stringify(r.body));
	}
});

test("who is cut off in mid-picture and comes back hears how it stands and how it ends, and again after the end", async () => {
	const ahead = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "one before", count: 4 })).body;
	const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "one cut off", count: 4 })).body;
	const route = `/api/madang/v1/jobs/${job.id}/events`;
	let last;
	for await (const e of house.events(route, alice.token)) {
		last = e;
		break; // which ends the connection
	}
	assert.match(last.id, /^\d+$/);
	await finished(alice, ahead.id);
	for (let again = 0; again < 2; again++) {
		const rest = [];
		for await (const e of house.events(route, alice.token, { "last-event-id": last.id }))
			rest.push(e);
		assert.equal(rest.at(-1).event, "finished");
		assert.equal(JSON.parse(rest.at(-1).data).media.length, 4);
		for (const e of rest) {
			assert.ok(Number(e.id) >= Number(last.id), "ids grow");
			last = e;
		}
	}
});

test("kill -9 in mid-picture: it is drawn after the restart, once", async () => {
	const jobs = [];
	for (let i = 0; i < 12; i++)
		jobs.push((await alice.call("POST", "/api/madang/v1/jobs", { prompt: `crash ${i}`, count: 4 })).body.id);
	await house.kill();
	await house.up();
	for (const id of jobs)
		assert.equal((await finished(alice, id)).media.length, 4);
});

test("cancel what waits", async () => {
	const ids = [];
	for (let i = 0; i < 10; i++)
		ids.push((await bob.call("POST", "/api/madang/v1/jobs", { prompt: `cancel ${i}`, count: 4 })).body.id);
	await Promise.all(ids.map((id) => bob.call("DELETE", `/api/madang/v1/jobs/${id}`)));
	for (const id of ids)
		await until("its end", async () => {
			const r = await bob.call("GET", `/api/madang/v1/jobs/${id}`);
			assert.notEqual(r.body.state, "failed");
			return r.status === 404 || ["cancelled", "finished"].includes(r.body.state);
		});
});

test("SIGTERM ends cleanly", async () => {
	assert.equal(await house.kill("SIGTERM"), 0);
	await house.up();
	assert.equal((await alice.call("GET", "/api/v1/timelines/home")).status, 200);
});
