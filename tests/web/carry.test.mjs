// Taking along and bringing along on a real server: a list goes out as CSV and comes in again, the archive is a zip, a file that is none is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dal, opened, real, server } from "./real.mjs";
import { open } from "./yard.mjs";

opened({ at: () => open(dal, "/settings?show=data") });

async function saved(selector) {
	const [download] = await Promise.all([dal.waitForEvent("download"), dal.click(selector)]);
	return readFileSync(await download.path());
}

test("the archive and the lists are downloaded", real, async () => {
	assert.equal((await saved('[data-action="archive"]')).subarray(0, 2).toString(), "PK");
	assert.match((await saved('[data-export="follows"]')).toString(), /^Account address/);
});

test("a list is brought in, and its row is there after a reload", real, async () => {
	await dal.locator('input[value="domain_blocks"]').check({ force: true });
	await dal.locator('[data-action="import-file"]').setInputFiles({ name: "blocks.csv", mimeType: "text/csv", buffer: Buffer.from("bad.example\nworse.example\n") });
	await dal.click('[data-action="import"]');
	await dal.locator('[data-import="finished"]', { hasText: "2 of 2" }).waitFor();
	await dal.goto(`${server.base}/blocked?show=domains`);
	await dal.locator("li", { hasText: "worse.example" }).waitFor();
});

test("a file that is no such list is refused with a reason", real, async () => {
	await dal.goto(`${server.base}/settings?show=data`);
	await dal.locator('[data-action="import-file"]').setInputFiles({ name: "cat.csv", mimeType: "text/csv", buffer: Buffer.from("\0\0\0 not,a\nlist") });
	await dal.click('[data-action="import"]');
	await dal.locator('form [role="alert"]:not(:empty)').waitFor();
	assert.deepEqual(dal.complaints, []);
});
