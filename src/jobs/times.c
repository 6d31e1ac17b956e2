/* Owns the histograms and the newest arrivals. One lock; any thread. What must stay true: `loaded` is what the
 * database had, `fresh` what was measured since the last taking, `overdue` what has not ended yet; all count. */
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
	OFF_FULL = 100,
	ARRIVALS_NEWEST = 32
};

static const double FIRST_S = 0.01, STEP = 1.15, PROMISES_FULL = 1e6;
static const double FIRST_GUESS_S = 6, GUESS_SAMPLES = 3; /* a guess is worth so many samples */
static const double LOW = 0.03, HIGH = 0.95, SAMPLES_ENOUGH = 20, SOONER = 0.3;
static const double UNKNOWN_NEAR = 2, UNKNOWN_FAR = 2.5;
static const double OVERTAKEN_MAX = 0.9, WINDOW_MIN_S = 1;

struct histogram {
	char maker[NAME_MAX];
	int task, kind;
	int64_t size;
	double loaded[BUCKETS], fresh[BUCKETS];
	double overdue[BUCKETS]; /* of those who still wait; never kept */
	bool changed;
};

struct arrival {
	char maker[NAME_MAX];
	int task, count;
	double behind;
	int64_t at_ms;
};

struct times {
	pthread_mutex_t lock;
	struct arrival arrivals[TIMES_ARRIVALS]; /* a ring */
	size_t arrivals_count, arrivals_next;
	int64_t arrivals_now_ms;
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
		counts[i] += h->loaded[i] + h->fresh[i] + h->overdue[i];
}

/* Of its own size where that was measured, by the pixel from other sizes, guessed: what is known little about leans
 * on the next. */
static double mean_locked(struct times *t, const struct times_key *key)
{
	struct histogram *h = find(t, key, false);
	double own = h ? total(h) : 0, own_sum = own > 0 ? own * mean(h) : 0;
	if (own >= SERVICE_FULL / 4)
		return own_sum / own;
	double n = 0, per_pixel = 0;
	for (size_t i = 0; i < t->count; i++) {
		h = &t->items[i];
		if (h->kind != TIMES_SERVICE || strcmp(h->maker, key->maker) || h->size <= 0)
			continue;
		double samples = total(h);
		n += samples;
		per_pixel += samples > 0 ? samples * mean(h) / (double)h->size : 0;
	}
	double base =
	    (per_pixel * (double)key->size + GUESS_SAMPLES * FIRST_GUESS_S) / (n + GUESS_SAMPLES);
	return (own_sum + GUESS_SAMPLES * base) / (own + GUESS_SAMPLES);
}

double times_mean(struct times *t, const struct times_key *key)
{
	pthread_mutex_lock(&t->lock);
	double m = mean_locked(t, key);
	pthread_mutex_unlock(&t->lock);
	return m;
}

static double sum(const double counts[BUCKETS])
{
	double n = 0;
	for (int i = 0; i < BUCKETS; i++)
		n += counts[i];
	return n;
}

double times_quantile(struct times *t, const struct times_key *key, double q, double *value)
{
	double counts[BUCKETS] = {0};
	pthread_mutex_lock(&t->lock);
	struct histogram *h = find(t, key, false);
	if (h)
		merge(h, counts);
	pthread_mutex_unlock(&t->lock);
	double n = sum(counts);
	if (n > 0)
		*value = quantile(counts, n, q);
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

static void keep_arrival(struct times *t, const struct times_arrival *a)
{
	size_t length = strlen(a->maker);
	if (length >= NAME_MAX)
		return;
	struct arrival *to = &t->arrivals[t->arrivals_next];
	*to = (struct arrival){
	    .task = a->task, .count = a->count, .behind = a->behind, .at_ms = a->at_ms};
	memcpy(to->maker, a->maker, length + 1); /* fits: looked at above */
	t->arrivals_next = (t->arrivals_next + 1) % TIMES_ARRIVALS;
	t->arrivals_count += t->arrivals_count < TIMES_ARRIVALS;
	t->arrivals_now_ms = a->at_ms > t->arrivals_now_ms ? a->at_ms : t->arrivals_now_ms;
}

void times_arrivals(struct times *t, const struct times_arrival *items, size_t count,
		    int64_t now_ms)
{
	pthread_mutex_lock(&t->lock);
	t->arrivals_count = t->arrivals_next = 0;
	for (size_t i = count < TIMES_ARRIVALS ? count : TIMES_ARRIVALS; i > 0; i--)
		keep_arrival(t, &items[i - 1]);
	t->arrivals_now_ms = now_ms;
	pthread_mutex_unlock(&t->lock);
}

void times_arrived(struct times *t, const struct times_arrival *one)
{
	pthread_mutex_lock(&t->lock);
	keep_arrival(t, one);
	pthread_mutex_unlock(&t->lock);
}

void times_overdue(struct times *t, const struct times_overdue *items, size_t count)
{
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++)
		memset(t->items[i].overdue, 0, sizeof t->items[i].overdue);
	for (size_t i = 0; i < count; i++) {
		struct histogram *h = find(t,
					   &(struct times_key){.maker = items[i].maker,
							       .kind = TIMES_LATE + items[i].class},
					   true);
		if (h)
			h->overdue[bucket_of(items[i].ratio)] += 1;
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

/* Which part of the machines' time the newest `last` arrivals took that come before somebody who is `behind`. One who
 * came in at some distance from the clock overtakes until the queue has come nearer than that to this job; taken
 * over the whole way, that is the part of it that follows. */
static double overtaken(struct times *t, const char *maker, double behind,
			const struct times_place *place, size_t last)
{
	double seconds = 0;
	int64_t from = t->arrivals_now_ms;
	size_t seen = 0;
	for (size_t i = 1; i <= t->arrivals_count && seen < last; i++) {
		const struct arrival *a =
		    &t->arrivals[(t->arrivals_next + TIMES_ARRIVALS - i) % TIMES_ARRIVALS];
		if (strcmp(a->maker, maker))
			continue;
		seen++;
		from = a->at_ms;
		const struct times_key key = {
		    .maker = maker, .task = a->task, .size = place->pixels * a->count};
		if (a->behind < behind)
			seconds += (behind - a->behind) / (behind + 1) * mean_locked(t, &key);
	}
	double window_s = (double)(t->arrivals_now_ms - from) * 1e-3;
	return seconds / fmax(WINDOW_MIN_S, window_s) / place->slots;
}

/* What the machines have to do first, and what one's own cap makes one wait for. */
static void delay(struct times *t, const struct store_job *job, const struct store_job_ahead *ahead,
		  const struct times_place *place, double own, struct times_wait *out)
{
	int64_t before, drawing;
	double seconds = work(t, job->maker, place->pixels, ahead->by, &before) +
			 0.5 * work(t, job->maker, place->pixels, ahead->drawing, &drawing);
	out->least_s = before + drawing < place->slots ? 0 : seconds / place->slots;
	double part = fmax(overtaken(t, job->maker, ahead->behind, place, TIMES_ARRIVALS),
			   overtaken(t, job->maker, ahead->behind, place, ARRIVALS_NEWEST));
	out->most_s = out->least_s / (1 - fmin(OVERTAKEN_MAX, part));
	int64_t over = ahead->own + ahead->own_drawing - job->running_max + 1;
	if (over > 0 && job->running_max > 0) {
		double capped = own * ((double)over - 0.5) / job->running_max;
		out->least_s = fmax(capped, out->least_s);
		out->most_s = fmax(capped, out->most_s);
	}
}

/* 0: nothing in the way; 1: others only; 2 and more: behind jobs of one's own, the farther the less is known. */
static int class_of(double most_s, double behind)
{
	return most_s <= 0 ? 0 : behind < 0.5 ? 1 : behind < 1.5 ? 2 : behind < 3.5 ? 3 : 4;
}

/* Few samples say little: what they say and what may be anything are mixed by their number. */
static double factor(struct times *t, const struct times_key *key, double unknown, double q)
{
	double known = 1, n = times_quantile(t, key, q, &known), trust = n / (n + SAMPLES_ENOUGH);
	return pow(unknown, 1 - trust) * pow(known, trust);
}

void times_wait(struct times *t, const struct store_job *job, const struct store_job_ahead *ahead,
		const struct times_place *where, struct times_wait *out)
{
	struct times_place place = *where;
	place.slots = place.slots > 0 ? place.slots : 1;
	pthread_mutex_lock(&t->lock);
	double own = mean_locked(t, &(struct times_key){.maker = job->maker,
							.task = (int)job->task,
							.size = place.pixels * job->count});
	delay(t, job, ahead, &place, own, out);
	pthread_mutex_unlock(&t->lock);
	bool queued = out->most_s > 0;
	out->class = class_of(out->most_s, ahead->behind);
	out->least_s += own;
	out->most_s += own;
	out->mean_s = sqrt(out->least_s * out->most_s);
	double unknown = out->class < 2 ? UNKNOWN_NEAR : UNKNOWN_FAR;
	const struct times_key early = {.maker = job->maker, .kind = TIMES_EARLY + out->class},
			       late = {.maker = job->maker, .kind = TIMES_LATE + out->class};
	double low = factor(t, &early, 1 / unknown, LOW), high = factor(t, &late, unknown, HIGH);
	/* Others may cancel, and machines may become free: behind a queue sooner is always possible. */
	low = queued ? fmin(low, SOONER) : low;
	out->low_s = out->least_s * low;
	out->high_s = fmax(out->low_s, out->most_s * high);
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
