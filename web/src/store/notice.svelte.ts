// Notifications, and how many of them are new.
import { get, page, post } from "../api/client";
import type { Notice } from "../api/types";
import { posts } from "./post.svelte";

const PATH = "/api/v1/notifications?limit=30";

class Notices {
	list = $state<Notice[]>([]);
	unread = $state(0);
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	#next: string | null = PATH;

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end" || !this.#next) return;
		this.state = "loading";
		try {
			const { items, next } = await page<Notice>(this.#next);
			const known = new Set(this.list.map((notice) => notice.id));
			for (const notice of items) if (notice.status) posts.keep(notice.status);
			this.list = [...this.list, ...items.filter((notice) => !known.has(notice.id))];
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
		} catch (error) {
			this.error = error;
			this.state = "failed";
		}
	}

	async count(): Promise<void> {
		try {
			this.unread = (await get<{ count: number }>("/api/v1/notifications/unread_count")).count;
		} catch {
			// Without the number the bell is simply quiet.
		}
	}

	arrive(notice: Notice): void {
		if (this.list.some((known) => known.id === notice.id)) return;
		if (notice.status) posts.keep(notice.status);
		if (this.state !== "new") this.list = [notice, ...this.list];
		this.unread += 1;
	}

	/** The page is open: what is listed was seen. */
	async seen(): Promise<void> {
		this.unread = 0;
		const last = this.list[0]?.id;
		if (!last) return;
		try {
			await post("/api/v1/markers", { notifications: { last_read_id: last } });
		} catch {
			// The next visit marks them.
		}
	}
}

export const notices = new Notices();
