// Early access on the real server, as two people see it: a token shown once, a programme entered, a picture that waits for approval,
// feedback that earns credits, and access taken back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dal, haru, opened, real, server } from "./real.mjs";
import { draw, open, publish } from "./yard.mjs";

opened({ haru: { locale: "en" } });

test("a token is shown once, draws through /v1, and its use is counted", real, async () => {
	await open(haru, "/tokens");
	await haru.click('[data-action="new-token"]');
	await haru.locator("form input.input").first().fill("laptop");
	await haru.click('[data-action="make-token"]');
	const token = await haru.locator("dialog[open] .secret").innerText();
	const answer = await fetch(`${server.base}/v1/images/generations`, { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: JSON.stringify({ prompt: "a cat", model: "builtin" }) });
	assert.equal(answer.status, 200, await answer.text());
	const row = haru.locator('[data-token="active"]', { hasText: "laptop" });
	for (let tries = 0; ; tries++) { // uses are counted in memory and written together, a moment later
		await open(haru, "/tokens");
		await row.waitFor();
		if ((await row.getByText("Used 1 time").count()) === 1)
			break;
		assert.ok(tries < 60, "its use is counted");
		await new Promise((resolve) => setTimeout(resolve, 500));
	}
	assert.ok(!(await haru.content()).includes(token), "it is not shown again");
});

test("a programme is made, applied to and entered", real, async () => {
	await open(dal, "/admin?show=programmes");
	await dal.click('[data-action="new-programme"]');
	const sheet = dal.locator("dialog[open]");
	await sheet.getByLabel("Name", { exact: true }).fill("First brush");
	await sheet.locator('input[type="checkbox"][value="builtin"]').check();
	await sheet.locator('input[value="before_publish"]').check({ force: true });
	await sheet.getByLabel("Terms").fill("Be kind.");
	await sheet.locator('[data-action="save-programme"]').click();
	await sheet.waitFor({ state: "detached" });
	await open(haru, "/programmes");
	await haru.locator("[data-programme]").first().click();
	await haru.getByText("Be kind.").waitFor();
	assert.ok(await haru.locator('[data-action="enter"]').isDisabled(), "the terms come first");
	await haru.locator('[data-action="agree"]').check();
	await haru.click('[data-action="enter"]');
	await haru.locator(".pill", { hasText: "applied" }).first().waitFor();
	await open(dal, "/admin?show=programmes");
	await dal.locator('[data-action="members"]').first().click();
	await dal.locator('[data-action="let-in"]').first().click();
	await dal.locator(".pill", { hasText: "you are in" }).first().waitFor();
});

test("what was made waits for the review desk, and is told when it is approved", real, async () => {
	await open(haru, "/studio");
	await haru.waitForSelector(".composer");
	await draw(haru, "a red apple");
	await publish(haru, "An early apple");
	await open(haru, "/");
	await haru.locator('[data-review="pending"]').first().waitFor();
	await open(dal, "/local");
	await dal.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
	assert.equal(await dal.locator("article", { hasText: "An early apple" }).count(), 0, "nobody else sees it");
	await open(dal, "/admin?show=reviews");
	await dal.locator('[data-action="approve"]').first().click();
	await dal.locator(".toast").first().waitFor();
	await open(dal, "/local");
	await dal.locator("article", { hasText: "An early apple" }).first().waitFor();
	await open(haru, "/notifications");
	await haru.locator('[data-tiding="review.approved"]').waitFor();
});

test("feedback is voluntary and earns credits; access is taken back and given again", real, async () => {
	await open(haru, "/programmes");
	await haru.locator("[data-programme]").first().click();
	await haru.getByRole("button", { name: "Give feedback" }).click();
	const sheet = haru.locator("dialog[open]");
	await sheet.getByText("voluntary").waitFor();
	await sheet.locator("textarea").last().fill("The leaf is a little too blue.");
	await sheet.locator('[data-action="send-feedback"]').click();
	await sheet.waitFor({ state: "detached" });
	await open(dal, "/admin?show=feedback");
	await dal.click('[data-action="accept-feedback"]');
	await dal.locator("[data-feedback]").waitFor({ state: "detached" });
	await open(haru, "/programmes");
	await haru.getByText("5 credits").waitFor();
	await open(dal, "/admin?show=programmes");
	await dal.locator("[data-programme] .btn.danger").first().click();
	await dal.click('[data-action="revoke"]');
	await dal.getByRole("button", { name: "Undo" }).waitFor();
	await open(haru, "/notifications");
	await haru.locator('[data-tiding="access.revoked"]').waitFor();
	await dal.getByRole("button", { name: "Undo" }).click();
	await dal.locator(".pill", { hasText: "undone" }).waitFor();
	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
});
