/* The server's lists, and where they count. Any thread; no state. What must stay true: every change stands in the
 * audit log, in the same transaction. */
#include "app/rule.h"

#include "app/private.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/str.h"
#include "store/setting.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <string.h>

enum { RULES_MAX = 2000, NAME_MAX_CHARACTERS = 253, COMMENT_MAX_CHARACTERS = 2000 };

static const char *const KINDS[STORE_RULES] = {"domain_block",       "domain_allow",
					       "email_domain_block", "canonical_email_block",
					       "ip_block",           "word_block"};

static const char *lower(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);
	for (char *c = out; *c; c++)
		*c = str_lower(*c);
	return out;
}

/* 192.0.2.0/24 as bytes; a mapped address of IPv4 is one of IPv4. */
struct network {
	unsigned char bytes[16];
	int bits;
};

static bool parse_network(const char *text, struct network *out)
{
	char address[64];
	int64_t bits = -1;
	unsigned char v4[4];
	size_t n = strcspn(text, "/");
	if (n >= sizeof address)
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	*out = (struct network){.bytes = {[10] = 0xff, [11] = 0xff}};
	bool is_v4 = inet_pton(AF_INET, address, v4) == 1;
	if (is_v4)
		memcpy(out->bytes + 12, v4, 4);
	else if (inet_pton(AF_INET6, address, out->bytes) != 1)
		return false;
	if (text[n] == '/' && !str_to_int(text + n + 1, 0, is_v4 ? 32 : 128, &bits))
		return false;
	out->bits = bits < 0 ? 128 : (int)bits + (is_v4 ? 96 : 0);
	return true;
}

static bool network_has(const struct network *n, const struct network *address)
{
	int whole = n->bits / 8, rest = n->bits % 8;
	if (memcmp(n->bytes, address->bytes, (size_t)whole))
		return false;
	return !rest || (n->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

const char *app_rule_email_hash(struct arena *arena, const char *email)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char *canonical = arena_strdup(arena, lower(arena, email)), *out = canonical;
	const char *at = strrchr(canonical, '@');
	bool tag = false;
	for (const char *c = canonical; *c; c++) {
		bool local = at && c < at;
		tag = local && (tag || *c == '+');
		if (!tag && !(local && *c == '.'))
			*out++ = *c;
	}
	*out = '\0';
	SHA256((const unsigned char *)canonical, strlen(canonical), hash);
	char *text = arena_alloc(arena, 2 * sizeof hash + 1);
	return codec_hex(text, hash, sizeof hash);
}

static bool check_name(struct app *app, struct store_rule *r, struct err *e)
{
	struct network n;
	size_t length = strlen(r->name);
	const char *trimmed = str_trim(r->name, &length);
	r->name = arena_strndup(app->arena, trimmed, length);
	if (!r->name[0])
		return err_set(e, ERR_INVALID, "Validation failed: the name can't be blank");
	if (!app_check_text("the name", r->name, NAME_MAX_CHARACTERS, e) ||
	    !app_check_text("comment", r->comment ? r->comment : "", COMMENT_MAX_CHARACTERS, e) ||
	    !app_check_text("public_comment", r->public_comment ? r->public_comment : "",
			    COMMENT_MAX_CHARACTERS, e))
		return false;
	if (r->kind != STORE_RULE_NETWORK)
		r->name = lower(app->arena, r->name);
	bool domain = r->kind == STORE_RULE_DOMAIN || r->kind == STORE_RULE_ALLOW ||
		      r->kind == STORE_RULE_EMAIL_DOMAIN;
	if (domain && (strpbrk(r->name, " \t\r\n/@?#") || !strchr(r->name, '.')))
		return err_set(e, ERR_INVALID,
			       "Validation failed: domain is not a valid domain name");
	if (r->kind == STORE_RULE_DOMAIN && str_equal_nocase(r->name, app->core->config.domain))
		return err_set(e, ERR_INVALID, "Validation failed: domain is this server's own");
	if (r->kind == STORE_RULE_NETWORK && !parse_network(r->name, &n))
		return err_set(e, ERR_INVALID, "Validation failed: ip is not a valid IP address");
	return true;
}

static bool log_change(struct app *w, const struct store_rule *r, const char *what, struct err *e)
{
	const char *action = arena_printf(w->arena, "%s.%s", KINDS[r->kind], what);
	return store_audit_insert(w->db, w->account_id, action, r->id, r->name, w->now_ms, e);
}

static bool insert(struct app *w, void *context, struct err *e)
{
	const struct store_rule *r = context;
	return store_rule_insert(w->db, r, e) && log_change(w, r, "create", e);
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct store_rule *r = context;
	return store_rule_update(w->db, r, e) && log_change(w, r, "update", e);
}

static bool remove_rule(struct app *w, void *context, struct err *e)
{
	const struct store_rule *r = context;
	return store_rule_delete(w->db, r->id, e) && log_change(w, r, "delete", e);
}

bool app_rule_add(struct app *app, const struct store_rule *form, struct store_rule *out,
		  struct err *e)
{
	*out = *form;
	if (!app_need_admin(app, e) || !check_name(app, out, e))
		return false;
	out->id = id_new();
	out->created_at = app->now_ms;
	return app_write(app, insert, out, e) && app_rule_get(app, out->kind, out->id, out, e);
}

bool app_rule_get(struct app *app, enum store_rule_kind kind, int64_t id, struct store_rule *out,
		  struct err *e)
{
	return app_need_admin(app, e) && store_rule_get(app->db, app->arena, kind, id, out, e);
}

bool app_rule_change(struct app *app, const struct store_rule *rule, struct store_rule *out,
		     struct err *e)
{
	struct store_rule copy = *rule;
	return app_need_admin(app, e) && check_name(app, &copy, e) &&
	       app_write(app, change, &copy, e) && app_rule_get(app, rule->kind, rule->id, out, e);
}

bool app_rule_remove(struct app *app, enum store_rule_kind kind, int64_t id, struct err *e)
{
	struct store_rule r;
	return app_rule_get(app, kind, id, &r, e) && app_write(app, remove_rule, &r, e);
}

bool app_rule_list(struct app *app, enum store_rule_kind kind, const struct store_page *page,
		   struct store_rule *out, size_t *count, struct err *e)
{
	return app_need_admin(app, e) &&
	       store_rule_list(app->db, app->arena, kind, page, out, count, e);
}

/* --- where they count --- */

static bool all(struct app *app, enum store_rule_kind kind, struct store_rule **out, size_t *count,
		struct err *e)
{
	*out = ARENA_ARRAY(app->arena, struct store_rule, RULES_MAX);
	if (!*out)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	return store_rule_all(app->db, app->arena, kind, app->now_ms, *out, RULES_MAX, count, e);
}

/* The strongest level of the networks that hold the address; -1: none. */
static bool network_level(struct app *app, int *level, struct err *e)
{
	struct network address, n;
	struct store_rule *rules;
	size_t count;
	*level = -1;
	if (!app->ip || !parse_network(app->ip, &address))
		return true;
	if (!all(app, STORE_RULE_NETWORK, &rules, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (parse_network(rules[i].name, &n) && network_has(&n, &address) &&
		    rules[i].level > *level)
			*level = rules[i].level;
	return true;
}

bool app_rule_check_access(struct app *app, struct err *e)
{
	int level;
	if (!network_level(app, &level, e))
		return false;
	return level < STORE_NETWORK_NO_ACCESS ||
	       err_set(e, ERR_FORBIDDEN, "Your network may not use this server.");
}

bool app_rule_check_sign_up(struct app *app, const char *email, bool *approval, struct err *e)
{
	struct store_rule rule;
	int level;
	bool found;
	const char *at = strrchr(email, '@');
	*approval = false;
	if (!network_level(app, &level, e))
		return false;
	if (level >= STORE_NETWORK_NO_SIGN_UP)
		return err_set(e, ERR_FORBIDDEN, "Nobody can sign up from your network.");
	*approval = level == STORE_NETWORK_APPROVAL;
	/* A listed domain counts for those below it. */
	for (const char *d = at ? lower(app->arena, at + 1) : NULL; d && *d;) {
		if (!store_rule_find(app->db, app->arena, STORE_RULE_EMAIL_DOMAIN, d, &rule, &found,
				     e))
			return false;
		if (found && rule.level == 0)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: email is of a provider that is not allowed");
		*approval |= found;
		d = strchr(d, '.');
		d = d ? d + 1 : NULL;
	}
	if (!store_rule_find(app->db, app->arena, STORE_RULE_EMAIL,
			     app_rule_email_hash(app->arena, email), &rule, &found, e))
		return false;
	return !found || err_set(e, ERR_INVALID, "Validation failed: email is not allowed");
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool holds(const char *text, const char *word, bool whole)
{
	size_t length = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at++)
		if (!whole || ((at == text || !is_letter(at[-1])) && !is_letter(at[length])))
			return true;
	return false;
}

bool app_rule_check_text(struct app *app, const char *const *texts, size_t count, const char **hold,
			 struct err *e)
{
	struct store_rule *rules;
	size_t n;
	*hold = NULL;
	if (!all(app, STORE_RULE_WORD, &rules, &n, e))
		return false;
	for (size_t t = 0; n && t < count; t++) {
		if (!texts[t] || !*texts[t])
			continue;
		const char *text = lower(app->arena, texts[t]);
		for (size_t i = 0; i < n; i++) {
			if (!holds(text, rules[i].name, rules[i].flags & STORE_WORD_WHOLE))
				continue;
			if (rules[i].level == STORE_WORD_REFUSE)
				return err_set(
				    e, ERR_INVALID,
				    "Validation failed: the text holds a word that is not allowed here");
			*hold = rules[i].name;
		}
	}
	return true;
}
