// Approval before publishing: what waits is seen by its author and the reviewers only. Feedback, and its credit.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, png, sleep, until } from "./house.mjs";

const api = "/api/madang/v1";
let house, root, mod, alice, bob, fake, programme;
let colour = 0;
before(async () => {
	fake = http.createServer((rq, rs) => {
		rq.resume();
		rq.on("end", () => {
			rs.writeHead(200, { "content-type": "application/json" });
			rs.end(JSON.stringify({ data: [{ b64_json: png(600, 600, [++colour, 50, 50]).toString("base64") }] }));
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({ arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m1", "--openai-width", "600", "--openai-height", "600"] });
	root = house.account("root", { admin: true });
	mod = house.account("mod", { scopes: "read write admin:read admin:write" });
	alice = house.account("alice");
	bob = house.account("bob");
	await root.call("POST", `${api}/admin/accounts/${mod.id}/role`, { role: "moderator" });
	programme = ok(await root.call("POST", `${api}/admin/programmes`, { name: "Early", makers: ["openai"], review: "before_publish", review_hours: 24, questions: ["Good?", "Bad?"] }));
	for (const who of [alice, bob, root])
		await who.call("POST", `${api}/studio/consent`, { maker: "openai" });
	ok(await root.call("POST", `${api}/admin/programmes/${programme.id}/members`, { username: "alice" }));
	ok(await alice.call("POST", `${api}/programmes/${programme.id}/accept`, { accept_terms: true }));
	ok(await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`));
});
after(async () => {
	await house.stop();
	fake.close();
});

const ok = (r, status = 200) => {
	assert.equal(r.status, status, JSON.stringify(r.body));
	return r.body;
};

async function drawn(who = alice, prompt = "a secret thing") {
	const { id } = ok(await who.call("POST", `${api}/jobs`, { prompt }));
	return until("the picture", async () => {
		const job = (await who.call("GET", `${api}/jobs/${id}`)).body;
		assert.notEqual(job.state, "failed", JSON.stringify(job.error));
		return job.state === "finished" && job.media[0];
	});
}
const path = (url) => new URL(url).pathname;
const post = (media, more = {}) => alice.call("POST", "/api/v1/statuses", { status: "see @bob #early", media_ids: [media.id], ...more });
const review = async (status) => ok(await alice.call("GET", `${api}/reviews`)).find((r) => r.status?.id === status.id);
const decide = (who, r, decision, more = {}) => who.call("POST", `${api}/admin/reviews/${r.id}`, { decision, ...more });

test("nothing of it leaks before it is approved", async () => {
	const listening = new AbortController();
	const heard = [];
	for (const [who, stream] of [[bob, "user"], [bob, "public"], [bob, "public/local"], [bob, "hashtag?tag=early"]]) {
		const r = await fetch(`${house.url}/api/v1/streaming/${stream}`, { headers: { authorization: `Bearer ${who.token}` }, signal: listening.signal });
		(async () => {
			for await (const chunk of r.body.pipeThrough(new TextDecoderStream()))
				heard.push(chunk);
		})().catch(() => {});
	}
	const before = ok(await bob.call("GET", `/api/v1/accounts/${alice.id}/statuses`)).length;
	const media = await drawn();
	const urls = [media.url, media.preview_url, media.url.replace(/\.webp$/, "/64x64.png")].map(path);
	const strangers = { nobody: {}, bob: { authorization: `Bearer ${bob.token}` } };
	const may = { alice: { authorization: `Bearer ${alice.token}` }, mod: { authorization: `Bearer ${mod.token}` } };
	const check = async (strangersSee) => {
		for (const url of urls) {
			for (const [name, headers] of Object.entries(strangers))
				assert.equal((await fetch(house.url + url, { headers })).status, strangersSee ? 200 : 404, `${name} ${url}`);
			for (const [name, headers] of Object.entries(may)) {
				const r = await fetch(house.url + url, { headers });
				assert.equal(r.status, 200, `${name} ${url}`);
				assert.equal(r.headers.get("cache-control").includes("public"), strangersSee);
			}
		}
	};
	await check(false); // also before it is posted
	assert.notEqual(urls[0], urls[1]);

	const s = ok(await post(media));
	assert.equal(s.visibility, "direct");
	assert.equal(s.madang.review.state, "pending");
	assert.equal(s.madang.review.visibility, "public");
	assert.ok(s.madang.review.deadline_at);
	await check(false);

	const nowhere = async () => {
		const about = JSON.stringify([
			await house.call("GET", `/api/v1/timelines/public`),
			await bob.call("GET", "/api/v1/timelines/home"),
			await bob.call("GET", "/api/v1/timelines/tag/early"),
			await bob.call("GET", "/api/v1/notifications"),
			await bob.call("GET", "/api/v1/conversations"),
			await house.call("GET", `${api}/explore`),
			await bob.call("GET", `/api/v2/search?q=${encodeURIComponent("#early")}&type=statuses`),
			await bob.call("GET", `/api/v2/search?q=${encodeURIComponent(s.url)}&resolve=true`),
			await bob.call("GET", `/api/v1/accounts/${alice.id}/statuses`),
			await house.call("GET", "/api/v1/trends/statuses"),
		].map((r) => r.body));
		assert.ok(!about.includes(s.id), about);
		assert.ok(!about.includes(media.id));
		for (const hash of urls.map((u) => u.match(/[0-9a-f]{64}/)[0]))
			assert.ok(!about.includes(hash));
		for (const who of [bob, { call: (...a) => house.call(...a) }]) {
			for (const route of [`/api/v1/statuses/${s.id}`, `/api/v1/statuses/${s.id}/context`, `${api}/lineage/${s.id}`])
				assert.equal((await who.call("GET", route)).status, 404, route);
		}
		assert.equal((await bob.call("POST", `/api/v1/statuses/${s.id}/reblog`)).status, 404);
		assert.equal((await bob.call("POST", `/api/v1/statuses/${s.id}/favourite`)).status, 404);
		assert.equal((await bob.call("POST", `${api}/jobs`, { prompt: "x", task: "vary", source: { media_id: media.id } })).status >= 400, true);
		const page = await (await fetch(`${house.url}/@alice/${s.id}`, { headers: { accept: "text/html" } })).text();
		assert.ok(!page.includes("secret thing") && !page.includes("see @bob"));
		for (const accept of ["application/activity+json", "application/ld+json"])
			for (const route of [`/users/alice/statuses/${s.id}`, `/@alice/${s.id}`, "/users/alice/outbox", "/users/alice/outbox?page=true"]) {
				const r = await (await fetch(house.url + route, { headers: { accept } })).text();
				assert.ok(!r.includes("see @bob") && !r.includes(urls[0]), route);
			}
	};
	await nowhere();
	// Its author sees it as such, everywhere.
	assert.equal(ok(await alice.call("GET", `/api/v1/statuses/${s.id}`)).madang.review.state, "pending");
	assert.ok(ok(await alice.call("GET", "/api/v1/timelines/home")).some((x) => x.id === s.id && x.madang.review));
	assert.equal((await alice.call("POST", `${api}/profile_picture`, { media_id: media.id, kind: "avatar" })).status, 422);
	await sleep(300);
	assert.ok(!heard.join("").includes(s.id));

	assert.equal((await bob.call("GET", `${api}/admin/reviews`)).status, 403);
	const [r] = ok(await mod.call("GET", `${api}/admin/reviews`));
	assert.equal(r.status.id, s.id);
	assert.equal(r.account.username, "alice");
	assert.equal(r.programme.name, "Early");
	assert.equal((await decide(bob, r, "approve")).status, 403);
	assert.equal((await decide(alice, r, "approve")).status, 403);
	assert.equal(ok(await decide(mod, r, "approve")).state, "approved");
	assert.equal((await decide(mod, r, "refuse", { reason: "late" })).status, 409);

	// Now it is a post like any other, with all that follows from it.
	await check(true);
	const seen = ok(await house.call("GET", `/api/v1/statuses/${s.id}`));
	assert.equal(seen.visibility, "public");
	assert.equal(seen.madang.review, null);
	assert.deepEqual(seen.mentions.map((m) => m.username), ["bob"]);
	assert.deepEqual(seen.tags.map((t) => t.name), ["early"]);
	assert.equal(ok(await alice.call("GET", `/api/v1/statuses/${s.id}`)).madang.review.state, "approved");
	assert.ok(ok(await bob.call("GET", "/api/v1/timelines/home")).some((x) => x.id === s.id));
	assert.ok(ok(await bob.call("GET", "/api/v1/timelines/tag/early")).some((x) => x.id === s.id));
	assert.ok(ok(await bob.call("GET", "/api/v1/notifications")).some((n) => n.status?.id === s.id));
	assert.equal(ok(await bob.call("GET", `/api/v1/accounts/${alice.id}/statuses`)).length, before + 1);
	await until("the streams", () => heard.join("").includes(s.id));
	assert.ok(ok(await alice.call("GET", `${api}/notices`)).some((n) => n.kind === "review.approved"));
	listening.abort();
});

test("changes, resubmitting, refusing, deleting", async () => {
	const s = ok(await post(await drawn(), { status: "first words" }));
	let r = await review(s);
	assert.equal((await decide(mod, r, "changes")).status, 422); // why?
	assert.equal((await decide(mod, r, "explode")).status, 422);
	r = ok(await decide(mod, r, "changes", { reason: "say it kinder", deadline_hours: 5 }));
	assert.equal(r.state, "changes");
	assert.ok(new Date(r.deadline_at) - Date.now() < 5.1 * 3600e3);
	assert.equal(ok(await alice.call("GET", `/api/v1/statuses/${s.id}`)).madang.review.reason, "say it kinder");
	assert.equal((await bob.call("POST", `${api}/reviews/${r.id}/resubmit`, {})).status, 404);
	assert.equal((await alice.call("POST", `${api}/reviews/${r.id}/resubmit`, { status: "x".repeat(6000) })).status, 422);
	assert.equal(ok(await alice.call("POST", `${api}/reviews/${r.id}/resubmit`, { status: "kinder words for @bob" })).state, "pending");
	assert.equal((await alice.call("POST", `${api}/reviews/${r.id}/resubmit`, {})).status, 409);
	assert.equal((await bob.call("GET", `/api/v1/statuses/${s.id}`)).status, 404);
	ok(await decide(mod, r, "refuse", { reason: "no" }));
	assert.equal((await bob.call("GET", `/api/v1/statuses/${s.id}`)).status, 404);
	assert.equal(ok(await alice.call("GET", `/api/v1/statuses/${s.id}`)).madang.review.state, "refused");
	const before = ok(await alice.call("GET", "/api/v1/accounts/verify_credentials")).statuses_count;
	ok(await alice.call("DELETE", `/api/v1/statuses/${s.id}`));
	assert.equal(ok(await alice.call("GET", "/api/v1/accounts/verify_credentials")).statuses_count, before - 1);
	assert.equal((await mod.call("POST", `${api}/admin/reviews/123`, { decision: "approve" })).status, 404);

	const t = ok(await post(await drawn(), { status: "again, #early", visibility: "unlisted" }));
	const u = await review(t);
	ok(await decide(mod, u, "changes", { reason: "more" }));
	ok(await alice.call("POST", `${api}/reviews/${u.id}/resubmit`, { status: "better, #early" }));
	ok(await decide(mod, u, "approve"));
	const seen = ok(await bob.call("GET", `/api/v1/statuses/${t.id}`));
	assert.equal(seen.visibility, "unlisted");
	assert.match(seen.content, /better/);
});

test("an answer that waits is not counted, one that is approved is", async () => {
	const question = ok(await bob.call("POST", "/api/v1/statuses", { status: "show me" }));
	const s = ok(await post(await drawn(), { status: "here", in_reply_to_id: question.id }));
	const count = async () => ok(await bob.call("GET", `/api/v1/statuses/${question.id}`)).replies_count;
	assert.equal(await count(), 0);
	assert.equal(ok(await bob.call("GET", `/api/v1/statuses/${question.id}/context`)).descendants.length, 0);
	ok(await decide(mod, await review(s), "approve"));
	assert.equal(await count(), 1);
	assert.equal(ok(await bob.call("GET", `/api/v1/statuses/${question.id}/context`)).descendants.length, 1);
});

test("a picture made in the open needs nobody", async () => {
	const media = await drawn(root);
	assert.equal((await fetch(house.url + path(media.url))).status, 200);
	const s = ok(await root.call("POST", "/api/v1/statuses", { status: "open", media_ids: [media.id] }));
	assert.equal(s.visibility, "public");
	assert.equal(s.madang.review, null);
});

test("feedback earns credit, once, never below nothing, in a ledger that adds up", async () => {
	const media = await drawn();
	const give = (who, more) => who.call("POST", `${api}/feedback`, { programme_id: programme.id, media_id: media.id, answers: ["the light", "the hands"], text: "fine", ...more });
	const f = ok(await give(alice));
	assert.deepEqual(f.answers, ["the light", "the hands"]);
	assert.equal(f.media.id, media.id);
	assert.equal(f.state, "open");
	assert.equal((await give(bob)).status, 403); // not a member
	assert.equal((await give(alice, { media_id: "1" })).status, 404);
	assert.equal((await give(alice, { text: " ", answers: null })).status, 422);
	assert.equal((await give(alice, { text: "x".repeat(5001) })).status, 422);
	assert.equal((await give(alice, { programme_id: "1" })).status, 404);
	assert.equal((await alice.call("GET", `${api}/admin/feedback`)).status, 403);
	const [open] = ok(await root.call("GET", `${api}/admin/feedback?state=open&programme_id=${programme.id}`));
	assert.equal(open.account.username, "alice");
	for (const credits of [-1, 1001, "many"])
		assert.equal((await root.call("POST", `${api}/admin/feedback/${f.id}`, { decision: "accept", credits })).status, 422);
	assert.equal(ok(await root.call("POST", `${api}/admin/feedback/${f.id}`, { decision: "accept", credits: 10 })).credits, 10);
	assert.equal((await root.call("POST", `${api}/admin/feedback/${f.id}`, { decision: "accept", credits: 10 })).status, 409);
	const g = ok(await give(alice, { text: "=cmd()" }));
	assert.equal(ok(await root.call("POST", `${api}/admin/feedback/${g.id}`, { decision: "decline", reason: "known" })).state, "declined");

	const move = (amount, reason = "prize") => root.call("POST", `${api}/admin/credits`, { account_id: alice.id, amount, reason });
	assert.equal(ok(await move(-4)).balance, 6);
	assert.equal((await move(-7)).status, 422);
	assert.equal((await move(0)).status, 422);
	assert.equal((await move(10 ** 12)).status, 422);
	assert.equal((await alice.call("POST", `${api}/admin/credits`, { account_id: alice.id, amount: 5, reason: "me" })).status, 403);
	const racing = await Promise.all([-5, -5, -5].map((n) => move(n)));
	assert.equal(racing.filter((r) => r.status === 200).length, 1);
	const mine = ok(await alice.call("GET", `${api}/credits`));
	assert.equal(mine.balance, 1);
	assert.deepEqual(mine.entries.map((x) => x.amount), [-5, -4, 10]);
	ok(await move(3, '=1+1,"quoted"'));
	const csv = ok(await root.call("GET", `${api}/admin/credits.csv`)).trim().split("\r\n");
	assert.equal(csv[0], "id,transfer_id,created_at,account_id,amount,balance,reason");
	const rows = csv.slice(1).map((l) => l.split(","));
	assert.equal(rows.reduce((sum, r) => sum + Number(r[4]), 0), 0); // double entry
	assert.equal(new Set(rows.map((r) => r[1])).size * 2, rows.length);
	assert.ok(csv.at(-1).endsWith(`"'=1+1,""quoted"""`));
	assert.equal(ok(await alice.call("GET", `${api}/credits.csv`)).trim().split("\r\n").length, 5);
	assert.equal((await alice.call("GET", `${api}/admin/credits.csv`)).status, 403);
	assert.ok(ok(await alice.call("GET", `${api}/notices`)).some((n) => n.kind === "feedback.accepted" && n.text.includes("10")));
});
