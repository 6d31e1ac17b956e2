/* Owns the subscriptions, in buckets by topic, each with its own lock. Any thread. */
#include "bus/bus.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct topic {
	struct topic *next;
	struct bus_subscription *first;
	char name[];
};

struct bus_subscription {
	struct bus *bus;
	struct topic *topic;
	uint32_t bucket;
	bus_deliver_fn *deliver;
	void *context;
	struct bus_subscription *prev, *next;
};

struct bus {
	struct bucket {
		pthread_mutex_t lock;
		struct topic *topics;
	} buckets[BUCKETS];
};

struct bus *bus_create(void)
{
	struct bus *b = calloc(1, sizeof *b);
	if (!b)
		abort();
	for (int i = 0; i < BUCKETS; i++)
		pthread_mutex_init(&b->buckets[i].lock, NULL);
	return b;
}

void bus_destroy(struct bus *b)
{
	if (!b)
		return;
	for (int i = 0; i < BUCKETS; i++)
		pthread_mutex_destroy(&b->buckets[i].lock);
	free(b);
}

static uint32_t bucket_of(const char *topic)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; topic[i] && i < BUS_TOPIC_MAX_BYTES; i++)
		h = (h ^ (unsigned char)topic[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32) % BUCKETS;
}

static struct topic *find(struct bucket *k, const char *name)
{
	struct topic *t = k->topics;
	while (t && strncmp(t->name, name, BUS_TOPIC_MAX_BYTES))
		t = t->next;
	return t;
}

struct bus_subscription *bus_subscribe(struct bus *b, const char *topic, bus_deliver_fn *deliver,
				       void *context)
{
	struct bus_subscription *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->bus = b;
	s->bucket = bucket_of(topic);
	s->deliver = deliver;
	s->context = context;
	struct bucket *k = &b->buckets[s->bucket];
	pthread_mutex_lock(&k->lock);
	struct topic *t = find(k, topic);
	if (!t) {
		size_t length = strnlen(topic, BUS_TOPIC_MAX_BYTES);
		t = calloc(1, sizeof *t + length + 1);
		if (!t)
			abort();
		memcpy(t->name, topic, length);
		t->next = k->topics;
		k->topics = t;
	}
	s->topic = t;
	s->next = t->first;
	if (s->next)
		s->next->prev = s;
	t->first = s;
	pthread_mutex_unlock(&k->lock);
	return s;
}

void bus_unsubscribe(struct bus_subscription *s)
{
	if (!s)
		return;
	struct bucket *k = &s->bus->buckets[s->bucket];
	pthread_mutex_lock(&k->lock);
	if (s->prev)
		s->prev->next = s->next;
	else
		s->topic->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	if (!s->topic->first) {
		struct topic **at = &k->topics;
		while (*at != s->topic)
			at = &(*at)->next;
		*at = s->topic->next;
		free(s->topic);
	}
	pthread_mutex_unlock(&k->lock);
	free(s);
}

size_t bus_publish(struct bus *b, const char *topic, const void *message)
{
	struct bucket *k = &b->buckets[bucket_of(topic)];
	size_t heard = 0;
	pthread_mutex_lock(&k->lock);
	struct topic *t = find(k, topic);
	for (struct bus_subscription *s = t ? t->first : NULL; s; s = s->next, heard++)
		s->deliver(s->context, message);
	pthread_mutex_unlock(&k->lock);
	return heard;
}

size_t bus_publish_prefix(struct bus *b, const char *prefix, const void *message)
{
	size_t heard = 0, length = strlen(prefix);
	for (int i = 0; i < BUCKETS; i++) {
		struct bucket *k = &b->buckets[i];
		pthread_mutex_lock(&k->lock);
		for (struct topic *t = k->topics; t; t = t->next)
			for (struct bus_subscription *s = t->first;
			     s && !strncmp(t->name, prefix, length); s = s->next, heard++)
				s->deliver(s->context, message);
		pthread_mutex_unlock(&k->lock);
	}
	return heard;
}

/* The number that the whole of text is; 0: it is none. */
static int64_t number(const char *text)
{
	char *end;
	int64_t n = *text >= '1' && *text <= '9' ? strtoll(text, &end, 10) : 0;
	return n && !*end ? n : 0;
}

size_t bus_ids(struct bus *b, const char *prefix, int64_t *ids, size_t room)
{
	size_t found = 0, length = strlen(prefix);
	for (int i = 0; i < BUCKETS && found < room; i++) {
		struct bucket *k = &b->buckets[i];
		pthread_mutex_lock(&k->lock);
		for (struct topic *t = k->topics; t && found < room; t = t->next)
			if (!strncmp(t->name, prefix, length) &&
			    (ids[found] = number(t->name + length)))
				found++;
		pthread_mutex_unlock(&k->lock);
	}
	return found;
}

bool bus_heard(struct bus *b, const char *topic)
{
	struct bucket *k = &b->buckets[bucket_of(topic)];
	pthread_mutex_lock(&k->lock);
	bool heard = find(k, topic) != NULL;
	pthread_mutex_unlock(&k->lock);
	return heard;
}
