/* How statements end. No state. */
#include "store/end.h"

bool store_end_found(struct db_stmt *q, bool found, struct err *e)
{
	return db_end(q, e) && (found || err_set(e, ERR_NOT_FOUND, "Record not found"));
}

bool store_end_int(struct db_stmt *q, int64_t *value, struct err *e)
{
	*value = 0;
	if (db_row(q))
		*value = db_get_int(q);
	return db_end(q, e);
}

bool store_end_changed(struct db_stmt *q, bool *changed, struct err *e)
{
	int64_t rows = 0;
	bool ok = db_end_changed(q, &rows, e);
	*changed = rows > 0;
	return ok;
}

bool store_run_1(struct db *w, const char *sql, int64_t a, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, a);
	return db_end(q, e);
}

bool store_run_2(struct db *w, const char *sql, int64_t a, int64_t b, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, a);
	db_put_int(q, b);
	return db_end(q, e);
}

bool store_trim(struct db *w, const struct store_trim *trim, int64_t *cursor, int keep,
		struct err *e)
{
	int64_t edge = 0;
	struct db_stmt *q = db_stmt(w, trim->next);
	db_put_int(q, *cursor);
	if (!store_end_int(q, cursor, e))
		return false;
	if (*cursor == 0)
		return true;
	q = db_stmt(w, trim->edge);
	db_put_int(q, *cursor);
	db_put_int(q, keep);
	if (!store_end_int(q, &edge, e))
		return false;
	if (edge == 0)
		return true;
	q = db_stmt(w, trim->cut);
	db_put_int(q, *cursor);
	db_put_int(q, edge);
	db_touch(q, trim->noun, *cursor);
	return db_end(q, e);
}
