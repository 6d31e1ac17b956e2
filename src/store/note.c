/* All SQL on notes, endorsements, hidden domains, the directory and suggestions. No state; any thread, with its own
 * handle. */
#include "store/note.h"

static const char SQL_NOTE_SET[] =
    "INSERT INTO account_notes (account_id, target_id, comment) VALUES ($1, $2, $3) "
    "ON CONFLICT (account_id, target_id) DO UPDATE SET comment = excluded.comment";
static const char SQL_NOTE_DELETE[] =
    "DELETE FROM account_notes WHERE account_id = $1 AND target_id = $2";
static const char SQL_ENDORSE[] =
    "INSERT INTO endorsements (account_id, target_id, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_UNENDORSE[] =
    "DELETE FROM endorsements WHERE account_id = $1 AND target_id = $2";
#define ENDORSED                                                      \
	"SELECT f.id, " STORE_ACCOUNT_COLUMNS                         \
	" FROM endorsements f JOIN accounts a ON a.id = f.target_id " \
	"WHERE f.account_id = $1 AND a.state = 0"
static const char SQL_ENDORSED[] = STORE_PAGE_DOWN(ENDORSED, "f.id", "$2", "$3", "$4");
static const char SQL_ENDORSED_UP[] = STORE_PAGE_UP(ENDORSED, "f.id", "$2", "$3", "$4");
static const char SQL_NOTES[] =
    "SELECT target_id, comment FROM account_notes WHERE account_id = $41 AND target_id IN " DB_IDS
    " UNION ALL SELECT target_id, NULL FROM endorsements WHERE account_id = $41 AND target_id IN " DB_IDS;
static const char SQL_DOMAIN_ADD[] =
    "INSERT INTO account_domain_blocks (account_id, domain, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_DOMAIN_REMOVE[] =
    "DELETE FROM account_domain_blocks WHERE account_id = $1 AND domain = $2";
static const char SQL_DOMAIN_HAS[] =
    "SELECT 1 FROM account_domain_blocks WHERE account_id = $1 AND domain = $2";
#define DOMAINS "SELECT d.id, d.domain FROM account_domain_blocks d WHERE d.account_id = $1"
static const char SQL_DOMAINS[] = STORE_PAGE_DOWN(DOMAINS, "d.id", "$2", "$3", "$4");
static const char SQL_DOMAINS_UP[] = STORE_PAGE_UP(DOMAINS, "d.id", "$2", "$3", "$4");
#define DIRECTORY                                                       \
	"SELECT a.id, " STORE_ACCOUNT_COLUMNS " FROM accounts a WHERE " \
	"a.discoverable AND a.state = 0 AND NOT a.limited AND (NOT CAST($1 AS BOOLEAN) OR a.domain = '') "
static const char SQL_DIRECTORY_ACTIVE[] = DIRECTORY
    "AND a.last_post_at IS NOT NULL ORDER BY a.last_post_at DESC, a.id DESC LIMIT $2 OFFSET $3";
static const char SQL_DIRECTORY_NEW[] = DIRECTORY "ORDER BY a.id DESC LIMIT $2 OFFSET $3";
#define UNKNOWN                                                                                          \
	"a.id <> $1 AND a.state = 0 AND a.discoverable AND NOT a.limited AND NOT EXISTS (SELECT 1 FROM " \
	"follows x WHERE x.account_id = $1 AND x.target_id = a.id) AND NOT EXISTS (SELECT 1 "            \
	"FROM follow_requests x WHERE x.account_id = $1 AND x.target_id = a.id) AND NOT "                \
	"EXISTS (SELECT 1 FROM blocks x WHERE (x.account_id = $1 AND x.target_id = a.id) OR "            \
	"(x.account_id = a.id AND x.target_id = $1)) AND NOT EXISTS (SELECT 1 FROM mutes x "             \
	"WHERE x.account_id = $1 AND x.target_id = a.id) AND NOT EXISTS (SELECT 1 FROM "                 \
	"suggestion_dismissals x WHERE x.account_id = $1 AND x.target_id = a.id)"
/* Of the newest hundred that one follows, the newest hundred each: the cost has a bound. */
static const char SQL_FRIENDS[] =
    "SELECT s.shared, " STORE_ACCOUNT_COLUMNS
    " FROM (SELECT g.target_id, COUNT(*) AS shared FROM (SELECT "
    "target_id FROM follows WHERE account_id = $1 ORDER BY id DESC LIMIT 100) AS f JOIN follows g ON "
    "g.account_id = f.target_id AND g.id IN (SELECT h.id FROM follows h WHERE h.account_id = f.target_id ORDER BY "
    "h.id DESC LIMIT 100) GROUP BY g.target_id) AS s JOIN accounts a ON a.id = s.target_id WHERE " UNKNOWN
    " ORDER BY s.shared DESC, a.followers_count DESC, a.id LIMIT $2";
static const char SQL_POPULAR[] =
    "SELECT a.id, " STORE_ACCOUNT_COLUMNS " FROM accounts a WHERE " UNKNOWN
    " ORDER BY a.followers_count DESC LIMIT $2";
static const char SQL_DISMISS[] =
    "INSERT INTO suggestion_dismissals (account_id, target_id) VALUES ($1, $2) "
    "ON CONFLICT DO NOTHING";
static const char SQL_FAMILIAR[] =
    "SELECT a.id, " STORE_ACCOUNT_COLUMNS
    " FROM follows f JOIN follows g ON g.account_id = f.target_id AND "
    "g.target_id = $2 JOIN accounts a ON a.id = f.target_id WHERE f.account_id = $1 AND a.state = 0 "
    "ORDER BY g.id DESC LIMIT $3";

static struct db_stmt *pair(struct db *db, const char *sql, int64_t a, int64_t b)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, a);
	db_put_int(q, b);
	return q;
}

bool store_note_set(struct db *w, int64_t account_id, int64_t target_id, const char *comment,
		    struct err *e)
{
	if (!comment[0])
		return db_end(pair(w, SQL_NOTE_DELETE, account_id, target_id), e);
	struct db_stmt *q = pair(w, SQL_NOTE_SET, account_id, target_id);
	db_put_text(q, comment);
	return db_end(q, e);
}

bool store_endorsement_add(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
			   struct err *e)
{
	struct db_stmt *q = pair(w, SQL_ENDORSE, account_id, target_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_endorsement_remove(struct db *w, int64_t account_id, int64_t target_id, struct err *e)
{
	return db_end(pair(w, SQL_UNENDORSE, account_id, target_id), e);
}

bool store_endorsement_list(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_ENDORSED_UP : SQL_ENDORSED);
	db_put_int(q, account_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_note_get_many(struct db *db, struct arena *arena, int64_t account_id, const int64_t *ids,
			 size_t count, struct store_note *out, size_t *found, struct err *e)
{
	*found = 0;
	if (count == 0)
		return true;
	struct db_stmt *q = db_stmt(db, SQL_NOTES);
	db_put_ids(q, ids, count);
	db_put_int(q, account_id);
	while (*found < 2 * count && db_row(q)) {
		out[*found].target_id = db_get_int(q);
		out[(*found)++].comment = db_get_text(q, arena);
	}
	return db_end(q, e);
}

static struct db_stmt *domain(struct db *db, const char *sql, int64_t account_id, const char *name)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, account_id);
	db_put_text(q, name);
	return q;
}

bool store_hidden_domain_add(struct db *w, int64_t id, int64_t account_id, const char *name,
			     struct err *e)
{
	struct db_stmt *q = domain(w, SQL_DOMAIN_ADD, account_id, name);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_hidden_domain_remove(struct db *w, int64_t account_id, const char *name, struct err *e)
{
	return db_end(domain(w, SQL_DOMAIN_REMOVE, account_id, name), e);
}

bool store_hidden_domain_has(struct db *db, int64_t account_id, const char *name, bool *has,
			     struct err *e)
{
	struct db_stmt *q = domain(db, SQL_DOMAIN_HAS, account_id, name);
	*has = db_row(q);
	return db_end(q, e);
}

bool store_hidden_domain_list(struct db *db, struct arena *arena, int64_t account_id,
			      const struct store_page *page, const char **out, int64_t *keys,
			      size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_DOMAINS_UP : SQL_DOMAINS);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q)) {
		keys[*found] = db_get_int(q);
		out[(*found)++] = db_get_text(q, arena);
	}
	store_page_turn(page, keys, *found, sizeof(*keys));
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_directory(struct db *db, struct arena *arena, bool by_age, bool only_local, int limit,
		     int offset, struct store_accounts *out, struct err *e)
{
	struct store_page page = {.limit = limit};
	struct db_stmt *q = db_stmt(db, by_age ? SQL_DIRECTORY_NEW : SQL_DIRECTORY_ACTIVE);
	db_put_bool(q, only_local);
	db_put_int(q, store_page_limit(&page));
	db_put_int(q, offset);
	return store_accounts_read(q, arena, &page, out, e);
}

bool store_suggestions(struct db *db, struct arena *arena, int64_t account_id, int limit,
		       struct store_accounts *out, bool *friends, struct err *e)
{
	struct store_page page = {.limit = limit};
	struct store_accounts popular;
	limit = store_page_limit(&page);
	if (!store_accounts_read(pair(db, SQL_FRIENDS, account_id, limit), arena, &page, out, e))
		return false;
	for (size_t i = 0; i < out->count; i++)
		friends[i] = true;
	if (out->count == (size_t)limit)
		return true;
	if (!store_accounts_read(pair(db, SQL_POPULAR, account_id, limit), arena, &page, &popular,
				 e))
		return false;
	size_t known = out->count;
	for (size_t i = 0; i < popular.count && out->count < (size_t)limit; i++) {
		bool again = false;
		for (size_t k = 0; k < known && !again; k++)
			again = out->items[k].id == popular.items[i].id;
		if (again)
			continue;
		friends[out->count] = false;
		out->items[out->count++] = popular.items[i];
	}
	return true;
}

bool store_suggestion_dismiss(struct db *w, int64_t account_id, int64_t target_id, struct err *e)
{
	return db_end(pair(w, SQL_DISMISS, account_id, target_id), e);
}

bool store_familiar_followers(struct db *db, struct arena *arena, int64_t account_id,
			      int64_t target_id, int limit, struct store_accounts *out,
			      struct err *e)
{
	struct store_page page = {.limit = limit};
	struct db_stmt *q = pair(db, SQL_FAMILIAR, account_id, target_id);
	db_put_int(q, limit);
	return store_accounts_read(q, arena, &page, out, e);
}
