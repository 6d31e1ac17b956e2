// The OpenAI-compatible API, spoken by the official SDKs.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import OpenAI6, { toFile as toFile6 } from "openai-6";
import OpenAI7, { toFile as toFile7 } from "openai-7";
import { House, png, sleep, tinyModel, until } from "./house.mjs";

const sdks = [["6.49", OpenAI6, toFile6], ["7.57", OpenAI7, toFile7]];

// A maker elsewhere that streams two partial pictures, slowly enough to be seen; some prompts go wrong.
let house, root, alice, fake;
before(async () => {
	fake = http.createServer((rq, rs) => {
		let text = "";
		rq.on("data", (d) => (text += d));
		rq.on("end", async () => {
			const { prompt } = JSON.parse(text);
			if (prompt.includes("forbidden")) {
				rs.writeHead(400, { "content-type": "application/json" });
				return rs.end(JSON.stringify({ error: { message: "not this", type: "invalid_request_error" } }));
			}
			const event = (type, more) => rs.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);
			rs.writeHead(200, { "content-type": "text/event-stream" });
			for (let i = 0; i < 2; i++) {
				await sleep(prompt.includes("slow") ? 700 : 20);
				event("image_generation.partial_image", { partial_image_index: i, b64_json: png(64, 64, [80 * i, 0, 0]).toString("base64") });
			}
			await sleep(prompt.includes("slow") ? 300 : 20);
			event("image_generation.completed", { b64_json: png(64, 64).toString("base64"), usage: { total_tokens: 1 } });
			rs.end("data: [DONE]\n\n");
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({
		model: tinyModel(),
		arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "elsewhere-1", "--openai-width", "64", "--openai-height", "64"],
	});
	alice = house.account("alice");
	await alice.call("POST", "/api/madang/v1/studio/consent", { maker: "openai" });
	root = house.account("root", { admin: true });
	assert.equal((await root.call("PATCH", "/api/madang/v1/admin/makers/openai", { cost: 0.25 })).status, 200);
});
after(async () => {
	await house.stop();
	fake.close();
});

const size = (b64) => {
	const bytes = Buffer.from(b64, "base64");
	assert.equal(bytes.subarray(1, 4).toString(), "PNG");
	return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
};

for (const [version, OpenAI, toFile] of sdks) {
	const client = (more = {}) => new OpenAI({ apiKey: alice.token, baseURL: `${house.url}/v1`, maxRetries: 0, ...more });

	test(`SDK ${version}: models`, async () => {
		const models = [];
		for await (const m of client().models.list())
			models.push(m.id);
		assert.equal(models.length, 2);
		assert.ok(models.includes("elsewhere-1"));
		assert.equal((await client().models.retrieve("elsewhere-1")).owned_by, `127.0.0.1:${fake.address().port}`);
		await assert.rejects(client().models.retrieve("gpt-image-1"), (e) => e.status === 404 && e.code === "model_not_found" && /gpt-image-1/.test(e.message));
	});

	test(`SDK ${version}: generate`, async () => {
		const { data, response, request_id } = await client().images.generate({ prompt: "a cat", model: "elsewhere-1", n: 2, size: "128x128", quality: "auto", user: "u1" }).withResponse();
		assert.equal(data.data.length, 2);
		assert.deepEqual(size(data.data[0].b64_json), [128, 128]);
		assert.equal(data.size, "128x128");
		assert.equal(data.madang.drawn_size, "64x64");
		assert.equal(data.madang.resampled, "lanczos3");
		assert.equal(data.output_format, "png");
		assert.equal(data.background, "opaque");
		assert.ok(data.usage.output_tokens > 0);
		assert.equal(data.usage.total_tokens, data.usage.input_tokens + data.usage.output_tokens);
		assert.equal(data.usage.input_tokens_details.text_tokens, 2);
		assert.equal(data.usage.cost, 0.5);
		assert.equal(request_id, response.headers.get("x-request-id"));
		assert.ok(request_id);
		const job = (await alice.call("GET", `/api/madang/v1/jobs/${data.madang.job_id}`)).body;
		assert.equal(job.state, "finished");
		assert.deepEqual(job.media.map((m) => m.id), data.madang.media_ids);
	});

	test(`SDK ${version}: formats and addresses`, async () => {
		const begins = { jpeg: "ffd8ff", webp: "52494646" };
		for (const output_format of ["jpeg", "webp"]) {
			const r = await client().images.generate({ prompt: "a cat", model: "elsewhere-1", output_format, output_compression: 60 });
			assert.ok(Buffer.from(r.data[0].b64_json, "base64").toString("hex").startsWith(begins[output_format]));
			assert.equal(r.madang.resampled, null);
		}
		for (const more of [{}, { output_format: "webp" }, { output_format: "jpeg", size: "256x256" }]) {
			const r = await client().images.generate({ prompt: "a cat", model: "elsewhere-1", response_format: "url", ...more });
			const picture = await fetch(r.data[0].url);
			assert.equal(picture.status, 200, r.data[0].url);
			assert.equal(picture.headers.get("content-type"), `image/${more.output_format ?? "png"}`);
			assert.ok((await picture.arrayBuffer()).byteLength > 100);
		}
	});

	test(`SDK ${version}: a stream with partial pictures`, async () => {
		const stream = await client().images.generate({ prompt: "a slow cat", model: "elsewhere-1", stream: true, partial_images: 1, size: "128x128" });
		const events = [];
		for await (const e of stream)
			events.push(e);
		const partials = events.filter((e) => e.type === "image_generation.partial_image");
		assert.deepEqual(partials.map((e) => e.partial_image_index), [0]);
		assert.equal(partials[0].size, "64x64");
		assert.deepEqual(size(partials[0].b64_json), [64, 64]);
		const last = events.at(-1);
		assert.equal(last.type, "image_generation.completed");
		assert.deepEqual(size(last.b64_json), [128, 128]);
		assert.ok(last.usage.output_tokens > 0);
	});

	test(`SDK ${version}: edits and variations start from a picture`, async () => {
		const picture = () => toFile(png(64, 64, [10, 200, 10]), "a.png", { type: "image/png" });
		const varied = await client().images.createVariation({ image: await picture(), n: 2, size: "256x256" });
		assert.equal(varied.data.length, 2);
		assert.deepEqual(size(varied.data[0].b64_json), [256, 256]);
		assert.ok(varied.usage.input_tokens_details.image_tokens > 0);
		const edited = await client().images.edit({ image: await picture(), prompt: "a red apple" });
		assert.equal(edited.data.length, 1);
		assert.equal((await alice.call("GET", `/api/madang/v1/jobs/${edited.madang.job_id}`)).body.task, "edit");
		const stream = await client().images.edit({ image: await picture(), prompt: "a red apple", stream: true });
		const types = [];
		for await (const e of stream)
			types.push(e.type);
		assert.equal(types.at(-1), "image_edit.completed");
	});

	test(`SDK ${version}: what cannot be honoured is refused by name`, async () => {
		const cases = { quality: "high", background: "transparent", moderation: "low", size: "1536x1024", output_format: "gif", style: "vivid", complexity: "low", frame_count: 3, n: 5, seed: 1, colour: "red" };
		for (const [name, value] of Object.entries(cases)) {
			const call = client().images.generate({ prompt: "a cat", model: "elsewhere-1", [name]: value });
			await assert.rejects(call, (e) => e.status === 400 && e.param === name && e.type === "invalid_request_error" && e.message.includes(name), name);
		}
		const image = await toFile(png(8, 8), "a.png", { type: "image/png" });
		await assert.rejects(client().images.edit({ image, prompt: "x", mask: image }), (e) => e.status === 400 && e.param === "mask");
		await assert.rejects(client().images.edit({ image: [image, image], prompt: "x" }), (e) => e.status === 400 && e.param === "image");
		await assert.rejects(client().images.edit({ image, prompt: "x", model: "elsewhere-1" }), (e) => e.status === 400 && e.param === "model");
		const broken = await toFile(Buffer.from("no picture"), "a.png", { type: "image/png" });
		await assert.rejects(client().images.edit({ image: broken, prompt: "x" }), (e) => e.status === 400 && e.param === "image");
		await assert.rejects(client().images.generate({ prompt: " " }), (e) => e.status === 400 && e.param === "prompt");
		await assert.rejects(client().chat.completions.create({ model: "m", messages: [{ role: "user", content: "hi" }] }), (e) => e.status === 404 && /not offered here/.test(e.message));
		await assert.rejects(client().videos.create({ prompt: "x" }), (e) => e.status === 404 && /not offered here/.test(e.message));
	});

	test(`SDK ${version}: errors of the maker`, async () => {
		await assert.rejects(client().images.generate({ prompt: "forbidden", model: "elsewhere-1" }), (e) => e.status === 400 && /not this/.test(e.message) && e.headers.get("x-should-retry") === "false");
		const stream = await client().images.generate({ prompt: "forbidden", model: "elsewhere-1", stream: true });
		await assert.rejects(async () => {
			for await (const e of stream)
				assert.fail(`${e.type} came`);
		}, (e) => e instanceof OpenAI.APIError && /not this/.test(e.message));
	});

	test(`SDK ${version}: who asks`, async () => {
		for (const apiKey of ["mad-wrong", `${alice.token}x`, alice.token.slice(0, -1)])
			await assert.rejects(client({ apiKey }).models.list(), (e) => e.status === 401 && e.code === "invalid_api_key");
		const reader = house.admin(["token", "add", "alice", "--scopes", "read"]);
		await assert.rejects(client({ apiKey: reader }).images.generate({ prompt: "x" }), (e) => e.status === 403);
	});

	test(`SDK ${version}: a cancelled job ends the request, and is not tried again`, async () => {
		const before = (await alice.call("GET", "/api/madang/v1/jobs")).body[0]?.id;
		const asked = client({ maxRetries: 2 }).images.generate({ prompt: "a slow dog", model: "elsewhere-1" });
		asked.catch(() => {});
		const job = await until("the job", async () => {
			const [newest] = (await alice.call("GET", "/api/madang/v1/jobs")).body;
			return newest.id !== before && newest;
		});
		assert.equal((await alice.call("DELETE", `/api/madang/v1/jobs/${job.id}`)).status, 200);
		await assert.rejects(asked, (e) => e.status === 403 && /cancelled/.test(e.message));
		const [newest] = (await alice.call("GET", "/api/madang/v1/jobs")).body;
		assert.equal(newest.id, job.id);
	});

	test(`SDK ${version}: many wait at once, and others are served meanwhile`, async () => {
		const asked = Array.from({ length: 12 }, (_, i) => client().images.generate({ prompt: `slow ${i}`, model: "elsewhere-1" }));
		assert.equal((await alice.call("GET", "/api/v1/instance")).status, 200);
		const answers = await Promise.all(asked);
		assert.equal(new Set(answers.map((a) => a.madang.job_id)).size, 12);
	});
}

test("the SDK tries again where the answer says so", async () => {
	let asked = 0;
	const front = http.createServer((rq, rs) => {
		if (++asked === 1) { // as the server answers when it is full
			rs.writeHead(503, { "content-type": "application/json", "retry-after-ms": "10", "x-should-retry": "true" });
			return rs.end(JSON.stringify({ error: { message: "busy", type: "server_error" } }));
		}
		const on = http.request(house.url + rq.url, { method: rq.method, headers: rq.headers }, (r) => {
			rs.writeHead(r.statusCode, r.headers);
			r.pipe(rs);
		});
		rq.pipe(on);
	}).listen(0, "127.0.0.1");
	await once(front, "listening");
	try {
		for (const [, OpenAI] of sdks) {
			asked = 0;
			const c = new OpenAI({ apiKey: alice.token, baseURL: `http://127.0.0.1:${front.address().port}/v1` });
			assert.equal((await c.images.generate({ prompt: "a cat", model: "elsewhere-1" })).data.length, 1);
			assert.equal(asked, 2);
		}
	} finally {
		front.close();
	}
});

test("quotas of a token: shown with each answer, refused with a time", async () => {
	const token = (await alice.call("POST", "/api/madang/v1/tokens", { name: "bounded" })).body;
	const quota = await root.call("POST", "/api/madang/v1/admin/quotas", { subject: "token", subject_id: token.id, unit: "pictures", amount: 2, window: "day", refill: "window" });
	assert.equal(quota.status, 200, JSON.stringify(quota.body));
	for (const [, OpenAI] of sdks) {
		const c = new OpenAI({ apiKey: token.token, baseURL: `${house.url}/v1` });
		const { response } = await c.images.generate({ prompt: "a cat", model: "elsewhere-1" }).withResponse();
		assert.equal(response.headers.get("x-ratelimit-limit"), "2");
	}
	for (const [, OpenAI] of sdks) {
		const c = new OpenAI({ apiKey: token.token, baseURL: `${house.url}/v1` });
		await assert.rejects(c.images.generate({ prompt: "a cat", model: "elsewhere-1" }), (e) => e instanceof OpenAI.RateLimitError && e.code === "rate_limit_exceeded" && Number(e.headers.get("retry-after")) > 60 && e.headers.get("x-should-retry") === "false");
	}
	await root.call("DELETE", `/api/madang/v1/admin/quotas/${quota.body.id}`);
});

test("an Idempotency-Key makes one job", async () => {
	const body = { prompt: "a cat", model: "elsewhere-1" };
	const headers = { "Idempotency-Key": "once" };
	const [a, b] = [await alice.call("POST", "/v1/images/generations", body, headers), await alice.call("POST", "/v1/images/generations", body, headers)];
	assert.equal(a.status, 200);
	assert.equal(a.body.madang.job_id, b.body.madang.job_id);
});

test("a server that stops answers those who wait", async () => {
	const asked = alice.call("POST", "/v1/images/generations", { prompt: "a slow cat", model: "elsewhere-1" });
	const stream = fetch(`${house.url}/v1/images/generations`, { method: "POST", headers: { authorization: `Bearer ${alice.token}`, "content-type": "application/json" }, body: JSON.stringify({ prompt: "a slow cat", model: "elsewhere-1", stream: true }) });
	await until("the jobs", async () => (await alice.call("GET", "/api/madang/v1/jobs")).body.filter((j) => j.state === "drawing").length === 2);
	assert.equal(await house.kill("SIGTERM"), 0);
	const answer = await asked;
	assert.equal(answer.status, 503);
	assert.equal(answer.headers.get("x-should-retry"), "true");
	assert.match(await (await stream).text(), /event: error\ndata: .*stopping/);
	await house.up();
});
