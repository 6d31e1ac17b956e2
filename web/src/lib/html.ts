// A post's HTML, read into a small tree of known elements. Nothing is ever given to innerHTML, so whatever
// another server sends can only become text, line breaks, emphasis and links.

// A heading inside of a text stands below that of its page.
type Block = "p" | "blockquote" | "li" | "pre" | "ul" | "ol" | "h2" | "h3" | "h4";

export type Piece =
	| { kind: "text"; text: string }
	| { kind: "break" }
	| { kind: "block"; tag: Block; inside: Piece[] }
	| { kind: "mark"; tag: "strong" | "em" | "code" | "del"; inside: Piece[] }
	| { kind: "link"; href: string; own: boolean; inside: Piece[] };

const DEPTH_MAX = 30;
const BLOCKS: Record<string, Block> = { P: "p", BLOCKQUOTE: "blockquote", LI: "li", PRE: "pre", UL: "ul", OL: "ol", H1: "h2", H2: "h2", H3: "h3", H4: "h4", H5: "h4", H6: "h4" };
const MARKS: Record<string, "strong" | "em" | "code" | "del"> = {
	B: "strong",
	STRONG: "strong",
	I: "em",
	EM: "em",
	CODE: "code",
	DEL: "del",
	S: "del",
};
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT"]);

/** Mentions and hashtags lead to our own pages, everything else to where it says. */
function linkOf(element: Element, inside: Piece[]): Piece | null {
	let url: URL;
	try {
		url = new URL(element.getAttribute("href") ?? "", location.href);
	} catch {
		return null;
	}
	if (url.protocol !== "https:" && url.protocol !== "http:") return null;
	const text = element.textContent ?? "";
	if (element.classList.contains("hashtag") || /^#\S+$/.test(text)) {
		return { kind: "link", href: `/tags/${encodeURIComponent(text.replace(/^#/, ""))}`, own: true, inside };
	}
	return { kind: "link", href: url.href, own: url.origin === location.origin, inside };
}

function pieces(node: Node, depth: number): Piece[] {
	const found: Piece[] = [];
	for (const child of node.childNodes) {
		if (child.nodeType === Node.TEXT_NODE) {
			if (child.textContent) found.push({ kind: "text", text: child.textContent });
			continue;
		}
		if (!(child instanceof Element) || DROPPED.has(child.tagName) || depth > DEPTH_MAX) continue;
		if (child.classList.contains("invisible")) continue;
		const inside = pieces(child, depth + 1);
		const block = BLOCKS[child.tagName];
		const mark = MARKS[child.tagName];
		if (child.tagName === "BR") found.push({ kind: "break" });
		else if (block) found.push({ kind: "block", tag: block, inside });
		else if (mark) found.push({ kind: "mark", tag: mark, inside });
		else if (child.tagName === "A") {
			const link = linkOf(child, inside);
			if (link) found.push(link);
			else found.push(...inside);
		} else found.push(...inside);
	}
	return found;
}

export function parse(html: string): Piece[] {
	return pieces(new DOMParser().parseFromString(html, "text/html").body, 0);
}

export function plain(html: string): string {
	return new DOMParser().parseFromString(html.replace(/<br\s*\/?>|<\/p>/g, "\n"), "text/html").body.textContent?.trim() ?? "";
}
