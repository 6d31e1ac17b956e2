// The live timeline: one WebSocket for the whole page, subscribed to what is being looked at.
// It reconnects by itself, slower each time, and subscribes again.

export interface StreamEvent {
	stream: string[];
	event: string;
	payload: string;
}

type Listener = (event: StreamEvent) => void;

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

export class Stream {
	#socket: WebSocket | null = null;
	// By the stream's name and parameters, as they are sent.
	#wanted = new Map<string, number>();
	#listeners = new Set<Listener>();
	#delay = FIRST_DELAY_MS;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#closed = true;
	#lost = false;
	#again = () => {};

	open(): void {
		if (!this.#closed) return;
		this.#closed = false;
		this.#connect();
	}

	/** For somebody without an account, while there is something to follow. */
	borrow(): () => void {
		if (!this.#closed) return () => undefined;
		this.open();
		return () => this.close();
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#socket?.close();
		this.#socket = null;
	}

	listen(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Called when the connection is there again: what was said meanwhile was not heard. */
	again(heard: () => void): void {
		this.#again = heard;
	}

	/** Asks for a stream until the returned function is called; several may ask for the same. */
	subscribe(stream: string, parameters: Record<string, string> = {}): () => void {
		const name = JSON.stringify({ stream, ...parameters });
		const count = this.#wanted.get(name) ?? 0;
		this.#wanted.set(name, count + 1);
		if (count === 0) this.#tell("subscribe", name);
		return () => {
			const left = (this.#wanted.get(name) ?? 1) - 1;
			if (left > 0) {
				this.#wanted.set(name, left);
			} else {
				this.#wanted.delete(name);
				this.#tell("unsubscribe", name);
			}
		};
	}

	#tell(type: string, name: string): void {
		if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, ...JSON.parse(name) }));
	}

	#connect(): void {
		const scheme = location.protocol === "https:" ? "wss" : "ws";
		const socket = new WebSocket(`${scheme}://${location.host}/api/v1/streaming`);
		this.#socket = socket;
		socket.addEventListener("open", () => {
			this.#delay = FIRST_DELAY_MS;
			for (const name of this.#wanted.keys()) this.#tell("subscribe", name);
			if (this.#lost) this.#again();
			this.#lost = false;
		});
		socket.addEventListener("message", (message) => {
			const event = JSON.parse(String(message.data)) as StreamEvent;
			for (const listener of this.#listeners) listener(event);
		});
		socket.addEventListener("close", () => {
			if (this.#closed) return;
			this.#lost = true;
			// Spread the clients of a restarted server over the delay.
			const wait = this.#delay * (0.5 + Math.random());
			this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
			this.#timer = setTimeout(() => this.#connect(), wait);
		});
	}
}

export const stream = new Stream();
