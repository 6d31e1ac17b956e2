/* All SQL on taking along. No state; any thread, with its own handle. Pages, never one long read: who downloads may be
 * slow, and a database that is being read cannot be tidied up. */
#include "store/export.h"

#include "store/end.h"

#define PAGE(key) " AND " key " > $2 ORDER BY " key " LIMIT $3"
#define PEOPLE(table, flag_1, flag_2, languages)                                      \
	"SELECT x.id, a.username, a.domain, NULL, " flag_1 ", " flag_2 ", " languages \
	" FROM " table                                                                \
	" x JOIN accounts a ON a.id = x.target_id WHERE x.account_id = $1" PAGE("x.id")
#define POSTS(table)                                                     \
	"SELECT x.id, p.uri, NULL, NULL, FALSE, FALSE, NULL FROM " table \
	" x JOIN posts p ON p.id = x.post_id WHERE x.account_id = $1" PAGE("x.id")
static const char *const SQL_PAGES[STORE_EXPORTS] = {
    [STORE_EXPORT_FOLLOWS] = PEOPLE("follows", "x.reblogs", "x.notify", "x.languages"),
    [STORE_EXPORT_BLOCKS] = PEOPLE("blocks", "FALSE", "FALSE", "NULL"),
    [STORE_EXPORT_MUTES] = PEOPLE("mutes", "x.notifications", "FALSE", "NULL"),
    [STORE_EXPORT_DOMAINS] = "SELECT x.id, x.domain, NULL, NULL, FALSE, FALSE, NULL "
			     "FROM account_domain_blocks x WHERE x.account_id = $1" PAGE("x.id"),
    [STORE_EXPORT_BOOKMARKS] = POSTS("bookmarks"),
    [STORE_EXPORT_LISTS] =
	"SELECT x.id, a.username, a.domain, l.title, FALSE, FALSE, NULL "
	"FROM lists l JOIN list_members x ON x.list_id = l.id "
	"JOIN accounts a ON a.id = x.account_id WHERE l.account_id = $1" PAGE("x.id"),
    [STORE_EXPORT_FAVOURITES] = POSTS("favourites"),
};
static const char *const SQL_COUNTS[STORE_EXPORTS] = {
    [STORE_EXPORT_FOLLOWS] = "SELECT COUNT(*) FROM follows WHERE account_id = $1",
    [STORE_EXPORT_BLOCKS] = "SELECT COUNT(*) FROM blocks WHERE account_id = $1",
    [STORE_EXPORT_MUTES] = "SELECT COUNT(*) FROM mutes WHERE account_id = $1",
    [STORE_EXPORT_DOMAINS] = "SELECT COUNT(*) FROM account_domain_blocks WHERE account_id = $1",
    [STORE_EXPORT_BOOKMARKS] = "SELECT COUNT(*) FROM bookmarks WHERE account_id = $1",
    [STORE_EXPORT_LISTS] =
	"SELECT COUNT(*) FROM list_members WHERE list_id IN (SELECT id FROM lists WHERE account_id = $1)",
    [STORE_EXPORT_FAVOURITES] = "SELECT COUNT(*) FROM favourites WHERE account_id = $1",
};
static const char SQL_FILES[] =
    "SELECT m.id, m.hash, m.type FROM media m WHERE m.account_id = $1 AND m.hash IS NOT NULL AND NOT m.held" PAGE(
	"m.id");

bool store_export_page(struct db *db, struct arena *arena, enum store_export kind,
		       int64_t account_id, int64_t after, struct store_export_row *rows,
		       size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_PAGES[kind]);
	db_put_int(q, account_id);
	db_put_int(q, after);
	db_put_int(q, STORE_EXPORT_PAGE);
	while (*found < STORE_EXPORT_PAGE && db_row(q)) {
		struct store_export_row *row = &rows[(*found)++];
		row->key = db_get_int(q);
		row->name = db_get_text(q, arena);
		row->domain = db_get_text(q, arena);
		row->list = db_get_text(q, arena);
		row->flag_1 = db_get_bool(q);
		row->flag_2 = db_get_bool(q);
		row->languages = db_get_text(q, arena);
	}
	return db_end(q, e);
}

bool store_export_count(struct db *db, enum store_export kind, int64_t account_id, int64_t *count,
			struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNTS[kind]);
	db_put_int(q, account_id);
	return store_end_int(q, count, e);
}

bool store_export_files(struct db *db, struct arena *arena, int64_t account_id, int64_t after,
			struct store_export_file *rows, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_FILES);
	db_put_int(q, account_id);
	db_put_int(q, after);
	db_put_int(q, STORE_EXPORT_PAGE);
	while (*found < STORE_EXPORT_PAGE && db_row(q)) {
		struct store_export_file *row = &rows[(*found)++];
		row->id = db_get_int(q);
		row->hash = db_get_text(q, arena);
		row->type = db_get_text(q, arena);
	}
	return db_end(q, e);
}
