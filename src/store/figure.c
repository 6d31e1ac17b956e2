/* All SQL for the moderators' lists and figures. No state; any thread. Rare questions, asked by few: they may read
 * many rows. */
#include "store/figure.h"

#include "base/id.h"
#include "base/str.h"

#define LIST                                                                                       \
	"SELECT a.id, " STORE_ACCOUNT_COLUMNS                                                      \
	" FROM accounts a LEFT JOIN users u ON u.account_id = "                                    \
	"a.id WHERE a.state <> 3 AND "                                                             \
	"(CAST($1 AS BIGINT) = 0 OR (CAST($1 AS BIGINT) = 1 AND a.domain = '') OR "                \
	"(CAST($1 AS BIGINT) = 2 AND a.domain <> '')) AND "                                        \
	"(CAST($2 AS BIGINT) = 0 OR (CAST($2 AS BIGINT) = 1 AND a.state = 0) OR "                  \
	"(CAST($2 AS BIGINT) = 2 AND a.state = 1) OR (CAST($2 AS BIGINT) = 3 AND a.disabled) OR "  \
	"(CAST($2 AS BIGINT) = 4 AND a.limited) OR (CAST($2 AS BIGINT) = 5 AND a.state = 2) OR "   \
	"(CAST($2 AS BIGINT) = 6 AND a.sensitized)) AND "                                          \
	"(NOT CAST($3 AS BOOLEAN) OR a.role > 0) AND "                                             \
	"(CAST($4 AS TEXT) IS NULL OR a.username_key LIKE $4) AND "                                \
	"(CAST($5 AS TEXT) IS NULL OR LOWER(a.display_name) LIKE $5) AND "                         \
	"(CAST($6 AS TEXT) IS NULL OR a.domain = $6) AND "                                         \
	"(CAST($7 AS TEXT) IS NULL OR u.email_key LIKE $7) AND "                                   \
	"(CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = a.id " \
	"AND s.ip = $8))"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "a.id", "$9", "$10", "$11");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "a.id", "$9", "$10", "$11");
static const char SQL_IPS[] =
    "SELECT ip, MAX(used_at) FROM sessions WHERE account_id = $1 AND ip <> '' GROUP BY ip "
    "ORDER BY MAX(used_at) DESC LIMIT $2";
static const char *const SQL_COUNTS[STORE_FIGURES] = {
    [STORE_FIGURE_ACTIVE] =
	"SELECT COUNT(DISTINCT account_id) FROM posts WHERE id >= $1 AND id < $2 AND local",
    [STORE_FIGURE_NEW] = "SELECT COUNT(*) FROM users WHERE account_id >= $1 AND account_id < $2",
    [STORE_FIGURE_INTERACTIONS] =
	("SELECT COALESCE(SUM(favourites_count + boosts_count + replies_count), 0) FROM posts "
	 "WHERE id >= $1 AND id < $2 AND local"),
    [STORE_FIGURE_POSTS] = "SELECT COUNT(*) FROM posts WHERE id >= $1 AND id < $2 AND local",
    /* An id is its time in milliseconds, times 65536. */
    [STORE_FIGURE_SEEN] =
	("SELECT COUNT(*) FROM (SELECT account_id FROM posts WHERE id >= $1 AND id < $2 AND local UNION "
	 "SELECT account_id FROM users WHERE last_sign_in_at >= $1 / 65536 AND last_sign_in_at < $2 / 65536) t"),
    /* Of people, not of posts: everybody may ask for it. */
    [STORE_FIGURE_PRESENT] =
	("SELECT COUNT(*) FROM users u JOIN accounts a ON a.id = u.account_id WHERE a.state = 0 AND "
	 "((u.last_sign_in_at >= CAST($1 AS BIGINT) / 65536 AND u.last_sign_in_at < CAST($2 AS BIGINT) / 65536) OR a.last_post_at >= CAST($1 AS BIGINT) / 65536)"),
};
static const char SQL_RETAINED[] =
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN u.last_sign_in_at >= $3 OR a.last_post_at >= $3 THEN 1 ELSE 0 END), "
    "0) FROM users u JOIN accounts a ON a.id = u.account_id WHERE u.account_id >= $1 AND u.account_id < $2";
static const char SQL_LANGUAGES[] =
    "SELECT locale, COUNT(*) FROM users GROUP BY locale ORDER BY COUNT(*) DESC, locale LIMIT $1";

static void put_like(struct db_stmt *q, struct arena *arena, const char *text)
{
	if (!text || !*text) {
		db_put_null(q);
		return;
	}
	char *pattern = arena_printf(arena, "%%%s%%", text);
	for (char *c = pattern; *c; c++)
		*c = str_lower(*c);
	db_put_text(q, pattern);
}

bool store_admin_accounts(struct db *db, struct arena *arena, const struct store_admin_filter *f,
			  const struct store_page *page, struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, f->origin);
	db_put_int(q, f->status);
	db_put_bool(q, f->staff);
	put_like(q, arena, f->username);
	put_like(q, arena, f->display_name);
	db_put_text(q, f->domain && *f->domain ? f->domain : NULL);
	put_like(q, arena, f->email);
	db_put_text(q, f->ip && *f->ip ? f->ip : NULL);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_account_ips(struct db *db, struct arena *arena, int64_t account_id,
		       struct store_seen_ip *out, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_IPS);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		out[*found].ip = db_get_text(q, arena);
		out[(*found)++].used_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_figure_count(struct db *db, enum store_figure figure, int64_t from_ms, int64_t to_ms,
			int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNTS[figure]);
	db_put_int(q, id_at_ms(from_ms));
	db_put_int(q, id_at_ms(to_ms));
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_figure_retained(struct db *db, int64_t from_ms, int64_t to_ms, int64_t since_ms,
			   int64_t *all, int64_t *seen, struct err *e)
{
	*all = *seen = 0;
	struct db_stmt *q = db_stmt(db, SQL_RETAINED);
	db_put_int(q, id_at_ms(from_ms));
	db_put_int(q, id_at_ms(to_ms));
	db_put_int(q, since_ms);
	if (db_row(q)) {
		*all = db_get_int(q);
		*seen = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_figure_languages(struct db *db, struct arena *arena, struct store_figure_row *out,
			    size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_LANGUAGES);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		out[*found].key = db_get_text(q, arena);
		out[(*found)++].value = db_get_int(q);
	}
	return db_end(q, e);
}
