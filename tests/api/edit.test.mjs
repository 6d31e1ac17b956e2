// Editing by a maker elsewhere: the source goes to its /v1/images/edits as multipart, under the same rules as a drawing.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import OpenAI6, { toFile as toFile6 } from "openai-6";
import OpenAI7, { toFile as toFile7 } from "openai-7";
import { House, password, png, readPng, until } from "./house.mjs";

const api = "/api/madang/v1";
let house, root, alice, fake;
let behave; // (request, response, how often it was asked) => void
let asked = 0;
const requests = [];

// { name: text, or { type, bytes } for a file }; `all`: every part in its order, with its name
async function parts(rq, body) {
	const form = await new Response(body, { headers: { "content-type": rq.headers["content-type"] } }).formData();
	const out = {}, all = [];
	for (const [name, value] of form) {
		out[name] = typeof value === "string" ? value : { type: value.type, bytes: Buffer.from(await value.arrayBuffer()) };
		all.push({ name, ...out[name] });
	}
	Object.defineProperty(out, "all", { value: all });
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
		arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-key", "sk-test", "--openai-model", "editor-1", "--openai-width", "64", "--openai-height", "64", "--openai-edits=true", "--openai-masks=true", "--openai-images", "4"],
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

async function upload(bytes = png(48, 32), who = alice) {
	const form = new FormData();
	form.append("file", new Blob([bytes], { type: "image/png" }), "a.png");
	const r = await who.call("POST", "/api/v2/media", form);
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

const [RED, GREEN, BLUE] = [[230, 10, 10], [10, 200, 10], [10, 10, 230]];
// The left half of the mask is to be drawn anew; a band of it only in part.
const hole = (x, y) => (x >= 24 ? 255 : y < 8 ? 100 : 0);

// The files of the last request, as the other server got them: in order, by name, with their pixels.
function sent(q = requests.at(-1)) {
	assert.equal(q.path, "/v1/images/edits");
	return q.form.all.filter((p) => p.bytes).map((p) => ({ name: p.name, type: p.type, ...readPng(p.bytes) }));
}
const near = (pixel, colour) => pixel.slice(0, 3).every((v, i) => Math.abs(v - colour[i]) < 24);

function assertPictures(files, colours) {
	const pictures = files.filter((f) => f.name !== "mask");
	assert.deepEqual(pictures.map((f) => f.name), colours.map(() => (colours.length > 1 ? "image[]" : "image")));
	colours.forEach((colour, i) => {
		assert.equal(pictures[i].type, "image/png");
		assert.ok(near(pictures[i].at(5, 5), colour), `picture ${i} is ${pictures[i].at(5, 5)}, not ${colour}`);
	});
}

function assertMask(files, width, height, alpha) {
	const masks = files.filter((f) => f.name === "mask");
	assert.equal(masks.length, 1);
	assert.deepEqual([masks[0].type, masks[0].channels, masks[0].width, masks[0].height], ["image/png", 4, width, height]);
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			assert.equal(masks[0].at(x, y)[3], alpha(x, y), `the mask at ${x}, ${y}`);
}

test("a mask of any form and several pictures reach the other server as they were", async () => {
	behave = good;
	const maker = (await alice.call("GET", `${api}/studio`)).body.makers.find((m) => m.id === "openai");
	assert.ok(maker.controls.includes("mask"));
	assert.equal(maker.sources_max, 4);
	const [red, green, blue] = await Promise.all([RED, GREEN, BLUE].map((colour) => upload(png(48, 32, colour))));
	const mask_id = await upload(png(48, 32, [0, 0, 0], hole));

	let job = await ended(await submit({ task: "edit", source: { media_id: red }, mask_id }));
	assert.equal(job.state, "finished", JSON.stringify(job.error));
	assertPictures(sent(), [RED]);
	assertMask(sent(), 48, 32, hole);
	assert.equal(job.mask.media_id, mask_id);
	assert.deepEqual(job.further, []);

	job = await ended(await submit({ task: "edit", source: { media_id: red }, further_ids: [blue, green] }));
	assert.equal(job.state, "finished", JSON.stringify(job.error));
	assertPictures(sent(), [RED, BLUE, GREEN]);
	assert.deepEqual(job.further.map((m) => m.media_id), [blue, green]);
	assert.equal(job.mask, null);

	job = await ended(await submit({ task: "edit", source: { media_id: green }, further_ids: [red], mask_id, count: 2 }));
	assert.equal(job.state, "finished", JSON.stringify(job.error));
	for (const q of requests.slice(-2)) {
		assertPictures(sent(q), [GREEN, RED]);
		assertMask(sent(q), 48, 32, hole);
	}
	assert.equal((await alice.call("GET", `${api}/jobs/${job.id}`)).body.mask.media_id, mask_id);
});

test("what does not fit together is refused by name, and nothing leaves", async () => {
	const bo = house.account("bo");
	const source = { media_id: await upload() };
	const mask_id = await upload(png(48, 32, [0, 0, 0], hole)), small = await upload(png(32, 32, [0, 0, 0], () => 0));
	const opaque = await upload(png(48, 32, [0, 0, 0], () => 255)), plain = await upload(png(48, 32));
	const others = await upload(png(48, 32, [0, 0, 0], hole), bo);
	const before = requests.length;
	for (const [form, status, field] of [
		[{ mask_id: small }, 422, "mask_id"],
		[{ mask_id: opaque }, 422, "mask_id"],
		[{ mask_id: plain }, 422, "mask_id"],
		[{ mask_id: others }, 404],
		[{ mask_id: "99999999" }, 404],
		[{ mask_id: "x" }, 422, "mask_id"],
		[{ mask_id, region: [0, 0, 0.5, 1] }, 422, "mask_id"],
		[{ mask_id, task: "vary" }, 422, "mask_id"],
		[{ further_ids: [plain], task: "restyle" }, 422, "further_ids"],
		[{ further_ids: [others] }, 404],
		[{ further_ids: [plain, plain, plain, plain] }, 422, "further_ids"],
		[{ further_ids: Array(16).fill(plain) }, 422, "further_ids"],
		[{ further_ids: ["-1"] }, 422, "further_ids"],
		[{ task: "draw", source: undefined, mask_id }, 422, "mask_id"],
	]) {
		const r = await submit({ task: "edit", source, ...form });
		assert.equal(r.status, status, `${JSON.stringify(form)}: ${JSON.stringify(r.body)}`);
		if (field)
			assert.ok(r.body.field === field || r.body.error.includes(field), `${JSON.stringify(form)}: ${JSON.stringify(r.body)}`);
	}
	assert.equal(requests.length, before);
});

test("what a job waits with is kept; what is taken away meanwhile is said, and never left out in silence", async () => {
	const source = { media_id: await upload(png(48, 32, RED)) }, mask_id = await upload(png(48, 32, [0, 0, 0], hole));
	const blue = await upload(png(48, 32, BLUE));
	const submitted = async (form) => {
		behave = () => {}; // no answer until the request is cut
		const blocking = [];
		for (let i = 0; i < 4; i++) { // as many as it draws at once
			const one = await submit({});
			assert.equal(one.status, 200, JSON.stringify(one.body));
			blocking.push(one.body.id);
		}
		const r = await submit(form);
		assert.equal(r.status, 200, JSON.stringify(r.body));
		return { r, go: async () => {
			behave = good;
			for (const id of blocking)
				await alice.call("DELETE", `${api}/jobs/${id}`);
			return ended(r);
		} };
	};
	for (const [gone, why] of [[mask_id, /mask is gone/], [blue, /one of the pictures is gone/]]) {
		const { r, go } = await submitted({ task: "edit", source, ...(gone === mask_id ? { mask_id } : { further_ids: [blue] }) });
		assert.equal((await alice.call("GET", `${api}/jobs/${r.body.id}`)).body.state, "queued");
		assert.equal((await alice.call("DELETE", `/api/v1/media/${gone}`)).status, 200);
		const before = requests.length;
		const job = await go();
		assert.equal(job.state, "failed");
		assert.match(job.error.message, why);
		assert.ok(!requests.slice(before).some((q) => q.path === "/v1/images/edits"));
	}
});

test("who leaves takes the pictures and the mask along, and their files go", async () => {
	const cara = house.account("cara");
	await cara.call("POST", `${api}/studio/consent`, { maker: "openai" });
	behave = good;
	const ids = [await upload(png(48, 32, [1, 2, 3]), cara), await upload(png(48, 32, [250, 250, 1]), cara), await upload(png(48, 32, [0, 0, 0], (x) => (x < 7 ? 3 : 250)), cara)];
	const r = await cara.call("POST", `${api}/jobs`, { prompt: "x", maker: "openai", task: "edit", source: { media_id: ids[0] }, further_ids: [ids[1]], mask_id: ids[2] });
	assert.equal(r.status, 200, JSON.stringify(r.body));
	await until("it is drawn", async () => (await cara.call("GET", `${api}/jobs/${r.body.id}`)).body.state === "finished");
	const urls = (await Promise.all(ids.map((id) => cara.call("GET", `/api/v1/media/${id}`)))).map((r) => r.body.url);
	for (const url of urls)
		assert.equal((await fetch(url)).status, 200);
	const archive = Buffer.from(await (await fetch(`${house.url}${api}/exports/archive.zip`, { headers: { authorization: `Bearer ${cara.token}` } })).arrayBuffer()).toString("latin1");
	for (const id of ids)
		assert.ok(archive.includes(`media_attachments/${id}`), "in the archive that people take along");
	assert.ok((await cara.call("POST", `${api}/account/delete`, { password })).status < 300);
	await until("the files are gone", async () => (await Promise.all(urls.map(async (url) => (await fetch(url)).status))).every((status) => status === 404), 30000);
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
		await assert.rejects(client.images.createVariation({ image: await image(), model: "editor-1", strength: 0.3 }), (e) => e.status === 400 && e.param === "strength");
	});

for (const [version, OpenAI, toFile] of [["6.49", OpenAI6, toFile6], ["7.57", OpenAI7, toFile7]])
	test(`SDK ${version}: a mask and several pictures`, async () => {
		behave = good;
		const client = new OpenAI({ apiKey: alice.token, baseURL: `${house.url}/v1`, maxRetries: 0 });
		const file = (bytes, name = "a.png", type = "image/png") => toFile(bytes, name, { type });
		const picture = (colour) => file(png(48, 32, colour));
		const mask = (alpha = hole, w = 48, h = 32) => file(png(w, h, [0, 0, 0], alpha), "mask.png");
		const drafts = async () => (await alice.call("GET", `${api}/jobs?limit=1`)).body[0].id;

		let answer = await client.images.edit({ image: await picture(RED), mask: await mask(), prompt: "x", model: "editor-1" });
		assert.ok(answer.data[0].b64_json.length > 100);
		assertPictures(sent(), [RED]);
		assertMask(sent(), 48, 32, hole);

		answer = await client.images.edit({ image: [await picture(GREEN), await picture(RED), await picture(BLUE)], prompt: "x", model: "editor-1" });
		assertPictures(sent(), [GREEN, RED, BLUE]);
		assert.equal(sent().filter((f) => f.name === "mask").length, 0);
		const three = answer.usage.input_tokens_details.image_tokens;

		answer = await client.images.edit({ image: [await picture(BLUE), await picture(GREEN)], mask: await mask((x, y) => (x + y) % 256), prompt: "x", model: "editor-1", stream: true });
		const events = [];
		for await (const e of answer)
			events.push(e.type);
		assert.equal(events.at(-1), "image_edit.completed");
		assertPictures(sent(), [BLUE, GREEN]);
		assertMask(sent(), 48, 32, (x, y) => (x + y) % 256);
		assert.ok(three > 0 && three % 3 === 0, "every picture is counted");

		const before = requests.length, job = await drafts();
		const edit = async (more) => client.images.edit({ image: await picture(RED), prompt: "x", model: "editor-1", ...more });
		for (const [more, param, why] of [
			[{ mask: await mask(hole, 32, 32) }, "mask", /48x32, not 32x32/],
			[{ mask: await mask(() => 255) }, "mask", /opaque everywhere/],
			[{ mask: await picture(RED) }, "mask", /opaque everywhere/],
			[{ mask: await file(Buffer.from("GIF89a nothing"), "m.gif", "image/gif") }, "mask", /PNG/],
			[{ mask: await file(png(48, 32, [0, 0, 0], hole).subarray(0, 60), "m.png") }, "mask", /cannot be|can be read/],
			[{ mask: await mask(), region: [0, 0, 0.5, 0.5] }, "region", /mask/],
			[{ image: await Promise.all(Array.from({ length: 5 }, () => picture(RED))) }, "image", /at most 4/],
			[{ image: [await picture(RED), await file(Buffer.from("nothing"), "b.png")] }, "image", /can be read/],
		])
			await assert.rejects(edit(more), (e) => e.status === 400 && e.param === param && why.test(e.message), `${param}: ${why}`);
		await assert.rejects(client.images.createVariation({ image: await picture(RED), model: "editor-1", mask: await mask() }), (e) => e.status === 400 && e.param === "mask");
		assert.equal(requests.length, before, "nothing left the house");
		assert.equal(await drafts(), job, "and no job came of it");
	});
