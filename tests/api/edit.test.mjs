// Editing by a maker elsewhere: the source goes to its /v1/images/edits as multipart, under the same rules as a drawing.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import OpenAI6, { toFile as toFile6 } from "openai-6";
import OpenAI7, { toFile as toFile7 } from "openai-7";
import { House, png, until } from "./house.mjs";

const api = "/api/madang/v1";
let house, root, alice, fake;
let behave; // (request, response, how often it was asked) => void
let asked = 0;
const requests = [];

// { name: text, or { type, bytes } for a file }
async function parts(rq, body) {
	const form = await new Response(body, { headers: { "content-type": rq.headers["content-type"] } }).formData();
	const out = {};
	for (const [name, value] of form)
		out[name] = typeof value === "string" ? value : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()) };
	return out;
}

before(async () => {
	fake = http.createServer(async (rq, rs) => {
		const chunks = [];
		for await (const chunk of rq)
			chunks.push(chunk);
		const body = Buffer.concat(chunks);
		const multipart = rq.headers["content-type"].startsWith("multipart/form-data");
		const one = { path: rq.url, headers: rq.headers, form: multipart ? await parts(rq, body) : JSON.parse(body) };
		requests.push(one);
		behave(one, rs, ++asked);
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({
		arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-key", "sk-test", "--openai-model", "editor-1", "--openai-width", "64", "--openai-height", "64", "--openai-edits=true", "--openai-masks=true"],
	});
	root = house.account("root", { admin: true });
	alice = house.account("alice");
	assert.equal((await root.call("PATCH", `${api}/admin/makers/openai`, { cost: 0.5 })).status, 200);
});
after(async () => {
	await house.stop();
	fake.closeAllConnections();
	fake.close();
});

const answer = (rs, status, json) => {
	rs.writeHead(status, { "content-type": "application/json" });
	rs.end(JSON.stringify(json));
};
const good = (q, rs) => answer(rs, 200, { data: [{ b64_json: png(64, 64, [20, 90, 200]).toString("base64") }] });

async function upload() {
	const form = new FormData();
	form.append("file", new Blob([png(48, 32)], { type: "image/png" }), "a.png");
	const r = await alice.call("POST", "/api/v2/media", form);
	assert.ok(r.status < 300, JSON.stringify(r.body));
	return r.body.id;
}

const submit = (form) => alice.call("POST", `${api}/jobs`, { prompt: "make it blue", maker: "openai", ...form });
async function ended(r) {
	assert.equal(r.status, 200, JSON.stringify(r.body));
	return until("the job has ended", async () => {
		const job = (await alice.call("GET", `${api}/jobs/${r.body.id}`)).body;
		return ["finished", "failed", "cancelled"].includes(job.state) && job;
	}, 30000);
}

test("no picture leaves before the person has agreed", async () => {
	behave = good;
	const maker = (await alice.call("GET", `${api}/studio`)).body.makers.find((m) => m.id === "openai");
	assert.deepEqual(maker.tasks, ["draw", "restyle", "vary", "edit"]);
	assert.ok(maker.controls.includes("region"));
	const r = await submit({ task: "edit", source: { media_id: await upload() } });
	assert.deepEqual([r.status, r.body.field], [403, "maker"]);
	assert.equal(requests.length, 0);
	assert.equal((await alice.call("POST", `${api}/studio/consent`, { maker: "openai" })).status, 200);
});

test("restyle, vary and edit send the source, and a mask where a part is meant", async () => {
	behave = good;
	const media_id = await upload();
	for (const [form, prompt, masked] of [
		[{ task: "edit" }, "make it blue", false],
		[{ task: "edit", region: [0.5, 0, 0.5, 1] }, "make it blue", true],
		[{ task: "restyle", prompt: "as a woodcut" }, "as a woodcut", false],
		[{ task: "vary" }, "make it blue", false],
	]) {
		const job = await ended(await submit({ ...form, source: { media_id } }));
		assert.equal(job.state, "finished", JSON.stringify(job.error));
		const q = requests.at(-1);
		assert.equal(q.path, "/v1/images/edits");
		assert.equal(q.headers.authorization, "Bearer sk-test");
		assert.deepEqual([q.form.model, q.form.prompt, q.form.n, q.form.size], ["editor-1", prompt, "1", "64x64"]);
		assert.equal(q.form.image.type, "image/png");
		assert.deepEqual([q.form.image.bytes.readUInt32BE(16), q.form.image.bytes.readUInt32BE(20)], [48, 32]);
		assert.equal("mask" in q.form, masked);
		if (masked) {
			assert.deepEqual([q.form.mask.bytes.readUInt32BE(16), q.form.mask.bytes.readUInt32BE(20)], [48, 32]);
			assert.equal(q.form.mask.bytes[25], 6, "with transparency");
		}
	}
});

test("what the other server does wrong fails with a reason, or is tried again", async () => {
	const source = { media_id: await upload() };
	asked = 0;
	behave = (q, rs, n) => (n === 1 ? answer(rs, 500, {}) : good(q, rs));
	assert.equal((await ended(await submit({ task: "edit", source }))).state, "finished");
	assert.equal(asked, 2);
	for (const [how, why] of [
		[(q, rs) => answer(rs, 400, { error: { message: "not this picture" } }), /not this picture/],
		[(q, rs) => answer(rs, 404, { error: { message: "no such route" } }), /no such route/],
		[(q, rs) => answer(rs, 200, { data: [{ b64_json: "%%%" }] }), /did not answer with a picture/],
	]) {
		behave = how;
		const job = await ended(await submit({ task: "edit", source }));
		assert.equal(job.state, "failed");
		assert.match(job.error.message, why);
	}
});

test("edits count against the budget like drawings", async () => {
	behave = good;
	const quota = (await root.call("POST", `${api}/admin/quotas`, { subject: "account", subject_id: alice.id, unit: "cost", amount: 0.6, window: "day" })).body;
	const source = { media_id: await upload() };
	assert.equal((await ended(await submit({ task: "edit", source }))).state, "finished");
	const before = requests.length;
	assert.equal((await submit({ task: "edit", source })).status, 429);
	assert.equal(requests.length, before);
	await root.call("DELETE", `${api}/admin/quotas/${quota.id}`);
});

for (const [version, OpenAI, toFile] of [["6.49", OpenAI6, toFile6], ["7.57", OpenAI7, toFile7]])
	test(`SDK ${version}: edits and variations by a maker elsewhere`, async () => {
		behave = good;
		const client = new OpenAI({ apiKey: alice.token, baseURL: `${house.url}/v1`, maxRetries: 0 });
		const image = () => toFile(png(64, 64), "a.png", { type: "image/png" });
		const edited = await client.images.edit({ image: await image(), prompt: "make it blue", model: "editor-1" });
		assert.ok(edited.data[0].b64_json.length > 100);
		assert.equal(edited.usage.cost, 0.5);
		assert.equal(requests.at(-1).form.prompt, "make it blue");
		const varied = await client.images.createVariation({ image: await image(), model: "editor-1" });
		assert.equal(varied.data.length, 1);
		assert.deepEqual([requests.at(-1).path, requests.at(-1).form.prompt], ["/v1/images/edits", "A variation of this picture."]);
		await assert.rejects(client.images.edit({ image: await image(), prompt: "x", model: "editor-1", mask: await image() }), (e) => e.status === 400 && e.param === "mask");
		await assert.rejects(client.images.edit({ image: [await image(), await image()], prompt: "x", model: "editor-1" }), (e) => e.status === 400 && e.param === "image");
		await assert.rejects(client.images.createVariation({ image: await image(), model: "editor-1", strength: 0.3 }), (e) => e.status === 400 && e.param === "strength");
	});
