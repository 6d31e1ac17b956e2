// Little landscapes for the stand-in server: a yard, hills, a moon, drawn from a seed. SVG, so no library is needed.

export const SIZE = 256;

function random(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const SKIES = [
	["#f6c89f", "#e88b5a", "#7b4b57"],
	["#bfe0dd", "#f4ead2", "#6f9a8b"],
	["#1e2a44", "#4a5b84", "#18202f"],
	["#f3d9c6", "#c9b6cf", "#5b5f86"],
	["#dfeaf0", "#a9c7d6", "#4f7183"],
	["#f7e3b5", "#eab65f", "#8a5a3b"],
	["#20302c", "#5f8f7d", "#142019"],
];

function hills(next, height, base, tone, dark) {
	const points = [];
	for (let x = -20; x <= SIZE + 20; x += 34) points.push([x, base + (next() - 0.5) * 46]);
	let d = `M-20 ${height} L${points[0][0]} ${points[0][1].toFixed(1)}`;
	for (let i = 1; i < points.length; i++) {
		const [x0, y0] = points[i - 1];
		const [x1, y1] = points[i];
		const mid = (x0 + x1) / 2;
		d += ` C${mid} ${y0.toFixed(1)} ${mid} ${y1.toFixed(1)} ${x1} ${y1.toFixed(1)}`;
	}
	return `<path d="${d} L${SIZE + 20} ${height}Z" fill="${tone}" opacity="${dark}"/>`;
}

function roof(x, y, w, tone) {
	return `<g fill="${tone}"><path d="M${x - w} ${y} Q${x - w * 0.5} ${y - w * 0.06} ${x - w * 0.42} ${y - w * 0.42} L${x + w * 0.42} ${y - w * 0.42} Q${x + w * 0.5} ${y - w * 0.06} ${x + w} ${y} Q${x} ${y - w * 0.1} ${x - w} ${y}Z"/><rect x="${x - w * 0.72}" y="${y - 3}" width="${w * 1.44}" height="${w * 0.5}" fill="#efe4cf"/><path d="M${x - w * 0.5} ${y} v${w * 0.5} M${x - w * 0.16} ${y} v${w * 0.5} M${x + w * 0.16} ${y} v${w * 0.5} M${x + w * 0.5} ${y} v${w * 0.5}" stroke="${tone}" stroke-width="${w * 0.06}"/></g>`;
}

function tree(next, x, y, tone) {
	let dots = "";
	for (let i = 0; i < 16; i++)
		dots += `<circle cx="${(x + (next() - 0.5) * 44).toFixed(1)}" cy="${(y - 40 + (next() - 0.5) * 36).toFixed(1)}" r="${(4 + next() * 6).toFixed(1)}" fill="${tone}" opacity="${(0.65 + next() * 0.35).toFixed(2)}"/>`;
	return `<path d="M${x} ${y + 8} C${x + 3} ${y - 16} ${x - 5} ${y - 24} ${x + 2} ${y - 44} M${x} ${y - 18} l12 -16 M${x} ${y - 12} l-12 -18" stroke="#3b2a22" stroke-width="4" fill="none" stroke-linecap="round"/>${dots}`;
}

/** The whole picture, or only its upper rows (share from 0 to 1). */
export function scene(seed, rows = 1, height = SIZE) {
	const next = random(seed * 7919 + 17);
	const [top, low, far] = SKIES[Math.floor(next() * SKIES.length)];
	const disc = `<circle cx="${(40 + next() * 176).toFixed(0)}" cy="${(34 + next() * 54).toFixed(0)}" r="${(14 + next() * 20).toFixed(0)}" fill="#fff3da" opacity=".92"/>`;
	const ground = height * 0.62;
	const body =
		disc +
		hills(next, height, ground - 40, far, 0.35) +
		hills(next, height, ground - 12, far, 0.6) +
		(next() > 0.35 ? roof(60 + next() * 130, ground + 22, 40 + next() * 26, "#2b3438") : "") +
		hills(next, height, ground + 50, far, 0.85) +
		(next() > 0.3 ? tree(next, 30 + next() * 200, height - 34, ["#d9622b", "#e7a0a8", "#4f7d5d", "#e9c46a"][Math.floor(next() * 4)]) : "") +
		(next() > 0.5 ? tree(next, 30 + next() * 200, height - 22, ["#c94f26", "#f0c3c3", "#3d6a50"][Math.floor(next() * 3)]) : "");
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${height}" width="${SIZE * 2}" height="${height * 2}"><defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${top}"/><stop offset=".7" stop-color="${low}"/></linearGradient><clipPath id="c"><rect width="${SIZE}" height="${(rows * height).toFixed(1)}"/></clipPath></defs><g clip-path="url(#c)"><rect width="${SIZE}" height="${height}" fill="url(#s)"/>${body}</g></svg>`;
}

export function face(seed) {
	const tones = ["#c9653a", "#4f7d72", "#3d5a80", "#b08a3e", "#7d5a7d", "#56707a"];
	const next = random(seed * 31 + 5);
	const tone = tones[Math.floor(next() * tones.length)];
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="128" height="128"><rect width="64" height="64" fill="${tone}"/><circle cx="${20 + next() * 24}" cy="${20 + next() * 14}" r="${8 + next() * 8}" fill="#fff1d8" opacity=".9"/><path d="M-4 64 Q${next() * 40} ${30 + next() * 12} 40 48 T70 40 V64Z" fill="#1f2628" opacity=".55"/></svg>`;
}
