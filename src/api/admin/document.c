/* The server's documents, as administrators write them. */
#include "api/admin/routes.h"

#include "app/document.h"

static bool read_kind(struct http_request *rq, enum store_document_kind *kind, struct err *e)
{
	return app_document_parse(rq->path_args[0], kind) ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

static void put(struct json_writer *w, const struct app_document *d)
{
	json_put_object(w, NULL);
	json_put_str(w, "kind", app_document_name(d->row.kind));
	json_put_str(w, "effective_date", *d->row.day ? d->row.day : NULL);
	json_put_str(w, "text", d->row.text);
	json_put_str(w, "content", d->content);
	json_put_time(w, "updated_at", d->row.updated_at);
	json_put_end(w);
}

bool api_document_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_document *all;
	size_t n;
	if (!app_document_list(&app, &all, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put(&w, &all[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_document_put(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	enum store_document_kind kind;
	const char *day = NULL, *text;
	struct app_document d;
	if (!read_kind(rq, &kind, e) || !param_text(rq, "effective_date", 20, &day, e) ||
	    !param_text_required(rq, "text", APP_DOCUMENT_CHARACTERS_MAX, &text, e) ||
	    !app_document_put(&app, kind, day && *day ? day : NULL, text, &d, e))
		return false;
	struct json_writer w = api_json(rs);
	put(&w, &d);
	return json_finish(&w, e);
}

bool api_document_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	enum store_document_kind kind;
	const char *day = NULL;
	if (!read_kind(rq, &kind, e) || !param_text(rq, "effective_date", 20, &day, e) ||
	    !app_document_remove(&app, kind, day && *day ? day : NULL, e))
		return false;
	http_response_empty(rs);
	return true;
}
