// A timeline: pages behind, new posts in front. Kept by path, so that going back shows what was there.
import { page } from "../api/client";
import type { Status } from "../api/types";
import { posts } from "./post.svelte";

export class Feed {
	ids = $state<string[]>([]);
	/** New posts that wait for a press, because the reader is further down. */
	waiting = $state<string[]>([]);
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	#next: string | null;

	constructor(readonly path: string) {
		this.#next = path;
	}

	get shown(): string[] {
		return this.ids.filter((id) => !posts.gone.has(id));
	}

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end" || !this.#next) return;
		this.state = "loading";
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

	showWaiting(): void {
		this.ids = [...this.waiting, ...this.ids];
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

/** After signing in or out, or after a post, what was kept may be wrong. */
export function forgetFeeds(path?: string): void {
	if (path) kept.delete(path);
	else kept.clear();
}
