// What a page says of itself to those who make previews of links: only what a stranger may see.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { House, tinyModel, until } from "./house.mjs";

let house, ana, web;
before(async () => {
	web = mkdtempSync(path.join(tmpdir(), "madang-page-"));
	writeFileSync(path.join(web, "index.html"), "<!doctype html><html><head><title>x</title></head><body></body></html>");
	house = await House.start({ model: tinyModel(), arguments: ["--web", web] });
	ana = house.account("ana");
});
after(() => {
	rmSync(web, { recursive: true, force: true });
	return house.stop();
});

const prompt = "a secret apple & a pear";
async function draw() {
	const { id } = (await ana.call("POST", "/api/madang/v1/jobs", { prompt, count: 1 })).body;
	const job = await until("it is drawn", async () => {
		const j = (await ana.call("GET", `/api/madang/v1/jobs/${id}`)).body;
		return j.state === "finished" && j;
	}, 60000);
	return job.media[0];
}
const say = async (form) => {
	const r = await ana.call("POST", "/api/v1/statuses", form);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	return r.body;
};
// As a stranger, as somebody's chat, and as the author herself: the head is the same for all.
async function head(post) {
	const texts = [];
	for (const headers of [{}, { authorization: `Bearer ${ana.token}` }]) {
		const r = await fetch(`${house.url}/@ana/${post.id}`, { headers: { accept: "text/html", ...headers } });
		assert.equal(r.status, 200);
		texts.push((await r.text()).split("</head>")[0]);
	}
	assert.equal(texts[0], texts[1]);
	return texts[0];
}

test("the proposed description says the prompt: shown as far as the prompt is", async () => {
	const open = await head(await say({ status: "one", media_ids: [(await draw()).id] }));
	assert.match(open, /property="og:image:alt" content="a secret apple &amp; a pear"/);
	for (const prompt_visibility of ["private", "remixers"]) {
		const post = await say({ status: "two", media_ids: [(await draw()).id], madang: { prompt_visibility, remixable: true } });
		const closed = await head(post);
		assert.match(closed, /property="og:image" content="http/);
		assert.ok(!closed.includes("secret") && !closed.includes("og:image:alt"), closed);
		const json = JSON.stringify((await house.call("GET", `/api/v1/statuses/${post.id}`)).body);
		assert.ok(!json.includes("secret"), json);
		assert.ok(!JSON.stringify((await house.call("GET", `/api/v1/statuses/${post.id}/history`)).body).includes("secret"));
	}
});

test("a description that the author wrote is shown, whoever may read the prompt", async () => {
	const media = await draw();
	await ana.call("PUT", `/api/v1/media/${media.id}`, { description: "red \"fruit\"\nin a bowl" });
	const text = await head(await say({ status: "three", media_ids: [media.id], madang: { prompt_visibility: "private" } }));
	assert.match(text, /property="og:image:alt" content="red &quot;fruit&quot; in a bowl"/);
	assert.ok(!text.includes("secret"));
});

test("nothing of what is warned of, or said to few", async () => {
	const warned = await head(await say({ status: "boo", spoiler_text: "scary", media_ids: [(await draw()).id] }));
	assert.match(warned, /property="og:description" content="scary"/);
	assert.ok(!warned.includes("boo") && !warned.includes("og:image") && !warned.includes("secret"));
	for (const visibility of ["private", "direct"]) {
		const text = await head(await say({ status: "psst", visibility, media_ids: [(await draw()).id] }));
		assert.ok(!text.includes("psst") && !text.includes("secret") && !text.includes("og:image"));
	}
});
