// Keyboard shortcuts. Single letters work outside of text fields; "g" waits a moment for a second letter.
import type { Key } from "../i18n/index.svelte";
import { back, go } from "./router.svelte";

export const SHORTCUTS: { keys: string[]; name: Key }[] = [
	{ keys: ["j", "k"], name: "keys.move" },
	{ keys: ["Enter"], name: "keys.open" },
	{ keys: ["l"], name: "keys.like" },
	{ keys: ["r"], name: "keys.reply" },
	{ keys: ["x"], name: "keys.remix" },
	{ keys: ["b"], name: "keys.boost" },
	{ keys: ["n"], name: "keys.draw" },
	{ keys: ["/"], name: "keys.search" },
	{ keys: ["g", "h"], name: "keys.home" },
	{ keys: ["g", "e"], name: "keys.explore" },
	{ keys: ["g", "n"], name: "keys.notifications" },
	{ keys: ["g", "s"], name: "keys.settings" },
	{ keys: ["Esc"], name: "keys.back" },
	{ keys: ["?"], name: "keys.help" },
];

const PLACES: Record<string, string> = { h: "/", e: "/explore", n: "/notifications", s: "/settings", d: "/studio" };
const ACTIONS: Record<string, string> = { l: "like", r: "reply", x: "remix", b: "boost" };
const SECOND_KEY_MS = 1200;

function posts(): HTMLElement[] {
	return [...document.querySelectorAll<HTMLElement>("main [data-post]")];
}

function step(by: 1 | -1): void {
	const all = posts();
	if (all.length === 0) return;
	const at = all.findIndex((post) => post === document.activeElement || post.contains(document.activeElement));
	const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]!;
	next.focus({ preventScroll: true });
	next.scrollIntoView({ block: "center", behavior: "smooth" });
}

function chosen(): HTMLElement | null {
	return (document.activeElement?.closest("[data-post]") as HTMLElement | null) ?? posts()[0] ?? null;
}

function typing(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function startKeys(help: () => void): void {
	let prefixAt = 0;
	addEventListener("keydown", (event) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		if (typing(event.target) || document.querySelector("dialog[open]")) return;
		const key = event.key;
		const place = PLACES[key];
		const action = ACTIONS[key];
		if (event.timeStamp - prefixAt < SECOND_KEY_MS && place) go(place);
		else if (key === "j") step(1);
		else if (key === "k") step(-1);
		else if (key === "n") go("/studio");
		else if (key === "/") go("/search");
		else if (key === "?") help();
		else if (key === "Escape") back();
		else if (key === "Enter" && event.target instanceof HTMLElement && event.target.matches("article[data-post]"))
			event.target.querySelector<HTMLElement>("a.when")?.click();
		else if (action) chosen()?.querySelector<HTMLElement>(`[data-action="${action}"]`)?.click();
		else if (key !== "g") return;
		prefixAt = key === "g" ? event.timeStamp : 0;
		event.preventDefault();
	});
}
