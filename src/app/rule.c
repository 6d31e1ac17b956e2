/* The server's lists, and where they count. Any thread; no state. What must stay true: every change stands in the
 * audit log, in the same transaction. */
#include "app/rule.h"

#include "app/private.h"
#include "app/setting.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/str.h"
#include "store/setting.h"

#include <openssl/sha.h>
#include <string.h>

enum { NAME_MAX_CHARACTERS = 253, COMMENT_MAX_CHARACTERS = 2000 };

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

const char *app_rule_digest(struct arena *arena, const char *text)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)text, strlen(text), hash);
	return codec_hex(arena_alloc(arena, 2 * sizeof hash + 1), hash, sizeof hash);
}

const char *app_rule_email_hash(struct arena *arena, const char *email)
{
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
	return app_rule_digest(arena, canonical);
}

static bool all(struct app *app, enum store_rule_kind kind, struct store_rule **out, size_t *count,
		struct err *e)
{
	*out = ARENA_ARRAY(app->arena, struct store_rule, APP_RULES_MAX);
	if (!*out)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	return store_rule_all(app->db, app->arena, kind, app->now_ms, *out, APP_RULES_MAX, count,
			      e);
}

/* These are read whole, each time they count: what stood beyond the end would never count. */
static bool check_room(struct app *app, enum store_rule_kind kind, struct err *e)
{
	struct store_rule *rules;
	size_t count;
	if (kind != STORE_RULE_NETWORK && kind != STORE_RULE_WORD)
		return true;
	if (!all(app, kind, &rules, &count, e))
		return false;
	return count < APP_RULES_MAX ||
	       err_set(e, ERR_LIMIT, "This list is full (%d): remove something first.",
		       APP_RULES_MAX);
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
	if (r->kind == STORE_RULE_NETWORK && !network_parse(r->name, strlen(r->name), &n))
		return err_set(e, ERR_INVALID, "Validation failed: ip is not a valid IP address");
	return true;
}

/* Whoever closes a network that holds their own address could not open it again. */
static bool check_own(struct app *app, const struct store_rule *r, struct err *e)
{
	struct network n, own;
	if (r->kind != STORE_RULE_NETWORK || r->level != STORE_NETWORK_NO_ACCESS || !app->ip ||
	    !network_parse(app->ip, strlen(app->ip), &own) ||
	    !network_parse(r->name, strlen(r->name), &n) || !network_has(&n, &own))
		return true;
	return err_set(e, ERR_INVALID,
		       "Validation failed: ip holds your own address: you would shut yourself out");
}

static bool log_change(struct app *w, const struct store_rule *r, const char *what, struct err *e)
{
	if (r->kind == STORE_RULE_NETWORK) /* every process keeps the closed ones in memory */
		app_emit(w, &(struct app_event){.type = APP_EVENT_SETTINGS});
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

/* Who is told that it is done finds it so at once. */
static bool write_rule(struct app *app, app_write_fn *fn, struct store_rule *r, struct err *e)
{
	if (!app_write(app, fn, r, e))
		return false;
	if (r->kind != STORE_RULE_NETWORK)
		return true;
	app_networks_changed(app->core);
	return app_networks_load(app, e);
}

bool app_rule_add(struct app *app, const struct store_rule *form, struct store_rule *out,
		  struct err *e)
{
	*out = *form;
	if (!app_need_admin(app, e) || !check_name(app, out, e) || !check_own(app, out, e) ||
	    !check_room(app, out->kind, e))
		return false;
	out->id = id_new();
	out->created_at = app->now_ms;
	return write_rule(app, insert, out, e) && app_rule_get(app, out->kind, out->id, out, e);
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
	return app_need_admin(app, e) && check_name(app, &copy, e) && check_own(app, &copy, e) &&
	       write_rule(app, change, &copy, e) && app_rule_get(app, rule->kind, rule->id, out, e);
}

bool app_rule_remove(struct app *app, enum store_rule_kind kind, int64_t id, struct err *e)
{
	struct store_rule r;
	return app_rule_get(app, kind, id, &r, e) && write_rule(app, remove_rule, &r, e);
}

bool app_rule_list(struct app *app, enum store_rule_kind kind, const struct store_page *page,
		   struct store_rule *out, size_t *count, struct err *e)
{
	return app_need_admin(app, e) &&
	       store_rule_list(app->db, app->arena, kind, page, out, count, e);
}

/* --- what others are told --- */

/* As Mastodon has it: the first and the last quarter stay, and the dots. */
static const char *obscured(struct arena *arena, const char *domain)
{
	char *out = arena_strdup(arena, domain);
	size_t length = strlen(out), shown = length / 4;
	for (size_t i = shown + 1; i + shown < length; i++)
		if (out[i] != '.')
			out[i] = '*';
	return out;
}

bool app_rule_domains_shown(struct app *app, struct app_blocked_domain **out, size_t *count,
			    struct err *e)
{
	struct app_settings s;
	struct store_rule *rules;
	size_t n;
	*count = 0;
	if (!app_settings_get(app, &s, e))
		return false;
	if (!strcmp(s.show_domain_blocks, "disabled"))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (strcmp(s.show_domain_blocks, "all") != 0 && !app_need_account(app, e))
		return false;
	if (!all(app, STORE_RULE_DOMAIN, &rules, &n, e))
		return false;
	*out = arena_alloc(app->arena, (n + 1) * sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		const struct store_rule *r = &rules[i];
		if (r->level == STORE_DOMAIN_NOOP)
			continue;
		bool hidden = r->flags & STORE_DOMAIN_OBFUSCATE;
		(*out)[(*count)++] = (struct app_blocked_domain){
		    .domain = hidden ? obscured(app->arena, r->name) : r->name,
		    .digest = app_rule_digest(app->arena, r->name),
		    .level = (enum store_domain_level)r->level,
		    .comment = r->public_comment};
	}
	return true;
}

/* --- where they count --- */

/* The strongest level of the networks that hold the address; -1: none. */
static bool network_level(struct app *app, int *level, struct err *e)
{
	struct network address, n;
	struct store_rule *rules;
	size_t count;
	*level = -1;
	if (!app->ip || !network_parse(app->ip, strlen(app->ip), &address))
		return true;
	if (!all(app, STORE_RULE_NETWORK, &rules, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (network_parse(rules[i].name, strlen(rules[i].name), &n) &&
		    network_has(&n, &address) && rules[i].level > *level)
			*level = rules[i].level;
	return true;
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
