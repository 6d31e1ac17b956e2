// Accounts we have seen, and how we stand with them.
import { SvelteMap } from "svelte/reactivity";
import { get, post, query } from "../api/client";
import type { Account, Relationship } from "../api/types";
import { toasts } from "./toast.svelte";

type Deed = "follow" | "block" | "mute";

class People {
	#relations = new SvelteMap<string, Relationship>();

	relation(id: string): Relationship | undefined {
		return this.#relations.get(id);
	}

	lookup(acct: string): Promise<Account> {
		return get<Account>(`/api/v1/accounts/lookup${query({ acct })}`);
	}

	async loadRelations(ids: string[]): Promise<void> {
		const missing = ids.filter((id) => !this.#relations.has(id));
		if (missing.length === 0) return;
		const search = missing.map((id) => `id[]=${encodeURIComponent(id)}`).join("&");
		try {
			for (const relation of await get<Relationship[]>(`/api/v1/accounts/relationships?${search}`)) {
				this.#relations.set(relation.id, relation);
			}
		} catch {
			// Without it the follow button simply is not shown.
		}
	}

	/** What changes how we stand with them otherwise. True where the server agreed. */
	async act(account: Account, deed: "note" | "endorse" | "unendorse" | "remove_from_followers", body: object = {}): Promise<boolean> {
		try {
			this.#relations.set(account.id, await post<Relationship>(`/api/v1/accounts/${account.id}/${deed}`, body));
			return true;
		} catch (error) {
			toasts.bad(error);
			return false;
		}
	}

	async toggle(account: Account, deed: Deed): Promise<void> {
		const before = this.#relations.get(account.id);
		if (!before) return;
		const flag = ({ follow: "following", block: "blocking", mute: "muting" } as const)[deed];
		const on = !(before[flag] || (deed === "follow" && before.requested));
		const pending = deed === "follow" && on && account.locked;
		this.#relations.set(account.id, { ...before, [flag]: on && !pending, requested: pending });
		try {
			const path = `/api/v1/accounts/${account.id}/${on ? "" : "un"}${deed}`;
			this.#relations.set(account.id, await post<Relationship>(path));
		} catch (error) {
			this.#relations.set(account.id, before);
			toasts.bad(error);
		}
	}
}

export const people = new People();
