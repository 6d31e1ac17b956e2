// One way to ask the server: cookie session, CSRF header, JSON in and out, errors as ApiError.

export class ApiError extends Error {
	constructor(
		readonly status: number,
		message: string,
		readonly field: string | null = null,
		readonly body: Record<string, unknown> = {},
	) {
		super(message);
	}

	/** The server could not be reached at all. */
	get offline(): boolean {
		return this.status === 0;
	}
}

export interface Page<T> {
	items: T[];
	next: string | null;
}

let csrf = "";

export function setCsrf(token: string): void {
	csrf = token;
}

function nextOf(link: string | null): string | null {
	const found = link?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
	if (!found) return null;
	const url = new URL(found, location.origin);
	return url.pathname + url.search;
}

async function failure(response: Response): Promise<ApiError> {
	let body: Record<string, unknown> = {};
	try {
		body = (await response.json()) as Record<string, unknown>;
	} catch {
		// An answer without JSON (a proxy's page): the status says enough.
	}
	const text = typeof body.error === "string" ? body.error : "";
	return new ApiError(response.status, text, typeof body.field === "string" ? body.field : null, body);
}

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
	const all: Record<string, string> = { Accept: "application/json", ...headers };
	if (method !== "GET") all["X-CSRF-Token"] = csrf;
	let payload: BodyInit | undefined;
	if (body instanceof FormData) {
		payload = body;
	} else if (body !== undefined) {
		all["Content-Type"] = "application/json";
		payload = JSON.stringify(body);
	}
	let response: Response;
	try {
		response = await fetch(path, { method, headers: all, body: payload, credentials: "same-origin" });
	} catch {
		throw new ApiError(0, "");
	}
	if (!response.ok) throw await failure(response);
	return response;
}

export async function get<T>(path: string): Promise<T> {
	return (await (await send("GET", path)).json()) as T;
}

export async function page<T>(path: string): Promise<Page<T>> {
	const response = await send("GET", path);
	return { items: (await response.json()) as T[], next: nextOf(response.headers.get("Link")) };
}

/** A page whose items are inside of an object. */
export async function pageOf<T>(path: string): Promise<{ body: T; next: string | null }> {
	const response = await send("GET", path);
	return { body: (await response.json()) as T, next: nextOf(response.headers.get("Link")) };
}

export async function post<T>(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<T> {
	return (await (await send("POST", path, body, headers)).json()) as T;
}

export async function put<T>(path: string, body: unknown): Promise<T> {
	return (await (await send("PUT", path, body)).json()) as T;
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
	return (await (await send("PATCH", path, body)).json()) as T;
}

export async function remove<T = unknown>(path: string, body?: unknown): Promise<T> {
	return (await (await send("DELETE", path, body)).json()) as T;
}

/** A query string without the empty parameters. */
export function query(parameters: Record<string, string | number | boolean | null | undefined>): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(parameters)) {
		if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
	}
	const text = search.toString();
	return text ? `?${text}` : "";
}
