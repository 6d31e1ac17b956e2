/* Direct posts as each local account in them sees them: one row a thread and account. */
#ifndef MADANG_STORE_CONVERSATION_H
#define MADANG_STORE_CONVERSATION_H

#include "store/page.h"

struct store_conversation {
	int64_t id;
	int64_t account_id;
	int64_t thread_id;
	int64_t last_post_id;
	bool unread;
};

/* A new direct post of the thread, as this account sees it; *id: its conversation. */
bool store_conversation_add(struct db *w, int64_t new_id, int64_t account_id, int64_t thread_id,
			    int64_t post_id, bool unread, int64_t *id, struct err *e) MUST_CHECK;
/* Before a direct post is deleted: those that end with it end with the one before, or go. */
bool store_conversation_remove_post(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
bool store_conversation_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_conversation *out, struct err *e) MUST_CHECK;
/* Paged by last_post_id. */
bool store_conversation_list(struct db *db, int64_t account_id, const struct store_page *page,
			     struct store_conversation *out, size_t *found,
			     struct err *e) MUST_CHECK;
bool store_conversation_set_unread(struct db *w, int64_t id, bool unread, struct err *e) MUST_CHECK;
bool store_conversation_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;

#endif
