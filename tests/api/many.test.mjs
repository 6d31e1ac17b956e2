// Ten thousand jobs of one account, over HTTP: refused past the cap in plain words, taken where the cap is raised, and
// nobody else has to wait for them; what shows and what ends the queue stays quick.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, png, until } from "./house.mjs";

const api = "/api/madang/v1", MANY = 10000, CAP = 20, SLOTS = 2;
let house, root, ana, bo, fake;
const drawn = []; // prompts, as the maker is asked for them
const held = []; // answers that it owes

before(async () => {
	fake = http.createServer(async (rq, rs) => {
		let body = "";
		for await (const chunk of rq)
			body += chunk;
		drawn.push(JSON.parse(body).prompt);
		held.push(rs);
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({ arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "slow-1", "--openai-width", "64", "--openai-height", "64", "--openai-jobs-max", String(SLOTS), "--openai-timeout-s", "3600", "--jobs-active-max", String(CAP), "--load-wait-s", "86400"] });
	root = house.account("root", { admin: true });
	[ana, bo] = ["ana", "bo"].map((name) => house.account(name));
	for (const who of [root, ana, bo])
		await who.call("POST", `${api}/studio/consent`, { maker: "openai" });
});
after(async () => {
	await house.stop();
	fake.closeAllConnections();
	fake.close();
});

const picture = JSON.stringify({ data: [{ b64_json: png(64, 64).toString("base64") }] });
const answer = () => {
	const rs = held.shift();
	rs.writeHead(200, { "content-type": "application/json" });
	rs.end(picture);
};

// As cheap for this process as it can be: connections stay open, and of an answer only what is looked at is read.
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
function submit(who, prompt) {
	return new Promise((resolve, reject) => {
		const rq = http.request(`${house.url}${api}/jobs`, { agent, method: "POST", headers: { authorization: `Bearer ${who.token}`, "content-type": "application/json" } }, (rs) => {
			let text = "";
			rs.setEncoding("utf8").on("data", (d) => (text += d)).on("end", () => resolve({ status: rs.statusCode, headers: rs.headers, text }));
		});
		rq.on("error", reject).end(JSON.stringify({ prompt }));
	});
}

async function submitMany(who, count) {
	let next = 0;
	const statuses = {};
	await Promise.all(Array.from({ length: 32 }, async () => {
		while (next < count) {
			const r = await submit(who, `ana ${next++}`);
			statuses[r.status] = (statuses[r.status] ?? 0) + 1;
		}
	}));
	return statuses;
}

// Seconds of the processor that the server has used: what other processes do on this machine does not count.
function cpuSeconds() {
	const fields = readFileSync(`/proc/${house.process.pid}/stat`, "latin1").split(") ")[1].split(" ");
	return (Number(fields[11]) + Number(fields[12])) / 100;
}

// What one request costs, the least of a few times: where each looked at all rows again, it would cost more each time.
async function costs(what, limit_s, request) {
	let least = Infinity;
	for (let i = 0; i < 3; i++) {
		const from = performance.now(), cpu = cpuSeconds();
		const r = await request();
		assert.ok(r.status < 300, `${what}: ${r.status}`);
		least = Math.min(least, Math.min((performance.now() - from) / 1000, cpuSeconds() - cpu || Infinity));
	}
	assert.ok(least < limit_s, `${what} took ${least} s`);
}

test("past the cap it is refused, in words, and with the time to come again", async () => {
	const statuses = await submitMany(ana, CAP + 12);
	assert.deepEqual(statuses, { 200: CAP, 429: 12 });
	const r = await submit(ana, "one too many");
	assert.equal(r.status, 429);
	assert.match(JSON.parse(r.text).error, new RegExp(`${CAP} pictures waiting`));
	assert.ok(Number(r.headers["retry-after"]) > 0);
	await until("it draws", () => drawn.length === SLOTS);
});

test("with the cap raised ten thousand are taken, and not one more", async () => {
	const quota = { subject: "account", subject_id: ana.id, unit: "queued", amount: MANY };
	assert.equal((await ana.call("POST", `${api}/admin/quotas`, quota)).status, 403);
	assert.equal((await root.call("POST", `${api}/admin/quotas`, quota)).status, 200);
	const from = performance.now(), cpu = cpuSeconds();
	assert.deepEqual(await submitMany(ana, MANY - CAP), { 200: MANY - CAP });
	console.log(`# ${MANY - CAP} jobs in ${((performance.now() - from) / 1000).toFixed(1)} s, ${(cpuSeconds() - cpu).toFixed(1)} s of the server's processor time`);
	assert.equal((await submit(ana, "one too many")).status, 429);
	await until("all are counted", async () => {
		const load = (await root.call("GET", `${api}/admin/load`)).body;
		return load.queued + load.drawing === MANY;
	});
	assert.equal(drawn.length, SLOTS);
});

let last; // the newest job
test("one's own list, a card and the administrators' queue are pages, and quick", async () => {
	const mine = await ana.call("GET", `${api}/jobs?limit=40`);
	assert.equal(mine.body.length, 40);
	last = mine.body[0];
	assert.equal(last.position, MANY - SLOTS);
	assert.equal(mine.body[39].position, MANY - SLOTS - 39);
	assert.equal(last.reason, "own_jobs_first");
	const next = await ana.call("GET", `${api}/jobs?limit=40&max_id=${mine.body[39].id}`);
	assert.equal(next.body[0].position, MANY - SLOTS - 40);

	const seen = new Set(), pages = [];
	for (let page = 0, after = ""; page < 4; page++) {
		const r = await root.call("GET", `${api}/admin/queue?limit=80${after}`);
		assert.equal(r.body.length, 80);
		for (const job of r.body)
			seen.add(job.id);
		pages.push(r.body);
		after = `&after=${r.body[79].id}`;
	}
	assert.equal(seen.size, 320, "no job on two pages");
	assert.equal(pages[0].filter((j) => j.state === "drawing").length, SLOTS);
	assert.deepEqual([pages[0][SLOTS].position, pages[3][79].position], [1, 320 - SLOTS]);
	assert.equal((await root.call("GET", `${api}/admin/queue?after=1`)).status, 404);
	assert.equal((await root.call("GET", `${api}/admin/queue?limit=5&after=${last.id}`)).body.length, 0);

	await costs("the own list", 0.5, () => ana.call("GET", `${api}/jobs?limit=40`));
	await costs("a card", 0.05, () => ana.call("GET", `${api}/jobs/${last.id}`));
	await costs("the administrators' queue", 1, () => root.call("GET", `${api}/admin/queue?limit=80&after=${pages[3][79].id}`));
	await costs("the load", 0.1, () => root.call("GET", `${api}/admin/load`));
	await costs("another job", 0.1, () => submit(bo, "bo, to be cancelled"));
	assert.deepEqual((await bo.call("DELETE", `${api}/jobs`)).body, { cancelled: 3 });
});

test("somebody else's one picture is the next to be drawn", async () => {
	const r = await submit(bo, "bo's only picture");
	const job = JSON.parse(r.text);
	assert.equal(r.status, 200, r.text);
	assert.ok(job.position <= 2, `at ${job.position}`);
	assert.ok(!drawn.includes("bo's only picture"));
	answer(); // one slot
	await until("a next one is drawn", () => drawn.length === SLOTS + 1);
	if (drawn.at(-1) !== "bo's only picture") { // at most one of hers stood on the same turn
		answer();
		await until("and a next one", () => drawn.length === SLOTS + 2);
	}
	assert.equal(drawn.at(-1), "bo's only picture");
});

test("cancelling the newest, one of the middle, and then all, costs what it must", async () => {
	const at = async (id) => (await ana.call("GET", `${api}/jobs/${id}`)).body;
	await costs("cancelling the newest", 0.1, async () => {
		const [newest] = (await ana.call("GET", `${api}/jobs?limit=5`)).body.filter((j) => j.state === "queued");
		return ana.call("DELETE", `${api}/jobs/${newest.id}`);
	});
	const [newest] = (await ana.call("GET", `${api}/jobs?limit=5`)).body.filter((j) => j.state === "queued");
	const first = (await root.call("GET", `${api}/admin/queue?limit=20`)).body.find((j) => j.account.id === ana.id && j.state === "queued");
	const before = (await at(newest.id)).position;
	assert.equal((await ana.call("DELETE", `${api}/jobs/${first.id}`)).status, 200);
	assert.equal((await at(newest.id)).position, before - 1);

	const from = performance.now(), cpu = cpuSeconds();
	const r = await ana.call("DELETE", `${api}/jobs`);
	const s = (performance.now() - from) / 1000, cpu_s = cpuSeconds() - cpu;
	console.log(`# ${r.body.cancelled} cancelled in ${s.toFixed(1)} s, ${cpu_s.toFixed(1)} s of the server's processor time`);
	assert.equal(r.status, 200);
	assert.ok(r.body.cancelled > MANY - 20 && r.body.cancelled < MANY, r.body.cancelled);
	assert.ok(Math.min(s, cpu_s) < 10);
	assert.deepEqual((await ana.call("DELETE", `${api}/jobs`)).body, { cancelled: 0 });
	const left = (await root.call("GET", `${api}/admin/queue?limit=80`)).body;
	assert.ok(left.every((j) => j.account.id === bo.id), "nobody else's was touched");
	assert.equal((await at(newest.id)).state, "cancelled");
	assert.equal((await submit(ana, "again")).status, 200);
	while (held.length)
		answer();
	await until("bo has the picture", async () => (await bo.call("GET", `${api}/jobs?limit=1`)).body[0].state === "finished");
});

test("an administrator clears the queue of one account, which stands in the log", async () => {
	assert.equal((await ana.call("DELETE", `${api}/admin/queue?account_id=${bo.id}`)).status, 403);
	assert.equal((await root.call("DELETE", `${api}/admin/queue`)).status, 422);
	for (let i = 0; i < 5; i++)
		assert.equal((await submit(bo, `bo ${i}`)).status, 200);
	const { id } = JSON.parse((await submit(ana, "hers stays")).text);
	assert.deepEqual((await root.call("DELETE", `${api}/admin/queue?account_id=${bo.id}`)).body, { cancelled: 5 });
	assert.ok(!["cancelled", "failed"].includes((await ana.call("GET", `${api}/jobs/${id}`)).body.state));
	const log = (await root.call("GET", `${api}/admin/audit`)).body;
	assert.ok(log.some((line) => line.action === "queue.cancel_all"), JSON.stringify(log.slice(0, 3)));
});
