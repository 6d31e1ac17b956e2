// Nothing is lost by a slip of the finger, a slow network or a phone that slept: drafts, the place on a page, what came meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, settled } from "./pages.mjs";
import { dal, mock, open } from "./stage.mjs";

test("what was begun is there again: in the studio, in a post, in an answer; and gone once it was sent", async () => {
	const page = await dal();
	await open(page, "/studio");
	await page.fill("#studio-prompt", "a roof in the rain");
	await page.locator("[data-style]").first().click();
	await follow(page, "/explore");
	await page.goBack();
	await page.waitForFunction(() => document.querySelector("#studio-prompt")?.value === "a roof in the rain");
	await page.reload();
	await settled(page);
	assert.equal(await page.inputValue("#studio-prompt"), "a roof in the rain");
	assert.equal(await page.locator("[data-style]").first().getAttribute("aria-pressed"), "true");
	await page.click('[data-action="draw"]');
	await page.locator("[data-job]", { hasText: "a roof in the rain" }).first().waitFor();
	await page.reload();
	await settled(page);
	assert.equal(await page.inputValue("#studio-prompt"), "");

	await open(page, "/");
	await page.click('[data-action="write"]');
	await page.fill("#publish-text", "half a thought");
	await page.keyboard.press("Escape");
	await page.locator("dialog[open]").waitFor({ state: "detached" });
	await page.reload();
	await settled(page);
	await page.click('[data-action="write"]');
	assert.equal(await page.inputValue("#publish-text"), "half a thought");
	await page.click('[data-action="publish"]');
	await page.locator("dialog[open]").waitFor({ state: "detached" });
	await page.click('[data-action="write"]');
	assert.equal(await page.inputValue("#publish-text"), "");
	await page.keyboard.press("Escape");

	await page.locator("article a.when").first().click();
	const reply = page.locator('[data-action="reply-text"]').first();
	await reply.fill("so soft");
	await follow(page, "/explore");
	await page.goBack();
	await page.waitForFunction(() => document.querySelector('[data-action="reply-text"]')?.value === "so soft");
	await page.locator('[data-action="send-reply"]').first().click();
	await page.locator(".replies article", { hasText: "so soft" }).waitFor();
	await page.reload();
	await page.locator(".replies article", { hasText: "so soft" }).waitFor();
	assert.ok(!(await reply.inputValue()).includes("so soft"));
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("what was begun in the studio waits while a wish, an example or a remix is drawn, and is back after it", async () => {
	const page = await dal();
	const words = (wanted) => page.waitForFunction((text) => document.querySelector("#studio-prompt")?.value === text, wanted);
	await open(page, "/studio");
	await page.fill("#studio-prompt", "a long thought about the rain");
	await follow(page, "/");
	await page.fill(".wish input", "a lantern");
	await page.keyboard.press("Enter");
	await page.locator("[data-job]", { hasText: "a lantern" }).first().waitFor();
	await words("a long thought about the rain");
	await page.reload();
	await settled(page);
	assert.equal(await page.inputValue("#studio-prompt"), "a long thought about the rain");

	// A wish that can't be sent stays to be sent, and what waits behind it is not lost with the page.
	const busy = (route) => (route.request().method() === "POST" ? route.fulfill({ status: 503, json: { error: "Too busy. Try again in a minute." } }) : route.continue());
	await page.route("**/api/madang/v1/jobs", busy);
	await follow(page, "/");
	await page.fill(".wish input", "a kite");
	await page.keyboard.press("Enter");
	await page.locator("#studio-problem", { hasText: "Too busy" }).waitFor();
	assert.equal(await page.inputValue("#studio-prompt"), "a kite");
	await page.unroute("**/api/madang/v1/jobs", busy);
	await page.reload();
	await settled(page);
	assert.equal(await page.inputValue("#studio-prompt"), "a kite");
	await page.click('[data-action="draw"]');
	await words("a long thought about the rain");

	// Another look at a picture, dropped and drawn.
	await page.locator('[data-action="vary"]').first().click();
	await page.locator(".composer .source").waitFor();
	await page.locator(".composer .source button.ghost").click();
	await words("a long thought about the rain");
	await page.locator('[data-action="vary"]').first().click();
	await page.locator(".composer .source").waitFor();
	await page.click('[data-action="draw"]');
	await words("a long thought about the rain");
	await page.fill("#studio-prompt", "");
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("whoever writes an answer keeps the box while others answer; what was sent is out of it", async () => {
	const page = await dal();
	const other = await dal();
	const [one] = await (await fetch(`${mock.url}/api/v1/timelines/public?limit=40`)).json().then((all) => all.filter((status) => status.replies_count === 0 && !status.reblog));
	const path = `/@${one.account.acct}/${one.id}`;
	await open(page, path);
	await open(other, path);
	const box = page.locator('[data-action="reply-text"]');
	await box.click();
	await page.keyboard.type("half an ans");
	await other.locator('[data-action="reply-text"]').fill("somebody was quicker");
	await other.click('[data-action="send-reply"]');
	await page.locator(".replies article", { hasText: "somebody was quicker" }).waitFor();
	await page.keyboard.type("wer");
	assert.match(await box.inputValue(), /half an answer$/, "the cursor was not taken away");
	// The stream brings one's own answer before the server has answered.
	let go;
	const seen = new Promise((resolve) => (go = resolve));
	await page.route("**/api/v1/statuses", async (route) => {
		const response = await route.fetch();
		await seen;
		await route.fulfill({ response });
	});
	await page.click('[data-action="send-reply"]');
	await other.locator(".replies article", { hasText: "half an answer" }).waitFor();
	assert.ok(!(await box.inputValue()).includes("half"));
	go();
	await page.locator(".replies article", { hasText: "half an answer" }).waitFor();
	assert.equal(await page.locator(".replies article", { hasText: "half an answer" }).count(), 1);
	assert.ok(!(await box.inputValue()).includes("half"));
	assert.deepEqual(page.complaints, []);
	await page.context().close();
	await other.context().close();
});

test("a sheet stays when text is selected beyond its edge, and leaves with its page", async () => {
	const page = await dal();
	await open(page, "/explore");
	await follow(page, "/");
	await page.click('[data-action="write"]');
	await page.fill("#publish-text", "words to select");
	const box = await page.locator("#publish-text").boundingBox();
	await page.mouse.move(box.x + 90, box.y + 20);
	await page.mouse.down();
	await page.mouse.move(20, box.y + 20, { steps: 4 });
	await page.mouse.up();
	assert.equal(await page.locator("dialog[open]").count(), 1);
	await page.goBack();
	await page.waitForURL("**/explore");
	await page.locator("dialog[open]").waitFor({ state: "detached" });
	await page.goForward();
	await page.click('[data-action="write"]');
	await page.mouse.click(20, 20);
	await page.locator("dialog[open]").waitFor({ state: "detached" });
	await page.context().close();
});

test("going back finds the place again, however slowly the page comes; so does a reload", async () => {
	const page = await dal({ viewport: { width: 390, height: 500 } });
	await open(page, "/explore");
	await page.locator("main a.tile").first().click();
	await page.locator(".main-post").waitFor();
	const post = new URL(page.url()).pathname;
	const id = post.split("/").at(-1);
	const [one] = await (await fetch(`${mock.url}/api/v1/timelines/public?limit=1`)).json();
	const descendants = Array.from({ length: 30 }, (_, n) => ({ ...one, id: `77${n}`, in_reply_to_id: id, media_attachments: [], madang: null, content: `<p>answer ${n}</p>` }));
	await page.route(`**/api/v1/statuses/${id}/context`, async (route) => {
		await new Promise((resolve) => setTimeout(resolve, 700));
		await route.fulfill({ json: { ancestors: [], descendants } });
	});
	await page.reload();
	await page.locator(".reply").nth(29).waitFor();
	await page.evaluate(() => scrollTo(0, 2000));
	await page.waitForFunction(() => scrollY === 2000);
	await follow(page, "/explore");
	await page.goBack();
	await page.waitForFunction(() => document.querySelectorAll(".reply").length >= 30 && scrollY === 2000);
	await page.reload();
	await page.waitForFunction(() => document.querySelectorAll(".reply").length >= 30 && scrollY === 2000);
	// Who moves meanwhile is not pulled back.
	await page.reload();
	await page.locator(".main-post").waitFor();
	await page.keyboard.press("Home");
	await page.evaluate(() => scrollTo(0, 0));
	await page.locator(".reply").nth(29).waitFor();
	assert.equal(await page.evaluate(() => scrollY), 0);
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("the same place again is not one more step back", async () => {
	const page = await dal();
	await open(page, "/explore");
	await follow(page, "/");
	const steps = await page.evaluate(() => history.length);
	await page.locator('nav a[href="/"]').first().click();
	assert.equal(await page.evaluate(() => history.length), steps);
	await page.context().close();
});

test("what came while the stream was away is there when it is back, without a hole", async () => {
	const page = await dal();
	const sockets = [];
	await page.routeWebSocket(/streaming/, (socket) => {
		socket.connectToServer();
		sockets.push(socket);
	});
	await open(page, "/");
	const known = await (await page.request.get(`${mock.url}/api/v1/timelines/home?limit=20`)).json();
	const made = (n) => ({ ...known[0], id: `88${n}`, reblog: null, media_attachments: [], madang: null, content: `<p>meanwhile ${n}</p>` });
	let answer = [made(1), ...known.slice(0, 19)];
	await page.route("**/api/v1/timelines/home**", (route) => (route.request().url().includes("max_id") ? route.fulfill({ json: known }) : route.fulfill({ json: answer, headers: { Link: `<${mock.url}/api/v1/timelines/home?limit=20&max_id=1>; rel="next"` } })));
	const first = page.locator("article[data-post]").first();
	await sockets.at(-1).close();
	await page.locator("article", { hasText: "meanwhile 1" }).waitFor();
	assert.match(await first.innerText(), /meanwhile 1/);

	// More than a page came: it begins anew, and what was before comes with the next page.
	answer = Array.from({ length: 20 }, (_, n) => made(50 - n));
	await sockets.at(-1).close();
	await page.locator("article", { hasText: "meanwhile 50" }).waitFor();
	assert.match(await first.innerText(), /meanwhile 50/);
	await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
	await page.waitForFunction((id) => {
		const all = [...document.querySelectorAll("article[data-post]")].map((one) => one.getAttribute("data-post"));
		return all.indexOf(id) === 20;
	}, known[0].id);

	// Who reads further down is asked.
	answer = [made(60), ...answer.slice(0, 19)];
	await page.evaluate(() => scrollTo(0, 1500));
	await page.waitForFunction(() => scrollY > 1000);
	await sockets.at(-1).close();
	const fresh = page.locator("button.fresh");
	await fresh.waitFor();
	assert.ok((await page.evaluate(() => scrollY)) > 1000);
	await fresh.click();
	await page.locator("article", { hasText: "meanwhile 60" }).waitFor();
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});

test("what can't be had says what to do: no code, no page, no session", async () => {
	const page = await dal();
	await open(page, "/");
	let starts = 0;
	page.on("framenavigated", () => (starts += 1));
	// The files of a server that was renewed have other names: the page begins anew, once.
	await page.route("**/assets/Lists-*.js", (route) => route.fulfill({ status: 404, body: "" }));
	await page.evaluate(() => document.body.append(Object.assign(document.createElement("a"), { href: "/lists", id: "to-lists" })));
	await page.evaluate(() => document.querySelector("#to-lists").click());
	const problem = page.locator(".problem");
	await problem.waitFor();
	assert.match(await problem.innerText(), /can't be reached/);
	assert.ok(starts >= 2, "it was loaded anew before it gave up");
	await page.unroute("**/assets/Lists-*.js");
	await problem.locator("button").click();
	await page.locator("main h1", { hasText: "Lists" }).waitFor();

	await page.goto(`${mock.url}/@dal/404404`);
	await problem.waitFor();
	assert.equal(await problem.locator("button").count(), 0, "what is gone does not come by asking again");
	await problem.locator('a[href="/"]').click();
	await page.locator("article[data-post]").first().waitFor();

	await page.route("**/favourite", (route) => route.fulfill({ status: 401, json: { error: "The access token is invalid" } }));
	await page.locator('article [data-action="like"]').first().click();
	await page.locator(".toast .do").click();
	await page.waitForURL("**/sign-in?next=%2F");
	await page.context().close();
});

test("a picture whose description was not confirmed says so beside the button that waits for it", async () => {
	const page = await dal({ viewport: { width: 390, height: 844 } });
	await open(page, "/studio");
	await page.locator('[data-action="post"]').first().click();
	const hint = page.locator("dialog footer .hint");
	await hint.waitFor();
	await page.locator('[data-action="confirm-alt"]').check();
	await hint.waitFor({ state: "detached" });
	assert.ok(await page.locator('[data-action="publish"]').isEnabled());
	await page.context().close();
});
