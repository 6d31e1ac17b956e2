// What the house tells everybody, on a real server, as two people see it: emojis of its own in the composer, names and reactions; an
// announcement that comes while one looks, pinned and answered; a thread that grows, for a reader without an account too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { browser, dal, haru, opened, real, server } from "./real.mjs";
import { open, person } from "./yard.mjs";

const CRC = Array.from({ length: 256 }, (_, n) => {
	let c = n;
	for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
	return c >>> 0;
});

/** A square of one colour, as a PNG. */
function square(size, [red, green, blue]) {
	const crc = (bytes) => {
		let c = 0xffffffff;
		for (const byte of bytes) c = CRC[(c ^ byte) & 255] ^ (c >>> 8);
		return (c ^ 0xffffffff) >>> 0;
	};
	const chunk = (type, data) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const out = Buffer.alloc(body.length + 8);
		out.writeUInt32BE(data.length);
		body.copy(out, 4);
		out.writeUInt32BE(crc(body), body.length + 4);
		return out;
	};
	const header = Buffer.alloc(13);
	header.writeUInt32BE(size);
	header.writeUInt32BE(size, 4);
	header.set([8, 2, 0, 0, 0], 8);
	const row = Buffer.concat([Buffer.from([0]), Buffer.concat(Array.from({ length: size }, () => Buffer.from([red, green, blue])))]);
	return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(Array.from({ length: size }, () => row)))), chunk("IEND", Buffer.alloc(0))]);
}

async function write(page, text, more = async () => undefined) {
	await open(page, "/");
	await page.click('[data-action="write"]');
	const sheet = page.locator("dialog[open]");
	await sheet.locator("#publish-text").fill(text);
	await more(sheet);
	await sheet.locator('[data-action="publish"]').click();
	await sheet.waitFor({ state: "detached" });
}

opened({ haru: { viewport: { width: 390, height: 844 } } });

test("an emoji is uploaded, picked in the composer, and seen in a post and in a name", real, async () => {
	await open(dal, "/admin?show=emojis");
	await dal.locator('[data-action="emoji-file"]').setInputFiles({ name: "red-persimmon.png", mimeType: "image/png", buffer: square(32, [210, 70, 20]) });
	assert.equal(await dal.locator('[name="shortcode"]').inputValue(), "red_persimmon", "the file's name is proposed");
	await dal.locator('[name="shortcode"]').fill("gam");
	await dal.click('[data-action="add-emoji"]');
	await dal.locator('[data-house-emoji="gam"]').waitFor();
	await write(haru, "오늘은 ", async (sheet) => {
		await sheet.locator('[data-action="emoji"]').click();
		await sheet.locator('[data-emoji="gam"]').click();
		await haru.waitForFunction(() => document.querySelector("#publish-text").value === "오늘은 :gam:");
		assert.equal(await haru.evaluate(() => document.activeElement?.id), "publish-text", "writing goes on where it was");
	});
	await haru.locator("article", { hasText: "오늘은" }).locator('img.emoji[alt=":gam:"]').waitFor();
	await open(haru, "/settings");
	await haru.click('[data-action="edit-profile"]');
	const sheet = haru.locator("dialog[open]");
	await sheet.locator("input.input").first().fill("하루 :gam:");
	await sheet.locator("button.main").click();
	await sheet.waitFor({ state: "detached" });
	await open(dal, "/@haru");
	await dal.locator('h1 img.emoji[alt=":gam:"]').waitFor();
});

test("an announcement comes while one looks, is reacted to, and can be put away", real, async () => {
	await open(haru, "/");
	await open(dal, "/admin?show=announcements");
	await dal.click('[data-action="new-announcement"]');
	await dal.locator('dialog[open] [name="text"]').fill("The yard opens at nine tonight.");
	await dal.locator('dialog[open] [data-action="save-announcement"]').click();
	const card = haru.locator(".says [data-announcement]", { hasText: "at nine tonight" });
	await card.waitFor();
	await card.locator('[data-action="emoji"]').click();
	await card.locator('[data-emoji="🎉"]').click();
	await card.locator('.chip[aria-pressed="true"]', { hasText: "🎉" }).waitFor();
	await open(dal, "/");
	await dal.locator(".says [data-announcement] .chip", { hasText: "1" }).click();
	await card.locator(".chip", { hasText: "2" }).waitFor();
	await card.locator('[data-action="dismiss"]').click();
	await card.waitFor({ state: "detached" });
	await open(haru, "/announcements");
	await haru.locator("[data-announcement]", { hasText: "at nine tonight" }).waitFor();
});

test("a live thread grows before the eyes of its readers, with an account or without", real, async () => {
	await write(dal, "We draw the moon together, step by step");
	const root = await dal.locator("article[data-post]", { hasText: "step by step" }).first().getAttribute("data-post");
	await open(dal, "/admin?show=announcements");
	await dal.click('[data-action="new-announcement"]');
	const sheet = dal.locator("dialog[open]");
	await sheet.locator('[name="text"]').fill("Drawing the moon, live");
	await sheet.locator('[name="thread"]').fill(`${server.base}/@dal/${root}`);
	await sheet.locator('[data-action="save-announcement"]').click();
	await sheet.waitFor({ state: "detached" });
	await open(haru, "/");
	await haru.locator('[data-action="follow-live"]').first().click();
	await haru.waitForURL("**/live/*");
	await haru.locator(".thread article", { hasText: "step by step" }).waitFor();
	const guest = await person(browser, { baseURL: server.base, locale: "en" });
	await open(guest, new URL(haru.url()).pathname);
	await guest.locator(".thread article", { hasText: "step by step" }).waitFor();
	await open(dal, `/@dal/${root}?reply=1`);
	await dal.locator('[data-action="reply-text"]').fill("First the dark");
	await dal.click('[data-action="send-reply"]');
	await haru.locator(".thread article", { hasText: "First the dark" }).waitFor();
	await guest.locator(".thread article", { hasText: "First the dark" }).waitFor();
	assert.deepEqual(guest.complaints, []);
	assert.deepEqual(dal.complaints, []);
	assert.deepEqual(haru.complaints, []);
});
