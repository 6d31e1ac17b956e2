// A maker elsewhere: a fake server that speaks /v1/images/generations, and misbehaves.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { House, png, until } from "./house.mjs";

let house, alice, fake, secret, secretAsked = 0;
let behave; // (request body, response, how often it was asked) => void
let asked = 0;
const requests = [];

async function listen(server) {
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return server.address().port;
}

before(async () => {
	fake = http.createServer((rq, rs) => {
		let body = "";
		rq.on("data", (d) => (body += d));
		rq.on("end", () => {
			const json = body ? JSON.parse(body) : null;
			requests.push({ path: rq.url, headers: rq.headers, body: json });
			behave(json, rs, ++asked, rq);
		});
	});
	// What nobody outside may reach through us.
	secret = http.createServer((rq, rs) => {
		secretAsked++;
		rs.end(png(8, 8));
	});
	const port = await listen(fake);
	await listen(secret);
	house = await House.start({
		arguments: ["--openai-url", `http://127.0.0.1:${port}/v1`, "--openai-key", "sk-test", "--openai-model", "picture-1", "--openai-name", "Big Model", "--openai-width", "256", "--openai-height", "256", "--openai-timeout-s", "3"],
	});
	alice = house.account("alice");
});
after(async () => {
	await house.stop();
	fake.closeAllConnections();
	fake.close();
	secret.close();
});

const file = () => png(64, 64, [20, 90, 200]).toString("base64");
const answer = (rs, status, json, headers = {}) => {
	rs.writeHead(status, { "content-type": "application/json", ...headers });
	rs.end(JSON.stringify(json));
};
const good = (rs) => answer(rs, 200, { created: 1, data: [{ b64_json: file() }] });

async function draw(form = {}) {
	asked = 0;
	const r = await alice.call("POST", "/api/madang/v1/jobs", { prompt: "a blue square", ...form });
	assert.equal(r.status, 200, JSON.stringify(r.body));
	return until("the job has ended", async () => {
		const job = (await alice.call("GET", `/api/madang/v1/jobs/${r.body.id}`)).body;
		return ["finished", "failed", "cancelled"].includes(job.state) && job;
	}, 30000);
}

test("no prompt leaves before the person has agreed", async () => {
	const m = (await alice.call("GET", "/api/madang/v1/studio")).body.makers[0];
	assert.deepEqual([m.id, m.kind, m.name, m.consent_required, m.consent_given], ["openai", "remote", "Big Model", true, false]);
	assert.match(m.host, /^127\.0\.0\.1/);
	assert.deepEqual(m.controls, ["count"]);
	const r = await alice.call("POST", "/api/madang/v1/jobs", { prompt: "x" });
	assert.deepEqual([r.status, r.body.field], [403, "maker"]);
	assert.equal(requests.length, 0);
	assert.equal((await alice.call("POST", "/api/madang/v1/studio/consent", { maker: "openai" })).status, 200);
});

test("what it cannot honour is refused by name", async () => {
	for (const [form, field] of [[{ style: "3d" }, "style"], [{ seed: 5 }, "seed"], [{ guidance: 4 }, "guidance"], [{ task: "vary", source: { media_id: "5" } }, "task"]]) {
		const r = await alice.call("POST", "/api/madang/v1/jobs", { prompt: "x", ...form });
		assert.deepEqual([r.status, r.body.field], [422, field]);
	}
});

test("it draws; the post says what drew it", async () => {
	behave = (q, rs) => (q.stream ? answer(rs, 400, { error: { message: "unknown parameter: stream" } }) : good(rs));
	const job = await draw({ count: 2 });
	assert.equal(job.state, "finished", JSON.stringify(job.error));
	assert.equal(job.media.length, 2);
	assert.equal(requests.at(-1).headers.authorization, "Bearer sk-test");
	assert.deepEqual([requests.at(-1).body.model, requests.at(-1).body.size], ["picture-1", "256x256"]);
	const post = (await alice.call("POST", "/api/v1/statuses", { status: "x", media_ids: [job.media[0].id] })).body;
	assert.deepEqual([post.madang.made_with.maker, post.madang.made_with.model], ["openai", "picture-1"]);
});

test("429 and 500 are tried again, then said", async () => {
	behave = (q, rs) => setTimeout(() => good(rs), 120);
	const slow = await draw();
	assert.ok(Date.parse(slow.finished_at) - Date.parse(slow.started_at) >= 100, `from ${slow.started_at} to ${slow.finished_at}`);
	behave = (q, rs, n) => (n === 1 ? answer(rs, 429, { error: { message: "slow down" } }, { "retry-after": "1" }) : n === 2 ? answer(rs, 500, {}) : good(rs));
	assert.equal((await draw()).state, "finished");
	assert.equal(asked, 3);
	behave = (q, rs) => answer(rs, 401, { error: { message: "bad key sk-test" } });
	const job = await draw();
	assert.equal(job.state, "failed");
	assert.match(job.error.message, /administrator/);
	assert.ok(!job.error.message.includes("sk-test"));
});

test("a refusal is handed on in its own words", async () => {
	behave = (q, rs) => answer(rs, 400, { error: { message: "Your request was rejected by the safety system." } });
	const job = await draw();
	assert.equal(job.state, "failed");
	assert.match(job.error.message, /safety system/);
});

test("what is no picture, cut off, empty or too slow fails with a reason", async () => {
	const cases = {
		"not a picture": (q, rs) => answer(rs, 200, { data: [{ b64_json: Buffer.from("hello").toString("base64") }] }),
		"not base64": (q, rs) => answer(rs, 200, { data: [{ b64_json: "%%%" }] }),
		"no data": (q, rs) => answer(rs, 200, { data: [] }),
		"not JSON": (q, rs) => { rs.writeHead(200, { "content-type": "application/json" }); rs.end("<html>"); },
	};
	for (const [name, how] of Object.entries(cases)) {
		behave = how;
		const job = await draw();
		assert.equal(job.state, "failed", name);
		assert.match(job.error.message, /did not answer with a picture/, name);
	}
});

test("an answer that is cut or never comes is tried again and then given up", async () => {
	behave = (q, rs, n) => {
		if (n > 2)
			return good(rs);
		rs.writeHead(200, { "content-type": "application/json", "content-length": "100000" });
		rs.write('{"data":[{"b64_json":"');
		setTimeout(() => rs.destroy(), 50);
	};
	assert.equal((await draw()).state, "finished");
	behave = (q, rs, n) => (n > 1 ? good(rs) : undefined); // slow: nothing at all
	assert.equal((await draw()).state, "finished");
});

test("redirects and picture addresses never lead into a private network", async () => {
	const inside = `http://127.0.0.1:${secret.address().port}/`;
	for (const how of [
		(q, rs) => { rs.writeHead(302, { location: inside }); rs.end(); },
		(q, rs) => answer(rs, 200, { data: [{ url: inside }] }),
		(q, rs) => answer(rs, 200, { data: [{ url: `http://localhost:${secret.address().port}/` }] }),
		(q, rs) => answer(rs, 200, { data: [{ url: `http://[::ffff:127.0.0.1]:${secret.address().port}/` }] }),
		(q, rs) => answer(rs, 200, { data: [{ url: "file:///etc/passwd" }] }),
	]) {
		behave = how;
		const job = await draw();
		assert.equal(job.state, "failed", JSON.stringify(job));
		assert.match(job.error.message, /private network|not of the web/);
	}
	assert.equal(secretAsked, 0);
});

test("cancelling ends the request at the other server", async () => {
	let ended = false;
	behave = (q, rs, n, rq) => rq.socket.on("close", () => (ended = true));
	const { id } = (await alice.call("POST", "/api/madang/v1/jobs", { prompt: "slow" })).body;
	await until("it has begun", async () => (await alice.call("GET", `/api/madang/v1/jobs/${id}`)).body.state === "drawing");
	await alice.call("DELETE", `/api/madang/v1/jobs/${id}`);
	await until("the request ends", () => ended, 2900);
	assert.equal((await alice.call("GET", `/api/madang/v1/jobs/${id}`)).body.state, "cancelled");
});
