// Starts `madang serve` with a folder of its own, for the tests of the front end with the whole program.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../api/house.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = process.env.MADANG ?? join(ROOT, "build/madang");
const START_MS = 60_000;

/** The built-in model; where it is not there, one of its shape with random weights: noise, but drawn the same way. */
function modelOf(folder) {
	const given = process.env.MADANG_MODEL ?? join(ROOT, "model/weights");
	if (existsSync(join(given, "config.json"))) return given;
	const made = join(folder, "model");
	const run = spawnSync("python3", [join(ROOT, "tests/engine/make_tiny.py"), made, "--shape", "builtin"]);
	assert.equal(run.status, 0, String(run.stderr));
	return made;
}

/** A tiny model with random weights that can look at pictures. */
function eyesOf(folder) {
	const made = join(folder, "eyes");
	const run = spawnSync("python3", [join(ROOT, "tests/engine/make_tiny.py"), made, "--shape", "janus"]);
	assert.equal(run.status, 0, String(run.stderr));
	return ["--describe-model", made];
}

/** Starts a server of its own and gives back its address and its set-up link; eyes: it proposes descriptions; threads: of
 * the engine, null for as many as it takes by itself. */
export async function serve({ eyes = false, threads = 1 } = {}) {
	assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built`);
	const folder = mkdtempSync(join(tmpdir(), "madang-web-"));
	const data = join(folder, "data");
	const child = spawn(PROGRAM, ["serve", "--data", data, "--listen", `127.0.0.1:${await freePort()}`, "--model", modelOf(folder), ...(threads ? ["--engine-threads", String(threads)] : []), "--web", join(ROOT, "web/dist"), ...(eyes ? eyesOf(folder) : [])], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
	let said = "";
	const link = await new Promise((resolve, reject) => {
		const late = setTimeout(() => reject(new Error(`no set-up link within ${START_MS} ms:\n${said}`)), START_MS);
		const hear = (chunk) => {
			said += chunk;
			const found = said.match(/http\S+\/setup\?code=[\w.~-]+/);
			if (!found) return;
			clearTimeout(late);
			resolve(found[0]);
		};
		child.stdout.on("data", hear);
		child.stderr.on("data", hear);
		child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
	});
	const url = new URL(link);
	return {
		base: url.origin,
		setup: link,
		said: () => said,
		/** The server works for a moment, `page` does all that it has to, and so on until `done` says so: however busy the machine
		 * is, a page looks at a drawing more than once. The moments get longer, so that it ends. */
		async inTurns(page, done) {
			try {
				for (let ms = 4; !done(); ms *= 1.12) {
					child.kill("SIGCONT");
					await new Promise((resolve) => setTimeout(resolve, ms));
					child.kill("SIGSTOP");
					await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
				}
			} finally {
				child.kill("SIGCONT");
			}
		},
		async close() {
			child.removeAllListeners("exit");
			const ended = new Promise((resolve) => child.once("exit", resolve));
			child.kill("SIGTERM");
			await ended;
			rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

const able = existsSync(PROGRAM) && /\bserve\b/.test(String(spawnSync(PROGRAM, ["--help"]).stdout));
export const skip = able ? false : `${PROGRAM} has no "serve"`;
