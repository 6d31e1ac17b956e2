/* Counts tries by key (a name, an address) in windows of ten minutes. Any thread; one lock. A fixed table:
 * under attack old entries are overwritten, so memory never grows. */
#include "app/private.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096, WINDOW_MS = 10 * 60 * 1000 };

struct slot {
	uint64_t key;
	int64_t begun_ms;
	int tries;
};

struct app_limiter {
	pthread_mutex_t mutex;
	struct slot slots[SLOTS];
};

struct app_limiter *app_limiter_create(void)
{
	struct app_limiter *limiter = calloc(1, sizeof(*limiter));
	if (!limiter)
		abort();
	pthread_mutex_init(&limiter->mutex, NULL);
	return limiter;
}

void app_limiter_destroy(struct app_limiter *limiter)
{
	pthread_mutex_destroy(&limiter->mutex);
	free(limiter);
}

static uint64_t hash(const char *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

bool app_limiter_allow(struct app_limiter *limiter, const char *key, int tries_max, int64_t now_ms)
{
	uint64_t h = hash(key);
	pthread_mutex_lock(&limiter->mutex);
	struct slot *slot = &limiter->slots[h % SLOTS];
	if (slot->key != h || now_ms - slot->begun_ms > WINDOW_MS || now_ms < slot->begun_ms)
		*slot = (struct slot){.key = h, .begun_ms = now_ms};
	bool allowed = slot->tries < tries_max;
	slot->tries += allowed;
	pthread_mutex_unlock(&limiter->mutex);
	return allowed;
}

void app_limiter_clear(struct app_limiter *limiter, const char *key)
{
	uint64_t h = hash(key);
	pthread_mutex_lock(&limiter->mutex);
	struct slot *slot = &limiter->slots[h % SLOTS];
	if (slot->key == h)
		slot->tries = 0;
	pthread_mutex_unlock(&limiter->mutex);
}
