// Short messages at the edge of the screen. An error stays until it was read; a success leaves by itself.
import { ApiError } from "../api/client";
import { go, route } from "../lib/router.svelte";
import { say } from "../lib/sentence";
import { t } from "../i18n/index.svelte";

export interface Toast {
	id: number;
	kind: "good" | "bad";
	text: string;
	action?: { label: string; run: () => void };
}

const GOOD_MS = 4000;
const BAD_MS = 9000;
const TOASTS_MAX = 3;

class Toasts {
	list = $state<Toast[]>([]);
	#next = 1;

	show(kind: Toast["kind"], text: string, action?: Toast["action"]): void {
		const id = this.#next++;
		this.list = [...this.list.filter((toast) => toast.text !== text), { id, kind, text, action }].slice(-TOASTS_MAX);
		setTimeout(() => this.close(id), kind === "good" ? GOOD_MS : BAD_MS);
	}

	good(text: string, action?: Toast["action"]): void {
		this.show("good", text, action);
	}

	/** Whatever went wrong, in words that say what to do. */
	bad(error: unknown): void {
		const ended = error instanceof ApiError && error.status === 401;
		this.show("bad", explain(error), ended ? { label: t("signIn.do"), run: () => go(`/sign-in?next=${encodeURIComponent(route.path + route.search)}`) } : undefined);
	}

	close(id: number): void {
		this.list = this.list.filter((toast) => toast.id !== id);
	}
}

export const toasts = new Toasts();

export function explain(error: unknown): string {
	// A page or a sheet whose code could not be fetched.
	if (!(error instanceof ApiError)) return t(/import|preload|module script/i.test(String(error)) ? "error.offline" : "error.unknown");
	if (error.offline) return t("error.offline");
	if (error.status === 401) return t("error.signedOut");
	if (error.status === 404) return t("error.gone");
	if (error.status === 413) return t("error.tooLarge");
	// A quota says what is used up and when it comes back; a limit on tries says nothing that a person could use.
	if (error.status === 429) return error.field ? say(error.message) : t("error.tooMany");
	if (error.status >= 500 && error.status !== 503) return t("error.server");
	return say(error.message) || t("error.unknown");
}
