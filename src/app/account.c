/* Profiles: reading, looking up, changing. Any thread; no state. What must stay true: a suspended or pending
 * account is seen by nobody but administrators. */
#include "app/account.h"

#include "app/private.h"
#include "app/text.h"
#include "base/str.h"

#include <string.h>

static bool seen(const struct app *app, const struct store_account *account)
{
	return account->state == STORE_ACCOUNT_ACTIVE || app->role >= STORE_ROLE_MODERATOR ||
	       account->id == app->account_id;
}

bool app_account_get(struct app *app, int64_t id, struct store_account *out, struct err *e)
{
	if (!store_account_get(app->db, app->arena, id, out, e))
		return false;
	return seen(app, out) || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_account_lookup(struct app *app, const char *acct, struct store_account *out, struct err *e)
{
	if (*acct == '@')
		acct++;
	const char *at = strchr(acct, '@');
	const char *username = at ? arena_strndup(app->arena, acct, (size_t)(at - acct)) : acct;
	const char *domain = at ? at + 1 : "";
	if (str_equal_nocase(domain, app->core->config.domain))
		domain = "";
	if (!store_account_find(app->db, app->arena, username, domain, out, e))
		return false;
	return seen(app, out) || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_account_self(struct app *app, struct store_account *out, struct store_user *user,
		      struct err *e)
{
	return app_need_account(app, e) &&
	       store_account_get(app->db, app->arena, app->account_id, out, e) &&
	       (!user || store_user_get(app->db, app->arena, app->account_id, user, e));
}

bool app_account_search(struct app *app, const char *q, int limit, int offset,
			struct store_accounts *out, struct err *e)
{
	*out = (struct store_accounts){0};
	if (*q == '@')
		q++;
	if (!*q || !str_is_utf8(q, strlen(q)) || strlen(q) > 300)
		return true;
	const char *at = strchr(q, '@');
	if (!at)
		return store_account_search(app->db, app->arena, q, NULL, limit, offset, out, e);
	const char *domain = str_equal_nocase(at + 1, app->core->config.domain) ? "" : at + 1;
	return store_account_search(app->db, app->arena,
				    arena_strndup(app->arena, q, (size_t)(at - q)), domain, limit,
				    offset, out, e);
}

bool app_account_get_many(struct app *app, const int64_t *ids, size_t count,
			  struct store_accounts *out, struct err *e)
{
	*out = (struct store_accounts){
	    .items = ARENA_ARRAY(app->arena, struct store_account, count ? count : 1)};
	if (!out->items || count > 200)
		return err_set(e, ERR_TOO_LARGE, "id: too many at once");
	size_t found, kept = 0;
	if (!store_account_get_many(app->db, app->arena, ids, count, out->items, &found, e))
		return false;
	for (size_t i = 0; i < found; i++)
		if (seen(app, &out->items[i]))
			out->items[kept++] = out->items[i];
	out->count = kept;
	return true;
}

const char *app_account_acct(struct arena *arena, const struct store_account *account)
{
	if (!account->domain[0])
		return account->username;
	return arena_printf(arena, "%s@%s", account->username, account->domain);
}

/* Local text becomes HTML with its links; what came from afar was made safe when it came. */
static const char *html(struct app *app, const struct store_account *account, const char *text)
{
	if (account->domain[0])
		return text;
	struct app_text *scanned = ARENA_NEW(app->arena, struct app_text);
	app_text_scan(app->arena, text, scanned);
	return app_text_html(app->arena, app->core->config.base_url, text, scanned);
}

const char *app_account_note_html(struct app *app, const struct store_account *account)
{
	return html(app, account, account->note);
}

const char *app_account_field_html(struct app *app, const struct store_account *account,
				   const char *value)
{
	const char *text = html(app, account, value);
	size_t length = strlen(text);
	if (account->domain[0] || !str_starts(text, "<p>") || !str_ends(text, "</p>"))
		return text;
	return arena_strndup(app->arena, text + 3, length - 7); /* a field is one line */
}

size_t app_account_fields(struct arena *arena, const char *fields,
			  struct app_field out[APP_FIELDS_MAX])
{
	size_t count = 0;
	while (*fields && count < APP_FIELDS_MAX) {
		size_t line = strcspn(fields, "\n");
		size_t name = strcspn(fields, "\t\n");
		out[count].name = arena_strndup(arena, fields, name);
		out[count++].value =
		    name < line ? arena_strndup(arena, fields + name + 1, line - name - 1) : "";
		fields += line + (fields[line] == '\n');
	}
	return count;
}

const char *app_account_uri(struct app *app, const char *username)
{
	return arena_printf(app->arena, "%s/users/%s", app->core->config.base_url, username);
}

static bool join_fields(struct app *app, const struct app_profile *profile, const char **out,
			struct err *e)
{
	const char *joined = "";
	size_t kept = 0;
	if (profile->field_count > APP_FIELDS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: fields_attributes has more than %d fields",
			       APP_FIELDS_MAX);
	for (size_t i = 0; i < profile->field_count; i++) {
		const struct app_field *f = &profile->fields[i];
		if (!f->name[0] && !f->value[0])
			continue;
		if (!app_check_text("fields_attributes", f->name, APP_FIELD_CHARACTERS, e) ||
		    !app_check_text("fields_attributes", f->value, APP_FIELD_CHARACTERS, e))
			return false;
		if (strpbrk(f->name, "\t\r\n") || strpbrk(f->value, "\t\r\n"))
			return err_set(e, ERR_INVALID,
				       "Validation failed: fields_attributes must be single lines");
		joined = arena_printf(app->arena, "%s%s\t%s\n", joined, f->name, f->value);
		kept++;
	}
	*out = kept ? joined : "";
	return true;
}

/* Exchanges one picture of the account for another, counting the objects. hash NULL: stays; "": none. */
static bool change_picture(struct app *w, const char **hash, const char **type,
			   const char *new_hash, const char *new_type, struct err *e)
{
	if (!new_hash)
		return true;
	const char *old = *hash;
	*hash = new_hash[0] ? new_hash : NULL;
	*type = new_hash[0] ? new_type : NULL;
	return store_object_hold(w->db, *hash, e) && store_object_drop(w->db, old, w->now_ms, e);
}

struct update_call {
	const struct app_profile *profile;
	const char *fields;
	struct store_account *out;
};

static bool update(struct app *w, void *context, struct err *e)
{
	struct update_call *call = context;
	const struct app_profile *p = call->profile;
	struct store_account *a = call->out;
	if (!store_account_get(w->db, w->arena, w->account_id, a, e))
		return false;
	if (p->display_name)
		a->display_name = p->display_name;
	if (p->note)
		a->note = p->note;
	if (p->fields)
		a->fields = call->fields;
	if (p->bot)
		a->bot = *p->bot;
	if (p->locked)
		a->locked = *p->locked;
	if (p->discoverable)
		a->discoverable = *p->discoverable;
	if (p->indexable)
		a->indexable = *p->indexable;
	if (p->hide_collections)
		a->hide_collections = *p->hide_collections;
	if (p->avatar_description)
		a->avatar_description = p->avatar_description;
	if (p->header_description)
		a->header_description = p->header_description;
	a->updated_at = w->now_ms;
	if (!change_picture(w, &a->avatar_hash, &a->avatar_type, p->avatar_hash, p->avatar_type,
			    e) ||
	    !change_picture(w, &a->header_hash, &a->header_type, p->header_hash, p->header_type, e))
		return false;
	app_emit(w, &(struct app_event){.type = APP_EVENT_ACCOUNT, .account_id = w->account_id});
	return store_account_update(w->db, a, e);
}

bool app_account_update(struct app *app, const struct app_profile *profile,
			struct store_account *out, struct err *e)
{
	struct update_call call = {.profile = profile, .out = out};
	if (!app_need_account(app, e))
		return false;
	if (profile->display_name &&
	    !app_check_text("display_name", profile->display_name, APP_NAME_CHARACTERS, e))
		return false;
	if (profile->note && !app_check_text("note", profile->note, APP_BIO_CHARACTERS, e))
		return false;
	if ((profile->avatar_description &&
	     !app_check_text("avatar_description", profile->avatar_description,
			     APP_PICTURE_CHARACTERS, e)) ||
	    (profile->header_description &&
	     !app_check_text("header_description", profile->header_description,
			     APP_PICTURE_CHARACTERS, e)))
		return false;
	if (profile->fields && !join_fields(app, profile, &call.fields, e))
		return false;
	return app_write(app, update, &call, e);
}

bool app_account_use_media(struct app *app, int64_t media_id, bool header,
			   struct store_account *out, struct err *e)
{
	struct store_media media;
	if (!app_need_account(app, e) || !store_media_get(app->db, app->arena, media_id, &media, e))
		return false;
	if (media.account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (media.state != STORE_MEDIA_READY || media.kind != STORE_MEDIA_IMAGE || !media.hash)
		return err_set(e, ERR_INVALID,
			       "Validation failed: media_id must be a finished picture");
	if (media.held)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: media_id names a picture that waits for approval");
	struct app_profile profile = {0};
	if (header) {
		profile.header_hash = media.hash;
		profile.header_type = media.type;
	} else {
		profile.avatar_hash = media.hash;
		profile.avatar_type = media.type;
	}
	return app_account_update(app, &profile, out, e);
}
