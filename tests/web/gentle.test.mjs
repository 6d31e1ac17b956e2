// Every page and sheet for who needs it gentler: with letters twice as large nothing leaves a phone or a small window, and for who wants less
// motion nothing moves.
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, GUEST_PAGES, PAGES, SHEETS } from "./pages.mjs";
import { browser, dal, open } from "./stage.mjs";
import { person } from "./yard.mjs";

const TWICE = "31px"; // of the 15.5 that the letters have

/** What reaches beyond the window, beside what scrolls by itself. */
const beyond = (page) =>
	page.evaluate(() => {
		const wide = document.documentElement.clientWidth;
		const scrolls = (one) => one && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(one).overflowX) || getComputedStyle(one).position === "fixed" || scrolls(one.parentElement));
		return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) <= wide ? [] : [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > wide + 1 && !scrolls(one.parentElement)).slice(0, 3).map((one) => `${one.outerHTML.slice(0, 120)} ends at ${Math.round(one.getBoundingClientRect().right)} of ${wide}`);
	});

for (const [name, viewport] of [["a phone", { width: 390, height: 844 }], ["a small window", { width: 1024, height: 700 }]]) {
	test(`with letters twice as large no page leaves ${name}`, async () => {
		const page = await dal({ viewport, reducedMotion: "reduce" });
		await open(page, "/");
		await page.evaluate((size) => (document.documentElement.style.fontSize = size), TWICE);
		const all = [];
		for (const path of PAGES) {
			await follow(page, path);
			all.push(...(await beyond(page)).map((one) => `${path}: ${one}`));
		}
		for (const [path, ...presses] of SHEETS) {
			await follow(page, path);
			for (const press of presses) await page.locator(press).first().click();
			await page.locator("dialog[open], [role=menu]").first().waitFor();
			all.push(...(await beyond(page)).map((one) => `${path} ${presses.at(-1)}: ${one}`));
			await page.keyboard.press("Escape");
			await page.locator("dialog[open], [role=menu]").first().waitFor({ state: "detached" });
		}
		assert.deepEqual(all, []);
		await page.context().close();
		const guest = await person(browser, { locale: "en", viewport, reducedMotion: "reduce" });
		await open(guest, "/explore");
		await guest.evaluate((size) => (document.documentElement.style.fontSize = size), TWICE);
		for (const path of GUEST_PAGES) {
			await follow(guest, path);
			all.push(...(await beyond(guest)).map((one) => `${path}: ${one}`));
		}
		assert.deepEqual(all, []);
		await guest.context().close();
	});
}

/** On which pages something moved longer than a moment. */
async function moved(motion) {
	const page = await dal({ reducedMotion: motion });
	await open(page, "/");
	await page.evaluate(() => {
		window.moved = 0;
		const look = () => {
			for (const one of document.getAnimations()) {
				const { duration, iterations } = one.effect.getComputedTiming();
				window.moved = Math.max(window.moved, Number(duration) * iterations);
			}
			requestAnimationFrame(look);
		};
		look();
	});
	const all = [];
	const note = async (where) => {
		const longest = await page.evaluate(() => [window.moved, (window.moved = 0)][0]);
		if (longest > 1) all.push(`${where}: ${longest} ms`);
	};
	for (const path of PAGES) {
		await follow(page, path);
		await note(path);
	}
	for (const [path, ...presses] of SHEETS) {
		await follow(page, path);
		for (const press of presses) await page.locator(press).first().click();
		await page.locator("dialog[open], [role=menu]").first().waitFor();
		await note(`${path} ${presses.at(-1)}`);
		await page.keyboard.press("Escape");
		await page.locator("dialog[open], [role=menu]").first().waitFor({ state: "detached" });
	}
	await page.context().close();
	return all;
}

test("for who wants less motion nothing moves on any page or sheet", async () => {
	assert.ok((await moved("no-preference")).length > 3, "otherwise this test sees nothing");
	assert.deepEqual(await moved("reduce"), []);
});
