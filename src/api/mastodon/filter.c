/* Filters v2, the older v1 (one keyword each, by the keyword's id), and the label of made pictures. */
#include "app/filter.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "api/studio/routes.h"
#include "base/id.h"

enum { KEYWORDS_MAX = 250, EXPIRES_MAX_S = 10 * 366 * 86400 };

static const char *const CONTEXTS[] = {"home",   "notifications", "public",
				       "thread", "account",       NULL};
static const char *const ACTIONS[] = {"warn", "hide", "blur", NULL};

static bool contexts_param(struct http_request *rq, unsigned *out, struct err *e)
{
	const char **names;
	size_t n;
	if (!param_texts(rq, "context", 16, 40, &names, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		int k = 0;
		while (CONTEXTS[k] && strcmp(CONTEXTS[k], names[i]))
			k++;
		if (!CONTEXTS[k])
			return param_fail(
			    rq, "context", e,
			    "must name home, notifications, public, thread or account");
		*out |= 1u << k;
	}
	return true;
}

/* Absent: as it is. Empty or null: never. */
static bool expires_param(struct http_request *rq, const int64_t **out, struct err *e)
{
	if (!param_find(rq, "expires_in"))
		return true;
	int64_t *seconds = ARENA_NEW(rq->arena, int64_t);
	*out = seconds;
	return param_int(rq, "expires_in", 0, EXPIRES_MAX_S, seconds, e);
}

static bool bool_param(struct http_request *rq, const char *name, const bool **out, struct err *e)
{
	if (!param_given(rq, name))
		return true;
	bool *value = ARENA_NEW(rq->arena, bool);
	*out = value;
	return param_bool(rq, name, value, e);
}

/* keywords_attributes[N][id|keyword|whole_word|_destroy]; the numbers may have gaps. */
static bool keywords_param(struct http_request *rq, struct app_filter_form *form, struct err *e)
{
	struct app_keyword_form *k = ARENA_ARRAY(rq->arena, struct app_keyword_form, KEYWORDS_MAX);
	if (!k)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please send less.");
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		const char *base = arena_printf(rq->arena, "keywords_attributes[%d]", i);
		struct app_keyword_form one = {0};
		if (!param_id(rq, arena_printf(rq->arena, "%s[id]", base), &one.id, e) ||
		    !param_text(rq, arena_printf(rq->arena, "%s[keyword]", base),
				APP_FILTER_KEYWORD_CHARACTERS, &one.keyword, e) ||
		    !bool_param(rq, arena_printf(rq->arena, "%s[whole_word]", base),
				&one.whole_word, e) ||
		    !param_bool(rq, arena_printf(rq->arena, "%s[_destroy]", base), &one.destroy, e))
			return false;
		if (one.id || one.keyword)
			k[form->keyword_count++] = one;
	}
	form->keywords = k;
	return true;
}

static bool action_param(struct http_request *rq, const char *name,
			 const enum store_filter_action **out, struct err *e)
{
	int action = -1;
	if (!param_choice(rq, name, ACTIONS, &action, e))
		return false;
	if (action >= 0) {
		enum store_filter_action *value = ARENA_NEW(rq->arena, enum store_filter_action);
		*value = (enum store_filter_action)action;
		*out = value;
	}
	return true;
}

static bool read_form(struct http_request *rq, struct app_filter_form *form, struct err *e)
{
	return param_text(rq, "title", APP_FILTER_TITLE_CHARACTERS, &form->title, e) &&
	       contexts_param(rq, &form->contexts, e) &&
	       action_param(rq, "filter_action", &form->action, e) &&
	       expires_param(rq, &form->expires_in_s, e) && keywords_param(rq, form, e) &&
	       param_bool(rq, "madang[made]", &form->made, e) &&
	       param_text(rq, "madang[maker]", 100, &form->maker, e);
}

static bool answer_filter(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct app_filter *f, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_filter(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, f);
	return json_finish(&w, e);
}

bool api_filter_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter *filters;
	size_t n;
	if (!app_filter_list(&app, &filters, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		serial_filter(&s, NULL, &filters[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_filter_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter_form form = {0};
	struct app_filter f;
	return read_form(rq, &form, e) && app_filter_create(&app, &form, &f, e) &&
	       answer_filter(rq, rs, &app, &f, e);
}

bool api_filter_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter f;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_filter_get(&app, id, &f, e) &&
	       answer_filter(rq, rs, &app, &f, e);
}

bool api_filter_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter_form form = {0};
	struct app_filter f;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && read_form(rq, &form, e) &&
	       app_filter_update(&app, id, &form, &f, e) && answer_filter(rq, rs, &app, &f, e);
}

typedef bool remove_fn(struct app *app, int64_t id, struct err *e);

static bool answer_removed(struct http_request *rq, struct http_response *rs, remove_fn *fn,
			   struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !fn(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_filter_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_removed(rq, rs, app_filter_delete, e);
}

/* --- keywords and statuses: the parts of a filter --- */

/* How one kind of part is read and shown; `row` is one of its rows. */
struct part {
	const void *(*row)(const struct app_filter *f, size_t i); /* NULL behind the last */
	bool (*get)(struct app *app, int64_t id, void *row, struct err *e);
	void (*put)(struct json_writer *w, const void *row);
};

static const void *keyword_row(const struct app_filter *f, size_t i)
{
	return i < f->keyword_count ? &f->keywords[i] : NULL;
}

static bool keyword_get(struct app *app, int64_t id, void *row, struct err *e)
{
	return app_filter_keyword_get(app, id, row, e);
}

static void keyword_put(struct json_writer *w, const void *row)
{
	const struct store_filter_keyword *k = row;
	json_put_id(w, "id", k->id);
	json_put_str(w, "keyword", k->keyword);
	json_put_bool(w, "whole_word", k->whole_word);
}

static const void *status_row(const struct app_filter *f, size_t i)
{
	return i < f->post_count ? &f->posts[i] : NULL;
}

static bool status_get(struct app *app, int64_t id, void *row, struct err *e)
{
	return app_filter_post_get(app, id, row, e);
}

static void status_put(struct json_writer *w, const void *row)
{
	const struct store_filter_post *p = row;
	json_put_id(w, "id", p->id);
	json_put_id(w, "status_id", p->post_id);
}

static const struct part KEYWORD = {keyword_row, keyword_get, keyword_put},
			 STATUS = {status_row, status_get, status_put};

static void put_part(struct json_writer *w, const struct part *part, const void *row)
{
	json_put_object(w, NULL);
	part->put(w, row);
	json_put_end(w);
}

static bool answer_part(struct http_response *rs, const struct part *part, const void *row,
			struct err *e)
{
	struct json_writer w = api_json(rs);
	put_part(&w, part, row);
	return json_finish(&w, e);
}

static bool answer_parts(struct http_request *rq, struct http_response *rs, const struct part *part,
			 struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter f;
	const void *row;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_filter_get(&app, id, &f, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; (row = part->row(&f, i)); i++)
		put_part(&w, part, row);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer_one_part(struct http_request *rq, struct http_response *rs,
			    const struct part *part, struct err *e)
{
	struct app app = api_app(rq);
	union {
		struct store_filter_keyword keyword;
		struct store_filter_post status;
	} row;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && part->get(&app, id, &row, e) &&
	       answer_part(rs, part, &row, e);
}

bool api_filter_keyword_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_parts(rq, rs, &KEYWORD, e);
}

bool api_filter_keyword_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_filter_keyword k;
	const char *keyword;
	bool whole = true;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_text_required(rq, "keyword", APP_FILTER_KEYWORD_CHARACTERS, &keyword, e) &&
	       param_bool(rq, "whole_word", &whole, e) &&
	       app_filter_keyword_add(&app, id, keyword, whole, &k, e) &&
	       answer_part(rs, &KEYWORD, &k, e);
}

bool api_filter_keyword_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_one_part(rq, rs, &KEYWORD, e);
}

bool api_filter_keyword_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_filter_keyword k;
	const char *keyword = NULL;
	const bool *whole = NULL;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_text(rq, "keyword", APP_FILTER_KEYWORD_CHARACTERS, &keyword, e) &&
	       bool_param(rq, "whole_word", &whole, e) &&
	       app_filter_keyword_update(&app, id, keyword, whole, &k, e) &&
	       answer_part(rs, &KEYWORD, &k, e);
}

bool api_filter_keyword_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_removed(rq, rs, app_filter_keyword_delete, e);
}

bool api_filter_status_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_parts(rq, rs, &STATUS, e);
}

bool api_filter_status_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_filter_post p;
	int64_t id, status_id = 0;
	if (!http_request_id(rq, 0, &id, e) || !param_id(rq, "status_id", &status_id, e))
		return false;
	if (!status_id)
		return param_fail(rq, "status_id", e, "can't be blank");
	return app_filter_post_add(&app, id, status_id, &p, e) && answer_part(rs, &STATUS, &p, e);
}

bool api_filter_status_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_one_part(rq, rs, &STATUS, e);
}

bool api_filter_status_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_removed(rq, rs, app_filter_post_delete, e);
}

/* --- v1: a filter is a keyword --- */

static void put_v1(struct json_writer *w, const struct app_filter *f,
		   const struct store_filter_keyword *k)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", k->id);
	json_put_str(w, "phrase", k->keyword);
	json_put_array(w, "context");
	for (int i = 0; CONTEXTS[i]; i++)
		if (f->row.contexts & (1u << i))
			json_put_str(w, NULL, CONTEXTS[i]);
	json_put_end(w);
	json_put_bool(w, "whole_word", k->whole_word);
	json_put_time(w, "expires_at", f->row.expires_at);
	json_put_bool(w, "irreversible", f->row.action == STORE_FILTER_HIDE);
	json_put_end(w);
}

bool api_filter_v1_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_filter *filters;
	size_t n;
	if (!app_filter_list(&app, &filters, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < filters[i].keyword_count; k++)
			put_v1(&w, &filters[i], &filters[i].keywords[k]);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer_v1(struct app *app, struct http_response *rs, int64_t keyword_id, struct err *e)
{
	struct store_filter_keyword k;
	struct app_filter f;
	if (!app_filter_keyword_get(app, keyword_id, &k, e) ||
	    !app_filter_get(app, k.filter_id, &f, e))
		return false;
	struct json_writer w = api_json(rs);
	put_v1(&w, &f, &k);
	return json_finish(&w, e);
}

bool api_filter_v1_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && answer_v1(&app, rs, id, e);
}

static bool read_v1(struct http_request *rq, struct app_filter_form *form,
		    struct app_keyword_form *k, struct err *e)
{
	bool irreversible = false;
	if (!param_text(rq, "phrase", APP_FILTER_TITLE_CHARACTERS, &k->keyword, e) ||
	    !contexts_param(rq, &form->contexts, e) ||
	    !param_bool(rq, "irreversible", &irreversible, e) ||
	    !bool_param(rq, "whole_word", &k->whole_word, e) ||
	    !expires_param(rq, &form->expires_in_s, e))
		return false;
	enum store_filter_action *action = ARENA_NEW(rq->arena, enum store_filter_action);
	*action = irreversible ? STORE_FILTER_HIDE : STORE_FILTER_WARN;
	form->action = action;
	form->keywords = k;
	form->keyword_count = 1;
	return true;
}

bool api_filter_v1_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const bool part = false; /* v1 looks inside of words unless it is told otherwise */
	struct app app = api_app(rq);
	struct app_keyword_form k = {0};
	struct app_filter_form form = {0};
	struct app_filter f;
	if (!read_v1(rq, &form, &k, e))
		return false;
	if (!k.keyword)
		return param_fail(rq, "phrase", e, "can't be blank");
	if (!k.whole_word)
		k.whole_word = &part;
	form.title = k.keyword;
	return app_filter_create(&app, &form, &f, e) && answer_v1(&app, rs, f.keywords[0].id, e);
}

bool api_filter_v1_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_filter_keyword old;
	struct app_keyword_form k = {0};
	struct app_filter_form form = {0};
	struct app_filter f;
	if (!http_request_id(rq, 0, &k.id, e) || !read_v1(rq, &form, &k, e))
		return false;
	return app_filter_keyword_get(&app, k.id, &old, e) &&
	       app_filter_update(&app, old.filter_id, &form, &f, e) && answer_v1(&app, rs, k.id, e);
}

/* The filter goes with its last keyword. */
bool api_filter_v1_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_filter_keyword k;
	struct app_filter f;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_filter_keyword_get(&app, id, &k, e) ||
	    !app_filter_get(&app, k.filter_id, &f, e))
		return false;
	if (!(f.keyword_count > 1 ? app_filter_keyword_delete(&app, id, e)
				  : app_filter_delete(&app, k.filter_id, e)))
		return false;
	http_response_empty(rs);
	return true;
}

/* --- the label of made pictures --- */

static bool answer_made(struct http_response *rs, struct app *app, struct err *e)
{
	struct app_filter *filters;
	size_t n;
	const char *action = "none";
	if (!app_filter_list(app, &filters, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (filters[i].row.made && !filters[i].row.maker)
			action = ACTIONS[filters[i].row.action];
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "action", action);
	json_put_array(&w, "makers");
	for (size_t i = 0; i < n; i++) {
		if (!filters[i].row.made || !filters[i].row.maker)
			continue;
		json_put_object(&w, NULL);
		json_put_str(&w, "maker", filters[i].row.maker);
		json_put_str(&w, "action", ACTIONS[filters[i].row.action]);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_made_filter_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return answer_made(rs, &app, e);
}

bool api_made_filter_set(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const actions[] = {"none", "warn", "hide", "blur", NULL};
	static const enum store_filter_action values[] = {STORE_FILTER_WARN, STORE_FILTER_HIDE,
							  STORE_FILTER_BLUR};
	struct app app = api_app(rq);
	const char *maker = NULL;
	int action = -1;
	if (!param_choice(rq, "action", actions, &action, e) ||
	    !param_text(rq, "maker", 100, &maker, e))
		return false;
	if (action < 0)
		return param_fail(rq, "action", e, "can't be blank");
	return app_made_filter_set(&app, maker, action ? &values[action - 1] : NULL, e) &&
	       answer_made(rs, &app, e);
}
