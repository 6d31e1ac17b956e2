// What can draw here: makers, their styles and what each of them can honour.
import { get, post } from "../api/client";
import type { Control, Load, Maker, QuotaLeft, Studio, Style } from "../api/types";

class Makers {
	studio = $state<Studio | null>(null);
	error = $state<unknown>(null);

	async load(anew = false): Promise<void> {
		if (this.studio && !anew) return;
		this.error = null;
		try {
			this.studio = await get<Studio>("/api/madang/v1/studio");
		} catch (error) {
			this.error = error;
		}
	}

	/** How busy the makers are, as far as the server says. */
	get crowd(): Load | null {
		return this.studio?.load ?? null;
	}

	/** What is left for oneself, the tightest first. */
	get quota(): QuotaLeft[] {
		return this.studio?.quota ?? [];
	}

	take(load: Load): void {
		if (this.studio) this.studio.load = load;
	}

	async count(): Promise<void> {
		if (!this.studio?.quota) return;
		try {
			this.studio.quota = await get<QuotaLeft[]>("/api/madang/v1/quota");
		} catch {
			// The meter stays as it was; the server counts all the same.
		}
	}

	find(id: string | null): Maker | undefined {
		return this.studio?.makers.find((maker) => maker.id === id);
	}

	name(id: string): string {
		return this.find(id)?.name ?? id;
	}

	/** Every style that some maker draws, for the filters of Explore. */
	get styles(): Style[] {
		const all = new Map<string, Style>();
		for (const maker of this.studio?.makers ?? []) for (const style of maker.styles) all.set(style.name, style);
		return [...all.values()];
	}

	style(name: string | null): Style | undefined {
		return this.styles.find((style) => style.name === name);
	}

	honours(maker: Maker | undefined, control: Control): boolean {
		return maker?.controls.includes(control) ?? false;
	}

	async consent(maker: Maker): Promise<void> {
		await post("/api/madang/v1/studio/consent", { maker: maker.id });
		maker.consent_given = true;
	}
}

export const makers = new Makers();
