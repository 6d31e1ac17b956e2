/* All SQL on media and on the objects behind them. No state; any thread, with its own handle. What must stay
 * true: an object's count is the number of rows that name it, in the same transaction as those rows, so
 * that a file is deleted exactly when the last of them is gone. */
#include "store/media.h"

#include "store/end.h"
#include "store/upload.h"

static const char SQL_INSERT[] =
    "INSERT INTO media (id, account_id, post_id, position, state, kind, type, hash, size, width, height, "
    "duration_ms, thumbnail_hash, thumbnail_type, thumbnail_width, thumbnail_height, blurhash, description, "
    "focus_x, focus_y, remote_url, job_id, job_index, maker, model, style, seed, prompt, tokens_hash, "
    "source_media_id, source_post_id, created_at, held, transparent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)";
#define COLUMNS                                                                                          \
	"id, account_id, post_id, position, state, kind, type, hash, size, width, height, duration_ms, " \
	"thumbnail_hash, thumbnail_type, thumbnail_width, thumbnail_height, blurhash, description, "     \
	"focus_x, focus_y, remote_url, job_id, job_index, maker, model, style, seed IS NOT NULL, seed, " \
	"prompt, tokens_hash, source_media_id, source_post_id, error_message, created_at, held, transparent"
static const char SQL_GET[] = "SELECT " COLUMNS " FROM media WHERE id = $1";
static const char SQL_OF_POSTS[] =
    "SELECT " COLUMNS " FROM media WHERE post_id IS NOT NULL AND post_id IN " DB_IDS
    " ORDER BY post_id, position";
static const char SQL_OF_JOBS[] =
    "SELECT " COLUMNS " FROM media WHERE job_id IS NOT NULL AND job_id IN " DB_IDS
    " ORDER BY job_id, job_index";
static const char SQL_SET_RESULT[] =
    "UPDATE media SET state = $2, kind = $3, type = $4, hash = $5, size = $6, width = $7, height = $8, "
    "duration_ms = $9, thumbnail_hash = $10, thumbnail_type = $11, thumbnail_width = $12, "
    "thumbnail_height = $13, blurhash = $14, error_message = $15, transparent = $16 WHERE id = $1 AND state = 1";
static const char SQL_DESCRIBE[] =
    "UPDATE media SET description = $2, focus_x = $3, focus_y = $4 WHERE id = $1";
static const char SQL_ATTACH[] =
    "UPDATE media SET post_id = $3, position = $4, detached_at = NULL WHERE id = $1 AND "
    "account_id = $2 AND post_id IS NULL AND state = 0";
static const char SQL_DELETE[] =
    "DELETE FROM media WHERE id = $1 RETURNING hash, thumbnail_hash, tokens_hash";
static const char SQL_STALE[] =
    "SELECT id FROM media WHERE post_id IS NULL AND ((maker IS NULL AND created_at < $1 AND "
    "detached_at IS NULL) OR detached_at < $2) AND "
    "NOT EXISTS (SELECT 1 FROM scheduled_media s WHERE s.media_id = media.id) AND "
    "NOT EXISTS (SELECT 1 FROM jobs j WHERE j.source_media_id = media.id AND j.state < 2) AND "
    "NOT EXISTS (SELECT 1 FROM job_sources s JOIN jobs j ON j.id = s.job_id WHERE s.media_id = media.id AND "
    "j.state < 2) ORDER BY id LIMIT $3";
static const char SQL_DETACH[] =
    "UPDATE media SET post_id = NULL, position = 0, detached_at = $2 WHERE post_id = $1";
static const char SQL_ABANDON[] =
    "UPDATE media SET detached_at = 0 WHERE post_id IS NULL AND account_id = $1";
static const char SQL_ABANDONED[] =
    "SELECT id FROM media WHERE detached_at = 0 AND post_id IS NULL ORDER BY id LIMIT $1";
static const char SQL_TOTALS[] = "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM media";
static const char SQL_TOTALS_OF[] =
    "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM media WHERE account_id = $1";

static const char SQL_OBJECT_HOLD[] =
    "INSERT INTO objects (hash, refs) VALUES ($1, 1) ON CONFLICT (hash) DO UPDATE SET refs = objects.refs + 1";
static const char SQL_OBJECT_UNTRASH[] = "DELETE FROM object_trash WHERE hash = $1";
static const char SQL_OBJECT_DROP[] =
    "UPDATE objects SET refs = refs - 1 WHERE hash = $1 RETURNING refs";
static const char SQL_OBJECT_DELETE[] = "DELETE FROM objects WHERE hash = $1";
static const char SQL_OBJECT_TRASH[] =
    "INSERT INTO object_trash (hash, created_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
static const char SQL_OBJECT_UNNAMED[] =
    "INSERT INTO object_trash (hash, created_at) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT) WHERE NOT EXISTS "
    "(SELECT 1 FROM objects WHERE hash = $1) ON CONFLICT (hash) DO NOTHING";
static const char SQL_TRASH[] = "SELECT hash FROM object_trash ORDER BY hash LIMIT $1";
static const char SQL_OBJECT_IN_USE[] = "SELECT 1 FROM objects WHERE hash = $1";

static void take(struct db_stmt *q, struct arena *arena, struct store_media *media)
{
	media->id = db_get_int(q);
	media->account_id = db_get_int(q);
	media->post_id = db_get_int(q);
	media->position = (int)db_get_int(q);
	media->state = (enum store_media_state)db_get_int(q);
	media->kind = (enum store_media_kind)db_get_int(q);
	media->type = db_get_text(q, arena);
	media->hash = db_get_text(q, arena);
	media->size_bytes = db_get_int(q);
	media->width = db_get_int(q);
	media->height = db_get_int(q);
	media->duration_ms = db_get_int(q);
	media->thumbnail_hash = db_get_text(q, arena);
	media->thumbnail_type = db_get_text(q, arena);
	media->thumbnail_width = db_get_int(q);
	media->thumbnail_height = db_get_int(q);
	media->blurhash = db_get_text(q, arena);
	media->description = db_get_text(q, arena);
	media->focus_x = db_get_double(q);
	media->focus_y = db_get_double(q);
	media->remote_url = db_get_text(q, arena);
	media->job_id = db_get_int(q);
	media->job_index = (int)db_get_int(q);
	media->maker = db_get_text(q, arena);
	media->model = db_get_text(q, arena);
	media->style = db_get_text(q, arena);
	media->has_seed = db_get_bool(q);
	media->seed = db_get_int(q);
	media->prompt = db_get_text(q, arena);
	media->tokens_hash = db_get_text(q, arena);
	media->source_media_id = db_get_int(q);
	media->source_post_id = db_get_int(q);
	media->error_message = db_get_text(q, arena);
	media->created_at = db_get_int(q);
	media->held = db_get_bool(q);
	media->transparent = db_get_bool(q);
}

static bool hold_all(struct db *w, const struct store_media *media, struct err *e)
{
	return store_object_hold(w, media->hash, e) &&
	       store_object_hold(w, media->thumbnail_hash, e) &&
	       store_object_hold(w, media->tokens_hash, e);
}

static void put_seed(struct db_stmt *q, const struct store_media *media)
{
	if (media->has_seed)
		db_put_int(q, media->seed);
	else
		db_put_null(q);
}

/* What is known of the file, from its state to its blurhash, in the order of the columns. */
static void put_file(struct db_stmt *q, const struct store_media *media)
{
	db_put_int(q, media->state);
	db_put_int(q, media->kind);
	db_put_text(q, media->type);
	db_put_text(q, media->hash);
	db_put_int(q, media->size_bytes);
	db_put_int(q, media->width);
	db_put_int(q, media->height);
	db_put_int(q, media->duration_ms);
	db_put_text(q, media->thumbnail_hash);
	db_put_text(q, media->thumbnail_type);
	db_put_int(q, media->thumbnail_width);
	db_put_int(q, media->thumbnail_height);
	db_put_text(q, media->blurhash);
}

bool store_media_insert(struct db *w, const struct store_media *media, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, media->id);
	db_put_int(q, media->account_id);
	db_put_ref(q, media->post_id);
	db_put_int(q, media->position);
	put_file(q, media);
	db_put_text(q, media->description ? media->description : "");
	db_put_double(q, media->focus_x);
	db_put_double(q, media->focus_y);
	db_put_text(q, media->remote_url);
	db_put_ref(q, media->job_id);
	db_put_int(q, media->job_index);
	db_put_text(q, media->maker);
	db_put_text(q, media->model);
	db_put_text(q, media->style);
	put_seed(q, media);
	db_put_text(q, media->prompt);
	db_put_text(q, media->tokens_hash);
	db_put_ref(q, media->source_media_id);
	db_put_ref(q, media->source_post_id);
	db_put_int(q, media->created_at);
	db_put_bool(q, media->held);
	db_put_bool(q, media->transparent);
	return db_end(q, e) && hold_all(w, media, e);
}

bool store_media_get(struct db *db, struct arena *arena, int64_t id, struct store_media *out,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

/* Appends the rows of q to a growing array, and ends q. */
static bool read_more(struct db_stmt *q, struct arena *arena, struct store_media **items,
		      size_t *found, size_t *room, struct err *e)
{
	while (db_row(q)) {
		if (*found == *room) {
			struct store_media *old = *items;
			*room = *room ? 2 * *room : 16;
			*items = arena_alloc(arena, *room * sizeof(**items));
			for (size_t i = 0; i < *found; i++)
				(*items)[i] = old[i];
		}
		take(q, arena, &(*items)[(*found)++]);
	}
	return db_end(q, e);
}

static bool of_ids(struct db *db, const char *sql, struct arena *arena, const int64_t *ids,
		   size_t count, struct store_media **items, size_t *found, struct err *e)
{
	size_t room = 0;
	*items = NULL;
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, sql);
		db_put_ids(q, ids + done, count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		if (!read_more(q, arena, items, found, &room, e))
			return false;
	}
	return true;
}

bool store_media_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids, size_t count,
			  struct store_media **items, size_t *found, struct err *e)
{
	return of_ids(db, SQL_OF_POSTS, arena, post_ids, count, items, found, e);
}

bool store_media_of_jobs(struct db *db, struct arena *arena, const int64_t *job_ids, size_t count,
			 struct store_media **items, size_t *found, struct err *e)
{
	return of_ids(db, SQL_OF_JOBS, arena, job_ids, count, items, found, e);
}

bool store_media_set_result(struct db *w, const struct store_media *media, struct err *e)
{
	int64_t changed = 0;
	struct db_stmt *q = db_stmt(w, SQL_SET_RESULT);
	db_touch(q, DB_NOUN_NONE, 0); /* no post has it */
	db_put_int(q, media->id);
	put_file(q, media);
	db_put_text(q, media->error_message);
	db_put_bool(q, media->transparent);
	if (!db_end_changed(q, &changed, e))
		return false;
	if (changed == 0)
		return err_set(e, ERR_CONFLICT, "This file was processed already, or is gone.");
	return store_object_hold(w, media->hash, e) &&
	       store_object_hold(w, media->thumbnail_hash, e);
}

bool store_media_describe(struct db *w, int64_t id, const char *description, double focus_x,
			  double focus_y, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DESCRIBE);
	db_put_int(q, id);
	db_put_text(q, description);
	db_put_double(q, focus_x);
	db_put_double(q, focus_y);
	return db_end(q, e);
}

bool store_media_attach(struct db *w, int64_t id, int64_t account_id, int64_t post_id, int position,
			struct err *e)
{
	int64_t changed = 0;
	struct db_stmt *q = db_stmt(w, SQL_ATTACH);
	db_touch(q, DB_NOUN_POST, post_id);
	db_put_int(q, id);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	db_put_int(q, position);
	if (!db_end_changed(q, &changed, e))
		return false;
	return changed == 1 ||
	       err_set(e, ERR_CONFLICT, "media_ids: this file is not ready, or was posted already");
}

bool store_media_delete(struct db *w, struct arena *arena, int64_t id, int64_t now_ms,
			struct err *e)
{
	struct store_media media;
	if (!store_media_get(w, arena, id, &media, e) ||
	    (media.state == STORE_MEDIA_PENDING && !store_upload_delete(w, arena, id, now_ms, e)))
		return false;
	/* What it names now: it may have become ready since it was read. */
	const char *hashes[3] = {NULL, NULL, NULL};
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, id);
	if (db_row(q))
		for (int i = 0; i < 3; i++)
			hashes[i] = db_get_text(q, arena);
	return db_end(q, e) && store_object_drop(w, hashes[0], now_ms, e) &&
	       store_object_drop(w, hashes[1], now_ms, e) &&
	       store_object_drop(w, hashes[2], now_ms, e);
}

bool store_media_release(struct db *w, int64_t post_id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DETACH);
	db_touch(q, DB_NOUN_POST, post_id);
	db_put_int(q, post_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_media_stale(struct db *db, int64_t before_ms, int64_t detached_before_ms, int64_t *ids,
		       size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_STALE);
	db_put_int(q, before_ms);
	db_put_int(q, detached_before_ms);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_media_abandon(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ABANDON);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_media_abandoned(struct db *db, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_ABANDONED);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_media_totals(struct db *db, int64_t account_id, int64_t *count, int64_t *size_bytes,
			struct err *e)
{
	struct db_stmt *q = db_stmt(db, account_id ? SQL_TOTALS_OF : SQL_TOTALS);
	if (account_id)
		db_put_int(q, account_id);
	if (db_row(q)) {
		*count = db_get_int(q);
		*size_bytes = db_get_int(q);
	}
	return db_end(q, e);
}

static bool with_hash(struct db *w, const char *sql, const char *hash, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, hash);
	return db_end(q, e);
}

bool store_object_hold(struct db *w, const char *hash, struct err *e)
{
	if (!hash)
		return true;
	return with_hash(w, SQL_OBJECT_HOLD, hash, e) && with_hash(w, SQL_OBJECT_UNTRASH, hash, e);
}

bool store_object_drop(struct db *w, const char *hash, int64_t now_ms, struct err *e)
{
	int64_t refs = 1;
	if (!hash)
		return true;
	struct db_stmt *q = db_stmt(w, SQL_OBJECT_DROP);
	db_put_text(q, hash);
	if (db_row(q))
		refs = db_get_int(q);
	if (!db_end(q, e))
		return false;
	if (refs > 0)
		return true;
	if (!with_hash(w, SQL_OBJECT_DELETE, hash, e))
		return false;
	q = db_stmt(w, SQL_OBJECT_TRASH);
	db_put_text(q, hash);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_object_unnamed(struct db *w, const char *hash, int64_t now_ms, struct err *e)
{
	if (!hash || !*hash)
		return true;
	struct db_stmt *q = db_stmt(w, SQL_OBJECT_UNNAMED);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, hash);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_object_trash(struct db *db, struct arena *arena, int limit, const char ***hashes,
			size_t *found, struct err *e)
{
	*found = 0;
	*hashes = arena_alloc(arena, (size_t)limit * sizeof(**hashes));
	struct db_stmt *q = db_stmt(db, SQL_TRASH);
	db_put_int(q, limit);
	while (*found < (size_t)limit && db_row(q))
		(*hashes)[(*found)++] = db_get_text(q, arena);
	return db_end(q, e);
}

bool store_object_trash_remove(struct db *w, const char *hash, struct err *e)
{
	return with_hash(w, SQL_OBJECT_UNTRASH, hash, e);
}

bool store_object_in_use(struct db *db, const char *hash, bool *in_use, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OBJECT_IN_USE);
	db_put_text(q, hash);
	*in_use = db_row(q);
	return db_end(q, e);
}
