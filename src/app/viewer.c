/* Owns a table of viewers in sets of four, each set under a lock of its own, the least lately used of four giving way;
 * a viewer is a small table of marks, in sets of four too, where newer ones take the places of older. (With one place
 * for each mark, two posts of one page that want the same push each other out, and the page is read each time: every
 * second page of 20 has such a pair.) Any thread. What must stay true:
 * a mark is handed out only while db_unchanged() says so for its viewer since before it was read, and for ten seconds
 * at most (that bounds what another process did and died before it told us); what is read inside a transaction never
 * comes in. A favourite, a bookmark, a boost touch their viewer; follows, blocks, mutes, pins and filters touch
 * everything. */
#include "app/viewer.h"

#include "app/private.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { SETS = 512, WAYS = 4, LOCKS = 64, MARK_SETS = 64, MARK_WAYS = 4, AGE_S_MAX = 10 };

struct mark {
	int64_t id;
	unsigned bits;
	unsigned char of; /* enum app_viewer_of + 1; 0: empty */
};

struct viewer {
	int64_t account_id;
	int64_t made_ns, used_ns;
	uint64_t seen; /* every mark was true at some time after this */
	unsigned none;
	unsigned hand; /* which of four gives way next */
	struct mark marks[MARK_SETS][MARK_WAYS];
};

struct app_viewers {
	struct db_pool *pool;
	atomic_bool trusted;
	pthread_mutex_t locks[LOCKS];
	struct viewer *viewers[SETS][WAYS];
};

struct app_viewers *app_viewers_create(struct db_pool *pool)
{
	struct app_viewers *v = calloc(1, sizeof(*v));
	if (!v)
		abort();
	v->pool = pool;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&v->locks[i], NULL);
	return v;
}

void app_viewers_destroy(struct app_viewers *v)
{
	if (!v)
		return;
	for (int i = 0; i < SETS; i++)
		for (int way = 0; way < WAYS; way++)
			free(v->viewers[i][way]);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&v->locks[i]);
	free(v);
}

void app_viewers_trust(struct app_viewers *v, bool trusted)
{
	atomic_store(&v->trusted, trusted);
}

/* --- the table --- */

static unsigned hash(int64_t id, unsigned size)
{
	return (unsigned)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 40) % size;
}

static struct mark *marks_of(struct viewer *n, enum app_viewer_of of, int64_t id)
{
	unsigned apart = of == APP_VIEWER_AUTHOR ? MARK_SETS / 2 : 0;
	return n->marks[(hash(id, MARK_SETS) + apart) % MARK_SETS];
}

static const struct mark *mark_find(struct viewer *n, enum app_viewer_of of, int64_t id)
{
	const struct mark *set = marks_of(n, of, id);
	for (int way = 0; way < MARK_WAYS; way++)
		if (set[way].id == id && set[way].of == of + 1)
			return &set[way];
	return NULL;
}

static void mark_put(struct viewer *n, enum app_viewer_of of, int64_t id, unsigned bits)
{
	struct mark *set = marks_of(n, of, id);
	int at = -1;
	for (int way = 0; way < MARK_WAYS; way++) {
		if (set[way].id == id && set[way].of == of + 1) {
			at = way;
			break;
		}
		if (at < 0 && !set[way].of)
			at = way;
	}
	if (at < 0)
		at = (int)(n->hand++ % MARK_WAYS);
	set[at] = (struct mark){.id = id, .bits = bits, .of = (unsigned char)(of + 1)};
}

static bool usable(struct app *app)
{
	return app->account_id &&
	       atomic_load_explicit(&app->core->viewers->trusted, memory_order_relaxed) &&
	       !db_is_writing(app->db);
}

static bool holds(struct app_viewers *v, int64_t account_id, uint64_t seen)
{
	db_key key = db_key_of(DB_NOUN_VIEWER, account_id);
	return db_unchanged(v->pool, seen, &key, 1);
}

/* The viewer who asks, if what is known still holds. The set is locked afterwards in any case. */
static struct viewer *enter(struct app *app, pthread_mutex_t **lock)
{
	struct app_viewers *v = app->core->viewers;
	unsigned set = hash(app->account_id, SETS);
	int64_t now = clock_mono_ns();
	*lock = &v->locks[set % LOCKS];
	pthread_mutex_lock(*lock);
	for (int way = 0; way < WAYS; way++) {
		struct viewer *n = v->viewers[set][way];
		if (!n || n->account_id != app->account_id)
			continue;
		if (now - n->made_ns >= AGE_S_MAX * INT64_C(1000000000) ||
		    !holds(v, n->account_id, n->seen))
			return NULL;
		n->used_ns = now;
		return n;
	}
	return NULL;
}

/* An empty one in the place of what no longer holds, or of who was not here for longest. The set is locked. */
static struct viewer *begin(struct app *app, uint64_t seen)
{
	struct viewer **row = app->core->viewers->viewers[hash(app->account_id, SETS)];
	int at = 0;
	for (int way = 0; way < WAYS; way++) {
		if (row[way] && row[way]->account_id == app->account_id) {
			at = way;
			break;
		}
		if (row[at] && (!row[way] || row[way]->used_ns < row[at]->used_ns))
			at = way;
	}
	if (!row[at] && !(row[at] = malloc(sizeof(**row))))
		abort();
	memset(row[at], 0, sizeof(*row[at]));
	row[at]->account_id = app->account_id;
	row[at]->seen = seen;
	row[at]->made_ns = row[at]->used_ns = clock_mono_ns();
	return row[at];
}

/* Where something that was read after `seen` may be written down; NULL: it may have changed since. */
static struct viewer *enter_to_keep(struct app *app, uint64_t seen, pthread_mutex_t **lock)
{
	struct viewer *n = enter(app, lock);
	if (!holds(app->core->viewers, app->account_id, seen))
		return NULL;
	return n ? n : begin(app, seen);
}

size_t app_viewer_known(struct app *app, enum app_viewer_of of, const int64_t *ids, size_t count,
			unsigned *bits, int64_t *missing)
{
	size_t unknown = 0;
	pthread_mutex_t *lock = NULL;
	struct viewer *n = usable(app) ? enter(app, &lock) : NULL;
	for (size_t i = 0; i < count; i++) {
		const struct mark *m = n ? mark_find(n, of, ids[i]) : NULL;
		bits[i] = m ? m->bits : 0;
		if (!m)
			missing[unknown++] = ids[i];
	}
	if (lock)
		pthread_mutex_unlock(lock);
	return unknown;
}

void app_viewer_keep(struct app *app, uint64_t seen, enum app_viewer_of of, const int64_t *ids,
		     const unsigned *bits, size_t count)
{
	pthread_mutex_t *lock;
	if (!usable(app))
		return;
	struct viewer *n = enter_to_keep(app, seen, &lock);
	for (size_t i = 0; n && i < count; i++)
		mark_put(n, of, ids[i], bits[i]);
	pthread_mutex_unlock(lock);
}

bool app_viewer_has_none(struct app *app, enum app_viewer_none what)
{
	pthread_mutex_t *lock;
	if (!usable(app))
		return false;
	const struct viewer *n = enter(app, &lock);
	bool none = n && (n->none & (unsigned)what);
	pthread_mutex_unlock(lock);
	return none;
}

void app_viewer_keep_none(struct app *app, uint64_t seen, enum app_viewer_none what)
{
	pthread_mutex_t *lock;
	if (!usable(app))
		return;
	struct viewer *n = enter_to_keep(app, seen, &lock);
	if (n)
		n->none |= (unsigned)what;
	pthread_mutex_unlock(lock);
}
