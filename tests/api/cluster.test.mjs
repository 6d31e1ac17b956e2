// An evening of a small cluster: two servers and two workers on one PostgreSQL. A worker is killed in mid-job, a
// cohort's access is taken back at one server and ends at both, and is given back.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { House, end, onPostgres, png, tinyModel, until, worker } from "./house.mjs";

const api = "/api/madang/v1";

describe("two servers, two workers, one database", { skip: onPostgres ? false : "SQLite has one process" }, () => {
	let a, b, fake, root, cohort;
	const servers = [], workers = [], people = {};
	const asked = []; // what the maker elsewhere was asked: { prompt, worker, show, answer, gone }

	before(async () => {
		fake = http.createServer(async (rq, rs) => {
			let text = "";
			for await (const chunk of rq)
				text += chunk;
			// Each worker has an address of its own there: who asks is known at once, not with the next sign of life.
			const one = { prompt: JSON.parse(text).prompt, worker: workers[rq.url.split("/")[1]], gone: false };
			const event = (type, more) => rs.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);
			rs.writeHead(200, { "content-type": "text/event-stream" });
			rs.flushHeaders();
			one.show = () => event("image_generation.partial_image", { partial_image_index: 0, b64_json: png(16, 16).toString("base64") });
			one.answer = () => {
				event("image_generation.completed", { b64_json: png(16, 16).toString("base64") });
				rs.end();
			};
			rs.on("close", () => (one.gone = !rs.writableFinished));
			asked.push(one);
		}).listen(0, "127.0.0.1");
		await once(fake, "listening");
		const options = { model: tinyModel(), arguments: ["--draw=false", "--lease-s", "2"] };
		a = await House.start(options);
		b = await House.beside(a, options);
		servers.push(a, b);
		root = a.account("root", { admin: true });
		for (const name of ["ana", "bo", "carol"])
			people[name] = a.account(name);
		for (let i = 0; i < 2; i++)
			await start();
		for (const s of servers)
			for (const maker of ["builtin", "openai"])
				await until(`${s.port} knows ${maker}`, async () => (await s.call("GET", `${api}/studio`, undefined, bearer("ana"))).body.makers.find((m) => m.id === maker)?.available);
		const p = ok(await root.call("POST", `${api}/admin/programmes`, { name: "Testers", makers: ["openai"], review: "none" }));
		cohort = ok(await root.call("POST", `${api}/admin/programmes/${p.id}/cohorts`, { name: "first wave", opens_at: new Date(Date.now() - 1000).toISOString() }));
		for (const who of Object.values(people)) {
			ok(await who.call("POST", `${api}/studio/consent`, { maker: "openai" }));
			ok(await root.call("POST", `${api}/admin/programmes/${p.id}/members`, { username: who.name, ...(who.name !== "carol" && { cohort_id: cohort.id }) }));
			ok(await who.call("POST", `${api}/programmes/${p.id}/accept`, { accept_terms: true }));
		}
	});
	after(async () => {
		for (const w of workers)
			await end(w, "SIGTERM");
		await b?.stop();
		await a?.stop();
		fake.closeAllConnections();
		fake.close();
	});

	const bearer = (name) => ({ authorization: `Bearer ${people[name].token}` });
	const ok = (r, status = 200) => {
		assert.equal(r.status, status, JSON.stringify(r.body));
		return r.body;
	};

	// Both draw with both makers, one job at a time with the one elsewhere.
	async function start() {
		const elsewhere = ["--openai-url", `http://127.0.0.1:${fake.address().port}/${workers.length}/v1`, "--openai-model", "m", "--openai-jobs-max", "1"];
		workers.push(await worker(a, "--makers", "builtin,openai", "--model", tinyModel(), ...elsewhere));
	}

	const submit = async (server, name, more = {}) => ok(await server.call("POST", `${api}/jobs`, { prompt: "x", maker: "openai", ...more }, bearer(name))).id;
	const job = async (server, name, id) => ok(await server.call("GET", `${api}/jobs/${id}`, undefined, bearer(name)));

	// Reads a job's events until the stream ends, whatever ends it.
	function watch(server, name, id) {
		const seen = { events: [], progress: 0, open: true };
		seen.ended = (async () => {
			try {
				for await (const e of server.events(`${api}/jobs/${id}/events`, people[name].token)) {
					seen.events.push(e.event);
					seen.progress = JSON.parse(e.data).progress ?? seen.progress;
				}
			} catch (e) {
				if (!/terminated|fetch failed|socket/.test(`${e.message} ${e.cause?.message}`)) // cut is what it may be
					throw e;
			}
			seen.open = false;
		})();
		return seen;
	}

	test("jobs of both servers are drawn, and watched at both", async () => {
		const ids = [];
		for (const s of servers)
			for (const name of Object.keys(people))
				ids.push([name, await submit(s, name, { maker: "builtin", prompt: `${name} at ${s.port}` })]);
		for (const [name, id] of ids)
			await until(`${id} is drawn`, async () => (await job(b, name, id)).state === "finished", 60000);

		const id = await submit(a, "ana", { prompt: "seen" });
		const watching = servers.map((s) => watch(s, "ana", id));
		const one = await until("it is being drawn", () => asked.find((x) => x.prompt === "seen"));
		await until("both watch", () => watching.every((w) => w.events.length > 0));
		one.show();
		await until("both see how far it is", () => watching.every((w) => w.progress > 0));
		one.answer();
		for (const w of watching) {
			await w.ended;
			assert.equal(w.events.at(-1), "finished");
		}
	});

	test("previews reach both servers as tokens", async () => {
		for (const w of workers)
			w.kill("SIGSTOP"); // until both servers watch
		const id = await submit(b, "bo", { maker: "builtin", prompt: "tokens" });
		const watching = servers.map((s) => watch(s, "bo", id));
		try {
			await until("both watch", () => watching.every((w) => w.events.includes("queued")));
		} finally {
			for (const w of workers)
				w.kill("SIGCONT");
		}
		for (const w of watching) {
			await w.ended;
			assert.ok(w.events.includes("preview"), w.events.join(" "));
			assert.equal(w.events.at(-1), "finished");
		}
	});

	test("a worker is killed in mid-job: the other draws it, once", async () => {
		const id = await submit(a, "ana", { prompt: "killed" });
		const watching = servers.map((s) => watch(s, "ana", id));
		const times = () => asked.filter((x) => x.prompt === "killed");
		await until("it is being drawn", () => times().length === 1);
		const { pid } = times()[0].worker;
		await until("its worker says so", async () => (await root.call("GET", `${api}/admin/load`)).body.workers.find((w) => w.busy === 1 && w.name.includes(`:${pid}:`)));
		await end(times()[0].worker, "SIGKILL");
		await until("the other draws it", () => times().length === 2, 20000);
		times()[1].answer();
		for (const w of watching) {
			await w.ended;
			assert.equal(w.events.filter((e) => e === "finished").length, 1);
		}
		assert.equal((await job(b, "ana", id)).media.length, 1);
		assert.equal(times().length, 2);
		await start(); // in its place
	});

	test("a cohort is revoked at one server: streams, jobs and requests end at both", async () => {
		const ids = { ana: await submit(a, "ana", { prompt: "drawn" }), bo: await submit(b, "bo", { prompt: "drawn" }) };
		await until("two are being drawn", () => asked.filter((x) => x.prompt === "drawn").length === 2);
		const waiting = { ana: await submit(b, "ana", { prompt: "queued" }), bo: await submit(a, "bo", { prompt: "queued" }) };
		const carols = await submit(a, "carol", { prompt: "carol's" });
		const streams = [];
		for (const s of servers)
			for (const name of ["ana", "bo"])
				streams.push(watch(s, name, ids[name]), watch(s, name, waiting[name]));
		const others = servers.map((s) => watch(s, "carol", carols));
		await until("all watch", () => [...streams, ...others].every((w) => w.events.length > 0));

		const r = ok(await root.call("POST", `${api}/admin/revocations`, { kind: "cohort", id: cohort.id, message: "Thank you!" }));
		assert.equal(r.jobs, 4);
		for (const w of streams)
			await w.ended;
		for (const s of servers)
			for (const name of ["ana", "bo"])
				assert.equal((await s.call("POST", `${api}/jobs`, { prompt: "again", maker: "openai" }, bearer(name))).status, 403, `${name} at ${s.port}`);
		for (const name of ["ana", "bo"])
			for (const id of [ids[name], waiting[name]])
				for (const s of servers)
					assert.equal((await job(s, name, id)).state, "cancelled");
		await until("the workers have stopped", () => asked.filter((x) => x.prompt === "drawn").every((x) => x.gone));
		assert.equal(asked.filter((x) => ["queued", "again"].includes(x.prompt)).length, 0);
		assert.ok(others.every((w) => w.open), "nobody else notices");
		(await until("the next is drawn", () => asked.find((x) => x.prompt === "carol's"))).answer();
		for (const w of others) {
			await w.ended;
			assert.equal(w.events.at(-1), "finished");
		}

		ok(await root.call("DELETE", `${api}/admin/revocations/${r.id}`));
		for (const s of servers) {
			const id = await submit(s, "ana", { prompt: `back ${s.port}` });
			(await until("it is being drawn", () => asked.find((x) => x.prompt === `back ${s.port}`))).answer();
			await until("it is finished", async () => (await job(s, "ana", id)).state === "finished");
		}
	});
});
