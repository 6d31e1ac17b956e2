// Notifications while the page is closed: a service worker that shows them, and a subscription at the browser's push service.
import { get, post, put, remove } from "../api/client";

export type Alerts = Record<string, boolean>;
export type PushPolicy = "all" | "followed" | "follower" | "none";

export interface Subscription {
	id: string;
	endpoint: string;
	alerts: Alerts;
	policy?: PushPolicy;
	server_key: string;
}

export const ALERTS = ["mention", "favourite", "reblog", "follow", "follow_request", "poll", "status", "update", "quote"] as const;

/** Browsers give it to pages over https only (and to this machine itself). */
export const pushPossible = (): boolean => "serviceWorker" in navigator && "PushManager" in window;

function bytes(key: string): Uint8Array<ArrayBuffer> {
	const text = atob(key.replace(/-/g, "+").replace(/_/g, "/"));
	return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** What is subscribed on this device; null: nothing. */
export async function pushNow(): Promise<Subscription | null> {
	const worker = await navigator.serviceWorker.getRegistration();
	const here = await worker?.pushManager.getSubscription();
	if (!here) return null;
	try {
		const there = await get<Subscription>("/api/v1/push/subscription");
		return there.endpoint === here.endpoint ? there : null;
	} catch {
		return null;
	}
}

export async function pushOn(serverKey: string, alerts: Alerts, policy: PushPolicy): Promise<Subscription> {
	const worker = await navigator.serviceWorker.register("/sw.js");
	await navigator.serviceWorker.ready;
	const here = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(serverKey) });
	const { endpoint, keys } = here.toJSON();
	return post<Subscription>("/api/v1/push/subscription", { subscription: { endpoint, keys, standard: true }, data: { alerts, policy } });
}

export function pushChange(alerts: Alerts, policy: PushPolicy): Promise<Subscription> {
	return put<Subscription>("/api/v1/push/subscription", { data: { alerts, policy } });
}

export async function pushOff(): Promise<void> {
	const worker = await navigator.serviceWorker.getRegistration();
	await (await worker?.pushManager.getSubscription())?.unsubscribe();
	await remove("/api/v1/push/subscription");
}
