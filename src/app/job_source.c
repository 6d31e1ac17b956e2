/* What a drawing begins with: a picture of one's own or of a post that may be remixed, further pictures of one's own,
 * and a mask. Any thread; no state. What must stay true: what is not one's own comes in as the first picture only,
 * where its post is remembered as what was remixed. */
#include "app/private.h"

enum { PIXELS_MAX = 64 << 20 }; /* of all pictures that one job sends */

static bool first_picture(const struct app_post *post, int64_t media_id,
			  const struct store_media **found)
{
	for (size_t i = 0; i < post->media_count; i++) {
		const struct store_media *m = &post->media[i];
		if (m->kind == STORE_MEDIA_IMAGE && m->state == STORE_MEDIA_READY &&
		    (!media_id || m->id == media_id)) {
			*found = m;
			return true;
		}
	}
	return false;
}

/* The picture to start from: one's own, or one of a post that may be remixed. */
static bool check_first(struct app *app, const struct app_job_new *form, struct store_job *job,
			struct err *e)
{
	struct store_media media;
	struct app_post post;
	const struct store_media *picture;
	int64_t post_id = form->source_post_id;
	if (!form->source_media_id && !post_id)
		return true;
	if (form->source_media_id) {
		if (!store_media_get(app->db, app->arena, form->source_media_id, &media, e))
			return false;
		if (media.kind != STORE_MEDIA_IMAGE || media.state != STORE_MEDIA_READY)
			return err_set(e, ERR_INVALID,
				       "Validation failed: source is not a finished picture");
		job->source_media_id = media.id;
		if (media.account_id == app->account_id && !media.post_id) {
			job->source_post_id =
			    media.source_post_id; /* a draft of a remix: the same parent */
			return true;
		}
		post_id = media.post_id;
	}
	if (!post_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!app_post_for_remix(app, post_id, &post, e))
		return false;
	const struct app_post *shown = post.boost_of ? post.boost_of : &post;
	if (!first_picture(shown, job->source_media_id, &picture))
		return err_set(e, ERR_INVALID, "Validation failed: source has no picture");
	job->source_media_id = picture->id;
	job->source_post_id = shown->row.id;
	return true;
}

/* One of the account's own, finished. */
static bool own_picture(struct app *app, const char *field, int64_t id, struct store_media *out,
			struct err *e)
{
	if (!store_media_get(app->db, app->arena, id, out, e))
		return false;
	if (out->account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return (out->kind == STORE_MEDIA_IMAGE && out->state == STORE_MEDIA_READY && out->hash) ||
	       err_set(e, ERR_INVALID, "Validation failed: %s is not a finished picture", field);
}

static bool check_mask(struct app *app, const struct app_job_new *form,
		       const struct store_media *first, struct err *e)
{
	struct store_media mask;
	if (form->region[2] > 0 || form->region[3] > 0)
		return err_set(e, ERR_INVALID,
			       "Validation failed: mask_id and region exclude each other");
	if (!own_picture(app, "mask_id", form->mask_id, &mask, e))
		return false;
	if (mask.width != first->width || mask.height != first->height)
		return err_set(e, ERR_INVALID,
			       "Validation failed: mask_id must be as large as the picture, "
			       "%lldx%lld, not %lldx%lld",
			       (long long)first->width, (long long)first->height,
			       (long long)mask.width, (long long)mask.height);
	return mask.transparent ||
	       err_set(e, ERR_INVALID,
		       "Validation failed: mask_id must be transparent where the picture is to "
		       "change; this one is opaque everywhere");
}

static bool check_besides(struct app *app, const struct app_job_new *form, struct store_job *job,
			  struct err *e)
{
	struct store_media first, other;
	int64_t pixels;
	if (!form->further_count && !form->mask_id)
		return true;
	if (form->task != STORE_JOB_EDIT)
		return err_set(e, ERR_INVALID, "Validation failed: %s goes with the task edit only",
			       form->further_count ? "further_ids" : "mask_id");
	if (form->further_count > STORE_JOB_FURTHER_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: further_ids: at most %d",
			       STORE_JOB_FURTHER_MAX);
	if (!store_media_get(app->db, app->arena, job->source_media_id, &first, e))
		return false;
	pixels = first.width * first.height;
	for (size_t i = 0; i < form->further_count; i++) {
		if (!own_picture(app, "further_ids", form->further_ids[i], &other, e))
			return false;
		pixels += other.width * other.height;
	}
	if (pixels > PIXELS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: further_ids: all pictures together may have %d "
			       "megapixels",
			       PIXELS_MAX >> 20);
	job->further = (int)form->further_count;
	job->masked = form->mask_id != 0;
	return !job->masked || check_mask(app, form, &first, e);
}

bool app_job_source_check(struct app *app, const struct app_job_new *form, struct store_job *job,
			  struct err *e)
{
	return check_first(app, form, job, e) && check_besides(app, form, job, e);
}

bool app_job_sources_insert(struct app *w, const struct app_job_new *form, int64_t job_id,
			    struct err *e)
{
	struct store_job_source one = {.position = STORE_JOB_MASK, .media_id = form->mask_id};
	if (form->mask_id && !store_job_source_insert(w->db, job_id, &one, e))
		return false;
	for (size_t i = 0; i < form->further_count; i++) {
		one = (struct store_job_source){.position = (int)i + 1,
						.media_id = form->further_ids[i]};
		if (!store_job_source_insert(w->db, job_id, &one, e))
			return false;
	}
	return true;
}

bool app_job_sources_again(struct app *app, const struct store_job *job, struct app_job_new *form,
			   struct err *e)
{
	struct store_job_source rows[STORE_JOB_FURTHER_MAX + 1];
	size_t count = 0;
	form->source_media_id = job->source_media_id;
	if ((job->further || job->masked) && !store_job_sources(app->db, job->id, rows, &count, e))
		return false;
	int64_t *further = arena_alloc(app->arena, (count + 1) * sizeof *further);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].position == STORE_JOB_MASK)
			form->mask_id = rows[i].media_id;
		else
			further[form->further_count++] = rows[i].media_id;
	}
	form->further_ids = further;
	return true;
}

/* *out NULL: it is gone. */
static bool look(struct app *app, int64_t id, const struct store_media **out, struct err *e)
{
	struct store_media *m = ARENA_NEW(app->arena, struct store_media);
	struct err missing = {0};
	*out = NULL;
	if (store_media_get(app->db, app->arena, id, m, &missing)) {
		m->prompt = m->account_id == app->account_id ? m->prompt : NULL;
		*out = m;
		return true;
	}
	*e = missing;
	return missing.code == ERR_NOT_FOUND;
}

bool app_job_sources_fill(struct app *app, struct app_job *job, struct err *e)
{
	struct store_job_source rows[STORE_JOB_FURTHER_MAX + 1];
	size_t count;
	if (!job->row.source_media_id)
		return true;
	if (!look(app, job->row.source_media_id, &job->source, e))
		return false;
	if (!job->row.further && !job->row.masked)
		return true;
	if (!store_job_sources(app->db, job->row.id, rows, &count, e))
		return false;
	struct store_media *further = arena_alloc(app->arena, (count + 1) * sizeof *further);
	for (size_t i = 0; i < count; i++) {
		const struct store_media *m;
		if (!look(app, rows[i].media_id, &m, e))
			return false;
		if (rows[i].position == STORE_JOB_MASK)
			job->mask = m;
		else if (m)
			further[job->further_count++] = *m;
	}
	job->further = further;
	return true;
}
