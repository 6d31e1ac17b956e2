// Cards of links against a web server of the test's own: what a card has, when it comes, what is never fetched; links
// that trend, and moderators who take links and publishers out.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, describe } from "node:test";
import { createRestAPIClient } from "masto";
import "./audited.mjs";
import { section, test } from "./compatibility.mjs";
import { House, png, until } from "./house.mjs";

let house, closed, root, ana, bo, cho, a, r, site, inside, at, asked, pages;

before(async () => {
	asked = [];
	pages = {};
	inside = http.createServer((rq, rs) => {
		asked.push(rq.url);
		rs.writeHead(200, { "content-type": "text/html" }).end("<title>Secret</title>");
	}).listen(0, "127.0.0.1");
	await once(inside, "listening");
	site = http.createServer((rq, rs) => {
		asked.push(rq.url);
		const page = pages[rq.url.split("?")[0]];
		if (!page)
			rs.writeHead(404, { "content-type": "text/html" }).end("<title>Not here</title>");
		else
			page(rq, rs);
	}).listen(0, "127.0.0.1");
	await once(site, "listening");
	at = `http://127.0.0.1:${site.address().port}`;
	house = await House.start({ arguments: ["--private-addresses"] });
	root = house.account("root1", { admin: true });
	[ana, bo, cho] = ["ana", "bo", "cho"].map((n) => house.account(n));
	[a, r] = [ana, root].map((p) => createRestAPIClient({ url: house.url, accessToken: p.token }));
});
after(async () => {
	await house.stop();
	await closed?.stop();
	for (const server of [site, inside]) {
		server.closeAllConnections();
		server.close();
	}
});

const html = (head, type = "text/html; charset=utf-8") => (rq, rs) => rs.writeHead(200, { "content-type": type }).end(`<!doctype html><html lang="ko"><head>${head}</head><body><p>x`);
const say = async (who, status, more) => {
	const made = await who.call("POST", "/api/v1/statuses", { status, ...more });
	assert.equal(made.status, 200, JSON.stringify(made.body));
	return made.body;
};
const card = async (id) => (await a.v1.statuses.$select(id).fetch()).card;
const comes = (id) => until("the card", () => card(id), 30000);

describe("a card", () => {
	test("has what the page says of itself, and arrives behind the post with status.update", async () => {
		pages["/article"] = html(`<title>no</title><meta property="og:title" content="A &lt;page&gt;"><meta property="og:description" content="About
			it"><meta property="og:site_name" content="The Site"><meta name="author" content="Kim"><meta property="article:author" content="https://kim.example/">
			<meta property="article:published_time" content="2026-01-31T09:00:00Z"><meta property="og:image" content="${at}/image.png">`);
		const events = await house.listen("/api/v1/streaming/user", ana.token);
		const update = (async () => {
			for await (const e of events)
				if (e.event === "status.update")
					return JSON.parse(e.data);
		})();
		const post = await say(ana, `Read this: ${at}/article?x=1 and ${at}/other`);
		assert.equal(post.card, null); // the author waits for nobody
		const told = await update;
		assert.deepEqual([told.id, told.card.title, told.edited_at], [post.id, "A <page>", null]);
		const c = await comes(post.id);
		assert.deepEqual(c, { ...c, url: `${at}/article?x=1`, title: "A <page>", description: "About it", language: "ko", type: "link", authorName: "Kim",
			authorUrl: "https://kim.example/", providerName: "The Site", providerUrl: "http://127.0.0.1", html: "", width: 0, height: 0, image: null, embedUrl: "",
			blurhash: null, publishedAt: "2026-01-31T09:00:00.000Z", authors: [{ name: "Kim", url: "https://kim.example/", account: null }] });
		assert.ok(!asked.includes("/image.png") && !asked.includes("/other"));
		// Everybody else's post with this link has it at once, and nobody asks the page again.
		const second = await say(bo, `${at}/article?x=1`);
		assert.equal(second.card.title, "A <page>");
		assert.equal(asked.filter((u) => u === "/article?x=1").length, 1);
		assert.equal((await a.v1.timelines.home.list()).find((s) => s.id === post.id).card.title, "A <page>");
	});

	test("names that only oEmbed knows", async () => {
		pages["/embeds"] = html(`<title>A film</title><link rel="alternate" type="application/json+oembed" href="${at}/oembed">`);
		pages["/oembed"] = (rq, rs) => rs.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ type: "video", title: "x", author_name: "Lee", author_url: "javascript:1", provider_name: "Films", html: "<script>1</script>" }));
		const c = await comes((await say(ana, `${at}/embeds`)).id);
		assert.deepEqual([c.title, c.authorName, c.authorUrl, c.providerName, c.type, c.html], ["A film", "Lee", "", "Films", "link", ""]);
	});

	test("old encodings, endless pages, pages that lead on", async () => {
		pages["/euckr"] = (rq, rs) => rs.writeHead(200, { "content-type": "text/html; charset=euc-kr" }).end(Buffer.from([...Buffer.from("<title>"), 0xb8, 0xb6, 0xb4, 0xe7]));
		pages["/endless"] = (rq, rs) => {
			rs.writeHead(200, { "content-type": "text/html" });
			rs.write("<title>Endless</title>");
			const more = setInterval(() => rs.write("<script>".padEnd(65536, "x")), 1);
			rs.on("close", () => clearInterval(more));
		};
		assert.equal((await comes((await say(ana, `${at}/euckr`)).id)).title, "마당");
		assert.equal((await comes((await say(ana, `${at}/endless`)).id)).title, "Endless");
	});

	test("comes and goes with an edit, and goes with its last post", async () => {
		pages["/one"] = html("<title>One</title>");
		pages["/two"] = html("<title>Two</title>");
		const post = await say(ana, `${at}/one`);
		assert.equal((await comes(post.id)).title, "One");
		await ana.call("PUT", `/api/v1/statuses/${post.id}`, { status: `${at}/two` });
		await until("the other card", async () => (await card(post.id))?.title === "Two", 30000);
		await ana.call("PUT", `/api/v1/statuses/${post.id}`, { status: "no link" });
		assert.equal(await card(post.id), null);
		const again = await say(ana, `${at}/one`); // the first card was forgotten with its post
		assert.equal(again.card, null);
		await comes(again.id);
		await ana.call("DELETE", `/api/v1/statuses/${again.id}`);
		assert.equal((await say(bo, `${at}/one`)).card, null);
	});

	test("of a post for followers; not of direct posts, pictures, quotes, own pages, or links with a password", async () => {
		pages["/private"] = html("<title>Private</title>");
		pages["/never"] = html("<title>Never</title>");
		const quoted = await say(bo, "quote me");
		const form = new FormData();
		form.set("file", new Blob([png(64, 64)], { type: "image/png" }), "x.png");
		const media = await ana.call("POST", "/api/v1/media", form);
		assert.equal(media.status, 200);
		const posts = [
			await say(ana, `${at}/never?1`, { visibility: "direct" }),
			await say(ana, `${at}/never?2`, { media_ids: [media.body.id] }),
			await say(ana, `${at}/never?3`, { quoted_status_id: quoted.id }),
			await say(ana, `http://name:secret@127.0.0.1:${site.address().port}/never?4`),
			await say(ana, `${house.url}/@ana`),
		];
		assert.equal((await comes((await say(ana, `${at}/private`, { visibility: "private" })).id)).title, "Private");
		for (const post of posts)
			assert.equal(await card(post.id), null);
		assert.ok(!asked.some((u) => u.startsWith("/never")));
	});

	test("not of what says nothing, is no page, fails, or leads into a private network", async () => {
		pages["/empty"] = html("");
		pages["/file"] = (rq, rs) => rs.writeHead(200, { "content-type": "application/pdf" }).end("<title>x</title>");
		pages["/broken"] = (rq, rs) => rs.writeHead(500, { "content-type": "text/html" }).end("<title>x</title>");
		pages["/inside"] = (rq, rs) => rs.writeHead(302, { location: `http://127.0.0.1:${inside.address().port}/secret` }).end(); // only what was linked itself is trusted
		const posts = [];
		for (const path of ["empty", "file", "broken", "inside", "nowhere"])
			posts.push(await say(ana, `${at}/${path}`));
		await until("all are asked", () => ["/empty", "/file", "/broken", "/inside", "/nowhere"].every((u) => asked.includes(u)), 30000);
		pages["/last"] = html("<title>Last</title>");
		await comes((await say(ana, `${at}/last`)).id);
		for (const post of posts)
			assert.equal(await card(post.id), null);
		assert.ok(!asked.includes("/secret"));
	});

	test("a house that trusts no private network asks nothing of this machine", async () => {
		closed = await House.start();
		const dora = closed.account("dora");
		pages["/loopback"] = html("<title>Loopback</title>");
		const post = await say(dora, `${at}/loopback http://localhost:${site.address().port}/loopback`);
		await until("it is refused", () => /card\.failed.*private network/.test(closed.log), 30000);
		assert.equal((await dora.call("GET", `/api/v1/statuses/${post.id}`)).body.card, null);
		assert.ok(!asked.includes("/loopback"));
	});
});

describe("links that trend", () => {
	test("by how many people post them; moderators take out links and publishers", async () => {
		pages["/hot"] = html("<title>Hot</title>");
		pages["/warm"] = html("<title>Warm</title>");
		for (const who of [ana, bo, cho])
			await say(who, `${at}/hot`);
		for (const who of [ana, bo])
			await say(who, `${at}/warm`);
		await say(cho, `${at}/warm`, { visibility: "unlisted" });
		const list = async () => (await a.v1.trends.links.list()).map((l) => l.title).filter((t) => /Hot|Warm/.test(t));
		await until("they stand out", async () => (await list()).length === 2, 60000);
		assert.deepEqual(await list(), ["Hot", "Warm"]);
		const hot = (await a.v1.trends.links.list()).find((l) => l.title === "Hot");
		assert.deepEqual([hot.url, hot.history.length, hot.history[0].accounts, hot.history[0].uses, hot.id], [`${at}/hot`, 7, "3", "3", undefined]);
		const posts = async (url) => (await a.v1.timelines.link.list({ url, limit: 2 })).map((s) => s.card.title);
		assert.deepEqual(await posts(`${at}/hot`), ["Hot", "Hot"]);
		const all = [];
		for await (const page of a.v1.timelines.link.list({ url: `${at}/hot`, limit: 2 }))
			all.push(...page.map((s) => s.id));
		assert.equal(new Set(all).size, 3);
		assert.equal((await a.v1.timelines.link.list({ url: `${at}/warm` })).length, 2, "the unlisted one is not among them");
		await assert.rejects(posts(`${at}/nobody`), (e) => e.statusCode === 404);
		await assert.rejects(posts(" "), (e) => e.statusCode === 422);
		const seen = (await r.v1.admin.trends.links.list()).find((l) => l.title === "Hot");
		assert.deepEqual([seen.requiresReview, seen.trendable], [true, true]);
		assert.equal((await r.v1.admin.trends.links.$select(seen.id).reject()).trendable, false);
		assert.deepEqual(await list(), ["Warm"]);
		await assert.rejects(posts(`${at}/hot`), (e) => e.statusCode === 404);
		assert.equal((await r.v1.admin.trends.links.$select(seen.id).approve()).requiresReview, false);
		assert.deepEqual(await list(), ["Hot", "Warm"]);
		const publisher = (await r.v1.admin.trends.links.publishers.list()).find((p) => p.domain === "127.0.0.1");
		assert.equal(publisher.requiresReview, true);
		assert.equal((await r.v1.admin.trends.links.publishers.$select(publisher.id).reject()).trendable, false);
		assert.deepEqual(await list(), []);
		assert.equal((await r.v1.admin.trends.links.list()).filter((l) => l.title === "Hot").length, 1);
		await r.v1.admin.trends.links.publishers.$select(publisher.id).approve();
		assert.deepEqual(await list(), ["Hot", "Warm"]);
		const log = (await root.call("GET", "/api/madang/v1/admin/audit")).body;
		assert.ok(log.some((x) => x.action === "trend.reject"));
	});

	test("bad input, and who may", async () => {
		for (const route of ["links", "links/publishers"]) {
			const path = `/api/v1/admin/trends/${route}`;
			assert.equal((await house.call("GET", path)).status, 401);
			assert.equal((await ana.call("GET", path)).status, 403);
			assert.equal((await ana.call("POST", `${path}/1/reject`)).status, 403);
			assert.equal((await root.call("POST", `${path}/1/reject`)).status, 404);
			assert.equal((await root.call("POST", `${path}/x/approve`)).status, 404);
			assert.equal((await root.call("GET", `${path}?limit=0`)).status, 200);
			assert.equal((await root.call("GET", `${path}?offset=many`)).status, 422);
		}
		assert.equal((await house.call("GET", "/api/v1/trends/links?limit=-1")).status, 422);
	});
});

test("docs/compatibility.md says what this run has shown", () => section("cards.test.mjs", (r) => /trends\/links|timelines\/link/.test(r.name)));
