/* Jobs: submitting, looking, cancelling, and watching one being drawn. Handlers run on workers, previews on
 * the drawing threads; what they publish is made once for all who watch. */
#include "api/studio/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/live.h"
#include "api/openai/waiting.h"
#include "api/studio/load.h"
#include "api/studio/quota.h"
#include "api/studio/routes.h"
#include "app/queue.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "makers/maker.h"

static const char *const STATES[] = {"queued", "drawing", "finished", "failed", "cancelled"};
static const char *const TASKS[] = {"draw", "restyle", "vary", "edit", NULL};

static void put_range(struct json_writer *w, int64_t low_s, int64_t high_s)
{
	if (!high_s) {
		json_put_null(w, "wait");
		return;
	}
	json_put_object(w, "wait");
	json_put_int(w, "low_s", low_s);
	json_put_int(w, "high_s", high_s);
	json_put_end(w);
}

static void put_elsewhere(struct serial *s, const struct jobs_card *card)
{
	struct json_writer *w = s->w;
	json_put_array(w, "elsewhere");
	for (size_t i = 0; i < card->elsewhere_count; i++) {
		const struct jobs_elsewhere *one = &card->elsewhere[i];
		bool given = !one->maker->remote;
		struct err ignored = {0};
		if (!given && !app_consent_get(s->app, one->maker->id, &given, &ignored))
			given = false;
		json_put_object(w, NULL);
		json_put_str(w, "maker", one->maker->id);
		json_put_str(w, "name", one->maker->name);
		put_range(w, one->low_s, one->high_s);
		json_put_bool(w, "consent_required", !given);
		json_put_end(w);
	}
	json_put_end(w);
}

/* The queue card: nulls once it is drawn. */
static void put_wait(struct serial *s, const struct app_job *job)
{
	struct json_writer *w = s->w;
	struct jobs_card card = {0};
	bool waits = job->row.state == STORE_JOB_QUEUED && s->api->jobs;
	if (waits)
		jobs_card(s->api->jobs, job, &card);
	if (waits && !job->row.paused)
		json_put_int(w, "position", job->position + 1);
	else
		json_put_null(w, "position");
	put_range(w, card.low_s, card.high_s);
	json_put_str(w, "reason", card.reason);
	put_elsewhere(s, &card);
	json_put_bool(w, "paused", waits && job->row.paused);
	json_put_bool(w, "joined", job->row.leader_id != 0);
}

static void put_source(struct serial *s, const struct app_job *job)
{
	if (!job->row.source_media_id && !job->row.source_post_id) {
		json_put_null(s->w, "source");
		return;
	}
	const char *url = NULL;
	if (job->source) {
		url =
		    serial_object_url(s, job->source->thumbnail_hash, job->source->thumbnail_type);
		if (!url)
			url = serial_object_url(s, job->source->hash, job->source->type);
	}
	json_put_object(s->w, "source");
	json_put_id(s->w, "media_id", job->row.source_media_id);
	json_put_id(s->w, "status_id", job->row.source_post_id);
	json_put_str(s->w, "preview_url", url);
	json_put_end(s->w);
}

static void put_besides(struct serial *s, const char *key, const struct store_media *m)
{
	const char *url = serial_object_url(s, m->thumbnail_hash, m->thumbnail_type);
	json_put_object(s->w, key);
	json_put_id(s->w, "media_id", m->id);
	json_put_str(s->w, "preview_url", url ? url : serial_object_url(s, m->hash, m->type));
	json_put_end(s->w);
}

/* What it begins with besides its source. */
static void put_further(struct serial *s, const struct app_job *job)
{
	json_put_array(s->w, "further");
	for (size_t i = 0; i < job->further_count; i++)
		put_besides(s, NULL, &job->further[i]);
	json_put_end(s->w);
	if (job->mask)
		put_besides(s, "mask", job->mask);
	else
		json_put_null(s->w, "mask");
}

static double progress_of(const struct serial *s, const struct store_job *row)
{
	if (row->state == STORE_JOB_DRAWING && s->api->jobs)
		return jobs_progress(s->api->jobs, row->id);
	return row->state == STORE_JOB_FINISHED ? 1 : 0;
}

static void put_media(struct serial *s, const struct app_job *job)
{
	json_put_array(s->w, "media");
	for (size_t i = 0; i < job->media_count; i++)
		serial_media(s, NULL, &job->media[i]);
	json_put_end(s->w);
}

static void put_error(struct json_writer *w, const struct store_job *row)
{
	if (row->state != STORE_JOB_FAILED) {
		json_put_null(w, "error");
		return;
	}
	json_put_object(w, "error");
	json_put_str(w, "code", row->error_code);
	json_put_str(w, "message", row->error_message);
	json_put_end(w);
}

void job_put(struct serial *s, const char *key, const struct app_job *job)
{
	struct json_writer *w = s->w;
	const struct store_job *row = &job->row;
	json_put_object(w, key);
	json_put_id(w, "id", row->id);
	json_put_str(w, "state", STATES[row->state]);
	json_put_str(w, "task", TASKS[row->task]);
	json_put_str(w, "prompt", row->prompt);
	json_put_str(w, "style", row->style);
	if (row->has_seed)
		json_put_int(w, "seed", row->seed);
	else
		json_put_null(w, "seed");
	json_put_int(w, "count", row->count);
	json_put_real(w, "guidance", row->guidance);
	json_put_str(w, "maker", row->maker);
	json_put_str(w, "model", row->model);
	put_wait(s, job);
	json_put_real(w, "progress", progress_of(s, row));
	put_media(s, job);
	put_error(w, row);
	put_source(s, job);
	put_further(s, job);
	json_put_time(w, "created_at", row->created_at);
	json_put_time(w, "started_at", row->started_at);
	json_put_time(w, "finished_at", row->finished_at);
	if (job->account)
		serial_account(s, "account", job->account);
	json_put_end(w);
}

/* --- events --- */

static void topic_of(int64_t job_id, char topic[40])
{
	snprintf(topic, 40, "job:%lld", (long long)job_id);
}

/* Event ids only have to grow: a client that reconnects is told the state of now, whatever it saw last. */
static struct http_message *frame(const char *event, const struct buf *data)
{
	struct buf b;
	buf_init(&b, 8 << 20);
	buf_printf(&b, "id: %lld\nevent: %s\ndata: ", (long long)clock_wall_ms(), event);
	buf_add(&b, data->data, data->length);
	buf_add_str(&b, "\n\n");
	struct http_message *m = http_message_create(b.data ? b.data : "", b.length);
	buf_finish(&b);
	return m;
}

/* The event that says how a job stands; *last: nothing follows it. */
static struct http_message *state_event(struct serial *s, const struct app_job *job, bool *last)
{
	struct buf data;
	struct json_writer w;
	struct err e = {0};
	const struct store_job *row = &job->row;
	buf_init(&data, 1 << 20);
	json_begin(&w, &data);
	s->w = &w;
	json_put_object(&w, NULL);
	switch (row->state) {
	case STORE_JOB_QUEUED:
		put_wait(s, job);
		break;
	case STORE_JOB_DRAWING:
		json_put_real(&w, "progress", progress_of(s, row));
		break;
	case STORE_JOB_FINISHED:
		put_media(s, job);
		if (row->has_seed)
			json_put_int(&w, "seed", row->seed);
		else
			json_put_null(&w, "seed");
		json_put_str(&w, "model", row->model);
		json_put_str(&w, "maker", row->maker);
		break;
	case STORE_JOB_FAILED:
		json_put_str(&w, "code", row->error_code);
		json_put_str(&w, "message", row->error_message);
		break;
	case STORE_JOB_CANCELLED:
		break;
	}
	json_put_end(&w);
	*last = row->state >= STORE_JOB_FINISHED;
	struct http_message *m = json_finish(&w, &e) ? frame(STATES[row->state], &data) : NULL;
	buf_finish(&data);
	return m;
}

/* What the bus carries for jobs: live_message.ws set (to anything) marks the last one. */
static void publish(struct api *api, int64_t job_id, struct http_message *m, bool last)
{
	char topic[40];
	topic_of(job_id, topic);
	bus_publish(api->bus, topic, &(struct live_message){.sse = m, .ws = last ? m : NULL});
}

void job_changed(struct api *api, struct app *app, int64_t job_id)
{
	struct app_job job;
	struct store_job row;
	struct err e = {0};
	bool last, watched = false;
	bool ok = app_job_row(app, job_id, &row, &e);
	if (ok) {
		waiting_changed(api->waiting, job_id);
		if (row.state == STORE_JOB_CANCELLED && api->jobs)
			jobs_cancel(api->jobs, job_id);
		watched = job_watched(api, job_id);
	}
	if (watched)
		ok = app_job_get(app, job_id, &job, &e);
	if (!ok && e.code != ERR_NOT_FOUND)
		log_warn("live.job", LOG_ERR(&e));
	if (!ok || !watched)
		return;
	struct http_message *m = state_event(&(struct serial){.api = api, .app = app}, &job, &last);
	if (m)
		publish(api, job_id, m, last);
	http_message_unref(m);
}

void job_moved(struct api *api)
{
	bus_publish_prefix(api->bus, "job:", NULL);
}

bool job_watched(void *context, int64_t job_id)
{
	struct api *api = context;
	char topic[40];
	topic_of(job_id, topic);
	return bus_heard(api->bus, topic) || waiting_watched(api->waiting, job_id);
}

void job_seen(void *context, int64_t job_id, int index, double progress, const struct image *image,
	      double rows)
{
	struct api *api = context;
	struct buf data, file, text;
	struct json_writer w;
	struct err e = {0};
	if (!job_watched(context, job_id))
		return;
	waiting_seen(api->waiting, job_id, progress, image);
	buf_init(&data, 8 << 20);
	buf_init(&file, 8 << 20);
	buf_init(&text, 8 << 20);
	json_begin(&w, &data);
	json_put_object(&w, NULL);
	json_put_real(&w, "progress", progress);
	bool ok = true;
	if (image) {
		ok = image_encode(image, IMAGE_FORMAT_JPEG, NULL, &file, &e);
		buf_add_str(&text, "data:image/jpeg;base64,");
		codec_base64(&text, file.data, file.length);
		json_put_int(&w, "index", index);
		json_put_int(&w, "width", image->width);
		json_put_int(&w, "height", image->height);
		json_put_real(&w, "rows", rows);
		json_put_str(&w, "image", text.data);
	}
	json_put_end(&w);
	if (ok && json_finish(&w, &e)) {
		struct http_message *m = frame(image ? "preview" : "drawing", &data);
		publish(api, job_id, m, false);
		http_message_unref(m);
	}
	buf_finish(&text);
	buf_finish(&file);
	buf_finish(&data);
}

struct watcher {
	struct http_stream *stream;
	struct live *live;
	int64_t job_id, account_id;
	struct bus_subscription *subscription, *signed_out, *load;
};

static void deliver(void *context, const void *message)
{
	struct watcher *watcher = context;
	const struct live_message *m = message;
	if (!m) { /* job_moved: the live thread looks */
		if (watcher->live)
			live_event(watcher->live,
				   &(struct app_event){.type = APP_EVENT_JOB,
						       .job_id = watcher->job_id,
						       .account_id = watcher->account_id});
		return;
	}
	http_stream_send(watcher->stream, m->sse);
	if (m->ws)
		http_stream_close(watcher->stream);
}

static void cut(void *context, const void *message)
{
	(void)message;
	http_stream_close(((struct watcher *)context)->stream);
}

static void on_close(void *context)
{
	struct watcher *watcher = context;
	bus_unsubscribe(watcher->subscription);
	bus_unsubscribe(watcher->signed_out);
	bus_unsubscribe(watcher->load);
	http_stream_unref(watcher->stream);
	free(watcher);
}

bool api_job_events(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct api *api = api_of(rq);
	struct app_job job;
	char topic[40];
	int64_t id;
	bool last;
	if (!http_request_id(rq, 0, &id, e) || !app_job_get(&app, id, &job, e))
		return false;
	struct watcher *watcher = calloc(1, sizeof *watcher);
	if (!watcher)
		abort();
	struct http_stream_options o = {
	    .messages_max = 64, .on_close = on_close, .context = watcher};
	struct http_stream *s = http_stream_create(&o);
	watcher->stream = http_stream_ref(s);
	watcher->live = api->live;
	watcher->job_id = id;
	watcher->account_id = app.account_id;
	topic_of(id, topic);
	watcher->subscription = bus_subscribe(api->bus, topic, deliver, watcher);
	snprintf(topic, sizeof topic, "signed_out:%lld", (long long)app.account_id);
	watcher->signed_out = bus_subscribe(api->bus, topic, cut, watcher);
	watcher->load = bus_subscribe(api->bus, LOAD_TOPIC, deliver, watcher);
	/* Looked at again behind the subscription: what happened in between is not lost. */
	if (!app_job_get(&app, id, &job, e)) {
		on_close(watcher);
		http_stream_unref(s);
		return false;
	}
	struct http_message *m =
	    state_event(&(struct serial){.api = api, .app = &app}, &job, &last);
	if (m)
		http_stream_send(s, m);
	http_message_unref(m);
	if (last)
		http_stream_close(s);
	http_response_stream(rs, s);
	return true;
}

/* --- requests --- */

static bool answer_job(struct http_request *rq, struct http_response *rs, struct app *app,
		       const struct app_job *job, struct err *e)
{
	struct json_writer w = api_json(rs);
	job_put(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, job);
	return json_finish(&w, e);
}

static bool read_region(struct http_request *rq, double region[4], struct err *e)
{
	const char **texts;
	size_t n;
	if (!param_texts(rq, "region", 4, 32, &texts, &n, e))
		return false;
	if (n && n != 4)
		return param_fail(rq, "region", e,
				  "must be four numbers from 0 to 1: x, y, width, height");
	for (size_t i = 0; i < n; i++) {
		char *end;
		region[i] = strtod(texts[i], &end);
		if (*end || end == texts[i] || !(region[i] >= 0 && region[i] <= 1))
			return param_fail(rq, "region", e,
					  "must be four numbers from 0 to 1: x, y, width, height");
	}
	return true;
}

/* What the maker cannot honour is refused by name, never ignored. */
static bool check_maker(struct http_request *rq, struct app *app, struct app_job_new *f,
			struct err *e)
{
	struct jobs *jobs = api_of(rq)->jobs;
	if (!jobs || !jobs_makers(jobs))
		return err_set(e, ERR_BUSY,
			       "Nothing here can draw: the administrator has configured no maker");
	for (size_t i = 0; !f->maker && i < jobs_makers(jobs); i++)
		if (jobs_maker_open(jobs, jobs_maker_at(jobs, i)->id))
			f->maker = jobs_maker_at(jobs, i)->id;
	if (!f->maker)
		f->maker = jobs_maker_at(jobs, 0)->id;
	const struct maker_info *m = jobs_maker(jobs, f->maker);
	if (!m)
		return param_fail(rq, "maker", e, "is not offered here");
	f->model = m->model;
	bool given, style_known = !f->style || !m->styles_count;
	for (size_t i = 0; f->style && i < m->styles_count; i++)
		style_known = style_known || !strcmp(m->styles[i], f->style);
	if (!m->tasks[f->task])
		return param_fail(rq, "task", e, "\"%s\" is not something %s can do",
				  TASKS[f->task], m->name);
	if (f->style && (!m->has_style || !style_known))
		return param_fail(rq, "style", e, "\"%.40s\" is not a style of %s", f->style,
				  m->name);
	if (f->has_seed && !m->has_seed)
		return param_fail(rq, "seed", e, "is not something %s can honour", m->name);
	if ((param_given(rq, "guidance") || f->guidance > 0) && !m->has_guidance)
		return param_fail(rq, "guidance", e, "is not something %s can honour", m->name);
	if ((f->region[2] > 0 || f->region[3] > 0) && !m->has_region)
		return param_fail(rq, "region", e,
				  "is not something %s can honour: it changes the whole picture",
				  m->name);
	if (f->mask_id && !m->has_mask)
		return param_fail(rq, "mask_id", e, "is not something %s can honour", m->name);
	if (f->further_count && (int)f->further_count >= m->sources_max) {
		if (m->sources_max <= 1)
			return param_fail(rq, "further_ids", e,
					  "is not something %s can honour: it takes one picture",
					  m->name);
		return param_fail(rq, "further_ids", e, "%s takes at most %d pictures together",
				  m->name, m->sources_max);
	}
	if (f->count > m->count_max)
		return param_fail(rq, "count", e, "must be at most %d", m->count_max);
	if (f->task == STORE_JOB_DRAW && (f->source_media_id || f->source_post_id))
		return param_fail(rq, "task", e,
				  "must be restyle, vary or edit where there is a source");
	if (f->task != STORE_JOB_DRAW && !f->source_media_id && !f->source_post_id)
		return param_fail(rq, "source", e, "can't be blank for this task");
	if (!m->remote)
		return true;
	if (!app_consent_get(app, m->id, &given, e))
		return false;
	if (!given) {
		snprintf(rq->error_field, sizeof rq->error_field, "maker");
		return err_set(e, ERR_FORBIDDEN,
			       "%s draws on %s: allow your prompts to go there first", m->name,
			       m->host);
	}
	return true;
}

/* Of what was made here the house's own engine knows the words; at what was not it looks. */
static bool check_words(struct http_request *rq, struct app_job_new *f, struct err *e)
{
	bool blank = !f->prompt[strspn(f->prompt, " \t\r\n")];
	f->reads_source = !jobs_maker(api_of(rq)->jobs, f->maker)->remote;
	return !blank || (f->task == STORE_JOB_RESTYLE && f->reads_source) ||
	       param_fail(rq, "prompt", e, "can't be blank");
}

bool api_job_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_job_new f = {.prompt = "", .guidance = 0, .strength = 0.5};
	struct app_job job;
	int64_t count = 1, *further = NULL;
	int task = STORE_JOB_DRAW;
	if (!param_text(rq, "prompt", 1000, &f.prompt, e) ||
	    !param_text(rq, "style", 64, &f.style, e) ||
	    !param_int(rq, "seed", 0, UINT32_MAX, &f.seed, e) ||
	    !param_int(rq, "count", 1, 4, &count, e) ||
	    !param_real(rq, "guidance", 0, 20, &f.guidance, e) ||
	    !param_text(rq, "maker", 64, &f.maker, e) ||
	    !param_choice(rq, "task", TASKS, &task, e) ||
	    !param_id(rq, "source[media_id]", &f.source_media_id, e) ||
	    !param_id(rq, "source[status_id]", &f.source_post_id, e) ||
	    !param_real(rq, "strength", 0, 1, &f.strength, e) || !read_region(rq, f.region, e) ||
	    !param_ids(rq, "further_ids", STORE_JOB_FURTHER_MAX, &further, &f.further_count, e) ||
	    !param_id(rq, "mask_id", &f.mask_id, e))
		return false;
	f.further_ids = further;
	const struct http_param *seed = param_find(rq, "seed");
	f.has_seed = seed && seed->kind != HTTP_PARAM_NULL && seed->length;
	f.count = (int)count;
	f.task = (enum store_job_task)task;
	f.style = f.style && *f.style ? f.style : NULL;
	f.maker = f.maker && *f.maker ? f.maker : NULL;
	const char *key = http_request_header(rq, "Idempotency-Key");
	f.idempotency_key = key && *key && strlen(key) <= 200 ? key : NULL;
	if (!param_id(rq, "programme_id", &f.programme_id, e) || !check_maker(rq, &app, &f, e) ||
	    !check_words(rq, &f, e))
		return false;
	if (!app_job_submit(&app, &f, &job, e)) {
		quota_refused(rq, rs, &app, f.count, e);
		return false;
	}
	return quota_headers(rs, &app, e) && answer_job(rq, rs, &app, &job, e);
}

/* --- steering --- */

static bool answer_id(struct http_request *rq, struct http_response *rs, struct app *app,
		      int64_t id, struct err *e)
{
	struct app_job job;
	return app_job_get(app, id, &job, e) && answer_job(rq, rs, app, &job, e);
}

bool api_job_move(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_job job;
	const char *maker;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !param_text_required(rq, "maker", 64, &maker, e) ||
	    !app_job_get(&app, id, &job, e))
		return false;
	if (job.row.state != STORE_JOB_QUEUED)
		return err_set(e, ERR_CONFLICT, "This job does not wait any more.");
	struct app_job_new f = {.style = job.row.style,
				.has_seed = job.row.has_seed,
				.count = job.row.count,
				.guidance = job.row.guidance,
				.task = job.row.task,
				.source_media_id = job.row.source_media_id,
				.source_post_id = job.row.source_post_id,
				.region = {job.row.region_x, job.row.region_y, job.row.region_width,
					   job.row.region_height},
				.further_count = (size_t)job.row.further,
				.mask_id = job.row.masked,
				.maker = maker};
	f.prompt = job.row.prompt;
	if (!check_maker(rq, &app, &f, e) || !check_words(rq, &f, e))
		return false;
	if (!jobs_maker_open(api_of(rq)->jobs, f.maker))
		return param_fail(rq, "maker", e, "cannot draw now");
	return app_queue_move(&app, id, f.maker, e) && answer_id(rq, rs, &app, id, e);
}

bool api_job_pause(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_queue_pause(&app, id, e) &&
	       answer_id(rq, rs, &app, id, e);
}

bool api_job_resume(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_queue_resume(&app, id, e) &&
	       answer_id(rq, rs, &app, id, e);
}

bool api_job_reorder(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id, before = 0;
	return http_request_id(rq, 0, &id, e) && param_id(rq, "before", &before, e) &&
	       app_queue_reorder(&app, id, before, e) && answer_id(rq, rs, &app, id, e);
}

bool api_job_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_job job;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_job_get(&app, id, &job, e) &&
	       answer_job(rq, rs, &app, &job, e);
}

bool api_job_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_jobs jobs;
	struct store_page page;
	if (!api_page_params(rq, 20, 40, &page, e) || !app_job_list(&app, &page, &jobs, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < jobs.count; i++)
		job_put(&s, NULL, &jobs.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, jobs.first, jobs.last, jobs.more);
	return json_finish(&w, e);
}

bool api_job_cancel(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_job job;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_job_get(&app, id, &job, e))
		return false;
	bool ended = job.row.state >= STORE_JOB_FINISHED;
	if (!(ended ? app_job_remove(&app, id, e) : app_job_cancel(&app, id, e)))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_job_cancel_all(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t cancelled;
	if (!app_job_cancel_account(&app, app.account_id, &cancelled, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_int(&w, "cancelled", cancelled);
	json_put_end(&w);
	return json_finish(&w, e);
}
