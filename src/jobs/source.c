/* Reads what a job starts from: the tokens where the same model made the picture, its pixels otherwise. Runs
 * on the drawing thread, as the program: who may remix what was decided when the job was submitted. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs/parts.h"

enum { SOURCE_MAX_BYTES = 64 << 20 };

bool source_read_object(struct media_store *media, struct arena *a, const char *hash, char **bytes,
			size_t *length, struct err *e)
{
	int fd;
	uint64_t size;
	if (!media_open(media, hash, &fd, &size, e))
		return false;
	*bytes = size <= SOURCE_MAX_BYTES ? arena_try(a, 1, size + 1) : NULL;
	*length = 0;
	ssize_t n = 1;
	while (*bytes && *length < size && n > 0) {
		n = read(fd, *bytes + *length, size - *length);
		*length += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (!*bytes)
		return err_set(e, ERR_TOO_LARGE, "the source picture is too large");
	return *length == size || err_set(e, ERR_IO, "the source picture cannot be read");
}

static bool find(struct app *app, const struct store_job *job, struct store_media *m, struct err *e)
{
	if (job->source_media_id)
		return store_media_get(app->db, app->arena, job->source_media_id, m, e);
	struct store_media *items;
	size_t n;
	if (!store_media_of_posts(app->db, app->arena, &job->source_post_id, 1, &items, &n, e))
		return false;
	if (!n)
		return err_set(e, ERR_NOT_FOUND, "the source picture is gone");
	*m = items[0];
	return true;
}

static bool read_picture(struct media_store *media, struct arena *a, const struct store_media *m,
			 struct image *out, struct err *e)
{
	char *bytes;
	size_t length;
	if (!m->hash)
		return err_set(e, ERR_NOT_FOUND, "the source picture is gone");
	return source_read_object(media, a, m->hash, &bytes, &length, e) &&
	       image_decode(a, bytes, length, NULL, out, e);
}

static bool read_mask(struct media_store *media, struct arena *a, const struct store_media *m,
		      struct maker_request *q, struct err *e)
{
	char *bytes;
	size_t length;
	if (!source_read_object(media, a, m->hash, &bytes, &length, e) ||
	    !image_decode_alpha(a, bytes, length, &q->mask, e))
		return false;
	return (q->mask.width == q->source->width && q->mask.height == q->source->height) ||
	       err_set(e, ERR_INVALID, "the mask is not as large as the picture");
}

/* A job that asked for more than its source is drawn with all of it, or not at all. */
static bool load_besides(struct media_store *media, struct app *app, const struct store_job *job,
			 struct maker_request *q, struct err *e)
{
	struct store_job_source rows[STORE_JOB_FURTHER_MAX + 1];
	struct store_media m;
	size_t count;
	if (!store_job_sources(app->db, job->id, rows, &count, e))
		return false;
	struct image *further = arena_alloc(app->arena, (count + 1) * sizeof *further);
	for (size_t i = 0; i < count; i++) {
		bool mask = rows[i].position == STORE_JOB_MASK;
		struct err why = {0};
		if (!store_media_get(app->db, app->arena, rows[i].media_id, &m, &why)) {
			*e = why;
			return why.code != ERR_NOT_FOUND
				   ? false
				   : err_set(e, ERR_NOT_FOUND, "%s is gone",
					     mask ? "the mask" : "one of the pictures");
		}
		if (mask ? !read_mask(media, app->arena, &m, q, e)
			 : !read_picture(media, app->arena, &m, &further[q->further_count++], e))
			return false;
	}
	q->further = further;
	return ((int)q->further_count == job->further && (q->mask.alpha != NULL) == job->masked) ||
	       err_set(e, ERR_INTERNAL, "the job's pictures are not all there");
}

bool source_load(struct media_store *media, struct app *app, const struct store_job *job,
		 const struct maker_info *info, struct maker_request *q, struct err *e)
{
	struct store_media m;
	char *bytes;
	size_t length;
	bool besides = job->further || job->masked;
	if (!job->source_media_id && !job->source_post_id)
		return true;
	if (!find(app, job, &m, e))
		return false;
	q->source_style = m.style;
	q->source_prompt = m.prompt;
	if (job->task == STORE_JOB_RESTYLE && !*job->prompt)
		q->language = app_job_language(app, job);
	if (!besides && m.tokens_hash && m.model && info->model && !strcmp(m.model, info->model)) {
		if (!source_read_object(media, app->arena, m.tokens_hash, &bytes, &length, e))
			return false;
		q->source_tokens = (const int32_t *)(void *)bytes;
		q->source_token_count = length / sizeof(int32_t);
		return true;
	}
	struct image *image = ARENA_NEW(app->arena, struct image);
	q->source = image;
	return read_picture(media, app->arena, &m, image, e) &&
	       (!besides || load_besides(media, app, job, q, e));
}
