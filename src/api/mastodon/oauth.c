/* OAuth 2: apps, tokens. The consent page is the front end's, over POST /api/madang/v1/authorize. */
#include "app/oauth.h"

#include <sodium.h>
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "base/codec.h"
#include "base/str.h"

/* redirect_uris: a string with one a line, or an array. */
static bool redirects_param(struct http_request *rq, const char **out, struct err *e)
{
	const char **uris;
	size_t n;
	struct buf all;
	if (!param_texts(rq, "redirect_uris", 16, 2000, &uris, &n, e))
		return false;
	buf_init(&all, 32000);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? "\n" : "", uris[i]);
	*out = arena_strdup(rq->arena, all.data ? all.data : "");
	buf_finish(&all);
	return **out || param_fail(rq, "redirect_uris", e, "can't be blank");
}

static void put_lines(struct json_writer *w, const char *key, const char *text,
		      const char *separators)
{
	json_put_array(w, key);
	while (text && *text) {
		size_t n = strcspn(text, separators);
		if (n)
			json_put_strn(w, NULL, text, n);
		text += n + (text[n] != '\0');
	}
	json_put_end(w);
}

static void put_app(struct http_request *rq, struct json_writer *w, const struct store_oauth_app *a)
{
	json_put_id(w, "id", a->id);
	json_put_str(w, "name", a->name);
	json_put_str(w, "website", a->website && *a->website ? a->website : NULL);
	put_lines(w, "scopes", a->scopes, " ");
	json_put_str(w, "redirect_uri", a->redirect_uris);
	put_lines(w, "redirect_uris", a->redirect_uris, "\n");
	json_put_str(w, "vapid_key", api_of(rq)->vapid_key);
}

bool api_app_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_oauth_app a;
	const char *name, *redirects, *secret, *scopes = "read", *website = NULL;
	if (!param_text_required(rq, "client_name", 200, &name, e) ||
	    !redirects_param(rq, &redirects, e) || !param_text(rq, "scopes", 1000, &scopes, e) ||
	    !param_text(rq, "website", 2000, &website, e) ||
	    !app_oauth_app_create(&app, name, redirects, scopes, website, &a, &secret, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	put_app(rq, &w, &a);
	json_put_str(&w, "client_id", a.client_id);
	json_put_str(&w, "client_secret", secret);
	json_put_int(&w, "client_secret_expires_at", 0);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_app_verify(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_oauth_app a;
	if (!api_who(rq)->app_id)
		return err_set(e, ERR_UNAUTHORIZED, "The access token is invalid");
	if (!app_oauth_app_get(&app, api_who(rq)->app_id, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	put_app(rq, &w, &a);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* OAuth's own error shape; its name is in the detail. Statuses as Elk expects them. */
static bool oauth_error(struct http_response *rs, const struct err *e)
{
	struct err ignored = {0};
	const char *name = e->detail[0] ? e->detail : "invalid_request";
	rs->status = !strcmp(name, "invalid_client")        ? 401
		     : !strcmp(name, "unauthorized_client") ? 403
							    : 400;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "error", name);
	json_put_str(&w, "error_description", e->message);
	json_put_end(&w);
	return json_finish(&w, &ignored);
}

/* client_id and client_secret may come as HTTP Basic. */
static void basic_client(struct http_request *rq, const char **id, const char **secret)
{
	const char *header = http_request_header(rq, "Authorization");
	if (!header || strncasecmp(header, "Basic ", 6))
		return;
	struct buf text;
	buf_init(&text, 2000);
	if (codec_base64_decode(&text, header + 6, strlen(header + 6)) && text.data) {
		char *copy = arena_strndup(rq->arena, text.data, text.length),
		     *colon = strchr(copy, ':');
		if (colon) {
			*colon = '\0';
			*id = copy;
			*secret = colon + 1;
		}
	}
	buf_finish(&text);
}

bool api_oauth_token(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_oauth_exchange x = {0};
	struct app_oauth_token token;
	if (!param_text(rq, "grant_type", 64, &x.grant_type, e) ||
	    !param_text(rq, "client_id", 200, &x.client_id, e) ||
	    !param_text(rq, "client_secret", 200, &x.client_secret, e) ||
	    !param_text(rq, "code", 400, &x.code, e) ||
	    !param_text(rq, "redirect_uri", 2000, &x.redirect_uri, e) ||
	    !param_text(rq, "code_verifier", 200, &x.code_verifier, e) ||
	    !param_text(rq, "scope", 1000, &x.scopes, e))
		return oauth_error(rs, e);
	basic_client(rq, &x.client_id, &x.client_secret);
	if (!app_oauth_exchange(&app, &x, &token, e))
		return e->code == ERR_IO || e->code == ERR_INTERNAL || e->code == ERR_BUSY
			   ? false
			   : oauth_error(rs, e);
	http_response_header(rs, "Cache-Control", "no-store");
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "access_token", token.access_token);
	json_put_str(&w, "token_type", "Bearer");
	json_put_str(&w, "scope", token.scopes);
	json_put_int(&w, "created_at", token.created_at / 1000);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_oauth_revoke(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *id = NULL, *secret = NULL, *token = NULL;
	if (!param_text(rq, "client_id", 200, &id, e) ||
	    !param_text(rq, "client_secret", 200, &secret, e) ||
	    !param_text(rq, "token", 400, &token, e))
		return oauth_error(rs, e);
	basic_client(rq, &id, &secret);
	if (!token || !*token)
		return param_fail(rq, "token", e, "can't be blank");
	if (!app_oauth_revoke(&app, id, secret, token, e))
		return e->code == ERR_IO || e->code == ERR_INTERNAL ? false : oauth_error(rs, e);
	http_response_empty(rs);
	return true;
}

bool api_oauth_userinfo(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	struct store_user user;
	if (!app_account_self(&app, &a, &user, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_object(&w, NULL);
	json_put_str(&w, "iss", arena_printf(rq->arena, "%s/", api_of(rq)->base_url));
	json_put_str(&w, "sub", a.uri);
	json_put_str(&w, "name", *a.display_name ? a.display_name : a.username);
	json_put_str(&w, "preferred_username", a.username);
	json_put_str(&w, "profile", a.url);
	json_put_str(&w, "picture", serial_avatar_url(&s, &a));
	json_put_end(&w);
	return json_finish(&w, e);
}
