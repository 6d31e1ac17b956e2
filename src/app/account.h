/* Accounts: profiles, looking up, searching. */
#ifndef MADANG_APP_ACCOUNT_H
#define MADANG_APP_ACCOUNT_H

#include "app/app.h"
#include "store/user.h"

bool app_account_get(struct app *app, int64_t id, struct store_account *out,
		     struct err *e) MUST_CHECK;
/* acct: "name", "name@domain" or "@name@domain". */
bool app_account_lookup(struct app *app, const char *acct, struct store_account *out,
			struct err *e) MUST_CHECK;
bool app_account_self(struct app *app, struct store_account *out, struct store_user *user,
		      struct err *e) MUST_CHECK;
bool app_account_search(struct app *app, const char *q, int limit, int offset,
			struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_account_get_many(struct app *app, const int64_t *ids, size_t count,
			  struct store_accounts *out, struct err *e) MUST_CHECK;

/* "name" or "name@domain", as Mastodon shows it. */
const char *app_account_acct(struct arena *arena, const struct store_account *account);
/* The note and a field's value as safe HTML. */
const char *app_account_note_html(struct app *app, const struct store_account *account);
const char *app_account_field_html(struct app *app, const struct store_account *account,
				   const char *value);

enum {
	APP_NAME_CHARACTERS = 60,
	APP_BIO_CHARACTERS = 1000,
	APP_FIELD_CHARACTERS = 255,  /* its name, and its value */
	APP_PICTURE_CHARACTERS = 150 /* what an avatar or a header shows */
};
#define APP_FIELDS_MAX 4
struct app_field {
	const char *name;
	const char *value;
};
/* What fields holds; returns how many. */
size_t app_account_fields(struct arena *arena, const char *fields,
			  struct app_field out[APP_FIELDS_MAX]);

/* NULL leaves a thing as it is. */
struct app_profile {
	const char *display_name;
	const char *note;
	const struct app_field *fields; /* NULL: as they are */
	size_t field_count;
	const char *avatar_hash; /* "" takes it away */
	const char *avatar_type;
	const char *header_hash;
	const char *header_type;
	const bool *bot;
	const bool *locked;
	const bool *discoverable;
	const bool *indexable;
	const bool *hide_collections;
	const char *avatar_description;
	const char *header_description;
};
bool app_account_update(struct app *app, const struct app_profile *profile,
			struct store_account *out, struct err *e) MUST_CHECK;
/* A picture of one's own as avatar (or header). */
bool app_account_use_media(struct app *app, int64_t media_id, bool header,
			   struct store_account *out, struct err *e) MUST_CHECK;
/* The uri of a new local account and of what it makes. */
const char *app_account_uri(struct app *app, const char *username);

#endif
