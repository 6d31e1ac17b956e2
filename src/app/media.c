/* Media of one's own. Any thread; no state. */
#include "app/media.h"

#include "app/private.h"
#include "base/id.h"

#include <string.h>

enum { DESCRIPTION_MAX_CHARACTERS = 1500 };

static bool insert(struct app *w, void *context, struct err *e)
{
	return store_media_insert(w->db, context, e);
}

bool app_media_fill(struct app *app, const struct store_media *media, struct store_media *out,
		    struct err *e)
{
	if (!app_need_account(app, e) ||
	    (media->description &&
	     !app_check_text("description", media->description, DESCRIPTION_MAX_CHARACTERS, e)))
		return false;
	*out = *media;
	out->id = id_new();
	out->account_id = app->account_id;
	out->post_id = 0;
	out->created_at = app->now_ms;
	if (!out->description)
		out->description = "";
	return true;
}

bool app_media_create(struct app *app, const struct store_media *media, struct store_media *out,
		      struct err *e)
{
	return app_media_fill(app, media, out, e) && app_write(app, insert, out, e);
}

struct store_media app_media_of(const struct media_processed *done)
{
	return (struct store_media){.state = STORE_MEDIA_READY,
				    .kind = STORE_MEDIA_IMAGE,
				    .type = done->type,
				    .hash = done->hash,
				    .size_bytes = done->size_bytes,
				    .width = done->width,
				    .height = done->height,
				    .thumbnail_hash = done->thumbnail_hash,
				    .thumbnail_type = done->thumbnail_type,
				    .thumbnail_width = done->thumbnail_width,
				    .thumbnail_height = done->thumbnail_height,
				    .blurhash = done->blurhash,
				    .transparent = done->transparent};
}

bool app_media_upload(struct app *app, const struct media_processed *done, const char *description,
		      const double focus[2], struct store_media *out, struct err *e)
{
	struct store_media m = app_media_of(done);
	m.description = description;
	m.focus_x = focus ? focus[0] : 0;
	m.focus_y = focus ? focus[1] : 0;
	return app_media_create(app, &m, out, e);
}

bool app_media_get(struct app *app, int64_t id, struct store_media *out, struct err *e)
{
	if (!app_need_account(app, e) || !store_media_get(app->db, app->arena, id, out, e))
		return false;
	return out->account_id == app->account_id || err_set(e, ERR_NOT_FOUND, "Record not found");
}

static bool describe(struct app *w, void *context, struct err *e)
{
	const struct store_media *m = context;
	return store_media_describe(w->db, m->id, m->description, m->focus_x, m->focus_y, e);
}

bool app_media_describe(struct app *app, int64_t id, const char *description, const double focus[2],
			struct store_media *out, struct err *e)
{
	if (!app_media_get(app, id, out, e))
		return false;
	if (description &&
	    !app_check_text("description", description, DESCRIPTION_MAX_CHARACTERS, e))
		return false;
	if (focus && !(focus[0] >= -1 && focus[0] <= 1 && focus[1] >= -1 && focus[1] <= 1))
		return err_set(e, ERR_INVALID,
			       "Validation failed: focus must be two numbers from -1 to 1");
	if (description)
		out->description = description;
	if (focus) {
		out->focus_x = focus[0];
		out->focus_y = focus[1];
	}
	return app_write(app, describe, out, e);
}

static bool delete (struct app *w, void *context, struct err *e)
{
	return store_media_delete(w->db, w->arena, *(int64_t *)context, w->now_ms, e);
}

bool app_media_delete(struct app *app, int64_t id, struct err *e)
{
	struct store_media media;
	struct err later = {0};
	bool more = false;
	if (!app_media_get(app, id, &media, e))
		return false;
	if (media.post_id)
		return err_set(e, ERR_INVALID, "Media attachment is currently used by a status");
	if (!app_write(app, delete, &id, e))
		return false;
	(void)!app_trash_empty(app, &more, &later); /* what cannot go now goes with app_tick */
	return true;
}
