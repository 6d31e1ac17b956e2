/* What the server says of itself at length: its description, how it treats data, its terms. */
#include "app/document.h"
#include "api/mastodon/routes.h"

static bool answer(struct http_request *rq, struct http_response *rs, enum store_document_kind kind,
		   const char *day, struct err *e)
{
	struct app app = api_app(rq);
	struct app_document d;
	if (!app_document_get(&app, kind, day, &d, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	if (kind == STORE_DOCUMENT_TERMS) {
		json_put_str(&w, "effective_date", d.row.day);
		json_put_bool(&w, "effective", d.effective);
		json_put_str(&w, "succeeded_by", d.succeeded);
	} else {
		json_put_time(&w, "updated_at", d.row.updated_at);
	}
	json_put_str(&w, "content", d.content);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* Where nothing is written it is empty, as Mastodon has it. */
bool api_extended_description(struct http_request *rq, struct http_response *rs, struct err *e)
{
	if (answer(rq, rs, STORE_DOCUMENT_DESCRIPTION, NULL, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return false;
	*e = (struct err){0};
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_null(&w, "updated_at");
	json_put_str(&w, "content", "");
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_privacy_policy(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer(rq, rs, STORE_DOCUMENT_PRIVACY, NULL, e);
}

bool api_terms_of_service(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer(rq, rs, STORE_DOCUMENT_TERMS, NULL, e);
}

bool api_terms_of_day(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer(rq, rs, STORE_DOCUMENT_TERMS, rq->path_args[0], e);
}
