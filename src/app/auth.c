/* Who is asking: set-up, sign-up, sign-in, sessions, passwords, the second factor. Any thread. What must stay
 * true: secrets are kept only as hashes; a wrong name and a wrong password look and take the same; whoever is
 * suspended, pending or signed out is refused by every function that finds an identity. */
#include "app/auth.h"

#include "app/account.h"
#include "app/private.h"
#include "app/recovery.h"
#include "app/rule.h"
#include "app/setting.h"
#include "app/token.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/invitation.h"
#include "store/oauth.h"
#include "store/recovery.h"
#include "store/setting.h"
#include "store/user.h"

#include <sodium.h>
#include <string.h>

enum {
	USERNAME_MAX = 30,
	EMAIL_MAX = 254,
	PASSWORD_MIN = 8,
	PASSWORD_MAX = 256,
	CODE_TTL_MS = 24 * 60 * 60 * 1000,
	TOUCH_EVERY_MS = 10 * 60 * 1000,
};

static const char PURPOSE_SESSION[] = "session";
static const char PURPOSE_CSRF[] = "csrf";
static const char PURPOSE_TOKEN[] = "token";
static const char PURPOSE_CODE[] = "code";

/* --- passwords --- */

/* One at a time: many who sign in wait here, and nobody else because of them. */
static void hashing_begin(struct app *app)
{
	thread_rest_begin();
	pthread_mutex_lock(&app->core->hashing);
	thread_rest_end();
}

static bool hash_password(struct app *app, const char *password, const char **hash, struct err *e)
{
	char text[crypto_pwhash_STRBYTES];
	bool weak = app->core->config.password_hash_weak;
	hashing_begin(app);
	int failed = crypto_pwhash_str_alg(
	    text, password, strlen(password),
	    weak ? crypto_pwhash_OPSLIMIT_MIN : crypto_pwhash_OPSLIMIT_INTERACTIVE,
	    weak ? crypto_pwhash_MEMLIMIT_MIN : crypto_pwhash_MEMLIMIT_INTERACTIVE,
	    crypto_pwhash_ALG_ARGON2ID13);
	pthread_mutex_unlock(&app->core->hashing);
	if (failed)
		return err_set(e, ERR_NO_MEMORY,
			       "The server has no memory for this now. Please try again.");
	*hash = arena_strdup(app->arena, text);
	return true;
}

static bool password_matches(struct app *app, const char *hash, const char *password)
{
	struct err ignored = {0};
	const char *unused;
	if (!hash) {
		(void)!hash_password(app, password, &unused,
				     &ignored); /* the same work as for a real one */
		return false;
	}
	hashing_begin(app);
	bool ok = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	pthread_mutex_unlock(&app->core->hashing);
	return ok;
}

static bool check_password(const char *password, struct err *e)
{
	size_t length = strlen(password);
	if (length < PASSWORD_MIN)
		return err_set(e, ERR_INVALID,
			       "Validation failed: password is too short (at least %d characters)",
			       PASSWORD_MIN);
	return length <= PASSWORD_MAX ||
	       err_set(e, ERR_INVALID, "Validation failed: password is too long (at most %d bytes)",
		       PASSWORD_MAX);
}

/* --- identities --- */

void app_become(struct app *app, const struct app_identity *identity)
{
	app->account_id = identity->account_id;
	app->role = identity->role;
	app->token = identity->token;
	app->token_id = identity->token ? identity->token_id : 0;
}

bool app_scope_allows(const char *scope_names, const char *needed)
{
	for (const char *s = scope_names; *s;) {
		size_t length = strcspn(s, " +");
		/* "admin", "admin:read" and "admin:read:accounts" all hold the last of them. */
		if (length && strncmp(s, needed, length) == 0 &&
		    (needed[length] == '\0' || needed[length] == ':'))
			return true;
		/* "follow" is the old name of what writing about relations needs. */
		if (length == 6 && strncmp(s, "follow", 6) == 0 &&
		    (strcmp(needed, "write:follows") == 0 || strcmp(needed, "write:blocks") == 0 ||
		     strcmp(needed, "write:mutes") == 0 || strcmp(needed, "read:follows") == 0 ||
		     strcmp(needed, "read:blocks") == 0 || strcmp(needed, "read:mutes") == 0))
			return true;
		s += length + (s[length] != '\0');
	}
	return false;
}

static unsigned scope_bits(const char *names)
{
	static const char *const groups[] = {"read", "write", "follow", "push", "admin"};
	unsigned bits = 0;
	for (const char *s = names; *s;) {
		size_t length = strcspn(s, " +"), group = strcspn(s, " +:");
		for (unsigned i = 0; i < 5; i++)
			if (strlen(groups[i]) == group && strncmp(s, groups[i], group) == 0)
				bits |= 1u << i;
		s += length + (s[length] != '\0');
	}
	return bits;
}

static bool refuse(struct err *e)
{
	return err_set(e, ERR_UNAUTHORIZED, "The access token is invalid");
}

/* A missing row is a refusal; a failing database is not. */
static bool refuse_missing(struct err *e)
{
	return e->code == ERR_NOT_FOUND ? refuse(e) : false;
}

static bool load_role(struct app *app, struct app_identity *out, struct err *e)
{
	struct store_account account;
	if (!store_account_get(app->db, app->arena, out->account_id, &account, e))
		return refuse_missing(e);
	if (account.state != STORE_ACCOUNT_ACTIVE || account.disabled)
		return refuse(e);
	out->role = account.role;
	return true;
}

struct touch_call {
	int64_t id;
	int64_t expires_at; /* sessions */
	bool session;
};

static bool touch(struct app *w, void *context, struct err *e)
{
	struct touch_call *call = context;
	if (call->session)
		return store_session_touch(w->db, call->id, w->now_ms, call->expires_at, e);
	return store_oauth_token_touch(w->db, call->id, w->now_ms, e);
}

/* When a token was last used is worth a line in the log where it cannot be written, not a refusal. */
static void touch_softly(struct app *app, struct touch_call *call)
{
	struct err e = {0};
	if (!app_write(app, touch, call, &e))
		log_warn("auth.touch", LOG_ERR(&e));
}

bool app_auth_token(struct app *app, const char *token, struct app_identity *out, struct err *e)
{
	struct store_oauth_token row;
	*out = (struct app_identity){0};
	if (!token[0] || strlen(token) > 200)
		return refuse(e);
	if (str_starts(token, APP_TOKEN_PREFIX)) {
		if (!app_token_authenticate(app, token, out, e))
			return false;
		out->scopes = scope_bits(out->scope_names);
		return load_role(app, out, e);
	}
	if (!store_oauth_token_get(app->db, app->arena,
				   app_secret_hash(app->arena, PURPOSE_TOKEN, token), &row, e))
		return refuse_missing(e);
	if (row.revoked_at || (row.expires_at && row.expires_at <= app->now_ms))
		return refuse(e);
	out->account_id = row.account_id;
	out->scopes = scope_bits(row.scopes);
	out->scope_names = row.scopes;
	out->token_id = row.id;
	out->app_id = row.app_id;
	out->expires_at = row.expires_at;
	if (row.account_id && !load_role(app, out, e))
		return false;
	if (app->now_ms - row.used_at > TOUCH_EVERY_MS)
		touch_softly(app, &(struct touch_call){.id = row.id});
	return true;
}

static void session_identity(struct app *app, const char *cookie, const struct store_session *row,
			     struct app_identity *out)
{
	*out = (struct app_identity){
	    .account_id = row->account_id,
	    .scopes = APP_SCOPE_ALL,
	    .scope_names = "read write follow push admin",
	    .session_id = row->id,
	    .csrf_token = app_secret_hash(app->arena, PURPOSE_CSRF, cookie),
	    .expires_at = row->expires_at,
	};
}

bool app_auth_session(struct app *app, const char *cookie, struct app_identity *out, struct err *e)
{
	struct store_session row;
	*out = (struct app_identity){0};
	if (!cookie[0] || strlen(cookie) > 200)
		return refuse(e);
	if (!store_session_get(app->db, app->arena,
			       app_secret_hash(app->arena, PURPOSE_SESSION, cookie), &row, e))
		return refuse_missing(e);
	if (row.expires_at <= app->now_ms)
		return refuse(e);
	session_identity(app, cookie, &row, out);
	if (!load_role(app, out, e))
		return false;
	if (app->now_ms - row.used_at > TOUCH_EVERY_MS) {
		out->expires_at = app->now_ms + app->core->config.session_ttl_ms;
		touch_softly(app, &(struct touch_call){.id = row.id,
						       .session = true,
						       .expires_at = out->expires_at});
	}
	return true;
}

/* --- making accounts --- */

static bool check_username(const char *username, struct err *e)
{
	size_t length = strlen(username);
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	if (length == 0 || length > USERNAME_MAX || strspn(username, allowed) != length)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: username must have 1 to %d letters (a-z), digits or _",
		    USERNAME_MAX);
	return !str_equal_nocase(username, "draw") ||
	       err_set(e, ERR_INVALID, "Validation failed: username is taken by the server itself");
}

static bool check_form(const struct app_sign_up *form, struct err *e)
{
	const char *at = strchr(form->email, '@');
	size_t length = strlen(form->email);
	if (!check_username(form->username, e) || !check_password(form->password, e))
		return false;
	if (length > EMAIL_MAX || !at || at == form->email || !at[1] || strchr(at + 1, '@') ||
	    strpbrk(form->email, " \t\r\n<>,;\"") || !str_is_utf8(form->email, length))
		return err_set(e, ERR_INVALID, "Validation failed: email is not an e-mail address");
	if (form->display_name && !app_check_text("display_name", form->display_name, 100, e))
		return false;
	return !form->reason || app_check_text("reason", form->reason, 1000, e);
}

struct sign_up_call {
	const struct app_sign_up *form;
	const char *password_hash;
	enum store_role role;
	enum store_account_state state;
	const char *invitation; /* must be used */
	const char *setup_code; /* must be there, and goes */
	bool with_session;
	int64_t account_id;
	const char *cookie;
	struct store_session session;
};

static bool taken(struct app *w, const struct app_sign_up *form, struct err *e)
{
	struct store_account account;
	struct store_user user;
	struct err missing = {0};
	if (store_account_find(w->db, w->arena, form->username, "", &account, &missing))
		return err_set(e, ERR_CONFLICT,
			       "Validation failed: username has already been taken");
	if (missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	if (store_user_by_email(w->db, w->arena, form->email, &user, &missing))
		return err_set(e, ERR_CONFLICT, "Validation failed: email has already been taken");
	if (missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	return true;
}

static bool use_invitation(struct app *w, const char *code, int64_t *id, struct err *e)
{
	struct store_invitation invitation;
	bool used = false;
	if (!store_invitation_by_code(w->db, w->arena, code, &invitation, e))
		return e->code != ERR_NOT_FOUND
			   ? false
			   : err_set(e, ERR_INVALID, "Validation failed: invitation is not known");
	*id = invitation.id;
	if (!store_invitation_use(w->db, invitation.id, w->now_ms, &used, e))
		return false;
	return used ||
	       err_set(e, ERR_INVALID, "Validation failed: invitation is used up or has expired");
}

static bool use_setup_code(struct app *w, const char *code, struct err *e)
{
	int64_t nobody;
	bool required;
	const char *hash = app_secret_hash(w->arena, PURPOSE_CODE, code);
	if (!app_setup_required(w, &required, e))
		return false;
	if (!required)
		return err_set(e, ERR_FORBIDDEN, "This server is set up already.");
	if (!store_code_find(w->db, hash, STORE_CODE_SETUP, w->now_ms, &nobody, e))
		return e->code == ERR_NOT_FOUND
			   ? err_set(e, ERR_INVALID,
				     "Validation failed: code is wrong or has expired; the server "
				     "prints a new link when it starts")
			   : false;
	return store_code_delete(w->db, hash, e);
}

static bool insert_session(struct app *w, int64_t account_id, const char *agent,
			   const char **cookie, struct store_session *session, struct err *e)
{
	*cookie = app_secret_new(w->arena);
	*session = (struct store_session){
	    .id = id_new(),
	    .token_hash = app_secret_hash(w->arena, PURPOSE_SESSION, *cookie),
	    .account_id = account_id,
	    .ip = w->ip,
	    .agent = agent ? arena_strndup(w->arena, agent, str_utf8_cut(agent, strlen(agent), 200))
			   : NULL,
	    .created_at = w->now_ms,
	    .used_at = w->now_ms,
	    .expires_at = w->now_ms + w->core->config.session_ttl_ms,
	};
	return store_session_insert(w->db, session, e) &&
	       store_user_set_signed_in(w->db, account_id, w->now_ms, e);
}

static bool insert_account(struct app *w, const struct sign_up_call *call, int64_t id,
			   struct err *e)
{
	const char *name = call->form->username;
	const char *uri = app_account_uri(w, name);
	struct store_account account = {
	    .id = id,
	    .username = name,
	    .domain = "",
	    .uri = uri,
	    .url = arena_printf(w->arena, "%s/@%s", w->core->config.base_url, name),
	    .display_name = call->form->display_name,
	    .discoverable = true,
	    .role = call->role,
	    .state = call->state,
	    .created_at = w->now_ms,
	};
	struct store_account_keys keys = {
	    .inbox_uri = arena_printf(w->arena, "%s/inbox", uri),
	    .shared_inbox_uri = arena_printf(w->arena, "%s/inbox", w->core->config.base_url),
	    .outbox_uri = arena_printf(w->arena, "%s/outbox", uri),
	    .followers_uri = arena_printf(w->arena, "%s/followers", uri),
	};
	return store_account_insert(w->db, &account, &keys, e);
}

static bool sign_up(struct app *w, void *context, struct err *e)
{
	struct sign_up_call *call = context;
	const struct app_sign_up *form = call->form;
	int64_t invitation_id = 0;
	if (call->setup_code && !use_setup_code(w, call->setup_code, e))
		return false;
	if (call->invitation && !use_invitation(w, call->invitation, &invitation_id, e))
		return false;
	if (!taken(w, form, e))
		return false;
	call->account_id = id_new();
	struct store_user user = {
	    .account_id = call->account_id,
	    .email = form->email,
	    .password_hash = call->password_hash,
	    .locale = form->locale,
	    .confirmed = true,
	    .approved = call->state == STORE_ACCOUNT_ACTIVE,
	    .reason = form->reason,
	    .invitation_id = invitation_id,
	    .created_at = w->now_ms,
	};
	if (!insert_account(w, call, call->account_id, e) || !store_user_insert(w->db, &user, e) ||
	    !app_notify_staff(w, APP_NOTIFY_SIGN_UP, call->account_id, 0, e))
		return false;
	if (!call->with_session)
		return true;
	return insert_session(w, call->account_id, form->agent, &call->cookie, &call->session, e);
}

static bool run_sign_up(struct app *app, struct sign_up_call *call, struct app_session *out,
			struct err *e)
{
	if (!check_form(call->form, e) ||
	    !hash_password(app, call->form->password, &call->password_hash, e))
		return false;
	call->with_session = out && call->state == STORE_ACCOUNT_ACTIVE;
	if (!app_write(app, sign_up, call, e))
		return false;
	if (call->with_session) {
		out->cookie = call->cookie;
		session_identity(app, call->cookie, &call->session, &out->identity);
		out->identity.role = call->role;
	}
	return true;
}

/* Whether there is any person's account; @draw does not count. */
bool app_setup_required(struct app *app, bool *required, struct err *e)
{
	int64_t count = 0, draw = 0;
	if (!store_account_count_local(app->db, &count, e) || !app_draw_find(app, &draw, e))
		return false;
	*required = count - (draw != 0) == 0;
	return true;
}

struct code_call {
	const char *hash;
	enum store_code_purpose purpose;
	int64_t account_id;
	const char *action; /* of the audit log; NULL: none */
};

static bool insert_code(struct app *w, void *context, struct err *e)
{
	struct code_call *call = context;
	return store_code_delete_purpose(w->db, call->purpose, call->account_id, e) &&
	       store_code_insert(w->db, call->hash, call->purpose, call->account_id, w->now_ms,
				 w->now_ms + CODE_TTL_MS, e) &&
	       (!call->action || store_audit_insert(w->db, w->account_id, call->action,
						    call->account_id, NULL, w->now_ms, e));
}

static bool make_code_by(struct app *app, struct code_call call, const char **code, struct err *e)
{
	*code = app_secret_new(app->arena);
	call.hash = app_secret_hash(app->arena, PURPOSE_CODE, *code);
	return app_write(app, insert_code, &call, e);
}

static bool make_code(struct app *app, enum store_code_purpose purpose, int64_t account_id,
		      const char **code, struct err *e)
{
	return make_code_by(app, (struct code_call){.purpose = purpose, .account_id = account_id},
			    code, e);
}

bool app_setup_code(struct app *app, const char **code, struct err *e)
{
	return make_code(app, STORE_CODE_SETUP, 0, code, e);
}

bool app_setup(struct app *app, const char *code, const struct app_sign_up *form,
	       struct app_session *out, struct err *e)
{
	if (app->ip &&
	    !app_limiter_allow(app->core->limiter, arena_printf(app->arena, "setup %s", app->ip),
			       app->core->config.sign_in_tries_max, app->now_ms))
		return err_set(e, ERR_LIMIT, "Too many tries. Please wait ten minutes.");
	struct sign_up_call call = {.form = form, .role = STORE_ROLE_OWNER, .setup_code = code};
	return run_sign_up(app, &call, out, e);
}

bool app_sign_up(struct app *app, const struct app_sign_up *form, struct app_session *out,
		 bool *pending, struct err *e)
{
	struct app_settings settings;
	struct sign_up_call call = {.form = form};
	*out = (struct app_session){0};
	if (!app_settings_get(app, &settings, e))
		return false;
	if (!form->agreement)
		return err_set(e, ERR_INVALID, "Validation failed: agreement must be accepted");
	bool invited = form->invitation && form->invitation[0];
	if (settings.registrations == APP_REGISTRATIONS_CLOSED)
		return err_set(e, ERR_FORBIDDEN,
			       "This server does not take new accounts at the moment.");
	if (settings.registrations == APP_REGISTRATIONS_INVITATION && !invited)
		return err_set(e, ERR_FORBIDDEN,
			       "This server takes new accounts by invitation only.");
	if (app->ip &&
	    !app_limiter_allow(app->core->limiter, arena_printf(app->arena, "signup %s", app->ip),
			       app->core->config.sign_in_tries_max, app->now_ms))
		return err_set(e, ERR_LIMIT,
			       "Too many new accounts from here. Please wait ten minutes.");
	bool approval;
	if (!app_rule_check_sign_up(app, form->email, &approval, e))
		return false;
	if (approval || (settings.registrations == APP_REGISTRATIONS_APPROVAL && !invited))
		call.state = STORE_ACCOUNT_PENDING;
	call.invitation = invited ? form->invitation : NULL;
	*pending = call.state == STORE_ACCOUNT_PENDING;
	return run_sign_up(app, &call, out, e);
}

bool app_account_create(struct app *app, const struct app_sign_up *form, enum store_role role,
			int64_t *account_id, struct err *e)
{
	struct sign_up_call call = {.form = form, .role = role};
	if (!run_sign_up(app, &call, NULL, e))
		return false;
	*account_id = call.account_id;
	return true;
}

/* --- signing in --- */

static bool find_login(struct app *app, const char *login, struct store_user *user, bool *found,
		       struct err *e)
{
	struct store_account account;
	*found = true;
	if (strchr(login, '@') && login[0] != '@') {
		if (store_user_by_email(app->db, app->arena, login, user, e))
			return true;
	} else if (store_account_find(app->db, app->arena, login[0] == '@' ? login + 1 : login, "",
				      &account, e) &&
		   store_user_get(app->db, app->arena, account.id, user, e)) {
		return true;
	}
	*found = false;
	return e->code == ERR_NOT_FOUND;
}

struct session_call {
	int64_t account_id;
	const char *agent;
	int64_t totp_step;         /* 0: none */
	const char *recovery_hash; /* NULL: none */
	const char *cookie;
	struct store_session session;
};

static bool begin_session(struct app *w, void *context, struct err *e)
{
	struct session_call *call = context;
	bool used = true;
	if (call->totp_step && !store_user_use_totp(w->db, call->account_id, call->totp_step, e))
		return false;
	if (call->recovery_hash &&
	    !store_recovery_use(w->db, call->account_id, call->recovery_hash, &used, e))
		return false;
	if (!used)
		return err_set(e, ERR_UNAUTHORIZED, "The code of your second factor is wrong.");
	return insert_session(w, call->account_id, call->agent, &call->cookie, &call->session, e);
}

static const char *login_key(struct app *app, const char *login)
{
	char *key = arena_printf(app->arena, "login %s", login);
	for (char *c = key; *c; c++)
		*c = str_lower(*c);
	return key;
}

static bool check_limit(struct app *app, const char *login, struct err *e)
{
	int tries = app->core->config.sign_in_tries_max;
	bool ok = app_limiter_allow(app->core->limiter, login_key(app, login), tries, app->now_ms);
	if (app->ip)
		ok &= app_limiter_allow(app->core->limiter,
					arena_printf(app->arena, "ip %s", app->ip), 5 * tries,
					app->now_ms);
	return ok || err_set(e, ERR_LIMIT, "Too many tries. Please wait ten minutes.");
}

bool app_sign_in(struct app *app, const char *login, const char *password, const char *totp,
		 const char *agent, struct app_session *out, bool *totp_required, struct err *e)
{
	struct store_user user;
	struct store_account account;
	struct session_call call = {.agent = agent};
	bool found;
	*totp_required = false;
	*out = (struct app_session){0};
	if (strlen(login) > EMAIL_MAX || strlen(password) > PASSWORD_MAX)
		return err_set(e, ERR_UNAUTHORIZED, "The name or the password is wrong.");
	if (!check_limit(app, login, e) || !find_login(app, login, &user, &found, e))
		return false;
	if (!password_matches(app, found ? user.password_hash : NULL, password))
		return err_set(e, ERR_UNAUTHORIZED, "The name or the password is wrong.");
	if (user.totp_secret) {
		*totp_required = true;
		if (!totp || !totp[0])
			return err_set(e, ERR_UNAUTHORIZED,
				       "Please enter the code of your second factor.");
		if (!app_totp_matches(user.totp_secret, totp, app->now_ms, &call.totp_step) &&
		    !(call.recovery_hash = app_recovery_hash(app->arena, totp)))
			return err_set(e, ERR_UNAUTHORIZED,
				       "The code of your second factor is wrong.");
	}
	if (!store_account_get(app->db, app->arena, user.account_id, &account, e))
		return false;
	if (account.state == STORE_ACCOUNT_PENDING)
		return err_set(e, ERR_FORBIDDEN,
			       "An administrator has yet to approve your account.");
	if (account.state != STORE_ACCOUNT_ACTIVE)
		return err_set(e, ERR_FORBIDDEN, "Your account is suspended.");
	if (account.disabled)
		return err_set(e, ERR_FORBIDDEN, "Your account is disabled.");
	call.account_id = user.account_id;
	if (!app_write(app, begin_session, &call, e)) {
		if (e->code == ERR_CONFLICT) /* the code was used before */
			e->code = ERR_UNAUTHORIZED;
		return false;
	}
	app_limiter_clear(app->core->limiter, login_key(app, login));
	out->cookie = call.cookie;
	session_identity(app, call.cookie, &call.session, &out->identity);
	out->identity.role = account.role;
	return true;
}

static bool end_session(struct app *w, void *context, struct err *e)
{
	app_emit(w, &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = w->account_id});
	return store_session_delete(w->db, *(int64_t *)context, e);
}

bool app_sign_out(struct app *app, int64_t session_id, struct err *e)
{
	return app_write(app, end_session, &session_id, e);
}

static bool set_locale(struct app *w, void *context, struct err *e)
{
	return store_user_set_locale(w->db, w->account_id, context, e);
}

bool app_locale_set(struct app *app, const char *locale, struct err *e)
{
	/* app_write takes what it may change. */
	return app_need_account(app, e) &&
	       app_write(app, set_locale, arena_strdup(app->arena, locale), e);
}

/* --- changing and resetting passwords --- */

struct password_call {
	int64_t account_id;
	int64_t session_id; /* stays */
	const char *hash;
	const char *code_hash; /* may be NULL */
};

static bool set_password(struct app *w, void *context, struct err *e)
{
	struct password_call *call = context;
	if (call->code_hash) {
		int64_t account_id;
		if (!store_code_find(w->db, call->code_hash, STORE_CODE_RESET, w->now_ms,
				     &account_id, e) ||
		    !store_code_delete(w->db, call->code_hash, e))
			return false;
	}
	app_emit(w,
		 &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = call->account_id});
	return store_user_set_password(w->db, call->account_id, call->hash, e) &&
	       store_session_delete_all(w->db, call->account_id, call->session_id, e) &&
	       store_oauth_token_revoke_all(w->db, call->account_id, w->now_ms, e) &&
	       store_audit_insert(w->db, w->account_id, "password.set", call->account_id, NULL,
				  w->now_ms, e);
}

/* The asking account's own password, where something serious is about to happen. */
bool app_need_password(struct app *app, const char *password, struct err *e)
{
	struct store_user user;
	if (!app_need_account(app, e) ||
	    !store_user_get(app->db, app->arena, app->account_id, &user, e))
		return false;
	if (!app_limiter_allow(
		app->core->limiter,
		arena_printf(app->arena, "password %lld", (long long)app->account_id),
		app->core->config.sign_in_tries_max, app->now_ms))
		return err_set(e, ERR_LIMIT, "Too many tries. Please wait ten minutes.");
	return password_matches(app, user.password_hash, password) ||
	       err_set(e, ERR_INVALID, "Validation failed: the current password is wrong");
}

bool app_password_change(struct app *app, int64_t session_id, const char *current,
			 const char *password, struct err *e)
{
	struct password_call call = {.account_id = app->account_id, .session_id = session_id};
	return app_need_password(app, current, e) && check_password(password, e) &&
	       hash_password(app, password, &call.hash, e) &&
	       app_write(app, set_password, &call, e);
}

bool app_password_reset_ask(struct app *app, const char *email, struct err *e)
{
	struct store_user user;
	const char *code;
	const struct app_hooks *hooks = &app->core->hooks;
	if (!app_limiter_allow(app->core->limiter, arena_printf(app->arena, "reset %.300s", email),
			       3, app->now_ms))
		return true;
	if (!store_user_by_email(app->db, app->arena, email, &user, e))
		return e->code == ERR_NOT_FOUND;
	if (!hooks->mail)
		return true; /* an administrator makes the link */
	if (!make_code(app, STORE_CODE_RESET, user.account_id, &code, e))
		return false;
	const char *text = arena_printf(
	    app->arena,
	    "Somebody asked for a new password for your account on %s.\n\n%s/reset?code=%s\n\nThe link works for a "
	    "day. If it was not you, do nothing.\n",
	    app->core->config.domain, app->core->config.base_url, code);
	return hooks->mail(hooks->context, user.email, "A new password", text, e);
}

bool app_password_reset_link(struct app *app, int64_t account_id, const char **url, struct err *e)
{
	struct store_user user;
	struct store_account account;
	const char *code;
	if (!app_need_admin(app, e) || !store_user_get(app->db, app->arena, account_id, &user, e) ||
	    !store_account_get(app->db, app->arena, account_id, &account, e))
		return false;
	/* Whoever has the link has the account, and all that it may. */
	if (account.role >= app->role && account_id != app->account_id)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	if (!make_code_by(app,
			  (struct code_call){.purpose = STORE_CODE_RESET,
					     .account_id = account_id,
					     .action = "password.link"},
			  &code, e))
		return false;
	*url = arena_printf(app->arena, "%s/reset?code=%s", app->core->config.base_url, code);
	return true;
}

bool app_password_reset(struct app *app, const char *code, const char *password, struct err *e)
{
	struct password_call call = {.code_hash = app_secret_hash(app->arena, PURPOSE_CODE, code)};
	if (!check_password(password, e))
		return false;
	if (!store_code_find(app->db, call.code_hash, STORE_CODE_RESET, app->now_ms,
			     &call.account_id, e) ||
	    !hash_password(app, password, &call.hash, e) || !app_write(app, set_password, &call, e))
		return e->code == ERR_NOT_FOUND
			   ? err_set(e, ERR_INVALID,
				     "This link is wrong or has expired. Ask for "
				     "a new one.")
			   : false;
	return true;
}

/* --- the second factor --- */

struct totp_call {
	const char *secret;
	const char *pending;
	int64_t step;
	struct app_recovery *recovery; /* where it is switched on */
};

static bool set_totp(struct app *w, void *context, struct err *e)
{
	struct totp_call *call = context;
	if (call->step && !store_user_use_totp(w->db, w->account_id, call->step, e))
		return false;
	return store_user_set_totp(w->db, w->account_id, call->secret, call->pending, e) &&
	       (call->recovery ? app_recovery_make(w, call->recovery, e)
			       : store_recovery_clear(w->db, w->account_id, e));
}

bool app_totp_enabled(struct app *app, bool *enabled, struct err *e)
{
	struct store_user user;
	if (!app_need_account(app, e) ||
	    !store_user_get(app->db, app->arena, app->account_id, &user, e))
		return false;
	*enabled = user.totp_secret != NULL;
	return true;
}

bool app_totp_begin(struct app *app, struct app_totp *out, struct err *e)
{
	struct store_account account;
	struct store_user user;
	if (!app_account_self(app, &account, &user, e))
		return false;
	if (user.totp_secret)
		return err_set(e, ERR_CONFLICT,
			       "You have a second factor already. Switch it off first.");
	struct totp_call call = {.pending = app_totp_secret_new(app->arena)};
	if (!app_write(app, set_totp, &call, e))
		return false;
	out->secret = call.pending;
	out->uri = arena_printf(app->arena, "otpauth://totp/%s:%s?secret=%s&issuer=%s",
				app->core->config.domain, account.username, out->secret,
				app->core->config.domain);
	return true;
}

bool app_totp_confirm(struct app *app, const char *code, struct app_recovery *recovery,
		      struct err *e)
{
	struct store_user user;
	struct totp_call call = {.recovery = recovery};
	if (!app_need_account(app, e) ||
	    !store_user_get(app->db, app->arena, app->account_id, &user, e))
		return false;
	if (!user.totp_pending)
		return err_set(e, ERR_CONFLICT, "Begin with a new secret first.");
	if (!app_limiter_allow(app->core->limiter,
			       arena_printf(app->arena, "totp %lld", (long long)app->account_id),
			       app->core->config.sign_in_tries_max, app->now_ms))
		return err_set(e, ERR_LIMIT, "Too many tries. Please wait ten minutes.");
	if (!app_totp_matches(user.totp_pending, code, app->now_ms, &call.step))
		return err_set(e, ERR_INVALID,
			       "Validation failed: code is wrong; look at the clock of your phone");
	call.secret = user.totp_pending;
	return app_write(app, set_totp, &call, e);
}

bool app_totp_disable(struct app *app, const char *password, struct err *e)
{
	struct totp_call call = {0};
	return app_need_password(app, password, e) && app_write(app, set_totp, &call, e);
}
