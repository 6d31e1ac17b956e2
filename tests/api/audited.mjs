// Imported by the suites that do what the desk does: whatever succeeds there stands in the audit log, or the test that did
// it fails. What only reads, though it is asked by POST, is named here.
import assert from "node:assert/strict";

const reads = /\/admin\/(measures|dimensions|retention|canonical_email_blocks\/test)$/;
const realFetch = globalThis.fetch;

async function newest(origin, headers) {
	const r = await realFetch(`${origin}/api/madang/v1/admin/audit?limit=1`, { headers });
	return r.ok ? ((await r.json())[0]?.id ?? "") : undefined; // a token that may write there and not read
}

globalThis.fetch = async (input, init) => {
	const method = init?.method ?? input.method ?? "GET";
	const { origin, pathname } = new URL(input.url ?? input);
	if (method === "GET" || !/^\/api\/(madang\/)?v\d\/admin\//.test(pathname) || reads.test(pathname))
		return realFetch(input, init);
	const sent = new Headers(init?.headers ?? input.headers);
	const who = Object.fromEntries(["authorization", "cookie"].filter((n) => sent.has(n)).map((n) => [n, sent.get(n)]));
	const before = await newest(origin, who);
	const answer = await realFetch(input, init);
	if (answer.ok && before !== undefined)
		assert.notEqual(await newest(origin, who), before, `${method} ${pathname} does not stand in the audit log`);
	return answer;
};
