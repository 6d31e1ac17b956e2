/* Owns the histograms. One lock; any thread. What must stay true: `loaded` is what the database had, `fresh` what
 * was measured since the last taking, and both count. */
#include "jobs/times.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEYS_MAX = 256,
	BUCKETS = 96,
	NAME_MAX = 64,
	SERVICE_FULL = 1000,
	OFF_FULL = 200,
	ARRIVALS_MAX = 32
};

static const double FIRST_S = 0.01, STEP = 1.15, FIRST_GUESS_S = 6, PROMISES_FULL = 1e6;
static const double LOW = 0.015, HIGH = 0.985, SAMPLES_ENOUGH = 20, UNKNOWN_FACTOR = 3;
static const double ARRIVALS_S = 15, OVERTAKEN_MAX = 0.8, SOONER = 0.3;

struct histogram {
	char maker[NAME_MAX];
	int task, kind;
	int64_t size;
	double loaded[BUCKETS], fresh[BUCKETS];
	bool changed;
};

/* How many newcomers a second, over the last quarter of a minute or so. */
struct arrivals {
	char maker[NAME_MAX];
	double per_s;
	int64_t at_ns;
};

struct times {
	pthread_mutex_t lock;
	struct arrivals arrivals[ARRIVALS_MAX];
	struct histogram *items;
	size_t count;
};

struct times *times_create(void)
{
	struct times *t = calloc(1, sizeof *t);
	if (!t || !(t->items = calloc(KEYS_MAX, sizeof *t->items)))
		abort();
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void times_destroy(struct times *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->items);
	free(t);
}

static int bucket_of(double value)
{
	if (!(value > FIRST_S))
		return 0;
	double b = ceil(log(value / FIRST_S) / log(STEP));
	return b >= BUCKETS - 1 ? BUCKETS - 1 : (int)b;
}

static double upper(int bucket)
{
	return FIRST_S * pow(STEP, bucket);
}

/* NULL where there is none and no room, or `make` is false. */
static struct histogram *find(struct times *t, const struct times_key *key, bool make)
{
	for (size_t i = 0; i < t->count; i++) {
		struct histogram *h = &t->items[i];
		if (h->kind == key->kind && h->task == key->task && h->size == key->size &&
		    !strcmp(h->maker, key->maker))
			return h;
	}
	if (!make || t->count == KEYS_MAX || strlen(key->maker) >= NAME_MAX)
		return NULL;
	struct histogram *h = &t->items[t->count++];
	*h = (struct histogram){.task = key->task, .kind = key->kind, .size = key->size};
	memcpy(h->maker, key->maker, strlen(key->maker) + 1); /* fits: looked at above */
	return h;
}

static void add_bucket(struct times *t, const struct times_key *key, int bucket)
{
	pthread_mutex_lock(&t->lock);
	struct histogram *h = find(t, key, true);
	if (h) {
		h->fresh[bucket] += 1;
		h->changed = true;
	}
	pthread_mutex_unlock(&t->lock);
}

void times_add(struct times *t, const struct times_key *key, double value)
{
	add_bucket(t, key, bucket_of(value));
}

void times_promise(struct times *t, const char *maker, bool kept)
{
	add_bucket(t, &(struct times_key){.maker = maker, .kind = TIMES_PROMISES}, kept);
}

static double total(const struct histogram *h)
{
	double n = 0;
	for (int i = 0; i < BUCKETS; i++)
		n += h->loaded[i] + h->fresh[i];
	return n;
}

static double mean(const struct histogram *h)
{
	double n = 0, sum = 0;
	for (int i = 0; i < BUCKETS; i++) {
		double c = h->loaded[i] + h->fresh[i];
		n += c;
		sum += c * upper(i) / sqrt(STEP);
	}
	return n > 0 ? sum / n : 0;
}

static double quantile(const double counts[BUCKETS], double n, double q)
{
	double sum = 0;
	for (int i = 0; i < BUCKETS; i++) {
		sum += counts[i];
		if (sum >= q * n)
			return q < 0.5 ? upper(i - 1) : upper(i);
	}
	return upper(BUCKETS - 1);
}

static void merge(const struct histogram *h, double counts[BUCKETS])
{
	for (int i = 0; i < BUCKETS; i++)
		counts[i] += h->loaded[i] + h->fresh[i];
}

static double mean_locked(struct times *t, const struct times_key *key)
{
	struct histogram *h = find(t, key, false);
	double n = 0, per_pixel = 0;
	if (h && total(h) > 0)
		return mean(h);
	for (size_t i = 0; i < t->count; i++) {
		h = &t->items[i];
		if (h->kind != TIMES_SERVICE || strcmp(h->maker, key->maker) || h->size <= 0)
			continue;
		n += total(h);
		per_pixel += total(h) * mean(h) / (double)h->size;
	}
	return n > 0 ? per_pixel / n * (double)key->size : FIRST_GUESS_S;
}

double times_mean(struct times *t, const struct times_key *key)
{
	pthread_mutex_lock(&t->lock);
	double m = mean_locked(t, key);
	pthread_mutex_unlock(&t->lock);
	return m;
}

double times_quantile(struct times *t, const struct times_key *key, double q, double *value)
{
	double counts[BUCKETS] = {0};
	pthread_mutex_lock(&t->lock);
	struct histogram *h = find(t, key, false);
	double n = h ? total(h) : 0;
	if (n > 0) {
		merge(h, counts);
		*value = quantile(counts, n, q);
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

double times_samples(struct times *t, const char *maker, double q, double *value)
{
	double counts[BUCKETS] = {0}, n = 0;
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++) {
		struct histogram *h = &t->items[i];
		if (h->kind == TIMES_SERVICE && !strcmp(h->maker, maker)) {
			merge(h, counts);
			n += total(h);
		}
	}
	if (n > 0)
		*value = quantile(counts, n, q);
	pthread_mutex_unlock(&t->lock);
	return n;
}

void times_promises(struct times *t, const char *maker, double *kept, double *broken)
{
	*kept = *broken = 0;
	pthread_mutex_lock(&t->lock);
	struct histogram *h =
	    find(t, &(struct times_key){.maker = maker, .kind = TIMES_PROMISES}, false);
	if (h) {
		*broken = h->loaded[0] + h->fresh[0];
		*kept = h->loaded[1] + h->fresh[1];
	}
	pthread_mutex_unlock(&t->lock);
}

/* --- the estimate --- */

static struct arrivals *find_arrivals(struct times *t, const char *maker, bool make)
{
	size_t i = 0;
	while (i < ARRIVALS_MAX && t->arrivals[i].maker[0]) {
		if (!strcmp(t->arrivals[i].maker, maker))
			return &t->arrivals[i];
		i++;
	}
	if (!make || i == ARRIVALS_MAX || strlen(maker) >= NAME_MAX)
		return NULL;
	memcpy(t->arrivals[i].maker, maker, strlen(maker) + 1); /* fits: looked at above */
	return &t->arrivals[i];
}

void times_arrived(struct times *t, const char *maker, int64_t now_ns)
{
	pthread_mutex_lock(&t->lock);
	struct arrivals *a = find_arrivals(t, maker, true);
	if (a) {
		double since_s = (double)(now_ns - a->at_ns) * 1e-9;
		a->per_s = a->per_s * exp(-fmax(0, since_s) / ARRIVALS_S) + 1 / ARRIVALS_S;
		a->at_ns = now_ns;
	}
	pthread_mutex_unlock(&t->lock);
}

static double work(struct times *t, const char *maker, int64_t pixels,
		   const int64_t by[][STORE_JOB_COUNT_MAX + 1], int64_t *jobs)
{
	double seconds = 0;
	*jobs = 0;
	for (int task = 0; task < STORE_JOB_TASKS; task++)
		for (int n = 1; n <= STORE_JOB_COUNT_MAX; n++)
			if (by[task][n]) {
				*jobs += by[task][n];
				seconds += (double)by[task][n] *
					   mean_locked(t, &(struct times_key){.maker = maker,
									      .task = task,
									      .size = pixels * n});
			}
	return seconds;
}

/* What the machines have to do first, and what one's own cap makes one wait for. */
static double delay(struct times *t, const struct store_job *job,
		    const struct store_job_ahead *ahead, const struct times_place *place,
		    double own)
{
	int64_t before, drawing, slots = place->slots > 0 ? place->slots : 1;
	double seconds = work(t, job->maker, place->pixels, ahead->by, &before) +
			 0.5 * work(t, job->maker, place->pixels, ahead->drawing, &drawing);
	double wait = before + drawing < slots ? 0 : seconds / (double)slots;
	const struct arrivals *a = find_arrivals(t, job->maker, false);
	if (ahead->own > 0 &&
	    a) /* those who overtake meanwhile, and those who overtake during that */
		wait /= 1 - fmin(OVERTAKEN_MAX, a->per_s * own / job->count / (double)slots);
	int64_t over = ahead->own + ahead->own_drawing - job->running_max + 1;
	double capped =
	    over > 0 && job->running_max > 0 ? own * ((double)over - 0.5) / job->running_max : 0;
	return capped > wait ? capped : wait;
}

void times_wait(struct times *t, const struct store_job *job, const struct store_job_ahead *ahead,
		const struct times_place *place, struct times_wait *out)
{
	pthread_mutex_lock(&t->lock);
	double own = mean_locked(t, &(struct times_key){.maker = job->maker,
							.task = (int)job->task,
							.size = place->pixels * job->count});
	double before = delay(t, job, ahead, place, own);
	pthread_mutex_unlock(&t->lock);
	out->mean_s = before + own;
	out->kind = TIMES_OFF + (ahead->own > 0) + 2 * (before > 0);
	double low = 1 / UNKNOWN_FACTOR, high = UNKNOWN_FACTOR, ends[2] = {1, 1};
	const struct times_key off = {.maker = job->maker, .kind = out->kind};
	double n = times_quantile(t, &off, LOW, &ends[0]);
	times_quantile(t, &off, HIGH, &ends[1]);
	/* Few samples say little: what they say and what may be anything are mixed by their number. */
	double trust = n / (n + SAMPLES_ENOUGH);
	if (n > 0) {
		low = pow(low, 1 - trust) * pow(ends[0], trust);
		high = pow(high, 1 - trust) * pow(ends[1], trust);
	}
	/* Others may cancel, and machines may become free: behind a queue sooner is always possible. */
	if (before > 0)
		low = fmin(low, SOONER);
	out->low_s = out->mean_s * low;
	out->high_s = out->mean_s * high;
}

/* --- to and from the database --- */

static double full(int kind)
{
	return kind == TIMES_SERVICE    ? SERVICE_FULL
	       : kind == TIMES_PROMISES ? PROMISES_FULL
					: OFF_FULL;
}

static struct store_time row_of(struct arena *a, const struct histogram *h, int bucket)
{
	return (struct store_time){.maker = arena_strdup(a, h->maker),
				   .task = h->task,
				   .size = h->size,
				   .kind = h->kind,
				   .bucket = bucket,
				   .count = h->fresh[bucket]};
}

void times_take(struct times *t, struct arena *a, struct store_time **items, size_t *count,
		struct store_time **halve, size_t *halve_count)
{
	*count = *halve_count = 0;
	pthread_mutex_lock(&t->lock);
	size_t changed = 0;
	for (size_t i = 0; i < t->count; i++)
		changed += t->items[i].changed;
	*items = arena_alloc(a, (changed * BUCKETS + 1) * sizeof **items);
	*halve = arena_alloc(a, (changed + 1) * sizeof **halve);
	for (size_t i = 0; i < t->count; i++) {
		struct histogram *h = &t->items[i];
		if (!h->changed)
			continue;
		bool over = total(h) > full(h->kind);
		for (int b = 0; b < BUCKETS; b++) {
			if (h->fresh[b] > 0)
				(*items)[(*count)++] = row_of(a, h, b);
			h->loaded[b] = (h->loaded[b] + h->fresh[b]) * (over ? 0.5 : 1);
			h->fresh[b] = 0;
		}
		if (over)
			(*halve)[(*halve_count)++] = row_of(a, h, 0);
		h->changed = false;
	}
	pthread_mutex_unlock(&t->lock);
}

void times_load(struct times *t, const struct store_time *items, size_t count)
{
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++)
		memset(t->items[i].loaded, 0, sizeof t->items[i].loaded);
	for (size_t i = 0; i < count; i++) {
		const struct times_key key = {items[i].maker, items[i].task, items[i].size,
					      items[i].kind};
		struct histogram *h = find(t, &key, true);
		if (h && items[i].bucket >= 0 && items[i].bucket < BUCKETS && items[i].count > 0)
			h->loaded[items[i].bucket] = items[i].count;
	}
	pthread_mutex_unlock(&t->lock);
}
