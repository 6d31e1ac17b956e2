// node bench/evening.mjs [SECONDS] [PLOT.svg]     prints CSV: measure,value,unit
//
// A popular evening on a real server (SQLite): 2,000 accounts, arrivals that grow tenfold, 5 % heavy accounts that
// keep asking, 1 % whose tokens have leaked: a dozen strangers each, who ask from networks and with programs of their own.
// Time runs faster:
// the five minutes take SECONDS (default 60), and everything else by the same factor. The maker is one elsewhere, whose
// pictures take the times recorded with the built-in model on two cores (evening_times.csv).
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import path from "node:path";

const base = "/api/madang/v1";
const say = (what) => console.error(`${new Date().toISOString().slice(11, 19)} ${what}`);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// --- the reader: a thread of its own, so that this program's own work is not measured ---

async function read({ url, token, every }) {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	let stop = false;
	parentPort.on("message", () => (stop = true));
	const samples = [];
	while (!stop) {
		const began = process.hrtime.bigint();
		await new Promise((done) => {
			const rq = http.get(`${url}/api/v1/timelines/public`, { agent, headers: { authorization: `Bearer ${token}` } }, (rs) => {
				rs.resume();
				rs.on("end", () => done(samples.push([Date.now(), Number(process.hrtime.bigint() - began) / 1e6, rs.statusCode])));
			});
			rq.on("error", () => done(samples.push([Date.now(), 1e9, 0])));
		});
		await sleep(every);
	}
	agent.destroy();
	parentPort.postMessage(samples);
}

if (!isMainThread) {
	await read(workerData);
} else {
	await evening();
}

// --- the evening ---

async function evening() {
	const { House, png } = await import("../tests/api/house.mjs");
	const seconds = Number(process.argv[2] ?? 60), plot = process.argv[3];
	const factor = 300 / seconds;
	const ACCOUNTS = 2000, HEAVY = 100, LEAKED = 20, STRANGERS = 12, SLOTS = 4, CALM_RATE = 0.15 * factor, PEAK = 10;
	const here = path.dirname(fileURLToPath(import.meta.url));
	const recorded = readFileSync(path.join(here, "evening_times.csv"), "utf8").trim().split("\n").slice(1).map(Number);
	const picture = JSON.stringify({ data: [{ b64_json: png(64, 64).toString("base64") }] });
	let served = 0;
	const fake = http.createServer((rq, rs) => {
		rq.resume();
		rq.on("end", async () => {
			await sleep((recorded[served++ % recorded.length] * 1000) / factor);
			rs.writeHead(200, { "content-type": "application/json" });
			rs.end(picture);
		});
	}).listen(0, "127.0.0.1");
	await once(fake, "listening");
	const rows = [];
	const row = (measure, value, unit) => {
		rows.push([measure, value, unit]);
		console.log(`${measure},${value},${unit}`);
	};
	console.log("measure,value,unit");

	const house = await House.start({
		arguments: ["--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m", "--openai-width", "64", "--openai-height", "64", "--openai-jobs-max", `${SLOTS}`, "--load-wait-s", `${Math.max(1, Math.round(30 / factor))}`, "--jobs-active-max", "6", "--trusted-proxies", "127.0.0.1", "--log-level", "warn"],
	});
	say("the house stands");
	const one = house.account("light0");
	await one.call("POST", `${base}/studio/consent`, { maker: "openai" });
	for (let i = 0; i < 20; i++)
		await one.call("POST", "/api/v1/statuses", { status: `post ${i}` });
	await house.kill("SIGTERM");
	say("people move in");
	const people = clone(`${house.data}/madang.db`, one, ACCOUNTS);
	await house.up();

	say("they are there");
	const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
	const counts = {};
	const acknowledged = [];
	async function ask(who, count = 1) {
		const body = JSON.stringify({ prompt: `evening ${who.name}`, maker: "openai", count });
		const status = await new Promise((done) => {
			const rq = http.request(`${house.url}${base}/jobs`, { method: "POST", agent, headers: { authorization: `Bearer ${who.token}`, "content-type": "application/json", "content-length": body.length, "user-agent": "evening", ...who.headers } }, (rs) => {
				let text = "";
				rs.on("data", (d) => (text += d));
				rs.on("end", () => {
					if (rs.statusCode === 200)
						acknowledged.push({ id: JSON.parse(text).id, kind: who.kind });
					done(rs.statusCode);
				});
			});
			rq.on("error", () => done(0));
			rq.end(body);
		});
		counts[`${who.kind} ${status}`] = (counts[`${who.kind} ${status}`] ?? 0) + 1;
		return status;
	}

	const reader = new Worker(fileURLToPath(import.meta.url), { workerData: { url: house.url, token: one.token, every: 10 } });
	const levels = [];
	const watch = setInterval(async () => {
		const l = (await house.call("GET", `${base}/load`)).body;
		levels.push([Date.now(), l.level, l.queued]);
	}, 500);
	await sleep(5000); // calm: the reader alone
	for (let i = 0; i < 40; i++) // what a quiet day has taught the server about its maker
		await ask(people[i]), await sleep(100);
	say("it begins");
	const heavy = people.slice(1, 1 + HEAVY).map((p) => ({ ...p, kind: "heavy" }));
	const leaked = people.slice(1 + HEAVY, 1 + HEAVY + LEAKED).map((p) => ({ ...p, kind: "leaked" }));
	await Promise.all(heavy.concat(leaked).map(async (who) => { // the tokens that are watched; only the second ones leak
		who.browser = who.token;
		const made = await house.call("POST", `${base}/tokens`, { name: "script" }, { authorization: `Bearer ${who.token}` });
		Object.assign(who, { token: made.body.token, token_id: made.body.id });
	}));
	const strangers = leaked.flatMap((who, i) => Array.from({ length: STRANGERS }, (_, k) => ({ ...who, headers: { "x-forwarded-for": `198.18.${i}.1, 203.${k}.${i}.7`, "user-agent": `stranger ${k}` } })));
	const t0 = Date.now(), end = t0 + seconds * 1000;
	const light = people.slice(1 + HEAVY + LEAKED);
	const patient = heavy.map(async (who) => {
		await sleep(Math.random() * seconds * 200);
		while (Date.now() < end)
			if ((await ask(who)) !== 200)
				await sleep(1500);
	});
	const stopped = new Map();
	const greedy = strangers.map(async (who) => {
		await sleep(seconds * 300 + Math.random() * 1000);
		while (Date.now() < end) {
			if ((await ask(who, 4)) === 403 && !stopped.has(who.id))
				stopped.set(who.id, (Date.now() - t0) / 1000 - seconds * 0.3);
			await sleep(500);
		}
	});
	let next = 0;
	const asking = [];
	for (let now = t0; now < end; now = Date.now()) {
		const rate = CALM_RATE * (1 + (PEAK - 1) * ((now - t0) / (seconds * 1000)));
		await sleep((-Math.log(1 - Math.random()) / rate) * 1000);
		asking.push(ask({ ...light[next++ % light.length], kind: "light" }));
	}
	say("the last have asked");
	await Promise.all([...patient, ...greedy, ...asking]);
	say("all are answered");
	const over = Date.now();
	reader.postMessage("stop");
	const [samples] = await once(reader, "message");
	// What was promised is drawn: the heavy ones' rests are cancelled as people do when they go to bed.
	await sleep(3000);
	clearInterval(watch);
	const metrics = (await house.call("GET", "/metrics")).body;
	for (let i = 0; i < 120 && Number((await house.call("GET", "/metrics")).body.match(/madang_jobs_queued (\d+)/)[1]); i++) {
		await sleep(500);
		if (i === 10)
			await Promise.all(heavy.concat(leaked).map(async (who) => {
				for (const j of (await house.call("GET", `${base}/jobs?limit=40`, undefined, { authorization: `Bearer ${who.browser}` })).body)
					if (j.state === "queued")
						await house.call("DELETE", `${base}/jobs/${j.id}`, undefined, { authorization: `Bearer ${who.browser}` });
			}));
	}
	say("the queue is empty");
	await sleep(1000);
	const watched = heavy.concat(leaked).map((who) => who.token_id);
	await house.kill("SIGTERM");
	const states = new Map(execFileSync("sqlite3", ["-csv", `${house.data}/madang.db`, "SELECT id, state FROM tokens"], { encoding: "utf8" }).trim().split("\n").map((l) => l.split(",")));
	const found = watched.filter((id) => states.get(id) !== "0");
	row("leaked tokens found", leaked.filter((who) => found.includes(who.token_id)).length / LEAKED, "");
	row("found after, median", quantile([...stopped.values()], 0.5)?.toFixed(2), "s");
	row("other tokens stopped", heavy.filter((who) => found.includes(who.token_id)).length, "");
	const jobs = dump(`${house.data}/madang.db`);
	report({ row, jobs, acknowledged, counts, samples, t0, over, seconds, heavy, levels, metrics, factor, plot });
	await house.stop();
	process.exit(0); // kept connections would hold it
}

// Accounts like the first one, each with a token, written beside a server that does not run.
function clone(file, first, n) {
	const people = [];
	const sql = ["BEGIN;"];
	const known = {};
	const columns = (table) => (known[table] ??= execFileSync("sqlite3", [file, `PRAGMA table_info(${table})`], { encoding: "utf8" }).trim().split("\n").map((l) => l.split("|")[1]));
	const copy = (table, where, changes) => {
		const all = columns(table);
		sql.push(`INSERT INTO ${table} (${all}) SELECT ${all.map((c) => changes[c] ?? c)} FROM ${table} WHERE ${where};`);
	};
	for (let i = 0; i < n; i++) {
		const id = BigInt(first.id) + 1000n + BigInt(i), name = `person${i}`, token = randomBytes(16).toString("hex");
		const hash = createHash("sha256").update(`token\0${token}`).digest("hex");
		copy("accounts", `id = ${first.id}`, { id, username: `'${name}'`, username_key: `'${name}'`, uri: `uri || '${i}'`, url: `url || '${i}'` });
		copy("users", `account_id = ${first.id}`, { account_id: id, email: `'${name}@example.org'`, email_key: `'${name}@example.org'` });
		copy("oauth_tokens", `id = (SELECT MAX(id) FROM oauth_tokens WHERE account_id = ${first.id})`, { id: id + 5000n, account_id: id, token_hash: `'${hash}'` });
		copy("preferences", `account_id = ${first.id}`, { account_id: id });
		people.push({ id: String(id), name, token, kind: "calm" });
	}
	sql.push("COMMIT;");
	execFileSync("sqlite3", ["-bail", file], { input: sql.join("\n"), stdio: ["pipe", "pipe", "inherit"] });
	return people;
}

function dump(file) {
	const out = execFileSync("sqlite3", ["-csv", file, "SELECT id, account_id, state, count, created_at, started_at, finished_at, promise_low_ms, promise_high_ms, promise_mean_ms, attempts FROM jobs"], { encoding: "utf8", maxBuffer: 1 << 28 });
	return new Map(out.trim().split("\n").map((l) => {
		const [id, account, state, count, created, started, finished, low, high, mean, attempts] = l.split(",");
		return [id, { id, account, state: +state, count: +count, created: +created, started: +started, finished: +finished, low: +low, high: +high, mean: +mean, attempts: +attempts }];
	}));
}

// Whether there was a job in line at every moment of it.
function waited(jobs, from, to) {
	let until = from;
	for (const j of jobs.sort((a, b) => a.created - b.created))
		if (j.created <= until)
			until = Math.max(until, j.started || j.finished || Infinity);
	return until >= to;
}

function inside(j, from, to) {
	if (j.state !== 2)
		return 0;
	return Math.max(0, Math.min(j.finished, to) - Math.max(j.started, from)) / Math.max(1, j.finished - j.started);
}

function quantile(values, q) {
	return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
}

function report({ row, jobs, acknowledged, counts, samples, t0, over, seconds, heavy, levels, metrics, factor, plot }) {
	row("time runs faster by", factor, "");
	row("jobs acknowledged", acknowledged.length, "");
	for (const [k, n] of Object.entries(counts).sort())
		row(`answers ${k}`, n, "");
	const of = (kind) => acknowledged.filter((a) => a.kind === kind).map((a) => jobs.get(a.id)).filter(Boolean);
	const lost = acknowledged.filter((a) => ![2, 4].includes(jobs.get(a.id)?.state));
	row("share of work lost", lost.length / acknowledged.length, "");
	row("drawn twice", [...jobs.values()].filter((j) => j.attempts > 1).length, "");
	for (const kind of ["light", "heavy", "leaked"]) {
		const waits = of(kind).filter((j) => j.state === 2).map((j) => (j.finished - j.created) / 1000);
		row(`${kind} pictures drawn`, of(kind).filter((j) => j.state === 2).reduce((n, j) => n + j.count, 0), "");
		row(`${kind} wait p50`, quantile(waits, 0.5)?.toFixed(2), "s");
		row(`${kind} wait p95`, quantile(waits, 0.95)?.toFixed(2), "s");
	}
	// Equals: the heavy accounts that had something waiting all the time, over the time when all had begun. What they got
	// are pictures; of one that was being drawn at either end, the part that lies inside.
	const from = t0 + 0.3 * seconds * 1000;
	const mine = new Map(heavy.map((h) => [h.id, []]));
	for (const j of jobs.values())
		mine.get(j.account)?.push(j);
	const got = [...mine.values()].filter((all) => waited(all, from, over)).map((all) => all.reduce((n, j) => n + j.count * inside(j, from, over), 0));
	const sum = got.reduce((a, b) => a + b, 0), squares = got.reduce((a, b) => a + b * b, 0);
	row("accounts that always waited", got.length, "");
	row("Jain index among them", ((sum * sum) / (got.length * squares)).toFixed(4), "");
	row("pictures each", (sum / got.length).toFixed(2), "");
	const promised = [...jobs.values()].filter((j) => j.state === 2 && j.mean > 0 && j.created >= t0);
	const kept = promised.filter((j) => j.finished - j.created >= j.low && j.finished - j.created <= j.high);
	row("promises", promised.length, "");
	const kinds = new Map(acknowledged.map((a) => [a.id, a.kind]));
	for (const kind of ["light", "heavy", "leaked"]) {
		const all = promised.filter((j) => kinds.get(j.id) === kind);
		row(`${kind} promises kept`, (all.filter((j) => kept.includes(j)).length / all.length).toFixed(4), "");
		row(`${kind} promises broken by being late`, all.filter((j) => j.finished - j.created > j.high).length, "");
	}
	row("promises kept", (kept.length / promised.length).toFixed(4), "");
	const width = promised.map((j) => (j.high - j.low) / Math.max(1000, j.finished - j.created));
	row("width of a promise over the wait, median", quantile(width, 0.5)?.toFixed(2), "");
	row("width of a promise, median", (quantile(promised.map((j) => j.high - j.low), 0.5) / 1000).toFixed(2), "s");
	const calm = samples.filter(([t]) => t < t0 - 4500), busy = samples.filter(([t]) => t >= t0 + 0.5 * seconds * 1000 && t < over);
	row("reading p99 calm", quantile(calm.map((s) => s[1]), 0.99).toFixed(2), "ms");
	row("reading p99 overload", quantile(busy.map((s) => s[1]), 0.99).toFixed(2), "ms");
	row("reading p99 ratio", (quantile(busy.map((s) => s[1]), 0.99) / quantile(calm.map((s) => s[1]), 0.99)).toFixed(2), "");
	row("reading refused", samples.filter((s) => s[2] !== 200).length, "");
	row("highest level of load", Math.max(...levels.map((l) => l[1])), "");
	row("longest queue", Math.max(...levels.map((l) => l[2])), "jobs");
	row("pictures per cpu second", metrics.match(/madang_pictures_per_cpu_second ([\d.e+-]+)/)?.[1] ?? "", "");
	if (plot)
		writeFileSync(plot, draw(jobs, acknowledged, levels, t0, seconds));
}

// Waits by the time of asking, as points; the queue as a line.
function draw(jobs, acknowledged, levels, t0, seconds) {
	const W = 900, H = 420, L = 60, B = 50, T = 40, R = 60;
	const points = acknowledged.map((a) => [a.kind, jobs.get(a.id)]).filter(([, j]) => j?.state === 2 && j.created >= t0);
	const top = Math.max(1, ...points.map(([, j]) => (j.finished - j.created) / 1000));
	const longest = Math.max(1, ...levels.map((l) => l[2]));
	const x = (ms) => L + ((ms - t0) / (seconds * 1000)) * (W - L - R), y = (s) => H - B - (s / top) * (H - B - T);
	const yq = (n) => H - B - (n / longest) * (H - B - T);
	const colours = { light: "#1f77b4", heavy: "#d62728", leaked: "#7f7f7f" };
	const out = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="sans-serif" font-size="12"><rect width="${W}" height="${H}" fill="#fff"/>`];
	const inside = levels.filter((l) => l[0] >= t0 && l[0] <= t0 + seconds * 1000);
	out.push(`<polyline fill="none" stroke="#bbb" stroke-width="2" points="${inside.map((l) => `${x(l[0]).toFixed(1)},${yq(l[2]).toFixed(1)}`).join(" ")}"/>`);
	for (const kind of ["heavy", "leaked", "light"])
		for (const [k, j] of points)
			if (k === kind)
				out.push(`<circle cx="${x(j.created).toFixed(1)}" cy="${y((j.finished - j.created) / 1000).toFixed(1)}" r="2" fill="${colours[kind]}" fill-opacity="0.6"/>`);
	for (let i = 0; i <= 4; i++) {
		out.push(`<text x="${L - 8}" y="${y((top * i) / 4) + 4}" text-anchor="end">${((top * i) / 4).toFixed(1)} s</text>`);
		out.push(`<text x="${W - R + 8}" y="${yq((longest * i) / 4) + 4}" fill="#888">${Math.round((longest * i) / 4)}</text>`);
		out.push(`<text x="${x(t0 + (seconds * 1000 * i) / 4)}" y="${H - B + 18}" text-anchor="middle">${((seconds * i) / 4).toFixed(0)} s</text>`);
	}
	out.push(`<text x="${L}" y="20" font-size="14">A popular evening: the wait of each picture by when it was asked for</text>`);
	Object.entries(colours).forEach(([k, c], i) => out.push(`<circle cx="${L + 110 * i + 6}" cy="${H - 14}" r="4" fill="${c}"/><text x="${L + 110 * i + 16}" y="${H - 10}">${k}</text>`));
	out.push(`<line x1="${L + 340}" x2="${L + 360}" y1="${H - 14}" y2="${H - 14}" stroke="#bbb" stroke-width="2"/><text x="${L + 368}" y="${H - 10}">jobs waiting (right)</text></svg>`);
	return out.join("\n");
}
