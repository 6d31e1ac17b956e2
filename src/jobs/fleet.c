/* Owns the list of makers that this process knows of. One lock; the infos are written once and then only read. */
#include "jobs/fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "json/read.h"
#include "json/write.h"

enum { JSON_MAX_BYTES = 1 << 20, TEXTS_MAX_BYTES = 256 << 10, SLOTS_MAX = 10000 };

struct member {
	struct maker_info info; /* its strings: of the maker, or in the fleet's arena */
	struct maker *maker;    /* NULL: elsewhere */
	int slots_here, busy_here, slots_there, busy_there;
	bool paused;
	char reason[FLEET_REASON_MAX];
	double cost;
};

struct fleet {
	pthread_mutex_t lock;
	struct member members[FLEET_MAKERS_MAX];
	size_t count;
	bool draw;
	struct arena *arena; /* of infos that came from elsewhere */
};

struct fleet *fleet_create(struct maker *const *makers, size_t count, bool draw)
{
	struct fleet *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	pthread_mutex_init(&f->lock, NULL);
	f->arena = arena_create(TEXTS_MAX_BYTES);
	f->draw = draw;
	for (size_t i = 0; i < count && i < FLEET_MAKERS_MAX; i++) {
		struct member *m = &f->members[f->count++];
		m->maker = makers[i];
		m->info = *maker_info(makers[i]);
		m->slots_here = draw ? m->info.slots : 0;
	}
	return f;
}

void fleet_destroy(struct fleet *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	arena_destroy(f->arena);
	free(f);
}

size_t fleet_count(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	size_t n = f->count;
	pthread_mutex_unlock(&f->lock);
	return n;
}

const struct maker_info *fleet_at(struct fleet *f, size_t i)
{
	return &f->members[i].info;
}

static struct member *find(struct fleet *f, const char *id)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->members[i].info.id, id))
			return &f->members[i];
	return NULL;
}

const struct maker_info *fleet_find(struct fleet *f, const char *id)
{
	pthread_mutex_lock(&f->lock);
	struct member *m = find(f, id);
	pthread_mutex_unlock(&f->lock);
	return m ? &m->info : NULL;
}

struct maker *fleet_maker(struct fleet *f, const char *id)
{
	pthread_mutex_lock(&f->lock);
	struct member *m = find(f, id);
	pthread_mutex_unlock(&f->lock);
	return m ? m->maker : NULL;
}

bool fleet_state(struct fleet *f, const char *id, struct fleet_state *out)
{
	pthread_mutex_lock(&f->lock);
	struct member *m = find(f, id);
	if (m) {
		*out = (struct fleet_state){.here = m->slots_here > 0,
					    .paused = m->paused,
					    .cost = m->cost,
					    .slots = m->slots_here + m->slots_there,
					    .busy = m->busy_here + m->busy_there};
		memcpy(out->reason, m->reason, sizeof out->reason);
	}
	pthread_mutex_unlock(&f->lock);
	return m != NULL;
}

bool fleet_paused(struct fleet *f, const char *id)
{
	pthread_mutex_lock(&f->lock);
	struct member *m = find(f, id);
	bool paused = m && m->paused;
	pthread_mutex_unlock(&f->lock);
	return paused;
}

void fleet_busy(struct fleet *f, const char *id, int change)
{
	pthread_mutex_lock(&f->lock);
	struct member *m = find(f, id);
	if (m)
		m->busy_here += change;
	pthread_mutex_unlock(&f->lock);
}

void fleet_totals(struct fleet *f, int *slots, int *busy)
{
	*slots = *busy = 0;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->count; i++) {
		*slots += f->members[i].slots_here + f->members[i].slots_there;
		*busy += f->members[i].busy_here + f->members[i].busy_there;
	}
	pthread_mutex_unlock(&f->lock);
}

/* --- between processes --- */

static void write_one(struct json_writer *w, const struct member *m)
{
	const struct maker_info *i = &m->info;
	json_put_object(w, NULL);
	json_put_str(w, "id", i->id);
	json_put_str(w, "name", i->name);
	json_put_str(w, "model", i->model);
	json_put_bool(w, "remote", i->remote);
	json_put_str(w, "host", i->host);
	json_put_array(w, "tasks");
	for (int k = 0; k < 4; k++)
		json_put_bool(w, NULL, i->tasks[k]);
	json_put_end(w);
	json_put_bool(w, "has_style", i->has_style);
	json_put_bool(w, "has_seed", i->has_seed);
	json_put_bool(w, "has_guidance", i->has_guidance);
	json_put_bool(w, "has_region", i->has_region);
	json_put_bool(w, "has_mask", i->has_mask);
	json_put_int(w, "sources_max", i->sources_max);
	json_put_int(w, "count_max", i->count_max);
	json_put_int(w, "prompt_length_max", i->prompt_length_max);
	json_put_int(w, "width", i->width);
	json_put_int(w, "height", i->height);
	json_put_real(w, "guidance", i->guidance);
	json_put_array(w, "styles");
	for (size_t k = 0; k < i->styles_count; k++)
		json_put_str(w, NULL, i->styles[k]);
	json_put_end(w);
	json_put_int(w, "slots", m->slots_here);
	json_put_int(w, "busy", m->busy_here);
	json_put_end(w);
}

void fleet_write(struct fleet *f, struct buf *out)
{
	struct json_writer w;
	struct err e = {0};
	json_begin(&w, out);
	json_put_array(&w, NULL);
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->count; i++)
		if (f->members[i].slots_here)
			write_one(&w, &f->members[i]);
	pthread_mutex_unlock(&f->lock);
	json_put_end(&w);
	if (!json_finish(&w, &e))
		log_warn("fleet.write", LOG_ERR(&e));
}

static const char *keep(struct fleet *f, const struct json_value *v, const char *name)
{
	const char *text = json_get_str(v, name, NULL);
	return text ? arena_strdup(f->arena, text) : NULL;
}

static int read_int(const struct json_value *v, const char *name, int max)
{
	int64_t n = json_get_int(v, name, 0);
	return n < 0 ? 0 : n > max ? max : (int)n;
}

static struct member *add(struct fleet *f, const struct json_value *v)
{
	const struct json_value *tasks = json_get(v, "tasks"), *styles = json_get(v, "styles");
	if (f->count == FLEET_MAKERS_MAX)
		return NULL;
	struct member *m = &f->members[f->count];
	struct maker_info *i = &m->info;
	*i = (struct maker_info){.id = keep(f, v, "id"),
				 .name = keep(f, v, "name"),
				 .model = keep(f, v, "model"),
				 .remote = json_get_bool(v, "remote", true),
				 .host = keep(f, v, "host"),
				 .has_style = json_get_bool(v, "has_style", false),
				 .has_seed = json_get_bool(v, "has_seed", false),
				 .has_guidance = json_get_bool(v, "has_guidance", false),
				 .has_region = json_get_bool(v, "has_region", false),
				 .has_mask = json_get_bool(v, "has_mask", false),
				 .sources_max = read_int(v, "sources_max", MAKER_SOURCES_MAX),
				 .count_max = read_int(v, "count_max", MAKER_PICTURES_MAX),
				 .prompt_length_max = read_int(v, "prompt_length_max", 100000),
				 .width = read_int(v, "width", 65536),
				 .height = read_int(v, "height", 65536),
				 .guidance = json_get_number(v, "guidance", 0)};
	if (!i->name || !i->model)
		return NULL;
	for (size_t k = 0; tasks && k < 4 && k < tasks->length; k++)
		i->tasks[k] = tasks->items[k].kind == JSON_KIND_BOOL && tasks->items[k].boolean;
	for (size_t k = 0; styles && k < styles->length && i->styles_count < MAKER_STYLES_MAX; k++)
		if (styles->items[k].kind == JSON_KIND_STR)
			i->styles[i->styles_count++] = arena_strdup(f->arena, styles->items[k].s);
	f->count++;
	return m;
}

static void take_makers(struct fleet *f, struct arena *a, const char *json)
{
	const struct json_value *v;
	struct err e = {0};
	if (!json_parse(a, json, strlen(json), NULL, &v, &e) || v->kind != JSON_KIND_ARRAY) {
		log_warn("fleet.worker", LOG_ERR(&e));
		return;
	}
	for (size_t i = 0; i < v->length; i++) {
		const struct json_value *one = &v->items[i];
		const char *id = json_get_str(one, "id", NULL);
		struct member *m = id && *id ? find(f, id) : NULL;
		m = m || !id || !*id ? m : add(f, one);
		if (!m)
			continue;
		m->slots_there += read_int(one, "slots", SLOTS_MAX);
		m->busy_there += read_int(one, "busy", SLOTS_MAX);
	}
}

void fleet_set_workers(struct fleet *f, const struct store_worker *workers, size_t count,
		       const char *own_name)
{
	struct arena *a = arena_create(JSON_MAX_BYTES * 4);
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->count; i++)
		f->members[i].slots_there = f->members[i].busy_there = 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(workers[i].name, own_name) && strlen(workers[i].makers) < JSON_MAX_BYTES)
			take_makers(f, a, workers[i].makers);
		arena_reset(a);
	}
	pthread_mutex_unlock(&f->lock);
	arena_destroy(a);
}

void fleet_set_rules(struct fleet *f, const struct store_maker_rule *rules, size_t count)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < count; i++) {
		struct member *m = find(f, rules[i].maker);
		if (!m)
			continue;
		m->paused = rules[i].paused;
		m->cost = rules[i].cost;
		snprintf(m->reason, sizeof m->reason, "%s", rules[i].reason);
	}
	pthread_mutex_unlock(&f->lock);
}
