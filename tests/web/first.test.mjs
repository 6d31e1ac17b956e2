// The first half minute: one press draws what was said or suggested, and an empty home shows pictures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "./pages.mjs";
import { dal, mock, open } from "./stage.mjs";

const PHONE = { viewport: { width: 390, height: 844 } };

test("what is said at home, and an example that is pressed, is drawn at once; an address never draws", async () => {
	const page = await dal(PHONE);
	await page.route("**/api/v1/timelines/home**", (route) => route.fulfill({ json: [] }));
	await open(page, "/");
	await page.locator(".others a.tile").first().waitFor();
	await page.fill(".wish input", "a lantern in the yard");
	await page.keyboard.press("Enter");
	await page.locator("[data-job]", { hasText: "a lantern in the yard" }).waitFor();
	assert.equal(new URL(page.url()).pathname, "/studio");
	assert.equal(await page.inputValue("#studio-prompt"), "");
	await page.reload();
	await settled(page);
	assert.equal(await page.locator("[data-job]", { hasText: "a lantern in the yard" }).count(), 1);

	let orders = 0;
	await page.route("**/api/madang/v1/jobs", (route) => {
		if (route.request().method() === "POST") orders += 1;
		return route.continue();
	});
	await open(page, "/studio?prompt=a+roof");
	await page.waitForFunction(() => document.querySelector("#studio-prompt")?.value === "a roof");
	assert.equal(orders, 0);

	await page.route("**/api/madang/v1/jobs?**", (route) => route.fulfill({ json: [] }));
	await page.fill("#studio-prompt", "");
	await open(page, "/studio");
	const example = page.locator('[data-action="example"]').first();
	const words = await example.locator("span").innerText();
	await example.click();
	await page.locator("[data-job]", { hasText: words }).waitFor();
	assert.equal(orders, 1);
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("on a phone a lineage is read from above to below: nothing of it is beside the screen", async () => {
	const page = await dal(PHONE);
	const [status] = await (await fetch(`${mock.url}/api/madang/v1/explore?limit=1`)).json();
	const node = (id, children = []) => ({ id, status: { ...status, id }, deleted: false, parent_id: null, created_at: status.created_at, children });
	const root = node("1", [node("2", [node("3", [node("4")]), node("5")]), node("6"), node("7"), node("8")]);
	await page.route("**/api/madang/v1/lineage/**", (route) => route.fulfill({ json: { root, current: "4", count: 8, truncated: false } }));
	await open(page, "/lineage/4");
	await page.locator("[data-node]").nth(7).waitFor();
	const places = await page.locator("[data-node]").evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ left, right, top }) => ({ left, right, top })));
	for (const [index, place] of places.entries()) {
		assert.ok(place.left >= 0 && place.right <= 390, `${index}: ${place.left} to ${place.right}`);
		assert.ok(index === 0 || place.top > places[index - 1].top);
	}
	assert.ok(places[3].left > places[2].left && places[2].left > places[1].left && places[1].left > places[0].left);
	await page.context().close();
});

test("names as long as they may be, and those written from the right, fit a small phone", async () => {
	const page = await dal({ viewport: { width: 320, height: 640 } });
	const names = ["Donaudampfschifffahrtsgesellschaftskapitän", "نور الهدى محمد عبد الرحمن الفارسي 🌹"];
	let turn = 0;
	const renamed = (account) => ({ ...account, display_name: names[turn++ % 2] });
	const change = (url, deed) =>
		page.route(url, async (route) => {
			const response = await route.fetch();
			await route.fulfill({ response, json: deed(await response.json()) });
		});
	const posts = (list) => list.map((one) => ({ ...one, account: renamed(one.account) }));
	await change("**/api/v1/timelines/home**", posts);
	await change("**/api/v1/accounts/*/statuses**", posts);
	await change("**/api/v1/accounts/lookup**", renamed);
	await change("**/api/v1/accounts/familiar_followers**", (list) => list.map((one) => ({ ...one, accounts: one.accounts.map(renamed) })));
	for (const path of ["/", "/@minseo", "/notifications"]) {
		await open(page, path);
		const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
		assert.ok(wide <= 320, `${path} is ${wide} wide`);
	}
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});
