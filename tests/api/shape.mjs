// Whether an answer has the shape that masto.js promises its users: read out of the library's own type declarations.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const base = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "node_modules/masto/dist/esm/mastodon/entities");

// A role's permissions and a role's id are texts in Mastodon's own answers.
const asText = new Set(["Role.permissions", "Role.id", "NotificationRequest.notificationsCount", "CohortData.value"]);
// And a number, where the library says text.
const asNumber = new Set(["Client.clientSecretExpiresAt", "InstanceApiVersions.mastodon"]);

// Where Mastodon itself answers null or leaves a thing out although the library's type says otherwise.
const nullable = new Set([
	"Status.application", // of apps unknown, and of posts from elsewhere
	"Account.lastStatusAt", // never posted
	"Account.featureApproval", // belongs to collections, which are not offered
	"AccountCredentials.featureApproval",
	"AccountCredentials.lastStatusAt",
	"AccountSource.role", // stands beside the source
	"Role.position", "Role.createdAt", "Role.updatedAt", "Role.collectionLimit", // administrators' matters
	"Relationship.languages", // all of them
	"Announcement.startsAt", "Announcement.endsAt", // always there
	"Report.actionTakenByAccount", "Report.assignedAccount", "Report.actionTakenAt", // not yet
	"DomainBlock.rejectReposts", // reject_reports, misspelt
	"Account.ip", "Account.inviteRequest", "Account.domain", "Account.invitedByAccountId", "Account.createdByApplicationId", // of the desk
	"IpBlock.expiresAt",
	"InstanceThumbnail.blurhash", "InstanceThumbnail.versions", // of an own thumbnail
	"Reaction.url", "Reaction.staticUrl", // of custom emojis
]);

function load(version) {
	const types = new Map();
	const dir = path.join(base, version);
	for (const file of readdirSync(dir).filter((f) => f.endsWith(".d.ts"))) {
		const text = readFileSync(path.join(dir, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
		for (const [, name, parent, body] of text.matchAll(/export interface (\w+)(?: extends ([^{]+?))? \{\n([\s\S]*?)\n\}/g)) {
			const members = [...body.matchAll(/^ {4}(?:readonly )?"?([\w:]+)"?(\?)?: ([^;]+);/gm)].map(([, key, optional, type]) => ({ key, optional: !!optional, type: type.trim() }));
			types.set(name, { parent: parent?.trim(), members });
		}
		for (const [, name, type] of text.matchAll(/export type (\w+) = ([^;]+);/g))
			types.set(name, { alias: type.trim() });
	}
	return types;
}
const versions = { v1: load("v1"), v2: load("v2"), admin: load("v1/admin") };

function membersOf(types, name, seen = new Set()) {
	const t = types.get(name);
	if (!t?.members || seen.has(name))
		return [];
	seen.add(name);
	const parent = t.parent && /^\w+$/.test(t.parent) ? membersOf(types, t.parent, seen) : [];
	return [...parent, ...t.members];
}

function fits(types, value, type, where, owner) {
	type = type.replace(/^readonly /, "");
	const parts = type.split(" | ");
	if (parts.length > 1 && !type.startsWith("Pick<")) {
		const errors = [];
		for (const part of parts) {
			const e = fits(types, value, part, where, owner);
			if (!e)
				return null;
			errors.push(e);
		}
		return errors.at(value === null ? -1 : 0);
	}
	if (type.endsWith("[]")) {
		if (!Array.isArray(value))
			return `${where} is no array`;
		for (const [i, item] of value.entries()) {
			const e = fits(types, item, type.slice(0, -2), `${where}[${i}]`, owner);
			if (e)
				return e;
		}
		return null;
	}
	const pick = type.match(/^Pick<(\w+), (.+)>$/);
	if (pick)
		return object(types, value, pick[1], where, new Set([...pick[2].matchAll(/"(\w+)"/g)].map((m) => m[1])));
	if (["string", "number", "boolean"].includes(type))
		return typeof value === type ? null : `${where} is ${JSON.stringify(value)}, not a ${type}`;
	if (type === "null")
		return value === null ? null : `${where} is not null`;
	if (type === "undefined")
		return value === undefined ? null : `${where} is there`;
	if (type === "any" || type === "T")
		return null;
	if (/^".*"$/.test(type))
		return value === type.slice(1, -1) ? null : `${where} is ${JSON.stringify(value)}, not ${type}`;
	const named = types.get(type);
	const registry = named?.alias?.match(/^keyof (\w+)$/);
	if (registry) {
		const known = membersOf(types, registry[1]).map((m) => m.key);
		return known.includes(value) ? null : `${where} is ${JSON.stringify(value)}, not one of ${known}`;
	}
	if (named?.alias)
		return fits(types, value, named.alias, where, owner);
	return named ? object(types, value, type, where) : null; // of another version or a generic: not looked into
}

function object(types, value, name, where, only) {
	if (value === null || typeof value !== "object" || Array.isArray(value))
		return `${where} is ${JSON.stringify(value)}, not a ${name}`;
	for (const m of membersOf(types, name)) {
		if (only && !only.has(m.key))
			continue;
		const v = value[m.key];
		if ((v === undefined || v === null) && (m.optional || nullable.has(`${name}.${m.key}`)))
			continue;
		const at = `${name}.${m.key}`, type = asText.has(at) ? `string | ${m.type}` : asNumber.has(at) ? `number | ${m.type}` : m.type;
		const e = fits(types, v, type, `${where}.${m.key}`, name);
		if (e)
			return e;
	}
	return null;
}

// checkShape("Status[]", list); a type of v2 is written "v2.Filter", one of the desk "admin.Report".
export function checkShape(type, value) {
	const [, version = "v1", name] = type.match(/^(?:(v2|admin)\.)?(.+)$/);
	const types = versions[version];
	assert.ok(types.has(name.replace(/\[\]$/, "")), `the library has no type ${type}`);
	assert.equal(fits(types, value, name, type), null);
	return value;
}
