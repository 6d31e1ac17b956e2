/* Conversations: direct statuses by thread. */
#include "app/conversation.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"

void serial_conversation(struct serial *s, const char *key, const struct app_conversation *c)
{
	struct json_writer *w = s->w;
	json_put_object(w, key);
	json_put_id(w, "id", c->row.id);
	json_put_bool(w, "unread", c->row.unread);
	json_put_array(w, "accounts");
	for (size_t i = 0; i < c->account_count; i++)
		serial_account(s, NULL, c->accounts[i]);
	json_put_end(w);
	if (c->last)
		serial_status(s, "last_status", c->last);
	else
		json_put_null(w, "last_status");
	json_put_end(w);
}

bool api_conversation_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_conversations found;
	struct store_page page;
	if (!api_page_params(rq, 20, 40, &page, e) ||
	    !app_conversation_list(&app, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		serial_conversation(&s, NULL, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

static bool mark(struct http_request *rq, struct http_response *rs, bool unread, struct err *e)
{
	struct app app = api_app(rq);
	struct app_conversation c;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_conversation_mark(&app, id, unread, &c, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_conversation(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &c);
	return json_finish(&w, e);
}

bool api_conversation_read(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return mark(rq, rs, false, e);
}

bool api_conversation_unread(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return mark(rq, rs, true, e);
}

bool api_conversation_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_conversation_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
