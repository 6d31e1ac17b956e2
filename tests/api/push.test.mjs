// Web Push against a push service of the test's own, decrypted with http_ece: what arrives, what ends a
// subscription, what a kill leaves, what may not be reached.
import assert from "node:assert/strict";
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import ece from "http_ece";
import { createRestAPIClient } from "masto";
import { House, sleep, until } from "./house.mjs";

let house, alice, bob, a, b, service, got, answer;

before(async () => {
	got = [];
	answer = () => 201;
	service = http.createServer(async (rq, rs) => {
		const parts = [];
		for await (const part of rq)
			parts.push(part);
		const message = { path: rq.url, headers: rq.headers, body: Buffer.concat(parts) };
		const status = answer(message);
		got.push(message);
		rs.writeHead(status).end();
	}).listen(0, "127.0.0.1");
	await once(service, "listening");
	house = await House.start({ arguments: ["--private-addresses"] });
	alice = house.account("alice");
	bob = house.account("bob");
	a = createRestAPIClient({ url: house.url, accessToken: alice.token });
	b = createRestAPIClient({ url: house.url, accessToken: bob.token });
});
after(async () => {
	await house.stop();
	service.closeAllConnections();
	service.close();
});

function subscriber(path) {
	const keys = createECDH("prime256v1");
	keys.generateKeys();
	const auth = randomBytes(16);
	return { keys, auth, endpoint: `http://127.0.0.1:${service.address().port}${path}`, p256dh: keys.getPublicKey("base64url"), secret: auth.toString("base64url") };
}
const subscribe = (call, s, { standard = true, ...data } = {}) =>
	call("POST", "/api/v1/push/subscription", { subscription: { endpoint: s.endpoint, keys: { p256dh: s.p256dh, auth: s.secret }, standard }, data: { alerts: { mention: true, favourite: true }, policy: "all", ...data } });

// The token of the sender is signed by the key that the instance shows.
function checkSender(m, token, key) {
	const [head, claims, signature] = token.split(".");
	const raw = Buffer.from(key, "base64url");
	const jwk = { kty: "EC", crv: "P-256", x: raw.subarray(1, 33).toString("base64url"), y: raw.subarray(33).toString("base64url") };
	assert.ok(verify("sha256", Buffer.from(`${head}.${claims}`), { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")));
	const c = JSON.parse(Buffer.from(claims, "base64url"));
	assert.equal(c.aud, `http://127.0.0.1:${service.address().port}`);
	assert.ok(c.exp > Date.now() / 1000 && c.exp < Date.now() / 1000 + 86400);
	assert.ok(c.sub);
}

test("vapid_key of the instance and of an app are one, and last", async () => {
	const instance = await a.v2.instance.fetch();
	const key = instance.configuration.vapid.publicKey;
	assert.equal(Buffer.from(key, "base64url").length, 65);
	const app = (await house.call("POST", "/api/v1/apps", { client_name: "x", redirect_uris: "urn:ietf:wg:oauth:2.0:oob" })).body;
	assert.equal(app.vapid_key, key);
	await house.kill();
	await house.up();
	assert.equal((await a.v2.instance.fetch()).configuration.vapid.publicKey, key);
});

test("a message by RFC 8291 arrives and opens", async () => {
	const s = subscriber("/one");
	const r = await subscribe(alice.call, s);
	assert.equal(r.status, 200, JSON.stringify(r.body));
	assert.deepEqual([r.body.endpoint, r.body.policy, r.body.alerts.mention, r.body.alerts.follow, r.body.standard], [s.endpoint, "all", true, false, true]);
	const post = await b.v1.statuses.create({ status: "@alice 안녕" });
	const m = await until("the message", () => got.find((x) => x.path === "/one"));
	assert.equal(m.headers["content-encoding"], "aes128gcm");
	assert.ok(Number(m.headers.ttl) > 0);
	assert.equal(m.headers.urgency, "high");
	const [, token, key] = m.headers.authorization.match(/^vapid t=([^,]+),k=(\S+)$/);
	assert.equal(key, r.body.server_key);
	checkSender(m, token, key);
	const text = JSON.parse(ece.decrypt(m.body, { version: "aes128gcm", privateKey: s.keys, authSecret: s.secret }));
	assert.equal(text.notification_type, "mention");
	assert.match(text.title, /bob/);
	assert.match(text.body, /안녕/);
	const n = (await a.v1.notifications.list())[0];
	assert.equal(text.notification_id, n.id);
	assert.equal(n.status.id, post.id);
});

test("alerts and policy decide; the old encoding opens, too", async () => {
	const s = subscriber("/two");
	await subscribe(alice.call, s, { standard: false, alerts: { favourite: true } });
	assert.equal((await alice.call("GET", "/api/v1/push/subscription")).body.endpoint, s.endpoint);
	const post = await a.v1.statuses.create({ status: "like me" });
	await b.v1.statuses.create({ status: "@alice not wanted" });
	await b.v1.statuses.$select(post.id).favourite();
	const m = await until("the message", () => got.find((x) => x.path === "/two"));
	assert.equal(m.headers["content-encoding"], "aesgcm");
	checkSender(m, m.headers.authorization.replace("WebPush ", ""), m.headers["crypto-key"].match(/p256ecdsa=([^;]+)/)[1]);
	const text = JSON.parse(ece.decrypt(m.body, { version: "aesgcm", privateKey: s.keys, dh: m.headers["crypto-key"].match(/dh=([^;]+)/)[1], salt: m.headers.encryption.match(/salt=(.+)/)[1], authSecret: s.secret }));
	assert.equal(text.notification_type, "favourite");
	const changed = await alice.call("PUT", "/api/v1/push/subscription", { data: { alerts: { mention: true }, policy: "followed" } });
	assert.deepEqual([changed.body.alerts.mention, changed.body.alerts.favourite, changed.body.policy], [true, false, "followed"]);
	await b.v1.statuses.create({ status: "@alice from a stranger" });
	await a.v1.accounts.$select(bob.id).follow();
	const wanted = await b.v1.statuses.create({ status: "@alice from one I follow" });
	await until("the second message", () => got.filter((x) => x.path === "/two").length >= 2);
	const last = got.filter((x) => x.path === "/two")[1];
	const id = JSON.parse(ece.decrypt(last.body, { version: "aesgcm", privateKey: s.keys, dh: last.headers["crypto-key"].match(/dh=([^;]+)/)[1], salt: last.headers.encryption.match(/salt=(.+)/)[1], authSecret: s.secret })).notification_id;
	assert.equal((await a.v1.notifications.$select(id).fetch()).status.id, wanted.id);
});

test("gone ends the subscription; unsubscribing does, too", async () => {
	const s = subscriber("/gone");
	await subscribe(alice.call, s);
	answer = (m) => (m.path === "/gone" ? 410 : 201);
	await b.v1.statuses.create({ status: "@alice anybody?" });
	await until("the end", async () => (await alice.call("GET", "/api/v1/push/subscription")).status === 404);
	await subscribe(alice.call, subscriber("/bye"));
	assert.equal((await alice.call("DELETE", "/api/v1/push/subscription")).status, 200);
	assert.equal((await alice.call("GET", "/api/v1/push/subscription")).status, 404);
	assert.equal((await alice.call("DELETE", "/api/v1/push/subscription")).status, 200);
});

test("what a kill leaves in the queue is sent after the next start", async () => {
	const s = subscriber("/late");
	await subscribe(alice.call, s);
	answer = (m) => (m.path === "/late" ? 503 : 201);
	await b.v1.statuses.create({ status: "@alice later" });
	await until("the first try", () => got.some((x) => x.path === "/late"));
	await sleep(100);
	await house.kill();
	const before = got.length;
	answer = () => 201;
	await house.up();
	const m = await until("the second try", () => got.slice(before).find((x) => x.path === "/late"), 90000);
	assert.match(JSON.parse(ece.decrypt(m.body, { version: "aes128gcm", privateKey: s.keys, authSecret: s.secret })).body, /later/);
	await alice.call("DELETE", "/api/v1/push/subscription");
});

test("bad subscriptions are refused by name; nobody sees another's", async () => {
	const s = subscriber("/bad");
	for (const [change, field] of [[{ endpoint: "ftp://x" }, "endpoint"], [{ endpoint: "" }, "endpoint"], [{ p256dh: "abc" }, "p256dh"], [{ p256dh: randomBytes(65).fill(5, 0, 1).toString("base64url") }, "p256dh"], [{ secret: "abc" }, "auth"]]) {
		const r = await subscribe(alice.call, { ...s, ...change });
		assert.equal(r.status, 422, field);
		assert.match(r.body.error, new RegExp(field));
	}
	assert.equal((await subscribe(alice.call, s, { policy: "some" })).status, 422);
	const read = house.admin(["token", "add", "alice", "--scopes", "read write"]);
	assert.equal((await house.call("GET", "/api/v1/push/subscription", undefined, { authorization: `Bearer ${read}` })).status, 403);
	await subscribe(alice.call, s);
	assert.equal((await bob.call("GET", "/api/v1/push/subscription")).status, 404);
	// A point that is not on the curve: accepted as text, but the message is dropped and nothing breaks.
	const off = Buffer.alloc(65, 1);
	off[0] = 4;
	await subscribe(alice.call, { ...subscriber("/off"), p256dh: off.toString("base64url") });
	await b.v1.statuses.create({ status: "@alice off the curve" });
	await sleep(500);
	assert.ok(!got.some((x) => x.path === "/off"));
	assert.equal((await house.call("GET", "/health")).status, 200);
});

test("without the test's option nothing goes to this machine", async () => {
	const strict = await House.start();
	try {
		const eve = strict.account("eve"), tom = strict.account("tom");
		const s = subscriber("/private");
		assert.equal((await subscribe(eve.call, s)).status, 422);
		const r = await subscribe(eve.call, { ...s, endpoint: s.endpoint.replace("http:", "https:") });
		assert.equal(r.status, 200);
		await tom.call("POST", "/api/v1/statuses", { status: "@eve hello" });
		await until("the refusal", () => /private network/.test(strict.log));
		assert.ok(!got.some((x) => x.path === "/private"));
	} finally {
		await strict.stop();
	}
});
