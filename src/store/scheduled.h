/* Posts that wait for their time. */
#ifndef MADANG_STORE_SCHEDULED_H
#define MADANG_STORE_SCHEDULED_H

#include "store/page.h"

struct store_scheduled {
	int64_t id;
	int64_t account_id;
	const char *form; /* JSON, as app/scheduled.c writes it */
	int64_t scheduled_at;
	int64_t created_at;
};

bool store_scheduled_insert(struct db *w, const struct store_scheduled *s,
			    struct err *e) MUST_CHECK;
/* Keeps an upload for it. ERR_CONFLICT where another one has it. */
bool store_scheduled_hold(struct db *w, int64_t id, int64_t media_id, struct err *e) MUST_CHECK;
bool store_scheduled_held(struct db *db, int64_t media_id, bool *held, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where this account has none of that id. */
bool store_scheduled_get(struct db *db, struct arena *arena, int64_t account_id, int64_t id,
			 struct store_scheduled *out, struct err *e) MUST_CHECK;
bool store_scheduled_list(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_scheduled *out, size_t *found,
			  struct err *e) MUST_CHECK;
bool store_scheduled_set_time(struct db *w, int64_t id, int64_t scheduled_at,
			      struct err *e) MUST_CHECK;
bool store_scheduled_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* All of one account, and those in a span of time. */
bool store_scheduled_count(struct db *db, int64_t account_id, int64_t from_ms, int64_t to_ms,
			   int64_t *all, int64_t *in_span, struct err *e) MUST_CHECK;
/* The next one whose time has come. *found false: none. */
bool store_scheduled_due(struct db *db, struct arena *arena, int64_t now_ms,
			 struct store_scheduled *out, bool *found, struct err *e) MUST_CHECK;

#endif
