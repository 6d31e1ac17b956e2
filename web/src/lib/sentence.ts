// The server speaks English to everybody. What it says most is said here in the person's language: one table of patterns,
// one of the names of fields. A sentence that is not known is shown as it came.
import { t, words, type Key } from "../i18n/index.svelte";

const FIELDS: Record<string, Key> = {
	amount: "field.amount",
	audience: "field.visibility",
	code: "field.code",
	comment: "field.comment",
	count: "field.count",
	current_password: "settings.passwordNow",
	display_name: "profile.name",
	email: "signUp.email",
	fields_attributes: "profile.fields",
	guidance: "studio.guidance",
	invitation: "field.invitation",
	keyword: "field.keyword",
	language: "settings.language",
	maker: "studio.maker",
	media_ids: "field.pictures",
	name: "profile.name",
	note: "profile.note",
	password: "signIn.password",
	prompt: "studio.prompt",
	q: "nav.search",
	reason: "field.reason",
	role: "field.role",
	scheduled_at: "publish.scheduleAt",
	seed: "studio.seed",
	shortcode: "field.shortcode",
	source: "field.source",
	spoiler_text: "publish.warning",
	status: "publish.text",
	strength: "studio.strength",
	style: "studio.style",
	tag: "field.tag",
	task: "studio.task",
	Text: "publish.text",
	title: "admin.siteTitle",
	username: "signUp.username",
	visibility: "publish.visibility",
};

// The groups of a pattern are the values of its message: f is a field's name, everything else is taken as it is.
const SENTENCES: [RegExp, Key][] = [
	[/^(?<f>[\w .]+) is too long \(at most (?<n>\d+) (?:characters|bytes)\)$/, "said.tooLong"],
	[/^(?<f>[\w .]+) is too short \(at least (?<n>\d+) characters\)$/, "said.tooShort"],
	[/^(?<f>[\w .]+) (?:can't be (?:blank|empty)|is missing)$/, "said.blank"],
	[/^(?<f>[\w .]+) must be between (?<low>[\d.-]+) and (?<high>[\w. -]+?)(?: seconds)?$/, "said.between"],
	[/^(?<f>[\w .]+) (?:has already been taken|is taken.*)$/, "said.taken"],
	[/^(?<f>[\w .]+) is not known$/, "said.unknown"],
	[/^email is not an e-mail address$/, "said.email"],
	[/^username must have 1 to (?<n>\d+) letters.*$/, "said.username"],
	[/^the current password is wrong$/, "said.password"],
	[/^code is wrong.*$/, "signIn.totpWrong"],
	[/^invitation is (?:used up|not known).*$/, "signUp.invitationBad"],
	[/^agreement must be accepted$/, "said.agreement"],
	[/^media_ids has more than (?<n>\d+) files$/, "said.manyPictures"],
	[/^media_ids names a file.*$/, "said.pictureGone"],
	[/^source (?:is not a finished picture|has no picture).*$/, "said.source"],
	[/^quoted_status_id .*$/, "said.quote"],
	[/^scheduled_at .*$/, "publish.scheduleHint"],
	[/^task "[^"]*" is not something (?<maker>.+) can do$/, "studio.noRemix"],
	[/^Its author does not want this picture remixed\.?$/, "said.noRemix"],
	[/^This post cannot be boosted\.?$/, "said.noBoost"],
	[/^You follow (?<n>\d+) accounts already.*$/, "said.followsMany"],
	[/^Your account is suspended\.?$/, "said.suspended"],
	[/^Your account is disabled\.?$/, "said.disabled"],
	[/^An administrator has yet to approve.*$/, "said.pending"],
	[/^The page is out of date.*$/, "said.stale"],
	[/^Only administrators may do this\.?$/, "said.adminOnly"],
	[/^This is too much at once.*$/, "said.tooMuch"],
	[/^The name or the password is wrong\.?$/, "signIn.wrong"],
	[/^Too many tries.*$/, "error.tooMany"],
	[/^the engine is full.*$/, "said.busy"],
	[/^the prompt is too long.*$/, "said.promptLong"],
	[/^the other server (?:has trouble|broke off|did not answer).*$/, "said.otherServer"],
	[/^the other server refused: (?<why>.*)$/, "said.otherRefused"],
	[/^(?<maker>.+) has had too many requests.*$/, "said.otherLimit"],
	[/^The picture could not be read.*$/, "said.unreadable"],
];

/** The sentence in the language of the page, where it is a known one. */
export function say(message: string): string {
	const bare = message.replace(/^Validation failed: /, "");
	// Tokens are nothing that a person counts: this one is said anew in English too.
	if (words.language === "en" && !bare.startsWith("the prompt is too long")) return bare.charAt(0).toUpperCase() + bare.slice(1);
	for (const [pattern, key] of SENTENCES) {
		const found = bare.match(pattern);
		if (!found) continue;
		const values: Record<string, string | number> = {};
		for (const [name, value] of Object.entries(found.groups ?? {})) values[name] = name === "f" ? fieldName(value) : name === "n" ? Number(value) : value;
		return t(key, values);
	}
	return bare;
}

function fieldName(field: string): string {
	const key = FIELDS[field];
	return key ? t(key) : field;
}

export interface NotYet {
	/** The words that name nothing known; null: what the picture shows was not recognised. */
	asked: string | null;
	near: string[];
	/** They are written nearly as what was asked for; else they are only some of what is known. */
	spelled: boolean;
}

/** The built-in model says what it cannot draw, or not tell from the picture, and which names that it knows are near. */
export function notYet(message: string): NotYet | null {
	const found = message.match(/^not yet: I can't draw "(.*)"; (near it I know|I know, for example): (.*)$/s);
	if (found) return { asked: found[1]!, spelled: found[2]!.startsWith("near"), near: names(found[3]) };
	const seen = message.match(/^not yet: I can't tell what this picture shows; say it in your words(?:\. It looks a little like: (.*))?$/s);
	return seen ? { asked: null, spelled: false, near: names(seen[1]) } : null;
}

function names(list: string | undefined): string[] {
	return list ? [...new Set(list.split(", "))] : [];
}
