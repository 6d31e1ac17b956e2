// What a house lives through without a restart: another process takes its port over, the disk fills, the database
// is locked, goes and comes. Whoever asks meanwhile gets 503 and a reason; what was acknowledged is there.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { House, onPostgres, png, postgresStart, postgresStop, sleep, until } from "./house.mjs";

async function withHouse(options, fn) {
	const house = await House.start(options);
	try {
		await fn(house, house.account("ann"));
	} finally {
		await house.stop();
	}
}

const post = (who, text) => who.call("POST", "/api/v1/statuses", { status: text });

// Refused with a reason that a person can read, in our shape.
function refused(r, what) {
	assert.equal(r.status, 503, `${what}: ${r.status} ${JSON.stringify(r.body)}`);
	assert.ok(r.body.error.length > 10, what);
	assert.ok(!/sqlite|postgres|errno|SELECT/i.test(r.body.error), r.body.error);
	assert.ok(Number(r.headers.get("retry-after")) > 0);
}

async function allThere(house, who, posts) {
	for (const [id, text] of posts) {
		const r = await who.call("GET", `/api/v1/statuses/${id}`);
		assert.equal(r.status, 200, `post ${id} is lost`);
		assert.ok(r.body.content.includes(text));
	}
	const timeline = (await who.call("GET", "/api/v1/timelines/home?limit=40")).body;
	assert.equal(new Set(timeline.map((s) => s.id)).size, timeline.length);
}

function soundDatabase(house) {
	if (onPostgres)
		return;
	const out = execFileSync("python3", ["-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchall())", path.join(house.data, "madang.db")], { encoding: "utf8" });
	assert.equal(out.trim(), "[('ok',)]");
}

test("a second start takes the port over: requests go on, what was acknowledged is there", async () => {
	await withHouse({}, async (first, ann) => {
		const statuses = [], errors = [], ids = [], refusals = [];
		let stop = false;
		const ask = async () => {
			while (!stop) {
				// A connection of its own each time, as a new visitor has.
				const r = await ann.call("POST", "/api/v1/statuses", { status: "on and on" }, { connection: "close" }).catch((e) => errors.push(`${e.cause ?? e}`));
				if (!r.status)
					continue;
				statuses.push(r.status);
				if (r.status === 200)
					ids.push(r.body.id);
				else
					refusals.push(`${r.status} ${JSON.stringify(r.body)}`);
			}
		};
		const askers = [ask(), ask(), ask()];
		await until("some are answered", () => statuses.length > 5);
		const second = await House.beside(first, { port: first.port });
		try {
			await until("both answer", () => statuses.length > 15);
			const code = await first.kill("SIGTERM");
			assert.equal(code, 0, "it ends in order");
			const count = statuses.length;
			await until("the other goes on", () => statuses.length > count + 10);
			stop = true;
			await Promise.all(askers);
			assert.deepEqual(refusals, [], first.log.slice(-3000));
			// The kernel resets what waits at a socket in the instant of its closing: one connection of each asker at most.
			assert.ok(errors.length <= askers.length, errors.join("; "));
			for (const id of ids)
				assert.equal((await ann.call("GET", `/api/v1/statuses/${id}`)).status, 200);
		} finally {
			stop = true;
			await second.stop();
		}
	});
});

test("who has connected before the end is heard, who comes later is sent away at once", async () => {
	await withHouse({}, async (house, ann) => {
		const early = net.connect(house.port, "127.0.0.1");
		await once(early, "connect"); // perhaps the kernel only knows of it so far
		let text = "";
		early.on("data", (d) => (text += d));
		const closed = once(early, "close");
		house.process.kill("SIGTERM");
		const comes = () => new Promise((resolve) => {
			const s = net.connect(house.port, "127.0.0.1", () => s.destroy(resolve("taken")));
			s.on("error", (e) => resolve(e.code));
		});
		await until("nobody is taken any more", async () => (await comes()) === "ECONNREFUSED");
		const body = JSON.stringify({ status: "in the last moment" });
		early.write(`POST /api/v1/statuses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
		await closed;
		assert.match(text, /^HTTP\/1\.1 200 /);
		assert.equal(await house.kill("SIGTERM"), 0);
		await house.up();
		const posts = (await ann.call("GET", "/api/v1/timelines/home")).body;
		assert.deepEqual(posts.map((p) => p.id), [JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)).id]);
	});
});

describe("the disk is full", () => {
	test("a file may not grow any more", async () => {
		await withHouse({}, async (house, ann) => {
			const posts = new Map();
			for (let i = 0; i < 5; i++)
				posts.set((await post(ann, `before ${i}`)).body.id, `before ${i}`);
			const limit = (bytes) => execFileSync("prlimit", ["--pid", String(house.process.pid), `--fsize=${bytes}:unlimited`]);
			limit(4096);
			if (!onPostgres) // where the database is a file of this process
				await until("a write fails", async () => {
					const r = await post(ann, "into a full disk");
					if (r.status === 200)
						return void posts.set(r.body.id, "into a full disk");
					refused(r, "post");
					return true;
				});
			const form = new FormData();
			form.set("file", new Blob([png(200, 200)]), "a.png");
			refused(await ann.call("POST", "/api/v2/media", form), "upload");
			assert.equal((await ann.call("GET", "/api/v1/timelines/home")).status, 200, "reading goes on");
			limit("unlimited");
			const after = await post(ann, "room again");
			assert.equal(after.status, 200, JSON.stringify(after.body));
			posts.set(after.body.id, "room again");
			assert.equal((await ann.call("POST", "/api/v2/media", form)).status, 200);
			await allThere(house, ann, posts);
			soundDatabase(house);
		});
	});

	const canMount = process.getuid() === 0 && spawnSync("sh", ["-c", "d=$(mktemp -d) && mount -t tmpfs -o size=64k none $d && umount $d; r=$?; rmdir $d; exit $r"]).status === 0;
	test("a small disk, filled to its last byte", { skip: onPostgres ? "its database lies elsewhere" : canMount ? false : "only who may mount can" }, async () => {
		const dir = mkdtempSync(path.join(tmpdir(), "madang-small-"));
		execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "none", dir]);
		try {
			mkdirSync(path.join(dir, "in"));
			await withHouse({ dir: path.join(dir, "in") }, async (house, ann) => {
				const posts = new Map([[(await post(ann, "first")).body.id, "first"]]);
				const fill = path.join(dir, "fill");
				spawnSync("dd", ["if=/dev/zero", `of=${fill}`, "bs=64k"], { stdio: "ignore" });
				spawnSync("dd", ["if=/dev/zero", `of=${fill}2`, "bs=512"], { stdio: "ignore" });
				let r;
				await until("there is no room left", async () => {
					r = await post(ann, `x ${"y".repeat(3000)}`);
					if (r.status === 200)
						posts.set(r.body.id, "x y");
					return r.status !== 200;
				});
				refused(r, "post");
				assert.match(r.body.error, /full|written/);
				assert.equal((await ann.call("GET", "/api/v1/timelines/home")).status, 200, "reading goes on");
				rmSync(fill);
				await until("it goes on", async () => (r = await post(ann, "room again")).status === 200);
				posts.set(r.body.id, "room again");
				await allThere(house, ann, posts);
				soundDatabase(house);
			});
		} finally {
			execFileSync("umount", ["-l", dir]);
			rmSync(dir, { recursive: true, force: true });
		}
	});
});

// Holds a lock until let go.
async function lock(house) {
	const url = house.arguments[house.arguments.indexOf("--database") + 1];
	const p = onPostgres
		? spawn("psql", ["-qAt", url], { stdio: ["pipe", "pipe", "inherit"] })
		: spawn("python3", ["-uc", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('held'); sys.stdin.read()", path.join(house.data, "madang.db")], { stdio: ["pipe", "pipe", "inherit"] });
	if (onPostgres)
		p.stdin.write("BEGIN; LOCK TABLE posts IN EXCLUSIVE MODE; SELECT 'held';\n");
	await once(p.stdout, "data");
	return async () => {
		p.stdin.end();
		await once(p, "exit");
	};
}

test("the database is locked by somebody else: writers hear it in time, readers read", async () => {
	await withHouse({}, async (house, ann) => {
		const posts = new Map([[(await post(ann, "before")).body.id, "before"]]);
		const release = await lock(house);
		const waiting = post(ann, "while it is locked");
		assert.equal((await ann.call("GET", "/api/v1/timelines/home")).status, 200, "reading goes on");
		refused(await waiting, "post");
		await release();
		const r = await post(ann, "free again");
		assert.equal(r.status, 200, JSON.stringify(r.body));
		posts.set(r.body.id, "free again");
		await allThere(house, ann, posts);
		const timeline = (await ann.call("GET", "/api/v1/timelines/home")).body;
		assert.ok(!timeline.some((s) => s.content.includes("while it is locked")), "what was refused is not there");
	});
});

test("the database goes and comes: no restart, nothing lost", async () => {
	await withHouse({}, async (house, ann) => {
		const file = path.join(house.data, "madang.db");
		const posts = new Map([[(await post(ann, "before")).body.id, "before"]]);
		if (onPostgres) {
			postgresStop();
			refused(await ann.call("GET", "/api/v1/timelines/public"), "read");
			assert.equal((await house.call("GET", "/health")).status, 200, "the process itself is well");
		} else {
			renameSync(file, `${file}.away`);
		}
		refused(await post(ann, "into nothing"), "post");
		if (onPostgres)
			postgresStart();
		else
			renameSync(`${file}.away`, file);
		let r;
		await until("it goes on", async () => (r = await post(ann, "back again")).status === 200);
		posts.set(r.body.id, "back again");
		for (let i = 0; i < 30; i++) // every worker, not only the first to look
			assert.equal((await ann.call("GET", "/api/v1/accounts/verify_credentials")).status, 200);
		await allThere(house, ann, posts);
		const home = (await ann.call("GET", "/api/v1/timelines/home")).body;
		assert.ok(!home.some((s) => s.content.includes("into nothing")));
		soundDatabase(house);
	});
});

test("clients that are slow, or that say too much in their head, are cut or refused", async () => {
	await withHouse({ arguments: ["--header-timeout-s", "3"] }, async (house) => {
		const raw = async (bytes, more = []) => {
			const s = net.connect(house.port, "127.0.0.1");
			let text = "";
			s.on("error", (error) => (text ||= error.code)); // cut while it still spoke: what was answered may be lost on the way
			s.on("data", (d) => (text += d));
			const closed = new Promise((resolve) => s.on("close", resolve));
			s.write(bytes);
			for (const m of more) {
				await sleep(200);
				s.write(m);
			}
			await closed;
			return text;
		};
		const drops = Array.from({ length: 40 }, () => "X-A: b\r\n");
		assert.match(await raw("GET /health HTTP/1.1\r\nHost: x\r\n", drops), /^$|^E(CONNRESET|PIPE)$/, "a head that never ends");
		const long = await raw(`GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(40000)}\r\nConnection: close\r\n\r\n`);
		assert.match(long, /^HTTP\/1\.1 4(31|13|14|00) |^E(CONNRESET|PIPE)$/);
		const url = await raw(`GET /${"a".repeat(40000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
		assert.match(url, /^HTTP\/1\.1 4(31|14|00) |^E(CONNRESET|PIPE)$/);
		assert.equal((await house.call("GET", "/health")).status, 200);
		// What a browser behind two proxies may send in earnest.
		const cookie = Array.from({ length: 12 }, (_, i) => `name${i}=${"v".repeat(60)}`).join("; ");
		const proxies = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`x-forwarded-${i}`, "198.51.100.7, 203.0.113.9"]));
		const r = await house.call("GET", `/api/v1/timelines/public?limit=5&${"x=1234567890&".repeat(30)}`, undefined, { cookie, ...proxies, "user-agent": "Mozilla/5.0 ".repeat(20) });
		assert.equal(r.status, 200);
	});
});
