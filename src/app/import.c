/* Imports: read from CSV, then a few rows with each step of app_tick. Any thread; no state beyond the rows, so a killed
 * process goes on where its last commit was. What must stay true: a row counts in the same transaction that does it. */
#include "app/import.h"

#include "app/account.h"
#include "app/csv.h"
#include "app/list.h"
#include "app/note.h"
#include "app/post.h"
#include "app/private.h"
#include "app/relation.h"
#include "base/id.h"
#include "base/str.h"

#include <string.h>

enum {
	STEP_ROWS = 10,
	NAME_BYTES_MAX = 2000,
	KEEP_MS = 14 * 24 * 60 * 60 * 1000,
	FAILURES_BYTES_MAX = 1 << 20,
};

static const char *lower(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);
	for (char *c = out; *c; c++)
		*c = str_lower(*c);
	return out;
}

/* --- reading --- */

/* "@Name@This.server" becomes "name"; "" where it can be nobody. */
static const char *fold_acct(struct app *app, const char *text)
{
	const char *acct = lower(app->arena, *text == '@' ? text + 1 : text);
	const char *at = strchr(acct, '@');
	if (!*acct || strpbrk(acct, " \t/") || at == acct ||
	    (at && (!at[1] || strchr(at + 1, '@'))))
		return "";
	if (at && str_equal_nocase(at + 1, app->core->config.domain))
		return arena_strndup(app->arena, acct, (size_t)(at - acct));
	return acct;
}

static bool is_head(enum store_export kind, const char *first)
{
	static const char *const heads[] = {
	    "account address", "domain", "#domain", "url", "uri", "#uri", "list name"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (str_equal_nocase(first, heads[i]))
			return kind != STORE_EXPORT_LISTS || i == 6;
	return false;
}

static const char *options_of(struct app *app, const struct csv_row *row)
{
	const char *options = "";
	for (size_t i = 1; i < row->count && i < 4; i++)
		options =
		    arena_printf(app->arena, i > 1 ? "%s\t%s" : "%s%s", options, row->fields[i]);
	return options;
}

static bool read_row(struct app *app, enum store_export kind, const struct csv_row *fields,
		     int line, struct store_import_row *out, struct err *e)
{
	bool lists = kind == STORE_EXPORT_LISTS;
	const char *name = fields->fields[lists ? 1 : 0];
	*out = (struct store_import_row){.list = "", .options = ""};
	if (lists && fields->count < 2)
		return err_set(e, ERR_INVALID, "Validation failed: line %d names no account", line);
	if (lists)
		out->list = fields->fields[0];
	else
		out->options = options_of(app, fields);
	if (kind == STORE_EXPORT_BOOKMARKS)
		out->name = str_starts(name, "https://") || str_starts(name, "http://") ? name : "";
	else if (kind == STORE_EXPORT_DOMAINS)
		out->name =
		    strchr(name, '.') && !strpbrk(name, "/@ \t") ? lower(app->arena, name) : "";
	else
		out->name = fold_acct(app, name);
	if (!*out->name || (lists && !*out->list) || strlen(out->name) > NAME_BYTES_MAX ||
	    strlen(out->list) > NAME_BYTES_MAX || strlen(out->options) > NAME_BYTES_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: line %d is not of a list of %s",
			       line, app_export_name(kind));
	return true;
}

static bool read_rows(struct app *app, enum store_export kind, struct csv *csv,
		      struct store_import_row *rows, int64_t *count, struct err *e)
{
	struct csv_row row;
	bool found = true;
	*count = 0;
	for (;;) {
		if (!csv_next(csv, app->arena, &row, &found, e))
			return false;
		if (!found)
			return true;
		if (csv->line == 1 && is_head(kind, row.fields[0]))
			continue;
		if (*count == APP_IMPORT_ROWS_MAX)
			return err_set(e, ERR_INVALID,
				       "Validation failed: data has more than %d rows",
				       APP_IMPORT_ROWS_MAX);
		if (!read_row(app, kind, &row, csv->line, &rows[*count], e))
			return false;
		rows[*count].position = *count + 1;
		(*count)++;
	}
}

struct create_call {
	struct store_import row;
	const struct store_import_row *rows;
};

static bool create(struct app *w, void *context, struct err *e)
{
	const struct create_call *call = context;
	if (!store_import_insert(w->db, &call->row, e))
		return false;
	for (int64_t i = 0; i < call->row.total; i++)
		if (!store_import_row_insert(w->db, call->row.id, &call->rows[i], e))
			return false;
	return true;
}

bool app_import_create(struct app *app, enum store_export kind, bool overwrite, const char *text,
		       size_t length, struct store_import *out, struct err *e)
{
	struct csv csv;
	int64_t running = 0;
	struct create_call call = {
	    .row = {.kind = kind, .overwrite = overwrite, .created_at = app->now_ms}};
	if (!app_need_account(app, e) ||
	    !store_import_running(app->db, app->account_id, &running, e))
		return false;
	if (running >= APP_IMPORTS_RUNNING_MAX)
		return err_set(e, ERR_CONFLICT, "Other imports of yours are running.");
	if (length > APP_IMPORT_BYTES_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: data is too large");
	struct store_import_row *rows =
	    arena_alloc(app->arena, APP_IMPORT_ROWS_MAX * sizeof(*rows));
	csv_begin(&csv, text, length);
	if (!read_rows(app, kind, &csv, rows, &call.row.total, e))
		return false;
	if (!call.row.total)
		return err_set(e, ERR_INVALID, "Validation failed: data has no rows");
	call.rows = rows;
	call.row.id = id_new();
	call.row.account_id = app->account_id;
	return app_write(app, create, &call, e) && app_import_get(app, call.row.id, out, e);
}

/* --- looking, and stopping --- */

bool app_import_list(struct app *app, struct store_import *out, size_t *count, struct err *e)
{
	return app_need_account(app, e) &&
	       store_import_list(app->db, app->account_id, out, APP_IMPORTS_SHOWN, count, e);
}

bool app_import_get(struct app *app, int64_t id, struct store_import *out, struct err *e)
{
	return app_need_account(app, e) && store_import_get(app->db, app->account_id, id, out, e);
}

static bool cancel(struct app *w, void *context, struct err *e)
{
	return store_import_cancel(w->db, *(int64_t *)context, w->now_ms, e);
}

bool app_import_cancel(struct app *app, int64_t id, struct store_import *out, struct err *e)
{
	return app_import_get(app, id, out, e) && app_write(app, cancel, &id, e) &&
	       app_import_get(app, id, out, e);
}

static void put_failure(struct app *app, struct buf *out, enum store_export kind,
			const struct store_import_row *row)
{
	if (kind == STORE_EXPORT_LISTS)
		csv_put(out, row->list, true);
	csv_put(out, row->name, kind != STORE_EXPORT_LISTS);
	for (const char *at = row->options; *at;) {
		size_t n = strcspn(at, "\t");
		csv_put(out, arena_strndup(app->arena, at, n), false);
		at += n + (at[n] == '\t');
	}
	csv_put(out, row->error, false);
	buf_add_char(out, '\n');
}

bool app_import_failures(struct app *app, int64_t id, const struct app_sink *sink, struct err *e)
{
	enum { PAGE = 100 };
	struct store_import import;
	struct store_import_row rows[PAGE];
	size_t found = PAGE;
	int64_t after = 0;
	struct buf out;
	if (!app_import_get(app, id, &import, e))
		return false;
	buf_init(&out, FAILURES_BYTES_MAX);
	bool ok = true;
	while (ok && found == PAGE) {
		buf_clear(&out);
		ok = store_import_rows(app->db, app->arena, id, after, true, rows, PAGE, &found, e);
		for (size_t i = 0; ok && i < found; i++)
			put_failure(app, &out, import.kind, &rows[i]);
		ok = ok && (!found || sink->write(sink->context, out.data, out.length, e));
		after = ok && found ? rows[found - 1].position : after;
	}
	buf_finish(&out);
	return ok;
}

/* --- working through --- */

static bool option(const char *options, int index, bool fallback)
{
	while (index-- > 0 && options) {
		options = strchr(options, '\t');
		options = options ? options + 1 : NULL;
	}
	if (!options || !*options || *options == '\t')
		return fallback;
	return *options == 't' || *options == 'T' || *options == '1';
}

static bool follow(struct app *app, int64_t id, const char *options, struct err *e)
{
	struct app_relation r;
	bool reblogs = option(options, 0, true), notify = option(options, 1, false);
	if (!app_follow(app, id, &reblogs, &notify, &r, e))
		return false;
	const char *languages = strchr(options, '\t');
	languages = languages ? strchr(languages + 1, '\t') : NULL;
	if (!languages || !languages[1])
		return true;
	char *list = arena_strdup(app->arena, languages + 1), *to = list;
	for (const char *from = list; *from; from++)
		if (*from != ' ')
			*to++ = *from == ',' ? ' ' : *from;
	*to = '\0';
	return app_follow_languages(app, id, list, &r, e);
}

static bool into_list(struct app *app, const char *title, int64_t id, struct err *e)
{
	struct store_list *lists, made;
	struct app_relation r;
	size_t count;
	int64_t list_id = 0;
	if (!app_list_all(app, 0, &lists, &count, e) || !app_relation_get(app, id, &r, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(lists[i].title, title))
			list_id = lists[i].id;
	if (!list_id) {
		if (!app_list_create(app, &(struct app_list_form){.title = title}, &made, e))
			return false;
		list_id = made.id;
	}
	if (!r.following && id != app->account_id && !app_follow(app, id, NULL, NULL, &r, e))
		return false;
	struct store_list *in;
	if (!app_list_all(app, id, &in, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (in[i].id == list_id)
			return true;
	return app_list_members_add(app, list_id, &id, 1, e);
}

struct row_call {
	const struct store_import *import;
	const struct store_import_row *row;
};

static bool bring_in(struct app *w, void *context, struct err *e)
{
	const struct row_call *call = context;
	const struct store_import_row *row = call->row;
	struct store_account account;
	struct store_post found;
	struct app_post post;
	struct app_relation r;
	if (call->import->kind == STORE_EXPORT_DOMAINS)
		return app_hidden_domain_add(w, row->name, e);
	if (call->import->kind == STORE_EXPORT_BOOKMARKS)
		return store_post_by_uri(w->db, w->arena, row->name, &found, e) &&
		       app_bookmark_add(w, found.id, &post, e);
	if (!app_account_lookup(w, row->name, &account, e))
		return false;
	switch (call->import->kind) {
	case STORE_EXPORT_FOLLOWS:
		return follow(w, account.id, row->options, e);
	case STORE_EXPORT_BLOCKS:
		return app_block(w, account.id, &r, e);
	case STORE_EXPORT_MUTES:
		return app_mute(w, account.id, option(row->options, 0, true), 0, &r, e);
	default:
		return into_list(w, row->list, account.id, e);
	}
}

/* The database's own failures are tried again, whatever else is the row's. */
static bool is_ours(const struct err *why)
{
	return why->code == ERR_IO || why->code == ERR_BUSY || why->code == ERR_NO_MEMORY ||
	       why->code == ERR_INTERNAL;
}

static bool bring_in_rows(struct app *w, struct store_import *import, struct err *e)
{
	struct store_import_row rows[STEP_ROWS];
	size_t found;
	if (!store_import_rows(w->db, w->arena, import->id, import->position, false, rows,
			       STEP_ROWS, &found, e))
		return false;
	for (size_t i = 0; i < found; i++) {
		struct row_call call = {import, &rows[i]};
		struct err why = {0};
		import->position = rows[i].position;
		if (app_write(w, bring_in, &call, &why)) {
			import->imported++;
			continue;
		}
		if (is_ours(&why)) {
			*e = why;
			return false;
		}
		import->failed++;
		if (!store_import_row_fail(w->db, import->id, rows[i].position, why.message, e))
			return false;
	}
	if (found < STEP_ROWS)
		import->phase = STORE_IMPORT_OTHERS;
	return true;
}

struct other_call {
	const struct store_import *import;
	const struct store_import_other *other;
};

static bool take_out(struct app *w, void *context, struct err *e)
{
	const struct other_call *call = context;
	const struct store_import_other *other = call->other;
	struct app_post post;
	struct app_relation r;
	switch (call->import->kind) {
	case STORE_EXPORT_FOLLOWS:
		return app_unfollow(w, other->id, &r, e);
	case STORE_EXPORT_BLOCKS:
		return app_unblock(w, other->id, &r, e);
	case STORE_EXPORT_MUTES:
		return app_unmute(w, other->id, &r, e);
	case STORE_EXPORT_DOMAINS:
		return app_hidden_domain_remove(w, other->name, e);
	case STORE_EXPORT_BOOKMARKS:
		return app_bookmark_remove(w, other->id, &post, e);
	default:
		return app_list_members_remove(w, other->list_id, &other->id, 1, e);
	}
}

/* *more false: there is nothing left that could go. */
static bool take_out_others(struct app *w, struct store_import *import, bool *more, struct err *e)
{
	struct store_import_other others[STEP_ROWS];
	size_t found, gone = 0;
	if (!store_import_others(w->db, w->arena, import, others, STEP_ROWS, &found, e))
		return false;
	for (size_t i = 0; i < found; i++) {
		struct other_call call = {import, &others[i]};
		struct err why = {0};
		if (app_write(w, take_out, &call, &why)) {
			gone++;
		} else if (is_ours(&why)) {
			*e = why;
			return false;
		}
	}
	import->removed += (int64_t)gone;
	*more = gone > 0;
	return true;
}

static bool step(struct app *w, void *context, struct err *e)
{
	struct app author = *w;
	struct store_import import;
	struct store_account account;
	bool done, more = false;
	if (!store_import_get(w->db, 0, *(int64_t *)context, &import, e))
		return e->code == ERR_NOT_FOUND;
	if (import.state != STORE_IMPORT_RUNS)
		return true;
	if (!store_account_get(w->db, w->arena, import.account_id, &account, e))
		return false;
	if (account.state != STORE_ACCOUNT_ACTIVE)
		return store_import_cancel(w->db, import.id, w->now_ms, e);
	author.account_id = import.account_id;
	author.role = account.role;
	author.filters = NULL;
	if (import.phase == STORE_IMPORT_ROWS) {
		if (!bring_in_rows(&author, &import, e))
			return false;
		more = import.phase == STORE_IMPORT_ROWS || import.overwrite;
	} else if (!take_out_others(&author, &import, &more, e)) {
		return false;
	}
	if (!more) {
		import.state = STORE_IMPORT_FINISHED;
		import.finished_at = w->now_ms;
	}
	return store_import_update(w->db, &import, &done, e);
}

bool app_import_tick(struct app *app, bool *more, struct err *e)
{
	struct store_import next;
	bool found;
	if (!store_import_next(app->db, &next, &found, e))
		return false;
	*more |= found;
	return !found || app_write(app, step, &next.id, e);
}

bool app_import_expire(struct app *w, struct err *e)
{
	return store_import_expire(w->db, w->now_ms - KEEP_MS, e);
}
