// Proposed descriptions: a model that can look (tiny, random), a queue in which accounts take turns, and a server
// without such a model.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, png, tinyModel, until } from "./house.mjs";

let house, alice, bora;

before(async () => {
	house = await House.start({ model: tinyModel(), arguments: ["--describe-model", tinyModel("janus")] });
	alice = house.account("alice");
	bora = house.account("bora");
});
after(async () => {
	assert.equal(await house.stop(), 0);
});

async function upload(who, colour) {
	const form = new FormData();
	form.set("file", new Blob([png(48, 32, colour)], { type: "image/png" }), "a.png");
	const r = await who.call("POST", "/api/v2/media", form);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	return r.body.id;
}

const ask = (who, id) => who.call("POST", `/api/madang/v1/media/${id}/describe`);

test("a proposal is said, not stored", async () => {
	assert.equal((await alice.call("GET", "/api/madang/v1/studio")).body.describes, true);
	const id = await upload(alice, [200, 40, 40]);
	const r = await ask(alice, id);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	assert.deepEqual(Object.keys(r.body).sort(), ["description", "model"]);
	assert.ok(r.body.description.length > 0);
	assert.deepEqual((await ask(alice, id)).body, r.body, "the same picture, the same words");
	assert.equal((await alice.call("GET", `/api/v1/media/${id}`)).body.description, null);
	const put = await alice.call("PUT", `/api/v1/media/${id}`, { description: r.body.description.slice(0, 1000) });
	assert.equal(put.status, 200, "what is confirmed is stored as any description");
});

test("a picture made here can be described too", async () => {
	const job = await alice.call("POST", "/api/madang/v1/jobs", { prompt: "an apple" });
	assert.equal(job.status, 200, JSON.stringify(job.body));
	const made = await until("the picture", async () => {
		const { body } = await alice.call("GET", `/api/madang/v1/jobs/${job.body.id}`);
		return body.state === "finished" && body;
	});
	const r = await ask(alice, made.media[0].id);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	assert.ok(r.body.description.length > 0);
});

test("one's own pictures only", async () => {
	const id = await upload(alice, [1, 2, 3]);
	assert.equal((await ask(bora, id)).status, 404);
	assert.equal((await ask(alice, "123456789")).status, 404);
	assert.equal((await house.call("POST", `/api/madang/v1/media/${id}/describe`)).status, 403);
});

test("an account has a few at a time, and each is answered", async () => {
	const id = await upload(alice, [10, 200, 40]), other = await upload(bora, [10, 20, 240]);
	const many = Array.from({ length: 12 }, () => ask(alice, id));
	const one = await ask(bora, other);
	assert.equal(one.status, 200, "another's many do not shut one out");
	const statuses = (await Promise.all(many)).map((r) => r.status);
	assert.ok(statuses.every((s) => s === 200 || s === 429), String(statuses));
	assert.ok(statuses.filter((s) => s === 200).length >= 4, String(statuses));
	assert.ok(statuses.includes(429), String(statuses));
	assert.equal((await ask(alice, id)).status, 200, "and later it goes on");
});

test("a server that stops answers those who wait", async () => {
	const other = await House.start({ model: tinyModel("janus") });
	const mina = other.account("mina");
	assert.equal((await mina.call("GET", "/api/madang/v1/studio")).body.describes, true, "the picture model looks itself");
	const id = await upload(mina, [90, 90, 90]);
	const waiting = Array.from({ length: 4 }, () => ask(mina, id));
	await waiting[0];
	const code = await other.stop();
	for (const r of await Promise.all(waiting)) assert.ok([200, 503].includes(r.status), String(r.status));
	assert.equal(code, 0);
});

test("without such a model it says so", async () => {
	const blind = await House.start({ model: tinyModel() });
	const mina = blind.account("mina");
	assert.equal((await mina.call("GET", "/api/madang/v1/studio")).body.describes, false);
	const r = await ask(mina, await upload(mina, [1, 1, 1]));
	assert.equal(r.status, 422);
	assert.match(r.body.error, /no model that can look/);
	await blind.stop();
});

test("a model that cannot look is refused at the start", async () => {
	await assert.rejects(House.start({ arguments: ["--describe-model", tinyModel()] }), /cannot look at pictures/);
});
