// Where we are. Links are ordinary <a href>; a click on one inside the site changes this state instead.
import { tick } from "svelte";
import { freshKey } from "./once";

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

// How far down each visited page was; kept with the tab, for a reload and for coming back from another site.
const KEPT = "madang.scrolls";
const SCROLLS_KEPT = 50;
const scrolls = new Map<string, number>(kept());

function kept(): [string, number][] {
	try {
		return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]") as [string, number][];
	} catch {
		return [];
	}
}

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

/** Where to scroll when the page of the new path is there; null: nobody has navigated yet. */
let landing: number | null = null;
const SETTLE_MS = 1000;
const LONGEST_MS = 60_000;
const DEEDS = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
let letGo = () => {};

/** Holds on to a place while what is above and at it is still coming, until the person moves. */
function hold(top: number): void {
	letGo();
	scrollTo({ top });
	if (top <= 0) return;
	let late = setTimeout(() => letGo(), LONGEST_MS);
	let found = false;
	const growth = new ResizeObserver(() => {
		scrollTo({ top });
		if (found || scrollY < top - 1) return;
		found = true;
		clearTimeout(late);
		late = setTimeout(() => letGo(), SETTLE_MS);
	});
	letGo = () => {
		growth.disconnect();
		clearTimeout(late);
		for (const deed of DEEDS) removeEventListener(deed, letGo);
		letGo = () => {};
	};
	for (const deed of DEEDS) addEventListener(deed, letGo, { passive: true });
	growth.observe(document.body);
}

/**
 * The page of the new path is there. Its heading gets the focus, so that a screen reader begins there; going back
 * finds the place again.
 */
export async function arrived(): Promise<void> {
	if (landing === null) return;
	const top = landing;
	await tick();
	const start = document.querySelector<HTMLElement>("main h1") ?? document.querySelector<HTMLElement>("main");
	if (!document.activeElement?.closest("main form, main textarea")) start?.focus({ preventScroll: true });
	hold(top);
}

/** The same page with another query is there already; for another page App says when. */
function land(top: number, before: string): void {
	landing = top;
	if (route.path === before) void arrived();
}

export function go(to: string, replace = false): void {
	remember();
	const before = route.path;
	const state = { key: freshKey() };
	// The same place again is not one more step back.
	if (replace || to === location.pathname + location.search) history.replaceState(state, "", to);
	else history.pushState(state, "", to);
	read();
	land(0, before);
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
	const how = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type;
	if (how === "reload" || how === "back_forward") landing = scrolls.get(key) ?? null;
	addEventListener("pagehide", () => {
		remember();
		sessionStorage.setItem(KEPT, JSON.stringify([...scrolls]));
	});
	addEventListener("popstate", () => {
		scrolls.set(key, scrollY);
		key = keyNow();
		const before = route.path;
		read();
		land(scrolls.get(key) ?? 0, before);
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
