// A maker elsewhere that streams: its partial pictures are seen in the studio.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { House, png, until } from "./house.mjs";

let house, alice, fake;
let seen = 0; // 1: somebody looks; then one more for each preview
before(async () => {
	fake = http.createServer((rq, rs) => {
		rq.resume();
		rq.on("end", async () => {
			const event = (type, more) => rs.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);
			rs.writeHead(200, { "content-type": "text/event-stream" });
			for (let i = 0; i < 2; i++) {
				await until("somebody has seen what came before", () => seen > i);
				event("image_generation.partial_image", { partial_image_index: i, b64_json: png(32, 32, [80 * i, 0, 0]).toString("base64") });
			}
			await until("both are seen", () => seen > 2);
			event("image_generation.completed", { b64_json: png(64, 64).toString("base64"), usage: { total_tokens: 1 } });
			rs.end("data: [DONE]\n\n");
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({ arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1/`, "--openai-model", "m"] });
	alice = house.account("alice");
	await alice.call("POST", "/api/madang/v1/studio/consent", { maker: "openai" });
});
after(async () => {
	await house.stop();
	fake.close();
});

test("previews come before the picture", async () => {
	const { id } = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "x" })).body;
	const events = [];
	const stream = await house.listen(`/api/madang/v1/jobs/${id}/events`, alice.token);
	seen = 1;
	for await (const e of stream) {
		events.push(e);
		seen += e.event === "preview";
	}
	const previews = events.filter((e) => e.event === "preview").map((e) => JSON.parse(e.data));
	assert.ok(previews.length >= 2, events.map((e) => e.event).join());
	assert.match(previews[0].image, /^data:image\/jpeg;base64,/);
	assert.equal(previews[0].width, 32);
	assert.equal(events.at(-1).event, "finished");
	assert.ok(events.every((e, i) => !i || BigInt(e.id) >= BigInt(events[i - 1].id)));
});
