// Where we are. Links are ordinary <a href>; a click on one inside the site changes this state instead.
import { tick } from "svelte";

class Route {
	path = $state("/");
	search = $state("");
	/** Counts navigations, so that a page may notice that the same link was followed again. */
	visit = $state(0);

	get query(): URLSearchParams {
		return new URLSearchParams(this.search);
	}
}

export const route = new Route();

const scrolls = new Map<string, number>();
const SCROLLS_KEPT = 50;

function keyNow(): string {
	return (history.state as { key?: string } | null)?.key ?? "first";
}

function read(): void {
	route.path = decodeURI(location.pathname);
	route.search = location.search;
	route.visit += 1;
}

function remember(): void {
	scrolls.set(keyNow(), scrollY);
	if (scrolls.size > SCROLLS_KEPT) scrolls.delete(scrolls.keys().next().value as string);
}

/** After a navigation the heading gets the focus, so that a screen reader begins there. */
async function settle(top: number): Promise<void> {
	await tick();
	document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
	scrollTo({ top });
	if (top > 0) setTimeout(() => scrollTo({ top }), 60);
}

export function go(to: string, replace = false): void {
	remember();
	const state = { key: crypto.randomUUID?.() ?? String(Math.random()) };
	if (replace) history.replaceState(state, "", to);
	else history.pushState(state, "", to);
	read();
	void settle(0);
}

export function back(): void {
	if (history.length > 1) history.back();
	else go("/");
}

function onClick(event: MouseEvent): void {
	if (event.defaultPrevented || event.button !== 0) return;
	if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
	const link = (event.target as Element).closest("a");
	if (!link || link.target === "_blank" || link.hasAttribute("download")) return;
	const url = new URL(link.href, location.href);
	if (url.origin !== location.origin || url.pathname.startsWith("/api/") || url.pathname.startsWith("/media/")) return;
	event.preventDefault();
	go(url.pathname + url.search);
}

export function startRouter(): void {
	history.scrollRestoration = "manual";
	let key = keyNow();
	addEventListener("popstate", () => {
		scrolls.set(key, scrollY);
		key = keyNow();
		read();
		void settle(scrolls.get(key) ?? 0);
	});
	document.addEventListener("click", onClick);
	addEventListener("click", () => (key = keyNow()));
	read();
}

/** Matches "/@:acct/:id" against a path; null when it is another place. */
export function match(pattern: string, path: string): Record<string, string> | null {
	const wanted = pattern.split("/");
	const given = path.replace(/\/+$/, "").split("/");
	if (path === "/") given.length = 2;
	if (wanted.length !== given.length) return null;
	const found: Record<string, string> = {};
	for (const [index, part] of wanted.entries()) {
		const value = given[index] ?? "";
		const colon = part.indexOf(":");
		if (colon < 0) {
			if (part !== value) return null;
		} else {
			const before = part.slice(0, colon);
			if (!value.startsWith(before) || value.length === before.length) return null;
			found[part.slice(colon + 1)] = value.slice(before.length);
		}
	}
	return found;
}
