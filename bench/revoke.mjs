// usage: node bench/revoke.mjs [tokens] [jobs] [serve processes, on PostgreSQL]     how fast access is taken back
//
// One programme with that many members, each with a token and a stream of a job under way; then the programme is
// revoked. Appends to bench/revoke.csv: when the command was answered, when the last stream was cut, when the last job was
// cancelled, and how many requests got through after the answer. MADANG_PROGRAM names another program.
import { once } from "node:events";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import http from "node:http";
import { cpus } from "node:os";

const [tokens, jobs, processes] = [process.argv[2] ?? 1000, process.argv[3] ?? 200, process.argv[4] ?? 1].map(Number);
if (processes > 1)
	process.env.MADANG_TEST_DATABASE = "postgres";
const { House, onPostgres, sleep } = await import("../tests/api/house.mjs");
const api = "/api/madang/v1";
const maker = http.createServer((rq) => rq.resume()).listen(0, "127.0.0.1"); // never answers: its jobs run
await once(maker, "listening");
const args = ["--openai-url", `http://127.0.0.1:${maker.address().port}/v1`, "--openai-model", "m", "--openai-timeout-s", "600"];
const houses = [await House.start({ arguments: args })];
while (houses.length < processes)
	houses.push(await House.beside(houses[0], { arguments: args }));
const house = houses[0];
const root = house.account("root", { admin: true });
const ok = (r) => {
	if (r.status !== 200)
		throw new Error(JSON.stringify(r));
	return r.body;
};
const programme = ok(await root.call("POST", `${api}/admin/programmes`, { name: "Evening", makers: ["openai"] }));
ok(await root.call("POST", `${api}/admin/quotas`, { subject: "everyone", unit: "running", amount: 1000 }));
ok(await root.call("POST", `${api}/admin/quotas`, { subject: "everyone", unit: "queued", amount: 1000 }));

// People are few, because their passwords take long to hash; tokens are many.
const people = [];
for (let i = 0; i < Math.min(20, tokens); i++) {
	const who = house.account(`person${i}`);
	ok(await root.call("POST", `${api}/admin/programmes/${programme.id}/members`, { username: who.name }));
	ok(await who.call("POST", `${api}/programmes/${programme.id}/accept`, { accept_terms: true }));
	ok(await who.call("POST", `${api}/studio/consent`, { maker: "openai" }));
	people.push(who);
}
const made = [];
for (let i = 0; i < tokens; i++)
	made.push(ok(await people[i % people.length].call("POST", `${api}/tokens`, { name: `t${i}`, programme_id: programme.id })).token);

const cut = [];
const opened = [];
for (let i = 0; i < jobs; i++)
	opened.push(fetch(`${houses[i % houses.length].url}/v1/images/generations`, {
		method: "POST",
		headers: { authorization: `Bearer ${made[i % made.length]}`, "content-type": "application/json" },
		body: JSON.stringify({ prompt: "x", stream: true }),
	}).then(async (r) => {
		if (!r.ok)
			throw new Error(await r.text());
		return r;
	}));
for (const r of await Promise.all(opened))
	cut.push((async () => {
		for await (const chunk of r.body)
			void chunk;
		return performance.now();
	})());
await sleep(1500);
const waiting = ok(await root.call("GET", `${api}/admin/overview`));
const began = performance.now();
const revoked = ok(await root.call("POST", `${api}/admin/revocations`, { kind: "programme", id: programme.id }));
const answered = performance.now() - began;
const none = (async () => {
	for (;;) {
		const o = ok(await root.call("GET", `${api}/admin/overview`));
		if (o.jobs_queued + o.jobs_running === 0)
			return performance.now();
	}
})();
let through = 0;
for (let i = 0; i < 100; i++) {
	const r = await fetch(`${houses[i % houses.length].url}/v1/models`, { headers: { authorization: `Bearer ${made[(i * 7) % made.length]}` } });
	through += r.status === 200;
}
const last = Math.max(...await Promise.all(cut)) - began;
const ended = (await none) - began;
const file = new URL("revoke.csv", import.meta.url);
if (!existsSync(file))
	writeFileSync(file, "date,cpu,database,processes,tokens,jobs,jobs_running,tokens_revoked,answered_ms,last_stream_cut_ms,jobs_ended_ms,through_after_answer\n");
const row = [new Date().toISOString().slice(0, 10), `"${cpus()[0].model}"`, onPostgres ? "postgresql" : "sqlite", processes, tokens, jobs, waiting.jobs_running, revoked.tokens, answered.toFixed(0), last.toFixed(0), ended.toFixed(0), through];
appendFileSync(file, row.join(",") + "\n");
console.log(row.join(","));
for (const h of houses.slice(1))
	await h.kill("SIGTERM");
await house.stop();
maker.closeAllConnections();
maker.close();
process.exit(0);
