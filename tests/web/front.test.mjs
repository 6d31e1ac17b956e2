// The front end by itself, against the stand-in server, under the content security policy that it is shipped with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startMock } from "./mock.mjs";
import { follow, PAGES } from "./pages.mjs";
import { browser, dal, open } from "./stage.mjs";
import { person, walk } from "./yard.mjs";

test("two people walk the main path", async () => {
	const empty = await startMock({ empty: true });
	try {
		await walk(browser, { base: empty.url, setup: `${empty.url}/setup?code=once` });
	} finally {
		empty.close();
	}
});

test("a like that the server refuses is taken back, and says so", async () => {
	const page = await dal();
	await open(page, "/");
	const like = page.locator('article [data-action="like"]').first();
	const before = await like.innerText();
	let answer;
	const looked = new Promise((resolve) => (answer = resolve));
	await page.route("**/favourite", async (route) => {
		await looked;
		await route.fulfill({ status: 503, contentType: "application/json", body: '{"error":"Too busy. Try again in a minute."}' });
	});
	await like.click();
	await page.locator('article [data-action="like"][aria-pressed="true"]').first().waitFor(); // shown before the answer
	answer();
	await page.locator(".toast.bad", { hasText: "Too busy" }).waitFor();
	assert.equal(await like.getAttribute("aria-pressed"), "false");
	assert.equal(await like.innerText(), before);
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("a prompt leaves the house only after consent, and the controls a maker can't honour are off", async () => {
	const page = await dal();
	await open(page, "/studio");
	await page.selectOption(".maker select", "openai");
	assert.equal(await page.locator("[data-style]").count(), 0, "no styles where the maker has none");
	await page.click(".composer button[aria-expanded]");
	assert.ok(await page.locator(".tuning .seed").isDisabled());
	assert.ok(await page.locator('.tuning input[type="range"]').isDisabled());
	assert.ok(await page.locator('.tuning input[value="4"]').isDisabled(), "not more at once than the maker draws");
	let sent = 0;
	await page.route("**/api/madang/v1/jobs", (route) => {
		if (route.request().method() === "POST") sent += 1;
		return route.continue();
	});
	await page.fill("#studio-prompt", "a lantern");
	await page.click('[data-action="draw"]');
	await page.locator("dialog[open]", { hasText: "pictures.example.com" }).waitFor();
	assert.equal(sent, 0, "nothing was sent before the answer");
	await page.click('[data-action="consent"]');
	await page.locator("[data-job]", { hasText: "a lantern" }).waitFor();
	assert.equal(sent, 1);
	await page.context().close();
});

test("a drawing is cancelled, and a failed one says what to do", async () => {
	const page = await dal();
	await open(page, "/studio");
	await page.fill("#studio-prompt", "a slow picture");
	await page.click('[data-action="draw"]');
	await page.waitForSelector('[data-state="drawing"]');
	await page.click('[data-action="cancel"]');
	await page.locator('[data-job][data-state="cancelled"]').first().waitFor();
	await page.fill("#studio-prompt", "FAIL please");
	await page.click('[data-action="draw"]');
	const failed = page.locator('[data-job][data-state="failed"]').first();
	await failed.getByRole("alert").waitFor();
	await failed.getByRole("button", { name: "Try again" }).click();
	assert.equal(await page.inputValue("#studio-prompt"), "FAIL please", "the words are not lost");
	await page.context().close();
});

test("a part of somebody's picture is chosen by dragging and by keys, and only that part is ordered anew", async () => {
	const page = await dal();
	await open(page, "/explore");
	await page.locator("main a.tile").first().click();
	await page.locator('.main-post [data-action="remix"]').click();
	await page.waitForSelector(".composer .source");
	await page.locator('.source input[value="edit"]').check({ force: true });
	const frame = page.locator(".region .frame");
	const box = await frame.boundingBox();
	await page.mouse.move(box.x + box.width * 0.1, box.y + box.height * 0.2);
	await page.mouse.down();
	await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5, { steps: 4 });
	await page.mouse.up();
	await page.keyboard.press("ArrowRight");
	await page.keyboard.press("Shift+ArrowDown");
	await page.fill("#studio-prompt", "a red lantern");
	const [request] = await Promise.all([page.waitForRequest((one) => one.method() === "POST" && one.url().endsWith("/jobs")), page.click('[data-action="draw"]')]);
	const order = request.postDataJSON();
	assert.equal(order.task, "edit");
	assert.ok(order.source.status_id);
	for (const [index, wanted] of [0.14, 0.2, 0.5, 0.34].entries()) assert.ok(Math.abs(order.region[index] - wanted) < 0.02, `${order.region}`);
	await page.context().close();
});

test("a variation in other words is all new, in the same words half; an edit has words of its own", async () => {
	const page = await dal();
	await open(page, "/explore");
	await page.locator("main a.tile").first().click();
	await page.locator('.main-post [data-action="remix"]').click();
	await page.waitForSelector(".composer .source");
	const words = await page.inputValue("#studio-prompt");
	assert.ok(words.length > 0);
	await page.locator('.source input[value="edit"]').check({ force: true });
	await page.waitForFunction(() => document.querySelector("#studio-prompt").value === "");
	await page.locator('.source input[value="vary"]').check({ force: true });
	await page.waitForFunction((then) => document.querySelector("#studio-prompt").value === then, words);
	const slider = page.locator('input[type="range"][min="0.1"]');
	await page.locator('.composer button[aria-expanded]').click();
	assert.equal(await slider.inputValue(), "0.5");
	await page.fill("#studio-prompt", "a lighthouse");
	assert.equal(await slider.inputValue(), "1");
	const [request] = await Promise.all([page.waitForRequest((one) => one.method() === "POST" && one.url().endsWith("/jobs")), page.click('[data-action="draw"]')]);
	assert.deepEqual([request.postDataJSON().task, request.postDataJSON().strength], ["vary", 1]);
	await page.context().close();
});

test("the keyboard goes everywhere", async () => {
	const page = await dal();
	await open(page, "/");
	await page.keyboard.press("?");
	await page.locator("dialog[open] kbd").first().waitFor();
	await page.keyboard.press("Escape");
	await page.waitForSelector("dialog", { state: "detached" });
	await page.keyboard.press("j");
	await page.keyboard.press("j");
	const second = await page.evaluate(() => document.activeElement?.getAttribute("data-post"));
	assert.equal(second, await page.locator("article[data-post]").nth(1).getAttribute("data-post"));
	await page.keyboard.press("l");
	assert.equal(await page.locator('article [data-action="like"]').nth(1).getAttribute("aria-pressed"), "true");
	await page.keyboard.press("Enter");
	await page.waitForURL(`**/${second}`);
	await page.keyboard.press("g");
	await page.keyboard.press("e");
	await page.waitForURL("**/explore");
	assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "the heading has the focus after a navigation");
	await page.keyboard.press("/");
	await page.waitForURL("**/search");
	await page.context().close();
});

test("older posts come when the end is near, and going back finds the place again", async () => {
	const page = await dal();
	await open(page, "/local");
	const count = () => page.locator("article[data-post]").count();
	const first = await count();
	await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
	await page.waitForFunction((n) => document.querySelectorAll("article[data-post]").length > n, first);
	const y = await page.evaluate(() => scrollY);
	await page.evaluate(() => document.querySelectorAll("article[data-post]")[18].querySelector("a.when").click());
	await page.waitForSelector(".main-post");
	await page.goBack();
	await page.waitForSelector("article[data-post]");
	await page.waitForFunction((wanted) => Math.abs(scrollY - wanted) < 200, y);
	await page.context().close();
});

const PHONE_PX = 360;
for (const locale of ["ko", "en", "ja"]) {
	test(`every page in ${locale}: named controls, one heading, nothing too wide on a phone`, async () => {
		const page = await dal({ locale, viewport: { width: PHONE_PX, height: 740 }, isMobile: true, hasTouch: true });
		await open(page, "/");
		for (const path of PAGES) {
			await follow(page, path);
			const found = await page.evaluate(() => {
				const nameless = [...document.querySelectorAll("button, a[href], input, textarea, select, [role=progressbar]")].filter((one) => {
					if (one.closest("[aria-hidden=true]") || one.getAttribute("tabindex") === "-1") return false;
					const label = one.getAttribute("aria-label") || one.textContent?.trim() || one.labels?.[0]?.textContent?.trim() || one.querySelector("img[alt]")?.getAttribute("alt");
					return !label;
				});
				return {
					nameless: nameless.map((one) => one.outerHTML.slice(0, 120)),
					headings: document.querySelectorAll("h1").length,
					width: document.documentElement.scrollWidth,
					keys: document.body.innerText.match(/\b(nav|post|studio|settings|admin|error)\.[a-z]\w+/g) ?? [],
					language: document.documentElement.lang,
				};
			});
			assert.deepEqual(found, { nameless: [], headings: 1, width: PHONE_PX, keys: [], language: locale }, path);
		}
		assert.deepEqual(page.complaints, []);
		await page.context().close();
	});
}

test("a post's HTML can't run anything", async () => {
	const page = await dal();
	// The same post also comes with the pictures beside the timeline.
	await page.route(/timelines\/home|v1\/explore/, async (route) => {
		const response = await route.fetch();
		const posts = await response.json();
		for (const post of posts) post.content = '<p>hello <img src=x onerror="document.title=1"><script>document.title=1</script><a href="javascript:document.title=1">here</a><a href="https://example.org/a" onclick="document.title=1">there</a></p>';
		await route.fulfill({ response, json: posts });
	});
	await open(page, "/");
	const text = page.locator("article .html").first();
	await text.waitFor();
	const shown = await text.evaluate((node) => node.innerHTML.replace(/<!--.*?-->| class="[^"]*"/g, ""));
	assert.ok(!/img|script|onerror|onclick|javascript/i.test(shown), shown);
	assert.match(shown, /<a href="https:\/\/example\.org\/a" target="_blank" rel="noopener noreferrer nofollow">there<\/a>/);
	assert.notEqual(await page.title(), "1");
	await page.context().close();
});

test("where an invitation is needed, the way in says so and offers no account", async () => {
	const page = await person(browser, { locale: "en" });
	await page.route("**/api/madang/v1/session", async (route) => {
		const response = await route.fetch();
		await route.fulfill({ response, json: { ...(await response.json()), registrations: "invitation" } });
	});
	for (const path of ["/sign-in", "/"]) {
		await open(page, path);
		await page.locator("main", { hasText: "You need an invitation link from somebody who is in." }).waitFor();
		assert.equal(await page.locator('a[href="/signup"]').count(), 0, path);
	}
	await page.context().close();
});

test("a report says whom it was about", async () => {
	const page = await dal();
	await page.route("**/api/v1/reports", (route) => route.fulfill({ json: { id: "1" } }));
	await open(page, "/@minseo");
	await page.locator("main [aria-haspopup=menu]").first().click();
	await page.getByRole("menuitem", { name: "Report" }).click();
	await page.click('[data-action="send-report"]');
	await page.locator(".toast", { hasText: "@minseo" }).waitFor();
	await page.context().close();
});

test("with letters twice as large, icons are too, and nothing leaves the screen", async () => {
	const page = await dal({ viewport: { width: 390, height: 844 } });
	for (const path of ["/", "/studio", "/@minseo", "/settings?show=look"]) {
		await open(page, path);
		const icon = () => page.locator('svg[viewBox="0 0 24 24"][stroke-width]:visible').first().evaluate((one) => one.getBoundingClientRect().width);
		const before = await icon();
		await page.evaluate(() => (document.documentElement.style.fontSize = "31px"));
		const ratio = (await icon()) / before;
		assert.ok(Math.abs(ratio - 2) < 0.05, `${path}: ${ratio}`);
		const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
		assert.ok(wide <= 390, `${path} is ${wide} wide`);
		if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/large${path.replace(/\W/g, "_")}.png` });
	}
	await page.context().close();
});
