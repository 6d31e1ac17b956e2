/* Notices: telling, listing, reading. No state; any thread. */
#include "app/notice.h"

#include "app/private.h"
#include "base/id.h"

bool app_notice(struct app *w, int64_t account_id, const char *kind, const char *text,
		int64_t target_id, struct err *e)
{
	const struct store_notice n = {.id = id_new(),
				       .account_id = account_id,
				       .kind = kind,
				       .text = text,
				       .target_id = target_id,
				       .created_at = w->now_ms};
	return store_notice_insert(w->db, &n, e);
}

bool app_notice_list(struct app *app, const struct store_page *page, struct store_notice *out,
		     size_t *found, struct err *e)
{
	return app_need_account(app, e) &&
	       store_notice_list(app->db, app->arena, app->account_id, page, out, found, e);
}

static bool mark_read(struct app *w, void *context, struct err *e)
{
	bool known;
	if (!store_notice_read(w->db, w->account_id, *(int64_t *)context, &known, e))
		return false;
	return known || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_notice_read(struct app *app, int64_t id, struct err *e)
{
	return app_need_account(app, e) && app_write(app, mark_read, &id, e);
}
