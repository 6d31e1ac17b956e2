// What was begun and not sent: kept on this device until it is sent or emptied, so that a slip of the finger, a reload or
// a lost connection costs nobody a word. By account; signing out clears it.
import { session } from "./session.svelte";

const KEPT = "madang.drafts";
const DRAFTS_MAX = 30;

// The newest last.
type Kept = [name: string, draft: unknown][];

function read(): Kept {
	try {
		const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]") as unknown;
		return Array.isArray(kept) ? (kept as Kept) : [];
	} catch {
		return [];
	}
}

function write(kept: Kept): void {
	try {
		localStorage.setItem(KEPT, JSON.stringify(kept.slice(-DRAFTS_MAX)));
	} catch {
		// A full or forbidden storage: what is on the screen is still there.
	}
}

const full = (name: string) => `${session.me?.id ?? ""} ${name}`;

export function draftOf<T>(name: string): T | null {
	return (read().find(([key]) => key === full(name))?.[1] as T | undefined) ?? null;
}

/** null forgets it. */
export function keepDraft(name: string, draft: unknown): void {
	const before = read();
	const others = before.filter(([key]) => key !== full(name));
	if (draft !== null) write([...others, [full(name), draft]]);
	else if (others.length < before.length) write(others);
}
