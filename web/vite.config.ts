import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// In development the API is whatever listens here: `madang serve`, or the mock of tests/web.
const server = process.env.MADANG_URL ?? "http://127.0.0.1:8088";

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
				// A few files rather than thirty: what every page needs, and one file for each page that comes later.
				manualChunks: (id) =>
					/node_modules|src\/(api|lib|store)\/|src\/i18n\/index|src\/parts\/(?!AiHide|PollEdit|ProgrammeState|ProfileEdit|Spark|Totp)/.test(id) ? "yard" : undefined,
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
