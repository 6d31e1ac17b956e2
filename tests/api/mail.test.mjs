// A forgotten password, by mail: a small SMTP server takes the letter, also one that refuses at first.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, test } from "node:test";
import { House, onPostgres, password, sleep, until } from "./house.mjs";

// What SMTP says, line by line; fail: how many letters are put off with 451 first.
class Post {
	letters = [];
	seen = [];
	fail = 0;
	async start() {
		this.server = net.createServer((s) => this.talk(s));
		this.server.listen(0, "127.0.0.1");
		await once(this.server, "listening");
		this.url = `smtp://127.0.0.1:${this.server.address().port}`;
		return this;
	}
	talk(s) {
		let text = "", data = null, letter = {};
		s.on("error", () => {});
		s.write("220 post.example ESMTP\r\n");
		s.on("data", (d) => {
			text += d;
			for (let end; (end = text.indexOf("\r\n")) >= 0; ) {
				const line = text.slice(0, end);
				text = text.slice(end + 2);
				if (data !== null) {
					if (line !== ".") {
						data += `${line.startsWith("..") ? line.slice(1) : line}\r\n`;
						continue;
					}
					this.letters.push({ ...letter, data });
					data = null;
					s.write("250 taken\r\n");
					continue;
				}
				this.seen.push(line);
				const word = line.split(" ")[0].toUpperCase();
				if (word === "EHLO")
					s.write("250-post.example\r\n250 AUTH PLAIN\r\n");
				else if (word === "AUTH")
					s.write(line.includes(" ") && line.split(" ").length > 2 ? "235 welcome\r\n" : "334 \r\n");
				else if (word === "MAIL")
					(letter = { from: line.match(/<(.*?)>/)[1] }), s.write(this.fail-- > 0 ? "451 later\r\n" : "250 ok\r\n");
				else if (word === "RCPT")
					(letter.to = line.match(/<(.*?)>/)[1]), s.write(letter.to.startsWith("refused") ? "550 nobody\r\n" : "250 ok\r\n");
				else if (word === "DATA")
					(data = ""), s.write("354 go on\r\n");
				else if (word === "QUIT")
					s.end("221 bye\r\n");
				else
					s.write("235 ok\r\n");
			}
		});
	}
}

let post, house;
before(async () => {
	post = await new Post().start();
	house = await House.start({ arguments: ["--smtp-url", post.url, "--smtp-from", "yard@example.org", "--smtp-user", "yard", "--smtp-password", "s3cret"] });
	house.account("ann");
	house.account("refused");
});
after(async () => {
	await house.stop();
	post.server.close();
});

// Our own pages carry a token against forgery.
async function call(method, route, body) {
	const first = await house.call("GET", "/api/madang/v1/session");
	const cookie = first.headers.getSetCookie().map((l) => l.split(";")[0]).join("; ");
	return house.call(method, route, body, { cookie, "x-csrf-token": first.body.csrf_token });
}
const ask = (email) => call("POST", "/api/madang/v1/password/reset", { email });
const parse = ({ data }) => {
	const [head, body] = data.split("\r\n\r\n");
	return { head, text: Buffer.from(body, "base64").toString() };
};

test("the letter comes, its link counts once, and the new password holds", async () => {
	assert.equal((await ask("ann@example.org")).status, 200);
	const letter = await until("the letter", () => post.letters[0]);
	assert.deepEqual([letter.from, letter.to], ["yard@example.org", "ann@example.org"]);
	assert.ok(post.seen.some((l) => l.startsWith("AUTH")), "it has signed in");
	const { head, text } = parse(letter);
	for (const line of [/^From: yard@example\.org$/m, /^To: ann@example\.org$/m, /^Subject: .+$/m, /^Date: .+ \+0000$/m, /^Message-ID: <\w+@example\.org>$/m, /^MIME-Version: 1\.0$/m])
		assert.match(head, line);
	const code = text.match(/reset\?code=([\w-]+)/)[1];
	const reset = (p) => call("POST", `/api/madang/v1/password/reset/${code}`, { password: p });
	assert.equal((await reset("a password that is new")).status, 200);
	assert.ok((await reset("and yet another one")).status >= 400);
	const signIn = async (p) => (await call("POST", "/api/madang/v1/session", { username: "ann", password: p })).status;
	assert.equal(await signIn("a password that is new"), 200);
	assert.equal(await signIn(password), 401);
	assert.ok(!house.log.includes(code), "the log does not hold the secret");
});

test("whoever has no account gets no letter, and cannot tell", async () => {
	const count = post.letters.length;
	const [known, unknown] = [await ask("ann@example.org"), await ask("nobody@example.org")];
	assert.deepEqual([unknown.status, unknown.body], [known.status, known.body]);
	await until("the letter of the one", () => post.letters.length === count + 1);
	assert.ok(post.letters.every((l) => l.to === "ann@example.org"));
});

test("a server that refuses: for good, once; for now, again", async () => {
	await ask("refused@example.org");
	await until("it is in the log", () => house.log.includes("event=mail.refused"));
	post.fail = 1;
	const count = post.letters.length;
	assert.equal((await ask("ann@example.org")).status, 200);
	await until("it is in the log", () => house.log.includes("event=mail.not_sent"));
	await until("the second try", () => post.letters.length === count + 1, 20000);
	assert.equal(post.seen.filter((l) => l.startsWith("RCPT") && l.includes("refused")).length, 1);
});

test("notices come by mail too, in one's own language, unless one says no", async () => {
	const root = house.account("root", { admin: true }), bo = house.account("bo");
	const settings = (body) => bo.call(body ? "PATCH" : "GET", "/api/madang/v1/notices/mail", body);
	assert.deepEqual((await settings()).body, { mail: true, possible: true });
	const revokeOf = async (who, name) => {
		const token = (await who.call("POST", "/api/madang/v1/tokens", { name })).body;
		return (await root.call("POST", "/api/madang/v1/admin/revocations", { kind: "token", id: token.id, message: "Thank you." })).status;
	};
	const revoke = (name) => revokeOf(bo, name);
	// Another's letters tell how far the house is: what was told before has gone, or will not go.
	const cy = house.account("cy");
	const to = (who) => post.letters.filter((l) => l.to === `${who}@example.org`);
	const caughtUp = async () => {
		const before = to("cy").length;
		assert.equal(await revokeOf(cy, `sign ${before}`), 200);
		await until("the sign", () => to("cy").length > before);
	};
	// What is old when the house first looks stays where it is: one that comes tells that it has looked.
	await until("notices are sent", async () => {
		assert.equal(await revokeOf(cy, "first look"), 200);
		for (const end = Date.now() + 5000; Date.now() < end; await sleep(50))
			if (to("cy").length)
				return true;
	});
	await caughtUp();
	assert.equal(await revoke("first"), 200);
	const letter = await until("the letter", () => to("bo")[0]);
	assert.equal(letter.to, "bo@example.org");
	const { head, text } = parse(letter);
	assert.match(head, /^Subject: Your access has ended$/m);
	assert.ok(text.includes('"first"') && text.includes("Thank you."));
	assert.equal((await settings({ mail: false })).body.mail, false);
	assert.equal(await revoke("second"), 200);
	assert.equal((await settings({ mail: "perhaps" })).status, 422);
	await caughtUp();
	assert.equal(to("bo").length, 1);
	assert.equal((await settings({ mail: true })).body.mail, true);
	if (onPostgres)
		return;
	assert.equal((await bo.call("PATCH", "/api/madang/v1/session", { locale: "ko" })).status, 200);
	assert.equal((await bo.call("PATCH", "/api/madang/v1/session", { locale: "much too long to be one" })).status, 422);
	assert.equal(await revoke("third"), 200);
	const third = parse(await until("the letter", () => to("bo")[1]));
	assert.match(third.head, /^Subject: =\?utf-8\?/im);
	assert.ok(third.text.startsWith("이용이 끝났어요"));
	assert.ok(third.text.includes('"third"'), "and not the second, which was not to be sent");
});

test("settings that cannot be right are refused at the start", async () => {
	for (const arguments_ of [["--smtp-url", "http://example.org", "--smtp-from", "a@b"], ["--smtp-url", "smtp://example.org"], ["--smtp-url", "smtp://example.org", "--smtp-from", "nobody"]])
		await assert.rejects(House.start({ arguments: arguments_ }), /smtp_(url|from)/);
});
