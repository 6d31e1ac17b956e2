// Which language a text is in as far as its letters tell it: lines break, and Chinese characters are drawn, by the text's language, not the page's.

/** Korean where there is Hangul, Japanese where there are kana; otherwise what somebody else said of it. */
export function tongue(text: string, said?: string | null): string | undefined {
	if (/[\uac00-\ud7a3]/.test(text)) return "ko";
	if (/[\u3041-\u30fa]/.test(text)) return "ja";
	return said || undefined;
}
