// node bench/server.mjs [SECONDS [STREAMS [MODEL]]]     prints CSV: measure,value,unit
//
// A real server (on SQLite; on PostgreSQL with MADANG_TEST_DATABASE=postgres), measured from outside: its start,
// its memory, the home timeline of 20 posts with pictures (signed in, keep-alive) against nginx serving the same
// bytes from a file in the same run, durable posts by 64 writers, idle streams, and, with the folder of a model,
// the time from the press of the button to a picture (as a program sees it; bench/browser.mjs: as a person does). The
// mixed figure is home timelines while 16 people post and, with a model, four wait for one picture after another:
// reads and writes are of the same seconds. Needs wrk and nginx.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort, House, onPostgres, png, program, sleep } from "../tests/api/house.mjs";

const seconds = Number(process.argv[2] ?? 5), streams = Number(process.argv[3] ?? 10000), model = process.argv[4];
const database = onPostgres ? "postgresql" : "sqlite";
const row = (measure, value, unit) => console.log(`${measure.includes(",") ? `"${measure}"` : measure},${database},${value},${unit}`);
console.log("measure,database,value,unit");

const rss = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);
const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13).reduce((a, b) => a + Number(b), 0);

// Requests per second of processor time that the server itself took.
function wrk(url, pids, more = []) {
	const before = pids.map(ticks).reduce((a, b) => a + b);
	const out = execFileSync("wrk", ["-t1", "-c32", `-d${seconds}s`, "--latency", ...more, url], { encoding: "utf8" });
	const used = (pids.map(ticks).reduce((a, b) => a + b) - before) / 100;
	const count = Number(out.match(/(\d+) requests in/)[1]);
	if (/Non-2xx/.test(out))
		throw new Error(out);
	return { perCore: Math.round(count / used), perSecond: Math.round(count / seconds), p99: out.match(/^\s+99%\s+(\S+)/m)[1] };
}

// What the database wrote, and in how many commits.
async function grouped() {
	const metrics = (await house.call("GET", "/metrics")).body;
	return ["writes", "commits"].map((what) => Number(metrics.match(new RegExp(`^madang_db_${what}_total (\\d+)`, "m"))[1]));
}

const dir = mkdtempSync(path.join(tmpdir(), "madang-bench-"));
// To a file, as a service's log goes: this process is too busy to read it.
const house = await House.start({ log: path.join(dir, "log"), model, arguments: ["--connections-max", String(streams * 2 + 1000)] });
row("start", Number(readFileSync(path.join(dir, "log"), "utf8").match(/serve.started.* ms=(\d+)/)[1]), "ms");
row("the program's file", Math.round(statSync(program).size / 1024), "KiB");
row("memory at rest", rss(house.process.pid), "KiB");

const alice = house.account("alice"), bob = house.account("bob");
await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`);
for (let i = 0; i < 20; i++) {
	const form = new FormData();
	form.set("file", new Blob([png(64, 64, [10 * i, 99, 40])]), "a.png");
	const media = (await alice.call("POST", "/api/v2/media", form)).body;
	await alice.call("POST", "/api/v1/statuses", { status: `picture ${i} #made`, media_ids: [media.id] });
}
const home = await bob.call("GET", "/api/v1/timelines/home");
if (home.body.length !== 20)
	throw new Error("the home timeline is not full");

const port = await freePort();
writeFileSync(path.join(dir, "home.json"), JSON.stringify(home.body));
writeFileSync(path.join(dir, "nginx.conf"), `daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http { access_log ${dir}/access.log; keepalive_requests 1000000; server { listen 127.0.0.1:${port}; root ${dir}; } }
`);
// Each request another question, so that no answer is kept: the page is read and put together each time, of posts
// that are known, as they are where other people read them too.
writeFileSync(path.join(dir, "fresh.lua"), 'local n = 0\nrequest = function() n = n + 1 return wrk.format("GET", "/api/v1/timelines/home?n=" .. n) end\n');
execFileSync("chmod", ["-R", "a+rX", dir]);
const nginx = spawn("nginx", ["-c", `${dir}/nginx.conf`, "-e", `${dir}/error.log`]);
await sleep(1000);
const workers = execFileSync("pgrep", ["-P", String(nginx.pid)], { encoding: "utf8" }).trim().split("\n").map(Number);
const header = ["-H", `Authorization: Bearer ${bob.token}`], url = `${house.url}/api/v1/timelines/home`;
// In turns, so that whatever else the machine does disturbs all alike.
const best = { kept: 0, fresh: 0, nginx: 0 }, p99 = {};
for (let round = 0; round < 2; round++)
	for (const [what, run] of [["kept", () => wrk(url, [house.process.pid], header)], ["fresh", () => wrk(url, [house.process.pid], [...header, "-s", `${dir}/fresh.lua`])], ["nginx", () => wrk(`http://127.0.0.1:${port}/home.json`, workers)]]) {
		const r = run();
		if (r.perCore > best[what])
			(best[what] = r.perCore), (p99[what] = r.p99);
	}
nginx.kill();
await once(nginx, "exit");
row("home timeline, unchanged since", best.kept, "requests/s per core");
row("home timeline, unchanged since, p99", p99.kept, "");
row("home timeline, each answer made anew", best.fresh, "requests/s per core");
row("home timeline, each answer made anew, p99", p99.fresh, "");
row("nginx, the same bytes", best.nginx, "requests/s per core");
row("unchanged over nginx", (best.kept / best.nginx).toFixed(3), "ratio");
row("anew over nginx", (best.fresh / best.nginx).toFixed(3), "ratio");

// 64 people: of one account's posts each waits for the one before, since they count on one row.
const writers = Array.from({ length: 64 }, (_, w) => house.account(`writer${w}`));
const commits = await grouped();
let posted = 0;
const end = Date.now() + seconds * 1000;
await Promise.all(writers.map(async (writer, w) => {
	for (let i = 0; Date.now() < end; i++)
		if ((await writer.call("POST", "/api/v1/statuses", { status: `writer ${w} post ${i}` })).status === 200)
			posted++;
}));
row("durable posts, 64 writers", Math.round(posted / seconds), "posts/s");
if (!onPostgres) // which groups by itself and does not say how many
	row("writes in one commit, 64 writers", ((await grouped()).map((n, i) => n - commits[i]).reduce((writes, n) => writes / n)).toFixed(2), "");

// --- streams ---

async function listen(count) {
	const sockets = [];
	for (let i = 0; i < count; i += 200)
		sockets.push(...(await Promise.all(Array.from({ length: Math.min(200, count - i) }, async () => {
			const s = net.connect(house.port, "127.0.0.1");
			s.write(`GET /api/v1/streaming/user HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bob.token}\r\n\r\n`);
			await once(s, "data");
			return s;
		}))));
	return sockets;
}
const warm = await listen(200), before = rss(house.process.pid);
const sockets = await listen(streams);
row(`memory of an idle stream (of ${streams})`, (((rss(house.process.pid) - before) * 1024) / streams).toFixed(0), "bytes");
let heard = 0;
const all = new Promise((resolve) => sockets.forEach((s) => s.once("data", () => ++heard === streams && resolve())));
const sent = Date.now();
await alice.call("POST", "/api/v1/statuses", { status: "to all of you" });
await all;
row(`a post reaches ${streams} streams`, Date.now() - sent, "ms");
[...warm, ...sockets].forEach((s) => s.destroy());

// --- from the press of the button ---

async function draw(n) {
	const pressed = Date.now();
	const job = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: `a red apple on a table ${n}`, seed: n })).body;
	let preview = 0;
	for await (const e of house.events(`/api/madang/v1/jobs/${job.id}/events`, alice.token)) {
		preview ||= e.event === "preview" ? Date.now() - pressed : 0;
		if (e.event === "finished")
			return { preview: preview || Date.now() - pressed, finished: Date.now() - pressed };
		if (["failed", "cancelled"].includes(e.event))
			throw new Error(e.data);
	}
}
if (model) {
	await draw(0);
	for (const users of [1, 8]) {
		const times = await Promise.all(Array.from({ length: users }, (_, i) => draw(users * 10 + i)));
		row(`press to first preview, the slowest of ${users}`, Math.max(...times.map((t) => t.preview)), "ms");
		row(`press to finished picture, the slowest of ${users}`, Math.max(...times.map((t) => t.finished)), "ms");
	}
}

// --- all at once ---

{
	let writing = true, written = 0, pictures = 0;
	const other = house.account("cho"); // whom bob does not follow: his home stays what it is
	const writers = Array.from({ length: 16 }, async (_, w) => {
		for (let i = 0; writing; i++) {
			const { status } = await other.call("POST", "/api/v1/statuses", { status: `busy writer ${w} post ${i}` });
			written += status === 200;
		}
	});
	const painters = Array.from({ length: model ? 4 : 0 }, async (_, w) => {
		for (let i = 0; writing; i++) {
			await draw(1000 * w + i + 100);
			pictures += writing;
		}
	});
	await sleep(1000);
	const from = [written, pictures];
	const out = (await promisify(execFile)("wrk", ["-t1", "-c32", `-d${seconds}s`, "--latency", ...header, "-s", `${dir}/fresh.lua`, url])).stdout;
	const [posts, drawn] = [written - from[0], pictures - from[1]];
	writing = false;
	await Promise.all([...writers, ...painters]);
	if (/Non-2xx/.test(out))
		throw new Error(out);
	const what = model ? "16 post and 4 have pictures drawn" : "16 post";
	row(`home timelines while ${what}`, Math.round(Number(out.match(/(\d+) requests in/)[1]) / seconds), "requests/s");
	row(`home timelines while ${what}, p99`, out.match(/^\s+99%\s+(\S+)/m)[1], "");
	row(`posts meanwhile, ${what}`, Math.round(posts / seconds), "posts/s");
	if (model)
		row(`pictures meanwhile, ${what}`, drawn, `in ${seconds} s`);
}
await house.stop();
rmSync(dir, { recursive: true, force: true });
process.exit(0);
