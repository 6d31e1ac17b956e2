/* Filters: making and changing them. Matching is filter_match.c. Any thread; no state. What must stay true: a filter,
 * its keywords and its posts belong to one account, which alone sees them. */
#include "app/filter.h"

#include "app/private.h"
#include "base/id.h"

#include <string.h>

static bool load(struct app *app, struct store_filters *out, struct err *e)
{
	return app_need_account(app, e) &&
	       store_filter_list(app->db, app->arena, app->account_id, out, e);
}

static struct app_filter view(const struct store_filters *all, size_t at)
{
	struct app_filter f = {.row = all->items[at]};
	size_t first = 0;
	while (first < all->keyword_count && all->keywords[first].filter_id != f.row.id)
		first++;
	f.keywords = all->keywords + first;
	while (first + f.keyword_count < all->keyword_count &&
	       f.keywords[f.keyword_count].filter_id == f.row.id)
		f.keyword_count++;
	first = 0;
	while (first < all->post_count && all->posts[first].filter_id != f.row.id)
		first++;
	f.posts = all->posts + first;
	while (first + f.post_count < all->post_count &&
	       f.posts[f.post_count].filter_id == f.row.id)
		f.post_count++;
	return f;
}

bool app_filter_list(struct app *app, struct app_filter **out, size_t *count, struct err *e)
{
	struct store_filters all;
	if (!load(app, &all, e))
		return false;
	*count = all.count;
	*out = arena_alloc(app->arena, (all.count + 1) * sizeof(**out));
	for (size_t i = 0; i < all.count; i++)
		(*out)[i] = view(&all, i);
	return true;
}

bool app_filter_get(struct app *app, int64_t id, struct app_filter *out, struct err *e)
{
	struct store_filters all;
	if (!load(app, &all, e))
		return false;
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i].id == id) {
			*out = view(&all, i);
			return true;
		}
	return err_set(e, ERR_NOT_FOUND, "Record not found");
}

/* --- changing --- */

struct filter_call {
	const struct app_filter_form *form;
	struct store_filter row;
	bool create;
	const struct store_filters *all;
};

static void changed(struct app *w)
{
	app_emit(w, &(struct app_event){.type = APP_EVENT_FILTERS, .account_id = w->account_id});
}

static bool check_keyword(const char *keyword, struct err *e)
{
	if (!app_check_text("keyword", keyword, APP_FILTER_KEYWORD_CHARACTERS, e))
		return false;
	return keyword[strspn(keyword, " \t\r\n")] ||
	       err_set(e, ERR_INVALID, "Validation failed: Keyword can't be blank");
}

static const struct store_filter_keyword *find_keyword(const struct store_filters *all, int64_t id)
{
	for (size_t i = 0; i < all->keyword_count; i++)
		if (all->keywords[i].id == id)
			return &all->keywords[i];
	return NULL;
}

static bool write_keyword(struct app *w, const struct filter_call *call,
			  const struct app_keyword_form *k, struct err *e)
{
	struct store_filter_keyword row = {
	    .id = k->id,
	    .filter_id = call->row.id,
	    .keyword = k->keyword,
	    .whole_word = k->whole_word ? *k->whole_word : true,
	};
	if (!k->id) {
		row.id = id_new();
		return k->destroy || store_filter_keyword_insert(w->db, &row, e);
	}
	const struct store_filter_keyword *old = find_keyword(call->all, k->id);
	if (!old || old->filter_id != call->row.id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (k->destroy)
		return store_filter_keyword_delete(w->db, k->id, e);
	row.keyword = k->keyword ? k->keyword : old->keyword;
	row.whole_word = k->whole_word ? *k->whole_word : old->whole_word;
	return store_filter_keyword_update(w->db, &row, e);
}

static bool write_filter(struct app *w, void *context, struct err *e)
{
	struct filter_call *call = context;
	if (!(call->create ? store_filter_insert(w->db, &call->row, w->now_ms, e)
			   : store_filter_update(w->db, &call->row, e)))
		return false;
	for (size_t i = 0; i < call->form->keyword_count; i++)
		if (!write_keyword(w, call, &call->form->keywords[i], e))
			return false;
	changed(w);
	return true;
}

static bool check_keywords(const struct filter_call *call, struct err *e)
{
	const struct app_filter_form *form = call->form;
	if (call->all->keyword_count + form->keyword_count > STORE_FILTER_KEYWORDS_MAX)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: keywords_attributes: you have at most %d keywords",
		    STORE_FILTER_KEYWORDS_MAX);
	for (size_t i = 0; i < form->keyword_count; i++) {
		const struct app_keyword_form *k = &form->keywords[i];
		if (k->destroy || (k->id && !k->keyword))
			continue;
		if (!check_keyword(k->keyword ? k->keyword : "", e))
			return false;
	}
	return true;
}

static bool take_form(struct app *app, struct filter_call *call, struct err *e)
{
	const struct app_filter_form *form = call->form;
	struct store_filter *row = &call->row;
	if (form->title)
		row->title = form->title;
	if (!row->title || !row->title[strspn(row->title, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: Title can't be blank");
	if (!app_check_text("title", row->title, APP_FILTER_TITLE_CHARACTERS, e))
		return false;
	if (form->contexts)
		row->contexts = form->contexts;
	if (!row->contexts || (row->contexts & ~(unsigned)STORE_FILTER_CONTEXTS))
		return err_set(e, ERR_INVALID,
			       "Validation failed: Context must name at least one context");
	if (form->action)
		row->action = *form->action;
	if (form->expires_in_s)
		row->expires_at =
		    *form->expires_in_s ? app->now_ms + 1000 * *form->expires_in_s : 0;
	if (call->create) {
		row->made = form->made;
		row->maker = form->made ? form->maker : NULL;
	}
	return check_keywords(call, e);
}

static bool save(struct app *app, struct filter_call *call, struct app_filter *out, struct err *e)
{
	struct store_filters *all = ARENA_NEW(app->arena, struct store_filters);
	if (!load(app, all, e))
		return false;
	call->all = all;
	if (call->create && all->count >= STORE_FILTERS_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: You have at most %d filters",
			       STORE_FILTERS_MAX);
	if (!take_form(app, call, e) || !app_write(app, write_filter, call, e))
		return false;
	app->filters = NULL;
	return app_filter_get(app, call->row.id, out, e);
}

bool app_filter_create(struct app *app, const struct app_filter_form *form, struct app_filter *out,
		       struct err *e)
{
	struct filter_call call = {
	    .form = form,
	    .create = true,
	    .row = {.id = id_new(), .account_id = app->account_id},
	};
	return app_need_account(app, e) && save(app, &call, out, e);
}

bool app_filter_update(struct app *app, int64_t id, const struct app_filter_form *form,
		       struct app_filter *out, struct err *e)
{
	struct filter_call call = {.form = form};
	if (!app_filter_get(app, id, out, e))
		return false;
	call.row = out->row;
	return save(app, &call, out, e);
}

typedef bool delete_fn(struct db *w, int64_t id, struct err *e);
struct delete_call {
	int64_t id;
	delete_fn *fn;
};

static bool remove_row(struct app *w, void *context, struct err *e)
{
	struct delete_call *call = context;
	changed(w);
	return call->fn(w->db, call->id, e);
}

static bool forget(struct app *app, int64_t id, delete_fn *fn, struct err *e)
{
	struct delete_call call = {id, fn};
	app->filters = NULL;
	return app_write(app, remove_row, &call, e);
}

bool app_filter_delete(struct app *app, int64_t id, struct err *e)
{
	struct app_filter f;
	return app_filter_get(app, id, &f, e) && forget(app, id, store_filter_delete, e);
}

/* --- keywords and posts by themselves --- */

bool app_filter_keyword_get(struct app *app, int64_t id, struct store_filter_keyword *out,
			    struct err *e)
{
	struct store_filters all;
	if (!load(app, &all, e))
		return false;
	const struct store_filter_keyword *found = find_keyword(&all, id);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	*out = *found;
	return true;
}

bool app_filter_keyword_add(struct app *app, int64_t filter_id, const char *keyword,
			    bool whole_word, struct store_filter_keyword *out, struct err *e)
{
	struct app_keyword_form k = {.keyword = keyword, .whole_word = &whole_word};
	struct app_filter_form form = {.keywords = &k, .keyword_count = 1};
	struct app_filter f;
	if (!app_filter_update(app, filter_id, &form, &f, e))
		return false;
	*out = f.keywords[f.keyword_count - 1];
	return true;
}

bool app_filter_keyword_update(struct app *app, int64_t id, const char *keyword,
			       const bool *whole_word, struct store_filter_keyword *out,
			       struct err *e)
{
	struct app_keyword_form k = {.id = id, .keyword = keyword, .whole_word = whole_word};
	struct app_filter_form form = {.keywords = &k, .keyword_count = 1};
	struct app_filter f;
	return app_filter_keyword_get(app, id, out, e) &&
	       app_filter_update(app, out->filter_id, &form, &f, e) &&
	       app_filter_keyword_get(app, id, out, e);
}

bool app_filter_keyword_delete(struct app *app, int64_t id, struct err *e)
{
	struct store_filter_keyword k;
	return app_filter_keyword_get(app, id, &k, e) &&
	       forget(app, id, store_filter_keyword_delete, e);
}

bool app_filter_post_get(struct app *app, int64_t id, struct store_filter_post *out, struct err *e)
{
	struct store_filters all;
	if (!load(app, &all, e))
		return false;
	for (size_t i = 0; i < all.post_count; i++)
		if (all.posts[i].id == id) {
			*out = all.posts[i];
			return true;
		}
	return err_set(e, ERR_NOT_FOUND, "Record not found");
}

static bool add_post(struct app *w, void *context, struct err *e)
{
	bool added;
	if (!store_filter_post_insert(w->db, context, &added, e))
		return false;
	changed(w);
	return added || err_set(e, ERR_INVALID, "Validation failed: Status has already been taken");
}

bool app_filter_post_add(struct app *app, int64_t filter_id, int64_t post_id,
			 struct store_filter_post *out, struct err *e)
{
	struct app_filter f;
	struct app_post post;
	struct store_filters all;
	if (!app_filter_get(app, filter_id, &f, e) || !app_post_get(app, post_id, &post, e) ||
	    !load(app, &all, e))
		return false;
	if (all.post_count >= STORE_FILTER_POSTS_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: You filter at most %d posts",
			       STORE_FILTER_POSTS_MAX);
	*out =
	    (struct store_filter_post){.id = id_new(), .filter_id = filter_id, .post_id = post_id};
	app->filters = NULL;
	return app_write(app, add_post, out, e);
}

bool app_filter_post_delete(struct app *app, int64_t id, struct err *e)
{
	struct store_filter_post p;
	return app_filter_post_get(app, id, &p, e) && forget(app, id, store_filter_post_delete, e);
}

/* --- the label of made pictures --- */

bool app_made_filter_set(struct app *app, const char *maker, const enum store_filter_action *action,
			 struct err *e)
{
	struct store_filters all;
	struct app_filter f;
	if (!load(app, &all, e))
		return false;
	if (maker && (!app_check_text("maker", maker, 100, e) || !maker[0]))
		return maker[0]
			   ? false
			   : err_set(e, ERR_INVALID, "Validation failed: maker can't be blank");
	struct app_filter_form form = {
	    .title = maker ? arena_printf(app->arena, "Made by AI: %s", maker) : "Made by AI",
	    .contexts = STORE_FILTER_CONTEXTS,
	    .action = action,
	    .made = true,
	    .maker = maker,
	};
	for (size_t i = 0; i < all.count; i++) {
		const struct store_filter *row = &all.items[i];
		if (!row->made || strcmp(row->maker ? row->maker : "", maker ? maker : "") != 0)
			continue;
		return action ? app_filter_update(app, row->id, &form, &f, e)
			      : app_filter_delete(app, row->id, e);
	}
	return !action || app_filter_create(app, &form, &f, e);
}
