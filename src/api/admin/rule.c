/* The server's lists: one set of handlers for all of them; the table below says how each is named in JSON. */
#include "api/admin/routes.h"

#include <string.h>

#include "app/rule.h"
#include "base/clock.h"
#include "base/str.h"

struct list {
	const char *word; /* in the path */
	enum store_rule_kind kind;
	const char *name;  /* the member that holds the name */
	const char *level; /* the member that holds the level; NULL: none */
	const char *levels[4];
};
static const struct list LISTS[] = {
    {"domain_blocks", STORE_RULE_DOMAIN, "domain", "severity", {"silence", "suspend", "noop"}},
    {"domain_allows", STORE_RULE_ALLOW, "domain", NULL, {NULL}},
    {"email_domain_blocks", STORE_RULE_EMAIL_DOMAIN, "domain", NULL, {NULL}},
    {"canonical_email_blocks", STORE_RULE_EMAIL, "canonical_email_hash", NULL, {NULL}},
    {"ip_blocks",
     STORE_RULE_NETWORK,
     "ip",
     "severity",
     {"sign_up_requires_approval", "sign_up_block", "no_access"}},
    {"word_blocks", STORE_RULE_WORD, "phrase", "action", {"hold", "refuse"}},
};

static const struct list *list_of(const struct http_request *rq)
{
	for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++)
		if (strstr(rq->route->path, arena_printf(rq->arena, "/%s", LISTS[i].word)))
			return &LISTS[i];
	return &LISTS[0];
}

static void put(struct arena *a, struct json_writer *w, const struct list *l,
		const struct store_rule *r)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", r->id);
	json_put_str(w, l->name, r->name);
	json_put_time(w, "created_at", r->created_at);
	if (l->level)
		json_put_str(w, l->level, l->levels[r->level]);
	switch (l->kind) {
	case STORE_RULE_DOMAIN:
		json_put_str(w, "digest", app_rule_digest(a, r->name));
		json_put_bool(w, "reject_media", r->flags & STORE_DOMAIN_REJECT_MEDIA);
		json_put_bool(w, "reject_reports", r->flags & STORE_DOMAIN_REJECT_REPORTS);
		json_put_bool(w, "obfuscate", r->flags & STORE_DOMAIN_OBFUSCATE);
		json_put_str(w, "private_comment", r->comment);
		json_put_str(w, "public_comment", r->public_comment);
		break;
	case STORE_RULE_EMAIL_DOMAIN:
		json_put_array(w, "history");
		json_put_end(w);
		json_put_bool(w, "allow_with_approval", r->level);
		break;
	case STORE_RULE_NETWORK:
		json_put_str(w, "comment", r->comment);
		json_put_time(w, "expires_at", r->expires_at);
		break;
	case STORE_RULE_WORD:
		json_put_bool(w, "whole_word", r->flags & STORE_WORD_WHOLE);
		json_put_str(w, "comment", r->comment);
		break;
	default:
		break;
	}
	json_put_end(w);
}

static bool answer(struct http_request *rq, struct http_response *rs, const struct list *l,
		   const struct store_rule *r, struct err *e)
{
	struct json_writer w = api_json(rs);
	put(rq->arena, &w, l, r);
	return json_finish(&w, e);
}

static bool flag(struct http_request *rq, const char *name, int bit, int *flags, struct err *e)
{
	bool on = (*flags & bit) != 0;
	if (!param_bool(rq, name, &on, e))
		return false;
	*flags = on ? *flags | bit : *flags & ~bit;
	return true;
}

/* What may be changed, whatever the list; *r holds what it was. */
static bool params(struct http_request *rq, const struct list *l, struct store_rule *r,
		   struct err *e)
{
	int64_t seconds = -1;
	bool approval = r->level;
	if (!param_text(rq, l->name, 253, &r->name, e) ||
	    (l->level && !param_choice(rq, l->level, l->levels, &r->level, e)))
		return false;
	switch (l->kind) {
	case STORE_RULE_DOMAIN:
		return flag(rq, "reject_media", STORE_DOMAIN_REJECT_MEDIA, &r->flags, e) &&
		       flag(rq, "reject_reports", STORE_DOMAIN_REJECT_REPORTS, &r->flags, e) &&
		       flag(rq, "obfuscate", STORE_DOMAIN_OBFUSCATE, &r->flags, e) &&
		       param_text(rq, "private_comment", 2000, &r->comment, e) &&
		       param_text(rq, "public_comment", 2000, &r->public_comment, e);
	case STORE_RULE_EMAIL_DOMAIN:
		if (!param_bool(rq, "allow_with_approval", &approval, e))
			return false;
		r->level = approval;
		return true;
	case STORE_RULE_NETWORK:
		if (!param_text(rq, "comment", 2000, &r->comment, e) ||
		    !param_int(rq, "expires_in", 0, 10LL * 366 * 86400, &seconds, e))
			return false;
		if (seconds >= 0)
			r->expires_at = seconds ? clock_house_ms() + 1000 * seconds : 0;
		return true;
	case STORE_RULE_WORD:
		return flag(rq, "whole_word", STORE_WORD_WHOLE, &r->flags, e) &&
		       param_text(rq, "comment", 2000, &r->comment, e);
	default:
		return true;
	}
}

bool api_rule_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct list *l = list_of(rq);
	struct store_rule r = {.kind = l->kind, .comment = "", .public_comment = ""};
	const char *email = NULL;
	if (!params(rq, l, &r, e))
		return false;
	if (l->kind == STORE_RULE_EMAIL && !r.name) {
		if (!param_text_required(rq, "email", 320, &email, e))
			return false;
		r.name = app_rule_email_hash(rq->arena, email);
	}
	if (!r.name)
		return param_fail(rq, l->name, e, "can't be blank");
	return app_rule_add(&app, &r, &r, e) && answer(rq, rs, l, &r, e);
}

bool api_rule_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct list *l = list_of(rq);
	struct store_rule r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_rule_get(&app, l->kind, id, &r, e) &&
	       answer(rq, rs, l, &r, e);
}

bool api_rule_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct list *l = list_of(rq);
	struct store_rule r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_rule_get(&app, l->kind, id, &r, e) &&
	       params(rq, l, &r, e) && app_rule_change(&app, &r, &r, e) && answer(rq, rs, l, &r, e);
}

bool api_rule_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_rule_remove(&app, list_of(rq)->kind, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_rule_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct list *l = list_of(rq);
	struct store_rule *rows = arena_alloc(rq->arena, STORE_PAGE_MAX * sizeof *rows);
	struct store_page page;
	size_t n;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    !app_rule_list(&app, l->kind, &page, rows, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put(rq->arena, &w, l, &rows[i]);
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, rows[0].id, rows[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}

/* Which listed addresses are this one under another spelling. */
bool api_rule_test_email(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_rule *rows = arena_alloc(rq->arena, STORE_PAGE_MAX * sizeof *rows);
	const char *email;
	size_t n = 0;
	struct store_page page = {.limit = STORE_PAGE_MAX};
	if (!param_text_required(rq, "email", 320, &email, e))
		return false;
	const char *hash = app_rule_email_hash(rq->arena, email);
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	do {
		if (!app_rule_list(&app, STORE_RULE_EMAIL, &page, rows, &n, e))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!strcmp(rows[i].name, hash))
				put(rq->arena, &w, &LISTS[3], &rows[i]);
		page.max_id = n ? rows[n - 1].id : 0;
	} while (n == STORE_PAGE_MAX);
	json_put_end(&w);
	return json_finish(&w, e);
}
