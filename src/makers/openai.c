/* Owns the address and key of a server that speaks /v1/images/generations and, where it is configured, /v1/images/edits. One request a picture, on the
 * drawing thread. Streams partial pictures where the server offers that; where it refuses, it is asked
 * without from then on. */
#include "makers/maker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "json/read.h"
#include "json/write.h"
#include "makers/outbound.h"

enum {
	ANSWER_MAX_BYTES = 48 << 20,
	UPLOAD_MAX_BYTES = 100 << 20, /* of what is sent to be edited */
	ATTEMPTS_MAX = 3,
	RETRY_WAIT_MAX_S = 20,
	PARTIAL_IMAGES = 2,
	KEEP_MS = 1000
};

struct openai {
	struct maker maker;
	struct maker_info info;
	char base_url[1024], key[1024], model[128], name[128], host[256];
	int timeout_s;
	atomic_bool no_stream;
};

/* One picture's request while it runs. */
struct call {
	struct openai *o;
	struct arena *arena;
	const struct maker_request *request;
	const struct maker_sink *sink;
	int index;
	int64_t keep_at_ns;
	double part; /* of this picture, as far as is known */
	bool streaming;
	struct buf line_buffer; /* of the event stream: what has come of the next event */
	struct buf final;       /* the finished picture's file */
	char stream_error[200];
};

static const struct maker_info *openai_info(struct maker *m)
{
	return &((struct openai *)m)->info;
}

static void openai_wake(struct maker *m)
{
	(void)m; /* libcurl asks about once a second by itself */
}

static double share(const struct call *c, double of_this)
{
	return (c->index + of_this) / c->request->count;
}

static bool going(void *context)
{
	struct call *c = context;
	int64_t now = clock_mono_ns();
	if (now >= c->keep_at_ns) {
		c->keep_at_ns = now + KEEP_MS * 1000000ll;
		c->sink->seen(c->sink->context, c->index, share(c, c->part), NULL, 0);
	}
	return !atomic_load(c->request->cancelled);
}

/* --- what comes back --- */

static bool take_base64(struct call *c, const char *text, struct buf *file)
{
	(void)c;
	buf_clear(file);
	return codec_base64_decode(file, text, strlen(text)) && file->length;
}

static void take_partial(struct call *c, const struct json_value *v)
{
	struct buf file;
	struct image image;
	struct err e = {0};
	struct arena *a = arena_create(64 << 20);
	buf_init(&file, ANSWER_MAX_BYTES);
	int64_t index = json_get_int(v, "partial_image_index", 0);
	c->part = fmin(0.95, (fmax(0, (double)index) + 1) / (PARTIAL_IMAGES + 1));
	bool ok = c->sink->wanted(c->sink->context) &&
		  take_base64(c, json_get_str(v, "b64_json", ""), &file) &&
		  image_decode(a, file.data, file.length, NULL, &image, &e);
	c->sink->seen(c->sink->context, c->index, share(c, c->part), ok ? &image : NULL, 1);
	buf_finish(&file);
	arena_destroy(a);
}

static bool take_event(struct call *c, const char *json, size_t length)
{
	struct arena *a = arena_create(2 * (size_t)ANSWER_MAX_BYTES);
	const struct json_limits limits = {
	    .bytes_max = ANSWER_MAX_BYTES, .values_max = 1000, .depth_max = 16};
	const struct json_value *v;
	struct err e = {0};
	bool ok = json_parse(a, json, length, &limits, &v, &e);
	if (ok) {
		const char *type = json_get_str(v, "type", "");
		const struct json_value *error = json_get(v, "error");
		if (error)
			snprintf(c->stream_error, sizeof c->stream_error, "%s",
				 json_get_str(error, "message", "it failed"));
		else if (str_ends(type, ".partial_image"))
			take_partial(c, v);
		else if (str_ends(type, ".completed"))
			ok = take_base64(c, json_get_str(v, "b64_json", ""), &c->final);
	}
	arena_destroy(a);
	return ok;
}

/* Events end with an empty line; of their lines only data: counts. */
static bool take_stream(struct call *c)
{
	struct buf *b = &c->line_buffer;
	for (;;) {
		char *end = memmem(b->data, b->length, "\n\n", 2);
		size_t skip = 2;
		char *crlf = b->length ? memmem(b->data, b->length, "\r\n\r\n", 4) : NULL;
		if (crlf && (!end || crlf < end)) {
			end = crlf;
			skip = 4;
		}
		if (!end)
			return true;
		size_t length = (size_t)(end - b->data);
		for (size_t at = 0; at < length;) {
			size_t n = strcspn(b->data + at, "\r\n");
			if (n > length - at)
				n = length - at;
			if (n > 5 && !strncmp(b->data + at, "data:", 5) &&
			    b->data[at + 5 + strspn(b->data + at + 5, " ")] == '{' &&
			    !take_event(c, b->data + at + 5, n - 5))
				return false;
			at += n;
			at += strspn(b->data + at, "\r\n");
		}
		memmove(b->data, end + skip, b->length - length - skip);
		b->length -= length + skip;
		b->data[b->length] = '\0';
	}
}

static bool on_data(void *context, const char *content_type, const char *bytes, size_t length)
{
	struct call *c = context;
	buf_add(&c->line_buffer, bytes, length);
	if (c->line_buffer.failed)
		return false;
	c->streaming = str_starts(content_type, "text/event-stream");
	return !c->streaming || take_stream(c);
}

/* The picture by its own address, which the other server chose: nobody of this house has vouched for it. */
static bool fetch_url(struct call *c, const char *url, struct err *e)
{
	struct outbound_answer answer;
	struct outbound_request q = {.method = "GET",
				     .url = url,
				     .bytes_max = ANSWER_MAX_BYTES,
				     .timeout_s = 60,
				     .going = going,
				     .context = c,
				     .trusted = outbound_is_under(url, c->o->base_url)};
	bool ok = outbound_fetch(&q, &answer, e) &&
		  (answer.status == 200 ||
		   err_set(e, ERR_IO, "the picture cannot be fetched from the other server"));
	if (ok) {
		buf_clear(&c->final);
		buf_add(&c->final, answer.body.data, answer.body.length);
	}
	buf_finish(&answer.body);
	return ok;
}

static bool take_json(struct call *c, struct err *e)
{
	struct arena *a = arena_create(2 * (size_t)ANSWER_MAX_BYTES);
	const struct json_limits limits = {
	    .bytes_max = ANSWER_MAX_BYTES, .values_max = 10000, .depth_max = 16};
	const struct json_value *v, *data = NULL;
	struct err why = {0};
	if (json_parse(a, c->line_buffer.data ? c->line_buffer.data : "", c->line_buffer.length,
		       &limits, &v, &why))
		data = json_get(v, "data");
	bool ok = data && data->kind == JSON_KIND_ARRAY && data->length > 0;
	if (!ok)
		err_set(e, ERR_INVALID, "the other server did not answer with a picture");
	if (ok) {
		const char *b64 = json_get_str(&data->items[0], "b64_json", NULL);
		const char *url = json_get_str(&data->items[0], "url", NULL);
		if (b64)
			ok = take_base64(c, b64, &c->final) ||
			     err_set(e, ERR_INVALID,
				     "the other server did not answer with a picture");
		else
			ok = url ? fetch_url(c, url, e)
				 : err_set(e, ERR_INVALID,
					   "the other server did not answer with a picture");
	}
	arena_destroy(a);
	return ok;
}

/* --- asking --- */

static void size_text(const struct call *c, char size[32])
{
	snprintf(size, 32, "%dx%d", c->o->info.width, c->o->info.height);
}

static bool write_json(struct call *c, bool stream, struct buf *body, struct err *e)
{
	struct json_writer w;
	char size[32];
	size_text(c, size);
	json_begin(&w, body);
	json_put_object(&w, NULL);
	json_put_str(&w, "model", c->o->model);
	json_put_str(&w, "prompt", c->request->prompt);
	json_put_int(&w, "n", 1);
	json_put_str(&w, "size", size);
	if (stream) {
		json_put_bool(&w, "stream", true);
		json_put_int(&w, "partial_images", PARTIAL_IMAGES);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

static void part(struct buf *body, const char *boundary, const char *name, const char *text)
{
	buf_printf(body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
		   boundary, name, text);
}

static void file_head(struct buf *body, const char *boundary, const char *name, const char *file)
{
	buf_printf(body,
		   "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s.png\"\r\n"
		   "Content-Type: image/png\r\n\r\n",
		   boundary, name, file);
}

/* One picture is `image`; several are each an `image[]`, in their order. */
static bool write_pictures(const struct maker_request *q, const char *boundary, struct buf *body,
			   struct err *e)
{
	const char *name = q->further_count ? "image[]" : "image";
	char file[32];
	for (size_t i = 0; i <= q->further_count; i++) {
		const struct image *one = i ? &q->further[i - 1] : q->source;
		snprintf(file, sizeof file, i ? "image%zu" : "image", i + 1);
		file_head(body, boundary, name, file);
		if (!image_encode(one, IMAGE_FORMAT_PNG, NULL, body, e))
			return false;
		buf_add_str(body, "\r\n");
	}
	return true;
}

/* Pictures go as PNG, and where only a part of the first is meant, a mask with them. */
static bool write_form(struct call *c, bool stream, const char *boundary, struct buf *body,
		       struct err *e)
{
	const struct maker_request *q = c->request;
	bool masked = q->mask.alpha || (q->region[2] > 0 && q->region[3] > 0);
	char size[32], partials[8];
	size_text(c, size);
	snprintf(partials, sizeof partials, "%d", PARTIAL_IMAGES);
	part(body, boundary, "model", c->o->model);
	part(body, boundary, "prompt",
	     q->prompt[strspn(q->prompt, " \t\r\n")] ? q->prompt : "A variation of this picture.");
	part(body, boundary, "n", "1");
	part(body, boundary, "size", size);
	if (stream) {
		part(body, boundary, "stream", "true");
		part(body, boundary, "partial_images", partials);
	}
	if (!write_pictures(q, boundary, body, e))
		return false;
	if (masked) {
		file_head(body, boundary, "mask", "mask");
		if (q->mask.alpha ? !image_encode_alpha(&q->mask, body, e)
				  : !image_encode_mask(q->source->width, q->source->height,
						       q->region, body, e))
			return false;
		buf_add_str(body, "\r\n");
	}
	buf_printf(body, "--%s--\r\n", boundary);
	return !body->failed || err_set(e, ERR_TOO_LARGE, "the picture's file is too large");
}

/* What the other server says about a refusal, in its error shape; "" where it says nothing we can read. */
static void refusal_text(const struct outbound_answer *answer, char text[160])
{
	struct arena *a = arena_create(1 << 20);
	const struct json_value *v;
	struct err e = {0};
	text[0] = '\0';
	if (answer->body.length && answer->body.length < 65536 &&
	    json_parse(a, answer->body.data, answer->body.length, NULL, &v, &e)) {
		const struct json_value *error = json_get(v, "error");
		snprintf(text, 160, "%s", json_get_str(error, "message", ""));
		text[str_utf8_cut(text, strlen(text), 159)] = '\0';
	}
	arena_destroy(a);
}

static bool refused(const struct outbound_answer *answer, struct err *e)
{
	char text[160];
	refusal_text(answer, text);
	if (answer->status == 429)
		return err_set(e, ERR_LIMIT, "%s has had too many requests: try again later",
			       "the other server");
	if (answer->status >= 500)
		return err_set(e, ERR_BUSY, "the other server has trouble (%ld): try again later",
			       answer->status);
	if (answer->status == 401 || answer->status == 403)
		return err_set(e, ERR_FORBIDDEN,
			       "the other server does not accept our key: tell the administrator");
	return err_set(e, ERR_INVALID, "the other server refused: %s",
		       text[0] ? text : "it does not say why; change the prompt and try again");
}

static bool ask(struct call *c, bool stream, struct outbound_answer *answer, struct err *e)
{
	struct buf body;
	char url[1200], authorization[1100], boundary[40], type[100] = "application/json";
	bool edit = c->request->task != MAKER_DRAW;
	buf_init(&body, edit ? UPLOAD_MAX_BYTES : 1 << 20);
	snprintf(url, sizeof url, "%s/images/%s", c->o->base_url, edit ? "edits" : "generations");
	snprintf(boundary, sizeof boundary, "madang%016llx%016llx", (unsigned long long)rand_u64(),
		 (unsigned long long)rand_u64());
	if (edit)
		snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
	snprintf(authorization, sizeof authorization, "Bearer %s", c->o->key);
	buf_clear(&c->line_buffer);
	buf_clear(&c->final);
	c->stream_error[0] = '\0';
	c->streaming = false;
	*answer = (struct outbound_answer){0};
	bool ok =
	    edit ? write_form(c, stream, boundary, &body, e) : write_json(c, stream, &body, e);
	struct outbound_request q = {.method = "POST",
				     .url = url,
				     .authorization = c->o->key[0] ? authorization : NULL,
				     .content_type = type,
				     .body = body.data,
				     .body_length = body.length,
				     .trusted = true,
				     .bytes_max = ANSWER_MAX_BYTES,
				     .timeout_s = c->o->timeout_s,
				     .going = going,
				     .data = on_data,
				     .context = c};
	ok = ok && outbound_fetch(&q, answer, e);
	buf_finish(&body);
	return ok;
}

static bool pause_before_retry(struct call *c, int seconds, struct err *e)
{
	const struct timespec nap = {.tv_nsec = 200000000};
	for (int i = 0; i < seconds * 5; i++) {
		if (!going(c))
			return err_set(e, ERR_CANCELLED, "cancelled");
		nanosleep(&nap, NULL);
	}
	return true;
}

static bool call_once(struct call *c, int *retry_after_s, struct err *e)
{
	struct outbound_answer answer;
	bool stream = !atomic_load(&c->o->no_stream);
	bool ok = ask(c, stream, &answer, e);
	if (ok && stream &&
	    (answer.status == 400 || answer.status == 422)) { /* it may know no streaming */
		buf_finish(&answer.body);
		ok = ask(c, false, &answer, e);
		if (ok && answer.status == 200)
			atomic_store(&c->o->no_stream, true);
	}
	*retry_after_s = answer.retry_after_s;
	ok = ok && (answer.status == 200 || refused(&answer, e));
	if (ok && c->stream_error[0])
		ok = err_set(e, ERR_INVALID, "the other server refused: %s", c->stream_error);
	if (ok && !c->streaming)
		ok = take_json(c, e);
	else if (ok && !c->final.length)
		ok = err_set(e, ERR_BUSY, "the other server broke off: try again");
	buf_finish(&answer.body);
	return ok;
}

static bool draw_one(struct call *c, struct maker_picture *out, struct err *e)
{
	bool ok = false;
	for (int attempt = 0; !ok && attempt < ATTEMPTS_MAX; attempt++) {
		int retry_after_s = 0;
		*e = (struct err){0};
		ok = call_once(c, &retry_after_s, e);
		bool again = !ok &&
			     (e->code == ERR_BUSY || e->code == ERR_LIMIT || e->code == ERR_IO) &&
			     retry_after_s <= RETRY_WAIT_MAX_S && attempt + 1 < ATTEMPTS_MAX;
		if (!ok && !again)
			return false;
		if (again &&
		    !pause_before_retry(c, retry_after_s ? retry_after_s : 1 << attempt, e))
			return false;
	}
	*out = (struct maker_picture){0};
	if (!image_decode(c->arena, c->final.data, c->final.length, NULL, &out->image, e)) {
		err_set(e, ERR_INVALID, "the other server did not answer with a picture");
		return false;
	}
	c->sink->seen(c->sink->context, c->index, share(c, 1), &out->image, 1);
	return true;
}

static bool openai_draw(struct maker *m, struct arena *a, const struct maker_request *request,
			const struct maker_sink *sink, struct maker_picture *pictures,
			struct err *e)
{
	bool ok = request->task == MAKER_DRAW || request->source ||
		  err_set(e, ERR_INVALID, "the source picture is gone");
	for (int i = 0; ok && i < request->count; i++) {
		struct call c = {.o = (struct openai *)m,
				 .arena = a,
				 .request = request,
				 .sink = sink,
				 .index = i};
		buf_init(&c.line_buffer, ANSWER_MAX_BYTES);
		buf_init(&c.final, ANSWER_MAX_BYTES);
		ok = draw_one(&c, &pictures[i], e);
		buf_finish(&c.line_buffer);
		buf_finish(&c.final);
	}
	return ok;
}

static void openai_destroy(struct maker *m)
{
	free(m);
}

static const struct maker_ops OPS = {
    .info = openai_info, .draw = openai_draw, .wake = openai_wake, .destroy = openai_destroy};

struct maker *maker_openai_create(const struct maker_openai_options *options, struct err *e)
{
	const char *scheme_end = strstr(options->base_url, "://");
	if (!scheme_end || (!str_starts(options->base_url, "http://") &&
			    !str_starts(options->base_url, "https://"))) {
		err_set(e, ERR_INVALID, "openai_url must begin with http:// or https://");
		return NULL;
	}
	if (!options->model || !*options->model) {
		err_set(e, ERR_INVALID, "openai_model must name the model to draw with");
		return NULL;
	}
	struct openai *o = calloc(1, sizeof *o);
	if (!o)
		abort();
	snprintf(o->base_url, sizeof o->base_url, "%s", options->base_url);
	while (str_ends(o->base_url, "/"))
		o->base_url[strlen(o->base_url) - 1] = '\0';
	snprintf(o->key, sizeof o->key, "%s", options->key ? options->key : "");
	snprintf(o->model, sizeof o->model, "%s", options->model);
	snprintf(o->name, sizeof o->name, "%s",
		 options->name && *options->name ? options->name : options->model);
	snprintf(o->host, sizeof o->host, "%.*s", (int)strcspn(scheme_end + 3, "/"),
		 scheme_end + 3);
	o->timeout_s = options->timeout_s ? options->timeout_s : 180;
	o->maker.ops = &OPS;
	o->info =
	    (struct maker_info){.id = "openai",
				.name = o->name,
				.model = o->model,
				.remote = true,
				.host = o->host,
				.tasks = {true, options->edits, options->edits, options->edits},
				.has_region = options->edits && options->masks,
				.has_mask = options->edits && options->masks,
				.sources_max = options->edits ? options->images : 0,
				.count_max = MAKER_PICTURES_MAX,
				.prompt_length_max = 4000,
				.width = options->width,
				.height = options->height,
				.slots = options->jobs_max ? options->jobs_max : 4};
	return &o->maker;
}
