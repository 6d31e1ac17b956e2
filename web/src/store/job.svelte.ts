// What the studio is drawing and has drawn. The server's row is the truth; the live events only make it move.
import { ApiError, get, page, post, remove } from "../api/client";
import { watchJob } from "../api/events";
import type { Job, JobOrder, Preview } from "../api/types";
import { makers } from "./maker.svelte";
import { toasts } from "./toast.svelte";

export type Previews = Record<number, Preview>;

class Jobs {
	list = $state<Job[]>([]);
	/** Said elsewhere, and meant: the studio draws it as soon as it is open. An address can't ask for that, a link would. */
	wish = "";
	/** The growing pictures of running jobs, by job and by index. */
	previews = $state<Record<string, Previews>>({});
	state = $state<"new" | "loading" | "ready" | "end" | "failed">("new");
	error = $state<unknown>(null);
	#next: string | null = "/api/madang/v1/jobs?limit=20";
	#watched = new Map<string, () => void>();

	get running(): Job[] {
		return this.list.filter((job) => job.state === "queued" || job.state === "drawing");
	}

	#change(id: string, part: Partial<Job>): void {
		this.list = this.list.map((job) => (job.id === id ? { ...job, ...part } : job));
	}

	async more(): Promise<void> {
		if (this.state === "loading" || this.state === "end" || !this.#next) return;
		this.state = "loading";
		try {
			const { items, next } = await page<Job>(this.#next);
			const known = new Set(this.list.map((job) => job.id));
			const fresh = items.filter((job) => !known.has(job.id));
			this.list = [...this.list, ...fresh];
			this.#next = next;
			this.state = next && items.length > 0 ? "ready" : "end";
			for (const job of fresh) if (job.state === "queued" || job.state === "drawing") this.watch(job.id);
		} catch (error) {
			this.error = error;
			this.state = "failed";
		}
	}

	/** Orders a picture. The key makes a repeated press after a lost answer harmless. */
	async draw(order: JobOrder, key: string): Promise<Job> {
		const job = await post<Job>("/api/madang/v1/jobs", order, { "Idempotency-Key": key });
		if (!this.list.some((known) => known.id === job.id)) this.list = [job, ...this.list];
		this.watch(job.id);
		void makers.count();
		return job;
	}

	/** What the server answers is the job as it is now. */
	async steer(id: string, deed: "move" | "pause" | "resume" | "reorder", body: object = {}): Promise<boolean> {
		try {
			this.#change(id, await post<Job>(`/api/madang/v1/jobs/${id}/${deed}`, body));
			return true;
		} catch (error) {
			toasts.bad(error);
			return false;
		}
	}

	watch(id: string): void {
		if (this.#watched.has(id)) return;
		const done = () => {
			this.#watched.get(id)?.();
			this.#watched.delete(id);
		};
		const close = watchJob(id, {
			queued: (data) => this.#change(id, { state: "queued", ...data }),
			load: (data) => makers.take(data),
			drawing: (data) => this.#change(id, { state: "drawing", position: null, progress: data.progress }),
			preview: (data) => {
				this.previews = { ...this.previews, [id]: { ...this.previews[id], [data.index]: data } };
				this.#change(id, { state: "drawing", position: null });
			},
			finished: (data) => {
				done();
				this.#change(id, { state: "finished", progress: 1, media: data.media, seed: data.seed, model: data.model });
			},
			failed: (data) => {
				done();
				this.#change(id, { state: "failed", error: data });
			},
			cancelled: () => {
				done();
				this.#change(id, { state: "cancelled" });
			},
			lost: () => {
				done();
				void this.refresh(id);
			},
		});
		this.#watched.set(id, close);
	}

	async refresh(id: string): Promise<void> {
		try {
			this.#change(id, await get<Job>(`/api/madang/v1/jobs/${id}`));
		} catch (error) {
			if (error instanceof ApiError && error.status === 404) this.list = this.list.filter((job) => job.id !== id);
			else toasts.bad(error);
		}
	}

	async cancel(id: string): Promise<void> {
		const before = this.list.find((job) => job.id === id);
		this.#change(id, { state: "cancelled" });
		try {
			await remove(`/api/madang/v1/jobs/${id}`);
			// A cancelled job gives back what it took.
			void makers.count();
			this.#watched.get(id)?.();
			this.#watched.delete(id);
		} catch (error) {
			if (before) this.#change(id, { state: before.state });
			toasts.bad(error);
		}
	}

	async forget(id: string): Promise<void> {
		const before = this.list;
		this.list = this.list.filter((job) => job.id !== id);
		try {
			await remove(`/api/madang/v1/jobs/${id}`);
		} catch (error) {
			this.list = before;
			toasts.bad(error);
		}
	}

	/** The proposed description was confirmed or changed. */
	described(mediaId: string, description: string): void {
		this.list = this.list.map((job) => ({
			...job,
			media: job.media.map((media) => (media.id === mediaId ? { ...media, description } : media)),
		}));
	}
}

export const jobs = new Jobs();
