// What a picture that one has posted can still do: say itself to who points at it or reaches it by key, and become the profile
// picture. And what people set: no reminder of descriptions, and a page that keeps still.
import assert from "node:assert/strict";
import { test } from "node:test";
import { png } from "../api/house.mjs";
import { browser, dal, opened, real, server } from "./real.mjs";
import { open, person } from "./yard.mjs";

opened();

/** Writes a post with one picture, as far as the button; the sheet. */
async function begin(text, colour, alt) {
	await dal.click('[data-action="write"]');
	const sheet = dal.locator("dialog[open]");
	await sheet.locator("#publish-text").fill(text);
	await sheet.locator('input[type="file"]').setInputFiles({ name: "a.png", mimeType: "image/png", buffer: png(400, 300, colour) });
	await sheet.locator("textarea.alt").fill(alt);
	return sheet;
}

test("a posted picture says what it shows, by pointer and by key, and becomes the profile picture", real, async () => {
	await open(dal, "/");
	const sheet = await begin("my door", [20, 120, 200], "a blue door");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
	const post = dal.locator("article[data-post]", { hasText: "my door" });
	const caption = post.locator(".caption .text");
	await dal.mouse.move(0, 0);
	await caption.waitFor({ state: "hidden" });
	await post.locator(".gallery a").hover();
	await caption.waitFor();
	assert.equal(await caption.innerText(), "a blue door");
	await dal.mouse.move(0, 0);
	await caption.waitFor({ state: "hidden" });
	// By key: from what comes before it.
	await post.locator("a, button").first().focus();
	for (let i = 0; i < 20 && !(await post.locator(".gallery a").evaluate((one) => one === document.activeElement)); i++) await dal.keyboard.press("Tab");
	await caption.waitFor();
	const me = async () => (await (await dal.request.get("/api/v1/accounts/lookup?acct=dal")).json()).avatar;
	const before = await me();
	await post.getByRole("button", { name: "More" }).click();
	await dal.getByRole("menuitem", { name: "Use as my profile picture" }).click();
	await dal.getByText("It is your profile picture now").waitFor();
	assert.notEqual(await me(), before);
	await open(dal, "/@dal");
	const face = dal.locator("main img.avatar, main .avatar img").first();
	await face.waitFor();
	assert.ok(await face.evaluate((one) => one.decode().then(() => one.naturalWidth > 0)));
	assert.deepEqual(dal.complaints, []);
});

test("who posts without a description is asked once, and not at all where the setting says so", real, async () => {
	await open(dal, "/");
	let sheet = await begin("nothing said", [200, 40, 40], "");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.getByRole("alert").filter({ hasText: "A picture has no description" }).waitFor();
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
	await open(dal, "/settings?show=posting");
	await dal.getByText("Remind me of descriptions").click();
	await open(dal, "/");
	sheet = await begin("nothing asked", [40, 200, 40], "");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
	await dal.locator("article[data-post]", { hasText: "nothing asked" }).waitFor();
	assert.deepEqual(dal.complaints, []);
});

/** The longest that anything moves while a picture is drawn and a sheet opens, ms. */
async function longest(motion) {
	const page = await person(browser, { locale: "en", baseURL: server.base, reducedMotion: motion, storageState: await dal.context().storageState() });
	await open(page, "/studio");
	await page.evaluate(() => {
		window.longest = 0;
		const look = () => {
			for (const one of document.getAnimations()) {
				const { duration, iterations } = one.effect.getComputedTiming();
				window.longest = Math.max(window.longest, Number(duration) * iterations);
			}
			requestAnimationFrame(look);
		};
		look();
	});
	await page.fill("#studio-prompt", "a red apple");
	await page.click('[data-action="draw"]');
	await page.locator('[data-job][data-state="finished"]').first().waitFor();
	await page.locator("#studio-prompt").blur();
	await page.keyboard.press("?");
	await page.locator("dialog[open]").waitFor();
	const found = await page.evaluate(() => window.longest);
	assert.deepEqual(page.complaints, []);
	await page.context().close();
	return found;
}

test("for who wants less motion nothing moves, not even while a picture is drawn", real, async () => {
	assert.ok((await longest("no-preference")) > 50, "otherwise this test sees nothing");
	assert.ok((await longest("reduce")) <= 1);
});
