// Search in Korean, Japanese and English: posts, prompts, alt texts, accounts, tags; and only what one may see.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import { House, onPostgres, png, tinyModel, until } from "./house.mjs";

let house, alice, bob, a, b;
const posts = {};
const find = async (client, q, more) => (await client.v2.search.list({ q, type: "statuses", ...more })).statuses.map((s) => s.id);
const is = async (client, q, ...wanted) => assert.deepEqual(new Set(await find(client, q)), new Set(wanted.map((w) => posts[w])), q);

before(async () => {
	house = await House.start({ model: tinyModel() });
	alice = house.account("alice");
	bob = house.account("bob");
	a = createRestAPIClient({ url: house.url, accessToken: alice.token });
	b = createRestAPIClient({ url: house.url, accessToken: bob.token });
	const say = async (name, client, form) => (posts[name] = (await client.v1.statuses.create(form)).id);
	await say("ko", a, { status: "오늘의 그림일기: 마당에 꽃이 피었다" });
	await say("ja", a, { status: "今日は水彩画を描きました。東京タワー" });
	await say("en", a, { status: "A Watercolour of the Sunset, über alles ÉCOLE" });
	await say("mixed", b, { status: "AI그림 2024년 ＡＢＣ" });
	await say("private", a, { status: "비밀의 정원", visibility: "private" });
	await say("direct", a, { status: "@bob 둘만의 이야기", visibility: "direct" });
	await say("unlisted", a, { status: "목록에 없는 글", visibility: "unlisted" });
	await say("spoiler", b, { status: "hidden below", spoilerText: "결말 포함" });
	const media = await b.v2.media.create({ file: new Blob([png(20, 20)], { type: "image/png" }), description: "빨간 사과 한 알" });
	await say("alt", b, { status: "look", mediaIds: [media.id] });
	await until("the index", async () => (await find(b, "사과")).length);
});
after(() => house.stop());

describe("words", () => {
	test("two syllables of Korean, in the middle and at the end of a run", async () => {
		await is(a, "그림", "ko", "mixed");
		await is(a, "일기", "ko");
		await is(a, "그림일기", "ko");
		await is(a, "마당", "ko");
		await is(a, "림그");
	});
	test("one syllable", () => is(a, "꽃", "ko"));
	test("Japanese", async () => {
		await is(a, "水彩", "ja");
		await is(a, "タワー", "ja");
		await is(a, "東京", "ja");
		await is(a, "京東");
	});
	test("English by beginnings, in any case, with marks", async () => {
		await is(a, "watercolour", "en");
		await is(a, "SUN", "en");
		await is(a, "Über école", "en");
		await is(a, "set");
	});
	test("what is written together, and full-width letters", async () => {
		await is(a, "ai그림", "mixed");
		await is(a, "abc", "mixed");
	});
	test("spoilers and alt texts", async () => {
		await is(a, "결말", "spoiler");
		await is(a, "빨간 사과", "alt");
	});
	test("phrases, several words, and words that must not be there", async () => {
		await is(a, '"the sunset"', "en");
		await is(a, '"sunset the"');
		await is(a, "sunset watercolour", "en");
		await is(a, "그림 -일기", "mixed");
		await is(a, "-그림 from:bob", "spoiler", "alt");
	});
	test("nothing breaks the question", async () => {
		for (const q of ['"', "AND OR NOT", "a* b^ (", "'); DROP TABLE posts; --", "-", ":", "from:", "🎨", "x:y", "{} [] \\ & | !", "NEAR(a b)", "words:a"])
			assert.ok(Array.isArray(await find(a, q)), q);
		assert.equal((await alice.call("GET", "/api/v2/search?q=before:tomorrow")).status, 422);
		assert.equal((await alice.call("GET", "/api/v2/search?q=x&type=things")).status, 422);
		assert.equal((await alice.call("GET", "/api/v2/search")).status, 422);
	});
});

describe("who sees what", () => {
	test("private, direct and unlisted posts", async () => {
		await is(a, "비밀", "private");
		await is(b, "비밀");
		await is(a, "둘만의", "direct");
		await is(b, "둘만의", "direct");
		await is(a, "목록에", "unlisted");
		await is(b, "목록에");
		assert.deepEqual((await house.call("GET", `/api/v2/search?q=${encodeURIComponent("비밀")}&type=statuses`)).body.statuses, []);
		assert.equal((await house.call("GET", `/api/v2/search?q=${encodeURIComponent("그림")}&type=statuses`)).body.statuses.length, 2);
	});
	test("who blocked me is not found; what was edited and deleted follows", async () => {
		await b.v1.accounts.$select(alice.id).block();
		await is(a, "결말");
		await b.v1.accounts.$select(alice.id).unblock();
		const { id } = await a.v1.statuses.create({ status: "temporary 임시저장" });
		await until("the index", async () => (await find(a, "임시저장")).length === 1);
		await a.v1.statuses.$select(id).remove();
		assert.deepEqual(await find(a, "임시저장"), []);
	});
	test("prompts: public ones by anybody, private ones by their author only", async () => {
		for (const [word, visibility] of [["보라색고양이", "public"], ["초록색강아지", "private"]]) {
			const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: `${word} apple`, count: 1, maker: "builtin" })).body;
			assert.ok(job.id, JSON.stringify(job));
			const done = await until("the picture", async () => {
				const j = (await alice.call("GET", `/api/madang/v1/jobs/${job.id}`)).body;
				assert.notEqual(j.state, "failed", JSON.stringify(j.error));
				return j.state === "finished" && j;
			}, 60000);
			const s = (await alice.call("PUT", `/api/v1/media/${done.media[0].id}`, { description: "a picture" })).status;
			assert.equal(s, 200);
			posts[visibility] = (await alice.call("POST", "/api/v1/statuses", { status: "made", media_ids: [done.media[0].id], madang: { prompt_visibility: visibility } })).body.id;
			await until("the index", async () => (await find(a, word)).length);
		}
		posts.prompt = posts.public;
		await is(b, "고양이", "prompt");
		await is(b, "강아지");
		assert.deepEqual(await find(a, "강아지"), [posts.private]);
		assert.deepEqual(await find(b, "made:yes"), [posts.private, posts.public]);
		assert.ok(!(await find(b, "from:alice made:no")).includes(posts.public));
		assert.ok((await find(b, "from:alice made:no")).includes(posts.en));
	});
	test("a proposed description says the prompt: an index that was made before that was thought of is mended", async () => {
		const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "남색고래 apple", count: 1, maker: "builtin" })).body;
		const done = await until("the picture", async () => {
			const j = (await alice.call("GET", `/api/madang/v1/jobs/${job.id}`)).body;
			return j.state === "finished" && j;
		}, 60000);
		const { id } = (await alice.call("POST", "/api/v1/statuses", { status: "whale", media_ids: [done.media[0].id], madang: { prompt_visibility: "private" } })).body;
		await until("the index", async () => (await find(a, "고래")).length);
		assert.deepEqual(await find(b, "고래"), []);
		const [shown] = (await bob.call("GET", `/api/v1/statuses/${id}`)).body.media_attachments;
		assert.ok(!JSON.stringify(shown).includes("고래"));
		house.sql(onPostgres ? `UPDATE post_search SET words = words || CAST('''고래'':99' AS TSVECTOR) WHERE rowid = ${id};` : `UPDATE post_search SET words = words || ' 고래 ' WHERE rowid = ${id};`);
		assert.deepEqual(await find(b, "고래"), [id]);
		house.sql(readFileSync(new URL("../../src/db/migrations/0015_search_prompts.sql", import.meta.url), "utf8"));
		await until("it is cut anew", async () => !(await find(b, "고래")).length);
		assert.deepEqual(await find(a, "고래"), [id]);
	});
});

describe("operators and pages", () => {
	test("from:, has:, before:, after:, during:", async () => {
		const today = new Date().toISOString().slice(0, 10);
		assert.deepEqual(new Set(await find(a, "from:bob")), new Set([posts.mixed, posts.spoiler, posts.alt]));
		assert.deepEqual(new Set(await find(a, "from:@bob has:picture")), new Set([posts.alt]));
		assert.ok((await find(b, "from:me")).includes(posts.mixed));
		assert.deepEqual(await find(a, "from:nobody"), []);
		assert.deepEqual(await find(a, `사과 during:${today}`), [posts.alt]);
		assert.deepEqual(await find(a, `사과 after:${today}`), []);
		assert.deepEqual(await find(a, `사과 before:${today}`), []);
		assert.deepEqual(await find(a, "사과 after:2020-01-01 before:2099-01-01"), [posts.alt]);
	});
	test("account_id, limit, offset, max_id; newest first", async () => {
		assert.deepEqual(await find(a, "그림", { accountId: bob.id }), [posts.mixed]);
		assert.deepEqual(await find(a, "그림"), [posts.mixed, posts.ko]);
		assert.deepEqual(await find(a, "그림", { limit: 1 }), [posts.mixed]);
		assert.deepEqual(await find(a, "그림", { limit: 1, offset: 1 }), [posts.ko]);
		assert.deepEqual(await find(a, "그림", { maxId: posts.mixed }), [posts.ko]);
	});
	test("accounts by their names, tags by their beginning", async () => {
		await a.v1.accounts.updateCredentials({ displayName: "앨리스 마당지기" });
		const names = async (q) => (await b.v2.search.list({ q, type: "accounts" })).accounts.map((x) => x.username);
		await until("the index", async () => (await names("마당")).length);
		assert.deepEqual(await names("앨리"), ["alice"]);
		assert.deepEqual(await names("지기"), ["alice"]);
		assert.deepEqual(await names("ali"), ["alice"]);
		await a.v1.statuses.create({ status: "#그림일기" });
		assert.deepEqual((await b.v2.search.list({ q: "그림", type: "hashtags" })).hashtags.map((t) => t.name), ["그림일기"]);
	});
});
