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

bool source_load(struct media_store *media, struct app *app, const struct store_job *job,
		 const struct maker_info *info, struct maker_request *q, struct err *e)
{
	struct store_media m;
	char *bytes;
	size_t length;
	if (!job->source_media_id && !job->source_post_id)
		return true;
	if (!find(app, job, &m, e))
		return false;
	q->source_style = m.style;
	q->source_prompt = m.prompt;
	if (m.tokens_hash && m.model && info->model && !strcmp(m.model, info->model)) {
		if (!source_read_object(media, app->arena, m.tokens_hash, &bytes, &length, e))
			return false;
		q->source_tokens = (const int32_t *)(void *)bytes;
		q->source_token_count = length / sizeof(int32_t);
		return true;
	}
	if (!m.hash)
		return err_set(e, ERR_NOT_FOUND, "the source picture is gone");
	if (!source_read_object(media, app->arena, m.hash, &bytes, &length, e))
		return false;
	struct image *image = ARENA_NEW(app->arena, struct image);
	q->source = image;
	return image_decode(app->arena, bytes, length, NULL, image, e);
}
