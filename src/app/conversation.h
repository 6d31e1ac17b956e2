/* Conversations: direct posts by thread, as each account in them sees them. */
#ifndef MADANG_APP_CONVERSATION_H
#define MADANG_APP_CONVERSATION_H

#include "app/post.h"
#include "store/conversation.h"

struct app_conversation {
	struct store_conversation row;
	const struct app_post *last;           /* NULL: not to be seen (any more) */
	const struct store_account **accounts; /* the others in it */
	size_t account_count;
};
struct app_conversations {
	struct app_conversation *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};

bool app_conversation_list(struct app *app, const struct store_page *page,
			   struct app_conversations *out, struct err *e) MUST_CHECK;
bool app_conversation_get(struct app *app, int64_t id, struct app_conversation *out,
			  struct err *e) MUST_CHECK;
bool app_conversation_mark(struct app *app, int64_t id, bool unread, struct app_conversation *out,
			   struct err *e) MUST_CHECK;
/* The posts stay. */
bool app_conversation_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

#endif
