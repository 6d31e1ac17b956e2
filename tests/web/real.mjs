// A whole program of its own and a browser for the tests of one file.
import { after, before } from "node:test";
import { serve, skip } from "./serve.mjs";
import { join, launch, person, two } from "./yard.mjs";

/** What belongs to every test here: skipped where there is no program, and patient. */
export const real = { timeout: 300_000, skip };
export let server;
export let browser;
export let dal;
export let haru;

/** Opens a yard before the tests and closes it after them; of serve and the two people: their options; haru: undefined, dal is
 * alone in it; at: what else has to be there. */
export function opened({ of, dal: first = { locale: "en" }, haru: second, at = async () => undefined } = {}) {
	before(async () => {
		if (skip) return;
		server = await serve(of);
		browser = await launch();
		if (second) {
			({ dal, haru } = await two(browser, server, { dal: first, haru: second }));
		} else {
			dal = await person(browser, { baseURL: server.base, ...first });
			await join(dal, server.setup, { name: "dal" });
		}
		await at();
	}, { timeout: real.timeout });

	after(async () => {
		await browser?.close();
		await server?.close();
	});
}
