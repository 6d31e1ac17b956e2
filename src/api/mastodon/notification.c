/* Notifications. */
#include "app/notification.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

/* A list of type names as bits; names that we do not know are ignored, as newer apps send them. */
static bool kinds_param(struct http_request *rq, const char *name, unsigned *bits, bool *any,
			struct err *e)
{
	const char **names;
	size_t n;
	*bits = 0;
	if (!param_texts(rq, name, 64, 64, &names, &n, e))
		return false;
	*any = n > 0;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < APP_NOTIFY_KINDS; k++) {
			const char *known = app_notification_name((enum app_notification_kind)k);
			if (!strcmp(names[i], known ? known : "mention"))
				*bits |= 1u << k;
		}
	return true;
}

bool api_notification_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notifications found = {0};
	struct store_page page;
	unsigned types, excluded;
	bool some, without;
	int64_t from = 0;
	if (!api_page_params(rq, 40, 80, &page, e) || !kinds_param(rq, "types", &types, &some, e) ||
	    !kinds_param(rq, "exclude_types", &excluded, &without, e) ||
	    !param_id(rq, "account_id", &from, e))
		return false;
	unsigned all = (1u << APP_NOTIFY_KINDS) - 1, wanted = (some ? types : all) & ~excluded;
	if (wanted &&
	    !app_notification_list(&app, wanted == all ? 0 : wanted, from, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		serial_notification(&s, NULL, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_notification_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification n;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notification_get(&app, id, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_notification(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &n);
	return json_finish(&w, e);
}

bool api_notification_dismiss(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notification_dismiss(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_notification_clear(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	if (!app_notification_clear(&app, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_notification_unread(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t limit = 100, count;
	if (!param_int(rq, "limit", 1, 1000, &limit, e) ||
	    !app_notification_unread(&app, (int)limit, &count, e))
		return false;
	buf_printf(&rs->body, "{\"count\":%lld}", (long long)count);
	return true;
}
