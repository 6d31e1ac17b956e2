// The shapes of the wire: Mastodon's entities as far as this front end reads them, and our own (docs/api.md).

export type Visibility = "public" | "unlisted" | "private" | "direct";
export type PromptVisibility = "public" | "remixers" | "private";
export type Task = "draw" | "restyle" | "vary" | "edit";
export type Role = "user" | "moderator" | "admin" | "owner";
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
	discoverable?: boolean | null;
	indexable?: boolean;
	emojis?: Emoji[];
	source?: { note: string; fields: ProfileField[]; privacy: Visibility; language: string | null; sensitive?: boolean; quote_policy?: QuotePolicy; follow_requests_count?: number; hide_collections?: boolean | null };
}

export interface Emoji {
	shortcode: string;
	url: string;
	static_url: string;
	category?: string | null;
	visible_in_picker?: boolean;
}

/** As administrators see them. */
export interface HouseEmoji extends Emoji {
	id: string;
	disabled: boolean;
	created_at: string;
}

export type QuotePolicy = "public" | "followers" | "nobody";

export interface Relationship {
	id: string;
	following: boolean;
	followed_by: boolean;
	blocking: boolean;
	muting: boolean;
	requested: boolean;
	endorsed?: boolean;
	note?: string;
	domain_blocking?: boolean;
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
	review?: ReviewState | null;
}

export interface ReviewState {
	id: string;
	state: "pending" | "changes" | "approved" | "refused";
	reason: string | null;
	visibility: Visibility;
	deadline_at: string | null;
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
	pinned?: boolean;
	muted?: boolean;
	emojis?: Emoji[];
	poll?: Poll | null;
	card?: Card | null;
	quote?: Quote | null;
	quotes_count?: number;
	quote_approval?: { automatic: string[]; manual: string[]; current_user: "automatic" | "manual" | "denied" | "unknown" };
	filtered?: Filtered[];
	madang?: Origin | null;
}

/** What the page of a post's link says of itself. */
export interface Card {
	url: string;
	title: string;
	description: string;
	language: string | null;
	author_name: string;
	provider_name: string;
	published_at: string | null;
}

export interface TrendLink extends Card {
	history: { day: string; accounts: string; uses: string }[];
	/** These three for moderators only. */
	id?: string;
	trendable?: boolean;
	requires_review?: boolean;
}

export interface Poll {
	id: string;
	expires_at: string | null;
	expired: boolean;
	multiple: boolean;
	votes_count: number;
	voters_count: number | null;
	options: { title: string; votes_count: number | null }[];
	emojis?: Emoji[];
	voted?: boolean;
	own_votes?: number[];
}

export interface Quote {
	state: "pending" | "accepted" | "rejected" | "revoked" | "deleted" | "unauthorized" | "blocked_account" | "blocked_domain" | "muted_account";
	quoted_status?: Status | null;
	quoted_status_id?: string | null;
}

export interface Filtered {
	filter: { id: string; title: string; filter_action: FilterAction };
}

export type FilterAction = "warn" | "hide" | "blur";
export type FilterContext = "home" | "notifications" | "public" | "thread" | "account";

export interface Filter {
	id: string;
	title: string;
	context: FilterContext[];
	expires_at: string | null;
	filter_action: FilterAction;
	keywords: { id: string; keyword: string; whole_word: boolean }[];
	statuses?: { id: string; status_id: string }[];
	madang?: { made: boolean; maker: string | null };
}

export interface Edit {
	content: string;
	spoiler_text: string;
	sensitive: boolean;
	created_at: string;
	account: Account;
	media_attachments: Media[];
	emojis?: Emoji[];
}

export interface Scheduled {
	id: string;
	scheduled_at: string;
	params: { text: string; spoiler_text: string | null; visibility: Visibility | null; media_ids?: string[] | null; poll?: unknown };
	media_attachments: Media[];
}

export interface List {
	id: string;
	title: string;
	replies_policy: "followed" | "list" | "none";
	exclusive: boolean;
}

export interface Conversation {
	id: string;
	unread: boolean;
	accounts: Account[];
	last_status: Status | null;
}

export interface Announcement {
	id: string;
	content: string;
	starts_at: string | null;
	ends_at: string | null;
	published_at: string;
	updated_at: string;
	read?: boolean;
	emojis?: Emoji[];
	mentions: { id: string; username: string; acct: string; url: string }[];
	reactions: { name: string; count: number; me?: boolean; url?: string }[];
	all_day?: boolean;
	published?: boolean;
	madang?: {
		pinned: boolean;
		/** A thread goes on below a post: it can be followed as it grows. */
		live: boolean;
		thread_id: string | null;
		thread: Status | null;
		/** As it was written; for administrators. */
		text?: string;
		scheduled_at?: string | null;
	};
}

export interface Notice {
	id: string;
	type: string;
	created_at: string;
	account: Account;
	status?: Status | null;
	report?: { id: string } | null;
}

export interface Tag {
	id?: string;
	name: string;
	url: string;
	following?: boolean;
	featuring?: boolean;
	history?: { day: string; uses: string; accounts: string }[];
}

/** A tag on somebody's profile. */
export interface FeaturedTag {
	id: string;
	name: string;
	statuses_count: number | string;
	last_status_at: string | null;
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
	configuration?: {
		urls?: { streaming?: string };
		vapid?: { public_key: string | null };
		statuses?: { max_characters?: number; max_media_attachments?: number };
		polls?: { max_options: number; max_characters_per_option: number; min_expiration: number; max_expiration: number };
		translation?: { enabled: boolean };
	};
	api_versions?: { mastodon?: number };
	rules?: { id: string; text: string; hint?: string }[];
	contact?: { email: string; account: Account | null };
}

export interface SessionState {
	account: Account | null;
	csrf_token: string;
	role: Role;
	owner?: boolean;
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

export type Control = "style" | "seed" | "guidance" | "region" | "count";

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
	programme?: { id: string; name: string; review: "none" | "before_publish" } | null;
}

export interface Studio {
	makers: Maker[];
	examples: { prompt: Labels; style: string | null }[];
	defaults: { maker: string; count: number; guidance: number; prompt_visibility: PromptVisibility };
	/** Whether a model of this server can look at pictures: POST media/:id/describe. */
	describes?: boolean;
	load?: Load;
	quota?: QuotaLeft[];
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
	reason?: WaitReason | null;
	elsewhere?: Elsewhere[];
	paused?: boolean;
	joined?: boolean;
	progress: number;
	media: Media[];
	error: { code: string; message: string } | null;
	source: { media_id: string | null; status_id: string | null; preview_url: string | null } | null;
	further?: { media_id: string; preview_url: string | null }[];
	mask?: { media_id: string; preview_url: string | null } | null;
	created_at: string;
	started_at: string | null;
	finished_at: string | null;
	account?: Account;
}

export type WaitReason = "next" | "others_first" | "own_jobs_first" | "running_limit" | "paused" | "maker_paused" | "no_maker" | "joined";

/** Another maker who could begin at once. */
export interface Elsewhere {
	maker: string;
	name: string;
	wait: Wait | null;
	consent_required: boolean;
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
	contact_email: string;
	/** One in a line. */
	rules: string;
	hold_first_posts: number;
}

export interface WordBlock {
	id: string;
	phrase: string;
	action: "hold" | "refuse";
	whole_word: boolean;
	comment: string;
	created_at: string;
}

export interface DomainBlock {
	id: string;
	domain: string;
	severity: "silence" | "suspend" | "noop";
	reject_media: boolean;
	reject_reports: boolean;
	obfuscate: boolean;
	private_comment: string;
	public_comment: string;
	created_at: string;
}

export interface MailBlock {
	id: string;
	domain: string;
	allow_with_approval: boolean;
	created_at: string;
}

export interface NetworkBlock {
	id: string;
	ip: string;
	severity: "sign_up_requires_approval" | "sign_up_block" | "no_access";
	comment: string;
	expires_at: string | null;
	created_at: string;
}

export interface Programme {
	id: string;
	name: string;
	description: string;
	makers: string[];
	models: string[];
	tasks: string[];
	places: number | null;
	places_left: number | null;
	starts_at: string | null;
	ends_at: string | null;
	state: "coming" | "open" | "ended" | "revoked";
	terms: string;
	review: "none" | "before_publish";
	review_hours: number;
	questions: string[];
	listed: boolean;
	membership: {
		state: "applied" | "invited" | "active" | "declined" | "revoked" | "left";
		cohort: { id: string; name: string; opens_at: string | null } | null;
		terms_accepted: boolean;
		active: boolean;
	} | null;
	counts?: { applied: number; invited: number; active: number };
}

export interface Member {
	id: string;
	account: Account;
	state: NonNullable<Programme["membership"]>["state"];
	reason: string | null;
	cohort_id: string | null;
	terms_accepted_at: string | null;
	created_at: string;
}

export interface Cohort {
	id: string;
	name: string;
	places: number | null;
	members: number;
	opens_at: string | null;
	revoked: boolean;
}

export interface Token {
	id: string;
	name: string;
	hint: string;
	scopes: string[];
	makers: string[];
	tasks: string[];
	networks: string[];
	origins: string[];
	programme_id: string | null;
	state: "active" | "confirm" | "suspended" | "revoked" | "expired";
	reason: string | null;
	use_count: number;
	last_used_at: string | null;
	last_used_network: string | null;
	expires_at: string | null;
	created_at: string;
	/** Only in the answer that made it. */
	token?: string;
	uses?: { network: string; agent: string; count: number; first_at: string; last_at: string }[];
	account?: Account;
}

export interface Revocation {
	id: string;
	kind: "token" | "account" | "cohort" | "programme";
	target_id: string;
	message: string;
	tokens: number;
	members: number;
	jobs: number;
	created_at: string;
	undone_at: string | null;
	by: Account | null;
}

export interface Review {
	id: string;
	state: ReviewState["state"];
	reason: string | null;
	visibility: Visibility;
	programme: { id: string; name: string } | null;
	status: Status | null;
	deadline_at: string | null;
	overdue: boolean;
	created_at: string;
	decided_at: string | null;
	account?: Account;
}

export interface Feedback {
	id: string;
	programme_id: string;
	media: Media | null;
	status_id: string | null;
	answers: string[];
	text: string;
	state: "open" | "accepted" | "declined";
	credits: number | null;
	reason: string | null;
	created_at: string;
	account?: Account;
}

export interface Credits {
	balance: number;
	entries: { id: string; amount: number; balance: number; reason: string; created_at: string }[];
}

export interface Tiding {
	id: string;
	kind: string;
	text: string;
	target_id: string | null;
	read: boolean;
	created_at: string;
}

export interface Load {
	level: 0 | 1 | 2 | 3 | 4;
	name: string;
	count_max: number;
	melting: boolean;
	message: string | null;
	retry_after_s: number;
	queued: number;
	drawing: number;
}

export interface AdminLoad extends Load {
	set_level: "auto" | 0 | 1 | 2 | 3 | 4;
	banner: "auto" | "on" | "off";
	utilisation: number;
	queue_age_s: number;
	memory_free: number;
	pictures_per_cpu_s: number | null;
	pictures_per_joule: number | null;
	energy_readable: boolean;
	prefixes: { computed: number; shared: number; tokens_computed: number; tokens_shared: number };
	joined: number;
	workers: { name: string; makers: string[]; slots: number; busy: number; seen_at: string; here: boolean }[];
}

export interface AdminMaker {
	id: string;
	name: string;
	kind: "builtin" | "remote";
	local: boolean;
	paused: boolean;
	reason: string | null;
	cost: number;
	slots: number;
	busy: number;
	queued: number;
	drawing: number;
	service: { samples: number; p10_s: number; p50_s: number; p90_s: number } | null;
	promises: { kept: number; broken: number };
}

export type QuotaUnit = "pictures" | "film_seconds" | "cost" | "queued" | "running" | "weight";
export type QuotaWindow = "hour" | "day" | "week" | "month";

export interface QuotaLeft {
	subject: string;
	unit: "pictures" | "film_seconds" | "cost";
	amount: number;
	remaining: number;
	window: QuotaWindow;
	refill: "steady" | "window";
	resets_at: string | null;
}

export interface Quota {
	id: string;
	subject: "everyone" | "role" | "group" | "programme" | "account" | "token";
	subject_id: string | null;
	unit: QuotaUnit;
	amount: number;
	window: QuotaWindow | null;
	refill: "steady" | "window" | null;
	shared: boolean;
	created_at: string;
}

export interface Group {
	id: string;
	name: string;
	members: number;
}

/** Mastodon's Admin::Account, as far as the desk reads it. */
export interface DeskAccount {
	id: string;
	username: string;
	domain: string | null;
	email: string | null;
	disabled: boolean;
	silenced: boolean;
	suspended: boolean;
	account: Account;
}

export interface Report {
	id: string;
	action_taken: boolean;
	action_taken_at: string | null;
	category: "spam" | "legal" | "violation" | "other";
	comment: string;
	forwarded: boolean;
	created_at: string;
	account: DeskAccount;
	target_account: DeskAccount;
	assigned_account: DeskAccount | null;
	action_taken_by_account: DeskAccount | null;
	statuses: Status[];
	rules: { id: string; text: string }[];
}

/** What a moderator did to an account, and what the account answers. */
export interface Strike {
	id: string;
	action: "none" | "disable" | "mark_statuses_as_sensitive" | "delete_statuses" | "sensitive" | "silence" | "suspend";
	text: string;
	target_account: Account;
	appeal: { text: string; state: "pending" | "approved" | "rejected" } | null;
	created_at: string;
}
