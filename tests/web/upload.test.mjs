// A picture that the server has not processed when it answers: the composer says that it comes, lets nobody post before, and
// shows it when it is there; what turns out to be no picture is said so, and nothing else is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { png } from "../api/house.mjs";
import { dal, opened, real, server } from "./real.mjs";

process.env.MADANG_UPLOAD_WAIT_MS = "0"; // every upload is answered 202
opened();

test("an upload that takes its time is waited for and posted", real, async () => {
	await dal.goto(`${server.base}/`);
	await dal.waitForSelector("main h1", { state: "attached" });
	await dal.click('[data-action="write"]');
	const sheet = dal.locator("dialog[open]");
	const post = sheet.locator('[data-action="publish"]');
	await sheet.locator("#publish-text").fill("it came later");
	const answers = [];
	dal.on("response", (r) => r.url().includes("/media") && answers.push(r.status()));
	const file = sheet.locator('input[type="file"]');
	const waiting = sheet.getByRole("status", { name: "Uploading" });
	await file.setInputFiles({ name: "red.png", mimeType: "image/png", buffer: png(1600, 1200) });
	await waiting.waitFor();
	assert.ok(await post.isDisabled(), "nobody posts what is not there yet");
	if (process.env.SHOTS) await dal.screenshot({ path: `${process.env.SHOTS}/uploading.png` });
	await sheet.locator("textarea.alt").waitFor();
	await waiting.waitFor({ state: "detached" });
	assert.equal(answers[0], 202);
	if (process.env.SHOTS) await dal.screenshot({ path: `${process.env.SHOTS}/uploaded.png` });
	await sheet.locator("textarea.alt").fill("a red sheet");
	// One that is broken: said, and what is there stays.
	await file.setInputFiles({ name: "broken.png", mimeType: "image/png", buffer: png(300, 300).subarray(0, 4000) });
	await dal.getByText("is not a picture that can be read").waitFor();
	await waiting.waitFor({ state: "detached" });
	assert.equal(await sheet.locator("textarea.alt").count(), 1);
	await post.click();
	// The sheet goes when it is posted, or asks once more.
	await sheet.waitFor({ state: "detached" });
	await dal.locator('article[data-post] img[alt="a red sheet"]').first().waitFor();
	assert.deepEqual(dal.complaints, []);
});
