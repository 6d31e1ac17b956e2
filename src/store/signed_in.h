/* Where an account is signed in: its browsers' sessions and its apps' tokens, in one list. */
#ifndef MADANG_STORE_SIGNED_IN_H
#define MADANG_STORE_SIGNED_IN_H

#include "base/arena.h"
#include "db/db.h"

struct store_signed_in {
	int64_t id; /* of the session or the token: ids are unique over both */
	bool app;
	const char *name; /* the browser's User-Agent, or the app's name */
	int64_t created_at;
	int64_t used_at;
};

/* Newest first, at most `room`. */
bool store_signed_in_list(struct db *db, struct arena *arena, int64_t account_id,
			  struct store_signed_in *out, size_t room, size_t *found,
			  struct err *e) MUST_CHECK;
/* Ends one of this account's. *ended false: there is none with this id. */
bool store_signed_in_end(struct db *w, int64_t account_id, int64_t id, int64_t now_ms, bool *ended,
			 struct err *e) MUST_CHECK;

#endif
