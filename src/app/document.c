/* The server's documents. Any thread; no state. What must stay true: every change stands in the audit log, in the
 * same transaction; what is shown is made safe here and nowhere else. */
#include "app/document.h"

#include "app/markdown.h"
#include "app/private.h"
#include "base/clock.h"
#include "store/setting.h"

#include <string.h>

static const char *const NAMES[STORE_DOCUMENTS] = {"extended_description", "privacy_policy",
						   "terms_of_service"};
enum { DAY_LENGTH = 10 };

const char *app_document_name(enum store_document_kind kind)
{
	return NAMES[kind];
}

bool app_document_parse(const char *name, enum store_document_kind *kind)
{
	for (int i = 0; i < STORE_DOCUMENTS; i++) {
		if (!strcmp(name, NAMES[i])) {
			*kind = (enum store_document_kind)i;
			return true;
		}
	}
	return false;
}

static const char *today(struct app *app)
{
	char text[CLOCK_TEXT_SIZE];
	return arena_strndup(app->arena, clock_format(text, app->now_ms), DAY_LENGTH);
}

static bool is_day(struct app *app, const char *day)
{
	int64_t at;
	char again[CLOCK_TEXT_SIZE];
	return strlen(day) == DAY_LENGTH &&
	       clock_parse(arena_printf(app->arena, "%sT00:00:00Z", day), &at) &&
	       !strncmp(clock_format(again, at), day, DAY_LENGTH);
}

static bool load(struct app *app, struct store_document **rows, size_t *count, struct err *e)
{
	*rows = arena_alloc(app->arena, APP_DOCUMENTS_MAX * sizeof(**rows));
	return store_document_list(app->db, app->arena, *rows, APP_DOCUMENTS_MAX, count, e);
}

/* rows: all of them, the latest terms first; `at` is shown. */
static void fill(struct app *app, const struct store_document *rows, size_t at,
		 struct app_document *out)
{
	const struct store_document *d = &rows[at];
	bool later = at > 0 && rows[at - 1].kind == d->kind;
	*out = (struct app_document){.row = *d,
				     .content = app_markdown_html(app->arena, d->text),
				     .effective = strcmp(d->day, today(app)) <= 0,
				     .succeeded = later ? rows[at - 1].day : NULL};
}

bool app_document_get(struct app *app, enum store_document_kind kind, const char *day,
		      struct app_document *out, struct err *e)
{
	struct store_document *rows;
	size_t count, found = APP_DOCUMENTS_MAX;
	if (!load(app, &rows, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].kind != kind || (day && strcmp(rows[i].day, day) != 0))
			continue;
		found = i;
		if (strcmp(rows[i].day, today(app)) <= 0)
			break; /* the latest of those that count; without one, the earliest to come */
	}
	if (found == APP_DOCUMENTS_MAX)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	fill(app, rows, found, out);
	return true;
}

bool app_documents_written(struct app *app, bool written[STORE_DOCUMENTS], struct err *e)
{
	return store_document_kinds(app->db, written, e);
}

bool app_document_list(struct app *app, struct app_document **out, size_t *count, struct err *e)
{
	struct store_document *rows;
	if (!app_need_admin(app, e) || !load(app, &rows, count, e))
		return false;
	*out = arena_alloc(app->arena, (*count + 1) * sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		fill(app, rows, i, &(*out)[i]);
	return true;
}

static bool log_change(struct app *w, const struct store_document *d, const char *what,
		       struct err *e)
{
	const char *detail =
	    arena_printf(w->arena, "%s%s%s", NAMES[d->kind], *d->day ? " " : "", d->day);
	return store_audit_insert(w->db, w->account_id, what, 0, detail, w->now_ms, e);
}

static bool put(struct app *w, void *context, struct err *e)
{
	const struct store_document *d = context;
	struct store_document *rows;
	size_t count;
	if (!store_document_put(w->db, d, e) || !load(w, &rows, &count, e))
		return false;
	if (count == APP_DOCUMENTS_MAX)
		return err_set(e, ERR_INVALID,
			       "There are too many terms: delete those of an old day first.");
	return log_change(w, d, "document.change", e);
}

static bool take_away(struct app *w, void *context, struct err *e)
{
	const struct store_document *d = context;
	bool changed;
	if (!store_document_remove(w->db, d->kind, d->day, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return log_change(w, d, "document.delete", e);
}

static bool read_day(struct app *app, enum store_document_kind kind, const char *day,
		     struct store_document *d, struct err *e)
{
	*d = (struct store_document){.kind = kind, .day = "", .updated_at = app->now_ms};
	if (kind == STORE_DOCUMENT_TERMS)
		d->day = day ? day : today(app);
	else if (day)
		return err_set(e, ERR_INVALID,
			       "Validation failed: effective_date goes with the terms only");
	return !*d->day || is_day(app, d->day) ||
	       err_set(e, ERR_INVALID,
		       "Validation failed: effective_date must be a day like 2026-01-31");
}

bool app_document_put(struct app *app, enum store_document_kind kind, const char *day,
		      const char *text, struct app_document *out, struct err *e)
{
	struct store_document d;
	if (!app_need_admin(app, e) || !read_day(app, kind, day, &d, e) ||
	    !app_check_text("text", text, APP_DOCUMENT_CHARACTERS_MAX, e))
		return false;
	if (!text[strspn(text, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: text can't be blank");
	d.text = text;
	return app_write(app, put, &d, e) &&
	       app_document_get(app, kind, *d.day ? d.day : NULL, out, e);
}

bool app_document_remove(struct app *app, enum store_document_kind kind, const char *day,
			 struct err *e)
{
	struct store_document d;
	return app_need_admin(app, e) && read_day(app, kind, day, &d, e) &&
	       app_write(app, take_away, &d, e);
}
