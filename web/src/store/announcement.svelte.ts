// What the house says to everybody, and what they think of it.
import { get, put, post, remove } from "../api/client";
import type { Announcement } from "../api/types";
import { toasts } from "./toast.svelte";

class Announcements {
	list = $state<Announcement[]>([]);
	state = $state<"new" | "loading" | "ready" | "failed">("new");
	error = $state<unknown>(null);

	/** Those that were not dismissed: pinned ones, then the newest. */
	get fresh(): Announcement[] {
		return this.list.filter((one) => !one.read).sort((a, b) => Number(b.madang?.pinned ?? false) - Number(a.madang?.pinned ?? false));
	}

	async load(): Promise<void> {
		if (this.state === "loading") return;
		this.state = "loading";
		try {
			this.list = await get<Announcement[]>("/api/v1/announcements?with_dismissed=true");
			this.state = "ready";
		} catch (error) {
			this.error = error;
			this.state = "failed";
		}
	}

	arrive(one: Announcement): void {
		const known = this.list.some((other) => other.id === one.id);
		this.list = known ? this.list.map((other) => (other.id === one.id ? { ...other, ...one } : other)) : [one, ...this.list];
	}

	gone(id: string): void {
		this.list = this.list.filter((one) => one.id !== id);
	}

	reacted({ announcement_id: id, name, count }: { announcement_id: string; name: string; count: number }): void {
		this.#change(id, (one) => {
			const known = one.reactions.some((other) => other.name === name);
			const reactions = known ? one.reactions.map((other) => (other.name === name ? { ...other, count } : other)) : [...one.reactions, { name, count, me: false }];
			return { ...one, reactions: reactions.filter((other) => other.count > 0) };
		});
	}

	#change(id: string, change: (one: Announcement) => Announcement): void {
		this.list = this.list.map((one) => (one.id === id ? change(one) : one));
	}

	async dismiss(id: string): Promise<void> {
		this.#change(id, (one) => ({ ...one, read: true }));
		try {
			await post(`/api/v1/announcements/${id}/dismiss`);
		} catch (error) {
			toasts.bad(error);
		}
	}

	async react(id: string, name: string): Promise<void> {
		const before = this.list;
		const mine = before.find((one) => one.id === id)?.reactions.find((one) => one.name === name)?.me ?? false;
		this.#change(id, (one) => {
			const known = one.reactions.find((other) => other.name === name);
			const next = { ...(known ?? { name, count: 0 }), count: (known?.count ?? 0) + (mine ? -1 : 1), me: !mine };
			const others = one.reactions.filter((other) => other.name !== name);
			return { ...one, reactions: next.count > 0 ? (known ? one.reactions.map((other) => (other.name === name ? next : other)) : [...others, next]) : others };
		});
		try {
			const path = `/api/v1/announcements/${id}/reactions/${encodeURIComponent(name)}`;
			if (mine) await remove(path);
			else await put(path, {});
		} catch (error) {
			this.list = before;
			toasts.bad(error);
		}
	}
}

export const announcements = new Announcements();
