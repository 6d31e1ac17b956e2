/* Owns a queue of copied events and the thread that serialises them. Each post is written once for everybody
 * who sees it alike: once for strangers, once for those who have it at home, once for its author. */
#include "api/live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/serial.h"
#include "api/studio/job.h"
#include "app/announcement.h"
#include "app/list.h"
#include "app/timeline.h"
#include "base/id.h"
#include "base/log.h"
#include "base/thread.h"

enum { ARENA_CAP = 32 << 20, TAGS_MAX = 32, IDS_MAX = 16384 };

struct item {
	struct item *next;
	struct app_event event;
	char *tags, *name;
	int64_t *recipients;
};

struct live {
	struct api *api;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct item *first, **last;
	size_t waiting;
	bool stop;
	bool
	    dropped; /* an event that nobody will hear of: whoever listens is cut, once the queue is done */
};

static void item_free(struct item *i)
{
	free(i->tags);
	free(i->name);
	free(i->recipients);
	free(i);
}

void live_event(struct live *l, const struct app_event *event)
{
	struct item *i = calloc(1, sizeof *i);
	if (!i)
		abort();
	i->event = *event;
	i->event.maker = NULL;
	i->event.tags = i->tags = event->tags ? strdup(event->tags) : NULL;
	i->event.name = i->name = event->name ? strdup(event->name) : NULL;
	if (event->recipient_count) {
		i->recipients = malloc(event->recipient_count * sizeof *i->recipients);
		if (!i->recipients)
			abort();
		memcpy(i->recipients, event->recipients,
		       event->recipient_count * sizeof *i->recipients);
	}
	i->event.recipients = i->recipients;
	pthread_mutex_lock(&l->lock);
	bool room = l->waiting < l->api->events_waiting_max;
	if (room) {
		*l->last = i;
		l->last = &i->next;
		l->waiting++;
		pthread_cond_signal(&l->some);
	}
	l->dropped |= !room;
	pthread_mutex_unlock(&l->lock);
	if (!room) {
		log_warn("live.dropped", LOG_INT("post", event->post_id));
		item_free(i);
	}
}

void live_missed(struct live *l)
{
	size_t cut = bus_publish_prefix(l->api->bus, "signed_out:", NULL);
	log_info("live.missed", LOG_INT("cut", (int64_t)cut));
}

/* --- framing --- */

static struct http_message *frame_sse(const char *event, const char *payload)
{
	struct buf b;
	buf_init(&b, 4 << 20);
	buf_printf(&b, "event: %s\ndata: ", event);
	buf_add_str(&b, payload ? payload : "");
	buf_add_str(&b, "\n\n");
	struct http_message *m = http_message_create(b.data, b.length);
	buf_finish(&b);
	return m;
}

struct http_message *live_frame_ws(const char *stream, const char *parameter, const char *event,
				   const char *payload)
{
	struct buf b;
	struct json_writer w;
	struct err e = {0};
	buf_init(&b, 8 << 20);
	json_begin(&w, &b);
	json_put_object(&w, NULL);
	json_put_array(&w, "stream");
	json_put_str(&w, NULL, stream);
	if (parameter)
		json_put_str(&w, NULL, parameter);
	json_put_end(&w);
	json_put_str(&w, "event", event);
	if (payload)
		json_put_str(&w, "payload", payload);
	json_put_end(&w);
	struct http_message *m = json_finish(&w, &e) ? http_message_create(b.data, b.length) : NULL;
	buf_finish(&b);
	return m;
}

static void publish(struct live *l, const char *topic, const char *stream, const char *parameter,
		    const char *event, const char *payload)
{
	struct live_message m = {.sse = frame_sse(event, payload),
				 .ws = live_frame_ws(stream, parameter, event, payload),
				 .event = event,
				 .payload = payload};
	if (m.sse && m.ws)
		bus_publish(l->api->bus, topic, &m);
	http_message_unref(m.sse);
	http_message_unref(m.ws);
}

/* --- events --- */

static struct app viewer(struct live *l, struct arena *a, int64_t account_id)
{
	struct app app;
	app_init(&app, l->api->core, l->db, a);
	app.account_id = account_id;
	return app;
}

/* The status as this account sees it; NULL where it must not. Freed with the arena. */
static const char *status_for(struct live *l, struct arena *a, int64_t account_id, int64_t post_id)
{
	struct app app = viewer(l, a, account_id);
	struct app_post p;
	struct err e = {0};
	if (!app_post_get_listed(&app, post_id, &p, &e)) {
		if (e.code != ERR_NOT_FOUND)
			log_warn("live.post", LOG_ERR(&e));
		return NULL;
	}
	struct buf b;
	struct json_writer w;
	buf_init(&b, 2 << 20);
	json_begin(&w, &b);
	serial_status(&(struct serial){.w = &w, .api = l->api, .app = &app}, NULL, &p);
	const char *text = json_finish(&w, &e) ? arena_strndup(a, b.data, b.length) : NULL;
	buf_finish(&b);
	return text;
}

/* One post on its way to many: written once for all who see it alike, and once more for each who does not. */
struct showing {
	struct live *l;
	struct arena *a;
	const struct app_event *ev;
	const char *event;
	const char *for_author, *for_others;
	int64_t *ids; /* IDS_MAX */
};

/* What this account is shown; NULL: nothing. */
static const char *payload_for(struct showing *s, int64_t account_id)
{
	struct app app = viewer(s->l, s->a, account_id);
	struct err e = {0};
	/* What is old already has been favourited, voted in, … by some of them. */
	bool old = s->ev->boost || s->ev->type == APP_EVENT_POST_EDITED, own_way = false;
	if (!app_filter_any(&app, s->ev->account_id, &own_way, &e)) {
		log_warn("live.filter", LOG_ERR(&e));
		return NULL;
	}
	if (old || own_way)
		return status_for(s->l, s->a, account_id, s->ev->post_id);
	const char **payload = account_id == s->ev->account_id ? &s->for_author : &s->for_others;
	if (!*payload)
		*payload = status_for(s->l, s->a, account_id, s->ev->post_id);
	return *payload;
}

/* A public stream: the topic of nobody in particular, and those of everybody who is signed in. */
static void public_topic(struct showing *s, const char *topic, const char *stream,
			 const char *parameter, const char *for_nobody)
{
	struct bus *bus = s->l->api->bus;
	char personal[BUS_TOPIC_MAX_BYTES + 24];
	if (for_nobody && bus_heard(bus, topic))
		publish(s->l, topic, stream, parameter, s->event, for_nobody);
	snprintf(personal, sizeof personal, "%s@", topic);
	size_t n = bus_ids(bus, personal, s->ids, IDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *payload = payload_for(s, s->ids[i]);
		snprintf(personal, sizeof personal, "%s@%lld", topic, (long long)s->ids[i]);
		if (payload)
			publish(s->l, personal, stream, parameter, s->event, payload);
	}
}

static const char *const PUBLIC_STREAMS[] = {"public", "public:local", "public:media",
					     "public:local:media"};
static const char *const TAG_STREAMS[] = {"hashtag", "hashtag:local"};

/* The next of a post's tags (*at: where), as its topic has it; NULL behind the last. */
static const char *next_tag(struct arena *a, const char **at)
{
	while (*at && **at == ' ')
		(*at)++;
	size_t length = *at ? strcspn(*at, " ") : 0;
	if (!length)
		return NULL;
	char *tag = arena_strndup(a, *at, length);
	for (char *c = tag; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	*at += length;
	return tag;
}

static void on_post(struct live *l, struct arena *a, const struct app_event *ev, const char *event)
{
	struct showing s = {.l = l, .a = a, .ev = ev, .event = event};
	if (ev->visibility > STORE_VISIBILITY_UNLISTED || ev->boost)
		return;
	s.ids = arena_alloc(a, IDS_MAX * sizeof *s.ids);
	char topic[BUS_TOPIC_MAX_BYTES], personal[BUS_TOPIC_MAX_BYTES], id[ID_TEXT_SIZE];
	snprintf(topic, sizeof topic, "thread:%s", id_format(id, ev->thread_id));
	snprintf(personal, sizeof personal, "thread:%s@", id);
	bool open = ev->visibility == STORE_VISIBILITY_PUBLIC;
	if (!open && !bus_heard(l->api->bus, topic) && !bus_ids(l->api->bus, personal, s.ids, 1))
		return;
	const char *for_nobody = status_for(l, a, 0, ev->post_id);
	public_topic(&s, topic, LIVE_THREAD, id, for_nobody);
	if (!open)
		return;
	/* Replies stand under their tags, not in the public timelines. */
	for (int i = 0; i < 4 && !ev->reply; i++)
		if ((!(i & 1) || ev->local) && (!(i & 2) || ev->media))
			public_topic(&s, PUBLIC_STREAMS[i], PUBLIC_STREAMS[i], NULL, for_nobody);
	const char *tags = ev->tags, *tag;
	for (int n = 0; n < TAGS_MAX && (tag = next_tag(a, &tags)); n++)
		for (int local = 0; local <= ev->local; local++) {
			snprintf(topic, sizeof topic, "%s:%s", TAG_STREAMS[local], tag);
			public_topic(&s, topic, TAG_STREAMS[local], tag, for_nobody);
		}
}

static void to_home(struct showing *s, int64_t account_id)
{
	char topic[40];
	snprintf(topic, sizeof topic, "user:%lld", (long long)account_id);
	if (!bus_heard(s->l->api->bus, topic))
		return;
	const char *payload = payload_for(s, account_id);
	if (payload)
		publish(s->l, topic, "user", NULL, s->event, payload);
}

static void on_home(struct live *l, struct arena *a, const struct app_event *ev, const char *event)
{
	struct showing s = {.l = l, .a = a, .ev = ev, .event = event};
	for (size_t i = 0; i < ev->recipient_count; i++)
		to_home(&s, ev->recipients[i]);
}

static void to_list(struct showing *s, int64_t list_id)
{
	struct app app = viewer(s->l, s->a, 0);
	int64_t owner_id;
	char topic[40], id[ID_TEXT_SIZE];
	struct err e = {0};
	snprintf(topic, sizeof topic, "list:%s", id_format(id, list_id));
	if (!bus_heard(s->l->api->bus, topic) || !app_list_owner(&app, list_id, &owner_id, &e))
		return;
	const char *payload = owner_id ? payload_for(s, owner_id) : NULL;
	if (payload)
		publish(s->l, topic, "list", id, s->event, payload);
}

static void on_list(struct live *l, struct arena *a, const struct app_event *ev)
{
	struct showing s = {.l = l, .a = a, .ev = ev, .event = "update"};
	for (size_t i = 0; i < ev->recipient_count; i++)
		to_list(&s, ev->recipients[i]);
}

/* An edit reaches the homes and lists that are being looked at and have the post. */
static void on_edited(struct live *l, struct arena *a, const struct app_event *ev)
{
	struct showing s = {.l = l, .a = a, .ev = ev, .event = "status.update"};
	struct app app = viewer(l, a, 0);
	struct err e = {0};
	bool has = false;
	on_post(l, a, ev, "status.update");
	s.ids = arena_alloc(a, IDS_MAX * sizeof *s.ids);
	size_t n = bus_ids(l->api->bus, "user:", s.ids, IDS_MAX);
	for (size_t i = 0; i < n; i++)
		if (app_timeline_home_has(&app, s.ids[i], ev->post_id, &has, &e) && has)
			to_home(&s, s.ids[i]);
	n = bus_ids(l->api->bus, "list:", s.ids, IDS_MAX);
	for (size_t i = 0; i < n; i++)
		if (app_list_has(&app, s.ids[i], ev->post_id, &has, &e) && has)
			to_list(&s, s.ids[i]);
}

static void on_conversation(struct live *l, struct arena *a, const struct app_event *ev)
{
	char topic[40];
	struct app app = viewer(l, a, ev->account_id);
	struct app_conversation c;
	struct err e = {0};
	snprintf(topic, sizeof topic, "direct:%lld", (long long)ev->account_id);
	if (!bus_heard(l->api->bus, topic) ||
	    !app_conversation_get(&app, ev->conversation_id, &c, &e) || !c.last)
		return;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 2 << 20);
	json_begin(&w, &b);
	serial_conversation(&(struct serial){.w = &w, .api = l->api, .app = &app}, NULL, &c);
	if (json_finish(&w, &e))
		publish(l, topic, "direct", NULL, "conversation", b.data);
	buf_finish(&b);
}

static void on_filters(struct live *l, const struct app_event *ev)
{
	char topic[40];
	snprintf(topic, sizeof topic, "user:%lld", (long long)ev->account_id);
	if (bus_heard(l->api->bus, topic))
		publish(l, topic, "user", NULL, "filters_changed",
			NULL); /* apps take an empty text for broken JSON */
}

/* To everybody on a public stream, whoever they are. */
static void delete_from(struct live *l, const char *topic, const char *stream,
			const char *parameter, const char *id)
{
	char prefix[BUS_TOPIC_MAX_BYTES + 1];
	snprintf(prefix, sizeof prefix, "%s@", topic);
	struct live_message m = {.sse = frame_sse("delete", id),
				 .ws = live_frame_ws(stream, parameter, "delete", id),
				 .event = "delete",
				 .payload = id};
	if (m.sse && m.ws) {
		bus_publish(l->api->bus, topic, &m);
		bus_publish_prefix(l->api->bus, prefix, &m);
	}
	http_message_unref(m.sse);
	http_message_unref(m.ws);
}

/* Wherever it may stand: who does not have it knows nothing of its id. */
static void on_deleted(struct live *l, struct arena *a, const struct app_event *ev)
{
	char id[ID_TEXT_SIZE], name[ID_TEXT_SIZE], topic[BUS_TOPIC_MAX_BYTES];
	id_format(id, ev->post_id);
	if (bus_heard(l->api->bus, LIVE_EVERYBODY))
		publish(l, LIVE_EVERYBODY, "user", NULL, "delete", id);
	for (size_t i = 0; i < sizeof PUBLIC_STREAMS / sizeof *PUBLIC_STREAMS; i++)
		delete_from(l, PUBLIC_STREAMS[i], PUBLIC_STREAMS[i], NULL, id);
	snprintf(topic, sizeof topic, "thread:%s", id_format(name, ev->thread_id));
	delete_from(l, topic, LIVE_THREAD, name, id);
	const char *tags = ev->tags, *tag;
	for (int n = 0; n < TAGS_MAX && (tag = next_tag(a, &tags)); n++)
		for (int i = 0; i < 2; i++) {
			snprintf(topic, sizeof topic, "%s:%s", TAG_STREAMS[i], tag);
			delete_from(l, topic, TAG_STREAMS[i], tag, id);
		}
	int64_t *lists = arena_alloc(a, IDS_MAX * sizeof *lists);
	size_t n = bus_ids(l->api->bus, "list:", lists, IDS_MAX);
	for (size_t i = 0; i < n; i++) {
		snprintf(topic, sizeof topic, "list:%s", id_format(name, lists[i]));
		publish(l, topic, "list", name, "delete", id);
	}
}

/* --- announcements: the same for everybody who listens to what is theirs --- */

static void on_announcement(struct live *l, struct arena *a, const struct app_event *ev)
{
	struct app app = viewer(l, a, 0);
	struct app_announcement found;
	struct err e = {0};
	if (!bus_heard(l->api->bus, LIVE_EVERYBODY) ||
	    !app_announcement_told(&app, ev->announcement_id, &found, &e))
		return;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 2 << 20);
	json_begin(&w, &b);
	serial_announcement(&(struct serial){.w = &w, .api = l->api, .app = &app}, NULL, &found,
			    false);
	if (json_finish(&w, &e))
		publish(l, LIVE_EVERYBODY, "user", NULL, "announcement", b.data);
	buf_finish(&b);
}

static void on_reaction(struct live *l, struct arena *a, const struct app_event *ev)
{
	struct app app = viewer(l, a, 0);
	struct app_announcement found;
	struct app_reaction reaction = {.name = ev->name};
	struct err e = {0};
	if (!bus_heard(l->api->bus, LIVE_EVERYBODY) ||
	    !app_announcement_told(&app, ev->announcement_id, &found, &e))
		return;
	for (size_t i = 0; i < found.reaction_count; i++)
		if (!strcmp(found.reactions[i].name, ev->name))
			reaction = found.reactions[i];
	struct buf b;
	struct json_writer w;
	buf_init(&b, 4096);
	json_begin(&w, &b);
	json_put_object(&w, NULL);
	serial_reaction(&(struct serial){.w = &w, .api = l->api, .app = &app}, &reaction);
	json_put_id(&w, "announcement_id", ev->announcement_id);
	json_put_end(&w);
	if (json_finish(&w, &e))
		publish(l, LIVE_EVERYBODY, "user", NULL, "announcement.reaction", b.data);
	buf_finish(&b);
}

static void on_announcement_deleted(struct live *l, const struct app_event *ev)
{
	char id[ID_TEXT_SIZE];
	if (bus_heard(l->api->bus, LIVE_EVERYBODY))
		publish(l, LIVE_EVERYBODY, "user", NULL, "announcement.delete",
			id_format(id, ev->announcement_id));
}

static void on_notification(struct live *l, struct arena *a, const struct app_event *ev)
{
	char topic[64], only[64];
	snprintf(topic, sizeof topic, "user:%lld", (long long)ev->account_id);
	snprintf(only, sizeof only, "user:notification:%lld", (long long)ev->account_id);
	bool heard = bus_heard(l->api->bus, topic), heard_only = bus_heard(l->api->bus, only);
	if (!heard && !heard_only)
		return;
	struct app app = viewer(l, a, ev->account_id);
	struct app_notification n;
	struct err e = {0};
	if (!app_notification_get(&app, ev->notification_id, &n, &e))
		return;
	struct buf b;
	struct json_writer w;
	buf_init(&b, 2 << 20);
	json_begin(&w, &b);
	serial_notification(&(struct serial){.w = &w, .api = l->api, .app = &app}, NULL, &n);
	if (json_finish(&w, &e)) {
		if (heard)
			publish(l, topic, "user", NULL, "notification", b.data);
		if (heard_only)
			publish(l, only, "user:notification", NULL, "notification", b.data);
	}
	buf_finish(&b);
}

static void handle(struct live *l, struct arena *a, const struct app_event *ev)
{
	char topic[40];
	switch (ev->type) {
	case APP_EVENT_POST:
		on_post(l, a, ev, "update");
		break;
	case APP_EVENT_HOME:
		on_home(l, a, ev, "update");
		break;
	case APP_EVENT_POST_EDITED:
		on_edited(l, a, ev);
		break;
	case APP_EVENT_POST_DELETED:
		on_deleted(l, a, ev);
		break;
	case APP_EVENT_NOTIFICATION:
		on_notification(l, a, ev);
		break;
	case APP_EVENT_LIST:
		on_list(l, a, ev);
		break;
	case APP_EVENT_CONVERSATION:
		on_conversation(l, a, ev);
		break;
	case APP_EVENT_FILTERS:
		on_filters(l, ev);
		break;
	case APP_EVENT_ANNOUNCEMENT:
		on_announcement(l, a, ev);
		break;
	case APP_EVENT_ANNOUNCEMENT_REACTION:
		on_reaction(l, a, ev);
		break;
	case APP_EVENT_ANNOUNCEMENT_DELETED:
		on_announcement_deleted(l, ev);
		break;
	case APP_EVENT_SIGNED_OUT:
		for (size_t i = 0; i <= ev->recipient_count; i++) {
			snprintf(topic, sizeof topic, "signed_out:%lld",
				 (long long)(i ? ev->recipients[i - 1] : ev->account_id));
			bus_publish(l->api->bus, topic, NULL);
		}
		break;
	case APP_EVENT_JOB: {
		struct app app = viewer(l, a, ev->account_id);
		job_changed(l->api, &app, ev->job_id);
		break;
	}
	default:
		break;
	}
}

static void live_run(void *argument)
{
	struct live *l = argument;
	struct arena *a = arena_create(ARENA_CAP);
	for (;;) {
		pthread_mutex_lock(&l->lock);
		while (!l->first && !l->stop)
			pthread_cond_wait(&l->some, &l->lock);
		struct item *i = l->first;
		if (i) {
			l->first = i->next;
			l->waiting--;
			if (!l->first)
				l->last = &l->first;
		}
		bool missed = i && !l->first && l->dropped;
		if (missed)
			l->dropped = false;
		pthread_mutex_unlock(&l->lock);
		if (!i)
			break;
		handle(l, a, &i->event);
		item_free(i);
		arena_reset(a);
		if (missed) /* they come back, and page */
			live_missed(l);
	}
	arena_destroy(a);
}

struct live *live_start(struct api *api, struct err *e)
{
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	l->api = api;
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	thread_cond_init(&l->some);
	l->db = db_open(api->pool, e);
	if (l->db && thread_start(&l->thread, "live", live_run, l, e))
		return l;
	db_close(l->db);
	free(l);
	return NULL;
}

void live_stop(struct live *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->some);
	pthread_mutex_unlock(&l->lock);
	thread_join(l->thread);
	db_close(l->db);
	pthread_cond_destroy(&l->some);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
