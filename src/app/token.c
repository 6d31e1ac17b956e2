/* API tokens: making, changing, checking, watching. Any thread; what was used since the last second lies in the
 * core under a lock of its own. What must stay true: a token is never stored or logged; whoever ends, suspends or
 * questions one cuts the streams of its account and writes down why. */
#include "app/token.h"

#include "app/notice.h"
#include "app/private.h"
#include "app/programme.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "store/revocation.h"
#include "store/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECRET_LENGTH = 43, /* behind the prefix: 256 bits, base64url */
	HINT_LENGTH = 9,
	NAME_MAX_CHARACTERS = 100,
	LIST_MAX_BYTES = 1000,
	TOKENS_MAX = 50, /* of one account */
	EXPIRES_MAX_S = 5 * 366 * 86400,
	USES_SLOTS = 2048,
	AGENT_MAX_BYTES = 100,
	MINUTE_MS = 60 * 1000,
	HOUR_MINUTES = 60,
	USES_KEPT_MINUTES = 7 * 24 * 60,
	FOUND_MAX = 5, /* tokens in one text */
	JOBS_MAX = 1000,
};

static const char PURPOSE[] = "api token";
static const char SETTING_POLICY[] = "token_policy";
static const char SCOPES_ALL[] = "read write:media write:statuses";
static const char SCOPES_DEFAULT[] = "read write:media";
static const char TASKS_ALL[] = "draw restyle vary edit";

const char *app_token_state(const struct store_token *t, int64_t now_ms)
{
	if (t->revoked_at || t->revocation_id)
		return "revoked";
	if (t->expires_at && t->expires_at <= now_ms)
		return "expired";
	return t->state == STORE_TOKEN_ACTIVE    ? "active"
	       : t->state == STORE_TOKEN_CONFIRM ? "confirm"
						 : "suspended";
}

/* --- making and changing --- */

static bool check_words(const char *field, const char *list, const char *known, struct err *e)
{
	if (strlen(list) > LIST_MAX_BYTES || !str_is_utf8(list, strlen(list)))
		return err_set(e, ERR_INVALID, "Validation failed: %s is too long", field);
	for (const char *s = list; known && *s;) {
		char word[64];
		size_t length = strcspn(s, " ");
		snprintf(word, sizeof(word), "%.*s", (int)(length < 63 ? length : 63), s);
		if (length && !app_words_have(known, word))
			return err_set(e, ERR_INVALID,
				       "Validation failed: %s has \"%s\"; it can be: %s", field,
				       word, known);
		s += length + (s[length] == ' ');
	}
	return true;
}

static bool check_origins(const char *list, struct err *e)
{
	if (!check_words("origins", list, NULL, e))
		return false;
	for (const char *s = list; *s;) {
		size_t length = strcspn(s, " ");
		size_t scheme = str_starts(s, "https://") ? 8 : str_starts(s, "http://") ? 7 : 0;
		if (length &&
		    (!scheme || length == scheme || memchr(s + scheme, '/', length - scheme)))
			return err_set(e, ERR_INVALID,
				       "Validation failed: origins must look like "
				       "https://example.org, without a path");
		s += length + (s[length] == ' ');
	}
	return true;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static bool check_bounds(const struct app_token_form *f, struct err *e)
{
	if (!check_words("makers", or_empty(f->makers), NULL, e) ||
	    !check_words("tasks", or_empty(f->tasks), TASKS_ALL, e) ||
	    !check_words("networks", or_empty(f->networks), NULL, e) ||
	    !check_origins(or_empty(f->origins), e))
		return false;
	return app_networks_valid(or_empty(f->networks)) ||
	       err_set(e, ERR_INVALID,
		       "Validation failed: networks must be addresses or networks such as "
		       "192.0.2.0/24 or 2001:db8::/48");
}

static bool check_name(const char *name, struct err *e)
{
	if (!name || !name[strspn(name, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: name can't be blank");
	return app_check_text("name", name, NAME_MAX_CHARACTERS, e);
}

static bool insert(struct app *w, void *context, struct err *e)
{
	struct store_token *t = context;
	int64_t count;
	if (!store_token_count(w->db, t->account_id, &count, e))
		return false;
	if (count >= TOKENS_MAX)
		return err_set(e, ERR_LIMIT, "You have %d tokens already. Delete one first.",
			       TOKENS_MAX);
	return store_token_insert(w->db, t, e) &&
	       store_audit_insert(w->db, w->account_id, "token.create", t->id, t->name, w->now_ms,
				  e);
}

bool app_token_create(struct app *app, const struct app_token_form *f, struct store_token *out,
		      const char **secret, struct err *e)
{
	const char *scopes = f->scopes && f->scopes[0] ? f->scopes : SCOPES_DEFAULT;
	if (!app_need_account(app, e))
		return false;
	if (app->token_id)
		return err_set(e, ERR_FORBIDDEN, "A token cannot make tokens.");
	if (!check_name(f->name, e) || !check_words("scopes", scopes, SCOPES_ALL, e) ||
	    !check_bounds(f, e))
		return false;
	if (f->expires_in_s < 0 || f->expires_in_s > EXPIRES_MAX_S)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: expires_in_s must be between 0 (never) and five years");
	if (f->programme_id && !app_programme_need_member(app, f->programme_id, e))
		return false;
	*secret = arena_printf(app->arena, "%s%s", APP_TOKEN_PREFIX, app_secret_new(app->arena));
	*out = (struct store_token){
	    .id = id_new(),
	    .token_hash = app_secret_hash(app->arena, PURPOSE, *secret),
	    .account_id = app->account_id,
	    .programme_id = f->programme_id,
	    .name = f->name,
	    .hint = arena_strndup(app->arena, *secret, HINT_LENGTH),
	    .scopes = scopes,
	    .makers = or_empty(f->makers),
	    .tasks = or_empty(f->tasks),
	    .networks = or_empty(f->networks),
	    .origins = or_empty(f->origins),
	    .watched_from = app->now_ms,
	    .expires_at = f->expires_in_s ? app->now_ms + 1000 * f->expires_in_s : 0,
	    .created_at = app->now_ms,
	};
	return app_write(app, insert, out, e);
}

bool app_token_get(struct app *app, int64_t id, struct store_token *out, struct err *e)
{
	if (!app_need_account(app, e) || !store_token_get(app->db, app->arena, id, out, e))
		return false;
	return out->account_id == app->account_id || app->role >= STORE_ROLE_ADMIN ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

static bool need_own(struct app *app, int64_t id, struct store_token *out, struct err *e)
{
	if (!app_token_get(app, id, out, e))
		return false;
	if (out->account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return !app->token_id || err_set(e, ERR_FORBIDDEN, "A token cannot change tokens.");
}

bool app_token_list(struct app *app, bool all, int64_t account_id, const struct store_page *page,
		    struct store_token *out, size_t *found, struct err *e)
{
	if (!(all ? app_need_admin(app, e) : app_need_account(app, e)))
		return false;
	return store_token_list(app->db, app->arena, all ? account_id : app->account_id, page, out,
				found, e);
}

bool app_token_uses(struct app *app, int64_t id, struct store_token_use *out, size_t *found,
		    struct err *e)
{
	return store_token_use_list(app->db, app->arena, id, out, APP_TOKEN_USES_MAX, found, e);
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct store_token *t = context;
	return store_token_change(w->db, t, e) &&
	       store_audit_insert(w->db, w->account_id, "token.change", t->id, t->name, w->now_ms,
				  e);
}

bool app_token_change(struct app *app, int64_t id, const struct app_token_form *f,
		      struct store_token *out, struct err *e)
{
	if (!need_own(app, id, out, e) || (f->name && !check_name(f->name, e)) ||
	    !check_bounds(f, e))
		return false;
	out->name = f->name ? f->name : out->name;
	out->makers = f->makers ? f->makers : out->makers;
	out->tasks = f->tasks ? f->tasks : out->tasks;
	out->networks = f->networks ? f->networks : out->networks;
	out->origins = f->origins ? f->origins : out->origins;
	return app_write(app, change, out, e);
}

static void cut(struct app *w, int64_t account_id)
{
	app_emit(w, &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = account_id});
}

/* What waits or runs for a token that must not go on. */
static bool stop_jobs(struct app *w, int64_t token_id, struct err *e)
{
	const struct store_revocation r = {.kind = STORE_REVOKE_TOKEN, .target_id = token_id};
	int64_t *ids = arena_alloc(w->arena, JOBS_MAX * sizeof(*ids));
	size_t count;
	if (!store_revocation_jobs(w->db, &r, ids, JOBS_MAX, &count, e))
		return false;
	return app_job_cancel_all_in(w, ids, count, e);
}

static bool end(struct app *w, void *context, struct err *e)
{
	const struct store_token *t = context;
	cut(w, t->account_id);
	return store_token_end(w->db, t->id, w->now_ms, e) && stop_jobs(w, t->id, e) &&
	       store_audit_insert(w->db, w->account_id, "token.end", t->id, t->name, w->now_ms, e);
}

bool app_token_end(struct app *app, int64_t id, struct err *e)
{
	struct store_token t;
	return need_own(app, id, &t, e) && app_write(app, end, &t, e);
}

static bool confirm(struct app *w, void *context, struct err *e)
{
	const struct store_token *t = context;
	bool changed;
	if (!store_token_set_state(w->db, t->id, STORE_TOKEN_ACTIVE, NULL, w->now_ms, &changed, e))
		return false;
	return !changed || store_audit_insert(w->db, w->account_id, "token.confirm", t->id, t->name,
					      w->now_ms, e);
}

bool app_token_confirm(struct app *app, int64_t id, struct store_token *out, struct err *e)
{
	if (!app_token_get(app, id, out, e))
		return false;
	if (app->token_id)
		return err_set(e, ERR_FORBIDDEN, "A token cannot change tokens.");
	if (out->state == STORE_TOKEN_SUSPENDED && app->role != STORE_ROLE_ADMIN)
		return err_set(e, ERR_FORBIDDEN,
			       "This token is suspended. Delete it and make a new one, or ask an "
			       "administrator.");
	return app_write(app, confirm, out, e) && store_token_get(app->db, app->arena, id, out, e);
}

/* --- checking --- */

struct app_token_uses {
	pthread_mutex_t mutex;
	size_t count;
	int64_t expired_at;
	struct use {
		int64_t token_id, minute, uses;
		char network[NETWORK_TEXT_SIZE];
		char agent[AGENT_MAX_BYTES];
	} slots[USES_SLOTS];
};

struct app_token_uses *app_token_uses_create(void)
{
	struct app_token_uses *u = calloc(1, sizeof(*u));
	if (!u)
		abort();
	pthread_mutex_init(&u->mutex, NULL);
	return u;
}

void app_token_uses_destroy(struct app_token_uses *u)
{
	if (!u)
		return;
	pthread_mutex_destroy(&u->mutex);
	free(u);
}

/* False: there is no room until they are written down. */
static bool note_use(struct app *app, int64_t token_id)
{
	struct app_token_uses *u = app->core->token_uses;
	struct use now = {.token_id = token_id, .minute = app->now_ms / MINUTE_MS, .uses = 1};
	const char *agent = app->agent ? app->agent : "";
	app_network_of(app->ip, now.network);
	snprintf(now.agent, sizeof(now.agent), "%.*s",
		 (int)str_utf8_cut(agent, strlen(agent), AGENT_MAX_BYTES - 1), agent);
	if (!str_is_utf8(now.agent, strlen(now.agent)))
		snprintf(now.agent, sizeof(now.agent), "?");
	pthread_mutex_lock(&u->mutex);
	size_t i = 0;
	while (i < u->count &&
	       !(u->slots[i].token_id == token_id && u->slots[i].minute == now.minute &&
		 strcmp(u->slots[i].network, now.network) == 0 &&
		 strcmp(u->slots[i].agent, now.agent) == 0))
		i++;
	bool room = i < USES_SLOTS;
	if (i < u->count)
		u->slots[i].uses++;
	else if (room)
		u->slots[u->count++] = now;
	pthread_mutex_unlock(&u->mutex);
	return room;
}

static bool origin_listed(const char *list, const char *origin)
{
	return !list[0] || (origin && app_words_have(list, origin));
}

static bool refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_UNAUTHORIZED, "The access token is invalid%s", why);
}

bool app_token_authenticate(struct app *app, const char *secret, struct app_identity *out,
			    struct err *e)
{
	struct store_token *t = ARENA_NEW(app->arena, struct store_token);
	if (!store_token_by_hash(app->db, app->arena, app_secret_hash(app->arena, PURPOSE, secret),
				 t, e))
		return e->code == ERR_NOT_FOUND ? refuse(e, "") : false;
	if (t->revoked_at || t->revocation_id)
		return refuse(e, ": it was revoked");
	if (t->expires_at && t->expires_at <= app->now_ms)
		return refuse(e, ": it has expired");
	if (!note_use(app, t->id) && (!app_token_flush(app, e) || !note_use(app, t->id)))
		return err_set(e, ERR_BUSY, "The server is busy: try again in a moment");
	if (t->state == STORE_TOKEN_SUSPENDED)
		return err_set(e, ERR_FORBIDDEN, "This token is suspended: %s",
			       or_empty(t->reason));
	if (t->state == STORE_TOKEN_CONFIRM)
		return err_set(e, ERR_FORBIDDEN,
			       "This token waits for its owner to confirm it in the settings: %s",
			       or_empty(t->reason));
	if (t->networks[0] && !app_networks_have(t->networks, app->ip))
		return err_set(e, ERR_FORBIDDEN, "This token may not be used from this network");
	if (!origin_listed(t->origins, app->origin))
		return err_set(e, ERR_FORBIDDEN, "This token may not be used by this site");
	*out = (struct app_identity){.account_id = t->account_id,
				     .scope_names = t->scopes,
				     .token_id = t->id,
				     .token = t,
				     .expires_at = t->expires_at};
	return true;
}

bool app_token_admit(struct app *app, const struct app_job_new *form, struct err *e)
{
	static const char *const tasks[] = {"draw", "restyle", "vary", "edit"};
	const struct store_token *t = app->token;
	if (!t)
		return true;
	if (!app_words_have(t->makers, form->maker))
		return err_set(e, ERR_FORBIDDEN, "This token may not draw with %s", form->maker);
	return app_words_have(t->tasks, tasks[form->task]) ||
	       err_set(e, ERR_FORBIDDEN, "This token may not %s", tasks[form->task]);
}

/* --- watching --- */

static const struct app_token_policy POLICY_DEFAULT = {
    .networks_max = 8, .agents_max = 12, .requests_max = 600};

bool app_token_policy_get(struct app *app, struct app_token_policy *out, struct err *e)
{
	const char *text;
	char *end;
	*out = POLICY_DEFAULT;
	if (!store_setting_get(app->db, app->arena, SETTING_POLICY, &text, e))
		return false;
	if (!text)
		return true;
	out->suspend = str_starts(text, "suspend ");
	text += strcspn(text, " ");
	out->networks_max = strtoll(text, &end, 10);
	out->agents_max = strtoll(end, &end, 10);
	out->requests_max = strtoll(end, &end, 10);
	return true;
}

struct policy_call {
	const char *text;
};

static bool set_policy(struct app *w, void *context, struct err *e)
{
	const char *text = ((struct policy_call *)context)->text;
	return store_setting_set(w->db, SETTING_POLICY, text, e) &&
	       store_audit_insert(w->db, w->account_id, "token.policy", 0, text, w->now_ms, e);
}

bool app_token_policy_set(struct app *app, const struct app_token_policy *p, struct err *e)
{
	struct policy_call call;
	if (!app_need_admin(app, e))
		return false;
	if (p->networks_max < 1 || p->agents_max < 1 || p->requests_max < 1)
		return err_set(e, ERR_INVALID, "Validation failed: the limits must be at least 1");
	call.text = arena_printf(app->arena, "%s %lld %lld %lld",
				 p->suspend ? "suspend" : "confirm", (long long)p->networks_max,
				 (long long)p->agents_max, (long long)p->requests_max);
	return app_write(app, set_policy, &call, e);
}

/* Stops a token, tells its owner, writes down why. */
static bool lock(struct app *w, const struct store_token *t, bool suspend, const char *why,
		 struct err *e)
{
	bool changed;
	if (!store_token_set_state(w->db, t->id,
				   suspend ? STORE_TOKEN_SUSPENDED : STORE_TOKEN_CONFIRM, why,
				   t->watched_from, &changed, e))
		return false;
	if (!changed)
		return true;
	cut(w, t->account_id);
	log_warn("token.leak", LOG_INT("token", t->id), LOG_STR("why", why),
		 LOG_INT("suspended", suspend));
	const char *text =
	    suspend
		? arena_printf(w->arena,
			       "Your token \"%s\" is suspended: %s. Delete it and make a new one.",
			       t->name, why)
		: arena_printf(w->arena,
			       "Your token \"%s\" is stopped: %s. If that was you, confirm it; "
			       "otherwise delete it.",
			       t->name, why);
	return (!suspend || stop_jobs(w, t->id, e)) &&
	       app_notice(w, t->account_id, suspend ? "token.suspended" : "token.confirm", text,
			  t->id, e) &&
	       store_audit_insert(w->db, 0, suspend ? "token.suspend" : "token.question", t->id,
				  why, w->now_ms, e);
}

struct flush_call {
	const struct use *uses;
	size_t count;
	int64_t token_id;
};

static bool write_uses(struct app *w, void *context, struct err *e)
{
	const struct flush_call *call = context;
	for (size_t i = 0; i < call->count; i++) {
		const struct use *u = &call->uses[i];
		const struct store_token_use row = {
		    .network = u->network, .agent = u->agent, .count = u->uses};
		if (!store_token_use_add(w->db, u->token_id, u->minute, &row, w->now_ms, e))
			return false;
	}
	return true;
}

static bool look_for_leak(struct app *w, void *context, struct err *e)
{
	const struct flush_call *call = context;
	struct store_token t;
	struct store_token_spread spread;
	struct app_token_policy p;
	struct err missing = {0};
	int64_t minute = w->now_ms / MINUTE_MS;
	if (!store_token_get(w->db, w->arena, call->token_id, &t, &missing)) {
		if (missing.code == ERR_NOT_FOUND)
			return true;
		*e = missing;
		return false;
	}
	if (t.state != STORE_TOKEN_ACTIVE || t.revoked_at)
		return true;
	int64_t from = minute - HOUR_MINUTES, watched = t.watched_from / MINUTE_MS;
	if (!app_token_policy_get(w, &p, e) ||
	    !store_token_spread(w->db, t.id, from > watched ? from : watched,
				watched > minute - 1 ? watched : minute - 1, &spread, e))
		return false;
	const char *why = NULL;
	if (spread.networks > p.networks_max)
		why = arena_printf(w->arena, "it was used from %lld networks within an hour",
				   (long long)spread.networks);
	else if (spread.agents > p.agents_max)
		why = arena_printf(w->arena, "it was used by %lld programs within an hour",
				   (long long)spread.agents);
	else if (spread.in_a_minute > p.requests_max)
		why = arena_printf(w->arena, "it was used %lld times within a minute",
				   (long long)spread.in_a_minute);
	return !why || lock(w, &t, p.suspend, why, e);
}

static bool expire(struct app *w, void *context, struct err *e)
{
	(void)context;
	return store_token_use_expire(w->db, w->now_ms / MINUTE_MS - USES_KEPT_MINUTES, e);
}

bool app_token_flush(struct app *app, struct err *e)
{
	struct app_token_uses *u = app->core->token_uses;
	struct flush_call call = {0};
	pthread_mutex_lock(&u->mutex);
	call.count = u->count;
	bool clean = app->now_ms - u->expired_at > HOUR_MINUTES * MINUTE_MS;
	if (clean)
		u->expired_at = app->now_ms;
	struct use *uses = NULL;
	if (call.count) {
		uses = malloc(call.count * sizeof(*uses));
		if (!uses)
			abort();
		memcpy(uses, u->slots, call.count * sizeof(*uses));
		u->count = 0;
	}
	pthread_mutex_unlock(&u->mutex);
	call.uses = uses;
	bool ok = (!call.count || app_write(app, write_uses, &call, e)) &&
		  (!clean || app_write(app, expire, NULL, e));
	for (size_t i = 0; ok && i < call.count; i++) {
		bool done = false;
		for (size_t k = 0; k < i && !done; k++)
			done = uses[k].token_id == uses[i].token_id;
		call.token_id = uses[i].token_id;
		ok = done || app_write(app, look_for_leak, &call, e);
	}
	free(uses);
	return ok;
}

/* --- tokens that people show --- */

struct seen_call {
	struct store_token token;
};

static bool lock_seen(struct app *w, void *context, struct err *e)
{
	return lock(w, &((struct seen_call *)context)->token, true,
		    "it stands in a post that others can read", e);
}

static bool is_secret_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

bool app_token_seen_in(struct app *app, const char *text, struct err *e)
{
	int found = 0;
	for (const char *s = text; s && found < FOUND_MAX && (s = strstr(s, APP_TOKEN_PREFIX));) {
		struct seen_call call;
		struct err missing = {0};
		size_t prefix = strlen(APP_TOKEN_PREFIX), length = prefix;
		while (length < prefix + SECRET_LENGTH && is_secret_letter(s[length]))
			length++;
		if (length < prefix + SECRET_LENGTH) {
			s += prefix;
			continue;
		}
		const char *secret = arena_strndup(app->arena, s, length);
		s += prefix;
		found++;
		if (store_token_by_hash(app->db, app->arena,
					app_secret_hash(app->arena, PURPOSE, secret), &call.token,
					&missing)) {
			if (!app_write(app, lock_seen, &call, e))
				return false;
		} else if (missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
	}
	return true;
}
