// Notifications, in groups ("Dal and 4 others liked your post"), and how many of them are new.
import { get, pageOf, post } from "../api/client";
import type { Account, Notice, Status } from "../api/types";
import { posts } from "./post.svelte";

export interface NoticeGroup {
	key: string;
	type: string;
	count: number;
	accounts: Account[];
	status: Status | null;
	at: string;
	latest: string;
	report?: { id: string } | null;
}

interface Grouped {
	accounts: Account[];
	statuses: Status[];
	notification_groups: {
		group_key: string;
		notifications_count: number;
		type: string;
		page_max_id?: string; // most_recent_notification_id is a number, too large for ours
		sample_account_ids: string[];
		status_id?: string | null;
		latest_page_notification_at?: string;
		report?: { id: string } | null;
	}[];
}

const GROUPED = new Set(["favourite", "reblog", "follow"]);
const FACES_MAX = 8;

class Notices {
	list = $state<NoticeGroup[]>([]);
	unread = $state(0);
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	only = $state<"all" | "mentions">("all");
	#next: string | null = null;
	#round = 0;

	#path(): string {
		const types = this.only === "mentions" ? "&types[]=mention&types[]=quote" : "";
		return `/api/v2/notifications?limit=40${types}`;
	}

	show(only: "all" | "mentions"): void {
		if (this.only === only && this.state !== "new") return;
		this.only = only;
		this.#round += 1;
		this.list = [];
		this.state = "new";
		this.#next = null;
	}

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end") return;
		const path = this.#next ?? this.#path();
		const round = this.#round;
		this.state = "loading";
		try {
			const { items, next } = await this.#groups(path);
			if (round !== this.#round) return;
			const known = new Set(this.list.map((one) => one.key));
			for (const one of items) if (one.status) posts.keep(one.status);
			this.list = [...this.list, ...items.filter((one) => !known.has(one.key))];
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
		} catch (error) {
			if (round !== this.#round) return;
			this.error = error;
			this.state = "failed";
		}
	}

	async #groups(path: string): Promise<{ items: NoticeGroup[]; next: string | null }> {
		const { body, next } = await pageOf<Grouped>(path);
		const accounts = new Map(body.accounts.map((one) => [one.id, one]));
		const statuses = new Map(body.statuses.map((one) => [one.id, one]));
		const items = body.notification_groups.map((group) => ({
			key: group.group_key,
			type: group.type,
			count: group.notifications_count,
			accounts: group.sample_account_ids.flatMap((id) => accounts.get(id) ?? []),
			status: group.status_id ? (statuses.get(group.status_id) ?? null) : null,
			at: group.latest_page_notification_at ?? new Date().toISOString(),
			latest: group.page_max_id ?? "",
			report: group.report,
		}));
		return { items, next };
	}

	async count(): Promise<void> {
		try {
			this.unread = (await get<{ count: number }>("/api/v2/notifications/unread_count")).count;
		} catch {
			// Without the number the bell is simply quiet.
		}
	}

	/** The stream was away: what it would have told is asked for. */
	async catchUp(): Promise<void> {
		void this.count();
		if (this.state !== "ready" && this.state !== "end") return;
		const round = ++this.#round;
		try {
			const { items, next } = await this.#groups(this.#path());
			if (round !== this.#round) return;
			for (const one of items) if (one.status) posts.keep(one.status);
			this.list = items;
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
		} catch {
			// What is listed stays.
		}
	}

	arrive(notice: Notice): void {
		if (this.list.some((known) => known.latest === notice.id)) return;
		if (notice.status) posts.keep(notice.status);
		this.unread += 1;
		if (this.state === "new" || (this.only === "mentions" && notice.type !== "mention" && notice.type !== "quote")) return;
		const same = GROUPED.has(notice.type) ? this.list.find((one) => one.type === notice.type && one.status?.id === notice.status?.id) : undefined;
		if (!same) {
			this.list = [single(notice), ...this.list];
			return;
		}
		const faces = [notice.account, ...same.accounts.filter((one) => one.id !== notice.account.id)].slice(0, FACES_MAX);
		this.list = [{ ...same, count: same.count + 1, accounts: faces, at: notice.created_at, latest: notice.id }, ...this.list.filter((one) => one !== same)];
	}

	/** The page is open: what is listed was seen. */
	async seen(): Promise<void> {
		this.unread = 0;
		const last = this.list[0]?.latest;
		if (!last) return;
		try {
			await post("/api/v1/markers", { notifications: { last_read_id: last } });
		} catch {
			// The next visit marks them.
		}
	}
}

function single(notice: Notice): NoticeGroup {
	return { key: notice.id, type: notice.type, count: 1, accounts: [notice.account], status: notice.status ?? null, at: notice.created_at, latest: notice.id, report: notice.report };
}

export const notices = new Notices();
