// node bench/browser.mjs [USERS]     prints CSV: measure,machine,value,unit
//
// From the press of the button to the first preview and to the finished picture, as people see it in a browser: a real
// server with the built-in model on all its threads, and Chromium with one window for each person, all on this machine.
// The page itself looks at its clock: when "Draw" is pressed, when rows of the picture first stand there, when it is whole. First
// one person, five times; then USERS (default 8) at once. Needs build/madang, and "tools/web test" once.
import { cpus, loadavg } from "node:os";
import { serve } from "../tests/web/serve.mjs";
import { draw, join, launch, person } from "../tests/web/yard.mjs";

const users = Number(process.argv[2] ?? 8);
// What else the machine does is a part of the figure.
const machine = `${cpus()[0].model.trim()}; ${cpus().length} cores; load ${Math.round(loadavg()[0])} before`;
const row = (measure, value) => console.log(`"${measure}","${machine}",${Math.round(value)},ms`);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const timeout = 600_000;
const server = await serve({ threads: null });
const browser = await launch();

const people = [await person(browser, { locale: "en" })];
await join(people[0], server.setup, { name: "user0" });
const links = new Set();
for (let i = 1; i < users; i++) {
	await people[0].goto(`${server.base}/admin?show=invitations`);
	await people[0].click('[data-action="invite"]');
	const fresh = await people[0].waitForFunction((used) => [...document.querySelectorAll("output.url")].map((o) => o.innerText).find((l) => l && !used.includes(l)), [...links]);
	links.add(await fresh.jsonValue());
	const link = new URL([...links].at(-1));
	people.push(await person(browser, { locale: "en" }));
	await join(people[i], server.base + link.pathname + link.search, { name: `user${i}` });
}
await people[0].goto(`${server.base}/studio`);
await draw(people[0], "a red apple on a table", { timeout }); // the weights are read, the page is warm

console.log("measure,machine,value,unit");
const alone = [];
for (let i = 0; i < 5; i++)
	alone.push((await draw(people[0], `a yellow apple on a table, ${i}`, { timeout })).times);
row("press to first preview in the browser, one person, median of 5", median(alone.map((t) => t.preview)));
row("press to finished picture in the browser, one person, median of 5", median(alone.map((t) => t.finished)));

const together = (await Promise.all(people.map((page, i) => draw(page, `a green apple on a table, ${i}`, { timeout })))).map((d) => d.times);
for (const what of ["preview", "finished"]) {
	const name = what === "preview" ? "first preview" : "finished picture";
	row(`press to ${name} in the browser, ${users} at once, median`, median(together.map((t) => t[what])));
	row(`press to ${name} in the browser, ${users} at once, slowest`, Math.max(...together.map((t) => t[what])));
}
await browser.close();
await server.close();
