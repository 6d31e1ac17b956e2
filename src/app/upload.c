/* Uploads that are processed behind the answer. Any thread; no state. What must stay true: a row of uploads goes in
 * the transaction in which its media becomes ready or fails, and never twice. Both sides lock uploads first, then
 * media, so that processing and deleting do not wait for each other in a circle. */
#include "app/upload.h"

#include "app/private.h"

enum { TRIES_MAX = 4, RETRY_MS = 5 * 1000 };

static const char GAVE_UP[] = "The upload could not be processed. Please upload it again.";

static bool check_room(struct app *app, struct err *e)
{
	const struct app_config *config = &app->core->config;
	int64_t own = 0, all = 0;
	if (!store_upload_counts(app->db, app->account_id, &own, &all, e))
		return false;
	if (own >= config->uploads_waiting_own_max)
		return err_set(
		    e, ERR_LIMIT,
		    "%lld of your uploads are still being processed: wait until they are done",
		    (long long)own);
	return all < config->uploads_waiting_max ||
	       err_set(e, ERR_BUSY,
		       "Too many uploads are being processed now: try again in a moment");
}

bool app_upload_admit(struct app *app, struct err *e)
{
	return app_need_account(app, e) && check_room(app, e);
}

struct add_call {
	struct store_media *media;
	const char *hash;
};

static bool add(struct app *w, void *context, struct err *e)
{
	const struct add_call *call = context;
	const struct store_upload row = {
	    .media_id = call->media->id, .account_id = w->account_id, .hash = call->hash};
	return check_room(w, e) && store_media_insert(w->db, call->media, e) &&
	       store_upload_insert(w->db, &row, w->now_ms, e);
}

static bool forget(struct app *w, void *context, struct err *e)
{
	return store_object_unnamed(w->db, context, w->now_ms, e);
}

bool app_upload_add(struct app *app, const struct app_upload_new *form, struct store_media *out,
		    struct err *e)
{
	const struct store_media m = {.state = STORE_MEDIA_PENDING,
				      .kind = STORE_MEDIA_IMAGE,
				      .type = form->type,
				      .size_bytes = form->size_bytes,
				      .description = form->description,
				      .focus_x = form->focus[0],
				      .focus_y = form->focus[1]};
	struct add_call call = {.media = out, .hash = form->hash};
	if (app_media_fill(app, &m, out, e) && app_write(app, add, &call, e))
		return true;
	struct err ignored = {0}; /* the first one counts */
	(void)!app_write(app, forget, (void *)form->hash, &ignored);
	return false;
}

/* --- processing --- */

struct claim_call {
	const char *worker;
	int64_t lease_ms;
	struct store_upload upload;
	bool claimed;
};

static bool claim(struct app *w, void *context, struct err *e)
{
	struct claim_call *call = context;
	return store_upload_claim(w->db, w->arena, call->worker, w->now_ms,
				  w->now_ms + call->lease_ms, &call->upload, &call->claimed, e);
}

bool app_upload_claim(struct app *app, const char *worker, int64_t lease_ms,
		      struct store_upload *out, bool *claimed, struct err *e)
{
	struct claim_call call = {.worker = worker, .lease_ms = lease_ms};
	bool due;
	*claimed = false;
	if (!store_upload_due(app->db, app->now_ms, &due, e))
		return false;
	if (due && !app_write(app, claim, &call, e))
		return false;
	*out = call.upload;
	*claimed = call.claimed;
	if (!call.claimed || call.upload.attempts <= TRIES_MAX)
		return true;
	*claimed = false; /* it has ended everybody who tried */
	return app_upload_failed(app, &call.upload, GAVE_UP, e);
}

struct end_call {
	int64_t media_id;
	struct store_media media;
};

static bool end(struct app *w, void *context, struct err *e)
{
	struct end_call *call = context;
	struct store_media *m = &call->media;
	struct err gone = {0};
	if (!store_upload_delete(w->db, w->arena, call->media_id, w->now_ms, e))
		return false;
	m->id = call->media_id;
	if (store_media_set_result(w->db, m, &gone))
		return true;
	*e = gone;
	return gone.code == ERR_CONFLICT && store_object_unnamed(w->db, m->hash, w->now_ms, e) &&
	       store_object_unnamed(w->db, m->thumbnail_hash, w->now_ms, e);
}

bool app_upload_done(struct app *app, const struct store_upload *upload,
		     const struct media_processed *done, struct err *e)
{
	struct end_call call = {.media_id = upload->media_id, .media = app_media_of(done)};
	return app_write(app, end, &call, e);
}

bool app_upload_failed(struct app *app, const struct store_upload *upload, const char *message,
		       struct err *e)
{
	struct end_call call = {.media_id = upload->media_id,
				.media = {.state = STORE_MEDIA_FAILED,
					  .kind = STORE_MEDIA_IMAGE,
					  .type = "application/octet-stream",
					  .error_message = message}};
	return app_write(app, end, &call, e);
}

static bool later(struct app *w, void *context, struct err *e)
{
	const struct store_upload *upload = context;
	return store_upload_postpone(w->db, upload->media_id,
				     w->now_ms + ((int64_t)RETRY_MS << (2 * upload->attempts - 2)),
				     e);
}

bool app_upload_later(struct app *app, const struct store_upload *upload, struct err *e)
{
	if (upload->attempts >= TRIES_MAX)
		return app_upload_failed(app, upload, GAVE_UP, e);
	return app_write(app, later, (void *)upload, e);
}

struct take_back_call {
	const char *worker;
	int64_t count;
};

static bool take_back(struct app *w, void *context, struct err *e)
{
	struct take_back_call *call = context;
	return store_upload_take_back(w->db, call->worker, w->now_ms, &call->count, e);
}

bool app_upload_take_back(struct app *app, const char *worker, int64_t *count, struct err *e)
{
	struct take_back_call call = {.worker = worker};
	bool ok = app_write(app, take_back, &call, e);
	*count = call.count;
	return ok;
}
