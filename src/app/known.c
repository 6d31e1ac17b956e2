/* Owns a table of posts in sets of four, each set under a lock of its own, the least lately used of four giving way.
 * Posts that were read together lie in one batch, which goes when nobody holds any of them. Any thread. What must
 * stay true: a post is handed out from the table only while db_unchanged() says so for itself and the accounts in
 * it, and for ten seconds at most (that bounds what another process did and died before it told us); what was
 * read inside a transaction never comes into the table. */
#include "app/known.h"

#include "app/private.h"
#include "app/viewer.h"
#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETS = 4096,
	WAYS = 4,
	LOCKS = 256,
	MENTIONED_MAX = 32, /* who names more is read each time */
	BATCH_CAP_BYTES = 16 << 20,
	ALL_BYTES_MAX = 64 << 20,
	AGE_S_MAX = 10
};

struct entry {
	struct app_known_post post; /* first: what is handed out is the entry */
	struct batch *batch;
	_Atomic(struct app_piece *) piece;
	int64_t made_ns;
	int64_t used_ns; /* under the set's lock */
	uint64_t seen;
	db_key keys[2 + MENTIONED_MAX];
	size_t key_count; /* 0: too much to keep */
};

struct batch {
	struct app_known *known;
	struct arena *arena;
	atomic_uint holders; /* places of the table, and requests */
	atomic_size_t bytes;
	struct entry *entries;
	size_t count;
};

struct app_known {
	struct db_pool *pool;
	atomic_uint holders; /* the core, and batches: an arena may end after the core */
	atomic_bool trusted;
	atomic_size_t bytes;
	atomic_uint hand; /* the set that is swept next */
	pthread_mutex_t locks[LOCKS];
	struct entry *entries[SETS][WAYS];
};

struct app_known *app_known_create(struct db_pool *pool)
{
	struct app_known *k = calloc(1, sizeof(*k));
	if (!k)
		abort();
	k->pool = pool;
	atomic_init(&k->holders, 1);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&k->locks[i], NULL);
	return k;
}

static void known_drop(struct app_known *k)
{
	if (atomic_fetch_sub(&k->holders, 1) != 1)
		return;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&k->locks[i]);
	free(k);
}

static void batch_drop(struct batch *b)
{
	if (!b || atomic_fetch_sub(&b->holders, 1) != 1)
		return;
	atomic_fetch_sub(&b->known->bytes, atomic_load(&b->bytes));
	for (size_t i = 0; i < b->count; i++)
		free(atomic_load(&b->entries[i].piece));
	arena_destroy(b->arena);
	known_drop(b->known);
	free(b);
}

static void entry_drop(struct entry *n)
{
	batch_drop(n ? n->batch : NULL);
}

void app_known_destroy(struct app_known *k)
{
	if (!k)
		return;
	for (int i = 0; i < SETS; i++)
		for (int way = 0; way < WAYS; way++)
			entry_drop(k->entries[i][way]);
	known_drop(k);
}

void app_known_trust(struct app_core *core, bool trusted)
{
	atomic_store(&core->known->trusted, trusted);
	app_viewers_trust(core->viewers, trusted);
}

/* --- the table --- */

static unsigned set_of(int64_t id)
{
	return (unsigned)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 52) % SETS;
}

static bool too_old(const struct entry *n, int64_t now)
{
	return now - n->made_ns >= AGE_S_MAX * INT64_C(1000000000);
}

/* One more holder of its batch; NULL where it is not known. */
static struct entry *acquire(struct app_known *k, int64_t id, int64_t now)
{
	unsigned set = set_of(id);
	struct entry *found = NULL, *gone = NULL;
	pthread_mutex_lock(&k->locks[set % LOCKS]);
	for (int way = 0; way < WAYS && !found; way++) {
		struct entry *n = k->entries[set][way];
		if (!n || n->post.row.id != id)
			continue;
		if (!too_old(n, now) && db_unchanged(k->pool, n->seen, n->keys, n->key_count)) {
			n->used_ns = now;
			atomic_fetch_add(&n->batch->holders, 1);
			found = n;
		} else {
			k->entries[set][way] = NULL;
			gone = n;
			break;
		}
	}
	pthread_mutex_unlock(&k->locks[set % LOCKS]);
	entry_drop(gone);
	return found;
}

/* What has grown old in the next few sets leaves: nobody may ever ask for it again. */
static void sweep(struct app_known *k, int64_t now)
{
	enum { SWEPT = 16 };
	unsigned first = atomic_fetch_add(&k->hand, SWEPT);
	for (unsigned set = first % SETS, i = 0; i < SWEPT; i++, set = (set + 1) % SETS) {
		struct entry *gone[WAYS] = {NULL};
		pthread_mutex_lock(&k->locks[set % LOCKS]);
		for (int way = 0; way < WAYS; way++) {
			struct entry *n = k->entries[set][way];
			if (!n || !too_old(n, now))
				continue;
			k->entries[set][way] = NULL;
			gone[way] = n;
		}
		pthread_mutex_unlock(&k->locks[set % LOCKS]);
		for (int way = 0; way < WAYS; way++)
			entry_drop(gone[way]);
	}
}

/* The table becomes a holder of its batch. */
static void insert(struct app_known *k, struct entry *n)
{
	unsigned set = set_of(n->post.row.id);
	int at = 0;
	atomic_fetch_add(&n->batch->holders, 1);
	pthread_mutex_lock(&k->locks[set % LOCKS]);
	for (int way = 0; way < WAYS; way++) {
		const struct entry *old = k->entries[set][way], *worst = k->entries[set][at];
		if (old && old->post.row.id == n->post.row.id) {
			at = way;
			break;
		}
		if (worst && (!old || old->used_ns < worst->used_ns))
			at = way;
	}
	struct entry *gone = k->entries[set][at];
	k->entries[set][at] = n;
	pthread_mutex_unlock(&k->locks[set % LOCKS]);
	entry_drop(gone);
}

/* --- reading --- */

/* What is read of the missing posts before it is dealt out to them. */
struct reading {
	struct db *db;
	struct arena *arena;
	struct store_post *posts;
	size_t post_count;
	struct store_mention *mentions;
	size_t mention_count;
	size_t mentions_dealt;
	struct store_media *media;
	size_t media_count;
	size_t media_dealt;
	struct store_account *accounts;
	size_t account_count;
	struct store_lineage *lineage;
	size_t lineage_count;
	struct store_post_card *cards;
	size_t card_count;
};

static bool too_much(struct err *e)
{
	return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
}

/* ids: room for one of each post. */
static bool read_parts(struct reading *r, int64_t *ids, struct err *e)
{
	size_t count = 0;
	for (size_t i = 0; i < r->post_count; i++)
		if (r->posts[i].mention_count > 0)
			ids[count++] = r->posts[i].id;
	if (!store_mention_of_posts(r->db, r->arena, ids, count, &r->mentions, &r->mention_count,
				    e))
		return false;
	count = 0;
	for (size_t i = 0; i < r->post_count; i++)
		if (r->posts[i].media_count > 0)
			ids[count++] = r->posts[i].id;
	if (!store_media_of_posts(r->db, r->arena, ids, count, &r->media, &r->media_count, e))
		return false;
	count = 0;
	for (size_t i = 0; i < r->post_count; i++)
		if (r->posts[i].made || r->posts[i].remix_of_id || r->posts[i].remixes_count > 0)
			ids[count++] = r->posts[i].id;
	r->lineage = ARENA_ARRAY(r->arena, struct store_lineage, count + 1);
	if (!r->lineage)
		return too_much(e);
	if (!store_lineage_get_many(r->db, ids, count, r->lineage, &r->lineage_count, e))
		return false;
	qsort(r->lineage, r->lineage_count, sizeof(*r->lineage), app_ids_compare);
	return true;
}

/* Only what can have a card is asked for one: see app/card.c. */
static bool read_cards(struct reading *r, int64_t *ids, struct err *e)
{
	size_t count = 0;
	for (size_t i = 0; i < r->post_count; i++)
		if (r->posts[i].media_count == 0 && !r->posts[i].boost_of_id &&
		    strstr(r->posts[i].text, "://"))
			ids[count++] = r->posts[i].id;
	r->cards = ARENA_ARRAY(r->arena, struct store_post_card, count + 1);
	if (!r->cards)
		return too_much(e);
	if (!store_card_of_posts(r->db, r->arena, ids, count, r->cards, &r->card_count, e))
		return false;
	qsort(r->cards, r->card_count, sizeof(*r->cards), app_ids_compare);
	return true;
}

static bool read_accounts(struct reading *r, struct err *e)
{
	size_t count = 0, room = r->post_count + r->mention_count + 1;
	int64_t *ids = ARENA_ARRAY(r->arena, int64_t, room);
	r->accounts = ARENA_ARRAY(r->arena, struct store_account, room);
	if (!ids || !r->accounts)
		return too_much(e);
	for (size_t i = 0; i < r->post_count; i++)
		ids[count++] = r->posts[i].account_id;
	for (size_t i = 0; i < r->mention_count; i++)
		ids[count++] = r->mentions[i].account_id;
	count = app_ids_sort_unique(ids, count);
	if (!store_account_get_many(r->db, r->arena, ids, count, r->accounts, &r->account_count, e))
		return false;
	qsort(r->accounts, r->account_count, sizeof(*r->accounts), app_ids_compare);
	return true;
}

static const struct store_account *account_of(const struct reading *r, int64_t id)
{
	return r->account_count ? bsearch(&id, r->accounts, r->account_count, sizeof(*r->accounts),
					  app_ids_compare)
				: NULL;
}

/* The parts of one post. Posts are dealt out in the order of their ids, and so do the parts lie. */
static void deal_out(struct reading *r, struct entry *n)
{
	struct app_known_post *p = &n->post;
	p->author = account_of(r, p->row.account_id);
	p->mentions = r->mentions + r->mentions_dealt;
	for (; r->mentions_dealt < r->mention_count &&
	       r->mentions[r->mentions_dealt].post_id == p->row.id;
	     r->mentions_dealt++)
		p->mention_count++;
	struct store_account *mentioned =
	    arena_alloc(r->arena, (p->mention_count + 1) * sizeof(*mentioned));
	for (size_t i = 0; i < p->mention_count; i++) {
		const struct store_account *a = account_of(r, p->mentions[i].account_id);
		if (a)
			mentioned[p->mentioned_count++] = *a;
	}
	p->mentioned = mentioned;
	p->media = r->media + r->media_dealt;
	for (; r->media_dealt < r->media_count && r->media[r->media_dealt].post_id == p->row.id;
	     r->media_dealt++)
		p->media_count++;
	const struct store_lineage *lineage =
	    r->lineage_count ? bsearch(&p->row.id, r->lineage, r->lineage_count,
				       sizeof(*r->lineage), app_ids_compare)
			     : NULL;
	const struct store_post_card *card =
	    r->card_count
		? bsearch(&p->row.id, r->cards, r->card_count, sizeof(*r->cards), app_ids_compare)
		: NULL;
	p->card = card ? &card->card : NULL;
	p->has_lineage = lineage != NULL;
	if (lineage)
		p->lineage = *lineage;
	if (p->mention_count > MENTIONED_MAX)
		return;
	n->keys[n->key_count++] = db_key_of(DB_NOUN_POST, p->row.id);
	n->keys[n->key_count++] = db_key_of(DB_NOUN_ACCOUNT, p->row.account_id);
	for (size_t i = 0; i < p->mention_count; i++)
		n->keys[n->key_count++] = db_key_of(DB_NOUN_ACCOUNT, p->mentions[i].account_id);
}

/* Reads these posts into a new batch with one holder. */
static struct batch *batch_read(struct app *app, const int64_t *ids, size_t count, struct err *e)
{
	struct batch *b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->known = app->core->known;
	atomic_fetch_add(&b->known->holders, 1);
	b->arena = arena_create_small(BATCH_CAP_BYTES);
	atomic_init(&b->holders, 1);
	uint64_t seen = db_seen(app->core->pool);
	struct reading r = {.db = app->db, .arena = b->arena};
	int64_t *scratch = ARENA_ARRAY(app->arena, int64_t, count + 1);
	r.posts = ARENA_ARRAY(b->arena, struct store_post, count + 1);
	if (!scratch || !r.posts) {
		too_much(e);
		goto fail;
	}
	if (!store_post_get_many(r.db, r.arena, ids, count, r.posts, &r.post_count, e))
		goto fail;
	qsort(r.posts, r.post_count, sizeof(*r.posts), app_ids_compare);
	if (!read_parts(&r, scratch, e) || !read_cards(&r, scratch, e) || !read_accounts(&r, e))
		goto fail;
	b->entries = ARENA_ARRAY(b->arena, struct entry, r.post_count + 1);
	if (!b->entries) {
		too_much(e);
		goto fail;
	}
	int64_t now = clock_mono_ns();
	for (; b->count < r.post_count; b->count++) {
		struct entry *n = &b->entries[b->count];
		*n = (struct entry){.batch = b, .made_ns = now, .used_ns = now, .seen = seen};
		n->post.row = r.posts[b->count];
		deal_out(&r, n);
	}
	if (arena_exceeded(b->arena)) {
		too_much(e);
		goto fail;
	}
	atomic_store(&b->bytes, arena_used(b->arena));
	atomic_fetch_add(&b->known->bytes, arena_used(b->arena));
	return b;
fail:
	batch_drop(b);
	return NULL;
}

/* What a request holds until its arena ends. */
struct held {
	struct batch **batches;
	size_t count;
};

static void held_drop(void *item)
{
	struct held *held = item;
	for (size_t i = 0; i < held->count; i++)
		batch_drop(held->batches[i]);
}

bool app_known_load(struct app *app, const int64_t *ids, size_t count,
		    const struct app_known_post **out, struct err *e)
{
	struct app_known *k = app->core->known;
	struct held *held = ARENA_NEW(app->arena, struct held);
	int64_t *missing = ARENA_ARRAY(app->arena, int64_t, count + 1);
	size_t missing_count = 0;
	held->batches = ARENA_ARRAY(app->arena, struct batch *, count + 1);
	if (!missing || !held->batches)
		return too_much(e);
	arena_on_end(app->arena, held_drop, held);
	bool keeps =
	    atomic_load_explicit(&k->trusted, memory_order_relaxed) && !db_is_writing(app->db);
	int64_t now = clock_mono_ns();
	for (size_t i = 0; i < count; i++) {
		struct entry *n = keeps ? acquire(k, ids[i], now) : NULL;
		out[i] = n ? &n->post : NULL;
		if (n)
			held->batches[held->count++] = n->batch;
		else
			missing[missing_count++] = ids[i];
	}
	missing_count = app_ids_sort_unique(missing, missing_count);
	if (missing_count == 0)
		return true;
	struct batch *b = batch_read(app, missing, missing_count, e);
	if (!b)
		return false;
	held->batches[held->count++] = b;
	keeps = keeps && !app->passes && atomic_load(&k->bytes) < ALL_BYTES_MAX;
	sweep(k, now);
	for (size_t i = 0; i < count && b->count > 0; i++)
		if (!out[i])
			out[i] = bsearch(&ids[i], b->entries, b->count, sizeof(*b->entries),
					 app_ids_compare);
	for (size_t i = 0; keeps && i < b->count; i++)
		if (b->entries[i].key_count > 0)
			insert(k, &b->entries[i]);
	return true;
}

/* --- pieces --- */

const struct app_piece *app_known_piece(const struct app_known_post *post)
{
	return atomic_load(&((struct entry *)post)->piece);
}

void app_known_piece_keep(const struct app_known_post *post, const struct app_piece *piece)
{
	struct entry *n = (struct entry *)post;
	struct app_piece *copy = malloc(sizeof(*copy) + piece->length), *none = NULL;
	if (!copy)
		abort();
	*copy = *piece;
	copy->bytes = memcpy(copy + 1, piece->bytes, piece->length);
	if (!atomic_compare_exchange_strong(&n->piece, &none, copy)) {
		free(copy);
		return;
	}
	atomic_fetch_add(&n->batch->bytes, sizeof(*copy) + piece->length);
	atomic_fetch_add(&n->batch->known->bytes, sizeof(*copy) + piece->length);
}
