// The whole program: `madang serve`, its own model, two people in Chromium.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serve, skip } from "./serve.mjs";
import { launch, walk } from "./yard.mjs";

test("set-up link, a Korean prompt, a growing picture, a post seen live, liked, answered, remixed", { timeout: 600_000, skip }, async () => {
	const server = await serve();
	const browser = await launch();
	const shots = process.env.SHOTS;
	if (shots) mkdirSync(shots, { recursive: true });
	try {
		await walk(browser, {
			base: server.base,
			setup: server.setup,
			inTurns: server.inTurns,
			shots: async (page, name) => {
				if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
			},
		});
	} catch (error) {
		console.error(server.said().slice(-4000));
		throw error;
	} finally {
		await browser.close();
		await server.close();
	}
});
