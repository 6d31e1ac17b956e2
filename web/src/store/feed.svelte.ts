// A timeline: pages behind, new posts in front. Kept by path, so that going back shows what was there.
import { page } from "../api/client";
import type { Status } from "../api/types";
import { posts } from "./post.svelte";

const STALE_MS = 20_000;
/** Further down than this, what is new waits for a press. */
export const NEAR_TOP_PX = 400;

export class Feed {
	ids = $state<string[]>([]);
	/** New posts that wait for a press, because the reader is further down. */
	waiting = $state<string[]>([]);
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	/** There may be posts that nobody told of: whoever shows the feed asks. */
	stale = $state(false);
	#next: string | null;
	/** Where the pages go on once those that wait stand alone: more came than one page holds. */
	#nextAnew: string | null | undefined;
	#askedAt = 0;

	constructor(readonly path: string) {
		this.#next = path;
	}

	/** Somebody comes back to it; no stream may have told of it meanwhile. */
	look(): void {
		if (this.#filled && Date.now() - this.#askedAt > STALE_MS) this.stale = true;
	}

	get #filled(): boolean {
		return this.state === "ready" || this.state === "end";
	}

	get shown(): string[] {
		return this.ids.filter((id) => !posts.gone.has(id));
	}

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end" || !this.#next) return;
		this.state = "loading";
		if (this.#next === this.path) this.#askedAt = Date.now();
		try {
			const { items, next } = await page<Status>(this.#next);
			const known = new Set(this.ids);
			this.ids = [...this.ids, ...items.map((status) => posts.keep(status)).filter((id) => !known.has(id))];
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
		} catch (error) {
			this.error = error;
			this.state = "failed";
		}
	}

	/** A post has come by the stream. */
	arrive(status: Status, wait: boolean): void {
		const id = posts.keep(status);
		if (this.ids.includes(id) || this.waiting.includes(id)) return;
		if (wait) this.waiting = [id, ...this.waiting];
		else this.ids = [id, ...this.ids];
	}

	/** Asks for what came while nobody listened. */
	async catchUp(): Promise<void> {
		this.stale = false;
		if (!this.#filled) return;
		this.#askedAt = Date.now();
		let found;
		try {
			found = await page<Status>(this.path);
		} catch {
			// What is there can still be read; the next look asks again.
			this.#askedAt = 0;
			return;
		}
		if (!this.#filled) return;
		const known = new Set([...this.waiting, ...this.ids]);
		const fresh = found.items.filter((status) => !known.has(status.id));
		if (fresh.length === 0) return;
		if (fresh.length === found.items.length) {
			// They do not reach what is known. In between there would be a hole, so the feed begins anew.
			this.waiting = fresh.map((status) => posts.keep(status));
			this.#nextAnew = found.next;
		} else {
			this.waiting = [...fresh.map((status) => posts.keep(status)), ...this.waiting];
		}
		if (scrollY <= NEAR_TOP_PX) this.showWaiting();
	}

	showWaiting(): void {
		if (this.#nextAnew !== undefined) {
			this.ids = this.waiting;
			this.#next = this.#nextAnew;
			this.#nextAnew = undefined;
			this.state = this.#next ? "ready" : "end";
		} else {
			this.ids = [...this.waiting, ...this.ids];
		}
		this.waiting = [];
	}
}

const kept = new Map<string, Feed>();
const FEEDS_MAX = 20;

export function feedOf(path: string): Feed {
	let feed = kept.get(path);
	if (!feed) {
		feed = new Feed(path);
		kept.set(path, feed);
		if (kept.size > FEEDS_MAX) kept.delete(kept.keys().next().value as string);
	}
	return feed;
}

/** The stream was away for a while. */
export function doubtFeeds(): void {
	for (const feed of kept.values()) feed.stale = true;
}

/** After signing in or out, or after a post, what was kept may be wrong. */
export function forgetFeeds(path?: string): void {
	if (path) kept.delete(path);
	else kept.clear();
}
