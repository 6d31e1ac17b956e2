// node bench/server.mjs [SECONDS]     prints CSV: measure,value,unit
//
// A real server on SQLite, measured from outside: its start, its memory, the home timeline of 20 posts with
// pictures (signed in, keep-alive) against nginx serving the same bytes from a file in the same run, durable
// posts by 64 writers, and idle streams. Needs wrk and nginx.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort, House, png, sleep } from "../tests/api/house.mjs";

const seconds = Number(process.argv[2] ?? 5);
const rows = [];
const row = (measure, value, unit) => {
	rows.push([measure, value, unit]);
	console.log(`${measure},${value},${unit}`);
};
console.log("measure,value,unit");

const rss = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);
const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13).reduce((a, b) => a + Number(b), 0);

// Requests per second of processor time that the server itself took.
function wrk(url, pids, header) {
	const before = pids.map(ticks).reduce((a, b) => a + b);
	const out = execFileSync("wrk", ["-t1", "-c32", `-d${seconds}s`, "--latency", ...(header ? ["-H", header] : []), url], { encoding: "utf8" });
	const used = (pids.map(ticks).reduce((a, b) => a + b) - before) / 100;
	const count = Number(out.match(/(\d+) requests in/)[1]);
	if (/Non-2xx/.test(out))
		throw new Error(out);
	return { perCore: Math.round(count / used), perSecond: Math.round(count / seconds), p99: out.match(/99%\s+(\S+)/)[1] };
}

const began = Date.now();
const house = await House.start();
row("start", Number(house.log.match(/serve.started.* ms=(\d+)/)?.[1] ?? Date.now() - began), "ms");
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

const mine = wrk(`${house.url}/api/v1/timelines/home`, [house.process.pid], `Authorization: Bearer ${bob.token}`);
row("home timeline", mine.perCore, "requests/s per core");
row("home timeline p99", mine.p99, "");

const dir = mkdtempSync(path.join(tmpdir(), "madang-nginx-"));
const port = await freePort();
writeFileSync(path.join(dir, "home.json"), JSON.stringify(home.body));
writeFileSync(path.join(dir, "nginx.conf"), `daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http { access_log ${dir}/access.log; keepalive_requests 1000000; server { listen 127.0.0.1:${port}; root ${dir}; } }
`);
execFileSync("chmod", ["-R", "a+rX", dir]);
const nginx = spawn("nginx", ["-c", `${dir}/nginx.conf`, "-e", `${dir}/error.log`]);
await sleep(1000);
const workers = execFileSync("pgrep", ["-P", String(nginx.pid)], { encoding: "utf8" }).trim().split("\n").map(Number);
const theirs = wrk(`http://127.0.0.1:${port}/home.json`, workers);
nginx.kill();
await once(nginx, "exit");
rmSync(dir, { recursive: true, force: true });
row("nginx, the same bytes", theirs.perCore, "requests/s per core");
row("ratio", (mine.perCore / theirs.perCore).toFixed(3), "");

let posted = 0;
const end = Date.now() + seconds * 1000;
await Promise.all(Array.from({ length: 64 }, async (_, w) => {
	for (let i = 0; Date.now() < end; i++)
		if ((await alice.call("POST", "/api/v1/statuses", { status: `writer ${w} post ${i}` })).status === 200)
			posted++;
}));
row("durable posts, 64 writers", Math.round(posted / seconds), "posts/s");
const metrics = (await house.call("GET", "/metrics")).body;
const figure = (name) => Number(metrics.match(new RegExp(`^${name} (\\d+)`, "m"))[1]);
row("writes in one commit", (figure("madang_db_writes_total") / figure("madang_db_commits_total")).toFixed(2), "");

const streams = 2000;
const before = rss(house.process.pid);
const sockets = await Promise.all(Array.from({ length: streams }, async () => {
	const s = net.connect(house.port, "127.0.0.1");
	s.write("GET /api/v1/streaming/public HTTP/1.1\r\nHost: x\r\n\r\n");
	await once(s, "data");
	return s;
}));
row(`memory of an idle stream (of ${streams})`, (((rss(house.process.pid) - before) * 1024) / streams).toFixed(0), "bytes");
let heard = 0;
const all = new Promise((resolve) => sockets.forEach((s) => s.once("data", () => ++heard === streams && resolve())));
const sent = Date.now();
await alice.call("POST", "/api/v1/statuses", { status: "to all of you" });
await all;
row(`a post reaches ${streams} streams`, Date.now() - sent, "ms");
sockets.forEach((s) => s.destroy());
await house.stop();
