// The whole program: `madang serve`, its own model, two people in Chromium.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, walk } from "./yard.mjs";

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

/** Starts a server of its own and gives back its address and its set-up link. */
async function serve(folder) {
	const data = join(folder, "data");
	const port = 20_000 + (process.pid % 20_000);
	const child = spawn(PROGRAM, ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--model", modelOf(folder), "--engine-threads", "1"], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
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
	return { base: `http://127.0.0.1:${port}`, link, child, said: () => said };
}

const able = existsSync(PROGRAM) && /\bserve\b/.test(String(spawnSync(PROGRAM, ["--help"]).stdout));
const skip = able ? false : `${PROGRAM} has no "serve"`;

test("set-up link, a Korean prompt, a growing picture, a post seen live, liked, answered, remixed", { timeout: 600_000, skip }, async (context) => {
	assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built`);
	const folder = mkdtempSync(join(tmpdir(), "madang-web-"));
	const server = await serve(folder);
	const browser = await launch();
	const shots = process.env.SHOTS;
	if (shots) mkdirSync(shots, { recursive: true });
	try {
		const link = new URL(server.link);
		const { times } = await walk(browser, {
			base: server.base,
			setup: server.base + link.pathname + link.search,
			shots: async (page, name) => {
				if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
			},
		});
		context.diagnostic(`from the press of the button: first preview ${times.preview} ms, finished picture ${times.finished} ms`);
	} catch (error) {
		console.error(server.said().slice(-4000));
		throw error;
	} finally {
		await browser.close();
		server.child.kill("SIGTERM");
		rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	}
});
