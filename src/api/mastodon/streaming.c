/* Streaming: one client, the topics it listens to, over server-sent events or a WebSocket.
 *
 * A listener belongs to its stream: made with it, freed by its on_close on the hub's thread. Its
 * subscriptions change only on the worker that opens it and then on the hub's thread; deliveries come from
 * any thread and touch nothing but the stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/live.h"
#include "api/mastodon/routes.h"
#include "app/list.h"
#include "base/id.h"
#include "base/str.h"
#include "json/read.h"

enum { TOPICS_MAX = 32 };

struct listener {
	struct api *api;
	struct bus *bus;
	struct http_stream *stream;
	int64_t account_id;
	bool statuses, notifications, lists; /* what the token may read */
	size_t count;
	struct listened { /* as many as there are: ten thousand idle listeners have two each */
		char *topic;
		struct bus_subscription *subscription;
		struct alias *alias;
	} * topics;
};

/* A stream by the parameter that the app gave it: a tag's topic has its small letters, but apps hear only what comes
 * by their own name. */
struct alias {
	struct listener *listener;
	char *stream, *given;
};

static void deliver(void *context, const void *message)
{
	struct listener *l = context;
	const struct live_message *m = message;
	if (!l->notifications && !strcmp(m->event, "notification"))
		return;
	http_stream_send(l->stream, http_stream_is_websocket(l->stream) ? m->ws : m->sse);
}

static void deliver_as(void *context, const void *message)
{
	const struct alias *as = context;
	const struct live_message *m = message;
	if (!http_stream_is_websocket(as->listener->stream)) {
		http_stream_send(as->listener->stream, m->sse);
		return;
	}
	struct http_message *own = live_frame_ws(as->stream, as->given, m->event, m->payload);
	if (own)
		http_stream_send(as->listener->stream, own);
	http_message_unref(own);
}

static void alias_free(struct alias *as)
{
	if (!as)
		return;
	free(as->stream);
	free(as->given);
	free(as);
}

/* The account's tokens have ended: so does everything that was opened with them. */
static void cut(void *context, const void *message)
{
	(void)message;
	struct listener *l = context;
	http_stream_close(l->stream);
}

static char *copy(const char *text)
{
	char *out = strdup(text);
	if (!out)
		abort();
	return out;
}

/* alias: NULL, or it takes the messages, and is the topic's from now on. */
static void add_topic(struct listener *l, const char *topic, bus_deliver_fn *fn,
		      struct alias *alias)
{
	bool known = l->count == TOPICS_MAX;
	for (size_t i = 0; i < l->count; i++)
		known |= !strncmp(l->topics[i].topic, topic, BUS_TOPIC_MAX_BYTES - 1);
	if (known) {
		alias_free(alias);
		return;
	}
	struct listened *topics = realloc(l->topics, (l->count + 1) * sizeof *topics);
	if (!topics)
		abort();
	l->topics = topics;
	struct listened *t = &l->topics[l->count++];
	*t = (struct listened){.topic = copy(topic), .alias = alias};
	t->subscription = alias ? bus_subscribe(l->bus, t->topic, deliver_as, alias)
				: bus_subscribe(l->bus, t->topic, fn, l);
}

static void end_topic(struct listened *t)
{
	bus_unsubscribe(t->subscription);
	alias_free(t->alias);
	free(t->topic);
}

static void remove_topic(struct listener *l, const char *topic)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strncmp(l->topics[i].topic, topic, BUS_TOPIC_MAX_BYTES - 1)) {
			end_topic(&l->topics[i]);
			l->topics[i] = l->topics[--l->count];
			return;
		}
}

typedef bool may_fn(struct app *app, int64_t id, struct err *e);

/* Asks in the listener's name. Opens a database handle of its own: a WebSocket subscribes on the hub's thread, which
 * has none, and those who do are few. */
static bool ask(const struct listener *l, may_fn *may, int64_t id)
{
	struct app app;
	struct err e = {0};
	struct arena *a = arena_create(1 << 20);
	struct db *db = db_open(l->api->pool, &e);
	bool yes = false;
	if (db) {
		app_init(&app, l->api->core, db, a);
		app.account_id = l->account_id;
		yes = may(&app, id, &e);
	}
	db_close(db);
	arena_destroy(a);
	return yes;
}

/* A list is heard by whose it is alone. */
static bool own_list(struct app *app, int64_t id, struct err *e)
{
	struct store_list list;
	return app_list_get(app, id, &list, e);
}

/* A conversation by who sees the post that began it. */
static bool open_thread(struct app *app, int64_t id, struct err *e)
{
	struct app_post post;
	return app_post_get(app, id, &post, e) && post.row.thread_id == id;
}

/* Public streams of somebody who is signed in are their own topics: their filters and blocks count there. */
static void personal(const struct listener *l, char topic[BUS_TOPIC_MAX_BYTES])
{
	size_t n = strlen(topic);
	if (l->account_id)
		snprintf(topic + n, BUS_TOPIC_MAX_BYTES - n, "@%lld", (long long)l->account_id);
}

/* The topic of a stream's name; false where there is none, or none for this listener. */
static bool topic_of(const struct listener *l, const char *stream, const char *tag,
		     char topic[BUS_TOPIC_MAX_BYTES])
{
	int64_t id;
	/* Nothing is remote until this server federates: these are silent. */
	static const char *const plain[] = {"public",        "public:local",
					    "public:media",  "public:local:media",
					    "public:remote", "public:remote:media"};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(stream, plain[i])) {
			snprintf(topic, BUS_TOPIC_MAX_BYTES, "%s", stream);
			personal(l, topic);
			return true;
		}
	if ((!strcmp(stream, "hashtag") || !strcmp(stream, "hashtag:local")) && tag && *tag) {
		int n = snprintf(topic, BUS_TOPIC_MAX_BYTES, "%s:%s", stream,
				 *tag == '#' ? tag + 1 : tag);
		for (int i = 0; i < n && topic[i]; i++)
			topic[i] = str_lower(topic[i]);
		personal(l, topic);
		return true;
	}
	if (l->account_id && l->lists && !strcmp(stream, "list") && tag && id_parse(tag, &id) &&
	    ask(l, own_list, id)) {
		snprintf(topic, BUS_TOPIC_MAX_BYTES, "list:%s", tag);
		return true;
	}
	if (!strcmp(stream, LIVE_THREAD) && tag && id_parse(tag, &id) && ask(l, open_thread, id)) {
		snprintf(topic, BUS_TOPIC_MAX_BYTES, "thread:%s", tag);
		personal(l, topic);
		return true;
	}
	bool mine = !strcmp(stream, "user") || !strcmp(stream, "direct");
	bool told = !strcmp(stream, "user:notification");
	if (!l->account_id || !(mine ? l->statuses : told && l->notifications))
		return false;
	snprintf(topic, BUS_TOPIC_MAX_BYTES, "%s:%lld", stream, (long long)l->account_id);
	return true;
}

static bool subscribe(struct listener *l, const char *stream, const char *tag)
{
	char topic[BUS_TOPIC_MAX_BYTES];
	if (!topic_of(l, stream, tag, topic))
		return false;
	struct alias *alias = NULL;
	if (str_starts(stream, "hashtag") && !strstr(topic, tag)) {
		alias = calloc(1, sizeof *alias);
		if (!alias)
			abort();
		*alias = (struct alias){l, copy(stream), copy(tag)};
	}
	add_topic(l, topic, deliver, alias);
	if (!strcmp(stream, "user"))
		add_topic(l, LIVE_EVERYBODY, deliver, NULL);
	return true;
}

static void say_error(struct listener *l, const char *text)
{
	char json[160];
	int n = snprintf(json, sizeof json, "{\"error\":\"%s\",\"status\":400}", text);
	struct http_message *m = http_message_create(json, (size_t)n);
	http_stream_send(l->stream, m);
	http_message_unref(m);
}

static void on_text(void *context, const char *text, size_t length)
{
	struct listener *l = context;
	struct arena *a = arena_create(64 << 10);
	const struct json_value *v;
	struct err e = {0};
	if (!json_parse(a, text, length, NULL, &v, &e)) {
		say_error(l, "Invalid JSON");
	} else {
		const char *type = json_get_str(v, "type", ""),
			   *stream = json_get_str(v, "stream", "");
		const char *tag = json_get_str(v, "tag", json_get_str(v, "list", NULL));
		char topic[BUS_TOPIC_MAX_BYTES];
		if (!strcmp(type, "subscribe")) {
			if (!subscribe(l, stream, tag))
				say_error(l, "Unknown stream");
		} else if (!strcmp(type, "unsubscribe") && topic_of(l, stream, tag, topic)) {
			remove_topic(l, topic);
		}
	}
	arena_destroy(a);
}

static void on_close(void *context)
{
	struct listener *l = context;
	for (size_t i = 0; i < l->count; i++)
		end_topic(&l->topics[i]);
	http_stream_unref(l->stream);
	free(l->topics);
	free(l);
}

/* Why there is no such stream for who asks. */
static bool refuse(struct http_request *rq, const char *stream, const char *tag, struct err *e)
{
	const char *scope = "read:statuses";
	bool list = !strcmp(stream, "list");
	bool own = list || str_starts(stream, "user") || !strcmp(stream, "direct");
	if (list)
		scope = "read:lists";
	else if (!strcmp(stream, "user:notification"))
		scope = "read:notifications";
	if (own && !api_who(rq)->account_id)
		return err_set(e, ERR_UNAUTHORIZED, "The access token is invalid");
	if (own && !api_may(rq, scope))
		return err_set(e, ERR_FORBIDDEN, "This action is outside the authorized scopes");
	if (list || (tag && !strcmp(stream, LIVE_THREAD)))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return param_fail(rq, tag || strcmp(stream, "hashtag") ? "stream" : "tag", e,
			  "is not known");
}

/* first: the stream to begin with, NULL for none (a WebSocket subscribes by messages). */
static bool open_stream(struct http_request *rq, struct http_response *rs, const char *first,
			const char *tag, struct err *e)
{
	struct listener *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	l->api = api_of(rq);
	l->bus = l->api->bus;
	l->account_id = api_who(rq)->account_id;
	l->statuses = api_may(rq, "read:statuses");
	l->notifications = api_may(rq, "read:notifications");
	l->lists = api_may(rq, "read:lists");
	struct http_stream_options o = {.websocket =
					    http_request_header(rq, "Sec-WebSocket-Key") != NULL,
					.on_close = on_close,
					.on_text = on_text,
					.context = l};
	if (!first && !o.websocket) {
		free(l);
		return param_fail(rq, "stream", e, "can't be blank");
	}
	struct http_stream *s = http_stream_create(&o);
	l->stream = http_stream_ref(s);
	/* Nobody in particular has no tokens that end, but is cut with all others where something was missed. */
	char topic[40] = "signed_out:nobody";
	if (l->account_id)
		snprintf(topic, sizeof topic, "signed_out:%lld", (long long)l->account_id);
	add_topic(l, topic, cut, NULL);
	if (first && !subscribe(l, first, tag)) {
		on_close(l);
		http_stream_unref(s);
		return refuse(rq, first, tag, e);
	}
	http_response_stream(rs, s);
	return true;
}

bool api_streaming(struct http_request *rq, struct http_response *rs, struct err *e)
{
	const char *stream = NULL, *tag = NULL;
	return param_text(rq, "stream", 64, &stream, e) && param_text(rq, "list", 20, &tag, e) &&
	       param_text(rq, "tag", 100, &tag, e) &&
	       open_stream(rq, rs, stream && *stream ? stream : NULL, tag, e);
}

bool api_streaming_user(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_stream(rq, rs, "user", NULL, e);
}

bool api_streaming_user_notification(struct http_request *rq, struct http_response *rs,
				     struct err *e)
{
	return open_stream(rq, rs, "user:notification", NULL, e);
}

/* stream, or its part with media only. */
static bool open_public(struct http_request *rq, struct http_response *rs, const char *stream,
			const char *media, struct err *e)
{
	bool only_media = false;
	return param_bool(rq, "only_media", &only_media, e) &&
	       open_stream(rq, rs, only_media ? media : stream, NULL, e);
}

bool api_streaming_public(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_public(rq, rs, "public", "public:media", e);
}

bool api_streaming_public_local(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_public(rq, rs, "public:local", "public:local:media", e);
}

bool api_streaming_public_remote(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_public(rq, rs, "public:remote", "public:remote:media", e);
}

static bool open_hashtag(struct http_request *rq, struct http_response *rs, const char *stream,
			 struct err *e)
{
	const char *tag = NULL;
	return param_text_required(rq, "tag", 100, &tag, e) && open_stream(rq, rs, stream, tag, e);
}

bool api_streaming_hashtag(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_hashtag(rq, rs, "hashtag", e);
}

bool api_streaming_hashtag_local(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_hashtag(rq, rs, "hashtag:local", e);
}

bool api_streaming_direct(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return open_stream(rq, rs, "direct", NULL, e);
}

bool api_streaming_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	const char *list = NULL;
	return param_text_required(rq, "list", 20, &list, e) &&
	       open_stream(rq, rs, "list", list, e);
}

bool api_streaming_health(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)rq;
	(void)e;
	rs->content_type = "text/plain; charset=utf-8";
	buf_add_str(&rs->body, "OK");
	return true;
}
