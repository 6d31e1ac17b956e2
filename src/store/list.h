/* Lists of people, and their timelines, which are written as homes are (store/home.h). */
#ifndef MADANG_STORE_LIST_H
#define MADANG_STORE_LIST_H

#include "store/post.h"

enum store_replies { STORE_REPLIES_FOLLOWED, STORE_REPLIES_LIST, STORE_REPLIES_NONE };

struct store_list {
	int64_t id;
	int64_t account_id; /* whose it is */
	const char *title;
	enum store_replies replies;
	bool exclusive; /* its members' posts do not stand at home */
	int64_t created_at;
};
enum { STORE_LISTS_MAX = 50, STORE_LIST_MEMBERS_MAX = 500 };

bool store_list_insert(struct db *w, const struct store_list *list, struct err *e) MUST_CHECK;
bool store_list_update(struct db *w, const struct store_list *list, struct err *e) MUST_CHECK;
bool store_list_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where this account has none of that id. */
bool store_list_get(struct db *db, struct arena *arena, int64_t account_id, int64_t id,
		    struct store_list *out, struct err *e) MUST_CHECK;
bool store_list_owner(struct db *db, int64_t id, int64_t *owner_id,
		      struct err *e) MUST_CHECK; /* 0: no such list */
/* All of an account (member_id 0), or those of them that have this member. out: STORE_LISTS_MAX. */
bool store_list_of_account(struct db *db, struct arena *arena, int64_t account_id,
			   int64_t member_id, struct store_list *out, size_t *found,
			   struct err *e) MUST_CHECK;

bool store_list_member_add(struct db *w, int64_t id, const struct store_list *list,
			   int64_t account_id, bool *added, struct err *e) MUST_CHECK;
bool store_list_member_remove(struct db *w, int64_t list_id, int64_t account_id,
			      struct err *e) MUST_CHECK;
/* Out of all lists of owner_id: one follows no more. */
bool store_list_member_forget(struct db *w, int64_t owner_id, int64_t account_id,
			      struct err *e) MUST_CHECK;
bool store_list_member_count(struct db *db, int64_t list_id, int64_t *count,
			     struct err *e) MUST_CHECK;
bool store_list_members(struct db *db, struct arena *arena, int64_t list_id,
			const struct store_page *page, struct store_accounts *out,
			struct err *e) MUST_CHECK;

bool store_list_posts(struct db *db, struct arena *arena, int64_t list_id,
		      const struct store_page *page, struct store_posts *out,
		      struct err *e) MUST_CHECK;
bool store_list_has(struct db *db, int64_t list_id, int64_t post_id, bool *has,
		    struct err *e) MUST_CHECK;
/* Into the lists whose owners are followers in (after, up_to] (the author's own: after 0). *ids: the lists
 * that it reached, at most room. */
bool store_list_fan_out(struct db *w, const struct store_post *post, int64_t after, int64_t up_to,
			int64_t *ids, size_t room, size_t *found, struct err *e) MUST_CHECK;
bool store_list_backfill(struct db *w, int64_t list_id, int64_t via_id, int limit,
			 struct err *e) MUST_CHECK;
/* As store_home_trim. */
bool store_list_trim(struct db *w, int64_t *cursor, int keep, struct err *e) MUST_CHECK;

#endif
