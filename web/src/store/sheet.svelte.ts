// The sheets that any page may lay over itself. Their code comes when the first of its kind is opened.
import type { Component } from "svelte";
import type { Account, FeaturedTag, Job, Media, Status } from "../api/types";
import { toasts } from "./toast.svelte";

interface Kinds {
	publish: { media?: Media[]; job?: Job; quote?: Status; edit?: Status };
	report: { account: Account; status?: Status };
	history: { status: Status };
	filter: { status: Status };
	feedback: { programmeId: string; media?: Media; statusId?: string };
	lists: { account: Account };
	note: { account: Account };
	people: { title: string; path?: string; accounts?: Account[] };
	quotes: { status: Status };
	tags: { changed: (tags: FeaturedTag[]) => void };
}

const LOAD: { [Name in keyof Kinds]: () => Promise<{ default: Component<any> }> } = {
	publish: () => import("../sheets/PublishSheet.svelte"),
	report: () => import("../sheets/ReportDialog.svelte"),
	history: () => import("../sheets/HistoryDialog.svelte"),
	filter: () => import("../sheets/FilterSheet.svelte"),
	feedback: () => import("../sheets/FeedbackSheet.svelte"),
	lists: () => import("../sheets/ListsSheet.svelte"),
	note: () => import("../sheets/NoteSheet.svelte"),
	people: () => import("../sheets/PeopleSheet.svelte"),
	quotes: () => import("../sheets/QuotesSheet.svelte"),
	tags: () => import("../sheets/TagsSheet.svelte"),
};

class Sheets {
	now = $state.raw<{ component: Component<any>; props: object } | null>(null);

	async open<Name extends keyof Kinds>(name: Name, props: Kinds[Name]): Promise<void> {
		try {
			this.now = { component: (await LOAD[name]()).default, props };
		} catch (error) {
			toasts.bad(error);
		}
	}

	close(): void {
		this.now = null;
	}
}

export const sheets = new Sheets();
