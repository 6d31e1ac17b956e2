// Workers on one PostgreSQL with two servers: whoever is killed, the job is drawn by another, once; what is drawn
// elsewhere is seen where it is watched.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { House, end, onPostgres, png, program, tinyModel, until, worker } from "./house.mjs";

const base = "/api/madang/v1";

describe("two servers, their workers", { skip: onPostgres ? false : "SQLite has one process" }, () => {
	let a, b, fake, alice, admin;
	const workers = [];
	const asked = []; // what the maker elsewhere was asked: { prompt, answer, gone }

	before(async () => {
		fake = http.createServer(async (rq, rs) => {
			let text = "";
			for await (const chunk of rq)
				text += chunk;
			const one = { prompt: JSON.parse(text).prompt, gone: false };
			one.answer = () => {
				rs.writeHead(200, { "content-type": "application/json" });
				rs.end(JSON.stringify({ data: [{ b64_json: png(16, 16).toString("base64") }] }));
			};
			rs.on("close", () => (one.gone = !rs.writableFinished));
			asked.push(one);
		}).listen(0, "127.0.0.1");
		await once(fake, "listening");
		const options = { model: tinyModel(), arguments: ["--draw=false", "--lease-s", "2"] };
		a = await House.start(options);
		b = await House.beside(a, options);
		admin = a.account("root", { admin: true });
		alice = a.account("alice");
	});
	after(async () => {
		for (const w of workers)
			await end(w, "SIGTERM");
		await b?.stop();
		await a?.stop();
		fake.close();
	});

	async function start(...more) {
		const w = await worker(a, ...more);
		workers.push(w);
		return w;
	}

	const elsewhere = () => ["--makers", "openai", "--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m", "--openai-jobs-max", "1"];
	const available = async (house, id) => (await house.call("GET", `${base}/studio`)).body.makers.find((m) => m.id === id)?.available;

	test("what nobody can draw is refused at once, and not counted", async () => {
		const r = await alice.call("POST", `${base}/jobs`, { prompt: "x", maker: "builtin" });
		assert.equal(r.status, 503, JSON.stringify(r.body));
		assert.match(r.body.error, /No machine/);
		assert.equal(await available(b, "builtin"), false);
		assert.deepEqual((await alice.call("GET", `${base}/jobs`)).body, []);
	});

	test("a worker needs PostgreSQL, pictures and something to draw with", async () => {
		for (const [args, why] of [[["--media", a.data], /PostgreSQL/], [["--database", a.arguments[a.arguments.indexOf("--database") + 1]], /--media/]]) {
			const w = spawn(program, ["worker", ...args], { stdio: ["ignore", "ignore", "pipe"] });
			let text = "";
			w.stderr.on("data", (d) => (text += d));
			const [code] = await once(w, "exit");
			assert.notEqual(code, 0);
			assert.match(text, why);
		}
	});

	test("a job whose worker is killed is drawn by another, once", async () => {
		const pair = [await start(...elsewhere()), await start(...elsewhere())];
		for (const house of [a, b])
			await until("both servers know the maker", async () => available(house, "openai"));
		await alice.call("POST", `${base}/studio/consent`, { maker: "openai" });
		const { id } = (await alice.call("POST", `${base}/jobs`, { prompt: "killed", maker: "openai" })).body;
		const events = [];
		const watching = (async () => {
			for await (const e of b.events(`${base}/jobs/${id}/events`, alice.token))
				events.push(e.event);
		})();
		await until("it is being drawn", () => asked.length === 1);
		const busy = await until("its worker says so", async () => {
			const load = (await admin.call("GET", `${base}/admin/load`)).body;
			return load.workers.find((w) => w.busy === 1 && w.name.startsWith("worker:"));
		});
		const victim = pair.find((w) => busy.name.includes(`:${w.pid}:`));
		await end(victim, "SIGKILL");
		await until("another draws it", () => asked.length === 2, 20000);
		assert.equal(asked[1].prompt, "killed");
		asked[1].answer();
		await watching;
		assert.equal(events.at(-1), "finished");
		const job = (await b.call("GET", `${base}/jobs/${id}`, undefined, { authorization: `Bearer ${alice.token}` })).body;
		assert.deepEqual([job.state, job.media.length], ["finished", 1]);
		assert.equal(asked.length, 2);
	});

	test("what is cancelled at one server is stopped at the worker", async () => {
		const before = asked.length;
		const { id } = (await alice.call("POST", `${base}/jobs`, { prompt: "cancelled", maker: "openai" })).body;
		const one = await until("it is being drawn", () => asked[before]);
		await until("both know", async () => (await alice.call("GET", `${base}/jobs/${id}`)).body.state === "drawing");
		await b.call("DELETE", `${base}/jobs/${id}`, undefined, { authorization: `Bearer ${alice.token}` });
		await until("the request has ended", () => one.gone);
		assert.equal((await alice.call("GET", `${base}/jobs/${id}`)).body.state, "cancelled");
	});

	test("previews travel as tokens and are decoded where they are watched", async () => {
		const w = await start("--makers", "builtin", "--model", tinyModel());
		for (const house of [a, b])
			await until("the server knows it", async () => available(house, "builtin"));
		w.kill("SIGSTOP"); // until somebody watches
		const { id } = (await alice.call("POST", `${base}/jobs`, { prompt: "tokens", maker: "builtin" })).body;
		const previews = [];
		let last;
		const stream = b.events(`${base}/jobs/${id}/events`, alice.token);
		const first = await stream.next();
		assert.equal(first.value.event, "queued");
		w.kill("SIGCONT");
		for await (const e of stream) {
			last = e.event;
			if (e.event === "preview")
				previews.push(JSON.parse(e.data));
		}
		assert.equal(last, "finished");
		assert.ok(previews.length >= 1, "a preview came");
		assert.match(previews[0].image, /^data:image\/jpeg;base64,/);
		assert.ok(previews[0].rows > 0 && previews[0].rows <= 1 && previews[0].width === 16);
	});

	test("a worker that is asked to stop leaves at once", async () => {
		await end(workers.at(-1), "SIGTERM");
		assert.equal(workers.at(-1).exitCode, 0, workers.at(-1).log);
		await until("nobody counts it", async () => (await available(a, "builtin")) === false);
	});
});
