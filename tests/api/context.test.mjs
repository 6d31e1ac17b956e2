// The context of a status: its whole way up and down, in order; how much of it signed in and signed out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House } from "./house.mjs";

let house, ana, bo;

before(async () => {
	house = await House.start();
	[ana, bo] = ["ana", "bo"].map((n) => house.account(n));
});
after(() => house.stop());

const say = async (who, status, in_reply_to_id, more) => {
	const made = await who.call("POST", "/api/v1/statuses", { status, in_reply_to_id, ...more });
	assert.equal(made.status, 200, JSON.stringify(made.body));
	return made.body.id;
};
const context = async (who, id) => {
	const { body } = await who.call("GET", `/api/v1/statuses/${id}/context`);
	return { up: body.ancestors.map((s) => s.id), down: body.descendants.map((s) => s.id) };
};

test("a long way up is told whole to who is signed in, and its near end to others", async () => {
	const chain = [];
	for (let i = 0; i < 70; i++)
		chain.push(await say(i % 2 ? ana : bo, `step ${i}`, chain.at(-1)));
	assert.deepEqual(await context(ana, chain[69]), { up: chain.slice(0, 69), down: [] });
	assert.deepEqual(await context(ana, chain[50]), { up: chain.slice(0, 50), down: chain.slice(51) });
	assert.deepEqual(await context(house, chain[69]), { up: chain.slice(29, 69), down: [] });
	assert.deepEqual((await context(house, chain[10])).down, chain.slice(11, 31)); // twenty deep
	// What was deleted ends the way up; what is below it stays below.
	await bo.call("DELETE", `/api/v1/statuses/${chain[40]}`);
	assert.deepEqual((await context(ana, chain[69])).up, chain.slice(41, 69));
	assert.deepEqual((await context(ana, chain[39])).down, []);
});

test("many answers: sixty of them to who is not signed in; others' private ones to nobody", async () => {
	const root = await say(ana, "root"), answers = [];
	for (let i = 0; i < 70; i++)
		answers.push(await say(bo, `answer ${i}`, root));
	await say(bo, "for myself", root, { visibility: "private" });
	const below = await say(ana, "below", answers[3]);
	assert.deepEqual((await context(ana, root)).down, [...answers, below]);
	assert.deepEqual((await context(house, root)).down, answers.slice(0, 60));
	assert.deepEqual(await context(ana, below), { up: [root, answers[3]], down: [] });
	// Who is blocked or muted is left out.
	await ana.call("POST", `/api/v1/accounts/${bo.id}/mute`);
	assert.deepEqual((await context(ana, root)).down, [below]);
});
