/* Trends. Any thread; the only state is when they were found last, app_tick's own. What must stay true: uses are counted
 * once, in the order of the posts; a moderator's word stands in the audit log with the change. */
#include "app/trend.h"

#include "app/private.h"
#include "app/text.h"
#include "base/clock.h"
#include "base/id.h"
#include "store/setting.h"
#include "store/tag.h"

enum {
	BEHIND_MS = 5 * 1000,
	EVERY_MS = 5 * 1000,
	REST = 50, /* finding may take one part in so many of the time */
	DAY_MS = 24 * 60 * 60 * 1000,
};

static const char SETTING_COUNTED[] = "trends_counted_to";

/* --- counting and finding --- */

static bool counted_to(struct app *app, int64_t *id, struct err *e)
{
	const char *text;
	*id = 0;
	if (!store_setting_get(app->db, app->arena, SETTING_COUNTED, &text, e))
		return false;
	if (!text) {
		*id = id_at_ms(app->now_ms - STORE_TREND_DAYS * (int64_t)DAY_MS);
		return true;
	}
	return id_parse(text, id) || err_set(e, ERR_INTERNAL, "trends_counted_to is no number");
}

static bool count_and_find(struct app *w, void *context, struct err *e)
{
	int64_t from, to = *(int64_t *)context;
	char text[ID_TEXT_SIZE];
	if (!counted_to(w, &from, e))
		return false;
	if (from < to && (!store_trend_count(w->db, from, to, e) ||
			  !store_setting_set(w->db, SETTING_COUNTED, id_format(text, to), e)))
		return false;
	return store_trend_find(w->db, STORE_TREND_TAGS, w->now_ms, e) &&
	       store_trend_find(w->db, STORE_TREND_LINKS, w->now_ms, e) &&
	       store_trend_find(w->db, STORE_TREND_POSTS, w->now_ms, e);
}

bool app_trend_tick(struct app *app, struct err *e)
{
	/* An id is made a moment before its post is committed: stay behind far enough to miss none. */
	int64_t to = id_at_ms(app->now_ms - BEHIND_MS), began = clock_mono_ns();
	if (app->now_ms < app->core->trends_due_at)
		return true;
	if (!app_write(app, count_and_find, &to, e))
		return false;
	int64_t took_ms = (clock_mono_ns() - began) / 1000000;
	app->core->trends_due_at =
	    app->now_ms + (took_ms * REST > EVERY_MS ? took_ms * REST : EVERY_MS);
	return true;
}

/* --- showing --- */

bool app_trend_may_review(struct app *app, struct err *e)
{
	return app_need_account(app, e) && app_need_moderator(app, e);
}

static bool fill_tag(struct app *app, const struct store_tag *row, struct app_trend_tag *out,
		     struct err *e)
{
	*out = (struct app_trend_tag){.id = row->id};
	return app_tag_get(app, row->name, &out->tag, e) &&
	       store_trend_history(app->db, STORE_TREND_TAGS, row->id, app->now_ms, out->history,
				   e) &&
	       store_trend_review_get(app->db, STORE_TREND_TAGS, row->id, &out->review, e);
}

static bool list(struct app *app, enum store_trend kind, const struct app_trend_page *page,
		 int64_t ids[STORE_TRENDS_MAX], size_t *found, struct err *e)
{
	int limit =
	    page->limit > 0 && page->limit < STORE_TRENDS_MAX ? page->limit : STORE_TRENDS_MAX;
	return (!page->all || app_trend_may_review(app, e)) &&
	       store_trend_list(app->db, kind, page->all, limit, page->offset, ids, found, e);
}

bool app_trend_tags(struct app *app, const struct app_trend_page *page, struct app_trend_tag **out,
		    size_t *count, struct err *e)
{
	int64_t ids[STORE_TRENDS_MAX];
	size_t found;
	*count = 0;
	if (!list(app, STORE_TREND_TAGS, page, ids, &found, e))
		return false;
	*out = arena_alloc(app->arena, (found + 1) * sizeof(**out));
	for (size_t i = 0; i < found; i++) {
		struct store_tag row;
		if (store_tag_get_by_id(app->db, app->arena, ids[i], &row, e)) {
			if (!fill_tag(app, &row, &(*out)[(*count)++], e))
				return false;
		} else if (e->code != ERR_NOT_FOUND) {
			return false;
		}
	}
	return true;
}

bool app_trend_posts(struct app *app, const struct app_trend_page *page, struct app_posts *out,
		     struct err *e)
{
	int64_t ids[STORE_TRENDS_MAX];
	size_t found;
	*out = (struct app_posts){0};
	struct app_trend_page part = *page;
	if (part.limit > DB_IDS_MAX)
		part.limit = DB_IDS_MAX;
	return list(app, STORE_TREND_POSTS, &part, ids, &found, e) &&
	       (!found || app_posts_get_in(app, ids, found,
					   page->all ? APP_VIEW_STAFF : APP_VIEW_LIST, out, e));
}

static bool fill_link(struct app *app, struct app_trend_link *out, struct err *e)
{
	return store_trend_history(app->db, STORE_TREND_LINKS, out->card.id, app->now_ms,
				   out->history, e) &&
	       store_trend_review_get(app->db, STORE_TREND_LINKS, out->card.id, &out->review, e);
}

bool app_trend_links(struct app *app, const struct app_trend_page *page,
		     struct app_trend_link **out, size_t *count, struct err *e)
{
	int64_t ids[STORE_TRENDS_MAX];
	struct store_card cards[DB_IDS_MAX];
	struct app_trend_page part = *page;
	size_t found, known;
	*count = 0;
	if (part.limit > DB_IDS_MAX)
		part.limit = DB_IDS_MAX;
	if (!list(app, STORE_TREND_LINKS, &part, ids, &found, e) ||
	    !store_card_get_many(app->db, app->arena, ids, found, cards, &known, e))
		return false;
	*out = arena_alloc(app->arena, (found + 1) * sizeof(**out));
	for (size_t i = 0; i < found; i++)
		for (size_t k = 0; k < known; k++) {
			struct app_trend_link *link = &(*out)[*count];
			if (cards[k].id != ids[i])
				continue;
			*link = (struct app_trend_link){.card = cards[k]};
			if (!fill_link(app, link, e))
				return false;
			++*count;
		}
	return true;
}

bool app_trend_publishers(struct app *app, const struct app_trend_page *page,
			  struct app_trend_publisher **out, size_t *count, struct err *e)
{
	int64_t ids[STORE_TRENDS_MAX];
	struct app_trend_page all = *page;
	size_t found;
	*count = 0;
	all.all = true;
	if (!list(app, STORE_TREND_PUBLISHERS, &all, ids, &found, e))
		return false;
	*out = arena_alloc(app->arena, (found + 1) * sizeof(**out));
	for (size_t i = 0; i < found; i++) {
		struct app_trend_publisher *p = &(*out)[(*count)++];
		if (!store_publisher_get(app->db, app->arena, ids[i], &p->row, e) ||
		    !store_trend_review_get(app->db, STORE_TREND_PUBLISHERS, ids[i], &p->review, e))
			return false;
	}
	return true;
}

bool app_trend_history(struct app *app, const char *name,
		       struct store_trend_day out[STORE_TREND_DAYS], struct err *e)
{
	struct store_tag row = {0};
	struct err missing = {0};
	if (!store_tag_get(app->db, app->arena, app_text_fold_tag(app->arena, name), &row,
			   &missing) &&
	    missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	return store_trend_history(app->db, STORE_TREND_TAGS, row.id, app->now_ms, out, e);
}

/* --- what moderators say --- */

struct review_call {
	enum store_trend kind;
	int64_t id;
	bool allowed;
	const char *name;
};

static bool review(struct app *w, void *context, struct err *e)
{
	const struct review_call *call = context;
	return store_trend_review_set(w->db, call->kind, call->id, call->allowed, w->account_id,
				      w->now_ms, e) &&
	       store_audit_insert(w->db, w->account_id,
				  call->allowed ? "trend.approve" : "trend.reject", call->id,
				  call->name, w->now_ms, e);
}

bool app_trend_review_tag(struct app *app, const char *name, bool allowed,
			  struct app_trend_tag *out, struct err *e)
{
	struct store_tag row;
	if (!app_trend_may_review(app, e) ||
	    !store_tag_get(app->db, app->arena, app_text_fold_tag(app->arena, name), &row, e))
		return false;
	struct review_call call = {STORE_TREND_TAGS, row.id, allowed, row.name};
	return app_write(app, review, &call, e) && fill_tag(app, &row, out, e);
}

bool app_trend_review_post(struct app *app, int64_t id, bool allowed, struct app_post *out,
			   struct err *e)
{
	struct review_call call = {STORE_TREND_POSTS, id, allowed, ""};
	return app_trend_may_review(app, e) && app_post_get(app, id, out, e) &&
	       app_write(app, review, &call, e);
}

bool app_trend_review_link(struct app *app, int64_t id, bool allowed, struct app_trend_link *out,
			   struct err *e)
{
	struct review_call call = {STORE_TREND_LINKS, id, allowed, ""};
	size_t found;
	*out = (struct app_trend_link){0};
	if (!app_trend_may_review(app, e) ||
	    !store_card_get_many(app->db, app->arena, &id, 1, &out->card, &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	call.name = out->card.url;
	return app_write(app, review, &call, e) && fill_link(app, out, e);
}

bool app_trend_review_publisher(struct app *app, int64_t id, bool allowed,
				struct app_trend_publisher *out, struct err *e)
{
	struct review_call call = {STORE_TREND_PUBLISHERS, id, allowed, ""};
	if (!app_trend_may_review(app, e) ||
	    !store_publisher_get(app->db, app->arena, id, &out->row, e))
		return false;
	call.name = out->row.domain;
	return app_write(app, review, &call, e) &&
	       store_trend_review_get(app->db, STORE_TREND_PUBLISHERS, id, &out->review, e);
}
