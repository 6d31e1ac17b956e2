// What axe-core finds on every page, by day and by night, wide and narrow: nothing serious. The pages lie over the stand-in server, so that each has
// something on it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { follow, GUEST_PAGES, PAGES, settled, SHEETS } from "./pages.mjs";
import { browser, mock } from "./stage.mjs";
import { person } from "./yard.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BAD = ["serious", "critical"];
const SIZES = { day: { width: 1280, height: 800 }, night: { width: 390, height: 844 } };

/** What is wrong with the page as it stands, one line for each rule. */
async function wrongs(page, where) {
	if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	return found.violations.filter((one) => BAD.includes(one.impact)).map((one) => `${where}: ${one.id} (${one.help}): ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
}

async function opened(scheme, signedIn) {
	const page = await person(browser, { locale: "en", viewport: SIZES[scheme], colorScheme: scheme === "day" ? "light" : "dark", reducedMotion: "reduce" });
	if (signedIn) await page.context().addCookies([{ name: "madang_session", value: "demo", url: mock.url }]);
	await page.goto(`${mock.url}/`);
	await settled(page);
	return page;
}

for (const scheme of ["day", "night"]) {
	test(`every page by ${scheme} has nothing that keeps people out`, async () => {
		const page = await opened(scheme, true);
		const all = [];
		for (const path of PAGES) {
			await follow(page, path);
			all.push(...(await wrongs(page, path)));
		}
		// Where one gets by a press.
		await follow(page, "/");
		await page.locator("article[data-post] a.when").first().click();
		await page.waitForSelector(".main-post");
		await settled(page);
		all.push(...(await wrongs(page, "a post")));
		assert.deepEqual(all, []);
		await page.context().close();
	});

	test(`every sheet by ${scheme}, and what opens it is a button that says so`, async () => {
		const page = await opened(scheme, true);
		const all = [];
		for (const [path, ...presses] of SHEETS) {
			await follow(page, path);
			for (const press of presses) await page.locator(press).first().click();
			await page.locator("dialog[open], [role=menu]").first().waitFor();
			all.push(...(await wrongs(page, `${path} ${presses.at(-1)}`)));
			await page.keyboard.press("Escape");
			await page.locator("dialog[open], [role=menu]").first().waitFor({ state: "detached" });
		}
		assert.deepEqual(all, []);
		await page.context().close();
	});

	test(`every page that visitors see by ${scheme}`, async () => {
		const page = await opened(scheme, false);
		const all = await wrongs(page, "/");
		for (const path of GUEST_PAGES) {
			await follow(page, path);
			all.push(...(await wrongs(page, path)));
		}
		assert.deepEqual(all, []);
		await page.context().close();
	});
}
