// Leaving: one's own account, with its password, for good; and the weeks that everybody may know of.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, password, tinyModel, until } from "./house.mjs";

const at = "/api/madang/v1/account/delete";
let house, root, ana, bo, cy;

before(async () => {
	house = await House.start({ model: tinyModel() });
	root = house.account("root1", { admin: true });
	[ana, bo, cy] = ["ana", "bo", "cy"].map((n) => house.account(n));
});
after(() => house.stop());

test("the last weeks, in numbers that are true", async () => {
	for (const [who, n] of [[ana, 2], [bo, 1]])
		for (let i = 0; i < n; i++)
			await who.call("POST", "/api/v1/statuses", { status: `post ${i}` });
	const { status, body: weeks } = await house.call("GET", "/api/v1/instance/activity");
	assert.equal(status, 200);
	assert.equal(weeks.length, 12);
	const [now, last] = weeks;
	assert.deepEqual([now.statuses, now.logins, now.registrations], ["3", "2", "4"]);
	assert.deepEqual([last.statuses, last.logins, last.registrations], ["0", "0", "0"]);
	assert.equal(new Date(now.week * 1000).getUTCDay(), 1);
	assert.equal(now.week - last.week, 7 * 86400);
	assert.deepEqual((await house.call("GET", "/api/v1/instance/peers")).body, []);
});

const signIn = async (username) => {
	const s = await house.call("GET", "/api/madang/v1/session");
	return house.call("POST", "/api/madang/v1/session", { username, password }, { "x-csrf-token": s.body.csrf_token, cookie: s.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ") });
};

test("an archive, then everything goes; the name stays taken", async () => {
	const post = (await ana.call("POST", "/api/v1/statuses", { status: "I was here" })).body;
	await bo.call("POST", `/api/v1/accounts/${ana.id}/follow`);
	const archive = await fetch(`${house.url}/api/madang/v1/exports/archive.zip`, { headers: { authorization: `Bearer ${ana.token}` } });
	assert.equal(Buffer.from(await archive.arrayBuffer()).subarray(0, 2).toString(), "PK");
	assert.equal((await ana.call("POST", at, { password: "wrong" })).status, 422);
	assert.equal((await ana.call("POST", at, {})).status, 422);
	assert.equal((await ana.call("POST", at, { password: 7 })).status, 422);
	assert.equal((await house.call("POST", at, { password }, { authorization: "Bearer nobody" })).status, 401);
	assert.equal((await ana.call("GET", "/api/v1/accounts/verify_credentials")).status, 200);
	assert.equal((await signIn("ana")).status, 200);
	assert.equal((await ana.call("POST", at, { password })).status, 200);
	assert.equal((await ana.call("GET", "/api/v1/accounts/verify_credentials")).status, 401);
	assert.equal((await signIn("ana")).status, 401);
	assert.equal((await bo.call("GET", `/api/v1/statuses/${post.id}`)).status, 404);
	await until("its posts are gone", async () => (await bo.call("GET", "/api/v1/timelines/public")).body.every((s) => s.account.id !== ana.id));
	assert.notEqual((await house.call("POST", "/api/madang/v1/signup", { username: "ana", email: "x@example.org", password, agreement: true })).status, 200);
	const log = (await root.call("GET", "/api/madang/v1/admin/audit")).body;
	assert.ok(log.some((x) => x.action === "account.delete"));
});

test("the owner is told why not, and stays", async () => {
	await house.kill("SIGTERM"); // who keeps an account in memory need not see what goes past the program
	house.sql(`UPDATE accounts SET role = 3 WHERE id = ${root.id};`);
	await house.up();
	assert.equal((await root.call("POST", at, { password: "wrong" })).status, 422);
	const refused = await root.call("POST", at, { password });
	assert.equal(refused.status, 403);
	assert.match(refused.body.error, /owner .*cannot leave/);
	assert.equal((await root.call("GET", "/api/v1/accounts/verify_credentials")).status, 200);
});

test("what was drawn and never posted goes too, and nothing more is drawn", async () => {
	const order = async (form) => (await cy.call("POST", "/api/madang/v1/jobs", form)).body;
	const { id } = await order({ prompt: "a secret garden" });
	const drawn = await until("it is drawn", async () => {
		const job = (await cy.call("GET", `/api/madang/v1/jobs/${id}`)).body;
		return job.state === "finished" && job;
	}, 20000);
	const { url } = drawn.media[0];
	assert.equal((await fetch(url)).status, 200);
	for (let i = 0; i < 3; i++)
		await order({ prompt: `a secret number ${i}`, count: 4 });
	assert.equal((await cy.call("POST", at, { password })).status, 200);
	await until("the picture is gone", async () => (await fetch(url)).status === 404, 20000);
	const queue = (await root.call("GET", "/api/madang/v1/admin/queue")).body;
	assert.ok(!JSON.stringify(queue).includes("secret"), JSON.stringify(queue));
	const { body: all } = await root.call("GET", "/api/madang/v1/jobs?limit=40");
	assert.ok(!JSON.stringify(all).includes("secret"));
});
