// The sheets that any page may lay over itself. Their code comes when the first of its kind is opened.
import type { Component } from "svelte";
import type { Account, Job, Media, Status } from "../api/types";
import { toasts } from "./toast.svelte";

interface Kinds {
	publish: { media?: Media[]; job?: Job; quote?: Status; edit?: Status };
	report: { account: Account; status?: Status };
	history: { status: Status };
	feedback: { programmeId: string; media?: Media; statusId?: string };
	lists: { account: Account };
	people: { title: string; path: string };
	quotes: { status: Status };
}

const LOAD: { [Name in keyof Kinds]: () => Promise<{ default: Component<any> }> } = {
	publish: () => import("../sheets/PublishSheet.svelte"),
	report: () => import("../sheets/ReportDialog.svelte"),
	history: () => import("../sheets/HistoryDialog.svelte"),
	feedback: () => import("../sheets/FeedbackSheet.svelte"),
	lists: () => import("../sheets/ListsSheet.svelte"),
	people: () => import("../sheets/PeopleSheet.svelte"),
	quotes: () => import("../sheets/QuotesSheet.svelte"),
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
