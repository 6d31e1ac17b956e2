// A real server for tests: its own data folder, its own port, its own database (SQLite, or PostgreSQL where
// MADANG_TEST_DATABASE is "postgres"), and small helpers to talk to it.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const program = process.env.MADANG_PROGRAM ?? path.join(root, "build/madang");
export const password = "correct horse battery";

// Below those that the kernel gives to whoever connects: between here and the server's start nobody else takes it. Above 10080, which
// browsers refuse to talk to.
export async function freePort() {
	for (;;) {
		const port = 10100 + Math.floor(Math.random() * 22000), s = net.createServer();
		try {
			await once(s.listen(port, "127.0.0.1"), "listening");
		} catch {
			continue;
		}
		s.close();
		await once(s, "close");
		return port;
	}
}

// --- PostgreSQL of the test's own: one cluster a process, one database a house ---

let cluster;
let databases = 0;

function postgresFolder() {
	const base = "/usr/lib/postgresql";
	const version = existsSync(base) ? readdirSync(base).sort((a, b) => b - a)[0] : undefined;
	if (!version)
		throw new Error("PostgreSQL is not installed");
	return `${base}/${version}/bin`;
}

function asPostgres(command, args) {
	const options = { stdio: "pipe" };
	if (process.getuid() === 0) { // PostgreSQL refuses to run as root
		options.uid = Number(execFileSync("id", ["-u", "postgres"]));
		options.gid = Number(execFileSync("id", ["-g", "postgres"]));
	}
	return execFileSync(command, args, options);
}

function postgres() {
	if (cluster)
		return cluster;
	const bin = postgresFolder();
	const dir = mkdtempSync(path.join(tmpdir(), "madang-pg-"));
	if (process.getuid() === 0)
		chownSync(dir, Number(execFileSync("id", ["-u", "postgres"])), Number(execFileSync("id", ["-g", "postgres"])));
	asPostgres(`${bin}/initdb`, ["-D", `${dir}/data`, "-U", "madang", "--auth=trust", "-E", "UTF8", "--no-locale"]);
	asPostgres(`${bin}/pg_ctl`, ["-D", `${dir}/data`, "-w", "-l", `${dir}/log`, "-o", `-k ${dir} -c listen_addresses=''`, "start"]);
	cluster = { bin, dir };
	process.on("exit", () => {
		try {
			asPostgres(`${bin}/pg_ctl`, ["-D", `${dir}/data`, "-m", "immediate", "stop"]);
		} finally {
			rmSync(dir, { recursive: true, force: true });
		}
	});
	return cluster;
}

function newDatabase() {
	const { bin, dir } = postgres();
	const name = `house${++databases}`;
	asPostgres(`${bin}/createdb`, ["-h", dir, "-U", "madang", name]);
	return `postgres://madang@/${name}?host=${encodeURIComponent(dir)}`;
}

// The whole server away, and back.
export function postgresStop() {
	asPostgres(`${cluster.bin}/pg_ctl`, ["-D", `${cluster.dir}/data`, "-w", "-m", "immediate", "stop"]);
}

export function postgresStart() {
	asPostgres(`${cluster.bin}/pg_ctl`, ["-D", `${cluster.dir}/data`, "-w", "-l", `${cluster.dir}/log`, "-o", `-k ${cluster.dir} -c listen_addresses=''`, "start"]);
}

export const onPostgres = process.env.MADANG_TEST_DATABASE === "postgres";

// --- the model: tiny, random, the same every time ---

const models = {};
export function tinyModel(shape = "tiny") {
	if (!models[shape]) {
		const dir = (models[shape] = mkdtempSync(path.join(tmpdir(), "madang-model-")));
		execFileSync("python3", [path.join(root, "tests/engine/make_tiny.py"), path.join(dir, shape), "--shape", shape]);
		process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
	}
	return path.join(models[shape], shape);
}

export class House {
	constructor(options) {
		this.options = options;
	}

	static async start(options = {}) {
		const h = new House(options);
		h.dir = options.dir ?? mkdtempSync(path.join(tmpdir(), "madang-api-"));
		h.data = path.join(h.dir, "data");
		h.port = await freePort();
		h.url = `http://127.0.0.1:${h.port}`;
		h.arguments = ["--data", h.data, "--listen", `127.0.0.1:${h.port}`];
		if (onPostgres)
			h.arguments.push("--database", newDatabase());
		mkdirSync(h.data);
		await h.up();
		return h;
	}

	// Another process on the same database and the same data folder, with a port of its own.
	static async beside(other, options = {}) {
		const h = new House(options);
		h.port = options.port ?? (await freePort());
		h.url = `http://127.0.0.1:${h.port}`;
		h.arguments = [...other.arguments];
		h.arguments[h.arguments.indexOf("--listen") + 1] = `127.0.0.1:${h.port}`;
		h.data = other.data;
		await h.up();
		return h;
	}

	// Starts the process (uploads are waited for, however busy the machine is); what it prints is in this.out, its log in this.log (or in the file options.log, for
	// those who keep this process too busy to read it).
	async up() {
		const serve = [...this.arguments, "--rate-limits=false", "--upload-wait-ms", "20000", ...(this.options.arguments ?? [])];
		serve.push("--model", this.options.model ?? "none", "--engine-threads", "1");
		const p = spawn(program, ["serve", ...serve], { stdio: ["ignore", "pipe", this.options.log ? openSync(this.options.log, "a") : "pipe"], env: { ...process.env, ...this.options.env } });
		this.process = p;
		this.out = "";
		this.log = this.log ?? "";
		p.stdout.on("data", (d) => (this.out += d));
		p.stderr?.on("data", (d) => (this.log = (this.log + d).slice(-200000)));
		// How long a start may take is measured elsewhere (bench/server.mjs). Here it waits for a busy machine: on
		// PostgreSQL the first start makes some hundred tables and indices, which took ten seconds and more there.
		for (const end = Date.now() + 120000; Date.now() < end; await new Promise((r) => setTimeout(r, 25))) {
			if (p.exitCode !== null || p.signalCode !== null)
				throw new Error(`the server ended: ${this.log.slice(-2000)}`);
			if (this.out.includes("Madang is at") && (await fetch(`${this.url}/health`).then((r) => r.ok, () => false)))
				return;
		}
		await this.kill();
		throw new Error(`the server does not answer: ${this.log.slice(-2000)}`);
	}

	async kill(signal = "SIGKILL") {
		const p = this.process;
		if (p.exitCode === null && p.signalCode === null) {
			p.kill(signal);
			await once(p, "exit");
		}
		return p.exitCode;
	}

	async stop() {
		const code = await this.kill("SIGTERM");
		if (this.dir)
			rmSync(this.dir, { recursive: true, force: true });
		return code;
	}

	// Straight into the database: what the program itself would never write, or not in a minute.
	sql(text) {
		const at = this.arguments.indexOf("--database");
		if (at >= 0)
			execFileSync(`${cluster.bin}/psql`, ["-q", "-v", "ON_ERROR_STOP=1", "-d", this.arguments[at + 1]], { input: text });
		else
			execFileSync("python3", ["-c", "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=30)\nc.executescript(sys.stdin.read())\nc.commit()", path.join(this.data, "madang.db")], { input: text });
	}

	admin(args, input) {
		const r = spawnSync(program, ["admin", ...args, ...this.arguments], { input, encoding: "utf8" });
		if (r.status !== 0)
			throw new Error(`madang admin ${args.join(" ")}: ${r.stderr}`);
		return r.stdout.trim();
	}

	// An account with a token: { id, name, token, call }.
	account(name, { admin = false, scopes = "read write follow push" } = {}) {
		const id = this.admin(["account", "add", name, "--email", `${name}@example.org`, ...(admin ? ["--admin"] : []), "--password-stdin"], `${password}\n`);
		const token = this.admin(["token", "add", name, "--scopes", admin ? `${scopes} admin:read admin:write` : scopes]);
		return { id, name, token, call: (method, route, body, headers) => this.call(method, route, body, { authorization: `Bearer ${token}`, ...headers }) };
	}

	// One request; the answer's JSON in .body, or its text where it is none.
	async call(method, route, body, headers = {}) {
		const init = { method, headers: { ...headers }, redirect: "manual" };
		if (body instanceof FormData || body instanceof URLSearchParams || typeof body === "string" || body instanceof Uint8Array) {
			init.body = body;
		} else if (body !== undefined) {
			init.body = JSON.stringify(body);
			init.headers["content-type"] = "application/json";
		}
		const r = await fetch(this.url + route, init);
		const text = await r.text();
		let json;
		try {
			json = JSON.parse(text);
		} catch {
			json = text;
		}
		return { status: r.status, headers: r.headers, body: json };
	}

	// Server-sent events as an async iterator of { event, data }.
	async *events(route, token, headers = {}) {
		yield* await this.listen(route, token, headers);
	}

	// The same, and by now the server hears: what happens from here on comes.
	async listen(route, token, headers = {}) {
		const stop = new AbortController();
		const r = await fetch(this.url + route, { headers: { authorization: `Bearer ${token}`, ...headers }, signal: stop.signal });
		if (!r.ok)
			throw new Error(`${route}: ${r.status} ${await r.text()}`);
		// Taken now, not at the first next(): fetch cancels a body that nobody has taken when its Response is collected.
		return this.#read(r.body.pipeThrough(new TextDecoderStream()), stop);
	}

	async *#read(chunks, stop) {
		let text = "";
		try {
			for await (const chunk of chunks) {
				text += chunk;
				for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
					const lines = text.slice(0, end).split("\n");
					const of = (name) => lines.filter((l) => l.startsWith(`${name}: `)).map((l) => l.slice(name.length + 2)).join("\n");
					if (of("event"))
						yield { id: of("id"), event: of("event"), data: of("data") };
				}
			}
		} finally {
			stop.abort();
		}
	}
}

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** Ends a process, a stopped one too. */
export async function end(p, signal) {
	if (p.exitCode === null && p.signalCode === null) {
		p.kill(signal);
		p.kill("SIGCONT");
		await once(p, "exit");
	}
}

/** A `madang worker` on the database and the media of a house, drawing. */
export async function worker(house, ...more) {
	const database = house.arguments[house.arguments.indexOf("--database") + 1];
	const w = spawn(program, ["worker", "--database", database, "--media", `${house.data}/media`, "--lease-s", "2", "--engine-threads", "1", ...more], { stdio: ["ignore", "pipe", "pipe"] });
	w.out = w.log = "";
	w.stdout.on("data", (d) => (w.out += d));
	w.stderr.on("data", (d) => (w.log += d));
	await until("the worker draws", () => {
		if (w.exitCode !== null)
			throw new Error(`the worker ended: ${w.log}`);
		return w.out.includes("Drawing for");
	}, 30000);
	return w;
}

// For what must come, however busy the machine is; a shorter ms is for what must come soon.
export async function until(what, condition, ms = 60000) {
	for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
		const found = await condition();
		if (found)
			return found;
	}
	throw new Error(`it never came: ${what}`);
}

// A PNG of one colour, without a library: stored deflate blocks. With `alpha` (x, y) => 0-255 it has transparency.
export function png(width, height, [r, g, b] = [200, 40, 40], alpha) {
	const crcTable = Array.from({ length: 256 }, (_, n) => {
		for (let k = 0; k < 8; k++)
			n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
		return n >>> 0;
	});
	const crc = (bytes) => {
		let c = 0xffffffff;
		for (const x of bytes)
			c = crcTable[(c ^ x) & 255] ^ (c >>> 8);
		return (c ^ 0xffffffff) >>> 0;
	};
	const u32 = (n) => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
	const chunk = (type, data) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		return Buffer.concat([u32(data.length), body, u32(crc(body))]);
	};
	const row = (y) => Buffer.from([0, ...Array.from({ length: width }, (_, x) => (alpha ? [r, g, b, alpha(x, y)] : [r, g, b])).flat()]);
	const raw = Buffer.concat(alpha ? Array.from({ length: height }, (_, y) => row(y)) : Array(height).fill(row(0)));
	const blocks = [];
	for (let at = 0; at < raw.length; at += 65535) {
		const part = raw.subarray(at, at + 65535);
		const last = at + 65535 >= raw.length ? 1 : 0;
		blocks.push(Buffer.from([last, part.length & 255, part.length >> 8, ~part.length & 255, (~part.length >> 8) & 255]), part);
	}
	let a = 1, d = 0;
	for (const x of raw) {
		a = (a + x) % 65521;
		d = (d + a) % 65521;
	}
	const idat = Buffer.concat([Buffer.from([0x78, 1]), ...blocks, u32(((d << 16) | a) >>> 0)]);
	const ihdr = Buffer.concat([u32(width), u32(height), Buffer.from([8, alpha ? 6 : 2, 0, 0, 0])]);
	return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", ihdr), chunk("IDAT", idat), chunk("IEND", Buffer.alloc(0))]);
}

// The pixels of a PNG with 8 bits a channel: { width, height, channels, at(x, y) → [r, g, b, a?] }.
export function readPng(bytes) {
	assert.equal(bytes.subarray(1, 4).toString(), "PNG");
	const width = bytes.readUInt32BE(16), height = bytes.readUInt32BE(20), kind = bytes[25];
	assert.equal(bytes[24], 8, "bits a channel");
	const channels = { 0: 1, 2: 3, 4: 2, 6: 4 }[kind];
	const parts = [];
	for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at))
		if (bytes.toString("latin1", at + 4, at + 8) === "IDAT")
			parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
	const raw = inflateSync(Buffer.concat(parts)), stride = width * channels, out = Buffer.alloc(stride * height);
	const paeth = (a, b, c) => {
		const p = a + b - c, [x, y, z] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
		return x <= y && x <= z ? a : y <= z ? b : c;
	};
	for (let y = 0; y < height; y++)
		for (let i = 0; i < stride; i++) {
			const a = i >= channels ? out[y * stride + i - channels] : 0, b = y ? out[(y - 1) * stride + i] : 0;
			const c = y && i >= channels ? out[(y - 1) * stride + i - channels] : 0;
			out[y * stride + i] = raw[y * (stride + 1) + 1 + i] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][raw[y * (stride + 1)]];
		}
	return { width, height, channels, at: (x, y) => [...out.subarray(y * stride + x * channels, y * stride + (x + 1) * channels)] };
}
