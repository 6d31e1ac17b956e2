// What the stream brings, handed to the stores; and the clock that makes "3 min. ago" move on.
import { stream } from "../api/stream";
import type { Announcement, Conversation, Notice, Status } from "../api/types";
import { announcements } from "./announcement.svelte";
import { doubtFeeds, feedOf, forgetFeeds, NEAR_TOP_PX } from "./feed.svelte";
import { Paged } from "./paged.svelte";
import { notices } from "./notice.svelte";
import { posts } from "./post.svelte";

export const HOME = "/api/v1/timelines/home?limit=20";
export const LOCAL = "/api/v1/timelines/public?local=true&limit=20";
export const EXPLORE = "/api/madang/v1/explore?limit=30";

export const listPath = (id: string) => `/api/v1/timelines/list/${encodeURIComponent(id)}?limit=20`;
export const conversations = new Paged<Conversation>("/api/v1/conversations?limit=20");

const CLOCK_MS = 30_000;

class Clock {
	now = $state(Date.now());
}

export const clock = new Clock();

type Hearer = (status: Status) => void;
const hearers = new Set<Hearer>();

/** Hears of every post that comes by any stream: an open conversation waits for its answers. */
export function hear(hearer: Hearer): () => void {
	hearers.add(hearer);
	return () => hearers.delete(hearer);
}

function arrive(path: string, status: Status): void {
	const feed = feedOf(path);
	if (feed.state === "new" || feed.state === "loading") return;
	feed.arrive(status, scrollY > NEAR_TOP_PX);
}

export function startLive(): void {
	setInterval(() => (clock.now = Date.now()), CLOCK_MS);
	stream.listen(({ stream: from, event, payload }) => {
		if (event === "delete") {
			posts.gone.add(payload);
		} else if (event === "notification") {
			const notice = JSON.parse(payload) as Notice;
			notices.arrive(notice);
			// Public streams leave answers out; whoever is answered hears of it here.
			if (notice.status) for (const hearer of hearers) hearer(notice.status);
		} else if (event === "status.update") {
			posts.keep(JSON.parse(payload) as Status);
		} else if (event === "conversation") {
			const one = JSON.parse(payload) as Conversation;
			if (one.last_status) posts.keep(one.last_status);
			conversations.drop(one);
			if (conversations.state !== "new") conversations.put(one);
		} else if (event === "filters_changed") {
			forgetFeeds();
		} else if (event === "announcement") {
			announcements.arrive(JSON.parse(payload) as Announcement);
		} else if (event === "announcement.delete") {
			announcements.gone(payload);
		} else if (event === "announcement.reaction") {
			announcements.reacted(JSON.parse(payload) as { name: string; count: number; announcement_id: string });
		} else if (event === "update") {
			const status = JSON.parse(payload) as Status;
			if (from[0] === "user") arrive(HOME, status);
			if (from[0] === "list" && from[1]) arrive(listPath(from[1]), status);
			if (from[0] === "public:local") {
				arrive(LOCAL, status);
				if (status.madang?.made_with && !status.reblog) arrive(EXPLORE, status);
			}
			for (const hearer of hearers) hearer(status);
		}
	});
	stream.again(() => {
		doubtFeeds();
		void notices.catchUp();
	});
	stream.subscribe("user");
}
