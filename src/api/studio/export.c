/* Taking along and bringing along: CSV lists, archives, imports. */
#include "app/export.h"

#include <string.h>
#include <unistd.h>

#include "api/exports.h"
#include "api/studio/routes.h"
#include "app/import.h"
#include "base/str.h"

static bool into_body(void *context, const void *bytes, size_t length, struct err *e)
{
	struct buf *body = context;
	buf_add(body, bytes, length);
	return !body->failed || err_set(e, ERR_TOO_LARGE, "The list is too large.");
}

static void as_file(struct http_response *rs, struct arena *a, const char *type, const char *name)
{
	rs->content_type = type;
	http_response_header(rs, "Content-Disposition",
			     arena_printf(a, "attachment; filename=\"%s\"", name));
}

bool api_export_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t counts[STORE_EXPORTS];
	if (!app_export_counts(&app, counts, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	for (int i = 0; i < STORE_EXPORT_FAVOURITES; i++)
		json_put_int(&w, app_export_name((enum store_export)i), counts[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* …/follows.csv and its like. */
bool api_export_csv(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct app_sink sink = {&rs->body, into_body};
	const char *file = rq->path_args[0];
	size_t length = strlen(file);
	enum store_export kind;
	if (!str_ends(file, ".csv") ||
	    !app_export_parse(arena_strndup(rq->arena, file, length - 4), &kind))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!app_export_csv(&app, kind, &sink, e))
		return false;
	as_file(rs, rq->arena, "text/csv; charset=utf-8", file);
	return true;
}

static bool archive(struct http_request *rq, struct http_response *rs, struct app *app, int64_t id,
		    struct err *e)
{
	struct store_account account;
	if (!app_archive_begin(app, id, &account, e) ||
	    !exports_begin(api_of(rq)->exports, app, &account, rs, e))
		return false;
	as_file(rs, rq->arena, "application/zip",
		arena_printf(rq->arena, "madang-%s.zip", account.username));
	return true;
}

bool api_export_archive(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return archive(rq, rs, &app, app.account_id, e);
}

bool api_admin_account_archive(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && archive(rq, rs, &app, id, e);
}

/* --- imports --- */

static void put_import(struct json_writer *w, const struct store_import *i)
{
	static const char *const states[] = {"running", "finished", "cancelled"};
	json_put_object(w, NULL);
	json_put_id(w, "id", i->id);
	json_put_str(w, "type", app_export_name(i->kind));
	json_put_str(w, "mode", i->overwrite ? "overwrite" : "merge");
	json_put_str(w, "state", states[i->state]);
	json_put_int(w, "total", i->total);
	json_put_int(w, "processed", i->position);
	json_put_int(w, "imported", i->imported);
	json_put_int(w, "removed", i->removed);
	json_put_int(w, "failed", i->failed);
	json_put_time(w, "created_at", i->created_at);
	json_put_time(w, "finished_at", i->finished_at);
	json_put_end(w);
}

static bool answer_import(struct http_response *rs, const struct store_import *i, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_import(&w, i);
	return json_finish(&w, e);
}

bool api_import_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_import rows[APP_IMPORTS_SHOWN];
	size_t n;
	if (!app_import_list(&app, rows, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_import(&w, &rows[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool read_upload(struct http_request *rq, const struct http_upload *file, char **text,
			struct err *e)
{
	if (!file)
		return param_fail(rq, "data", e, "can't be blank");
	if (file->size > APP_IMPORT_BYTES_MAX)
		return param_fail(rq, "data", e, "is too large");
	*text = arena_alloc(rq->arena, file->size + 1);
	for (uint64_t at = 0; at < file->size;) {
		ssize_t n = pread(file->fd, *text + at, file->size - at, (off_t)at);
		if (n <= 0)
			return err_set(e, ERR_IO, "the upload cannot be read");
		at += (uint64_t)n;
	}
	return true;
}

bool api_import_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const modes[] = {"merge", "overwrite", NULL};
	struct app app = api_app(rq);
	const struct http_upload *file = NULL;
	const char *type = NULL;
	char *text = NULL;
	int mode = 0;
	enum store_export kind;
	struct store_import made;
	if (!param_text_required(rq, "type", 40, &type, e))
		return false;
	if (!app_export_parse(type, &kind))
		return param_fail(rq, "type", e, "is not included in the list");
	return param_choice(rq, "mode", modes, &mode, e) && param_file(rq, "data", &file, e) &&
	       read_upload(rq, file, &text, e) &&
	       app_import_create(&app, kind, mode == 1, text, file->size, &made, e) &&
	       answer_import(rs, &made, e);
}

bool api_import_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_import i;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_import_get(&app, id, &i, e) &&
	       answer_import(rs, &i, e);
}

bool api_import_cancel(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_import i;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_import_cancel(&app, id, &i, e) &&
	       answer_import(rs, &i, e);
}

bool api_import_failures(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct app_sink sink = {&rs->body, into_body};
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_import_failures(&app, id, &sink, e))
		return false;
	as_file(rs, rq->arena, "text/csv; charset=utf-8", "failures.csv");
	return true;
}
