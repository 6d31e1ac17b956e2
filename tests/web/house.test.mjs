// Looking after the house, on a real server: its name and rules, the lists of words, servers, mail providers and networks, and a person who is
// suspended, appeals without signing in, and is let back in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, dal, haru, opened, real, server } from "./real.mjs";
import { PASSWORD, open, person } from "./yard.mjs";

/** Adds an entry to the list that is shown. */
async function list(page, field, value, more = async () => undefined) {
	await page.click('[data-action="add-block"]');
	const sheet = page.locator("dialog[open]");
	await sheet.locator(`[name="${field}"]`).fill(value);
	await more(sheet);
	await sheet.locator('[data-action="save-block"]').click();
}

opened({ haru: { viewport: { width: 390, height: 844 } } });

test("the house gets a name, an address for questions and rules, and visitors see them", real, async () => {
	await open(dal, "/admin?show=site");
	await dal.locator('[name="title"]').fill("The persimmon yard");
	await dal.getByLabel("Mail address for questions").fill("yard@example.org");
	await dal.getByLabel("Rules").fill("Be kind.\nDraw your own.");
	await dal.click('[data-action="save-site"]');
	await dal.locator(".toast").first().waitFor();
	const house = await (await fetch(`${server.base}/api/v2/instance`)).json();
	assert.equal(house.title, "The persimmon yard");
	assert.deepEqual(house.rules.map((one) => one.text), ["Be kind.", "Draw your own."]);
	const guest = await person(browser, { baseURL: server.base, locale: "ja" });
	await open(guest, "/appeal");
	await guest.getByRole("link", { name: "yard@example.org" }).waitFor();
	await guest.context().close();
});

test("a listed word can't be written, until it is taken off the list", real, async () => {
	await open(dal, "/admin?show=blocks");
	await list(dal, "phrase", "casino", (sheet) => sheet.locator('input[value="refuse"]').check({ force: true }));
	await dal.locator(".lines li", { hasText: "casino" }).waitFor();
	await open(haru, "/");
	await haru.click('[data-action="write"]');
	const sheet = haru.locator("dialog[open]");
	await sheet.locator("#publish-text").fill("come to my casino");
	await sheet.locator('[data-action="publish"]').click();
	await sheet.locator('[role="alert"]:not(:empty)').waitFor();
	await dal.click('[data-action="edit-block"]');
	await dal.locator('dialog[open] [data-action="drop-block"]').click();
	await dal.locator(".lines li", { hasText: "casino" }).waitFor({ state: "detached" });
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
});

test("servers, mail providers and networks are listed, changed and taken off", real, async () => {
	await open(dal, "/admin?show=blocks&list=domains");
	await list(dal, "domain", "bad.example");
	await dal.click('[data-action="edit-block"]');
	await dal.locator('dialog[open] input[value="suspend"]').check({ force: true });
	await dal.locator('dialog[open] [data-action="save-block"]').click();
	await dal.locator(".lines li", { hasText: "no contact" }).waitFor();
	await open(dal, "/admin?show=blocks&list=mail");
	await list(dal, "domain", "throwaway.example");
	await dal.locator(".lines li", { hasText: "throwaway.example" }).waitFor();
	await dal.click('[data-action="drop-block"]');
	await dal.locator(".lines li").waitFor({ state: "detached" });
	await open(dal, "/admin?show=blocks&list=networks");
	await list(dal, "ip", "not an address");
	await dal.locator('dialog[open] [role="alert"]').waitFor();
	await dal.locator('dialog[open] [name="ip"]').fill("198.51.100.0/24");
	await dal.locator('dialog[open] [data-action="save-block"]').click();
	await dal.locator(".lines li", { hasText: "198.51.100.0/24" }).waitFor();
	assert.equal(new URL(dal.url()).searchParams.get("list"), "networks");
});

test("who is suspended appeals with the link alone, and is let back in", real, async () => {
	await open(dal, "/admin?show=accounts");
	await dal.locator("li", { hasText: "@haru" }).locator("[aria-haspopup=menu]").click();
	await dal.getByRole("menuitem", { name: "Act" }).click();
	await dal.locator('dialog[open] [data-action="do-act"]').click();
	const link = new URL(await dal.locator("[data-appeal]").innerText());
	await open(haru, "/sign-in");
	await haru.locator("input[autocomplete=username]").fill("haru");
	await haru.locator("input[type=password]").fill(PASSWORD);
	await haru.click('[data-action="sign-in"]');
	await haru.click('[data-action="to-appeal"]');
	await haru.waitForURL("**/appeal");
	// Without the mail at hand the link, or its code, can be pasted.
	await haru.locator('[name="code"]').fill(link.href);
	await haru.locator('[name="text"]').fill("오해예요.");
	await haru.click('[data-action="appeal"]');
	await haru.locator(".door form").waitFor({ state: "detached" });
	await open(dal, "/moderation?show=appeals");
	await dal.locator("article", { hasText: "오해예요." }).getByRole("button", { name: "Take it back" }).click();
	await dal.locator("article").waitFor({ state: "detached" });
	await open(haru, "/sign-in");
	await haru.locator("input[autocomplete=username]").fill("haru");
	await haru.locator("input[type=password]").fill(PASSWORD);
	await haru.click('[data-action="sign-in"]');
	await haru.waitForSelector('[data-action="write"]');
	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
});
