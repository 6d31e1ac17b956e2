// The wall clock of a server goes forward a day and back an hour: nothing is drawn twice, nobody gets in after the end,
// no quota is filled twice, and no wait is negative. On PostgreSQL a second server, whose clock is right, draws with it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { House, onPostgres, png, sleep, until } from "./house.mjs";

const api = "/api/madang/v1";
const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

describe("a clock that jumps", { skip: existsSync(library) ? false : "libfaketime is not installed" }, () => {
	let dir, fake, house, second, root, ana;
	const asked = []; // what the maker elsewhere was asked
	const jump = (offset) => writeFileSync(path.join(dir, "offset"), `${offset}\n`);
	const ok = (r, status = 200) => {
		assert.equal(r.status, status, JSON.stringify(r.body));
		return r.body;
	};

	before(async () => {
		fake = http.createServer(async (rq, rs) => {
			let text = "";
			for await (const chunk of rq)
				text += chunk;
			const one = {
				prompt: JSON.parse(text).prompt,
				answer: () => {
					if (rs.headersSent)
						return;
					rs.writeHead(200, { "content-type": "application/json" });
					rs.end(JSON.stringify({ data: [{ b64_json: png(16, 16).toString("base64") }] }));
				},
			};
			asked.push(one);
			if (!one.prompt.includes("slow"))
				one.answer();
		}).listen(0, "127.0.0.1");
		await once(fake, "listening");
		dir = mkdtempSync(path.join(tmpdir(), "madang-clock-"));
		jump("+0");
		const args = ["--lease-s", "2", "--openai-url", `http://127.0.0.1:${fake.address().port}/v1`, "--openai-model", "m", "--openai-jobs-max", "1"];
		const env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: path.join(dir, "offset"), FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" };
		house = await House.start({ arguments: args, env });
		if (onPostgres)
			second = await House.beside(house, { arguments: args });
		root = house.account("root", { admin: true });
		ana = house.account("ana");
		ok(await ana.call("POST", `${api}/studio/consent`, { maker: "openai" }));
	});
	after(async () => {
		for (const one of asked)
			one.answer();
		await second?.kill("SIGTERM");
		await house?.stop();
		fake.closeAllConnections();
		fake.close();
		rmSync(dir, { recursive: true, force: true });
	});

	const submit = (more = {}) => ana.call("POST", `${api}/jobs`, { prompt: "x", maker: "openai", ...more });
	const job = async (id) => ok(await ana.call("GET", `${api}/jobs/${id}`));
	const now = async () => Date.parse((await submitted()).created_at);
	const submitted = async () => ok(await submit({ prompt: "what time is it" }));
	const drawn = async (id) => until(`${id} is drawn`, async () => (await job(id)).state === "finished", 20000);

	test("leases, quotas, ends and waits over a day forward and an hour back", async () => {
		const began = await now();
		const token = ok(await ana.call("POST", `${api}/tokens`, { name: "an hour", expires_in_s: 3600 }));
		const enter = async () => (await house.call("GET", `${api}/jobs`, undefined, { authorization: `Bearer ${token.token}` })).status;
		const inHours = (h) => new Date(began + h * 3600 * 1000).toISOString();
		const open = ok(await root.call("POST", `${api}/admin/programmes`, { name: "Ends", tasks: ["vary"], ends_at: inHours(2) }));
		const coming = ok(await root.call("POST", `${api}/admin/programmes`, { name: "Begins", tasks: ["restyle"], starts_at: inHours(2) }));
		const states = async () => [open, coming].map((p) => p.id).reduce(async (list, id) => [...(await list), ok(await ana.call("GET", `${api}/programmes/${id}`)).state], []);
		const browser = await house.call("GET", `${api}/session`);
		const cookie = browser.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
		const sign = async () => (await house.call("POST", `${api}/session`, { username: "ana", password: "not hers" }, { "x-csrf-token": browser.body.csrf_token, cookie })).status;
		assert.equal(await enter(), 200);
		assert.deepEqual(await states(), ["open", "coming"]);

		const slow = [];
		for (let i = 0; i < 3; i++)
			slow.push(ok(await submit({ prompt: `slow ${i}` })).id);
		const busy = onPostgres ? 2 : 1;
		const drawing = () => asked.filter((x) => x.prompt.startsWith("slow")).length;
		await until("all machines draw", () => drawing() === busy);
		const waits = async () => {
			for (const id of slow) {
				const j = await job(id);
				assert.ok(!j.wait || (j.wait.low_s >= 0 && j.wait.high_s >= j.wait.low_s && j.wait.high_s < 3600), JSON.stringify(j.wait));
			}
			assert.equal(ok(await ana.call("GET", `${api}/load`)).level, 0, "nobody has waited for a day");
		};
		await waits();

		jump("+1d");
		await sleep(3500); // longer than a lease
		assert.equal(drawing(), busy, "nothing is drawn a second time");
		await waits();
		assert.equal(await enter(), 401);
		assert.deepEqual(await states(), ["ended", "open"]);
		const quota = ok(await root.call("POST", `${api}/admin/quotas`, { subject: "account", subject_id: ana.id, unit: "pictures", amount: 2, window: "day" }));
		for (let i = 0; i < 2; i++)
			ok(await submit({ prompt: `slow more ${i}` }));
		const spent = async () => {
			const r = await submit();
			assert.equal(r.status, 429);
			assert.ok(Number(r.headers.get("retry-after")) > 0 && Number(r.headers.get("retry-after")) <= 86400 + 3600, r.headers.get("retry-after"));
		};
		await spent();
		let tries = 0;
		while ((await sign()) !== 429)
			assert.ok(++tries < 30, "there is a limit");

		jump("-1h");
		await sleep(3500);
		assert.equal(drawing(), busy, "nothing is drawn a second time");
		await waits();
		assert.equal(await enter(), 401, "what has expired stays so");
		assert.deepEqual(await states(), ["ended", "open"]);
		assert.equal(await sign(), 429);
		await spent();
		ok(await root.call("DELETE", `${api}/admin/quotas/${quota.id}`));

		jump("+0");
		for (let i = 0; i < 5; i++)
			(await until("the next", () => asked.filter((x) => x.prompt.startsWith("slow"))[i])).answer();
		for (const id of slow)
			await drawn(id);
		assert.equal(asked.length, 6, "each was drawn once");
		const ids = ok(await ana.call("GET", `${api}/jobs`)).map((j) => BigInt(j.id));
		assert.deepEqual(ids, [...ids].sort((a, b) => (a < b ? 1 : -1)), "ids have only grown");
	});
});
