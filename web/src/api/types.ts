// The shapes of the wire: Mastodon's entities as far as this front end reads them, and our own (docs/api.md).

export type Visibility = "public" | "unlisted" | "private" | "direct";
export type PromptVisibility = "public" | "remixers" | "private";
export type Task = "draw" | "restyle" | "vary" | "edit";
export type Role = "user" | "moderator" | "admin";
export type Registrations = "open" | "approval" | "invitation" | "closed";

export interface ProfileField {
	name: string;
	value: string;
	verified_at?: string | null;
}

export interface Account {
	id: string;
	username: string;
	acct: string;
	display_name: string;
	note: string;
	url: string;
	avatar: string;
	header: string;
	locked: boolean;
	bot: boolean;
	created_at: string;
	followers_count: number;
	following_count: number;
	statuses_count: number;
	fields: ProfileField[];
	source?: { note: string; fields: ProfileField[]; privacy: Visibility; language: string | null };
}

export interface Relationship {
	id: string;
	following: boolean;
	followed_by: boolean;
	blocking: boolean;
	muting: boolean;
	requested: boolean;
}

export interface Made {
	made: boolean;
	job_id: string;
	maker: string;
	model: string | null;
	style: string | null;
	seed: number | null;
	prompt: string | null;
}

export interface Media {
	id: string;
	type: "image" | "video" | "gifv" | "audio" | "unknown";
	url: string | null;
	preview_url: string | null;
	description: string | null;
	blurhash: string | null;
	meta: { original?: { width: number; height: number }; small?: { width: number; height: number } } | null;
	madang?: Made | null;
}

export interface Origin {
	made_with: { maker: string; maker_name: string; model: string | null; style: string | null; seed: number | null } | null;
	prompt: string | null;
	prompt_visibility: PromptVisibility;
	remixable: boolean;
	remix_of: { id: string; url: string; account: Account | null; deleted: boolean } | null;
	remixes_count: number;
	lineage_url: string | null;
}

export interface Status {
	id: string;
	uri: string;
	url: string | null;
	created_at: string;
	edited_at: string | null;
	account: Account;
	content: string;
	visibility: Visibility;
	sensitive: boolean;
	spoiler_text: string;
	language: string | null;
	in_reply_to_id: string | null;
	in_reply_to_account_id: string | null;
	reblog: Status | null;
	media_attachments: Media[];
	mentions: { id: string; username: string; acct: string; url: string }[];
	tags: { name: string; url: string }[];
	replies_count: number;
	reblogs_count: number;
	favourites_count: number;
	favourited?: boolean;
	reblogged?: boolean;
	bookmarked?: boolean;
	madang?: Origin | null;
}

export interface Notice {
	id: string;
	type: string;
	created_at: string;
	account: Account;
	status?: Status | null;
}

export interface Tag {
	name: string;
	url: string;
	history?: { day: string; uses: string; accounts: string }[];
}

export interface Found {
	accounts: Account[];
	statuses: Status[];
	hashtags: Tag[];
}

export interface Instance {
	title: string;
	domain: string;
	version: string;
	description: string;
	configuration?: { urls?: { streaming?: string }; statuses?: { max_characters?: number } };
}

export interface SessionState {
	account: Account | null;
	csrf_token: string;
	role: Role;
	totp: boolean;
	setup_required: boolean;
	registrations: Registrations;
}

export interface SignedIn {
	id: string;
	current: boolean;
	kind: "browser" | "app";
	name: string;
	created_at: string;
	last_used_at: string | null;
}

export interface AppToAllow {
	name: string;
	website: string | null;
	scopes: string[];
}

export type Labels = Partial<Record<"en" | "ko" | "ja", string>>;

export interface Style {
	name: string;
	label: Labels;
}

export type Control = "style" | "seed" | "guidance" | "count";

export interface Maker {
	id: string;
	name: string;
	kind: "builtin" | "remote";
	available: boolean;
	reason: string | null;
	styles: Style[];
	tasks: Task[];
	controls: Control[];
	count_max: number;
	prompt_length_max: number;
	width: number;
	height: number;
	consent_required: boolean;
	consent_given: boolean;
	host: string | null;
}

export interface Studio {
	makers: Maker[];
	examples: { prompt: Labels; style: string | null }[];
	defaults: { maker: string; count: number; guidance: number; prompt_visibility: PromptVisibility };
}

export type JobState = "queued" | "drawing" | "finished" | "failed" | "cancelled";

export interface Job {
	id: string;
	state: JobState;
	task: Task;
	prompt: string;
	style: string | null;
	seed: number | null;
	count: number;
	guidance: number | null;
	maker: string;
	model: string | null;
	position: number | null;
	wait: Wait | null;
	progress: number;
	media: Media[];
	error: { code: string; message: string } | null;
	source: { media_id: string | null; status_id: string | null; preview_url: string | null } | null;
	created_at: string;
	started_at: string | null;
	finished_at: string | null;
	account?: Account;
}

export interface Wait {
	low_s: number;
	high_s: number;
}

export type Region = [number, number, number, number];

export interface JobOrder {
	prompt: string;
	style?: string;
	seed?: number;
	count?: number;
	guidance?: number;
	maker?: string;
	task?: Task;
	source?: { media_id: string } | { status_id: string };
	strength?: number;
	/** What is drawn anew: left, top, width, height, as shares of the picture. */
	region?: Region;
}

export interface Preview {
	index: number;
	progress: number;
	width: number;
	height: number;
	rows: number;
	image: string;
}

export interface LineageNode {
	id: string;
	status: Status | null;
	deleted: boolean;
	parent_id: string | null;
	created_at: string;
	children: LineageNode[];
}

export interface Lineage {
	root: LineageNode;
	current: string;
	count: number;
	truncated: boolean;
}

export interface AdminAccount {
	id: string;
	username: string;
	email: string;
	state: "active" | "pending" | "suspended";
	role: Role;
	reason: string | null;
	created_at: string;
	last_sign_in_at: string | null;
	statuses_count: number;
	media_bytes: number;
	account: Account;
}

export interface Invitation {
	id: string;
	code: string;
	url: string;
	uses: number;
	max_uses: number | null;
	expires_at: string | null;
	created_at: string;
	revoked: boolean;
}

export interface Overview {
	version: string;
	uptime_s: number;
	accounts: number;
	statuses: number;
	media_count: number;
	media_bytes: number;
	disk_free_bytes: number;
	disk_total_bytes: number;
	database: string;
	memory_bytes: number;
	jobs_queued: number;
	jobs_running: number;
	streams: number;
}

export interface SiteSettings {
	title: string;
	description: string;
	registrations: Registrations;
}
