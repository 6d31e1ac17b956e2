// Every post we have seen, once. Timelines hold ids; a like changes the post wherever it is shown.
// Changes are shown at once and taken back when the server refuses them.
import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { get, post as send, remove } from "../api/client";
import type { Poll, Status } from "../api/types";
import { toasts } from "./toast.svelte";

type Reaction = "favourite" | "reblog" | "bookmark" | "pin" | "mute";

const FLAG = { favourite: "favourited", reblog: "reblogged", bookmark: "bookmarked", pin: "pinned", mute: "muted" } as const;
const COUNT = { favourite: "favourites_count", reblog: "reblogs_count", bookmark: null, pin: null, mute: null } as const;

/** A poll that came by a public stream does not know how I voted. */
function ownVotes(fresh: Poll | null | undefined, known: Poll | null | undefined): Poll | null | undefined {
	return fresh && known?.voted ? { ...fresh, voted: known.voted, own_votes: known.own_votes } : fresh;
}

class Posts {
	#all = new SvelteMap<string, Status>();
	/** Deleted here or elsewhere: timelines leave them out. */
	gone = new SvelteSet<string>();

	get(id: string): Status | undefined {
		return this.#all.get(id);
	}

	/** Remembers a post and what it boosts; gives back its id. */
	keep(status: Status): string {
		if (status.reblog) this.keep(status.reblog);
		if (status.quote?.quoted_status) this.keep(status.quote.quoted_status);
		const known = this.#all.get(status.id);
		// What came by a public stream does not know what I have done with the post.
		const mine = known && status.favourited === undefined;
		this.#all.set(
			status.id,
			mine
				? { ...status, favourited: known.favourited, reblogged: known.reblogged, bookmarked: known.bookmarked, pinned: known.pinned, muted: known.muted, poll: ownVotes(status.poll, known.poll), filtered: known.filtered }
				: status,
		);
		return status.id;
	}

	change(id: string, part: Partial<Status>): void {
		const known = this.#all.get(id);
		if (known) this.#all.set(id, { ...known, ...part });
	}

	async load(id: string): Promise<Status> {
		const status = await get<Status>(`/api/v1/statuses/${encodeURIComponent(id)}`);
		this.keep(status);
		return status;
	}

	/** True where the server agreed. */
	async toggle(id: string, reaction: Reaction): Promise<boolean> {
		const before = this.#all.get(id);
		if (!before) return false;
		const flag = FLAG[reaction];
		const count = COUNT[reaction];
		const on = !before[flag];
		this.change(id, { [flag]: on, ...(count ? { [count]: Math.max(0, before[count] + (on ? 1 : -1)) } : {}) });
		try {
			const answer = await send<Status>(`/api/v1/statuses/${id}/${on ? "" : "un"}${reaction}`);
			// Boosting answers with the boost; the post is inside.
			this.keep(answer.reblog?.id === id ? answer.reblog : answer.id === id ? answer : { ...this.#all.get(id)! });
			return true;
		} catch (error) {
			this.change(id, { [flag]: before[flag], ...(count ? { [count]: before[count] } : {}) });
			toasts.bad(error);
			return false;
		}
	}

	/** Takes a post of one's own out of somebody's quote. True where the server agreed. */
	async revoke(id: string, quoteId: string): Promise<boolean> {
		try {
			this.keep(await send<Status>(`/api/v1/statuses/${id}/quotes/${quoteId}/revoke`));
			this.change(id, { quotes_count: Math.max(0, (this.#all.get(id)?.quotes_count ?? 1) - 1) });
			return true;
		} catch (error) {
			toasts.bad(error);
			return false;
		}
	}

	async delete(id: string): Promise<boolean> {
		this.gone.add(id);
		try {
			await remove(`/api/v1/statuses/${id}?delete_media=true`);
			return true;
		} catch (error) {
			this.gone.delete(id);
			toasts.bad(error);
			return false;
		}
	}
}

export const posts = new Posts();
