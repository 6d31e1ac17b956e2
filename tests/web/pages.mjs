// Every page that a person who looks after the house can open, and how to get there.
import { person } from "./yard.mjs";

export const PAGES = [
	"/", "/explore", "/studio", "/notifications", "/notifications/requests", "/search?q=moon", "/@dal", "/more", "/favourites", "/lists", "/lists/1", "/lists/1?edit=1", "/filters",
	"/conversations", "/scheduled", "/followed-tags", "/follow-requests", "/blocked", "/directory", "/trends", "/trends?show=tags", "/trends?show=links", "/announcements", "/about", "/privacy-policy", "/terms-of-service",
	"/tokens", "/programmes", "/programmes/1", "/reviews", ...["open", "done", "held", "appeals", "trends", "audit"].map((tab) => `/moderation?show=${tab}`),
	...["look", "posting", "notifications", "security", "data"].map((tab) => `/settings?show=${tab}`),
	...["overview", "accounts", "site", "invitations", "blocks", "blocks&list=domains", "blocks&list=mail", "blocks&list=networks", "announcements", "emojis", "queue", "operations", "quotas", "programmes", "reviews", "feedback", "tokens"].map((tab) => `/admin?show=${tab}`),
];

/** The page is there and nothing on it is still loading. */
export async function settled(page) {
	await page.waitForSelector("main h1", { state: "attached" });
	await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .bone, .bones'));
}

/** Follows a link inside the page, as a click would: no new start of the program. */
export async function follow(page, path) {
	await page.evaluate((href) => {
		const link = document.createElement("a");
		link.href = href;
		document.body.append(link);
		link.click();
		link.remove();
	}, path);
	await page.waitForFunction((wanted) => location.pathname + location.search === wanted, path);
	await settled(page);
}

/** Where visitors get. */
export const GUEST_PAGES = ["/explore", "/local", "/about", "/privacy-policy", "/directory", "/trends", "/@dal", "/sign-in", "/signup", "/appeal", "/reset", "/no-such-page", "/@nobody-of-that-name"];

/** Sheets and menus: the page, and what is pressed on it. */
export const SHEETS = [
	["/", '[data-action="write"]'],
	["/", "article [aria-haspopup=menu]"],
	["/@minseo", "main .tabs button:nth-child(2)", 'article:has([data-action="like"]:not([aria-label="Like"])) a.when', '[data-told="likes"]'],
	["/@minseo", "main [aria-haspopup=menu]"],
	["/@minseo", '[data-ties="known"]'],
	["/@dal", '[data-action="edit-tags"]'],
	["/@minseo", "main .tabs button:nth-child(2)", "article [aria-haspopup=menu]", '[role=menuitem]:has-text("Put behind a filter")'],
	["/settings?show=data", '[data-action="leave"]'],
	["/settings?show=look", '[data-action="edit-profile"]'],
	["/admin?show=announcements", '[data-action="new-announcement"]'],
	["/admin?show=blocks", '[data-action="add-block"]'],
	["/admin?show=blocks&list=domains", '[data-action="add-block"]'],
	["/admin?show=blocks&list=mail", '[data-action="add-block"]'],
	["/admin?show=blocks&list=networks", '[data-action="add-block"]'],
	["/moderation?show=open", '[data-action="act"]'],
];

/** A page of the person who is signed in at the stand-in server. */
export async function demo(browser, mock, options = {}) {
	const page = await person(browser, { locale: "en", ...options });
	await page.context().addCookies([{ name: "madang_session", value: "demo", url: mock.url }]);
	return page;
}

export async function visit(page, mock, path) {
	await page.goto(mock.url + path);
	await settled(page);
}
