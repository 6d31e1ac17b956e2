// Streams as connections: they beat while nothing happens, who does not read is cut and misses nothing, and a stream
// that nobody has begun to read stands.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import WebSocket from "ws";
import { House, sleep, until } from "./house.mjs";

let house, alice, bob, quiet;
const cut = []; // the lines that say so
before(async () => {
	house = await House.start();
	createInterface({ input: house.process.stderr }).on("line", (l) => l.includes("event=stream.cut") && cut.push(l));
	[alice, bob] = ["alice", "bob"].map((n) => house.account(n));
	assert.equal((await bob.call("POST", `/api/v1/accounts/${alice.id}/follow`)).status, 200);
	quiet = await beats();
});
after(() => house.stop());

const events = (text) => [...text.matchAll(/^event: update\ndata: (.*)\n\n/gm)].map((m) => JSON.parse(m[1]).id);

/** Server-sent events on a socket of one's own: the head is read, then nothing unless told. */
async function bare(token, route = "/api/v1/streaming/user") {
	const socket = net.connect(house.port, "127.0.0.1");
	await once(socket, "connect");
	const s = { socket, text: "", ended: false };
	socket.on("data", (d) => (s.text += d));
	socket.on("error", () => {});
	socket.on("close", () => (s.ended = true));
	socket.write(`GET ${route} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
	await until("the head", () => s.text.includes("\r\n\r\n"));
	assert.match(s.text, /^HTTP\/1.1 200 OK\r\n[^]*text\/event-stream/);
	return s;
}

/** When a listener of each kind, to whom nothing happens, hears a heartbeat. */
async function beats() {
	const carol = house.account("carol");
	const heard = { sse: [], ws: [] };
	const s = await bare(carol.token);
	s.socket.on("data", () => heard.sse.push(Date.now()));
	const ws = new WebSocket(`ws://127.0.0.1:${house.port}/api/v1/streaming?stream=user`, [carol.token]);
	await once(ws, "open");
	ws.on("ping", () => heard.ws.push(Date.now()));
	return { heard, s, ws };
}

describe("who does not read", () => {
	// What lies in the kernel's buffers of both sides comes first: some megabytes.
	const long = "가나다라마바사아자차카타파하 ".repeat(200), POSTS_MAX = 5000;
	const say = async (n) => {
		const r = await alice.call("POST", "/api/v1/statuses", { status: `${n} ${long}` });
		assert.equal(r.status, 200, JSON.stringify(r.body));
		return r.body.id;
	};

	/** Everything that is newer than `last`, by pages upwards, as an app does that comes back. */
	const page = async (last) => {
		const found = [];
		for (let at = last; ; ) {
			const r = await bob.call("GET", `/api/v1/timelines/home?limit=40&min_id=${at}`);
			assert.equal(r.status, 200);
			if (!r.body.length)
				return found;
			found.push(...r.body.map((p) => p.id).reverse());
			at = found.at(-1);
		}
	};

	for (const kind of ["server-sent events", "a WebSocket"])
		test(`${kind}: is cut, the log says so, and paging finds all the rest`, async () => {
			// What is told late must not be heard by who comes later.
			const before = await bare(bob.token);
			const first = await say("before"), had = cut.length;
			await until("that is told", () => events(before.text).includes(first));
			before.socket.destroy();
			const heard = [];
			let ended, read;
			if (kind === "a WebSocket") {
				const ws = new WebSocket(`ws://127.0.0.1:${house.port}/api/v1/streaming?stream=user`, [bob.token]);
				await once(ws, "open");
				ws.on("message", (m) => {
					const said = JSON.parse(m);
					if (said.event === "update")
						heard.push(JSON.parse(said.payload).id);
				});
				ws.on("close", () => (ended = true));
				ws.on("error", () => {});
				ws.pause();
				read = () => ws.resume();
			} else {
				const s = await bare(bob.token);
				s.socket.on("close", () => {
					heard.push(...events(s.text));
					ended = true;
				});
				s.socket.pause();
				read = () => s.socket.resume();
			}
			// Somebody who reads, meanwhile, hears all of it.
			const fast = await bare(bob.token);
			const said = [];
			while (cut.length === had && said.length < POSTS_MAX)
				said.push(await say(said.length));
			await until("it is cut", () => cut.length > had);
			for (let i = 0; i < 5; i++)
				said.push(await say("after"));
			assert.equal(cut.length, had + 1);
			assert.match(cut[had], /level=warn event=stream.cut why=slow ip=127.0.0.1 messages=\d+ bytes=\d+/);
			read();
			await until("it has ended", () => ended);
			assert.ok(heard.length < said.length, `${heard.length} of ${said.length}`);
			assert.deepEqual(heard, said.slice(0, heard.length), "what was heard is a beginning, without holes");
			assert.deepEqual([...heard, ...(await page(heard.at(-1) ?? first))], said);
			await until("the other has heard all", () => events(fast.text).length === said.length);
			assert.deepEqual(events(fast.text), said);
			assert.equal(fast.ended, false);
			fast.socket.destroy();
		});
});

test("where more happens than can be told, who listens is cut, and finds it by paging", async () => {
	const h = await House.start({ arguments: ["--events-waiting-max", "8"] });
	try {
		const [ana, bo] = ["ana", "bo"].map((n) => h.account(n));
		assert.equal((await bo.call("POST", `/api/v1/accounts/${ana.id}/follow`)).status, 200);
		const stream = await h.listen("/api/v1/streaming/user", bo.token), heard = [], said = [];
		const over = (async () => {
			for await (const e of stream)
				heard.push(JSON.parse(e.data).id);
		})();
		const anybody = (await fetch(`${h.url}/api/v1/streaming/public`)).text(); // ends with the stream
		await until("more has happened", async () => {
			const all = await Promise.all(Array.from({ length: 40 }, (_, n) => ana.call("POST", "/api/v1/statuses", { status: `${n} #a #b` })));
			said.push(...all.map((r) => r.body.id));
			return h.log.includes("event=live.dropped");
		});
		await over;
		await anybody;
		await until("it is logged", () => /event=live.missed cut=[12]/.test(h.log));
		const home = new Set();
		for (let next = "/api/v1/timelines/home?limit=40"; next; ) {
			const r = await bo.call("GET", next);
			r.body.forEach((p) => home.add(p.id));
			next = r.body.length ? `/api/v1/timelines/home?limit=40&max_id=${r.body.at(-1).id}` : undefined;
		}
		assert.ok(heard.length < said.length && said.every((id) => home.has(id)));
		// Who comes back hears again, once what was too much is done.
		await until("it is heard again", async () => {
			const again = await h.listen("/api/v1/streaming/user", bo.token);
			const { id } = (await ana.call("POST", "/api/v1/statuses", { status: "again" })).body;
			const { value } = await again.next();
			await again.return();
			return value && JSON.parse(value.data).id === id;
		});
	} finally {
		await h.stop();
	}
});

test("a stream that nobody reads yet stands, whatever is collected meanwhile", async () => {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc");
	const heard = await house.listen("/api/v1/streaming/user", alice.token);
	for (let i = 0; i < 3; i++) {
		collect();
		await sleep(10);
	}
	const said = (await alice.call("POST", "/api/v1/statuses", { status: "heard" })).body.id;
	const { value } = await heard.next();
	assert.deepEqual([value?.event, JSON.parse(value.data).id], ["update", said]);
	await heard.return();
});

test("a stream beats every 15 seconds", async () => {
	const { heard, s, ws } = quiet;
	await until("two beats of each", () => heard.sse.length >= 2 && heard.ws.length >= 2);
	for (const [kind, at] of Object.entries(heard))
		for (let i = 1; i < at.length; i++)
			assert.ok(at[i] - at[i - 1] > 12000 && at[i] - at[i - 1] < 25000, `${kind}: ${at[i] - at[i - 1]} ms`);
	assert.match(s.text, /\r\n\r\n(:thump\n\n)+$/);
	assert.equal(ws.readyState, WebSocket.OPEN);
	s.socket.destroy();
	ws.close();
});
