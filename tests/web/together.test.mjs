// Two accounts in two windows of one real server: polls, edits, quotes, lists, filters, private messages, posts for later, reports, and the
// queue. Each step is seen by the other person.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dal, haru, opened, real, server } from "./real.mjs";
import { open } from "./yard.mjs";

opened({
	haru: {},
	at: async () => {
		for (const [page, other] of [[haru, "dal"], [dal, "haru"]]) {
			await open(page, `/@${other}`);
			await page.click('[data-action="follow"]');
			await page.waitForSelector('[data-action="follow"][aria-pressed="true"]');
		}
	},
});

async function write(page, text, more = async () => undefined) {
	await open(page, "/");
	await page.click('[data-action="write"]');
	const sheet = page.locator("dialog[open]");
	await sheet.locator("#publish-text").fill(text);
	await more(sheet);
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
}

const article = (page, text) => page.locator("article[data-post]", { hasText: text }).first();

/** Opens the menu of a post and chooses. */
async function choose(page, text, name) {
	await article(page, text).locator("[aria-haspopup=menu]").click();
	await page.getByRole("menuitem", { name, exact: true }).click();
}

test("a poll is written, comes live, is voted in, and its author sees the result", real, async () => {
	await open(haru, "/");
	await write(dal, "What shall we draw tonight?", async (sheet) => {
		await sheet.locator('[data-action="poll"]').click();
		await sheet.locator('[data-choice="0"]').fill("the moon");
		await sheet.locator('[data-choice="1"]').fill("a cat");
	});
	const poll = article(haru, "What shall we draw tonight?").locator(".poll");
	await poll.getByText("a cat").click();
	await poll.locator('[data-action="vote"]').click();
	await poll.locator(".result.most", { hasText: "a cat" }).waitFor();
	await open(dal, "/");
	await article(dal, "What shall we draw tonight?").locator(".result", { hasText: "a cat" }).getByText("100%").waitFor();
});

test("an edit reaches the reader while they look, with its history", real, async () => {
	await write(dal, "The first version of a thought");
	await open(haru, "/");
	await article(haru, "The first version of a thought").waitFor();
	await choose(dal, "The first version of a thought", "Edit");
	const sheet = dal.locator("dialog[open]");
	await dal.waitForFunction(() => document.querySelector("#publish-text")?.value === "The first version of a thought");
	await sheet.locator("#publish-text").fill("The second version, better");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
	await article(haru, "The second version, better").waitFor();
	await choose(haru, "The second version, better", "고치기 전의 글");
	await haru.locator("dialog[open]", { hasText: "The first version of a thought" }).waitFor();
	await haru.keyboard.press("Escape");
});

test("a quote shows the quoted post, and its author is told", real, async () => {
	await open(haru, "/");
	await choose(haru, "The second version, better", "인용하기");
	const sheet = haru.locator("dialog[open]");
	await sheet.locator("[data-quote]").waitFor();
	await sheet.locator("#publish-text").fill("이 생각이 마음에 들어요");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
	await open(dal, "/");
	await article(dal, "이 생각이 마음에 들어요").locator("[data-quote]", { hasText: "The second version, better" }).waitFor();
	await open(dal, "/notifications");
	await dal.locator('[data-notice="quote"]').waitFor();
});

test("the numbers below a post say who; its author takes it out of a quote and says who may quote it from now on", real, async () => {
	// Not the quote, which shows the same words.
	const original = (page) => page.locator("article[data-post]", { hasText: "The second version, better", hasNot: page.locator("[data-quote]") }).first();
	await original(haru).locator('[data-action="like"]').click();
	await original(haru).locator('[data-action="boost"]').click();
	await original(haru).locator('[data-action="boost"][aria-pressed="true"]').waitFor();
	await open(dal, "/");
	await original(dal).locator("a.when").click();
	for (const told of ["likes", "boosts"]) {
		await dal.click(`[data-told="${told}"]`);
		await dal.locator("dialog[open] li", { hasText: "@haru" }).waitFor();
		await dal.keyboard.press("Escape");
		await dal.locator("dialog[open]").waitFor({ state: "detached" });
	}
	await dal.click('[data-told="quotes"]');
	const sheet = dal.locator("dialog[open]");
	await sheet.locator("[data-quote]", { hasText: "이 생각이 마음에 들어요" }).waitFor();
	await sheet.locator('[data-action="revoke-quote"]').click();
	await sheet.locator("[data-quote]").waitFor({ state: "detached" });
	const [policy] = await Promise.all([dal.waitForResponse((one) => one.url().endsWith("/interaction_policy")), sheet.locator('input[value="nobody"]').check({ force: true })]);
	assert.deepEqual((await policy.json()).quote_approval.automatic, []);
	await dal.keyboard.press("Escape");
	await dal.locator('[data-told="quotes"]').waitFor({ state: "detached" });
	await open(haru, "/");
	await article(haru, "이 생각이 마음에 들어요").locator(".quote.none").waitFor();
	await original(haru).locator("[aria-haspopup=menu]").click();
	assert.equal(await haru.getByRole("menuitem", { name: "인용하기", exact: true }).count(), 0);
	await haru.keyboard.press("Escape");
});

test("a profile: a note for oneself, a recommendation, tags, whom one knows, and a follower who is let go", real, async () => {
	const menu = async (page, name) => {
		await page.locator(".head [aria-haspopup=menu]").click();
		await page.getByRole("menuitem", { name, exact: true }).click();
	};
	await open(dal, "/@haru");
	await menu(dal, "Note to myself");
	await dal.locator('dialog[open] [name="note"]').fill("met at the persimmon tree");
	await dal.click('[data-action="save-note"]');
	await dal.locator("[data-note]", { hasText: "met at the persimmon tree" }).waitFor();
	await menu(dal, "Recommend on my profile");
	await dal.locator(".head [aria-haspopup=menu]").click();
	await dal.getByRole("menuitem", { name: "Recommend no longer" }).waitFor();
	await dal.keyboard.press("Escape");

	await write(dal, "Sweeping the yard #yard");
	await write(dal, "Nothing about it");
	await open(dal, "/@dal");
	await dal.click('[data-action="edit-tags"]');
	await dal.locator('[data-propose="yard"]').click();
	await dal.locator("dialog[open] li", { hasText: "#yard" }).waitFor();
	await dal.locator("dialog[open] .input").fill("#empty");
	await dal.click('[data-action="feature"]');
	await dal.locator("dialog[open] li", { hasText: "#empty" }).getByRole("button").click();
	await dal.locator("dialog[open] li", { hasText: "#empty" }).waitFor({ state: "detached" });

	await open(haru, "/@dal");
	assert.equal(await haru.locator("[data-note]").count(), 0);
	await haru.locator('[data-ties="recommends"]').click();
	await haru.locator("dialog[open] li", { hasText: "@haru" }).waitFor();
	await haru.keyboard.press("Escape");
	await haru.locator(".tabs button").nth(1).click();
	await article(haru, "Nothing about it").waitFor();
	await haru.locator(".about .chip", { hasText: "#yard" }).click();
	await article(haru, "Nothing about it").waitFor({ state: "detached" });
	await article(haru, "Sweeping the yard").waitFor();
	assert.equal(await haru.locator(".about .chip", { hasText: "#empty" }).count(), 0);

	await menu(haru, "내 팔로워에서 빼기");
	await haru.locator(".toast").first().waitFor();
	await open(haru, "/@haru");
	await haru.locator(".counts button").first().locator("b", { hasText: "0" }).waitFor();
	// A note outlives what stood between the two; a recommendation does not.
	await open(dal, "/@haru");
	await dal.locator("[data-note]").waitFor();
	await dal.locator('[data-action="follow"][aria-pressed="false"]').click();
	await dal.waitForSelector('[data-action="follow"][aria-pressed="true"]');
});

test("a list shows its members' posts", real, async () => {
	await open(dal, "/lists");
	await dal.fill('[data-action="list-title"]', "Friends");
	await dal.click('[data-action="make-list"]');
	await dal.fill('[data-action="find-member"]', "haru");
	await dal.locator('[data-action="add-member"]').first().click();
	await dal.locator('[data-action="drop-member"]').first().waitFor();
	const list = new URL(dal.url()).pathname;
	await open(dal, list);
	await dal.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
	await write(haru, "리스트에서 보이나요?");
	await article(dal, "리스트에서 보이나요?").waitFor();
});

test("a filter covers what one does not want to meet, until a press", real, async () => {
	await open(haru, "/filters");
	await haru.click('[data-action="new-filter"]');
	await haru.locator('[data-action="keyword"]').first().fill("spoiler");
	await haru.click('[data-action="save-filter"]');
	await haru.locator("li", { hasText: "spoiler" }).waitFor();
	await write(dal, "A spoiler: the cat did it");
	await open(haru, "/");
	const hidden = haru.locator("article.hushed").first();
	await hidden.waitFor();
	assert.ok(!(await hidden.innerText()).includes("the cat did it"));
	await hidden.locator("button").click();
	await article(haru, "the cat did it").waitFor();
});

test("one post is put behind a filter that is made for it, and comes back", real, async () => {
	await write(dal, "The ending nobody asked for");
	await open(haru, "/");
	await choose(haru, "The ending nobody asked for", "필터로 가리기");
	await haru.locator("dialog[open] form .input").fill("나중에 볼 글");
	await haru.click('[data-action="make-filter"]');
	const hidden = () => haru.locator("article.hushed", { hasText: "나중에 볼 글" });
	await hidden().waitFor();
	await open(haru, "/"); // the server says so too
	await hidden().waitFor();
	await hidden().locator("button").click();
	await choose(haru, "The ending nobody asked for", "필터로 가리기");
	await haru.locator("dialog[open] label", { hasText: "나중에 볼 글" }).locator("input:checked").click();
	await haru.locator("dialog[open]").waitFor({ state: "detached" });
	await open(haru, "/");
	await article(haru, "The ending nobody asked for").waitFor();
	assert.equal(await hidden().count(), 0);
});

test("a private message arrives in the other one's conversations", real, async () => {
	await write(haru, "@dal 둘만 아는 이야기", async (sheet) => sheet.locator('input[value="direct"]').check({ force: true }));
	await open(dal, "/conversations");
	const one = dal.locator("[data-conversation]", { hasText: "둘만 아는 이야기" });
	await one.waitFor();
	await one.click();
	await dal.locator(".main-post", { hasText: "둘만 아는 이야기" }).waitFor();
});

test("a post for later waits, and can be taken back", real, async () => {
	const at = new Date(Date.now() + 864e5);
	const local = new Date(at.getTime() - at.getTimezoneOffset() * 6e4).toISOString().slice(0, 16);
	await write(dal, "Good morning, tomorrow", async (sheet) => {
		await sheet.locator('[data-action="schedule"]').click();
		await sheet.locator('input[type="datetime-local"]').fill(local);
	});
	await open(dal, "/scheduled");
	await dal.locator("[data-scheduled]", { hasText: "Good morning, tomorrow" }).waitFor();
	await dal.getByRole("button", { name: "Don't post it" }).click();
	await dal.locator("[data-scheduled]").waitFor({ state: "detached" });
});

test("what the small model has not learned is said, with names near it that it knows", real, async () => {
	await open(haru, "/studio");
	await haru.fill("#studio-prompt", "민주주의");
	await haru.click('[data-action="draw"]');
	const job = haru.locator('[data-job][data-state="failed"]').first();
	const near = job.locator("[data-near]").first();
	await near.waitFor();
	const name = await near.getAttribute("data-near");
	assert.equal(await near.innerText(), `‘${name}’(으)로 바꾸기`, "the button says that it changes the words");
	await near.click();
	assert.equal(await haru.inputValue("#studio-prompt"), name);
});

/** A picture that nobody drew here, of stripes in a circle: uploaded, and restyled without a word. */
async function restyleStripes(page) {
	return page.evaluate(async () => {
		const canvas = Object.assign(document.createElement("canvas"), { width: 128, height: 128 });
		const pen = canvas.getContext("2d");
		pen.fillStyle = "white";
		pen.fillRect(0, 0, 128, 128);
		pen.fillStyle = "#20f020";
		pen.arc(64, 64, 50, 0, 7);
		pen.clip();
		for (let x = -128; x < 128; x += 16) for (let y = 0; y < 128; y++) pen.fillRect(x + y, y, 8, 1);
		const { csrf_token } = await (await fetch("/api/madang/v1/session")).json();
		const form = new FormData();
		form.set("file", await new Promise((done) => canvas.toBlob(done)), "stripes.png");
		const media = await (await fetch("/api/v2/media", { method: "POST", headers: { "X-CSRF-Token": csrf_token }, body: form })).json();
		const order = { task: "restyle", style: "pixel", source: { media_id: media.id } };
		const answer = await fetch("/api/madang/v1/jobs", { method: "POST", headers: { "X-CSRF-Token": csrf_token, "Content-Type": "application/json" }, body: JSON.stringify(order) });
		return answer.status;
	});
}

test("what a picture shows is asked for where it is not recognised, and drawn when it is said", real, async () => {
	await open(haru, "/studio");
	assert.equal(await restyleStripes(haru), 200);
	await open(haru, "/studio"); // the studio tells of its own orders only
	const job = haru.locator('[data-job][data-state="failed"]', { hasText: "알아보지 못했어요" });
	const near = job.locator("[data-near]").first();
	await near.waitFor();
	const name = await near.getAttribute("data-near");
	assert.match(name, /[가-힣]/, "in the language of who asks");
	await near.click();
	assert.equal(await haru.inputValue("#studio-prompt"), name);
	await haru.locator(".composer img").waitFor(); // the picture is there again
	await haru.click('[data-action="draw"]');
	await haru.locator('[data-job][data-state="finished"]', { hasText: name }).first().waitFor();
});

test("the language that one chooses is also that of what the house writes to one", real, async () => {
	const kept = () => dal.evaluate(async () => (await (await fetch("/api/v1/admin/accounts?limit=40")).json()).find((one) => one.username === "dal").locale);
	await open(dal, "/settings");
	assert.equal(await kept(), "en");
	for (const [name, code] of [["日本語", "ja"], ["English", "en"]]) {
		const told = dal.waitForResponse((answer) => answer.url().endsWith("/session") && answer.request().method() === "PATCH");
		await dal.getByText(name, { exact: true }).click();
		assert.equal((await told).status(), 200);
		await dal.waitForFunction((lang) => document.documentElement.lang === lang, code);
		assert.equal(await kept(), code);
	}
});

test("an administrator pauses the maker and limits everybody: the studio says so before the button", real, async () => {
	await open(dal, "/admin?show=quotas");
	await dal.click('[data-action="add-quota"]');
	await open(haru, "/studio");
	await haru.locator("[data-quota]").waitFor();
	await open(dal, "/admin?show=operations");
	await dal.locator('[data-maker="builtin"] input').fill("새 붓을 씻고 있어요");
	await dal.locator('[data-maker="builtin"] button').click();
	await dal.locator('[data-maker="builtin"] .pill').waitFor();
	await open(haru, "/studio");
	await haru.locator(".composer", { hasText: "새 붓을 씻고 있어요" }).waitFor();
	await dal.locator('[data-maker="builtin"] button').click();
	await dal.locator('[data-maker="builtin"] .pill').waitFor({ state: "detached" });
});

test("a report reaches the desk, is noted and answered, and the person is told", real, async () => {
	await open(dal, "/");
	await write(haru, "신고할 만한 글");
	await article(dal, "신고할 만한 글").waitFor();
	await choose(dal, "신고할 만한 글", "Report");
	await dal.locator('[data-action="send-report"]').click();
	await dal.locator("dialog[open]").waitFor({ state: "detached" });
	await open(haru, "/moderation");
	await haru.locator("main", { hasText: "이 주소에는 아무것도 없어요." }).waitFor();
	await open(dal, "/moderation");
	const report = dal.locator("[data-report]").first();
	await report.getByText("신고할 만한 글").waitFor();
	await report.locator('[data-action="notes"]').click();
	await report.locator("form input").fill("looks harmless");
	await report.locator("form button").click();
	await report.getByText("looks harmless").waitFor();
	await report.locator('[data-action="act"]').click();
	await dal.locator("dialog[open] textarea").fill("Please be gentle.");
	await dal.locator('[data-action="do-act"]').click();
	await report.waitFor({ state: "detached" });
	await open(dal, "/moderation?show=audit");
	await dal.waitForFunction(() => document.querySelectorAll("main ul.rows li b").length > 0);
	await open(haru, "/settings?show=security");
	await haru.getByText("Please be gentle.").waitFor();
});

test("nothing on any page has complained", real, () => {
	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
});
