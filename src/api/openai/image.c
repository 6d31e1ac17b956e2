/* /v1/images: parameters become a job like any other, in the same queue and under the same rules; the answer
 * comes when it has ended (waiting.c). What the maker cannot honour is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/openai/answer.h"
#include "api/openai/routes.h"
#include "api/openai/waiting.h"
#include "api/studio/quota.h"
#include "app/media.h"
#include "app/queue.h"
#include "base/log.h"
#include "base/str.h"
#include "jobs/jobs.h"
#include "media/process.h"

enum { SIDE_MIN = 64, SIDE_MAX = 2048, PIXELS_MAX = 8 << 20, PARAM_TEXT_MAX = 512 };

struct form {
	struct app_job_new job;
	struct waiting_order order;
	const struct maker_info *maker;
	bool stream;
	int64_t first_id; /* the picture that the job begins with */
};

/* What is taken at all, for each of the three; the values of those that only one value can be given of. */
enum { GENERATE = 1, EDIT = 2, VARY = 4, ANY = 7 };
static const struct {
	const char *name;
	unsigned where;
	const char *only[4]; /* NULL: read elsewhere */
	const char *why;
} PARAMETERS[] = {
    {"prompt", GENERATE | EDIT, {0}, NULL},
    {"image", EDIT | VARY, {0}, NULL},
    {"mask", EDIT, {0}, NULL},
    {"model", ANY, {0}, NULL},
    {"n", ANY, {0}, NULL},
    {"size", ANY, {0}, NULL},
    {"response_format", ANY, {0}, NULL},
    {"output_format", GENERATE | EDIT, {0}, NULL},
    {"output_compression", GENERATE | EDIT, {0}, NULL},
    {"partial_images", GENERATE | EDIT, {0}, NULL},
    {"stream", GENERATE | EDIT, {0}, NULL},
    {"style", ANY, {0}, NULL},
    {"user", ANY, {0}, NULL},
    {"safety_identifier", ANY, {0}, NULL},
    {"seed", ANY, {0}, NULL},
    {"guidance", ANY, {0}, NULL},
    {"strength", VARY, {0}, NULL},
    {"region", EDIT, {0}, NULL},
    {"programme_id", ANY, {0}, NULL},
    {"quality", GENERATE | EDIT, {"auto", "standard"}, "pictures here have one quality"},
    {"background", GENERATE | EDIT, {"auto", "opaque"}, "pictures here have no transparency"},
    {"moderation", GENERATE | EDIT, {"auto"}, "it cannot be set here"},
    {"input_fidelity", EDIT, {"auto"}, "it cannot be set here"},
    {"complexity", GENERATE, {"auto"}, "it cannot be set here"},
};

static bool check_parameters(struct http_request *rq, unsigned where, struct err *e)
{
	size_t n = sizeof PARAMETERS / sizeof *PARAMETERS;
	for (size_t i = 0; i < rq->params_count; i++) {
		const struct http_param *p = &rq->params[i];
		size_t k = 0;
		while (k < n && strcmp(PARAMETERS[k].name, p->name))
			k++;
		if (p->kind == HTTP_PARAM_NULL)
			continue;
		if (k == n || !(PARAMETERS[k].where & where))
			return openai_fail(rq, p->name, e, "this parameter is not offered here");
		bool fits = !PARAMETERS[k].only[0];
		for (int v = 0; v < 4 && PARAMETERS[k].only[v]; v++)
			fits = fits || !strcmp(PARAMETERS[k].only[v], p->value);
		if (!fits)
			return openai_fail(rq, p->name, e, "%s; leave it out or say \"%s\"",
					   PARAMETERS[k].why, PARAMETERS[k].only[0]);
	}
	return true;
}

/* "WxH" or "auto": the maker's own shape, in its own size or scaled. */
static bool read_size(struct http_request *rq, struct form *f, struct err *e)
{
	const char *text = NULL;
	int64_t width, height;
	const struct maker_info *m = f->maker;
	if (!param_text(rq, "size", 32, &text, e))
		return false;
	if (!text || !*text || !strcmp(text, "auto"))
		return true;
	char *copy = arena_strdup(rq->arena, text), *x = strchr(copy, 'x');
	if (x)
		*x = '\0';
	if (!x || !str_to_int(copy, 1, 100000, &width) || !str_to_int(x + 1, 1, 100000, &height))
		return openai_fail(rq, "size", e, "must be \"auto\" or WIDTHxHEIGHT");
	if (width < SIDE_MIN || height < SIDE_MIN || width > SIDE_MAX || height > SIDE_MAX ||
	    width * height * f->job.count > PIXELS_MAX)
		return openai_fail(
		    rq, "size", e,
		    "a side must be %d to %d pixels, all pictures together at most 8 megapixels",
		    SIDE_MIN, SIDE_MAX);
	if (width * m->height != height * m->width)
		return openai_fail(rq, "size", e,
				   "%s draws %dx%d; other sizes must have the same shape", m->name,
				   m->width, m->height);
	f->order.width = (int)width;
	f->order.height = (int)height;
	return true;
}

static bool read_format(struct http_request *rq, struct form *f, struct err *e)
{
	static const char *const formats[] = {"png", "jpeg", "webp", NULL};
	static const char *const answers[] = {"b64_json", "url", NULL};
	int format = 0, answer = 0;
	int64_t quality = 0;
	if (!param_choice(rq, "output_format", formats, &format, e) ||
	    !param_choice(rq, "response_format", answers, &answer, e) ||
	    !param_int(rq, "output_compression", 0, 100, &quality, e))
		return false;
	f->order.format = (enum image_format)(IMAGE_FORMAT_PNG + format);
	f->order.url = answer == 1;
	if (!param_given(rq, "output_compression"))
		return true;
	if (format == 0 && quality != 100)
		return openai_fail(rq, "output_compression", e,
				   "PNG has no quality; ask for jpeg or webp");
	if (f->order.url)
		return openai_fail(rq, "output_compression", e,
				   "goes with response_format b64_json only");
	f->order.quality = format == 0 ? 0 : quality < 1 ? 1 : (int)quality;
	return true;
}

static bool read_stream(struct http_request *rq, struct form *f, struct err *e)
{
	int64_t partials = 0;
	if (!param_bool(rq, "stream", &f->stream, e) ||
	    !param_int(rq, "partial_images", 0, WAITING_PARTIALS_MAX, &partials, e))
		return false;
	if (partials && !f->stream)
		return openai_fail(rq, "partial_images", e, "goes with stream only");
	if (f->stream && f->order.url)
		return openai_fail(rq, "response_format", e,
				   "a stream carries the pictures themselves");
	f->order.partials = (int)partials;
	return true;
}

static bool read_region(struct http_request *rq, double region[4], struct err *e)
{
	const char **texts;
	size_t n;
	if (!param_texts(rq, "region", 4, 32, &texts, &n, e))
		return false;
	bool ok = n == 0 || n == 4;
	for (size_t i = 0; ok && i < n; i++)
		ok = str_to_double(texts[i], 0, 1, &region[i]);
	return ok || openai_fail(rq, "region", e,
				 "must be four numbers from 0 to 1: x, y, width, height");
}

static bool read_controls(struct http_request *rq, struct form *f, struct err *e)
{
	const struct maker_info *m = f->maker;
	struct app_job_new *j = &f->job;
	const char *ignored = NULL, *key = http_request_header(rq, "Idempotency-Key");
	bool known = !m->styles_count;
	if (!param_text(rq, "style", 64, &j->style, e) ||
	    !param_int(rq, "seed", 0, UINT32_MAX, &j->seed, e) ||
	    !param_real(rq, "guidance", 0, 20, &j->guidance, e) ||
	    !param_real(rq, "strength", 0, 1, &j->strength, e) || !read_region(rq, j->region, e) ||
	    !param_id(rq, "programme_id", &j->programme_id, e) ||
	    !param_text(rq, "user", PARAM_TEXT_MAX, &ignored, e) ||
	    !param_text(rq, "safety_identifier", PARAM_TEXT_MAX, &ignored, e))
		return false;
	j->has_seed = param_given(rq, "seed");
	j->style = j->style && *j->style ? j->style : NULL;
	j->idempotency_key = key && *key && strlen(key) <= 200 ? key : NULL;
	for (size_t i = 0; j->style && i < m->styles_count; i++)
		known = known || !strcmp(m->styles[i], j->style);
	if (j->style && (!m->has_style || !known))
		return openai_fail(rq, "style", e, "\"%.40s\" is not a style of %s", j->style,
				   m->name);
	if (j->has_seed && !m->has_seed)
		return openai_fail(rq, "seed", e, "is not something %s can honour", m->name);
	if (param_given(rq, "guidance") && !m->has_guidance)
		return openai_fail(rq, "guidance", e, "is not something %s can honour", m->name);
	if (param_given(rq, "strength") && m->remote)
		return openai_fail(rq, "strength", e, "is not something %s can honour", m->name);
	if (param_given(rq, "region") && !m->has_region)
		return openai_fail(rq, "region", e, "is not something %s can honour", m->name);
	return true;
}

static bool check_maker(struct http_request *rq, struct app *app, const struct form *f,
			struct err *e)
{
	static const char *const names[] = {"draw", "restyle", "vary pictures", "edit pictures"};
	const struct maker_info *m = f->maker;
	bool given = true;
	if (!m->tasks[f->job.task])
		return openai_fail(rq, "model", e, "%s cannot %s", m->name, names[f->job.task]);
	/* Whoever can vary any picture can read pictures that it has not made itself. */
	if (f->job.task != STORE_JOB_DRAW && !m->tasks[MAKER_VARY])
		return openai_fail(rq, "image", e, "%s cannot read pictures", m->name);
	if (m->remote && !app_consent_get(app, m->id, &given, e))
		return false;
	return given ||
	       err_set(e, ERR_FORBIDDEN,
		       "%s draws on %s: allow your prompts to go there first, in the studio",
		       m->name, m->host);
}

static bool read_form(struct http_request *rq, struct app *app, unsigned where, struct form *f,
		      struct err *e)
{
	const char *model = NULL;
	int64_t n = 1;
	*f = (struct form){.job = {.strength = 0.5, .task = STORE_JOB_DRAW}};
	if (!check_parameters(rq, where, e) || !param_text(rq, "model", 200, &model, e))
		return false;
	f->maker = openai_maker(rq, app, model, e);
	if (!f->maker || !param_int(rq, "n", 1, f->maker->count_max, &n, e))
		return false;
	f->job.maker = f->maker->id;
	f->job.model = f->maker->model;
	f->job.count = (int)n;
	f->job.task = where == GENERATE ? STORE_JOB_DRAW
		      : where == EDIT   ? STORE_JOB_EDIT
					: STORE_JOB_VARY;
	f->job.prompt = "";
	f->order.edit = where == EDIT;
	size_t prompt_max = (size_t)f->maker->prompt_length_max;
	size_t ours_max = (size_t)app_core_config(app->core)->prompt_characters_max;
	if (where != VARY &&
	    !param_text_required(rq, "prompt", prompt_max < ours_max ? prompt_max : ours_max,
				 &f->job.prompt, e))
		return false;
	return read_size(rq, f, e) && read_format(rq, f, e) && read_stream(rq, f, e) &&
	       read_controls(rq, f, e) && check_maker(rq, app, f, e);
}

/* --- the pictures to start from: each becomes one of the account's own, as if it had been uploaded --- */

struct taken {
	int64_t ids[MAKER_SOURCES_MAX + 1];
	size_t count;
	int64_t width, height; /* of the first */
};

/* Nobody asked for it to be kept, so what was refused goes again. */
static void put_back(struct app *app, const struct taken *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct err ignored = {0};
		if (!app_media_delete(app, t->ids[i], &ignored))
			log_warn("openai.put_back", LOG_ERR(&ignored));
	}
}

static bool take_one(struct http_request *rq, struct app *app, const char *name,
		     const struct http_upload *file, struct taken *t, struct store_media *out,
		     struct err *e)
{
	struct media_processed *done = ARENA_NEW(rq->arena, struct media_processed);
	if (!media_process(api_of(rq)->media, file->fd, done, e)) {
		if (e->code == ERR_INVALID)
			openai_fail(rq, name, e,
				    "is not a picture that can be read (PNG, JPEG, WebP or GIF)");
		return false;
	}
	if (!app_media_upload(app, done, NULL, NULL, out, e))
		return false;
	t->ids[t->count++] = out->id;
	return true;
}

static bool take_mask(struct http_request *rq, struct app *app, struct form *f, struct taken *t,
		      struct err *e)
{
	const struct http_upload *file = NULL;
	struct store_media mask;
	if (!param_file(rq, "mask", &file, e))
		return false;
	if (!file)
		return true;
	const char *type = media_type_of(file->fd);
	if (!type || strcmp(type, "image/png") != 0)
		return openai_fail(rq, "mask", e, "must be a PNG");
	if (!take_one(rq, app, "mask", file, t, &mask, e))
		return false;
	if (mask.width != t->width || mask.height != t->height)
		return openai_fail(
		    rq, "mask", e,
		    "must be as large as the first picture: %lldx%lld, not %lldx%lld",
		    (long long)t->width, (long long)t->height, (long long)mask.width,
		    (long long)mask.height);
	if (!mask.transparent)
		return openai_fail(
		    rq, "mask", e,
		    "must be transparent where the picture is to change; it is opaque everywhere");
	f->job.mask_id = mask.id;
	return true;
}

/* What the maker cannot honour is refused before anything is stored. */
static bool check_pictures(struct http_request *rq, const struct form *f, size_t count,
			   struct err *e)
{
	const struct maker_info *m = f->maker;
	size_t max =
	    f->job.task == STORE_JOB_EDIT && m->sources_max > 1 ? (size_t)m->sources_max : 1;
	if (!count)
		return openai_fail(rq, "image", e, "a picture is missing");
	if (count > max)
		return openai_fail(rq, "image", e,
				   max == 1 ? "%s takes one picture at a time"
					    : "%s takes at most %zu pictures at a time",
				   m->name, max);
	if (param_given(rq, "mask") && !m->has_mask)
		return openai_fail(rq, "mask", e, "is not something %s can honour", m->name);
	if (param_given(rq, "mask") && param_given(rq, "region"))
		return openai_fail(rq, "region", e, "does not go with a mask");
	return true;
}

static bool take_pictures(struct http_request *rq, struct app *app, struct form *f, struct taken *t,
			  struct err *e)
{
	size_t count = 0;
	for (size_t i = 0; i < rq->params_count; i++)
		count += !strcmp(rq->params[i].name, "image");
	if (!check_pictures(rq, f, count, e))
		return false;
	for (size_t i = 0; i < rq->params_count; i++) {
		const struct http_param *p = &rq->params[i];
		struct store_media out;
		if (strcmp(p->name, "image"))
			continue;
		if (!p->file)
			return openai_fail(rq, "image", e, "must be a file");
		if (!take_one(rq, app, "image", p->file, t, &out, e))
			return false;
		if (t->count == 1) {
			t->width = out.width;
			t->height = out.height;
		}
		f->order.input_image_tokens += openai_picture_tokens(api_of(rq), &out);
	}
	f->job.source_media_id = t->ids[0];
	f->job.further_count = t->count - 1;
	int64_t *further = ARENA_ARRAY(rq->arena, int64_t, t->count);
	if (!further)
		return err_set(e, ERR_NO_MEMORY, "too many pictures");
	for (size_t i = 1; i < t->count; i++)
		further[i - 1] = t->ids[i];
	f->job.further_ids = further;
	return take_mask(rq, app, f, t, e);
}

static bool submit(struct http_request *rq, struct http_response *rs, struct app *app,
		   struct form *f, struct err *e)
{
	struct app_job job;
	if (!app_job_submit(app, &f->job, &job, e)) {
		quota_refused(rq, rs, app, f->job.count, e);
		if (!strcmp(rq->error_field, "count"))
			snprintf(rq->error_field, sizeof rq->error_field, "n");
		if (!strcmp(rq->error_field, "further_ids"))
			snprintf(rq->error_field, sizeof rq->error_field, "image");
		return false;
	}
	f->order.job_id = job.row.id;
	f->first_id = job.row.source_media_id;
	return true;
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   struct form *f, struct err *e)
{
	if (!quota_headers(rs, app, e))
		return false;
	f->order.account_id = app->account_id;
	if (!app_queue_cost(app, f->job.maker, &f->order.cost, e))
		return false;
	f->order.input_text_tokens = openai_text_tokens(f->job.prompt);
	if (f->stream)
		waiting_stream(api_of(rq)->waiting, &f->order, rs);
	else
		waiting_park(api_of(rq)->waiting, &f->order, rq, rs);
	return true;
}

bool api_image_generate(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct form f;
	return read_form(rq, &app, GENERATE, &f, e) && submit(rq, rs, &app, &f, e) &&
	       answer(rq, rs, &app, &f, e);
}

static bool change(struct http_request *rq, struct http_response *rs, unsigned where, struct err *e)
{
	struct app app = api_app(rq);
	struct form f;
	struct taken taken = {0};
	if (!read_form(rq, &app, where, &f, e))
		return false;
	bool ok = take_pictures(rq, &app, &f, &taken, e) && submit(rq, rs, &app, &f, e);
	if (!ok || f.first_id != taken.ids[0]) /* asked for again under the same key */
		put_back(&app, &taken);
	return ok && answer(rq, rs, &app, &f, e);
}

bool api_image_edit(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return change(rq, rs, EDIT, e);
}

bool api_image_vary(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return change(rq, rs, VARY, e);
}
