/* Owns the core, writing with events, and the work that runs by itself. Any thread; the core's shared parts
 * have their own locks. What must stay true: an event is published only after the transaction it tells of
 * has committed, and never twice for one commit. */
#include "app/event.h"
#include "app/known.h"
#include "app/private.h"
#include "app/rule.h"
#include "app/token.h"
#include "app/viewer.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "store/home.h"
#include "store/list.h"
#include "store/oauth.h"
#include "store/post.h"
#include "store/setting.h"
#include "store/tag.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIM_EVERY_MS = 60 * 1000,
	EXPIRE_EVERY_MS = 10 * 60 * 1000,
	DAY_MS = 24 * 60 * 60 * 1000,
	TAGS_BEHIND_MS = 10 * 1000,
};

static char *duplicate(const char *s)
{
	char *copy = strdup(s);
	if (!copy)
		abort(); /* small allocations abort */
	return copy;
}

static int or_default(int value, int fallback)
{
	return value > 0 ? value : fallback;
}

struct app_core *app_core_create(struct db_pool *pool, const struct app_config *config,
				 const struct app_hooks *hooks, struct err *e)
{
	if (!config->domain || !config->domain[0] || !config->base_url || !config->base_url[0]) {
		err_set(e, ERR_INVALID, "domain and base_url must be set");
		return NULL;
	}
	if (sodium_init() < 0) {
		err_set(e, ERR_INTERNAL, "libsodium does not start");
		return NULL;
	}
	struct app_core *core = calloc(1, sizeof(*core));
	if (!core)
		abort();
	core->pool = pool;
	core->config = *config;
	core->config.domain = duplicate(config->domain);
	core->config.base_url = duplicate(config->base_url);
	core->config.post_characters_max = or_default(config->post_characters_max, 5000);
	core->config.post_media_max = or_default(config->post_media_max, 4);
	core->config.prompt_characters_max = or_default(config->prompt_characters_max, 1000);
	core->config.jobs_active_max = or_default(config->jobs_active_max, 20);
	core->config.jobs_running_max = or_default(config->jobs_running_max, 4);
	core->config.job_attempts_max = or_default(config->job_attempts_max, 3);
	core->config.home_posts_max = or_default(config->home_posts_max, 800);
	core->config.uploads_waiting_max = or_default(config->uploads_waiting_max, 256);
	core->config.uploads_waiting_own_max = or_default(config->uploads_waiting_own_max, 16);
	core->config.sign_in_tries_max = or_default(config->sign_in_tries_max, 10);
	if (config->session_ttl_ms <= 0)
		core->config.session_ttl_ms = (int64_t)30 * DAY_MS;
	if (hooks)
		core->hooks = *hooks;
	core->limiter = app_limiter_create();
	core->token_uses = app_token_uses_create();
	core->closed = app_closed_networks_create();
	core->emojis = app_emojis_create();
	core->known = app_known_create(pool);
	core->viewers = app_viewers_create(pool);
	core->activity = app_activity_create();
	pthread_mutex_init(&core->hashing, NULL);
	return core;
}

void app_core_destroy(struct app_core *core)
{
	if (!core)
		return;
	app_limiter_destroy(core->limiter);
	app_token_uses_destroy(core->token_uses);
	app_closed_networks_destroy(core->closed);
	app_emojis_destroy(core->emojis);
	app_known_destroy(core->known);
	app_viewers_destroy(core->viewers);
	app_activity_destroy(core->activity);
	pthread_mutex_destroy(&core->hashing);
	free((char *)core->config.domain);
	free((char *)core->config.base_url);
	free(core);
}

const struct app_config *app_core_config(const struct app_core *core)
{
	return &core->config;
}

void app_init(struct app *app, struct app_core *core, struct db *db, struct arena *arena)
{
	*app = (struct app){.core = core, .db = db, .arena = arena, .now_ms = clock_house_ms()};
}

/* --- writing --- */

struct write_call {
	struct app *app;
	app_write_fn *fn;
	void *context;
	struct app_events events;
};

static bool write_outer(struct db *w, void *context, struct err *e)
{
	struct write_call *call = context;
	struct app inner = *call->app;
	call->events.count = 0; /* it may run again */
	call->events.behind = false;
	inner.db = w;
	inner.events = &call->events;
	if (!call->fn(&inner, call->context, e))
		return false;
	const struct app_hooks *hooks = &call->app->core->hooks;
	for (size_t i = 0; hooks->event_commit && i < call->events.count; i++)
		if (app_event_is_exact(&call->events.items[i]) &&
		    !hooks->event_commit(hooks->context, w, &call->events.items[i], e))
			return false;
	return true;
}

static bool write_inner(struct db *w, void *context, struct err *e)
{
	struct write_call *call = context;
	(void)w; /* app->db is w already */
	return call->fn(call->app, call->context, e);
}

bool app_write(struct app *app, app_write_fn *fn, void *context, struct err *e)
{
	struct write_call call = {.app = app, .fn = fn, .context = context};
	if (app->events) {
		size_t before = app->events->count;
		bool ok = db_write(app->db, write_inner, &call, e);
		if (!ok)
			app->events->count = before;
		return ok;
	}
	if (!db_write(app->db, write_outer, &call, e))
		return false;
	const struct app_hooks *hooks = &app->core->hooks;
	for (size_t i = 0; hooks->event && i < call.events.count; i++)
		hooks->event(hooks->context, &call.events.items[i]);
	if (hooks->behind && call.events.behind)
		hooks->behind(hooks->context);
	return true;
}

void app_emit(struct app *w, const struct app_event *event)
{
	struct app_events *events = w->events;
	if (events->count == APP_EVENTS_MAX)
		return; /* events are hints; a reader who pages misses nothing */
	if (events->count == events->room) {
		struct app_event *old = events->items;
		events->room = events->room ? 2 * events->room : 8;
		events->items = arena_alloc(w->arena, events->room * sizeof(*events->items));
		for (size_t i = 0; i < events->count; i++)
			events->items[i] = old[i];
	}
	events->items[events->count++] = *event;
}

/* --- checks that every noun needs --- */

bool app_need_account(const struct app *app, struct err *e)
{
	return app->account_id != 0 || err_set(e, ERR_UNAUTHORIZED, "Please sign in first.");
}

bool app_need_admin(const struct app *app, struct err *e)
{
	if (!app_need_account(app, e))
		return false;
	return app->role >= STORE_ROLE_ADMIN ||
	       err_set(e, ERR_FORBIDDEN, "Only administrators may do this.");
}

bool app_check_text(const char *field, const char *text, size_t characters_max, struct err *e)
{
	size_t length = strlen(text);
	if (length > 4 * characters_max || str_utf8_count(text, length) > characters_max)
		return err_set(e, ERR_INVALID,
			       "Validation failed: %s is too long (at most %zu characters)", field,
			       characters_max);
	return str_is_utf8(text, length) ||
	       err_set(e, ERR_INVALID, "Validation failed: %s is not valid UTF-8", field);
}

/* --- work that runs by itself --- */

struct fan_out_call {
	struct store_post post;
	int phase;
	int64_t cursor;
	bool more;
};

static bool fan_out_step(struct app *w, void *context, struct err *e)
{
	struct fan_out_call *call = context;
	return app_fan_out(w, &call->post, call->phase, call->cursor, APP_FAN_OUT_CHUNK,
			   &call->more, e);
}

static bool tick_fan_out(struct app *app, bool *more, struct err *e)
{
	struct fan_out_call call = {0};
	int64_t post_id;
	if (!store_fanout_next(app->db, &post_id, &call.phase, &call.cursor, e))
		return false;
	if (post_id == 0)
		return true;
	*more = true;
	if (store_post_get(app->db, app->arena, post_id, &call.post, e))
		return app_write(app, fan_out_step, &call, e);
	return e->code == ERR_NOT_FOUND; /* deleted since; its row in fanout went with it */
}

struct trim_call {
	app_trim_fn *fn;
	int64_t cursor;
	int64_t next; /* set by the write, which may run again */
};

static bool trim_step(struct app *w, void *context, struct err *e)
{
	struct trim_call *call = context;
	call->next = call->cursor;
	return call->fn(w->db, &call->next, w->core->config.home_posts_max, e);
}

/* One home (or list) each call, so that a trim never holds up the writers. */
static bool tick_trim(struct app *app, struct app_trim *trim, app_trim_fn *fn, bool *more,
		      struct err *e)
{
	struct trim_call call = {.fn = fn, .cursor = trim->cursor};
	if (trim->cursor == 0 && app->now_ms - trim->at < TRIM_EVERY_MS)
		return true;
	if (!app_write(app, trim_step, &call, e))
		return false;
	trim->cursor = call.next;
	trim->at = app->now_ms;
	*more |= trim->cursor != 0;
	return true;
}

static bool expire_step(struct app *w, void *context, struct err *e)
{
	int64_t ids[32];
	size_t count;
	(void)context;
	if (!store_session_expire(w->db, w->now_ms, e) ||
	    !store_idempotency_expire(w->db, w->now_ms - DAY_MS, e) || !app_import_expire(w, e))
		return false;
	/* Uploads that were never posted (pictures made here stay in their maker's history), and those of deleted
	 * posts that were not written anew. */
	if (!store_media_stale(w->db, w->now_ms - 2 * (int64_t)DAY_MS, w->now_ms - DAY_MS, ids, 32,
			       &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!store_media_delete(w->db, w->arena, ids[i], w->now_ms, e))
			return false;
	return true;
}

static bool tick_expire(struct app *app, struct err *e)
{
	if (app->now_ms - app->core->expired_at < EXPIRE_EVERY_MS)
		return true;
	app->core->expired_at = app->now_ms;
	return app_write(app, expire_step, NULL, e);
}

/* --- counts of tags: they follow some seconds behind, in one write for all posts of that time --- */

static const char SETTING_TAGS_COUNTED[] = "tags_counted_to";

bool app_tags_counted_to(struct app *app, int64_t *id, struct err *e)
{
	const char *text;
	*id = 0;
	if (!store_setting_get(app->db, app->arena, SETTING_TAGS_COUNTED, &text, e))
		return false;
	return !text || id_parse(text, id) ||
	       err_set(e, ERR_INTERNAL, "tags_counted_to is not a number");
}

static bool count_tags(struct app *w, void *context, struct err *e)
{
	int64_t from, to = *(int64_t *)context;
	char text[ID_TEXT_SIZE];
	if (!app_tags_counted_to(w, &from, e))
		return false;
	return from >= to ||
	       (store_tag_count(w->db, from, to, w->now_ms, e) &&
		store_setting_set(w->db, SETTING_TAGS_COUNTED, id_format(text, to), e));
}

static bool tick_tags(struct app *app, struct err *e)
{
	/* An id is made a moment before its post is committed: stay behind far enough to miss none. */
	int64_t from, to = id_at_ms(app->now_ms - TAGS_BEHIND_MS);
	bool has = false;
	if (!app_tags_counted_to(app, &from, e) || !store_tag_has_new(app->db, from, to, &has, e))
		return false;
	return !has || app_write(app, count_tags, &to, e);
}

struct trash_call {
	const char *hash;
};

static bool trash_step(struct app *w, void *context, struct err *e)
{
	return store_object_trash_remove(w->db, ((struct trash_call *)context)->hash, e);
}

bool app_trash_empty(struct app *app, bool *more, struct err *e)
{
	enum { BATCH = 32 };
	const char **hashes;
	size_t count;
	const struct app_hooks *hooks = &app->core->hooks;
	if (!hooks->object_delete)
		return true;
	if (!store_object_trash(app->db, app->arena, BATCH, &hashes, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct trash_call call = {.hash = hashes[i]};
		bool in_use = false;
		if (!store_object_in_use(app->db, hashes[i], &in_use, e))
			return false;
		if (!in_use && !hooks->object_delete(hooks->context, hashes[i], e))
			return false; /* it stays in the trash, for the next time */
		if (!app_write(app, trash_step, &call, e))
			return false;
	}
	*more |= count == BATCH;
	return true;
}

bool app_tick(struct app *app, bool *more, struct err *e)
{
	*more = false;
	app->now_ms = clock_house_ms();
	return app_networks_load(app, e) && tick_fan_out(app, more, e) &&
	       tick_trim(app, &app->core->trim_homes, store_home_trim, more, e) &&
	       tick_trim(app, &app->core->trim_lists, store_list_trim, more, e) &&
	       app_poll_tick(app, more, e) && app_scheduled_tick(app, more, e) &&
	       app_announcement_tick(app, more, e) && app_import_tick(app, more, e) &&
	       tick_expire(app, e) && tick_tags(app, e) && app_trend_tick(app, e) &&
	       app_token_flush(app, e) && app_notice_tick(app, e) && app_review_tick(app, e) &&
	       app_revocation_tick(app, e) && app_search_tick(app, more, e) &&
	       app_erase_tick(app, more, e) && app_trash_empty(app, more, e);
}
