/* Lists of people one follows, each with its own timeline. Nobody else sees them. */
#ifndef MADANG_APP_LIST_H
#define MADANG_APP_LIST_H

#include "app/post.h"
#include "store/list.h"

enum { APP_LIST_TITLE_CHARACTERS = 256, APP_LIST_IDS_MAX = 100 };

/* title NULL, replies NULL, exclusive NULL: as it is (or as lists begin). */
struct app_list_form {
	const char *title;
	const enum store_replies *replies;
	const bool *exclusive;
};
bool app_list_create(struct app *app, const struct app_list_form *form, struct store_list *out,
		     struct err *e) MUST_CHECK;
bool app_list_update(struct app *app, int64_t id, const struct app_list_form *form,
		     struct store_list *out, struct err *e) MUST_CHECK;
bool app_list_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_list_get(struct app *app, int64_t id, struct store_list *out, struct err *e) MUST_CHECK;
/* One's own; member_id: only those that this account is in. */
bool app_list_all(struct app *app, int64_t member_id, struct store_list **out, size_t *count,
		  struct err *e) MUST_CHECK;
bool app_list_members(struct app *app, int64_t id, const struct store_page *page,
		      struct store_accounts *out, struct err *e) MUST_CHECK;
/* All or nobody: whom one does not follow cannot be in a list. */
bool app_list_members_add(struct app *app, int64_t id, const int64_t *account_ids, size_t count,
			  struct err *e) MUST_CHECK;
bool app_list_members_remove(struct app *app, int64_t id, const int64_t *account_ids, size_t count,
			     struct err *e) MUST_CHECK;
/* For streams, which have found out before who listens: whose list (0: none any more), and what is in it. */
bool app_list_owner(struct app *app, int64_t id, int64_t *owner_id, struct err *e) MUST_CHECK;
bool app_list_has(struct app *app, int64_t id, int64_t post_id, bool *has,
		  struct err *e) MUST_CHECK;
bool app_list_timeline(struct app *app, int64_t id, const struct store_page *page,
		       struct app_posts *out, struct err *e) MUST_CHECK;

#endif
