// The house's own emojis, asked for when somebody first wants to write one.
import { get } from "../api/client";
import type { Emoji } from "../api/types";

class Emojis {
	list = $state.raw<Emoji[]>([]);
	state = $state<"new" | "loading" | "ready">("new");

	async load(again = false): Promise<void> {
		if (this.state === "loading" || (this.state === "ready" && !again)) return;
		this.state = "loading";
		try {
			this.list = await get<Emoji[]>("/api/v1/custom_emojis");
		} catch {
			// Words can be written without them; the next opening asks again.
			this.state = "new";
			return;
		}
		this.state = "ready";
	}

	/** Those one may choose from, by their category. */
	get shelves(): [category: string, emojis: Emoji[]][] {
		const all = new Map<string, Emoji[]>();
		for (const one of this.list) {
			if (one.visible_in_picker === false) continue;
			const shelf = one.category ?? "";
			all.set(shelf, [...(all.get(shelf) ?? []), one]);
		}
		return [...all].sort(([a], [b]) => a.localeCompare(b));
	}
}

export const emojis = new Emojis();
