// The moderation desk on a real server: a post is reported, the report is taken and given back, and its author is limited, which everybody else's timelines follow.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, dal, haru, opened, real, server } from "./real.mjs";
import { open, person } from "./yard.mjs";

opened({ haru: { locale: "en" } });

const WORDS = "hanok roofs, cheap, today only";

/** Whether visitors see haru's post among those of the house. */
const isPublic = async () => (await (await fetch(`${server.base}/api/v1/timelines/public?local=true`)).json()).some((one) => one.content.includes(WORDS));

test("who sees a post that should not be there reports it", real, async () => {
	await open(haru, "/");
	await haru.click('[data-action="write"]');
	await haru.locator("dialog[open] #publish-text").fill(WORDS);
	await haru.locator('dialog[open] [data-action="publish"]').click();
	await haru.locator("dialog[open]").waitFor({ state: "detached" });
	assert.ok(await isPublic());
	await open(dal, "/@haru");
	await dal.click('main [data-action="follow"]');
	await dal.locator('main [data-action="follow"][aria-pressed="true"]').waitFor();
	await dal.getByRole("link", { name: "Posts", exact: true }).or(dal.getByRole("button", { name: "Posts", exact: true })).first().click();
	await dal.locator("article[data-post]", { hasText: WORDS }).getByRole("button", { name: "More" }).click();
	await dal.getByRole("menuitem", { name: "Report" }).click();
	const sheet = dal.locator("dialog[open]");
	await sheet.getByText("Spam").click();
	await sheet.getByLabel("In your words").fill("the same again and again");
	await sheet.getByRole("button", { name: "Send the report" }).click();
	await sheet.waitFor({ state: "detached" });
});

test("a report is taken, given back and taken again, and the log says so", real, async () => {
	await open(dal, "/moderation?show=open");
	const report = dal.locator("article[data-report]", { hasText: "the same again and again" });
	await report.getByText(WORDS).waitFor();
	const mine = report.locator('[data-action="assign"]');
	const back = report.locator('[data-action="unassign"]');
	await mine.click();
	await report.getByText("@dal looks after it").waitFor();
	await back.click();
	await report.getByText("@dal looks after it").waitFor({ state: "detached" });
	await mine.click();
	await back.waitFor();
	// It is the server's word, not the page's.
	await open(dal, "/moderation?show=open");
	await report.getByText("@dal looks after it").waitFor();
	await open(dal, "/moderation?show=audit");
	for (const deed of ["assigned", "given back"]) await dal.locator("main li b", { hasText: deed }).first().waitFor();
});

test("who is limited is seen by followers only", real, async () => {
	await open(dal, "/moderation?show=open");
	const report = dal.locator("article[data-report]");
	await report.locator('[data-action="act"]').click();
	const sheet = dal.locator("dialog[open]");
	await sheet.getByRole("radio", { name: "Limit" }).check();
	await sheet.getByLabel("Message to them").fill("Once is enough.");
	await sheet.locator('[data-action="do-act"]').click();
	await dal.getByText("@haru is limited").waitFor();
	await dal.locator("dialog[open] [data-appeal]").waitFor();
	await dal.locator("dialog[open]").getByRole("button", { name: "Close", exact: true }).last().click();
	await report.waitFor({ state: "detached" });
	assert.equal(await isPublic(), false);
	const guest = await person(browser, { baseURL: server.base, locale: "en" });
	await open(guest, "/local");
	assert.equal(await guest.locator("article[data-post]", { hasText: WORDS }).count(), 0);
	await guest.context().close();
	// Who follows still reads on, and so does the author.
	for (const page of [dal, haru]) {
		await open(page, "/");
		await page.locator("article[data-post]", { hasText: WORDS }).waitFor();
	}
	await open(dal, "/moderation?show=done");
	await report.getByText("the same again and again").waitFor();
	await open(dal, "/moderation?show=audit");
	await dal.locator("main li b", { hasText: "limited" }).first().waitFor();
	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
});
