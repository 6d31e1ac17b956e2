// A description that a model proposes, on a real server with a tiny model that can look: offered below a picture, read and
// confirmed by its author, published only then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { png } from "../api/house.mjs";
import { dal, opened, real, server } from "./real.mjs";

opened({ of: { eyes: true } });

test("a description is proposed for an upload, and must be confirmed", real, async () => {
	await dal.goto(`${server.base}/`);
	await dal.waitForSelector("main h1", { state: "attached" });
	await dal.click('[data-action="write"]');
	const sheet = dal.locator("dialog[open]");
	const post = sheet.locator('[data-action="publish"]');
	await sheet.locator("#publish-text").fill("a red square");
	await sheet.locator('input[type="file"]').setInputFiles({ name: "red.png", mimeType: "image/png", buffer: png(48, 48) });
	const alt = sheet.locator("textarea.alt");
	await alt.waitFor();
	assert.equal(await alt.inputValue(), "");
	assert.ok(await post.isEnabled(), "nothing was proposed, so nothing is to be confirmed");
	await sheet.locator('[data-action="propose-alt"]').click();
	await dal.waitForFunction(() => document.querySelector("dialog[open] textarea.alt").value !== "");
	assert.ok(await post.isDisabled(), "what was proposed is not posted unread");
	await alt.fill("a red square on nothing");
	assert.ok(await post.isDisabled(), "what was changed is confirmed too");
	await sheet.locator('[data-action="confirm-alt"]').check();
	await post.click();
	await sheet.waitFor({ state: "detached" });
	await dal.locator('article[data-post] img[alt="a red square on nothing"]').first().waitFor();
	assert.deepEqual(dal.complaints, []);
});
