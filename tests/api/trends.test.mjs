// Trends: tags and posts that several people use and like, their days, and moderators who approve and reject.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRestAPIClient } from "masto";
import "./audited.mjs";
import { House, until } from "./house.mjs";

let house, root, ana, bo, cho, a, r;

before(async () => {
	house = await House.start();
	root = house.account("root1", { admin: true });
	[ana, bo, cho] = ["ana", "bo", "cho"].map((n) => house.account(n));
	[a, r] = [ana, root].map((p) => createRestAPIClient({ url: house.url, accessToken: p.token }));
});
after(() => house.stop());

const say = async (who, status, more) => {
	const made = await who.call("POST", "/api/v1/statuses", { status, ...more });
	assert.equal(made.status, 200, JSON.stringify(made.body));
	return made.body;
};
const names = async (client = a) => (await client.v1.trends.tags.list()).map((t) => t.name.toLowerCase());

describe("tags", () => {
	test("what several people use stands out, by how many they are; with its days", async () => {
		for (const who of [ana, bo, cho])
			await say(who, "Look at #Moon and the #stars");
		await say(ana, "#moon #moon again");
		await say(bo, "#moon once more");
		for (let i = 0; i < 4; i++)
			await say(ana, "#mine alone");
		await say(ana, "#secret", { visibility: "private" });
		await say(bo, "#secret", { visibility: "unlisted" });
		await say(ana, "#dusk");
		await say(bo, "#dusk");
		await until("they stand out", async () => (await names()).length >= 3, 60000);
		const tags = await a.v1.trends.tags.list();
		assert.deepEqual(tags.map((t) => t.name).sort(), ["Moon", "dusk", "stars"]);
		assert.equal(tags[2].name, "dusk");
		const moon = tags.find((t) => t.name === "Moon");
		assert.deepEqual([moon.history.length, moon.history[0].accounts, moon.history[0].uses, moon.history[1].uses], [7, "3", "5", "0"]);
		assert.equal(Number(moon.history[0].day) % 86400, 0);
		assert.deepEqual((await a.v1.tags.$select("moon").fetch()).history, moon.history);
		assert.deepEqual((await house.call("GET", "/api/v1/trends?limit=1&offset=2")).body.map((t) => t.name), ["dusk"]);
	});

	test("moderators reject and approve", async () => {
		assert.equal((await r.v1.admin.trends.tags.list()).find((t) => t.name === "Moon").requiresReview, true);
		const rejected = await r.v1.admin.trends.tags.$select("moon").reject();
		assert.deepEqual([rejected.name, rejected.trendable, rejected.requiresReview], ["Moon", false, false]);
		assert.ok(!(await names()).includes("moon"));
		assert.ok((await r.v1.admin.trends.tags.list()).some((t) => t.name === "Moon"));
		assert.equal((await r.v1.admin.trends.tags.$select("moon").approve()).trendable, true);
		assert.ok((await names()).includes("moon"));
		const actions = (await root.call("GET", "/api/madang/v1/admin/audit")).body.map((x) => x.action);
		assert.ok(actions.includes("trend.reject") && actions.includes("trend.approve"));
	});
});

describe("posts", () => {
	test("what people like and boost stands out; moderators take it out", async () => {
		const liked = await say(ana, "everybody likes this"), boosted = await say(ana, "and boosts this"), dull = await say(ana, "nobody cares");
		for (const who of [bo, cho])
			await who.call("POST", `/api/v1/statuses/${liked.id}/favourite`);
		for (const who of [bo, cho])
			await who.call("POST", `/api/v1/statuses/${boosted.id}/reblog`);
		const list = async (client = a) => (await client.v1.trends.statuses.list()).map((s) => s.id);
		await until("they stand out", async () => (await list()).length === 2, 60000);
		assert.deepEqual(await list(), [boosted.id, liked.id]);
		assert.ok(!(await list()).includes(dull.id));
		assert.equal((await r.v1.admin.trends.statuses.$select(boosted.id).reject()).id, boosted.id);
		assert.deepEqual(await list(), [liked.id]);
		assert.equal((await r.v1.admin.trends.statuses.list()).length, 2);
		await r.v1.admin.trends.statuses.$select(boosted.id).approve();
		assert.deepEqual(await list(), [boosted.id, liked.id]);
	});
});

test("bad input, and who may", async () => {
	for (const route of ["tags", "statuses"]) {
		const at = `/api/v1/admin/trends/${route}`;
		assert.equal((await ana.call("GET", at)).status, 403);
		assert.equal((await ana.call("POST", `${at}/1/reject`)).status, 403);
		assert.equal((await root.call("POST", `${at}/${route === "tags" ? "nobodyhasthis" : "1"}/reject`)).status, 404);
		assert.equal((await house.call("GET", `/api/v1/trends/${route}?limit=0`)).status, 200);
		assert.equal((await house.call("GET", `/api/v1/trends/${route}?limit=many`)).status, 422);
		assert.equal((await house.call("GET", `/api/v1/trends/${route}?offset=-1`)).status, 422);
	}
});
