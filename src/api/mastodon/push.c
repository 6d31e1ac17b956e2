/* Push subscriptions: one for each token. */
#include "app/push.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "base/str.h"

static int64_t token_of(struct http_request *rq)
{
	const struct app_identity *who = api_who(rq);
	return who->token_id ? who->token_id : who->session_id;
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct store_push_subscription *p, struct err *e)
{
	const char *public_key, *private_key;
	(void)rq;
	if (!app_push_keys_get(app, &public_key, &private_key, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_id(&w, "id", p->id);
	json_put_str(&w, "endpoint", p->endpoint);
	json_put_bool(&w, "standard", p->standard);
	json_put_str(&w, "policy", APP_PUSH_POLICIES[p->policy]);
	json_put_str(&w, "server_key", public_key);
	json_put_object(&w, "alerts");
	for (int k = 0; k < APP_NOTIFY_KINDS; k++) {
		const char *name = app_notification_name((enum app_notification_kind)k);
		if (name)
			json_put_bool(&w, name, p->alerts >> k & 1);
	}
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* *alerts: the bits that were set; *given: whether any was named. A remix is told as a mention is. */
static bool alert_params(struct http_request *rq, int64_t *alerts, bool *given, struct err *e)
{
	*alerts = 0;
	*given = false;
	for (int k = 0; k < APP_NOTIFY_KINDS; k++) {
		const char *name = app_notification_name((enum app_notification_kind)k);
		const char *key =
		    arena_printf(rq->arena, "data[alerts][%s]", name ? name : "mention");
		bool on = false;
		*given = *given || param_given(rq, key);
		if (!param_bool(rq, key, &on, e))
			return false;
		*alerts |= (int64_t)on << k;
	}
	return true;
}

static bool check_endpoint(struct http_request *rq, const char *endpoint, struct err *e)
{
	if (str_starts(endpoint, "https://") ||
	    (api_of(rq)->private_addresses && str_starts(endpoint, "http://")))
		return true;
	return param_fail(rq, "subscription[endpoint]", e, "must begin with https://");
}

bool api_push_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_push_subscription form = {.token_id = token_of(rq)}, out;
	int policy = APP_PUSH_ALL;
	bool given;
	if (!param_text_required(rq, "subscription[endpoint]", 2000, &form.endpoint, e) ||
	    !check_endpoint(rq, form.endpoint, e) ||
	    !param_text_required(rq, "subscription[keys][p256dh]", 200, &form.p256dh, e) ||
	    !param_text_required(rq, "subscription[keys][auth]", 100, &form.auth, e) ||
	    !param_bool(rq, "subscription[standard]", &form.standard, e) ||
	    !param_choice(rq, "data[policy]", APP_PUSH_POLICIES, &policy, e) ||
	    !alert_params(rq, &form.alerts, &given, e))
		return false;
	form.policy = policy;
	return app_push_subscribe(&app, &form, &out, e) && answer(rq, rs, &app, &out, e);
}

bool api_push_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_push_subscription out;
	int64_t alerts;
	int policy = -1;
	bool given;
	return param_choice(rq, "data[policy]", APP_PUSH_POLICIES, &policy, e) &&
	       alert_params(rq, &alerts, &given, e) &&
	       app_push_change(&app, token_of(rq), policy, given ? alerts : -1, &out, e) &&
	       answer(rq, rs, &app, &out, e);
}

bool api_push_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_push_subscription out;
	return app_push_get(&app, token_of(rq), &out, e) && answer(rq, rs, &app, &out, e);
}

bool api_push_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	if (!app_push_unsubscribe(&app, token_of(rq), e))
		return false;
	http_response_empty(rs);
	return true;
}
