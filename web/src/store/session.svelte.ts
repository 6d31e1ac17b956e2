// Who is signed in, and what the site allows.
import { get, patch, post, remove, setCsrf } from "../api/client";
import { stream } from "../api/stream";
import type { Account, Instance, Role, SessionState } from "../api/types";
import { speak, words, type Language } from "../i18n/index.svelte";

class Session {
	me = $state<Account | null>(null);
	role = $state<Role>("user");
	owner = $state(false);
	totp = $state(false);
	setupRequired = $state(false);
	registrations = $state<SessionState["registrations"]>("closed");
	instance = $state<Instance | null>(null);
	/** Whether this server takes reports: what it does not offer is not shown. */
	moderated = $state(false);
	ready = $state(false);
	/** The first question to the server failed; the page offers to try again. */
	failed = $state<unknown>(null);

	take(state: SessionState): void {
		setCsrf(state.csrf_token);
		this.me = state.account;
		this.role = state.role;
		this.owner = state.owner ?? false;
		this.totp = state.totp;
		this.setupRequired = state.setup_required;
		this.registrations = state.registrations;
		if (state.account) {
			stream.open();
			void this.#ask();
		} else stream.close();
	}

	async #ask(): Promise<void> {
		try {
			await get("/api/madang/v1/strikes?limit=1");
			this.moderated = true;
		} catch {
			this.moderated = false;
		}
	}

	async load(): Promise<void> {
		this.failed = null;
		try {
			this.take(await get<SessionState>("/api/madang/v1/session"));
			this.ready = true;
		} catch (error) {
			this.failed = error;
			return;
		}
		try {
			this.instance = await get<Instance>("/api/v2/instance");
		} catch {
			// The title of the site is decoration; the pages work without it.
		}
	}

	async signIn(username: string, password: string, totp: string): Promise<void> {
		const body = { username, password, ...(totp ? { totp } : {}) };
		this.take(await post<SessionState>("/api/madang/v1/session", body));
	}

	async signOut(): Promise<void> {
		await remove("/api/madang/v1/session");
		// Drafts too (draft.ts): the next person at this device may be somebody else.
		localStorage.removeItem("madang.drafts");
		// Everything kept in memory belonged to that account: begin again.
		location.assign("/");
	}

	/** The page's language, and that of what the house writes to one. */
	async speak(language: Language): Promise<void> {
		if (language === words.language) return;
		await speak(language, true);
		if (this.me) await patch("/api/madang/v1/session", { locale: language });
	}

	async update(form: FormData): Promise<void> {
		this.me = await patch<Account>("/api/v1/accounts/update_credentials", form);
	}

	async useAsPicture(mediaId: string, kind: "avatar" | "header"): Promise<void> {
		this.me = await post<Account>("/api/madang/v1/profile_picture", { media_id: mediaId, kind });
	}
}

export const session = new Session();
