// A job's live events. The browser's EventSource reconnects by itself and sends Last-Event-ID.
import type { Elsewhere, Load, Media, Preview, Wait, WaitReason } from "./types";

export interface JobListener {
	queued(data: { position: number; wait: Wait | null; reason?: WaitReason | null; elsewhere?: Elsewhere[]; paused?: boolean; joined?: boolean }): void;
	load(data: Load): void;
	drawing(data: { progress: number }): void;
	preview(data: Preview): void;
	finished(data: { media: Media[]; seed: number | null; model: string | null; maker: string }): void;
	failed(data: { code: string; message: string }): void;
	cancelled(): void;
	/** The stream was refused for good; ask for the job's row instead. */
	lost(): void;
}

export function watchJob(id: string, listener: JobListener): () => void {
	const source = new EventSource(`/api/madang/v1/jobs/${encodeURIComponent(id)}/events`);
	const close = () => source.close();
	const on = <T>(name: string, handle: (data: T) => void, last = false) => {
		source.addEventListener(name, (event) => {
			if (last) close();
			handle(JSON.parse((event as MessageEvent<string>).data || "{}") as T);
		});
	};
	on("queued", listener.queued);
	on("load", listener.load);
	on("drawing", listener.drawing);
	on("preview", listener.preview);
	on("finished", listener.finished, true);
	on("failed", listener.failed, true);
	on("cancelled", listener.cancelled, true);
	source.addEventListener("error", () => {
		if (source.readyState === EventSource.CLOSED) listener.lost();
	});
	return close;
}

/** How busy the makers are, whenever it changes. Where the server does not say, nothing is heard. */
export function watchLoad(heard: (load: Load) => void): () => void {
	const source = new EventSource("/api/madang/v1/load/events");
	source.addEventListener("load", (event) => heard(JSON.parse((event as MessageEvent<string>).data) as Load));
	return () => source.close();
}
