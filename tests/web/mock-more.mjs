// The stand-in's other half: lists, filters, early access, administration. Samples of each shape in docs/api.md, enough to
// look at every page; what they do is tested against the real server.

export function addMore({ on, id, open, accounts, statuses, seen, notifications, media, fail }) {
	const soon = (hours) => new Date(Date.now() + hours * 36e5).toISOString();
	const people = () => [...accounts.values()];
	const lists = [{ id: "1", title: "그림 친구들", replies_policy: "list", exclusive: false }];
	const members = new Map([["1", []]]);
	const filters = [{ id: "1", title: "스포일러", context: ["home", "public"], expires_at: null, filter_action: "warn", keywords: [{ id: "2", keyword: "결말", whole_word: true }], statuses: [] }];
	const made = { action: "none", makers: [] };
	const find = (list, wanted) => list.find((one) => one.id === wanted) ?? (() => { throw fail(404, "Record not found"); })();

	on("GET", "/api/v2/notifications", ({ me, query }) => {
		const types = query.getAll("types[]");
		const mine = notifications.filter((one) => one.to === me.id && (types.length === 0 || types.includes(one.type)));
		const groups = new Map();
		for (const one of mine) {
			const key = ["favourite", "reblog", "follow"].includes(one.type) ? `${one.type}-${one.status?.id ?? ""}` : `ungrouped-${one.id}`;
			const group = groups.get(key) ?? { group_key: key, notifications_count: 0, type: one.type, most_recent_notification_id: Number(one.id), page_max_id: one.id, sample_account_ids: [], status_id: one.status?.id ?? null, latest_page_notification_at: one.created_at };
			group.notifications_count++;
			group.sample_account_ids.push(one.account.id);
			groups.set(key, group);
		}
		return { accounts: mine.map((one) => one.account), statuses: mine.flatMap((one) => one.status ?? []), notification_groups: [...groups.values()] };
	});
	on("GET", "/api/v2/notifications/unread_count", ({ me }) => ({ count: notifications.filter((one) => one.to === me.id && !one.read).length }));
	on("GET", "/api/v2/notifications/policy", () => ({ for_not_following: "accept", for_not_followers: "accept", for_new_accounts: "filter", for_private_mentions: "filter", for_limited_accounts: "drop", summary: { pending_requests_count: 1, pending_notifications_count: 3 } }));
	on("GET", "/api/v1/notifications/requests", () => people().slice(3, 4).map((one) => ({ id: "1", account: open(one), notifications_count: "3", last_status: null })));
	on("GET", "/api/madang/v1/notices", () => []);
	const told = { id: "1", content: "<p>오늘 밤 아홉 시에 마당을 열어요</p>", starts_at: null, ends_at: null, all_day: false, published: true, published_at: new Date().toISOString(), updated_at: new Date().toISOString(), read: true, mentions: [], emojis: [], reactions: [{ name: "🎉", count: 3, me: true }], madang: { pinned: true, live: true, thread_id: statuses[0]?.id ?? "1", thread: null, text: "오늘 밤 아홉 시에 마당을 열어요", scheduled_at: null } };
	for (const path of ["/api/v1/announcements", "/api/madang/v1/admin/announcements"]) on("GET", path, () => [told]);
	const gam = { id: "1", shortcode: "gam", url: "/icon.svg", static_url: "/icon.svg", visible_in_picker: true, category: "마당", disabled: false, created_at: new Date().toISOString() };
	for (const path of ["/api/v1/custom_emojis", "/api/madang/v1/admin/emojis"]) on("GET", path, () => [gam]);
	on("GET", "/api/madang/v1/admin/word_blocks", () => [{ id: "1", phrase: "카지노", action: "refuse", whole_word: false, comment: "광고", created_at: new Date().toISOString() }]);
	on("GET", "/api/v1/admin/domain_blocks", () => [{ id: "1", domain: "a-rather-long-name-of-a-server.example.net", severity: "silence", reject_media: true, reject_reports: false, obfuscate: false, private_comment: "", public_comment: "광고가 많아요", created_at: new Date().toISOString() }]);
	on("GET", "/api/v1/admin/email_domain_blocks", () => [{ id: "1", domain: "throwaway.example", allow_with_approval: true, created_at: new Date().toISOString() }]);
	on("GET", "/api/v1/admin/ip_blocks", () => [{ id: "1", ip: "198.51.100.0/24", severity: "no_access", comment: "", expires_at: soon(90), created_at: new Date().toISOString() }]);
	on("GET", "/api/madang/v1/admin/documents", () => [{ kind: "extended_description", text: "# 달빛 마당", content: "<h1>달빛 마당</h1>", effective_date: null, updated_at: new Date().toISOString() }]);
	for (const kind of ["extended_description", "privacy_policy", "terms_of_service"]) on("GET", `/api/v1/instance/${kind}`, () => ({ content: "<h2>달빛 마당</h2><ul><li>그림을 그려요</li></ul>", updated_at: new Date().toISOString() }), true);
	on("GET", "/api/madang/v1/exports", () => ({ follows: 4, blocks: 0, mutes: 1, domain_blocks: 1, bookmarks: 1204, lists: 2 }));
	on("GET", "/api/madang/v1/imports", () => ["running", "finished"].map((state, index) => ({ id: String(index + 1), type: "follows", mode: "merge", state, total: 120, processed: 60, imported: 58, removed: 0, failed: 2, created_at: new Date().toISOString(), finished_at: null })));
	on("GET", "/api/v1/lists", () => lists);
	on("POST", "/api/v1/lists", ({ body }) => {
		const list = { id: id(), title: body.title, replies_policy: "list", exclusive: false };
		lists.push(list);
		members.set(list.id, []);
		return list;
	});
	on("GET", "/api/v1/lists/:id", ({ params }) => find(lists, params.id));
	on("GET", "/api/v1/lists/:id/accounts", ({ params }) => members.get(params.id).map((one) => open(accounts.get(one))));
	on("GET", "/api/v1/timelines/list/:id", () => []);
	on("GET", "/api/v2/filters", () => filters);
	on("GET", "/api/madang/v1/made_filter", () => made);
	on("GET", "/api/v1/conversations", ({ me }) => people().slice(1, 3).map((one) => ({ id: one.id, unread: true, accounts: [open(one)], last_status: seen(statuses.find((other) => other.account.id === one.id), me) })));
	on("GET", "/api/v1/scheduled_statuses", () => [{ id: "1", scheduled_at: soon(5), params: { text: "내일 아침에 읽어 주세요", spoiler_text: null, visibility: "public", poll: { options: ["하나", "둘"] } }, media_attachments: [...media.values()].slice(0, 1) }]);
	on("GET", "/api/v1/followed_tags", () => [{ id: "1", name: "마당", url: "/tags/마당", following: true, history: [] }]);
	on("GET", "/api/v1/tags/:id", ({ params }) => ({ id: "1", name: params.id, url: `/tags/${params.id}`, following: false, history: [] }), true);
	const featured = [{ id: "1", name: "마당", statuses_count: 3, last_status_at: "2026-11-02" }, { id: "2", name: "겨울", statuses_count: 1, last_status_at: "2026-11-02" }];
	on("GET", "/api/v1/accounts/:id/featured_tags", () => featured, true);
	on("GET", "/api/v1/featured_tags", () => featured);
	on("GET", "/api/v1/featured_tags/suggestions", () => [{ id: "3", name: "봄", url: "/tags/봄", history: [] }]);
	on("POST", "/api/v1/featured_tags", ({ body }) => (featured.push({ id: id(), name: body.name, statuses_count: 0, last_status_at: null }), featured.at(-1)));
	on("GET", "/api/v1/accounts/:id/endorsements", ({ params }) => people().slice(3, 5).filter((one) => one.id !== params.id).map(open), true);
	on("GET", "/api/v1/accounts/familiar_followers", ({ query }) => query.getAll("id[]").map((one) => ({ id: one, accounts: people().slice(1, 4).map(open) })));
	on("GET", "/api/v1/follow_requests", () => people().slice(4, 5).map(open));
	for (const path of ["/api/v1/blocks", "/api/v1/mutes"]) on("GET", path, () => people().slice(5, 6).map(open));
	on("GET", "/api/v1/domain_blocks", () => ["example.net"]);
	on("GET", "/api/v1/directory", () => people().map(open), true);
	on("GET", "/api/v2/suggestions", () => people().slice(2, 4).map((one) => ({ source: "staff", account: open(one) })));
	on("GET", "/api/v1/trends/statuses", ({ me }) => statuses.slice(0, 3).map((one) => seen(one, me)), true);
	on("GET", "/api/v1/trends/links", () => [{ url: "https://example.org/a", title: "감나무 아래에서", description: "가을 마당 이야기", provider_name: "example.org", image: null, history: [{ day: "1", accounts: "2", uses: "3" }] }], true);
	on("GET", "/api/v1/favourites", ({ me }) => statuses.slice(0, 2).map((one) => seen(one, me)));

	const token = { id: "1", name: "노트북", hint: "mad-Ab3d…", scopes: ["read", "write:media"], makers: [], tasks: [], networks: [], origins: [], programme_id: null, state: "confirm", reason: "9 networks in an hour", use_count: 1204, last_used_at: new Date(Date.now() - 9e5).toISOString(), last_used_network: "198.51.100.0/24", expires_at: soon(900), created_at: new Date().toISOString() };
	const programme = { id: "1", name: "Big Painter 2", description: "새 그림 모델을 먼저 써 보는 사람들", makers: ["openai"], models: [], tasks: [], places: 40, places_left: 12, starts_at: soon(-48), ends_at: soon(500), state: "open", terms: "그린 것은 먼저 살펴봅니다.", review: "before_publish", review_hours: 48, questions: ["무엇이 좋았나요?"], listed: true, membership: null };
	const review = (me) => ({ id: "1", state: "pending", reason: null, visibility: "public", programme: { id: "1", name: "Big Painter 2" }, status: seen(statuses[1], me), deadline_at: soon(20), overdue: false, created_at: new Date().toISOString(), decided_at: null, account: open(people()[1]) });
	on("GET", "/api/madang/v1/tokens", () => [token]);
	on("GET", "/api/madang/v1/programmes", () => [programme]);
	on("GET", "/api/madang/v1/programmes/:id", () => programme);
	on("GET", "/api/madang/v1/credits", () => ({ balance: 12, entries: [{ id: "1", amount: 12, balance: 12, reason: "Big Painter 2", created_at: new Date().toISOString() }] }));
	on("GET", "/api/madang/v1/reviews", ({ me }) => [review(me)]);
	const load = { level: 1, name: "fewer_previews", count_max: 4, melting: false, message: null, retry_after_s: 0, queued: 7, drawing: 4 };
	on("GET", "/api/madang/v1/admin/load", () => ({ ...load, set_level: "auto", banner: "auto", utilisation: 0.84, queue_age_s: 12, memory_free: 0.41, pictures_per_cpu_s: 1.92, pictures_per_joule: null, energy_readable: false, prefixes: { computed: 8, shared: 5, tokens_computed: 121, tokens_shared: 74 }, joined: 3, workers: [{ name: "yard-1", makers: ["builtin"], slots: 4, busy: 3, seen_at: new Date().toISOString(), here: true }] }));
	on("GET", "/api/madang/v1/admin/makers", () => [{ id: "builtin", name: "Madang 1", kind: "builtin", local: true, paused: false, reason: null, cost: 1, slots: 4, busy: 3, queued: 7, drawing: 4, service: { samples: 812, p10_s: 0.4, p50_s: 0.6, p90_s: 1.4 }, promises: { kept: 771, broken: 41 } }]);
	on("GET", "/api/madang/v1/admin/quotas", () => [{ id: "1", subject: "role", subject_id: "user", unit: "pictures", amount: 50, window: "day", refill: "steady", shared: false, created_at: new Date().toISOString() }]);
	on("GET", "/api/madang/v1/admin/groups", () => [{ id: "1", name: "동아리", members: 4 }]);
	on("GET", "/api/madang/v1/admin/programmes", () => [{ ...programme, counts: { applied: 3, invited: 1, active: 28 } }]);
	on("GET", "/api/madang/v1/admin/revocations", () => []);
	on("GET", "/api/madang/v1/admin/reviews", ({ me }) => [review(me)]);
	on("GET", "/api/madang/v1/admin/feedback", () => [{ id: "1", programme_id: "1", media: [...media.values()][2], status_id: null, answers: ["손이 자연스러워요"], text: "", state: "open", credits: null, reason: null, created_at: new Date().toISOString(), account: open(people()[2]) }]);
	on("GET", "/api/madang/v1/admin/tokens", () => [{ ...token, account: open(people()[1]) }]);
	on("GET", "/api/madang/v1/admin/tokens/policy", () => ({ action: "confirm", networks_max: 8, agents_max: 12, requests_max: 600 }));
	const strike = { id: "1", action: "silence", text: "같은 글을 여러 번 올렸어요", target_account: open(people()[4] ?? { username: "nobody" }), appeal: { text: "몰랐어요. 조심할게요.", state: "pending" }, created_at: new Date().toISOString() };
	on("GET", "/api/madang/v1/strikes", () => []);
	on("GET", "/api/madang/v1/admin/appeals", () => [strike]);
	on("GET", "/api/madang/v1/admin/held", ({ me }) => [{ id: "1", reason: "first post", visibility: "public", created_at: new Date().toISOString(), status: seen(statuses[3], me) }]);
	on("GET", "/api/madang/v1/admin/audit", () => [{ id: "1", account_id: null, action: "account.limited", target_id: "2", detail: "spam", created_at: new Date().toISOString() }]);
	on("GET", "/api/madang/v1/admin/reports/:id/notes", () => []);
	const desk = (one) => ({ id: one.id, username: one.username, domain: null, email: null, disabled: false, silenced: false, suspended: false, account: open(one) });
	on("GET", "/api/v1/admin/reports", ({ me, query }) => (query.get("resolved") === "true" ? [] : [{ id: "1", action_taken: false, action_taken_at: null, category: "spam", comment: "같은 글을 여러 번 올려요", forwarded: false, created_at: new Date().toISOString(), account: desk(people()[1]), target_account: desk(people()[4]), assigned_account: null, action_taken_by_account: null, statuses: [seen(statuses[2], me)], rules: [] }]));
}
