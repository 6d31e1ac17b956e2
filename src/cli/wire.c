/* Events and previews as texts of the relay. Any thread; no state. */
#include "cli/wire.h"

#include <stdlib.h>
#include <string.h>

#include "app/event.h"
#include "base/log.h"

enum { ARENA_BYTES = 32 << 20 };

static const char EVENT[] = "event", PREVIEW[] = "preview", CHANGED[] = "changed";

void wire_event(struct relay *relay, const struct app_event *event)
{
	struct buf text;
	if (app_event_is_exact(event))
		return; /* wire_event_commit has told the others */
	buf_init(&text, RELAY_TEXT_MAX_BYTES);
	app_event_write(&text, event);
	if (!text.failed)
		relay_send(relay, EVENT, text.data);
	buf_finish(&text);
}

bool wire_event_commit(struct relay *relay, struct db *w, const struct app_event *event,
		       struct err *e)
{
	struct buf text;
	buf_init(&text, RELAY_TEXT_MAX_BYTES);
	app_event_write(&text, event);
	bool ok = text.failed ? err_set(e, ERR_INTERNAL, "Something went wrong here.")
			      : relay_send_in(relay, w, EVENT, text.data, e);
	buf_finish(&text);
	return ok;
}

void wire_preview(struct relay *relay, const char *text)
{
	relay_send(relay, PREVIEW, text);
}

void wire_changed(struct relay *relay, const db_key *keys, size_t count)
{
	struct buf text;
	buf_init(&text, RELAY_TEXT_MAX_BYTES);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%llx ", (unsigned long long)keys[i]);
	relay_send(relay, CHANGED, text.data ? text.data : "all");
	buf_finish(&text);
}

static void changed_elsewhere(struct db_pool *pool, const char *text)
{
	char *end;
	for (; *text; text = end + (*end == ' ')) {
		db_key key = strtoull(text, &end, 16);
		if (end == text) { /* "all" */
			db_changed(pool, NULL, 0);
			return;
		}
		db_changed(pool, &key, 1);
	}
}

/* Who acts on an ended token or a changed account (cuts its streams) must not be followed by an answer that knows the old
 * one: what changed comes as a text of its own too, but later, and may be missed. */
static void forget(struct db_pool *pool, const struct app_event *event)
{
	db_key key = db_key_of(DB_NOUN_ACCOUNT, event->account_id);
	if (!app_event_is_exact(event))
		return;
	if (event->type == APP_EVENT_SETTINGS)
		db_changed(pool, NULL, 0);
	else if (event->account_id)
		db_changed(pool, &key, 1);
	for (size_t i = 0; i < event->recipient_count; i++) {
		key = db_key_of(DB_NOUN_ACCOUNT, event->recipients[i]);
		db_changed(pool, &key, 1);
	}
}

void wire_heard(const struct wire_hearing *hearing, const char *kind, const char *text)
{
	struct app_event event;
	struct err e = {0};
	if (!strcmp(kind, PREVIEW)) {
		if (hearing->preview)
			hearing->preview(hearing->context, text);
		return;
	}
	if (!strcmp(kind, CHANGED)) {
		changed_elsewhere(hearing->pool, text);
		return;
	}
	if (strcmp(kind, EVENT)) {
		log_warn("relay.unknown_kind", LOG_STR("kind", kind));
		return;
	}
	struct arena *a = arena_create(ARENA_BYTES);
	if (app_event_read(a, text, &event, &e)) {
		forget(hearing->pool, &event);
		hearing->event(hearing->context, &event);
	} else {
		log_warn("relay.event", LOG_ERR(&e));
	}
	arena_destroy(a);
}
