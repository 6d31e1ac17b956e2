/* Notes, endorsements, hidden domains, the directory and suggestions. Any thread; no state. */
#include "app/note.h"

#include "app/account.h"
#include "app/private.h"
#include "base/id.h"
#include "base/str.h"
#include "store/note.h"

#include <string.h>

struct note_call {
	int64_t id;
	const char *text;
};

static bool set_note(struct app *w, void *context, struct err *e)
{
	struct note_call *call = context;
	return store_note_set(w->db, w->account_id, call->id, call->text, e);
}

bool app_note_set(struct app *app, int64_t id, const char *comment, struct app_relation *out,
		  struct err *e)
{
	struct note_call call = {id, comment};
	return app_need_account(app, e) &&
	       app_check_text("comment", comment, APP_NOTE_CHARACTERS, e) &&
	       app_relation_get(app, id, out, e) && app_write(app, set_note, &call, e) &&
	       app_relation_get(app, id, out, e);
}

static bool endorse(struct app *w, void *context, struct err *e)
{
	return store_endorsement_add(w->db, id_new(), w->account_id,
				     ((struct note_call *)context)->id, e);
}

static bool unendorse(struct app *w, void *context, struct err *e)
{
	return store_endorsement_remove(w->db, w->account_id, ((struct note_call *)context)->id, e);
}

bool app_endorse(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	if (!app_need_account(app, e) || !app_relation_get(app, id, out, e))
		return false;
	if (!out->following)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: You must be already following the person you want to endorse");
	return app_write(app, endorse, &(struct note_call){.id = id}, e) &&
	       app_relation_get(app, id, out, e);
}

bool app_unendorse(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return app_need_account(app, e) && app_relation_get(app, id, out, e) &&
	       app_write(app, unendorse, &(struct note_call){.id = id}, e) &&
	       app_relation_get(app, id, out, e);
}

bool app_endorsements(struct app *app, int64_t id, const struct store_page *page,
		      struct store_accounts *out, struct err *e)
{
	struct store_account account;
	return app_account_get(app, id, &account, e) &&
	       store_endorsement_list(app->db, app->arena, id, page, out, e);
}

/* --- domains --- */

static bool check_domain(struct app *app, const char *domain, const char **folded, struct err *e)
{
	char *copy = arena_strdup(app->arena, domain);
	size_t length = strlen(copy);
	for (char *c = copy; *c; c++)
		*c = str_lower(*c);
	if (length == 0 || length > 253 || !strchr(copy, '.') || strpbrk(copy, " \t\r\n/@#?%<>\"'"))
		return err_set(e, ERR_INVALID,
			       "Validation failed: Domain is not a valid domain name");
	if (strcmp(copy, app->core->config.domain) == 0)
		return err_set(e, ERR_INVALID, "Validation failed: Domain is this server's own");
	*folded = copy;
	return true;
}

static bool hide_domain(struct app *w, void *context, struct err *e)
{
	return store_hidden_domain_add(w->db, id_new(), w->account_id,
				       ((struct note_call *)context)->text, e);
}

static bool show_domain(struct app *w, void *context, struct err *e)
{
	return store_hidden_domain_remove(w->db, w->account_id, ((struct note_call *)context)->text,
					  e);
}

bool app_hidden_domain_add(struct app *app, const char *domain, struct err *e)
{
	struct note_call call = {0};
	return app_need_account(app, e) && check_domain(app, domain, &call.text, e) &&
	       app_write(app, hide_domain, &call, e);
}

bool app_hidden_domain_remove(struct app *app, const char *domain, struct err *e)
{
	struct note_call call = {0};
	return app_need_account(app, e) && check_domain(app, domain, &call.text, e) &&
	       app_write(app, show_domain, &call, e);
}

bool app_hidden_domains(struct app *app, const struct store_page *page,
			struct app_hidden_domains *out, struct err *e)
{
	int64_t keys[STORE_PAGE_MAX];
	*out = (struct app_hidden_domains){0};
	if (!app_need_account(app, e) ||
	    !store_hidden_domain_list(app->db, app->arena, app->account_id, page, out->items, keys,
				      &out->count, e))
		return false;
	if (out->count > 0) {
		out->first = keys[0];
		out->last = keys[out->count - 1];
	}
	out->more = out->count == (size_t)store_page_limit(page);
	return true;
}

/* --- whom one might want to know --- */

bool app_directory(struct app *app, bool by_age, bool only_local, int limit, int offset,
		   struct store_accounts *out, struct err *e)
{
	struct app_relation relations[DB_IDS_MAX];
	int64_t ids[DB_IDS_MAX] = {0};
	size_t found, kept = 0;
	if (limit <= 0 || limit > DB_IDS_MAX)
		limit = DB_IDS_MAX;
	if (!store_directory(app->db, app->arena, by_age, only_local, limit, offset, out, e))
		return false;
	if (!app->account_id || out->count == 0)
		return true;
	for (size_t i = 0; i < out->count; i++)
		ids[i] = out->items[i].id;
	if (!app_relation_get_many(app, ids, out->count, relations, &found, e))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		bool hidden = false;
		for (size_t k = 0; k < found; k++)
			hidden |= relations[k].account_id == out->items[i].id &&
				  (relations[k].blocking || relations[k].blocked_by ||
				   relations[k].muting || relations[k].domain_blocking);
		if (!hidden)
			out->items[kept++] = out->items[i];
	}
	out->count = kept;
	return true;
}

bool app_suggestions(struct app *app, int limit, struct store_accounts *out, bool *friends,
		     struct err *e)
{
	return app_need_account(app, e) &&
	       store_suggestions(app->db, app->arena, app->account_id, limit, out, friends, e);
}

static bool dismiss(struct app *w, void *context, struct err *e)
{
	return store_suggestion_dismiss(w->db, w->account_id, ((struct note_call *)context)->id, e);
}

bool app_suggestion_dismiss(struct app *app, int64_t id, struct err *e)
{
	struct store_account account;
	return app_need_account(app, e) && app_account_get(app, id, &account, e) &&
	       app_write(app, dismiss, &(struct note_call){.id = id}, e);
}

bool app_familiar_followers(struct app *app, int64_t id, struct store_accounts *out, struct err *e)
{
	struct store_account account;
	*out = (struct store_accounts){0};
	return app_need_account(app, e) && app_account_get(app, id, &account, e) &&
	       (account.hide_collections ||
		store_familiar_followers(app->db, app->arena, app->account_id, id, 40, out, e));
}
