// node bench/posts.mjs [SECONDS [SYNC_MS [OPTION…]]]     prints CSV: measure,database,options,value,unit
//
// Durable posts over HTTP: 1, 4 and 64 connections that post for 64 accounts, each the next when the last is answered, and home timelines
// of one connection meanwhile. Acknowledged means that its commit is on the disk. With SYNC_MS each sync takes so many milliseconds
// more, in the server and in PostgreSQL (slow_sync.c), as a real disk does where the machine's answers from a cache. On
// SQLite; on PostgreSQL with MADANG_TEST_DATABASE=postgres. The options are the server's, as --workers 4. Needs wrk.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { House, onPostgres } from "../tests/api/house.mjs";

const seconds = Number(process.argv[2] ?? 5), sync = Number(process.argv[3] ?? 0), more = process.argv.slice(4);
const options = [...(sync ? [`sync ${sync} ms added`] : []), ...(more.length ? [more.join(" ")] : []), `${cpus().length} cores; load ${Math.round(loadavg()[0])} before`].join("; "); // what else the machine does is a part of the figure
const row = (measure, value, unit) => console.log(`${measure.includes(",") ? `"${measure}"` : measure},${onPostgres ? "postgresql" : "sqlite"},${options},${value},${unit}`);
if (sync) {
	process.env.LD_PRELOAD = fileURLToPath(new URL("../build/bench/slow_sync.so", import.meta.url));
	process.env.MADANG_SYNC_MS = String(sync);
}
const dir = mkdtempSync(path.join(tmpdir(), "madang-bench-"));
const house = await House.start({ log: path.join(dir, "log"), arguments: more });
delete process.env.LD_PRELOAD;
const writers = Array.from({ length: 64 }, (_, i) => house.account(`writer${i}`)), bob = house.account("bob");
writeFileSync(path.join(dir, "post.lua"), `local n, tokens = 0, {${writers.map((w) => `"${w.token}"`)}}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
	n = n + 1
	wrk.headers["Authorization"] = "Bearer " .. tokens[n % 64 + 1]
	return wrk.format(nil, "/api/v1/statuses", nil, '{"status":"post ' .. n .. '"}')
end
`);
writeFileSync(path.join(dir, "home.lua"), 'local n = 0\nrequest = function() n = n + 1 return wrk.format("GET", "/api/v1/timelines/home?n=" .. n) end\n');
execFile("chmod", ["-R", "a+rX", dir]);

async function wrk(script, connections) {
	const { stdout } = await promisify(execFile)("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "30s", "-H", `Authorization: Bearer ${bob.token}`, "-s", path.join(dir, script), house.url]);
	if (/Non-2xx|Socket errors/.test(stdout))
		throw new Error(stdout);
	return { rate: Math.round(Number(stdout.match(/Requests\/sec:\s+(\S+)/)[1])), p99: stdout.match(/^\s+99%\s+(\S+)/m)[1] };
}
async function figures() {
	const text = (await house.call("GET", "/metrics")).body;
	return ["madang_db_writes_total", "madang_db_commits_total"].map((name) => Number(text.match(new RegExp(`^${name} (\\d+)`, "m"))[1]));
}

const rates = {};
await wrk("post.lua", 4); // what is prepared once
for (const connections of [1, 4, 64]) {
	const before = await figures();
	const [posts, home] = await Promise.all([wrk("post.lua", connections), wrk("home.lua", 1)]);
	const after = await figures();
	rates[connections] = posts.rate;
	row(`durable posts, ${connections} connections`, posts.rate, "posts/s");
	row(`durable posts, ${connections} connections, p99`, posts.p99, "");
	if (!onPostgres) // which groups by itself and does not say how many
		row(`writes in one commit, ${connections} connections`, ((after[0] - before[0]) / (after[1] - before[1])).toFixed(2), "");
	row(`home timelines meanwhile, ${connections} connections`, home.rate, "requests/s");
	row(`home timelines meanwhile, ${connections} connections, p99`, home.p99, "");
}
row("64 connections over one", (rates[64] / rates[1]).toFixed(1), "ratio");
await house.stop();
rmSync(dir, { recursive: true, force: true });
process.exit(0);
