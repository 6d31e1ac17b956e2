/* Owns a table of entries in sets of four, each set under a lock of its own, the least lately used of four giving
 * way. Any thread. What must stay true: an entry is handed out only when db_unchanged() says so for all that it
 * was made of; secrets are kept as keyed hashes only. */
#include "api/kept.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/stream.h"

enum {
	SETS = 4096,
	WAYS = 4,
	LOCKS = 256,
	NAME_BYTES = 16,
	KEYS_MAX = 400,
	ANSWER_BYTES_MAX = 256 << 10,
	ALL_BYTES_MAX = 64 << 20,
	AGE_S_MAX = 10
};

struct entry {
	unsigned char name[NAME_BYTES];
	int64_t made_ns, used_ns;
	uint64_t seen;
	size_t bytes;
	size_t key_count;
	db_key *keys;
	/* An identity… */
	struct app_identity who;
	char *scopes, *csrf;
	/* …or an answer. */
	struct http_message *body;
	char *link;
};

struct kept {
	struct db_pool *pool;
	unsigned char secret[crypto_generichash_KEYBYTES];
	atomic_bool trusted;
	atomic_size_t bytes;
	atomic_uint hand; /* the set that is swept next */
	atomic_ullong identity_hits, identity_misses, answer_hits, answer_misses;
	pthread_mutex_t locks[LOCKS];
	struct entry *entries[SETS][WAYS];
};

struct kept *kept_create(struct db_pool *pool)
{
	struct kept *k = calloc(1, sizeof *k);
	if (!k)
		abort();
	k->pool = pool;
	atomic_init(&k->trusted, true);
	randombytes_buf(k->secret, sizeof k->secret);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&k->locks[i], NULL);
	return k;
}

static void entry_free(struct kept *k, struct entry *n)
{
	if (!n)
		return;
	atomic_fetch_sub(&k->bytes, n->bytes);
	http_message_unref(n->body);
	free(n->keys);
	free(n->scopes);
	free(n->csrf);
	free(n->link);
	free(n);
}

void kept_destroy(struct kept *k)
{
	if (!k)
		return;
	for (int i = 0; i < SETS; i++)
		for (int way = 0; way < WAYS; way++)
			entry_free(k, k->entries[i][way]);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&k->locks[i]);
	free(k);
}

void kept_trust(struct kept *k, bool trusted)
{
	atomic_store(&k->trusted, trusted);
}

/* --- the table --- */

static unsigned set_of(const unsigned char name[NAME_BYTES])
{
	return (name[0] | (unsigned)name[1] << 8) % SETS;
}

/* The entry of that name, if it still holds; its set is locked then, until release. */
static struct entry *acquire(struct kept *k, const unsigned char name[NAME_BYTES])
{
	if (!atomic_load_explicit(&k->trusted, memory_order_relaxed))
		return NULL;
	unsigned set = set_of(name);
	int64_t now = clock_mono_ns();
	pthread_mutex_lock(&k->locks[set % LOCKS]);
	for (int way = 0; way < WAYS; way++) {
		struct entry *n = k->entries[set][way];
		if (!n || memcmp(n->name, name, NAME_BYTES) != 0)
			continue;
		if (now - n->made_ns < AGE_S_MAX * 1000000000ll &&
		    db_unchanged(k->pool, n->seen, n->keys, n->key_count)) {
			n->used_ns = now;
			return n;
		}
		k->entries[set][way] = NULL;
		entry_free(k, n);
	}
	pthread_mutex_unlock(&k->locks[set % LOCKS]);
	return NULL;
}

static void release(struct kept *k, const struct entry *n)
{
	pthread_mutex_unlock(&k->locks[set_of(n->name) % LOCKS]);
}

/* What has grown old in the next few sets leaves: nobody may ever ask for it again. */
static void sweep(struct kept *k)
{
	enum { SWEPT = 16 };
	unsigned first = atomic_fetch_add(&k->hand, SWEPT);
	int64_t now = clock_mono_ns();
	for (unsigned set = first % SETS, i = 0; i < SWEPT; i++, set = (set + 1) % SETS) {
		pthread_mutex_lock(&k->locks[set % LOCKS]);
		for (int way = 0; way < WAYS; way++) {
			struct entry *n = k->entries[set][way];
			if (!n || now - n->made_ns < AGE_S_MAX * 1000000000ll)
				continue;
			k->entries[set][way] = NULL;
			entry_free(k, n);
		}
		pthread_mutex_unlock(&k->locks[set % LOCKS]);
	}
}

/* The entry is the table's from now on. */
static void insert(struct kept *k, struct entry *n)
{
	unsigned set = set_of(n->name);
	sweep(k);
	n->made_ns = n->used_ns = clock_mono_ns();
	n->bytes += sizeof *n + n->key_count * sizeof *n->keys;
	atomic_fetch_add(&k->bytes, n->bytes);
	if (atomic_load(&k->bytes) > ALL_BYTES_MAX) {
		entry_free(k, n);
		return;
	}
	pthread_mutex_lock(&k->locks[set % LOCKS]);
	int at = 0;
	for (int way = 0; way < WAYS; way++) {
		struct entry *old = k->entries[set][way];
		if (old && !memcmp(old->name, n->name, NAME_BYTES)) {
			at = way;
			break;
		}
		const struct entry *worst = k->entries[set][at];
		if (worst && (!old || old->used_ns < worst->used_ns))
			at = way;
	}
	struct entry *gone = k->entries[set][at];
	k->entries[set][at] = n;
	pthread_mutex_unlock(&k->locks[set % LOCKS]);
	entry_free(k, gone);
}

static struct entry *entry_new(uint64_t seen, size_t keys_room)
{
	struct entry *n = calloc(1, sizeof *n);
	db_key *keys = malloc(keys_room * sizeof *keys);
	if (!n || !keys)
		abort();
	n->keys = keys;
	n->seen = seen;
	return n;
}

/* --- identities --- */

static void identity_name(struct kept *k, enum kept_secret kind, const char *secret,
			  unsigned char name[NAME_BYTES])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, k->secret, sizeof k->secret, NAME_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)(kind == KEPT_TOKEN ? "t" : "c"),
				  1);
	crypto_generichash_update(&state, (const unsigned char *)secret, strlen(secret));
	crypto_generichash_final(&state, name, NAME_BYTES);
}

bool kept_identity(struct kept *k, struct arena *a, enum kept_secret kind, const char *secret,
		   struct app_identity *out)
{
	unsigned char name[NAME_BYTES];
	identity_name(k, kind, secret, name);
	struct entry *n = acquire(k, name);
	atomic_fetch_add_explicit(n ? &k->identity_hits : &k->identity_misses, 1,
				  memory_order_relaxed);
	if (!n)
		return false;
	bool current = !n->who.expires_at || n->who.expires_at > clock_house_ms();
	*out = n->who;
	out->scope_names = n->scopes ? arena_strdup(a, n->scopes) : NULL;
	out->csrf_token = n->csrf ? arena_strdup(a, n->csrf) : NULL;
	release(k, n);
	return current;
}

static char *copy(const char *s)
{
	char *c = s ? strdup(s) : NULL;
	if (s && !c)
		abort();
	return c;
}

void kept_identity_put(struct kept *k, enum kept_secret kind, const char *secret, uint64_t seen,
		       const struct app_identity *who)
{
	struct entry *n = entry_new(seen, 1);
	identity_name(k, kind, secret, n->name);
	n->keys[n->key_count++] = db_key_of(DB_NOUN_ACCOUNT, who->account_id);
	n->who = *who;
	n->scopes = copy(who->scope_names);
	n->csrf = copy(who->csrf_token);
	insert(k, n);
}

/* --- answers --- */

static void update(crypto_generichash_state *state, const void *bytes, size_t length)
{
	crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
	crypto_generichash_update(state, bytes, length);
}

static void answer_name(struct kept *k, const struct http_request *rq, int64_t account_id,
			unsigned char name[NAME_BYTES])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, k->secret, sizeof k->secret, NAME_BYTES);
	update(&state, &account_id, sizeof account_id);
	update(&state, rq->path, strlen(rq->path));
	for (size_t i = 0; i < rq->params_count; i++) {
		update(&state, rq->params[i].name, strlen(rq->params[i].name));
		update(&state, rq->params[i].value, rq->params[i].length);
	}
	crypto_generichash_final(&state, name, NAME_BYTES);
}

bool kept_answer(struct kept *k, const struct http_request *rq, int64_t account_id,
		 struct http_response *rs)
{
	unsigned char name[NAME_BYTES];
	answer_name(k, rq, account_id, name);
	struct entry *n = acquire(k, name);
	atomic_fetch_add_explicit(n ? &k->answer_hits : &k->answer_misses, 1, memory_order_relaxed);
	if (!n)
		return false;
	rs->kept = http_message_ref(n->body);
	if (n->link)
		http_response_header(rs, "Link", n->link);
	release(k, n);
	return true;
}

/* Everything a post's rendering shows: itself, whoever is named, what it refers to. False: too much to keep. */
static bool add_keys(struct entry *n, const struct app_post *p)
{
	if (n->key_count + 8 + p->mention_count > KEYS_MAX)
		return false;
	n->keys[n->key_count++] = db_key_of(DB_NOUN_POST, p->row.id);
	n->keys[n->key_count++] = db_key_of(DB_NOUN_ACCOUNT, p->row.account_id);
	for (size_t i = 0; i < p->mention_count; i++)
		n->keys[n->key_count++] = db_key_of(DB_NOUN_ACCOUNT, p->mentions[i]->id);
	if (p->has_remix_of) {
		n->keys[n->key_count++] = db_key_of(DB_NOUN_POST, p->remix_of.id);
		if (p->remix_of.account)
			n->keys[n->key_count++] =
			    db_key_of(DB_NOUN_ACCOUNT, p->remix_of.account->id);
	}
	return (!p->boost_of || add_keys(n, p->boost_of)) &&
	       (!p->quote_of || add_keys(n, p->quote_of));
}

void kept_answer_put(struct kept *k, const struct http_request *rq, int64_t account_id,
		     enum db_noun list, uint64_t seen, const struct app_posts *posts,
		     struct http_response *rs)
{
	if (rs->body.failed || !rs->body.length || rs->body.length > ANSWER_BYTES_MAX)
		return;
	struct entry *n = entry_new(seen, KEYS_MAX);
	answer_name(k, rq, account_id, n->name);
	n->keys[n->key_count++] = db_key_of(list, list == DB_NOUN_PUBLIC ? 0 : account_id);
	n->keys[n->key_count++] = db_key_of(DB_NOUN_VIEWER, account_id);
	for (size_t i = 0; i < posts->count; i++)
		if (!add_keys(n, &posts->items[i])) {
			entry_free(k, n);
			return;
		}
	n->bytes = rs->body.length;
	size_t length = rs->body.length;
	rs->kept = http_message_take(buf_take(&rs->body), length);
	n->body = http_message_ref(rs->kept);
	for (size_t i = 0; i < rs->headers_count; i++)
		if (!strcmp(rs->header_names[i], "Link"))
			n->link = copy(rs->header_values[i]);
	db_key *fitting = realloc(n->keys, n->key_count * sizeof *fitting);
	n->keys = fitting ? fitting : n->keys;
	insert(k, n);
}

void kept_stats(struct kept *k, struct kept_stats *out)
{
	*out = (struct kept_stats){.identity_hits = atomic_load(&k->identity_hits),
				   .identity_misses = atomic_load(&k->identity_misses),
				   .answer_hits = atomic_load(&k->answer_hits),
				   .answer_misses = atomic_load(&k->answer_misses),
				   .bytes = atomic_load(&k->bytes)};
}
