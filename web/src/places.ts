// Which page a path shows. The pages of every day come with the first download, the others when they are asked for.
import type { Component } from "svelte";
import type { Role } from "./api/types";
import { learn, type Area, type Key } from "./i18n/index.svelte";
import { match } from "./lib/router.svelte";
import Explore from "./pages/Explore.svelte";
import Home from "./pages/Home.svelte";
import NotFound from "./pages/NotFound.svelte";
import PostPage from "./pages/PostPage.svelte";
import Studio from "./pages/Studio.svelte";
import Welcome from "./pages/Welcome.svelte";

export interface Place {
	// A page takes whatever its pattern found; each page declares its own properties.
	load: () => Promise<Component<any>>;
	props: Record<string, unknown>;
	title?: Key;
	/** Only for people who are signed in; others are asked to sign in first. */
	signedIn?: boolean;
	/** Only for these; for others there is nothing at the address. */
	roles?: Role[];
	/** Without the bars around it. */
	bare?: boolean;
}

type Row = [pattern: string, place: Omit<Place, "props">, props?: Record<string, unknown>];

const here = (component: Component<any>) => () => Promise.resolve(component);
/** A page that comes when it is asked for, and the words that only it has. */
const later = (load: () => Promise<{ default: Component<any> }>, ...areas: Area[]) => async () => (await Promise.all([load(), ...areas.map(learn)]))[0].default;

const ROWS: Row[] = [
	["/local", { load: here(Home), title: "nav.local" }, { local: true }],
	["/explore", { load: here(Explore), title: "nav.explore" }],
	["/tags/:tag", { load: here(Explore), title: "nav.explore" }],
	["/studio", { load: here(Studio), title: "nav.studio", signedIn: true }],
	["/notifications", { load: later(() => import("./pages/Notifications.svelte"), "programme"), title: "nav.notifications", signedIn: true }],
	["/notifications/requests", { load: later(() => import("./pages/NoticeRequests.svelte")), title: "nav.noticeRequests", signedIn: true }],
	["/search", { load: later(() => import("./pages/Search.svelte")), title: "nav.search" }],
	["/settings", { load: later(() => import("./pages/Settings.svelte"), "own"), title: "nav.settings" }],
	["/bookmarks", { load: later(() => import("./pages/Bookmarks.svelte")), title: "nav.bookmarks", signedIn: true }],
	["/more", { load: later(() => import("./pages/More.svelte")), title: "nav.more", signedIn: true }],
	["/favourites", { load: later(() => import("./pages/Favourites.svelte")), title: "nav.favourites", signedIn: true }],
	["/lists", { load: later(() => import("./pages/Lists.svelte")), title: "nav.lists", signedIn: true }],
	["/lists/:id", { load: later(() => import("./pages/ListPage.svelte")), title: "nav.lists", signedIn: true }],
	["/filters", { load: later(() => import("./pages/Filters.svelte")), title: "nav.filters", signedIn: true }],
	["/conversations", { load: later(() => import("./pages/Conversations.svelte")), title: "nav.conversations", signedIn: true }],
	["/scheduled", { load: later(() => import("./pages/Scheduled.svelte")), title: "nav.scheduled", signedIn: true }],
	["/followed-tags", { load: later(() => import("./pages/FollowedTags.svelte")), title: "nav.tags", signedIn: true }],
	["/follow-requests", { load: later(() => import("./pages/FollowRequests.svelte")), title: "nav.followRequests", signedIn: true }],
	["/blocked", { load: later(() => import("./pages/Blocked.svelte")), title: "nav.blocked", signedIn: true }],
	["/about", { load: later(() => import("./pages/Document.svelte")), title: "house.about" }, { kind: "about" }],
	["/privacy-policy", { load: later(() => import("./pages/Document.svelte")), title: "house.privacy" }, { kind: "privacy" }],
	["/terms-of-service", { load: later(() => import("./pages/Document.svelte")), title: "house.terms" }, { kind: "terms" }],
	["/directory", { load: later(() => import("./pages/Directory.svelte")), title: "nav.directory" }],
	["/trends", { load: later(() => import("./pages/Trends.svelte")), title: "nav.trends" }],
	["/tokens", { load: later(() => import("./pages/Tokens.svelte"), "programme"), title: "nav.tokens", signedIn: true }],
	["/programmes", { load: later(() => import("./pages/Programmes.svelte"), "programme"), title: "nav.programmes", signedIn: true }],
	["/programmes/:id", { load: later(() => import("./pages/ProgrammePage.svelte"), "programme"), title: "nav.programmes", signedIn: true }],
	["/reviews", { load: later(() => import("./pages/Reviews.svelte"), "programme"), title: "nav.reviews", signedIn: true }],
	["/announcements", { load: later(() => import("./pages/Announcements.svelte")), title: "nav.announcements", signedIn: true }],
	["/live/:id", { load: later(() => import("./pages/LivePage.svelte")), title: "announcements.live" }],
	["/admin", { load: later(() => import("./pages/Admin.svelte"), "desk", "programme"), title: "nav.admin", signedIn: true, roles: ["admin"] }],
	["/moderation", { load: later(() => import("./pages/Moderation.svelte"), "desk", "own", "programme"), title: "nav.moderation", signedIn: true, roles: ["admin", "moderator"] }],
	["/sign-in", { load: later(() => import("./pages/SignIn.svelte")), title: "signIn.title", bare: true }],
	["/signup", { load: later(() => import("./pages/SignUp.svelte")), title: "signUp.title", bare: true }],
	["/appeal", { load: later(() => import("./pages/Appeal.svelte"), "own"), title: "appeal.title", bare: true }],
	["/setup", { load: later(() => import("./pages/SignUp.svelte")), title: "setup.title", bare: true }, { setup: true }],
	["/reset", { load: later(() => import("./pages/Reset.svelte")), title: "reset.title", bare: true }],
	["/oauth/authorize", { load: later(() => import("./pages/Authorize.svelte")), title: "authorize.short", bare: true }],
	["/lineage/:id", { load: later(() => import("./pages/Lineage.svelte")), title: "lineage.title" }],
	["/@:acct", { load: later(() => import("./pages/Profile.svelte")) }],
	["/@:acct/:id", { load: here(PostPage) }],
];

/** What is shown at a path; role: null, nobody is signed in. */
export function placeOf(path: string, role: Role | null): Place {
	if (path === "/") return { load: here(role ? Home : Welcome), props: {} };
	for (const [pattern, place, props] of ROWS) {
		const found = match(pattern, path);
		if (found && role && place.roles && !place.roles.includes(role)) break;
		if (found) return { ...place, props: { ...found, ...props } };
	}
	return { load: here(NotFound), props: {}, title: "notFound.title" };
}
