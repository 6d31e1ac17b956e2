// What is read is right: conversations in their order, what an answer answers, days as days, deeds in words, Korean whole on a Japanese page.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { follow, settled } from "./pages.mjs";
import { dal, mock, open } from "./stage.mjs";

/** Answers of the server, changed on their way to the page. */
async function change(page, url, deed) {
	await page.route(url, async (route) => {
		const response = await route.fetch();
		await route.fulfill({ response, json: deed(await response.json()) });
	});
}

/** Some posts of the stand-in server, to be made into what a test needs; under a number of their own, or the pictures beside the timeline bring them as they were. */
const someOf = async () => (await (await fetch(`${mock.url}/api/v1/timelines/public?limit=6`)).json()).map((one) => ({ ...one, media_attachments: [], madang: null }));

const CARD = { url: "https://example.org/a", title: "How paper windows keep a house warm", description: "Light comes in, wind does not.", language: "en", type: "link", author_name: "Kim", author_url: "", provider_name: "The Review", provider_url: "", html: "", width: 0, height: 0, image: null, embed_url: "", blurhash: null, published_at: null, authors: [] };

test("an answer stands below what it answers, whenever it came, and the page of a post has its link's card", async () => {
	const page = await dal();
	const [root, one, two, three] = await someOf();
	const under = (post, parent, words) => ({ ...post, in_reply_to_id: parent.id, in_reply_to_account_id: parent.account.id, content: `<p>${words}</p>` });
	await page.route(`**/api/v1/statuses/${root.id}`, (route) => route.fulfill({ json: { ...root, card: CARD } }));
	await page.route(`**/api/v1/statuses/${root.id}/context`, (route) => route.fulfill({ json: { ancestors: [], descendants: [under(one, root, "first"), under(two, root, "second"), under(three, one, "to the first")] } }));
	await open(page, `/@${root.account.acct}/${root.id}`);
	await page.locator(".reply").nth(2).waitFor();
	const said = await page.locator(".reply .text").allInnerTexts();
	assert.deepEqual(said.map((text) => text.trim()), ["first", "to the first", "second"]);
	await page.locator(".main-post [data-card]", { hasText: CARD.title }).waitFor();
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("among other posts an answer says what it answers, and leads there", async () => {
	const page = await dal();
	const [root, one, two] = await someOf();
	await page.route("**/api/v1/timelines/home**", (route) =>
		route.fulfill({ json: [
			{ ...one, id: "9101", in_reply_to_id: root.id, in_reply_to_account_id: "77", mentions: [{ id: "77", username: "haru", acct: "haru", url: "/@haru" }] },
			{ ...two, id: "9102", in_reply_to_id: "123", in_reply_to_account_id: two.account.id },
			root,
		] }),
	);
	await open(page, "/");
	const lines = page.locator("article .answers");
	assert.deepEqual(await lines.allInnerTexts(), ["In answer to @haru", "Goes on from an earlier post"]);
	assert.equal(await lines.first().locator("a").getAttribute("href"), `/@haru/${root.id}`);
	await page.context().close();
});

test("a picture that stands alone beside the timeline has four round corners", async () => {
	const page = await dal();
	await change(page, "**/api/madang/v1/explore**", (list) => [list.find((one) => one.media_attachments.length > 0 && !one.sensitive)]);
	await open(page, "/");
	const picture = page.locator("aside .grid a");
	await picture.locator("img.loaded").waitFor();
	assert.equal(await picture.count(), 1);
	const { corners, clips } = await picture.evaluate((a) => {
		const style = getComputedStyle(a);
		return { corners: ["TopLeft", "TopRight", "BottomRight", "BottomLeft"].map((where) => parseFloat(style[`border${where}Radius`])), clips: style.overflow };
	});
	assert.ok(clips === "hidden" && corners.every((px) => px >= 4), `${clips} ${corners}`);
	if (process.env.SHOTS) await page.locator("aside").first().screenshot({ path: `${process.env.SHOTS}/aside.png` });
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("a name's emojis are pictures, and inside a sentence they are left out", async () => {
	const page = await dal();
	const [root, one] = await someOf();
	const named = (account) => ({ ...account, display_name: "Robin :gam: Blue", emojis: [{ shortcode: "gam", url: "/icon.svg", static_url: "/icon.svg", visible_in_picker: true }] });
	await page.route("**/api/v1/timelines/home**", (route) => route.fulfill({ json: [{ ...one, id: "9100", reblog: root, account: named(one.account) }] }));
	await open(page, "/");
	assert.equal(await page.locator("article .boosted").innerText(), "Robin Blue boosted");
	await change(page, "**/api/madang/v1/admin/accounts**", (list) => list.map((row) => ({ ...row, account: named(row.account) })));
	await open(page, "/admin?show=accounts");
	await page.locator("main li b img.emoji").first().waitFor();
	assert.ok(!(await page.locator("main").innerText()).includes(":gam:"));
	await page.context().close();
});

test("an announcement of whole days says days, the same ones in every zone", async () => {
	const page = await dal({ timezoneId: "America/Los_Angeles" });
	await change(page, "**/api/v1/announcements**", (list) => list.map((one) => ({ ...one, all_day: true, starts_at: "2026-12-01T00:00:00.000Z", ends_at: "2026-12-03T00:00:00.000Z", madang: { ...one.madang, live: false } })));
	await open(page, "/announcements");
	await page.locator("[data-announcement]", { hasText: "December 1, 2026 to December 3, 2026" }).waitFor();
	await open(page, "/admin?show=announcements");
	await page.click('[data-action="new-announcement"]');
	await page.locator('dialog[open] [name="text"]').fill("Closed");
	await page.locator('dialog[open] [name="starts_at"]').fill("2026-12-01T09:30");
	await page.getByRole("switch", { name: "All day" }).check({ force: true });
	assert.equal(await page.locator('dialog[open] [name="starts_at"]').inputValue(), "2026-12-01");
	const [sent] = await Promise.all([page.waitForRequest((one) => one.method() === "POST" && one.url().endsWith("/admin/announcements")), page.click('[data-action="save-announcement"]')]);
	assert.equal(sent.postDataJSON().starts_at, "2026-12-01T00:00:00Z");
	await page.context().close();
});

for (const [locale, deed, why] of [["en", "Quota: added", "Has the word “casino”"], ["ko", "할당량: 추가함", "“casino”라는 말이 들어 있어요"], ["ja", "割り当て: 追加", "「casino」という言葉があります"]]) {
	test(`the log and the reasons of the desk are in words: ${locale}`, async () => {
		const page = await dal({ locale });
		await change(page, "**/api/madang/v1/admin/audit**", (list) => [{ ...list[0], action: "quota.add" }, { ...list[0], id: "2", action: "moon.rise" }]);
		await change(page, "**/api/madang/v1/admin/held**", (list) => list.map((one) => ({ ...one, reason: "word: casino" })));
		await open(page, "/moderation?show=audit");
		await page.locator("main li b", { hasText: deed }).waitFor();
		await page.locator("main li b", { hasText: "moon.rise" }).waitFor(); // too new to have words
		await open(page, "/moderation?show=held");
		await page.locator("article", { hasText: why }).waitFor();
		await page.context().close();
	});
}

test("who goes on from the search while the next page is still coming keeps its address", async () => {
	const page = await dal();
	await open(page, "/search");
	await page.route(/assets\/Profile-.*\.js/, async (route) => {
		await new Promise((done) => setTimeout(done, 1500));
		await route.continue();
	});
	await page.fill('main input[type="search"]', "@dal");
	await page.keyboard.press("Enter");
	await page.waitForSelector(".page .avatar, .cover, header", { state: "attached" });
	await settled(page);
	await page.waitForTimeout(400); // the search asks 220 ms after the last letter
	assert.equal(await page.evaluate(() => location.pathname), "/@dal");
	await page.context().close();
});

test("the page of settings names Madang's own edition", async () => {
	const page = await dal();
	await change(page, "**/api/v2/instance", (house) => ({ ...house, title: "Yard", version: "4.5.0 (compatible; Madang 0.1.0)" }));
	await open(page, "/settings");
	await page.getByText("Yard runs Madang 0.1.0").waitFor();
	await page.context().close();
});

test("Korean on a Japanese page breaks between words, and a tag is not parted from its mark", async () => {
	const page = await dal({ locale: "ja", viewport: { width: 360, height: 740 } });
	const [root] = await someOf();
	const words = "첫 그림이에요. 감나무 밑에서 그렸습니다. ";
	await page.route("**/api/v1/timelines/home**", (route) =>
		route.fulfill({ json: Array.from({ length: 8 }, (_, n) => ({ ...root, id: String(9000 + n), language: null, content: `<p>${"가".repeat(n)} ${words}<a href="${mock.url}/tags/x" class="hashtag">#<span>감나무</span></a></p>` })) }),
	);
	await open(page, "/");
	const texts = page.locator("article .html");
	assert.equal(await texts.first().getAttribute("lang"), "ko");
	const found = await texts.evaluateAll((all) =>
		all.map((text) => ({
			broken: text.querySelector("a").getClientRects().length,
			kept: getComputedStyle(text).wordBreak,
		})),
	);
	for (const one of found) assert.deepEqual(one, { broken: 1, kept: "keep-all" });
	await page.context().close();
});

test("what can be done with a row stays together on a phone, and no row is squeezed", async () => {
	const page = await dal({ locale: "ko", viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
	for (const path of ["/tokens", "/scheduled", "/follow-requests", "/moderation?show=trends"]) {
		await open(page, path);
		for (const tops of await page.locator("main .deeds").evaluateAll((all) => all.map((deeds) => [...deeds.children].map((one) => Math.round(one.getBoundingClientRect().top))))) {
			if (tops.length <= 2) assert.ok(new Set(tops).size <= 1, `${path}: ${tops}`);
		}
	}
	// A long text that waits shows its beginning.
	await change(page, "**/api/v1/scheduled_statuses**", (list) => list.map((one) => ({ ...one, params: { ...one.params, text: "길게 쓴 글 ".repeat(60) } })));
	await open(page, "/scheduled");
	const tall = await page.locator("[data-scheduled] [dir=auto]").first().evaluate((one) => one.getBoundingClientRect().height);
	assert.ok(tall > 20 && tall < 60, `two lines are ${tall} px`);
	await open(page, "/admin?show=operations");
	const width = await page.locator("[data-maker] .grow").first().evaluate((one) => one.getBoundingClientRect().width);
	assert.ok(width > 200, `the maker's words have ${width} px`);
	await page.context().close();
});

test("no point between two words loses its space: the compiler trims what begins a block", () => {
	const src = fileURLToPath(new URL("../../web/src/", import.meta.url));
	for (const name of readdirSync(src, { recursive: true }).filter((one) => one.endsWith(".svelte"))) {
		const text = readFileSync(join(src, name), "utf8");
		assert.ok(!/\{#if [^{}]*\} (· |<(span|b|a|code)\b)|· \{\/if\}/.test(text), name);
	}
});

test("what is written from the right begins at the right, and each paragraph runs its own way", async () => {
	const page = await dal({ viewport: { width: 390, height: 844 } });
	const [root] = await someOf();
	const content = "<p>שלום לכולם! ציירתי תפוח אדום.</p><p>The same in English.</p><p>مرحبا بالجميع</p>";
	await page.route("**/api/v1/timelines/home**", (route) => route.fulfill({ json: [{ ...root, id: "9100", in_reply_to_id: null, language: "he", content }] }));
	await open(page, "/");
	const text = page.locator("article .html");
	const edges = await text.evaluate((html) => {
		const all = html.getBoundingClientRect();
		return [...html.querySelectorAll("p")].map((p) => {
			const range = document.createRange();
			range.selectNodeContents(p);
			const words = range.getBoundingClientRect();
			return Math.abs(words.right - all.right) < 2 ? "right" : Math.abs(words.left - all.left) < 2 ? "left" : "between";
		});
	});
	assert.deepEqual(edges, ["right", "left", "right"]);
	assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
	await page.context().close();
});
