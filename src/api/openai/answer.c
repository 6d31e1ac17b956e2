/* Writes answers and events of /v1/images. No state; runs on the thread that answers those who wait, and for
 * partial pictures on the drawing threads. What must stay true: `size` is the size of the bytes that follow, and
 * where it is not the size that was drawn the answer says so. */
#include "api/openai/answer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/str.h"

enum { FILE_MAX_BYTES = 32 << 20, TEXT_MAX_BYTES = 44 << 20, PATCH = 16, LETTERS_A_TOKEN = 4 };

const char *openai_format_name(enum image_format format)
{
	static const char *const names[] = {"", "png", "jpeg", "webp"};
	return names[format];
}

int64_t openai_text_tokens(const char *text)
{
	size_t n = str_utf8_count(text, strlen(text));
	return (int64_t)(n + LETTERS_A_TOKEN - 1) / LETTERS_A_TOKEN;
}

/* What the model drew, where it left its tokens; otherwise what a model of ours would have drawn. */
int64_t openai_picture_tokens(struct api *api, const struct store_media *m)
{
	int fd;
	uint64_t size;
	struct err ignored = {0};
	if (m->tokens_hash && media_open(api->media, m->tokens_hash, &fd, &size, &ignored)) {
		close(fd);
		return (int64_t)(size / sizeof(int32_t));
	}
	return (m->width / PATCH) * (m->height / PATCH);
}

static bool read_object(struct api *api, struct arena *a, const char *hash, char **bytes,
			size_t *length, struct err *e)
{
	int fd;
	uint64_t size;
	if (!hash)
		return err_set(e, ERR_NOT_FOUND, "The picture is gone");
	if (!media_open(api->media, hash, &fd, &size, e))
		return false;
	*bytes = size <= FILE_MAX_BYTES ? arena_try(a, 1, size + 1) : NULL;
	*length = 0;
	ssize_t n = 1;
	while (*bytes && *length < size && n > 0) {
		n = read(fd, *bytes + *length, size - *length);
		*length += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (!*bytes)
		return err_set(e, ERR_TOO_LARGE, "The picture is too large");
	return *length == size || err_set(e, ERR_IO, "The picture cannot be read");
}

bool openai_render(struct api *api, struct arena *a, const struct store_media *m,
		   const struct waiting_order *order, struct buf *out, struct err *e)
{
	char *bytes, seed[24] = "";
	size_t length;
	struct image image, resized;
	int width = order->width ? order->width : (int)m->width;
	int height = order->height ? order->height : (int)m->height;
	bool same = width == m->width && height == m->height;
	if (!read_object(api, a, m->hash, &bytes, &length, e))
		return false;
	if (same && order->format == IMAGE_FORMAT_WEBP && !order->quality && m->type &&
	    !strcmp(m->type, "image/webp")) {
		buf_add(out, bytes, length);
		return !out->failed || err_set(e, ERR_TOO_LARGE, "The picture is too large");
	}
	if (!image_decode(a, bytes, length, NULL, &image, e))
		return false;
	const bool blocks = m->style && !strcmp(m->style, "pixel");
	if (!same && !image_resize(a, &image, width, height, blocks, &resized, e))
		return false;
	if (m->has_seed)
		snprintf(seed, sizeof seed, "%lld", (long long)m->seed);
	const struct image_origin origin = {
	    .style = m->style, .model = m->model, .seed = m->has_seed ? seed : NULL};
	return image_encode_at(same ? &image : &resized, order->format, order->quality,
			       m->maker ? &origin : NULL, out, e);
}

static void put_size(struct json_writer *w, const char *key, int64_t width, int64_t height)
{
	char text[48];
	snprintf(text, sizeof text, "%lldx%lld", (long long)width, (long long)height);
	json_put_str(w, key, text);
}

static void put_usage(struct json_writer *w, const struct waiting_order *o, int64_t output,
		      int64_t pictures)
{
	int64_t input = o->input_text_tokens + o->input_image_tokens;
	json_put_object(w, "usage");
	json_put_int(w, "input_tokens", input);
	json_put_object(w, "input_tokens_details");
	json_put_int(w, "text_tokens", o->input_text_tokens);
	json_put_int(w, "image_tokens", o->input_image_tokens);
	json_put_end(w);
	json_put_int(w, "output_tokens", output);
	json_put_object(w, "output_tokens_details");
	json_put_int(w, "text_tokens", 0);
	json_put_int(w, "image_tokens", output);
	json_put_end(w);
	json_put_int(w, "total_tokens", input + output);
	json_put_real(w, "cost", o->cost * (double)pictures);
	json_put_end(w);
}

/* What both the whole answer and the events tell of the pictures. */
static void put_form(struct json_writer *w, const struct waiting_order *o, int64_t width,
		     int64_t height)
{
	put_size(w, "size", width, height);
	json_put_str(w, "quality", "auto");
	json_put_str(w, "background", "opaque");
	json_put_str(w, "output_format", openai_format_name(o->format));
}

/* Ours: which job it was, and that larger sizes are not drawn but scaled. */
static void put_ours(struct json_writer *w, const struct waiting_order *o,
		     const struct app_job *job)
{
	const struct store_media *m = &job->media[0];
	bool scaled = o->width && (o->width != m->width || o->height != m->height);
	json_put_object(w, "madang");
	json_put_id(w, "job_id", job->row.id);
	json_put_str(w, "maker", job->row.maker);
	json_put_str(w, "model", job->row.model);
	put_size(w, "drawn_size", m->width, m->height);
	json_put_str(w, "resampled", scaled ? "lanczos3" : NULL);
	json_put_array(w, "media_ids");
	for (size_t i = 0; i < job->media_count; i++)
		json_put_id(w, NULL, job->media[i].id);
	json_put_end(w);
	if (job->row.has_seed)
		json_put_int(w, "seed", job->row.seed);
	json_put_end(w);
}

const char *waiting_url(struct api *api, struct arena *a, const struct store_media *m,
			const struct waiting_order *o)
{
	bool same = !o->width || (o->width == m->width && o->height == m->height);
	if (same && o->format == IMAGE_FORMAT_WEBP && !o->quality)
		return arena_printf(a, "%s/media/%s.webp", api->base_url, m->hash);
	int64_t width = o->width ? o->width : m->width, height = o->width ? o->height : m->height;
	const char *extension =
	    o->format == IMAGE_FORMAT_JPEG ? "jpg" : openai_format_name(o->format);
	return arena_printf(a, "%s/media/%s/%lldx%lld.%s", api->base_url, m->hash, (long long)width,
			    (long long)height, extension);
}

static void put_b64(struct json_writer *w, const char *key, const struct buf *file)
{
	struct buf text;
	buf_init(&text, TEXT_MAX_BYTES);
	codec_base64(&text, file->data, file->length);
	if (text.failed)
		w->out->failed = true;
	else
		json_put_strn(w, key, text.data, text.length);
	buf_finish(&text);
}

static bool put_picture(struct json_writer *w, struct api *api, struct app *app,
			const struct waiting_order *o, const struct store_media *m, struct err *e)
{
	struct buf file;
	if (o->url) {
		json_put_str(w, "url", waiting_url(api, app->arena, m, o));
		return true;
	}
	buf_init(&file, FILE_MAX_BYTES);
	bool ok = openai_render(api, app->arena, m, o, &file, e);
	if (ok)
		put_b64(w, "b64_json", &file);
	buf_finish(&file);
	return ok;
}

bool openai_put_answer(struct api *api, struct app *app, const struct waiting_order *o,
		       const struct app_job *job, struct buf *out, struct err *e)
{
	struct json_writer w;
	int64_t tokens = 0;
	if (!job->media_count)
		return err_set(e, ERR_NOT_FOUND, "The pictures of this job are gone");
	const struct store_media *first = &job->media[0];
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_int(&w, "created", clock_wall_ms() / 1000);
	json_put_array(&w, "data");
	for (size_t i = 0; i < job->media_count; i++) {
		json_put_object(&w, NULL);
		if (!put_picture(&w, api, app, o, &job->media[i], e))
			return false;
		json_put_str(&w, "revised_prompt", job->row.prompt);
		json_put_end(&w);
		tokens += openai_picture_tokens(api, &job->media[i]);
	}
	json_put_end(&w);
	put_form(&w, o, o->width ? o->width : first->width, o->width ? o->height : first->height);
	put_usage(&w, o, tokens, (int64_t)job->media_count);
	put_ours(&w, o, job);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* --- events --- */

static void begin_event(struct buf *out, struct json_writer *w, const struct waiting_order *o,
			const char *name)
{
	char type[64];
	snprintf(type, sizeof type, "%s.%s", o->edit ? "image_edit" : "image_generation", name);
	buf_printf(out, "event: %s\ndata: ", type);
	json_begin(w, out);
	json_put_object(w, NULL);
	json_put_str(w, "type", type);
	json_put_int(w, "created_at", clock_wall_ms() / 1000);
}

void openai_put_partial(struct buf *out, const struct waiting_order *o, int index, int width,
			int height, const struct buf *file)
{
	struct json_writer w;
	struct err e = {0};
	begin_event(out, &w, o, "partial_image");
	json_put_int(&w, "partial_image_index", index);
	put_b64(&w, "b64_json", file);
	put_form(&w, o, width, height);
	json_put_end(&w);
	if (!json_finish(&w, &e))
		out->failed = true;
	buf_add_str(out, "\n\n");
}

bool openai_put_completed(struct api *api, struct app *app, const struct waiting_order *o,
			  const struct app_job *job, size_t index, struct buf *out, struct err *e)
{
	struct json_writer w;
	const struct store_media *m = &job->media[index];
	struct waiting_order one = *o;
	one.url = false;
	begin_event(out, &w, o, "completed");
	if (!put_picture(&w, api, app, &one, m, e))
		return false;
	put_form(&w, o, o->width ? o->width : m->width, o->width ? o->height : m->height);
	put_usage(&w, o, openai_picture_tokens(api, m), 1);
	put_ours(&w, o, job);
	json_put_end(&w);
	if (!json_finish(&w, e))
		return false;
	buf_add_str(out, "\n\n");
	return !out->failed || err_set(e, ERR_TOO_LARGE, "The picture is too large");
}

void openai_put_stream_error(struct buf *out, const struct err *e)
{
	struct json_writer w;
	struct err ignored = {0};
	buf_add_str(out, "event: error\ndata: ");
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_object(&w, "error");
	json_put_str(&w, "message", e->message);
	json_put_str(&w, "type",
		     e->code == ERR_INVALID || e->code == ERR_FORBIDDEN ? "invalid_request_error"
									: "server_error");
	json_put_str(&w, "code", err_code_name(e->code));
	json_put_null(&w, "param");
	json_put_end(&w);
	json_put_end(&w);
	if (!json_finish(&w, &ignored))
		out->failed = true;
	buf_add_str(out, "\n\n");
}

/* The names that app_job_fail was given by err_code_name, read back. */
void openai_job_error(const struct app_job *job, struct err *e)
{
	static const enum err_code codes[] = {ERR_INVALID,     ERR_FORBIDDEN, ERR_NOT_FOUND,
					      ERR_TOO_LARGE,   ERR_LIMIT,     ERR_BUSY,
					      ERR_UNSUPPORTED, ERR_IO};
	const struct store_job *row = &job->row;
	if (row->state == STORE_JOB_CANCELLED) {
		err_set(e, ERR_FORBIDDEN, "This job was cancelled");
		return;
	}
	enum err_code code = ERR_INTERNAL;
	for (size_t i = 0; row->error_code && i < sizeof codes / sizeof *codes; i++)
		if (!strcmp(row->error_code, err_code_name(codes[i])))
			code = codes[i];
	err_set(e, code, "%s",
		row->error_message ? row->error_message : "The picture could not be drawn");
}
