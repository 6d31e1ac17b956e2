/* The person at the browser: set-up, sign-up, sign-in, password, second factor, consent to apps. Sessions live
 * in an HttpOnly cookie; what proves that a request comes from our own pages is the CSRF token, which for
 * somebody who is not signed in is a cookie that the page repeats. */
#include <string.h>

#include "api/mastodon/profile.h"
#include "api/studio/recovery.h"
#include "api/studio/routes.h"
#include "app/admin.h"
#include "app/moderation.h"
#include "app/oauth.h"
#include "app/setting.h"
#include "base/codec.h"
#include "base/rand.h"

enum { SESSION_S = 30 * 86400, PASSWORD_MAX = 200, LOCALE_MAX = 12 };

static bool put_own_account(struct serial *s, const char *key, const struct store_account *a,
			    struct err *e)
{
	struct serial_own own;
	if (!api_own_load(s->app, &own, e))
		return false;
	serial_account_own(s, key, a, &own);
	return true;
}

static const char *anonymous_csrf(struct http_request *rq, struct http_response *rs)
{
	const char *have = http_request_cookie(rq, API_CSRF_COOKIE);
	if (have && strlen(have) == 32 && strspn(have, "0123456789abcdef") == 32)
		return have;
	unsigned char random[16];
	char text[33];
	rand_bytes(random, sizeof random);
	codec_hex(text, random, sizeof random);
	api_cookie(rq, rs, API_CSRF_COOKIE, text, SESSION_S, true);
	return arena_strdup(rq->arena, text);
}

/* What GET session says, for the identity given. */
static bool answer_session(struct http_request *rq, struct http_response *rs,
			   const struct app_identity *who, struct err *e)
{
	static const char *const roles[] = {"user", "moderator", "admin", "admin"};
	rq->identity = (void *)who;
	struct app app = api_app(rq);
	struct app_settings settings;
	struct store_account a;
	struct store_user user;
	bool setup, totp = false;
	if (!app_setup_required(&app, &setup, e) || !app_settings_get(&app, &settings, e))
		return false;
	bool signed_in = who->account_id != 0;
	if (signed_in &&
	    (!app_account_self(&app, &a, &user, e) || !app_totp_enabled(&app, &totp, e)))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_object(&w, NULL);
	if (!signed_in)
		json_put_null(&w, "account");
	else if (!put_own_account(&s, "account", &a, e))
		return false;
	json_put_str(&w, "csrf_token", who->session_id ? who->csrf_token : anonymous_csrf(rq, rs));
	json_put_str(&w, "role", roles[signed_in ? who->role : STORE_ROLE_USER]);
	json_put_bool(&w, "owner", signed_in && who->role == STORE_ROLE_OWNER);
	json_put_bool(&w, "totp", totp);
	json_put_bool(&w, "setup_required", setup);
	json_put_str(&w, "registrations", app_registrations_name(settings.registrations));
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer_signed_in(struct http_request *rq, struct http_response *rs,
			     const struct app_session *session, struct err *e)
{
	struct app_identity *who = ARENA_NEW(rq->arena, struct app_identity);
	*who = session->identity;
	api_cookie(rq, rs, API_SESSION_COOKIE, session->cookie, SESSION_S, true);
	return answer_session(rq, rs, who, e);
}

bool api_session_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_session(rq, rs, api_who(rq), e);
}

bool api_session_sign_in(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *login, *password, *totp = NULL;
	struct app_session session;
	bool totp_required = false;
	if (!param_text_required(rq, "username", 320, &login, e) ||
	    !param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !param_text(rq, "totp", 32, &totp, e))
		return false;
	if (totp && !*totp)
		totp = NULL;
	if (app_sign_in(&app, login, password, totp, http_request_header(rq, "User-Agent"),
			&session, &totp_required, e))
		return answer_signed_in(rq, rs, &session, e);
	if (!totp_required)
		return false;
	struct json_writer w = api_json(rs);
	rs->status = 401;
	json_put_object(&w, NULL);
	json_put_str(&w, "error", e->message);
	json_put_bool(&w, "totp_required", true);
	json_put_end(&w);
	*e = (struct err){0};
	return json_finish(&w, e);
}

bool api_session_sign_out(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	if (api_who(rq)->session_id && !app_sign_out(&app, api_who(rq)->session_id, e))
		return false;
	api_cookie(rq, rs, API_SESSION_COOKIE, "", 0, true);
	http_response_empty(rs);
	return true;
}

static bool read_form(struct http_request *rq, struct app_sign_up *f, struct err *e)
{
	*f = (struct app_sign_up){.agent = http_request_header(rq, "User-Agent")};
	return param_text_required(rq, "username", 64, &f->username, e) &&
	       param_text_required(rq, "email", 320, &f->email, e) &&
	       param_text_required(rq, "password", PASSWORD_MAX, &f->password, e) &&
	       param_text(rq, "display_name", 60, &f->display_name, e) &&
	       param_text(rq, "reason", 1000, &f->reason, e) &&
	       param_text(rq, "invitation", 100, &f->invitation, e) &&
	       param_text(rq, "locale", LOCALE_MAX, &f->locale, e) &&
	       param_bool(rq, "agreement", &f->agreement, e);
}

bool api_setup(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_sign_up f;
	struct app_session session;
	const char *code;
	if (!param_text_required(rq, "code", 200, &code, e) || !read_form(rq, &f, e))
		return false;
	f.agreement = true;
	return app_setup(&app, code, &f, &session, e) && answer_signed_in(rq, rs, &session, e);
}

bool api_sign_up(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_sign_up f;
	struct app_session session;
	bool pending = false;
	if (!read_form(rq, &f, e))
		return false;
	if (!f.agreement)
		return param_fail(rq, "agreement", e, "must be accepted");
	if (!app_sign_up(&app, &f, &session, &pending, e))
		return false;
	if (!pending)
		return answer_signed_in(rq, rs, &session, e);
	rs->status = 202;
	buf_add_str(&rs->body, "{\"state\":\"pending\"}");
	return true;
}

bool api_session_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *locale;
	if (!param_text_required(rq, "locale", LOCALE_MAX, &locale, e) ||
	    !app_locale_set(&app, locale, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_invitation_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_invitation i;
	if (!app_invitation_get(&app, rq->path_args[0], &i, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "code", i.code);
	json_put_bool(&w, "valid", i.valid);
	json_put_time(&w, "expires_at", i.expires_at);
	if (i.uses_max)
		json_put_int(&w, "uses_left", i.uses < i.uses_max ? i.uses_max - i.uses : 0);
	else
		json_put_null(&w, "uses_left");
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_password_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *current, *password;
	if (!param_text_required(rq, "current_password", PASSWORD_MAX, &current, e) ||
	    !param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !app_password_change(&app, api_who(rq)->session_id, current, password, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_account_leave(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *password;
	if (!param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !app_account_leave(&app, password, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_password_reset_ask(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *email;
	if (!param_text_required(rq, "email", 320, &email, e) ||
	    !app_password_reset_ask(&app, email, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_password_reset(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *password;
	if (!param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !app_password_reset(&app, rq->path_args[0], password, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_totp_begin(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_totp t;
	if (!app_totp_begin(&app, &t, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "secret", t.secret);
	json_put_str(&w, "uri", t.uri);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_totp_confirm(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *code;
	struct app_recovery recovery;
	if (!param_text_required(rq, "code", 16, &code, e) ||
	    !app_totp_confirm(&app, code, &recovery, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	recovery_put(&w, &recovery);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_totp_disable(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *password;
	if (!param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !app_totp_disable(&app, password, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_profile_picture(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const kinds[] = {"avatar", "header", NULL};
	struct app app = api_app(rq);
	struct store_account a;
	int64_t media_id = 0;
	int kind = 0;
	if (!param_id(rq, "media_id", &media_id, e) || !param_choice(rq, "kind", kinds, &kind, e))
		return false;
	if (!media_id)
		return param_fail(rq, "media_id", e, "can't be blank");
	if (!app_account_use_media(&app, media_id, kind == 1, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	return put_own_account(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &a,
			       e) &&
	       json_finish(&w, e);
}

/* --- consent to an app --- */

static bool read_request(struct http_request *rq, struct app_oauth_request *q, struct err *e)
{
	*q = (struct app_oauth_request){0};
	return param_text_required(rq, "client_id", 200, &q->client_id, e) &&
	       param_text_required(rq, "redirect_uri", 2000, &q->redirect_uri, e) &&
	       param_text(rq, "scope", 1000, &q->scopes, e) &&
	       param_text(rq, "code_challenge", 200, &q->code_challenge, e) &&
	       param_text(rq, "code_challenge_method", 16, &q->code_challenge_method, e);
}

bool api_authorize_ask(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_oauth_request q;
	struct store_oauth_app a;
	if (!read_request(rq, &q, e) || !app_oauth_check(&app, &q, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "name", a.name);
	json_put_str(&w, "website", a.website);
	json_put_array(&w, "scopes");
	const char *scopes = q.scopes && *q.scopes ? q.scopes : a.scopes;
	while (*scopes) {
		size_t n = strcspn(scopes, " +");
		if (n)
			json_put_strn(&w, NULL, scopes, n);
		scopes += n + (scopes[n] != '\0');
	}
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_authorize_grant(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_oauth_request q;
	const char *code, *state = NULL;
	if (!api_who(rq)->session_id)
		return err_set(e, ERR_FORBIDDEN, "Only the person at the browser may allow an app");
	if (!read_request(rq, &q, e) || !param_text(rq, "state", 1000, &state, e) ||
	    !app_oauth_authorize(&app, &q, &code, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	if (!strcmp(q.redirect_uri, "urn:ietf:wg:oauth:2.0:oob")) {
		json_put_str(&w, "code", code);
	} else {
		struct buf url;
		buf_init(&url, 8000);
		buf_printf(&url, "%s%ccode=", q.redirect_uri,
			   strchr(q.redirect_uri, '?') ? '&' : '?');
		api_url_encode(&url, code);
		if (state && *state) {
			buf_add_str(&url, "&state=");
			api_url_encode(&url, state);
		}
		json_put_str(&w, "redirect_to", url.data);
		buf_finish(&url);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}
