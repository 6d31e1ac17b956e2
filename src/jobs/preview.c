/* What a picture looks like so far, between processes: its tokens as text, decoded where somebody watches. Telling
 * happens on the drawing thread, hearing on the thread that heard; the decoding there is some milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "jobs/parts.h"
#include "json/read.h"
#include "json/write.h"

enum { TEXT_MAX_BYTES = 256 << 10, TOKENS_MAX = 16384, ARENA_CAP = 64 << 20 };

void preview_tell(struct jobs *j, int64_t job_id, const char *maker, int index, double progress,
		  const int32_t *tokens, size_t count)
{
	const struct jobs_hooks *h = &j->options.hooks;
	struct buf text, packed;
	struct json_writer w;
	struct err e = {0};
	if (count > TOKENS_MAX)
		return;
	buf_init(&text, TEXT_MAX_BYTES);
	buf_init(&packed, TEXT_MAX_BYTES);
	codec_base64(&packed, tokens, count * sizeof *tokens);
	json_begin(&w, &text);
	json_put_object(&w, NULL);
	json_put_id(&w, "job", job_id);
	json_put_str(&w, "maker", maker);
	json_put_int(&w, "index", index);
	json_put_real(&w, "progress", progress);
	json_put_str(&w, "tokens", packed.data);
	json_put_end(&w);
	if (json_finish(&w, &e)) {
		h->tell(h->context, text.data);
		pthread_mutex_lock(&j->lock);
		j->stats.tokens_told++;
		pthread_mutex_unlock(&j->lock);
	}
	buf_finish(&packed);
	buf_finish(&text);
}

static void remember(struct jobs *j, int64_t job_id, double progress)
{
	pthread_mutex_lock(&j->lock);
	size_t at = 0;
	while (at < HEARD_MAX && j->heard[at].job_id != job_id)
		at++;
	if (at == HEARD_MAX)
		at = j->heard_next++ % HEARD_MAX;
	j->heard[at] = (struct heard){job_id, progress};
	pthread_mutex_unlock(&j->lock);
}

/* Only progress can be shown where the model is not here. */
static void show(struct jobs *j, struct arena *a, const struct json_value *v, int64_t job_id,
		 double progress)
{
	const struct jobs_hooks *h = &j->options.hooks;
	struct maker *m = fleet_maker(j->fleet, json_get_str(v, "maker", ""));
	const char *packed = json_get_str(v, "tokens", "");
	struct image image;
	struct buf bytes;
	struct err e = {0};
	double rows = 0;
	buf_init(&bytes, TOKENS_MAX * sizeof(int32_t));
	bool ok = m && codec_base64_decode(&bytes, packed, strlen(packed)) &&
		  bytes.length % sizeof(int32_t) == 0;
	size_t count = ok ? bytes.length / sizeof(int32_t) : 0;
	int32_t *tokens = arena_alloc(a, (count + 1) * sizeof *tokens);
	if (count)
		memcpy(tokens, bytes.data, count * sizeof *tokens);
	buf_finish(&bytes);
	ok = count && maker_decode(m, a, tokens, count, &image, &rows, &e);
	if (!ok && e.code != ERR_NONE && e.code != ERR_UNSUPPORTED)
		log_warn("preview.decode", LOG_INT("job", job_id), LOG_ERR(&e));
	int64_t index = json_get_int(v, "index", 0);
	h->seen(h->context, job_id, index >= 0 && index < MAKER_PICTURES_MAX ? (int)index : 0,
		progress, ok ? &image : NULL, rows);
}

void jobs_heard(struct jobs *j, const char *text)
{
	const struct jobs_hooks *h = &j->options.hooks;
	struct arena *a = arena_create(ARENA_CAP);
	const struct json_value *v;
	struct err e = {0};
	int64_t job_id = 0;
	if (!json_parse(a, text, strlen(text), NULL, &v, &e) ||
	    !id_parse(json_get_str(v, "job", ""), &job_id)) {
		log_warn("preview.text", LOG_ERR(&e));
	} else {
		double progress = json_get_number(v, "progress", 0);
		progress = progress >= 0 && progress <= 1 ? progress : 0;
		remember(j, job_id, progress);
		if (h->watched && h->seen && h->watched(h->context, job_id))
			show(j, a, v, job_id, progress);
	}
	arena_destroy(a);
}
