/* The networks that may not come in (in memory, for every request), and lists in text: networks, words. What must stay
 * true: the set in memory is what the rules said when its version was taken; whoever changes a rule moves the
 * version on. Any thread. */
#include "app/private.h"
#include "app/rule.h"
#include "store/rule.h"

#include <stdlib.h>
#include <string.h>

enum { BITS_V4 = 24, BITS_V6 = 48 }; /* of what counts as one network */

/* --- who may not come in --- */

struct closed {
	struct network network;
	int64_t expires_at; /* 0: never */
};

struct app_closed_networks {
	pthread_rwlock_t lock;
	struct closed *items;
	size_t count;
	unsigned loaded;         /* the version that items are of */
	atomic_uint version;     /* moves on with every change */
	atomic_size_t published; /* count, for those who need no lock to see that there is none */
};

struct app_closed_networks *app_closed_networks_create(void)
{
	struct app_closed_networks *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	pthread_rwlock_init(&c->lock, NULL);
	atomic_init(&c->version, 1);
	return c;
}

void app_closed_networks_destroy(struct app_closed_networks *c)
{
	if (!c)
		return;
	pthread_rwlock_destroy(&c->lock);
	free(c->items);
	free(c);
}

void app_networks_changed(struct app_core *core)
{
	atomic_fetch_add(&core->closed->version, 1);
}

/* What an earlier look has found never takes the place of a later one's. */
static void replace(struct app_closed_networks *c, struct closed *items, size_t count,
		    unsigned version)
{
	pthread_rwlock_wrlock(&c->lock);
	struct closed *old = items;
	if ((int)(version - c->loaded) > 0) {
		old = c->items;
		c->items = items;
		c->count = count;
		c->loaded = version;
		atomic_store(&c->published, count);
	}
	pthread_rwlock_unlock(&c->lock);
	free(old);
}

unsigned app_networks_version(struct app_core *core)
{
	struct app_closed_networks *c = core->closed;
	pthread_rwlock_rdlock(&c->lock);
	unsigned version = c->loaded;
	pthread_rwlock_unlock(&c->lock);
	return version;
}

bool app_networks_load(struct app *app, struct err *e)
{
	struct app_closed_networks *c = app->core->closed;
	unsigned version = atomic_load(&c->version);
	size_t count, n = 0;
	pthread_rwlock_rdlock(&c->lock);
	bool current = c->loaded == version;
	pthread_rwlock_unlock(&c->lock);
	if (current)
		return true;
	struct store_rule *rules = ARENA_ARRAY(app->arena, struct store_rule, APP_RULES_MAX);
	if (!rules)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_rule_all(app->db, app->arena, STORE_RULE_NETWORK, app->now_ms, rules,
			    APP_RULES_MAX, &count, e))
		return false;
	struct closed *items = calloc(count ? count : 1, sizeof *items);
	if (!items)
		abort();
	for (size_t i = 0; i < count; i++)
		if (rules[i].level == STORE_NETWORK_NO_ACCESS &&
		    network_parse(rules[i].name, strlen(rules[i].name), &items[n].network))
			items[n++].expires_at = rules[i].expires_at;
	replace(c, items, n, version);
	return true;
}

bool app_networks_admit(struct app_core *core, const char *ip, int64_t now_ms)
{
	struct app_closed_networks *c = core->closed;
	struct network address;
	bool in = true;
	if (!atomic_load_explicit(&c->published, memory_order_relaxed) || !ip ||
	    !network_parse(ip, strlen(ip), &address))
		return true;
	pthread_rwlock_rdlock(&c->lock);
	for (size_t i = 0; in && i < c->count; i++)
		in = !network_has(&c->items[i].network, &address) ||
		     (c->items[i].expires_at && c->items[i].expires_at <= now_ms);
	pthread_rwlock_unlock(&c->lock);
	return in;
}

/* --- lists in text --- */

bool app_networks_valid(const char *list)
{
	struct network network;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (length && !network_parse(list, length, &network))
			return false;
		list += length + (list[length] == ' ');
	}
	return true;
}

bool app_networks_have(const char *list, const char *ip)
{
	struct network network, address;
	if (!ip || !network_parse(ip, strlen(ip), &address))
		return false;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (network_parse(list, length, &network) && network_has(&network, &address))
			return true;
		list += length + (list[length] == ' ');
	}
	return false;
}

void app_network_of(const char *ip, char out[NETWORK_TEXT_SIZE])
{
	struct network n;
	memcpy(out, "?", 2);
	if (!ip || !network_parse(ip, strlen(ip), &n))
		return;
	network_cut(&n, n.size == 32 ? BITS_V4 : BITS_V6);
	network_text(&n, out);
}

bool app_words_have(const char *list, const char *word)
{
	size_t whole = strlen(word);
	if (!list[0])
		return true;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (length == whole && strncmp(list, word, whole) == 0)
			return true;
		list += length + (list[length] == ' ');
	}
	return false;
}
