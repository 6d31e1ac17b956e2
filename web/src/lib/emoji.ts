// The house's own emojis in a text: ":name:" becomes its picture where one of that name came along.
import type { Account, Emoji } from "../api/types";

/** A text cut at the names of its emojis; what has no picture stays as it was written. */
export function cut(text: string, emojis: Emoji[] = []): (string | Emoji)[] {
	if (emojis.length === 0 || !text.includes(":")) return [text];
	const parts: (string | Emoji)[] = [];
	let from = 0;
	for (const found of text.matchAll(/:([a-zA-Z0-9_]+):/g)) {
		const emoji = emojis.find((one) => one.shortcode === found[1]);
		if (!emoji || found.index < from) continue;
		if (found.index > from) parts.push(text.slice(from, found.index));
		parts.push(emoji);
		from = found.index + found[0].length;
	}
	if (from < text.length) parts.push(text.slice(from));
	return parts;
}

/** What a person is called inside of a sentence: the name without its emojis. */
export function called(account: Account): string {
	const plain = cut(account.display_name, account.emojis)
		.filter((part) => typeof part === "string")
		.join("")
		.replace(/\s+/g, " ")
		.trim();
	return plain || account.username;
}
