// Two things that browsers give only to pages over https, with what to do without.

/** A key that makes a repeated request harmless. */
export function freshKey(): string {
	if (crypto.randomUUID) return crypto.randomUUID();
	return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Copies a text; false where the browser does not let us. */
export async function copy(text: string): Promise<boolean> {
	if (navigator.clipboard) {
		try {
			await navigator.clipboard.writeText(text);
			return true;
		} catch {
			return false;
		}
	}
	const area = document.createElement("textarea");
	area.value = text;
	document.body.append(area);
	area.select();
	const copied = document.execCommand("copy");
	area.remove();
	return copied;
}
