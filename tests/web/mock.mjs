// A stand-in for `madang serve`: the same routes and shapes (docs/api.md), everything in memory, for working on the
// front end and for its tests where the server is not the point. Never shipped. node mock.mjs [PORT] [empty]
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { addMore } from "./mock-more.mjs";
import { face, scene, SIZE } from "./scene.mjs";

const DIST = join(fileURLToPath(new URL("../../web/dist/", import.meta.url)));
export const CSP =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json" };
const STYLES = [
	["3d", "3D", "3D", "3D"],
	["ink", "Ink", "수묵화", "水墨画"],
	["minhwa", "Minhwa", "민화", "民画"],
	["watercolour", "Watercolour", "수채화", "水彩"],
	["woodcut", "Woodcut", "목판화", "木版画"],
	["oil", "Oil", "유화", "油絵"],
	["pixel", "Pixel", "픽셀", "ドット絵"],
	["paper", "Cut paper", "종이 오리기", "切り絵"],
	["pencil", "Pencil", "연필", "鉛筆"],
].map(([name, en, ko, ja]) => ({ name, label: { en, ko, ja } }));

export function startMock({ port = 0, empty = false, host = "127.0.0.1" } = {}) {
	let counter = 1000;
	const id = () => String(++counter);
	const now = Date.now();
	const accounts = new Map();
	const statuses = [];
	const media = new Map();
	const jobs = [];
	const sockets = new Set();
	const notifications = [];
	const follows = new Set();
	const state = { setup: empty, consent: false, busy: false, registrations: "open" };
	const sessions = new Map();
	const base = () => `http://${host}:${server.address().port}`;

	const account = (username, name, note = "") => {
		const n = accounts.size + 1;
		const made = {
			id: id(), username, acct: username, display_name: name, note: note ? `<p>${note}</p>` : "", url: `/@${username}`,
			avatar: `/media/face/${n}.svg`, avatar_static: `/media/face/${n}.svg`, header: n % 2 ? `/media/scene/${n * 31}.svg` : "/headers/missing.png",
			locked: false, bot: false, created_at: new Date(now - 90 * 864e5).toISOString(), followers_count: 12 * n, following_count: 7 * n,
			statuses_count: 0, fields: [], emojis: [], password: "password123", role: n === 1 ? "admin" : "user",
		};
		accounts.set(made.id, made);
		return made;
	};
	const open = ({ password: _password, role: _role, ...rest }) => rest;
	const picture = (seed, prompt, style = "ink", height = SIZE, job = null) => {
		const url = `/media/scene/${seed}.svg?h=${height}`;
		const made = {
			id: id(), type: "image", url, preview_url: url, description: prompt, blurhash: "LKO2?U%2Tw=w]~RBVZRi};RPxuwH",
			meta: { original: { width: SIZE * 2, height: height * 2 }, small: { width: SIZE, height } },
			madang: { made: true, job_id: job ?? id(), maker: "builtin", model: "madang-1", style, seed, prompt },
		};
		media.set(made.id, made);
		return made;
	};
	const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
	const linked = (text) =>
		`<p>${escape(text)
			.replace(/#([\p{L}\w]+)/gu, '<a href="/tags/$1" class="mention hashtag" rel="tag">#<span>$1</span></a>')
			.replace(/@(\w+)/g, '<span class="h-card"><a href="/@$1" class="u-url mention">@<span>$1</span></a></span>')}</p>`;
	const status = (by, text, { pictures = [], reply = null, remix = null, prompt = null, age = 0, visibility = "public", promptVisibility = "public", remixable = true, sensitive = false, warning = "" } = {}) => {
		const parent = remix && statuses.find((one) => one.id === remix);
		const made = pictures[0]?.madang ?? null;
		const one = {
			id: id(), created_at: new Date(now - age).toISOString(), edited_at: null, account: open(by), content: text ? linked(text) : "",
			visibility, sensitive, spoiler_text: warning, language: "ko", in_reply_to_id: reply, in_reply_to_account_id: null, reblog: null,
			media_attachments: pictures, mentions: [], tags: [], emojis: [], replies_count: 0, reblogs_count: 0, favourites_count: 0, likes: new Set(), boosts: new Set(), marks: new Set(),
			madang: {
				made_with: made ? { maker: "builtin", maker_name: "Madang 1", model: "madang-1", style: made.style, seed: made.seed } : null,
				prompt: made && promptVisibility === "public" ? (prompt ?? made.prompt) : null, prompt_visibility: promptVisibility, remixable,
				remix_of: parent ? { id: parent.id, url: parent.url, account: parent.account, deleted: false } : null, remixes_count: 0, lineage_url: null,
			},
		};
		one.url = one.uri = `/@${by.acct}/${one.id}`;
		if (made) one.madang.lineage_url = `/lineage/${one.id}`;
		if (parent) parent.madang.remixes_count++;
		if (reply) {
			const to = statuses.find((other) => other.id === reply);
			if (to) to.replies_count++;
		}
		by.statuses_count++;
		statuses.unshift(one);
		statuses.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
		return one;
	};
	const seen = (one, me) => {
		const { likes, boosts, marks, ...rest } = one;
		return { ...rest, favourites_count: rest.favourites_count + likes.size, reblogs_count: rest.reblogs_count + boosts.size, favourited: likes.has(me?.id), reblogged: boosts.has(me?.id), bookmarked: marks.has(me?.id) };
	};
	const notify = (to, type, by, about) => {
		if (to.id === by.id) return;
		const one = { id: id(), type, created_at: new Date().toISOString(), account: open(by), status: about ? seen(about, to) : null, to: to.id };
		notifications.unshift(one);
		for (const socket of sockets) if (socket.account === to.id) socket.tell(["user"], "notification", one);
	};
	const announce = (one) => {
		for (const socket of sockets) {
			if (socket.streams.has("user") && (follows.has(`${socket.account}:${one.account.id}`) || socket.account === one.account.id)) socket.tell(["user"], "update", seen(one, null));
			if (socket.streams.has("public:local") && one.visibility === "public") socket.tell(["public:local"], "update", seen(one, null));
		}
	};

	const founder = empty ? null : account("dal", "달이", "마당을 쓸고 그림을 겁니다. #수묵화 좋아해요.");
	if (!empty) {
		const people = [founder, account("minseo", "민서", "저녁마다 한 장씩 그려요."), account("haru", "はる", "古い町並みと夜が好きです。"), account("june", "June Park", "Learning to say what I see."), account("garam", "가람"), account("aki", "Aki")];
		founder.fields = [{ name: "사는 곳", value: "전주" }, { name: "누리집", value: '<a href="https://example.org">example.org</a>' }];
		const words = [
			["첫눈이 내린 한옥 마당, 감나무에 남은 붉은 감 몇 개", "눈 오는 아침. 올해 첫 그림이에요. #마당 #겨울", "ink"],
			["달밤의 기와지붕 위를 걷는 고양이", "어젯밤 꿈에서 본 것 같은 풍경", "minhwa"],
			["霧の朝、山あいの小さな家", "朝の散歩道。 #霧", "watercolour"],
			["A persimmon tree at dusk behind a low stone wall", "I keep coming back to this wall.", "oil"],
			["가을 들판에 홀로 선 초가집, 노을", "", "paper"],
			["moonlit hills, layered like torn paper", "Third try, and the moon finally sits right. #moon", "woodcut"],
			["봄비가 그친 뒤의 마을, 매화", "비가 그치자마자. #봄", "watercolour"],
			["夜の庭、灯りがひとつ", "", "ink"],
			["안개 낀 바다 마을의 새벽", "조용한 새벽 네 시", "pencil"],
			["a tiny courtyard seen from above, everyone asleep", "Good night from the yard.", "3d"],
		];
		let age = 30 * 60e3;
		for (let i = 0; i < 34; i++) {
			const [prompt, text, style] = words[i % words.length];
			const by = people[(i * 5 + 1) % people.length];
			const height = i % 7 === 3 ? 340 : i % 5 === 2 ? 190 : SIZE;
			age += 50 * 60e3 * (1 + (i % 4));
			const one = status(by, text, { pictures: [picture(i + 3, prompt, style, height)], age, sensitive: i === 6, promptVisibility: i === 4 ? "remixers" : "public" });
			one.favourites_count = (i * 7) % 23;
			one.reblogs_count = i % 3;
		}
		const root = statuses[2];
		root.madang.remix_of = null;
		const a = status(people[1], "원작의 달빛을 조금 더 붉게.", { pictures: [picture(71, "붉은 달이 뜬 언덕", "oil")], remix: root.id, age: 20 * 60e3 });
		status(people[2], "夜の色で。", { pictures: [picture(72, "夜の丘、赤い月", "woodcut")], remix: a.id, age: 12 * 60e3 });
		status(people[3], "And mine, in snow.", { pictures: [picture(73, "red moon over snow hills", "watercolour")], remix: a.id, age: 9 * 60e3 });
		status(people[4], "", { pictures: [picture(74, "푸른 새벽의 언덕", "ink")], remix: root.id, age: 6 * 60e3 });
		status(people[5], "", { pictures: [picture(75, "丘と雲", "pixel")], remix: root.id, age: 5 * 60e3 });
		const r = status(people[3], "@minseo 달빛이 정말 따뜻해요. How did you say it?", { reply: a.id, age: 8 * 60e3 });
		status(people[1], "@june ‘붉은 달’이라고만 했어요 :)", { reply: r.id, age: 7 * 60e3 });
		status(people[4], "@minseo 방에 걸어 두고 싶네요.", { reply: a.id, age: 4 * 60e3 });
		for (const one of people.slice(1, 4)) follows.add(`${founder.id}:${one.id}`);
		notify(founder, "follow", people[5], null);
		notify(founder, "favourite", people[1], statuses.find((one) => one.account.id === founder.id));
		notify(founder, "mention", people[3], statuses.find((one) => one.in_reply_to_id));
		notify(founder, "reblog", people[2], statuses.find((one) => one.account.id === founder.id));
		sessions.set("demo", founder.id);
		for (const [n, prompt] of [[5, "장독대 위로 떨어지는 햇살"], [9, "푸른 기와와 흰 고양이"]]) {
			const count = n === 9 ? 4 : 1;
			jobs.unshift({ id: id(), owner: founder.id, state: "finished", task: "draw", prompt, style: "ink", seed: n, count, guidance: 3, maker: "builtin", model: "madang-1", position: null, wait: null, progress: 1, media: Array.from({ length: count }, (_, i) => picture(n * 11 + i, prompt)), error: null, source: null, created_at: new Date(now - n * 36e5).toISOString(), started_at: null, finished_at: null });
		}
	}

	const run = async (job) => {
		const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
		const emit = (event, data) => {
			job.events.push({ event, data });
			for (const listener of job.listeners) listener(event, data, job.events.length);
		};
		emit("queued", { position: job.position, wait: job.wait });
		await wait(state.busy ? 3000 : 400);
		if (job.prompt.includes("FAIL")) {
			job.state = "failed";
			job.error = { code: "busy", message: "그림을 그리는 이가 잠시 쉬고 있어요. 1분 뒤에 다시 시도해 주세요." };
			emit("failed", job.error);
			return;
		}
		job.state = "drawing";
		const slow = job.prompt.includes("slow"); // so slow that a busy machine still finds it being drawn
		const steps = slow ? 400 : 16;
		for (let step = 1; step <= steps && job.state === "drawing"; step++) {
			await wait(slow ? 1500 : 160);
			job.progress = step / steps;
			emit("drawing", { progress: job.progress });
			for (let index = 0; index < job.count; index++) {
				const rows = Math.max(0, Math.min(1, step / steps - index * 0.03));
				const image = `data:image/svg+xml;base64,${Buffer.from(scene(job.seed + index, rows)).toString("base64")}`;
				emit("preview", { index, progress: rows, width: SIZE, height: SIZE, rows, image });
			}
		}
		if (job.state === "cancelled") {
			emit("cancelled", {});
			return;
		}
		job.media = Array.from({ length: job.count }, (_, index) => picture(job.seed + index, job.prompt, job.style, SIZE, job.id));
		for (const one of job.media) one.source = job.source;
		job.state = "finished";
		job.model = "madang-1";
		job.progress = 1;
		emit("finished", { media: job.media, seed: job.seed, model: job.model, maker: job.maker });
	};
	const shownJob = ({ events: _events, listeners: _listeners, owner: _owner, ...rest }) => rest;

	async function readBody(request) {
		const parts = [];
		for await (const part of request) parts.push(part);
		const text = Buffer.concat(parts).toString();
		try {
			return JSON.parse(text || "{}");
		} catch {
			return Object.fromEntries([...text.matchAll(/name="([^"]+)"\r\n\r\n([^\r]*)/g)].map((found) => [found[1], found[2]]));
		}
	}

	const routes = [];
	const on = (method, pattern, handle, free = false) => routes.push({ method, parts: pattern.split("/"), handle, free });
	const fail = (code, error, more = {}) => Object.assign(new Error(error), { code, body: { error, ...more } });
	const paged = (list, query, path, size = 20) => {
		const limit = Math.min(40, Number(query.get("limit") ?? size));
		const max = query.get("max_id");
		const from = max ? list.findIndex((one) => one.id === max) + 1 : 0;
		const items = list.slice(from, from + limit);
		const rest = new URLSearchParams(query);
		rest.set("max_id", items.at(-1)?.id ?? "");
		return { items, link: from + limit < list.length ? `<${base()}${path}?${rest}>; rel="next"` : null };
	};
	const sessionOf = (me) => ({ account: me ? { ...open(me), source: { note: me.note.replace(/<[^>]+>/g, ""), fields: me.fields, privacy: "public", language: null } } : null, csrf_token: "mock", role: me?.role ?? "user", totp: false, setup_required: state.setup, registrations: state.registrations });
	const find = (wanted) => statuses.find((one) => one.id === wanted) ?? (() => { throw fail(404, "Record not found"); })();
	const login = (context, who) => {
		const token = `t${id()}`;
		sessions.set(token, who.id);
		context.cookie = `madang_session=${token}; Path=/; HttpOnly; SameSite=Lax`;
		return sessionOf(who);
	};

	on("GET", "/api/madang/v1/session", ({ me }) => sessionOf(me), true);
	on("POST", "/api/madang/v1/session", (context) => {
		const who = [...accounts.values()].find((one) => one.username === context.body.username);
		if (!who || who.password !== context.body.password) throw fail(401, "Wrong name or password");
		return login(context, who);
	}, true);
	on("DELETE", "/api/madang/v1/session", ({ token }) => (sessions.delete(token), {}));
	// Mails and guesses are written in it.
	const spoken = (locale) => {
		if (!["en", "ko", "ja"].includes(locale)) throw fail(422, "Validation failed: locale is missing", { field: "locale" });
	};
	on("PATCH", "/api/madang/v1/session", ({ body }) => (spoken(body.locale), {}));
	on("POST", "/api/madang/v1/setup", (context) => {
		if (!state.setup) throw fail(403, "Already set up");
		spoken(context.body.locale);
		state.setup = false;
		const who = account(context.body.username, context.body.username);
		who.password = context.body.password;
		return login(context, who);
	}, true);
	on("POST", "/api/madang/v1/signup", (context) => {
		const { username, password, locale } = context.body;
		spoken(locale);
		if ([...accounts.values()].some((one) => one.username === username)) throw fail(422, "Validation failed: username is taken. Choose another.", { field: "username" });
		const who = account(username, username);
		who.password = password;
		return login(context, who);
	}, true);
	on("GET", "/api/madang/v1/invitations/:id", ({ params }) => ({ code: params.id, valid: true, expires_at: null, uses_left: 1 }), true);
	on("GET", "/api/madang/v1/sessions", () => [
		{ id: "1", current: true, kind: "browser", name: "Chromium, Linux", created_at: new Date().toISOString(), last_used_at: null },
		{ id: "2", current: false, kind: "app", name: "Tusky", created_at: new Date(now - 3e8).toISOString(), last_used_at: new Date(now - 2e7).toISOString() },
	]);
	on("DELETE", "/api/madang/v1/sessions/:id", () => ({}));
	on("POST", "/api/madang/v1/password", ({ me, body }) => {
		if (body.current_password !== me.password) throw fail(422, "Validation failed: the current password is wrong", { field: "current_password" });
		me.password = body.password;
		return {};
	});
	on("POST", "/api/madang/v1/totp", () => ({ secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", uri: "otpauth://totp/madang?secret=JBSWY3DPEHPK3PXP" }));
	const recovery = { left: 0 };
	const recoveryCodes = () => {
		recovery.left = 10;
		return { recovery_codes: Array.from({ length: 10 }, () => `code-${id().slice(-4)}-${id().slice(-4)}`) };
	};
	on("POST", "/api/madang/v1/totp/confirm", recoveryCodes);
	on("GET", "/api/madang/v1/totp/recovery_codes", () => recovery);
	on("POST", "/api/madang/v1/totp/recovery_codes", recoveryCodes);
	on("GET", "/api/madang/v1/authorize", () => ({ name: "Tusky", website: "https://tusky.app", scopes: ["read", "write", "follow"] }), true);
	on("POST", "/api/madang/v1/authorize", () => ({ code: "example-code" }));
	on("POST", "/api/madang/v1/profile_picture", ({ me, body }) => {
		me[body.kind] = media.get(body.media_id).url;
		return sessionOf(me).account;
	});
	on("GET", "/api/madang/v1/studio", () => ({
		makers: [
			{ id: "builtin", name: "Madang 1", kind: "builtin", available: true, reason: null, styles: STYLES, tasks: ["draw", "restyle", "vary", "edit"], controls: ["style", "seed", "guidance", "region", "count"], count_max: 4, prompt_length_max: 1000, width: SIZE, height: SIZE, consent_required: false, consent_given: true, host: null },
			{ id: "openai", name: "Big Painter", kind: "remote", available: true, reason: null, styles: [], tasks: ["draw"], controls: ["count"], count_max: 2, prompt_length_max: 4000, width: 1024, height: 1024, consent_required: true, consent_given: state.consent, host: "pictures.example.com" },
		],
		examples: [
			{ prompt: { en: "First snow in a small courtyard, one red persimmon left", ko: "첫눈 내린 작은 마당, 하나 남은 붉은 감", ja: "初雪の小さな庭、ひとつ残った赤い柿" }, style: "ink" },
			{ prompt: { en: "A cat on a tiled roof under a full moon", ko: "보름달 아래 기와지붕 위의 고양이", ja: "満月の瓦屋根と猫" }, style: "minhwa" },
			{ prompt: { en: "A harbour town waking up in fog", ko: "안개 속에서 깨어나는 항구 마을", ja: "霧の中で目覚める港町" }, style: "watercolour" },
			{ prompt: { en: "A paper lantern on a stone wall", ko: "돌담 위의 종이 등불", ja: "石垣の上の紙の灯り" }, style: "3d" },
		],
		defaults: { maker: "builtin", count: 1, guidance: 3, prompt_visibility: "public" },
	}), true);
	on("POST", "/api/madang/v1/studio/consent", () => ((state.consent = true), {}));
	on("POST", "/api/madang/v1/jobs", ({ me, body }) => {
		if (!body.prompt) throw fail(422, "Validation failed: prompt can't be empty", { field: "prompt" });
		const from = body.source?.status_id ? find(body.source.status_id) : null;
		const seed = body.seed ?? 100 + Math.floor(Math.random() * 4000);
		const job = { id: id(), owner: me.id, state: "queued", task: body.task ?? "draw", prompt: body.prompt, style: body.style ?? null, seed, count: body.count ?? 1, guidance: body.guidance ?? 3, maker: body.maker ?? "builtin", model: null, position: state.busy ? 3 : 1, wait: { low_s: 3, high_s: 8 }, progress: 0, media: [], error: null, source: body.source ? { media_id: null, status_id: from?.id ?? null, preview_url: null } : null, created_at: new Date().toISOString(), started_at: null, finished_at: null, events: [], listeners: new Set() };
		jobs.unshift(job);
		void run(job);
		return shownJob(job);
	});
	on("GET", "/api/madang/v1/jobs", ({ me, query }) => {
		const page = paged(jobs.filter((one) => one.owner === me.id), query, "/api/madang/v1/jobs");
		return { items: page.items.map(shownJob), link: page.link };
	});
	on("DELETE", "/api/madang/v1/jobs/:id", ({ params }) => {
		const at = jobs.findIndex((one) => one.id === params.id);
		const job = jobs[at];
		if (!job) throw fail(404, "Record not found");
		if (job.state === "queued" || job.state === "drawing") job.state = "cancelled";
		else jobs.splice(at, 1);
		return {};
	});
	on("GET", "/api/madang/v1/explore", ({ query, me }) => {
		const wanted = statuses.filter((one) => one.madang.made_with && one.visibility === "public" && (!query.get("style") || one.madang.made_with.style === query.get("style")) && (!query.get("tag") || one.content.includes(`#<span>${query.get("tag")}`)));
		const page = paged(wanted, query, "/api/madang/v1/explore", 30);
		return { items: page.items.map((one) => seen(one, me)), link: page.link };
	}, true);
	on("GET", "/api/madang/v1/lineage/:id", ({ params, me }) => {
		let top = find(params.id);
		while (top.madang.remix_of) top = find(top.madang.remix_of.id);
		let count = 0;
		const node = (one, parent) => {
			count++;
			return { id: one.id, status: one.deleted ? null : seen(one, me), deleted: Boolean(one.deleted), parent_id: parent, created_at: one.created_at, children: statuses.filter((other) => other.madang.remix_of?.id === one.id).map((child) => node(child, one.id)) };
		};
		return { root: node(top, null), current: params.id, get count() { return count; }, truncated: false };
	}, true);
	on("GET", "/api/madang/v1/admin/overview", () => ({ version: "0.1", uptime_s: 93600, accounts: accounts.size, statuses: statuses.length, media_count: media.size, media_bytes: 48_300_000, disk_free_bytes: 61e9, disk_total_bytes: 128e9, database: "sqlite", memory_bytes: 212e6, jobs_queued: 2, jobs_running: 1, streams: sockets.size }));
	on("GET", "/api/madang/v1/admin/settings", () => ({ title: "달빛 마당", description: "", registrations: state.registrations, contact_email: "yard@example.org", rules: "서로 아껴요", hold_first_posts: 0 }));
	on("PATCH", "/api/madang/v1/admin/settings", ({ body }) => Object.assign(state, { registrations: body.registrations }) && body);
	on("GET", "/api/madang/v1/admin/accounts", ({ query }) => ({ items: query.get("state") === "active" ? [...accounts.values()].map((one) => ({ id: one.id, username: one.username, email: `${one.username}@example.org`, state: "active", role: one.role, reason: null, created_at: one.created_at, last_sign_in_at: one.created_at, statuses_count: one.statuses_count, media_bytes: 3_100_000 * one.followers_count, account: open(one) })) : [], link: null }));
	on("GET", "/api/madang/v1/admin/invitations", () => [{ id: "1", code: "abc", url: `${base()}/signup?invitation=4f9K2m`, uses: 1, max_uses: 5, expires_at: new Date(now + 6e8).toISOString(), created_at: new Date(now).toISOString(), revoked: false }]);
	on("POST", "/api/madang/v1/admin/invitations", ({ body }) => ({ id: id(), code: "x", url: `${base()}/signup?invitation=Xy7Pq1`, uses: 0, max_uses: body.max_uses ?? null, expires_at: null, created_at: new Date().toISOString(), revoked: false }));
	on("GET", "/api/madang/v1/admin/queue", () => jobs.filter((one) => one.state === "queued" || one.state === "drawing").map((one) => ({ ...shownJob(one), account: open(accounts.get(one.owner)) })));
	on("GET", "/api/v2/instance", () => ({ title: "달빛 마당", domain: host, version: "0.1", description: "", configuration: { statuses: { max_characters: 1000, max_media_attachments: 4 }, polls: { max_options: 4, max_characters_per_option: 50, min_expiration: 300, max_expiration: 2629746 } }, api_versions: { mastodon: 7 } }), true);
	on("GET", "/api/v1/trends/tags", () => ["마당", "겨울", "moon", "霧", "봄"].map((name) => ({ name, url: `/tags/${name}` })), true);
	const timeline = (path, wanted) => on("GET", path, ({ query, me, params }) => {
		const page = paged(statuses.filter((one) => wanted(one, me, params, query)), query, path.replace(":id", params.id ?? ""));
		return { items: page.items.map((one) => seen(one, me)), link: page.link };
	}, true);
	timeline("/api/v1/timelines/home", (one, me) => !one.in_reply_to_id && (one.account.id === me?.id || follows.has(`${me?.id}:${one.account.id}`)));
	timeline("/api/v1/timelines/public", (one) => one.visibility === "public" && !one.in_reply_to_id);
	timeline("/api/v1/accounts/:id/statuses", (one, me, params, query) => one.account.id === params.id && (!query.get("only_media") || one.media_attachments.length > 0) && (!query.get("exclude_replies") || !one.in_reply_to_id));
	timeline("/api/v1/bookmarks", (one, me) => one.marks.has(me?.id));
	on("GET", "/api/v1/accounts/lookup", ({ query }) => open([...accounts.values()].find((one) => one.acct === query.get("acct")) ?? (() => { throw fail(404, "Record not found"); })()), true);
	const relation = (me, other) => ({ id: other, following: follows.has(`${me.id}:${other}`), followed_by: follows.has(`${other}:${me.id}`), blocking: false, muting: false, requested: false, endorsed: false, note: notes.get(`${me.id}:${other}`) ?? "" });
	const notes = new Map();
	on("POST", "/api/v1/accounts/:id/note", ({ me, params, body }) => (notes.set(`${me.id}:${params.id}`, body.comment), relation(me, params.id)));
	on("GET", "/api/v1/accounts/relationships", ({ query, me }) => query.getAll("id[]").map((one) => relation(me, one)));
	on("POST", "/api/v1/accounts/:id/follow", ({ me, params }) => (follows.add(`${me.id}:${params.id}`), notify(accounts.get(params.id), "follow", me, null), relation(me, params.id)));
	on("POST", "/api/v1/accounts/:id/unfollow", ({ me, params }) => (follows.delete(`${me.id}:${params.id}`), relation(me, params.id)));
	on("GET", "/api/v1/accounts/:id/followers", ({ params }) => [...accounts.values()].filter((one) => follows.has(`${one.id}:${params.id}`)).map(open), true);
	on("GET", "/api/v1/accounts/:id/following", ({ params }) => [...accounts.values()].filter((one) => follows.has(`${params.id}:${one.id}`)).map(open), true);
	on("PATCH", "/api/v1/accounts/update_credentials", ({ me, body }) => {
		if (body.display_name) me.display_name = body.display_name;
		if (body.note !== undefined) me.note = body.note ? `<p>${escape(body.note)}</p>` : "";
		return sessionOf(me).account;
	});
	on("POST", "/api/v1/markers", ({ me }) => (notifications.forEach((one) => one.to === me.id && (one.read = true)), {}));
	on("GET", "/api/v2/search", ({ query, me }) => {
		const text = (query.get("q") ?? "").toLowerCase();
		return { accounts: [...accounts.values()].filter((one) => (one.username + one.display_name).toLowerCase().includes(text)).map(open), statuses: statuses.filter((one) => `${one.content}${one.madang.prompt}`.toLowerCase().includes(text)).slice(0, 5).map((one) => seen(one, me)), hashtags: ["마당", "moon"].filter((name) => name.includes(text)).map((name) => ({ name, url: "" })) };
	}, true);
	on("PUT", "/api/v1/media/:id", ({ params, body }) => Object.assign(media.get(params.id), { description: body.description }));
	on("POST", "/api/v1/statuses", ({ me, body }) => {
		const pictures = (body.media_ids ?? []).map((one) => media.get(one));
		const one = status(me, body.status, { pictures, reply: body.in_reply_to_id ?? null, remix: pictures[0]?.source?.status_id ?? null, visibility: body.visibility, promptVisibility: body.madang?.prompt_visibility, remixable: body.madang?.remixable ?? true, sensitive: body.sensitive, warning: body.spoiler_text, age: now - Date.now() });
		const to = body.in_reply_to_id && find(body.in_reply_to_id);
		if (to) notify(accounts.get(to.account.id), "mention", me, one);
		const from = one.madang.remix_of && accounts.get(one.madang.remix_of.account.id);
		if (from) notify(from, "mention", me, one);
		announce(one);
		return seen(one, me);
	});
	on("GET", "/api/v1/statuses/:id", ({ params, me }) => seen(find(params.id), me), true);
	on("DELETE", "/api/v1/statuses/:id", ({ params }) => {
		const one = find(params.id);
		one.deleted = true;
		one.visibility = "direct";
		for (const socket of sockets) socket.tell(["user"], "delete", one.id, true);
		return {};
	});
	on("GET", "/api/v1/statuses/:id/context", ({ params, me }) => {
		const ancestors = [];
		let at = find(params.id).in_reply_to_id;
		while (at) {
			const one = find(at);
			ancestors.unshift(seen(one, me));
			at = one.in_reply_to_id;
		}
		const below = (parent) => statuses.filter((one) => one.in_reply_to_id === parent).reverse().flatMap((one) => [seen(one, me), ...below(one.id)]);
		return { ancestors, descendants: below(params.id) };
	}, true);
	for (const [verb, field, type] of [["favourite", "likes", "favourite"], ["reblog", "boosts", "reblog"], ["bookmark", "marks", null]]) {
		on("POST", `/api/v1/statuses/:id/${verb}`, ({ params, me }) => {
			const one = find(params.id);
			one[field].add(me.id);
			if (type) notify(accounts.get(one.account.id), type, me, one);
			return seen(one, me);
		});
		on("POST", `/api/v1/statuses/:id/un${verb}`, ({ params, me }) => (find(params.id)[field].delete(me.id), seen(find(params.id), me)));
	}

	for (const [path, field] of [["favourited_by", "likes"], ["reblogged_by", "boosts"]])
		on("GET", `/api/v1/statuses/:id/${path}`, ({ params }) => [...find(params.id)[field]].map((one) => open(accounts.get(one))), true);
	on("GET", "/api/v1/statuses/:id/quotes", ({ me }) => statuses.slice(4, 6).map((one) => seen(one, me)), true);
	on("PUT", "/api/v1/statuses/:id/interaction_policy", ({ params, body, me }) => {
		const one = find(params.id);
		one.quote_approval = { automatic: body.quote_approval_policy === "nobody" ? [] : [body.quote_approval_policy], manual: [], current_user: "automatic" };
		return seen(one, me);
	});

	addMore({ on, id, open, accounts, statuses, seen, notifications, media, fail });

	function matched(method, path) {
		const parts = path.split("/");
		for (const route of routes) {
			if (route.method !== method || route.parts.length !== parts.length) continue;
			const params = {};
			if (route.parts.every((part, i) => (part.startsWith(":") ? ((params[part.slice(1)] = decodeURIComponent(parts[i])), true) : part === parts[i]))) return { route, params };
		}
		return null;
	}

	const tokenOf = (request) => /madang_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];

	async function file(path, response) {
		const wanted = normalize(path).replace(/^\/+/, "");
		for (const name of [wanted, "index.html"]) {
			try {
				const data = await readFile(join(DIST, name || "index.html"));
				response.writeHead(200, { "Content-Type": TYPES[extname(name || "index.html")] ?? "application/octet-stream", "Content-Security-Policy": CSP });
				response.end(data);
				return;
			} catch {
				// The front end decides what an unknown path shows.
			}
		}
		response.writeHead(404).end();
	}

	function events(job, request, response) {
		response.writeHead(200, { "Content-Type": "text/event-stream" });
		const write = (event, data, number) => {
			response.write(`id: ${number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
			if (["finished", "failed", "cancelled"].includes(event)) response.end();
		};
		const since = Number(request.headers["last-event-id"] ?? 0);
		job.events.slice(since).forEach(({ event, data }, index) => write(event, data, since + index + 1));
		job.listeners.add(write);
		request.on("close", () => job.listeners.delete(write));
	}

	const server = createServer(async (request, response) => {
		const url = new URL(request.url, "http://mock");
		const picturePath = /^\/media\/(scene|face)\/(\d+)\.svg$/.exec(url.pathname);
		if (picturePath) {
			response.writeHead(200, { "Content-Type": "image/svg+xml" });
			response.end(picturePath[1] === "face" ? face(Number(picturePath[2])) : scene(Number(picturePath[2]), 1, Number(url.searchParams.get("h") ?? SIZE)));
			return;
		}
		if (!url.pathname.startsWith("/api/")) return file(url.pathname, response);
		const stream = /^\/api\/madang\/v1\/jobs\/(\d+)\/events$/.exec(url.pathname);
		const job = stream && jobs.find((one) => one.id === stream[1]);
		if (job?.events) return events(job, request, response);
		const token = tokenOf(request);
		const me = accounts.get(sessions.get(token));
		const headers = { "Content-Type": "application/json", "Content-Security-Policy": "default-src 'none'" };
		try {
			const found = matched(request.method, url.pathname);
			if (!found) throw fail(404, "Record not found");
			if (!found.route.free && !me) throw fail(401, "The access token is invalid");
			if (request.method !== "GET" && request.headers["x-csrf-token"] !== "mock") throw fail(403, "CSRF token missing");
			const context = { me, token, params: found.params, query: url.searchParams, body: request.method === "GET" ? {} : await readBody(request), cookie: null };
			let answer = found.route.handle(context);
			if (answer?.items && "link" in answer) {
				if (answer.link) headers.Link = answer.link;
				answer = answer.items;
			}
			if (context.cookie) headers["Set-Cookie"] = context.cookie;
			response.writeHead(200, headers).end(JSON.stringify(answer));
		} catch (error) {
			response.writeHead(error.code ?? 500, headers).end(JSON.stringify(error.body ?? { error: String(error) }));
		}
	});
	const hub = new WebSocketServer({ server, path: "/api/v1/streaming" });
	hub.on("connection", (socket, request) => {
		socket.account = sessions.get(tokenOf(request));
		socket.streams = new Set();
		socket.tell = (stream, event, payload, plain = false) => socket.send(JSON.stringify({ stream, event, payload: plain ? payload : JSON.stringify(payload) }));
		socket.on("message", (data) => {
			const { type, stream } = JSON.parse(String(data));
			if (type === "subscribe") socket.streams.add(stream);
			else socket.streams.delete(stream);
		});
		socket.on("close", () => sockets.delete(socket));
		sockets.add(socket);
	});
	return new Promise((resolve) => {
		server.listen(port, host, () =>
			resolve({
				url: base(),
				state,
				close: () => {
					for (const socket of sockets) socket.terminate();
					server.closeAllConnections();
					server.close();
				},
			}),
		);
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const mock = await startMock({ port: Number(process.argv[2] ?? 8088), empty: process.argv[3] === "empty" });
	console.log(mock.url);
}
