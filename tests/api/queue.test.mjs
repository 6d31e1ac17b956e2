// Many people, few machines: the queue card, steering, quotas, load, and what administrators do about it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";
import "./audited.mjs";
import { House, png, tinyModel, until } from "./house.mjs";

const base = "/api/madang/v1";
let house, fake, admin, ana, bo;
let gate = Promise.resolve(); // a picture of the other maker comes when it opens
let open = () => {};
function shut() {
	gate = new Promise((r) => (open = r));
}

before(async () => {
	fake = http.createServer((rq, rs) => {
		rq.resume();
		rq.on("end", async () => {
			await gate;
			rs.writeHead(200, { "content-type": "application/json" });
			rs.end(JSON.stringify({ data: [{ b64_json: png(16, 16).toString("base64") }] }));
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	house = await House.start({
		model: tinyModel(),
		arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m", "--openai-jobs-max", "1", "--jobs-active-max", "6"],
	});
	admin = house.account("root", { admin: true });
	[ana, bo] = ["ana", "bo"].map((n) => house.account(n));
	for (const who of [ana, bo])
		await who.call("POST", `${base}/studio/consent`, { maker: "openai" });
});
after(async () => {
	open();
	await house.stop();
	fake.close();
});

const draw = (who, more = {}) => who.call("POST", `${base}/jobs`, { prompt: "x", maker: "openai", ...more });
const job = async (who, id) => (await who.call("GET", `${base}/jobs/${id}`)).body;
const ended = (who, id) => until(`job ${id} ends`, async () => {
	const j = await job(who, id);
	return ["finished", "failed", "cancelled"].includes(j.state) && j;
}, 30000);

async function fill(who, n) {
	const ids = [];
	for (let i = 0; i < n; i++)
		ids.push((await draw(who)).body.id);
	await until("the first is drawn", async () => (await job(who, ids[0])).state === "drawing");
	return ids;
}

test("the card says where a job stands, why, and who else could draw it", async () => {
	shut();
	const ids = await fill(ana, 3);
	const mine = (await draw(bo)).body;
	assert.equal(mine.state, "queued");
	assert.equal(mine.position, 1, "one slot, whatever ana has waiting");
	assert.equal(mine.reason, "next");
	assert.ok(mine.wait.low_s >= 0 && mine.wait.high_s > mine.wait.low_s);
	assert.deepEqual(mine.elsewhere.map((e) => e.maker), ["builtin"]);
	assert.equal(mine.elsewhere[0].consent_required, false);
	const again = [];
	for await (const e of house.events(`${base}/jobs/${mine.id}/events`, bo.token)) {
		if (e.event === "queued")
			again.push(JSON.parse(e.data));
		if (again.length === 2) // told again without anything having happened to it
			break;
	}
	assert.deepEqual([again[1].position, again[1].reason], [1, "next"]);
	const last = await job(ana, ids[2]);
	assert.equal(last.position, 3);
	assert.equal(last.reason, "others_first");
	const moved = await bo.call("POST", `${base}/jobs/${mine.id}/move`, { maker: "builtin" });
	assert.equal(moved.status, 200, JSON.stringify(moved.body));
	assert.equal((await ended(bo, mine.id)).maker, "builtin");
	assert.equal((await bo.call("POST", `${base}/jobs/${mine.id}/move`, { maker: "openai" })).status, 409);
	open();
	for (const id of ids)
		assert.equal((await ended(ana, id)).state, "finished");
});

test("one pauses, orders and cancels one's own, and nobody else's", async () => {
	shut();
	const [first, second, third, fourth] = await fill(ana, 4);
	for (const [what, body] of [["pause"], ["resume"], ["reorder", {}], ["move", { maker: "builtin" }]])
		assert.equal((await bo.call("POST", `${base}/jobs/${third}/${what}`, body)).status, 404, what);
	assert.equal((await bo.call("DELETE", `${base}/jobs/${third}`)).status, 404);
	let j = (await ana.call("POST", `${base}/jobs/${second}/pause`)).body;
	assert.deepEqual([j.paused, j.reason, j.position, j.wait], [true, "paused", null, null]);
	j = (await ana.call("POST", `${base}/jobs/${fourth}/reorder`, { before: third })).body;
	assert.equal(j.position, 1);
	assert.equal((await job(ana, third)).reason, "own_jobs_first");
	assert.equal((await ana.call("POST", `${base}/jobs/${fourth}/reorder`, { before: first })).status, 422);
	assert.equal((await ana.call("DELETE", `${base}/jobs/${fourth}`)).status, 200);
	assert.equal((await job(ana, third)).position, 1);
	open();
	assert.equal((await ended(ana, third)).state, "finished");
	assert.equal((await job(ana, second)).state, "queued");
	await ana.call("POST", `${base}/jobs/${second}/resume`);
	assert.equal((await ended(ana, second)).state, "finished");
	await ended(ana, first);
});

test("administrators see and steer the whole queue", async () => {
	shut();
	const ids = await fill(ana, 3);
	const of_bo = (await draw(bo)).body.id;
	assert.equal((await bo.call("GET", `${base}/admin/queue`)).status, 403);
	const queue = (await admin.call("GET", `${base}/admin/queue`)).body;
	assert.equal(queue.length, 4);
	assert.equal(queue[0].account.username, "ana");
	assert.equal((await bo.call("POST", `${base}/admin/queue/${of_bo}/front`)).status, 403);
	assert.equal((await admin.call("POST", `${base}/admin/queue/${ids[2]}/front`)).body.position, 1);
	assert.equal((await job(bo, of_bo)).position, 2);
	assert.equal((await admin.call("DELETE", `${base}/admin/queue/${ids[1]}`)).status, 200);
	assert.equal((await job(ana, ids[1])).state, "cancelled");
	assert.equal((await job(ana, ids[2])).state, "queued");
	const paused = (await admin.call("PATCH", `${base}/admin/makers/openai`, { paused: true, reason: "Back at nine." })).body;
	assert.deepEqual([paused.paused, paused.reason, paused.queued, paused.drawing], [true, "Back at nine.", 2, 1]);
	assert.equal((await admin.call("PATCH", `${base}/admin/makers/nobody`, { paused: true })).status, 404);
	await until("the pause is known", async () => (await job(bo, of_bo)).reason === "maker_paused");
	open();
	assert.equal((await ended(ana, ids[0])).state, "finished", "what is being drawn is drawn to the end");
	const refused = await draw(bo);
	assert.equal(refused.status, 503);
	assert.match(refused.body.error, /Back at nine/);
	assert.ok(Number(refused.headers.get("retry-after")) > 0);
	const studio = (await bo.call("GET", `${base}/studio`)).body;
	const maker = studio.makers.find((m) => m.id === "openai");
	assert.deepEqual([maker.available, maker.reason], [false, "Back at nine."]);
	await admin.call("PATCH", `${base}/admin/makers/openai`, { paused: false });
	for (const [who, id] of [[ana, ids[2]], [bo, of_bo]])
		assert.equal((await ended(who, id)).state, "finished");
	const makers = (await admin.call("GET", `${base}/admin/makers`)).body;
	const openai = makers.find((m) => m.id === "openai");
	assert.ok(openai.service.samples > 0 && openai.slots === 1);
});

test("identical jobs are drawn once", async () => {
	shut();
	const [first] = await fill(ana, 1);
	const same = { maker: "builtin", prompt: "the same", seed: 5, count: 2 };
	await admin.call("PATCH", `${base}/admin/makers/builtin`, { paused: true });
	await until("the pause is known", async () => !(await ana.call("GET", `${base}/studio`)).body.makers[0].available);
	await admin.call("PATCH", `${base}/admin/makers/builtin`, { paused: false });
	await until("it is open", async () => (await ana.call("GET", `${base}/studio`)).body.makers[0].available);
	const answers = await Promise.all([ana, bo].map((who) => draw(who, same)));
	const jobs = await Promise.all(answers.map((r, i) => ended([ana, bo][i], r.body.id)));
	assert.deepEqual(jobs.map((j) => j.media.length), [2, 2]);
	assert.equal(jobs[0].media[0].blurhash, jobs[1].media[0].blurhash);
	assert.notEqual(jobs[0].media[0].id, jobs[1].media[0].id);
	open();
	await ended(ana, first);
});

test("quotas are shown, sent, spent, given back, and changed live", async () => {
	for (const bad of [{ amount: -1 }, { amount: 1e300 }, { amount: "NaN" }, { amount: "1e999" }, { amount: 1, unit: "apples" }, { amount: 1, window: "year" }, { amount: 1, unit: "weight", window: "day" }, {}])
		assert.equal((await admin.call("POST", `${base}/admin/quotas`, { subject: "role", subject_id: "user", unit: "pictures", ...bad })).status, 422, JSON.stringify(bad));
	assert.equal((await ana.call("POST", `${base}/admin/quotas`, { subject: "everyone", unit: "pictures", amount: 1 })).status, 403);
	const made = await admin.call("POST", `${base}/admin/quotas`, { subject: "account", subject_id: ana.id, unit: "pictures", amount: 3, window: "week" });
	assert.equal(made.status, 200, JSON.stringify(made.body));
	assert.deepEqual([made.body.subject_id, made.body.window, made.body.refill], [ana.id, "week", "window"]);
	let left = (await ana.call("GET", `${base}/quota`)).body;
	assert.deepEqual([left.length, left[0].amount, left[0].remaining], [1, 3, 3]);
	assert.deepEqual((await bo.call("GET", `${base}/studio`)).body.quota, []);
	shut();
	const r = await draw(ana, { count: 2 });
	assert.deepEqual(["limit", "remaining"].map((h) => r.headers.get(`x-ratelimit-${h}`)), ["3", "1"]);
	assert.ok(Date.parse(r.headers.get("x-ratelimit-reset")) > Date.now());
	const refused = await draw(ana, { count: 2 });
	assert.equal(refused.status, 429);
	assert.ok(Number(refused.headers.get("retry-after")) > 0);
	assert.equal(refused.headers.get("x-ratelimit-remaining"), "1");
	await ana.call("DELETE", `${base}/jobs/${r.body.id}`);
	assert.equal((await ana.call("GET", `${base}/studio`)).body.quota[0].remaining, 3);
	await admin.call("PATCH", `${base}/admin/quotas/${made.body.id}`, { amount: 10 });
	assert.equal((await ana.call("GET", `${base}/quota`)).body[0].remaining, 10);
	assert.equal((await admin.call("DELETE", `${base}/admin/quotas/${made.body.id}`)).status, 200);
	assert.equal((await admin.call("DELETE", `${base}/admin/quotas/${made.body.id}`)).status, 404);
	const group = (await admin.call("POST", `${base}/admin/groups`, { name: "painters" })).body;
	assert.equal((await admin.call("POST", `${base}/admin/groups/${group.id}/members/${bo.id}`)).status, 200);
	await admin.call("POST", `${base}/admin/quotas`, { subject: "group", subject_id: group.id, unit: "pictures", amount: 1 });
	assert.equal((await draw(bo, { count: 2 })).status, 429);
	assert.equal((await admin.call("GET", `${base}/admin/groups`)).body[0].members, 1);
	assert.equal((await admin.call("DELETE", `${base}/admin/groups/${group.id}`)).status, 200);
	assert.deepEqual((await admin.call("GET", `${base}/admin/quotas`)).body, []);
	open();
});

test("the cap on what one account has waiting", async () => {
	shut();
	const ids = [];
	for (let r = await draw(ana); r.status === 200; r = await draw(ana))
		ids.push(r.body.id);
	assert.equal(ids.length, 6);
	for (const id of ids)
		await ana.call("DELETE", `${base}/jobs/${id}`);
	open();
});

test("under load less is drawn, and everything else goes on", async () => {
	const heard = [];
	const listening = (async () => {
		for await (const e of house.events(`${base}/load/events`, bo.token)) {
			heard.push(JSON.parse(e.data));
			if (heard.length > 1 && heard.at(-1).level === 0)
				return;
		}
	})();
	const set = async (level) => {
		await admin.call("PATCH", `${base}/admin/load`, { level });
		await until(`level ${level}`, async () => (await bo.call("GET", `${base}/load`)).body.level === level);
	};
	assert.equal((await bo.call("PATCH", `${base}/admin/load`, { level: 1 })).status, 403);
	assert.equal((await admin.call("PATCH", `${base}/admin/load`, { level: 9 })).status, 422);
	await set(2);
	let r = await draw(bo, { count: 4 });
	assert.deepEqual([r.status, r.body.field], [503, "count"]);
	assert.ok(Number(r.headers.get("retry-after")) > 0);
	shut();
	assert.equal((await draw(bo, { count: 2 })).status, 200);
	await set(3);
	assert.equal((await bo.call("GET", `${base}/load`)).body.melting, true);
	assert.equal((await draw(bo)).status, 503, "over their share");
	assert.equal((await draw(ana)).status, 200, "the first of an account");
	await set(4);
	r = await draw(admin, { maker: "builtin" });
	assert.equal(r.status, 503);
	assert.match(r.body.error, /melting/);
	assert.equal((await bo.call("POST", "/api/v1/statuses", { status: "still here @draw" })).status, 200);
	assert.equal((await bo.call("GET", "/api/v1/timelines/public")).status, 200);
	await admin.call("PATCH", `${base}/admin/load`, { banner: "off", message: "Coffee break" });
	await until("the banner is off", async () => (await bo.call("GET", `${base}/load`)).body.melting === false);
	const instance = (await bo.call("GET", "/api/v2/instance")).body.madang.load;
	assert.deepEqual([instance.level, instance.message], [4, "Coffee break"]);
	await admin.call("PATCH", `${base}/admin/load`, { level: "auto", banner: "auto", message: "" });
	await listening;
	assert.ok(heard.some((l) => l.melting) && heard.some((l) => l.message === "Coffee break"));
	open();
});

test("figures for administrators and for Prometheus", async () => {
	const load = (await admin.call("GET", `${base}/admin/load`)).body;
	assert.equal(load.set_level, "auto");
	assert.equal(load.workers.length, 1);
	assert.equal(load.workers[0].here, true);
	assert.ok(load.memory_free > 0 && load.utilisation >= 0);
	await until("work was measured", async () => (await admin.call("GET", `${base}/admin/load`)).body.pictures_per_cpu_s > 0);
	const text = (await house.call("GET", "/metrics")).body;
	for (const name of ["jobs_queued", "load_level", "load_utilisation", "pictures_total", "pictures_per_cpu_second", "maker_slots{maker=\"builtin\"}", "promises_total"])
		assert.ok(text.includes(`madang_${name}`), name);
});

test("two jobs of one prompt read it once, and the figures say so", async () => {
	const figures = async () => {
		const text = (await house.call("GET", "/metrics")).body;
		const at = (name) => Number(text.match(new RegExp(`^madang_prefix${name}_total (\\d+)$`, "m"))[1]);
		return { computed: at("es_computed"), shared: at("es_shared"), tokens_computed: at("_tokens_computed"), tokens_shared: at("_tokens_shared") };
	};
	const drawBuiltin = async (prompt, seed) => {
		const r = await draw(ana, { prompt, maker: "builtin", seed });
		assert.equal(r.status, 200, JSON.stringify(r.body));
		assert.equal((await ended(ana, r.body.id)).state, "finished");
		return figures();
	};
	const first = await drawBuiltin("a lighthouse over a grey winter sea", 1);
	const again = await drawBuiltin("a lighthouse over a grey winter sea", 2);
	assert.deepEqual([again.computed, again.shared], [first.computed, first.shared + 1]);
	assert.equal(again.tokens_computed, first.tokens_computed);
	assert.ok(again.tokens_shared > first.tokens_shared);
	const other = await drawBuiltin("three red foxes", 2);
	assert.deepEqual([other.computed, other.shared], [again.computed + 1, again.shared]);
	assert.ok(other.tokens_computed > again.tokens_computed);
	const { body: load } = await admin.call("GET", `${base}/admin/load`);
	assert.deepEqual(load.prefixes, other);
	// Energy: where Linux tells it to this process, and said plainly where it does not.
	const readable = (() => {
		try {
			return Number(readFileSync("/sys/class/powercap/intel-rapl:0/energy_uj", "utf8")) >= 0;
		} catch {
			return false;
		}
	})();
	assert.equal(load.energy_readable, readable);
	assert.match((await house.call("GET", "/metrics")).body, new RegExp(`^madang_energy_readable ${readable ? 1 : 0}$`, "m"));
	if (!readable)
		assert.equal(load.pictures_per_joule, null);
});
