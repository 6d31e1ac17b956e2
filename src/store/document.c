/* All SQL on the server's documents. No state; any thread. */
#include "store/document.h"

#include "store/end.h"

static const char SQL_PUT[] =
    "INSERT INTO documents (kind, day, text, updated_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (kind, day) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at";
static const char SQL_REMOVE[] = "DELETE FROM documents WHERE kind = $1 AND day = $2";
static const char SQL_KINDS[] = "SELECT DISTINCT kind FROM documents";
static const char SQL_LIST[] =
    "SELECT kind, day, text, updated_at FROM documents ORDER BY kind, day DESC LIMIT $1";

bool store_document_put(struct db *w, const struct store_document *d, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PUT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, d->kind);
	db_put_text(q, d->day);
	db_put_text(q, d->text);
	db_put_int(q, d->updated_at);
	return db_end(q, e);
}

bool store_document_remove(struct db *w, enum store_document_kind kind, const char *day,
			   bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REMOVE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, kind);
	db_put_text(q, day);
	return store_end_changed(q, changed, e);
}

bool store_document_kinds(struct db *db, bool there[STORE_DOCUMENTS], struct err *e)
{
	for (int i = 0; i < STORE_DOCUMENTS; i++)
		there[i] = false;
	struct db_stmt *q = db_stmt(db, SQL_KINDS);
	while (db_row(q)) {
		int64_t kind = db_get_int(q);
		if (kind >= 0 && kind < STORE_DOCUMENTS)
			there[kind] = true;
	}
	return db_end(q, e);
}

bool store_document_list(struct db *db, struct arena *arena, struct store_document *out,
			 size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_document *d = &out[(*found)++];
		d->kind = (enum store_document_kind)db_get_int(q);
		d->day = db_get_text(q, arena);
		d->text = db_get_text(q, arena);
		d->updated_at = db_get_int(q);
	}
	return db_end(q, e);
}
