import { t } from "../i18n/index.svelte";
import { session } from "../store/session.svelte";
import { toasts } from "../store/toast.svelte";

/** A picture of one's own becomes one's profile picture or header. */
export async function wear(mediaId: string, kind: "avatar" | "header"): Promise<void> {
	try {
		await session.useAsPicture(mediaId, kind);
		toasts.good(t(kind === "avatar" ? "studio.avatarDone" : "studio.headerDone"));
	} catch (error) {
		toasts.bad(error);
	}
}
