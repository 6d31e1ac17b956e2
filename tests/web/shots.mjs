// Pictures of the front end with the stand-in server: node shots.mjs FOLDER [NAME…]. Each name is page.language.theme.size.
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { startMock } from "./mock.mjs";

const [folder = "/tmp/shots", ...wanted] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const mock = await startMock();
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };
const problems = [];

async function shot(name, path, { language = "ko", theme = "light", size = "desk", signedIn = true, act } = {}) {
	if (wanted.length > 0 && !wanted.some((one) => name.includes(one))) return;
	const context = await browser.newContext({ viewport: SIZES[size], deviceScaleFactor: 1, locale: language, colorScheme: theme, hasTouch: size === "phone", isMobile: size === "phone" });
	if (signedIn) await context.addCookies([{ name: "madang_session", value: "demo", url: mock.url }]);
	const page = await context.newPage();
	page.on("console", (message) => message.type() === "error" && problems.push(`${name}: ${message.text()}`));
	page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
	await page.goto(mock.url + path);
	await page.waitForSelector("main h1, main form");
	await page.waitForTimeout(700);
	if (act) await act(page);
	await page.screenshot({ path: `${folder}/${name}.png` });
	const over = await page.evaluate(() => document.documentElement.scrollWidth) - SIZES[size].width;
	if (over > 0) problems.push(`${name}: ${over}px too wide`);
	await context.close();
}

const draw = (prompt, stop = 1700, count = 0) => async (page) => {
	if (count) {
		await page.locator('.composer button[aria-expanded]').click();
		await page.locator(`.tuning input[value="${count}"]`).check({ force: true });
	}
	await page.fill("#studio-prompt", prompt);
	await page.click('[data-action="draw"]');
	await page.waitForTimeout(stop);
};
const first = async (page) => {
	await page.locator("main [data-post] .pictures a, main a.tile").first().click();
	await page.waitForTimeout(700);
};

await shot("home.desk.light.ko", "/");
await shot("home.desk.dark.en", "/", { theme: "dark", language: "en" });
await shot("home.phone.light.ko", "/", { size: "phone" });
await shot("home.phone.dark.ja", "/", { size: "phone", theme: "dark", language: "ja" });
await shot("welcome.desk.light.en", "/", { signedIn: false, language: "en" });
await shot("welcome.phone.dark.ko", "/", { signedIn: false, size: "phone", theme: "dark" });
await shot("explore.desk.light.ko", "/explore");
await shot("explore.phone.light.ja", "/explore", { size: "phone", language: "ja" });
await shot("studio.desk.light.ko", "/studio", { act: draw("첫눈이 내린 한옥 마당, 감나무에 남은 붉은 감 몇 개") });
await shot("studio4.desk.dark.en", "/studio", { theme: "dark", language: "en", act: draw("a cat on a tiled roof under a full moon", 2100, 4) });
await shot("studio.phone.light.ko", "/studio", { size: "phone", act: draw("보름달 아래 기와지붕 위의 고양이") });
await shot("studiofail.phone.light.ko", "/studio", { size: "phone", act: draw("FAIL") });
await shot("publish.desk.light.ko", "/studio", { act: async (page) => { await page.locator('[data-action="post"]').first().click(); await page.waitForTimeout(500); } });
await shot("publish.phone.dark.en", "/studio", { size: "phone", theme: "dark", language: "en", act: async (page) => { await page.locator('[data-action="post"]').first().click(); await page.waitForTimeout(500); } });
await shot("post.desk.light.ko", "/@minseo", { act: first });
await shot("post.phone.dark.ko", "/@minseo", { size: "phone", theme: "dark", act: first });
await shot("lineage.desk.light.ko", "/@minseo", { act: async (page) => { await first(page); await page.click('[data-action="lineage"]'); await page.waitForTimeout(800); } });
await shot("lineage.phone.dark.en", "/@minseo", { size: "phone", theme: "dark", language: "en", act: async (page) => { await first(page); await page.click('[data-action="lineage"]'); await page.waitForTimeout(800); } });
await shot("profile.desk.light.ko", "/@dal");
await shot("profile.phone.light.ko", "/@dal", { size: "phone" });
await shot("notifications.desk.light.ko", "/notifications");
await shot("notifications.phone.dark.ja", "/notifications", { size: "phone", theme: "dark", language: "ja" });
await shot("search.desk.light.ko", "/search?q=달");
await shot("settings.desk.light.ko", "/settings");
await shot("settings.phone.dark.en", "/settings", { size: "phone", theme: "dark", language: "en" });
await shot("admin.desk.light.ko", "/admin");
await shot("accounts.desk.dark.en", "/admin?show=accounts", { theme: "dark", language: "en" });
await shot("invitations.phone.light.ko", "/admin?show=invitations", { size: "phone" });
await shot("signin.desk.light.ko", "/sign-in", { signedIn: false });
await shot("signup.phone.dark.ja", "/signup", { signedIn: false, size: "phone", theme: "dark", language: "ja" });
await shot("authorize.phone.light.ko", "/oauth/authorize?client_id=x&scope=read+write+follow&redirect_uri=urn:ietf:wg:oauth:2.0:oob", { size: "phone" });
await shot("keys.desk.light.en", "/", { language: "en", act: async (page) => { await page.keyboard.press("?"); await page.waitForTimeout(400); } });
await shot("remix.desk.light.ko", "/@minseo", { act: async (page) => { await first(page); await page.locator('.side [data-action="remix"]').first().click(); await page.waitForTimeout(700); } });
await browser.close();
mock.close();
for (const problem of problems) console.log(problem);
