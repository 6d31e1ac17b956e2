/* The load: asked for, and pushed to all who listen when its level or its banner changes. */
#include "api/studio/load.h"

#include <stdlib.h>

#include "api/live.h"
#include "api/studio/routes.h"
#include "base/clock.h"

void load_put_members(struct json_writer *w, struct jobs *jobs, const struct jobs_load *l)
{
	(void)jobs;
	json_put_int(w, "level", l->level);
	json_put_str(w, "name", load_level_name(l->level));
	json_put_int(w, "count_max", l->count_max);
	json_put_bool(w, "melting", l->melting);
	json_put_str(w, "message", l->message[0] ? l->message : NULL);
	json_put_int(w, "retry_after_s", l->retry_after_s);
	json_put_int(w, "queued", l->queued);
	json_put_int(w, "drawing", l->drawing);
}

void load_put(struct json_writer *w, const char *key, struct jobs *jobs)
{
	struct jobs_load l = {.count_max = MAKER_PICTURES_MAX};
	if (jobs)
		jobs_load(jobs, &l);
	json_put_object(w, key);
	load_put_members(w, jobs, &l);
	json_put_end(w);
}

bool api_load_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct json_writer w = api_json(rs);
	load_put(&w, NULL, api_of(rq)->jobs);
	return json_finish(&w, e);
}

/* --- events --- */

static struct http_message *event_of(struct api *api)
{
	struct buf data, text;
	struct json_writer w;
	struct err e = {0};
	struct http_message *m = NULL;
	buf_init(&data, 1 << 16);
	buf_init(&text, 1 << 17);
	json_begin(&w, &data);
	load_put(&w, NULL, api->jobs);
	if (json_finish(&w, &e)) {
		buf_printf(&text, "id: %lld\nevent: load\ndata: ", (long long)clock_wall_ms());
		buf_add(&text, data.data, data.length);
		buf_add_str(&text, "\n\n");
		m = http_message_create(text.data, text.length);
	}
	buf_finish(&text);
	buf_finish(&data);
	return m;
}

void load_changed(void *context)
{
	struct api *api = context;
	if (!api->jobs || !bus_heard(api->bus, LOAD_TOPIC))
		return;
	struct http_message *m = event_of(api);
	if (m)
		bus_publish(api->bus, LOAD_TOPIC, &(struct live_message){.sse = m});
	http_message_unref(m);
}

struct listener {
	struct http_stream *stream;
	struct bus_subscription *subscription;
};

static void deliver(void *context, const void *message)
{
	http_stream_send(((struct listener *)context)->stream,
			 ((const struct live_message *)message)->sse);
}

static void on_close(void *context)
{
	struct listener *l = context;
	bus_unsubscribe(l->subscription);
	http_stream_unref(l->stream);
	free(l);
}

bool api_load_events(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct api *api = api_of(rq);
	struct listener *l = calloc(1, sizeof *l);
	(void)e;
	if (!l)
		abort();
	struct http_stream_options o = {.messages_max = 16, .on_close = on_close, .context = l};
	struct http_stream *s = http_stream_create(&o);
	l->stream = http_stream_ref(s);
	l->subscription = bus_subscribe(api->bus, LOAD_TOPIC, deliver, l);
	struct http_message *m = event_of(api);
	if (m)
		http_stream_send(s, m);
	http_message_unref(m);
	http_response_stream(rs, s);
	return true;
}
