import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// In development the API is whatever listens here: `madang serve`, or the mock of tests/web.
const server = process.env.MADANG_URL ?? "http://127.0.0.1:8088";

let first: Set<string> | undefined;

/** Whether the first page loads it: main.ts imports it, by however many hands. */
function atOnce(id: string, of: (id: string) => { importedIds: readonly string[]; isEntry: boolean } | null, from = fileURLToPath(new URL("index.html", import.meta.url))): boolean {
	if (!first) {
		first = new Set();
		const wanted = [from];
		for (let one = wanted.pop(); one !== undefined; one = wanted.pop()) {
			if (first.has(one)) continue;
			first.add(one);
			wanted.push(...(of(one)?.importedIds ?? []));
		}
	}
	return first.has(id);
}

export default defineConfig({
	plugins: [svelte()],
	build: {
		target: "es2022",
		// The content security policy forbids data: and inline code, so nothing may be inlined.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		rollupOptions: {
			output: {
				// A few files rather than thirty: what the pages of every day need ("yard"), what several of the other pages share ("rooms"),
				// and one file for each page that comes later. A part is of the yard only while one of its pages imports it.
				manualChunks: (id, { getModuleInfo }) => {
					if (!/node_modules|vite\/|src\/(api|lib|store|i18n\/index|parts)/.test(id)) return undefined;
					if (atOnce(id, getModuleInfo)) return "yard";
					return /src\/parts\//.test(id) && (getModuleInfo(id)?.importers.length ?? 0) < 2 ? undefined : "rooms";
				},
			},
		},
	},
	server: {
		proxy: {
			"/api": { target: server, ws: true },
			"/oauth": server,
			"/media": server,
		},
	},
});
