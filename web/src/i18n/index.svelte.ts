// The words of the interface. English defines the keys; the compiler holds Korean and Japanese to them.
import type { en } from "./en";
import type { desk } from "./en/desk";
import type { own } from "./en/own";
import type { programme } from "./en/programme";

export type Messages = Record<keyof typeof en, string>;
export type Key = keyof Messages | keyof typeof desk | keyof typeof own | keyof typeof programme;
export const LANGUAGES = { ko: "한국어", en: "English", ja: "日本語" } as const;
export type Language = keyof typeof LANGUAGES;

const CATALOGUES: Record<Language, () => Promise<Messages>> = {
	ko: async () => (await import("./ko")).ko,
	en: async () => (await import("./en")).en,
	ja: async () => (await import("./ja")).ja,
};

/** Words that few ever read come with the page that shows them. */
const LATER = {
	audit: {
		ko: async () => (await import("./ko/audit")).audit,
		en: async () => (await import("./en/audit")).audit,
		ja: async () => (await import("./ja/audit")).audit,
	},
	desk: {
		ko: async () => (await import("./ko/desk")).desk,
		en: async () => (await import("./en/desk")).desk,
		ja: async () => (await import("./ja/desk")).desk,
	},
	own: {
		ko: async () => (await import("./ko/own")).own,
		en: async () => (await import("./en/own")).own,
		ja: async () => (await import("./ja/own")).own,
	},
	programme: {
		ko: async () => (await import("./ko/programme")).programme,
		en: async () => (await import("./en/programme")).programme,
		ja: async () => (await import("./ja/programme")).programme,
	},
} satisfies Record<string, Record<Language, () => Promise<Record<string, string>>>>;
export type Area = keyof typeof LATER;
const learned = new Map<Area, Promise<void>>();

const KEPT = "madang.language";

class Words {
	language = $state<Language>("en");
	messages = $state.raw<Partial<Record<Key, string>>>({});
}

export const words = new Words();

function preferred(): Language {
	const kept = localStorage.getItem(KEPT);
	for (const wish of [kept, ...navigator.languages]) {
		const short = wish?.slice(0, 2);
		if (short && short in LANGUAGES) return short as Language;
	}
	return "en";
}

export async function speak(language: Language, keep = false): Promise<void> {
	const [all, ...later] = await Promise.all([CATALOGUES[language](), ...[...learned.keys()].map((area) => LATER[area][language]())]);
	words.messages = Object.assign({}, all, ...later);
	words.language = language;
	document.documentElement.lang = language;
	if (keep) localStorage.setItem(KEPT, language);
}

/** Brings words that are not in the first download; from then on every language has them. */
export function learn(area: Area): Promise<void> {
	const coming = learned.get(area) ?? bring(area);
	learned.set(area, coming);
	return coming;
}

async function bring(area: Area): Promise<void> {
	try {
		const language = words.language;
		const found = await LATER[area][language]();
		// Another language was chosen meanwhile: it brings its own.
		if (language === words.language) words.messages = { ...words.messages, ...found };
	} catch (error) {
		learned.delete(area); // the next who needs them asks again
		throw error;
	}
}

export function startLanguage(): Promise<void> {
	return speak(preferred());
}

/**
 * The message of a key. `{name}` is replaced by a value. A message "one || many" chooses by `n`.
 * Whole numbers are written the way the language writes them.
 */
export function t(key: Key, values: Record<string, string | number> = {}): string {
	let text = words.messages[key] ?? key;
	if (text.includes("||")) {
		const [one, many] = text.split("||") as [string, string];
		text = (values.n === 1 ? one : many).trim();
	}
	return text.replace(/\{(\w+)(?::([^}/]+)\/([^}]+))?\}/g, (whole, name: string, closed?: string, open?: string) => {
		const value = values[name];
		const shown = typeof value === "number" ? number(value) : (value ?? whole);
		return closed && open ? shown + particle(shown, closed, open) : shown;
	});
}

const HANGUL_FIRST = 0xac00;
const HANGUL_LAST = 0xd7a3;
const FINALS = 28;
const FINAL_L = 8;

/** Korean particles follow the last sound of a word: {name:을/를} is 을 after a consonant, 를 after a vowel. */
function particle(word: string, closed: string, open: string): string {
	const last = word.at(-1) ?? "";
	const code = last.charCodeAt(0);
	const hangul = code >= HANGUL_FIRST && code <= HANGUL_LAST;
	const final = hangul ? (code - HANGUL_FIRST) % FINALS : 0;
	// 로 also follows ㄹ.
	if (closed === "으로" && (final === FINAL_L || /[178lr]/i.test(last))) return open;
	return final > 0 || /([013678lmn]|ng)$/i.test(word) ? closed : open;
}

export function number(value: number, compact = false): string {
	return new Intl.NumberFormat(words.language, compact ? { notation: "compact", maximumFractionDigits: 1 } : {}).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
	["minute", 60],
	["hour", 3600],
	["day", 86_400],
];
const WEEK_S = 7 * 86_400;

/** "3 min. ago" within a week, a date after it. */
export function ago(time: string, now: number): string {
	const then = new Date(time);
	const seconds = Math.max(0, (now - then.getTime()) / 1000);
	if (seconds < 60) return t("time.now");
	if (seconds > WEEK_S) {
		const sameYear = then.getFullYear() === new Date(now).getFullYear();
		return then.toLocaleDateString(words.language, { month: "short", day: "numeric", year: sameYear ? undefined : "numeric" });
	}
	const [unit, length] = STEPS.findLast(([, size]) => seconds >= size)!;
	const format = new Intl.RelativeTimeFormat(words.language, { style: "narrow" });
	return format.format(-Math.floor(seconds / length), unit);
}

/** "in 3 hours": the other direction of ago. */
export function until(time: string, now: number): string {
	const seconds = Math.max(60, (new Date(time).getTime() - now) / 1000);
	const [unit, length] = STEPS.findLast(([, size]) => seconds >= size)!;
	return new Intl.RelativeTimeFormat(words.language, { style: "narrow" }).format(Math.ceil(seconds / length), unit);
}

/** A span of seconds in the largest unit that fits: "40 s", "3 min", "2 h". */
export function span(seconds: number): string {
	const [unit, length] = ([["second", 1], ["minute", 60], ["hour", 3600], ["day", 86_400]] as const).findLast(([, size]) => seconds >= size * 1.5) ?? (["second", 1] as const);
	return new Intl.NumberFormat(words.language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(Math.round(seconds / length));
}

export function moment(time: string): string {
	return new Date(time).toLocaleString(words.language, { dateStyle: "long", timeStyle: "short" });
}

/** A whole day, the same one wherever one is: it is kept as its midnight in UTC. */
export function day(time: string): string {
	return new Date(time).toLocaleDateString(words.language, { dateStyle: "long", timeZone: "UTC" });
}

export function bytes(value: number): string {
	const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
	let size = value;
	let unit = 0;
	while (size >= 1000 && unit < units.length - 1) {
		size /= 1000;
		unit += 1;
	}
	return new Intl.NumberFormat(words.language, { style: "unit", unit: units[unit], maximumFractionDigits: 1 }).format(size);
}

/** Which Madang it is: apps are told the edition of Mastodon first that it speaks like. */
export function edition(version: string): string {
	return version.match(/Madang ([^;)]+)/)?.[1] ?? version;
}

/** A label the server gives in several languages. */
export function pick(labels: Partial<Record<Language, string>>, otherwise = ""): string {
	return labels[words.language] ?? labels.en ?? Object.values(labels)[0] ?? otherwise;
}
