// What can draw here: makers, their styles and what each of them can honour.
import { get, post } from "../api/client";
import type { Control, Maker, Studio, Style } from "../api/types";

class Makers {
	studio = $state<Studio | null>(null);
	error = $state<unknown>(null);

	async load(): Promise<void> {
		if (this.studio) return;
		this.error = null;
		try {
			this.studio = await get<Studio>("/api/madang/v1/studio");
		} catch (error) {
			this.error = error;
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
