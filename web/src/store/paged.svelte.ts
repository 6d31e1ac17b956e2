// A list that comes page by page: accounts of a list, reports, scheduled posts. Timelines have their own (feed.svelte.ts).
import { page } from "../api/client";

export class Paged<T> {
	items = $state.raw<T[]>([]);
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	#next: string | null;
	#round = 0;

	constructor(
		public path: string,
		private readonly key: (one: T) => string = (one) => (one as { id: string }).id,
	) {
		this.#next = path;
	}

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end" || !this.#next) return;
		this.state = "loading";
		const round = this.#round;
		try {
			const { items, next } = await page<T>(this.#next);
			// What was asked for before the list began anew is not part of it.
			if (round !== this.#round) return;
			const known = new Set(this.items.map(this.key));
			this.items = [...this.items, ...items.filter((one) => !known.has(this.key(one)))];
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
		} catch (error) {
			if (round !== this.#round) return;
			this.error = error;
			this.state = "failed";
		}
	}

	/** Begins anew, with another path where one is given. */
	again(path = this.path): Promise<void> {
		this.path = path;
		this.#round += 1;
		this.#next = path;
		this.items = [];
		this.state = "new";
		return this.more();
	}

	put(one: T): void {
		const id = this.key(one);
		const known = this.items.some((other) => this.key(other) === id);
		this.items = known ? this.items.map((other) => (this.key(other) === id ? one : other)) : [one, ...this.items];
	}

	drop(one: T): void {
		const id = this.key(one);
		this.items = this.items.filter((other) => this.key(other) !== id);
	}
}
