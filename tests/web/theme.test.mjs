// The colours of text can be read, by day and by night: WCAG's 4.5 to 1 on every ground that text stands on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../web/src/style/theme.css", import.meta.url), "utf8");
const [day, night] = css.split(':root[data-theme="dark"]');
const colours = (block) => Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{3,6});/g)].map((found) => [found[1], found[2]]));

function luminance(hex) {
	const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, "$&$&") : hex;
	const [red, green, blue] = [1, 3, 5].map((at) => parseInt(full.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
	const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
	return (high + 0.05) / (low + 0.05);
}

for (const [name, block] of [["day", day], ["night", night.split("@media")[0]]]) {
	test(`text can be read by ${name}`, () => {
		const theme = colours(block);
		const pairs = ["ink", "soft", "faint", "accent", "jade", "danger"].flatMap((ink) => ["paper", "card"].map((ground) => [ink, ground]));
		pairs.push(["on-accent", "accent"], ["accent", "accent-soft"], ["danger", "danger-soft"], ["jade", "jade-soft"], ["ink", "sunk"], ["soft", "sunk"], ["paper", "ink"]);
		for (const [ink, ground] of pairs) {
			const ratio = contrast(theme[ink], theme[ground]);
			assert.ok(ratio >= 4.5, `${ink} on ${ground}: ${ratio.toFixed(2)}`);
		}
	});
}

test("the night of the system is the night that is chosen", () => {
	const [chosen, system] = night.split("@media");
	assert.deepEqual(colours(system), colours(chosen));
});
