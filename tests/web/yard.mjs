// The main path, as two people walk it: set-up link, account, a prompt, watching it being drawn, posting, being seen live,
// liked, answered and remixed, and the lineage that shows both. The same steps run against any server.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 120_000);
// How many times slower than it is the machine shall seem to every page (MADANG_TEST_SLOW=6): shows the tests that assume a time.
const SLOW = Number(process.env.MADANG_TEST_SLOW ?? 1);
export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], timeout: PATIENCE_MS });

/** A person with a browser of their own. Whatever the page complains about is a failure. */
export async function person(browser, { locale = "ko", ...options } = {}) {
	const context = await browser.newContext({ locale, viewport: { width: 1280, height: 800 }, ...options });
	// A busy machine is slow; what never comes fails all the same.
	context.setDefaultTimeout(PATIENCE_MS);
	const page = await context.newPage();
	if (SLOW > 1) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: SLOW });
	page.complaints = [];
	page.on("pageerror", (error) => page.complaints.push(error.message));
	page.on("console", (message) => {
		// A 401 or 404 that a test provokes is printed by the browser itself; what our code says is not of that kind.
		if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) page.complaints.push(message.text());
	});
	return page;
}

export const PASSWORD = "맑은 날의 마당 한켠";

export async function join(page, url, { name, email = `${name}@example.org`, password = PASSWORD }) {
	await page.goto(url);
	await page.fill('input[name="username"]', name);
	await page.fill('input[name="email"]', email);
	await page.fill('input[name="password"]', password);
	await page.click('[data-action="create-account"]');
	await page.waitForURL("**/studio");
}

/** Goes to a place of the server that the person was made with. */
export async function open(page, path) {
	await page.goto(path);
	await page.waitForSelector("main h1, main form", { state: "attached" });
}

/** Two people of a new yard, each in a browser: dal, who opens it, and haru, whom dal invites. */
export async function two(browser, { base, setup }, { dal: first, haru: second } = {}) {
	const dal = await person(browser, { baseURL: base, ...first });
	const haru = await person(browser, { baseURL: base, ...second });
	await join(dal, setup, { name: "dal" });
	await open(dal, "/admin?show=invitations");
	await dal.click('[data-action="invite"]');
	const invitation = new URL(await dal.locator("output.url").first().innerText());
	await join(haru, invitation.pathname + invitation.search, { name: "haru" });
	return { dal, haru };
}

/** Draws and gives back how the picture grew, the shares of its height that were seen, and when (ms after the press). inTurns:
 * the server's, for who must see it grow. */
export async function draw(page, prompt, { timeout = PATIENCE_MS, shot, inTurns } = {}) {
	await page.fill("#studio-prompt", prompt);
	await page.evaluate(() => {
		window.grown = [];
		window.times = {};
		document.querySelector('[data-action="draw"]').addEventListener("click", () => (window.times.pressed = performance.now()), { capture: true, once: true });
		const look = () => {
			for (const sheet of document.querySelectorAll(".job:first-of-type [data-rows]")) {
				const rows = Number(sheet.getAttribute("data-rows"));
				if (rows > 0) window.times.preview ??= Math.round(performance.now() - window.times.pressed);
				if (rows === 1 && sheet.getAttribute("data-state") === "finished") window.times.finished ??= Math.round(performance.now() - window.times.pressed);
				if (rows > 0 && rows !== window.grown.at(-1)) window.grown.push(rows);
			}
		};
		new MutationObserver(look).observe(document.body, { subtree: true, attributes: true, childList: true, attributeFilter: ["data-rows", "data-state"] });
	});
	const job = page.locator("[data-job]").first();
	let drawn = false;
	const turns = inTurns?.(page, () => drawn);
	try {
		await page.click('[data-action="draw"]');
		if (shot) {
			await page.waitForFunction(() => window.grown.some((rows) => rows > 0.4), null, { timeout });
			await shot();
		}
		await page.waitForFunction((words) => {
			const first = document.querySelector("[data-job]");
			return first?.textContent?.includes(words) && ["finished", "failed"].includes(first.getAttribute("data-state"));
		}, prompt, { timeout });
	} finally {
		drawn = true;
		await turns;
	}
	assert.equal(await job.getAttribute("data-state"), "finished", await job.innerText());
	return page.evaluate(() => ({ grown: window.grown, times: window.times }));
}

/** Posts the newest picture; the description was proposed and must be confirmed. */
export async function publish(page, words) {
	await page.locator('[data-job] [data-action="post"]').first().click();
	const sheet = page.locator("dialog[open]");
	await sheet.locator("#publish-text").fill(words);
	assert.ok((await sheet.locator("textarea.alt").inputValue()).length > 0, "a description is proposed");
	assert.ok(await sheet.locator('[data-action="publish"]').isDisabled(), "an unconfirmed description can't be posted");
	await sheet.locator('[data-action="confirm-alt"]').check();
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
}

export async function walk(browser, { base, setup, inTurns, shots = async () => undefined }) {
	const { dal, haru } = await two(browser, { base, setup }, { haru: { locale: "ja" } });
	await haru.goto(`${base}/@dal`);
	await haru.click('[data-action="follow"]');
	await haru.waitForSelector('[data-action="follow"][aria-pressed="true"]');
	await haru.goto(base);
	await haru.waitForSelector("main h1");

	await dal.goto(`${base}/studio`);
	await dal.waitForSelector(".composer");
	const prompt = "노란 배경 위의 빨간 사과";
	const { grown } = await draw(dal, prompt, { inTurns, shot: () => shots(dal, "drawing") });
	const partial = grown.filter((rows) => rows < 1);
	assert.ok(partial.length >= 1, `the picture was seen growing: ${grown}`);
	assert.ok(partial.every((rows, i) => i === 0 || rows >= partial[i - 1]), `it only grows: ${grown}`);
	await shots(dal, "drawn");
	await publish(dal, "첫 그림이에요. #마당");

	// Haru looks at the timeline and does nothing: the post comes by itself.
	const post = haru.locator("article[data-post]", { hasText: "첫 그림이에요" });
	await post.waitFor();
	const id = await post.getAttribute("data-post");
	await shots(haru, "home");
	await dal.goto(`${base}/@dal/${id}`);
	await dal.waitForSelector(".main-post");

	await post.locator('[data-action="like"]').click();
	await post.locator('[data-action="like"][aria-pressed="true"]').waitFor();
	await post.locator('[data-action="reply"]').click();
	await haru.waitForURL(`**/@dal/${id}?reply=1`);
	await haru.locator('[data-action="reply-text"]').pressSequentially("とてもきれい。");
	await haru.click('[data-action="send-reply"]');
	// Dal has the post open: the answer comes by itself.
	await dal.locator(".replies", { hasText: "とてもきれい" }).waitFor();

	await haru.locator('.main-post [data-action="remix"]').click();
	await haru.waitForURL(`**/studio?remix=${id}`);
	await haru.waitForSelector(".composer .source");
	assert.equal(await haru.inputValue("#studio-prompt"), prompt, "a public prompt is there to begin with");
	await draw(haru, "青い背景の赤いりんご");
	await publish(haru, "りんごを夜に。");

	await dal.goto(`${base}/notifications`);
	await dal.locator('[data-notice="favourite"]').waitFor();
	await dal.locator('[data-notice="mention"]').waitFor();
	await dal.locator('[data-notice="remix"]').waitFor();
	await dal.goto(`${base}/lineage/${id}`);
	await dal.locator("[data-node]").nth(1).waitFor();
	const nodes = await dal.locator("[data-node]").allInnerTexts();
	assert.deepEqual(nodes.map((text) => text.trim()), ["@dal", "@haru"]);
	await shots(dal, "lineage");
	await dal.locator("[data-node]").nth(1).click();
	await dal.locator(".main-post", { hasText: "@dal" }).waitFor();
	await shots(dal, "remix");

	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
	return { dal, haru, id };
}
