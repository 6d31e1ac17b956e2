/* Announcements, who has read them, and reactions. */
#ifndef MADANG_STORE_ANNOUNCEMENT_H
#define MADANG_STORE_ANNOUNCEMENT_H

#include "base/arena.h"
#include "db/db.h"

struct store_announcement {
	int64_t id;
	const char *text;
	bool published;
	bool pinned;
	bool all_day;
	int64_t starts_at; /* 0: none */
	int64_t ends_at;
	int64_t post_id;      /* the thread that goes on; 0: none */
	int64_t scheduled_at; /* when it is published by itself; 0: not */
	int64_t published_at;
	int64_t created_at;
	int64_t updated_at;
	bool read; /* by who asks */
};
bool store_announcement_insert(struct db *w, const struct store_announcement *a,
			       struct err *e) MUST_CHECK;
bool store_announcement_update(struct db *w, const struct store_announcement *a,
			       struct err *e) MUST_CHECK;
bool store_announcement_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_announcement_get(struct db *db, struct arena *arena, int64_t id, int64_t account_id,
			    struct store_announcement *out, struct err *e) MUST_CHECK;
/* Pinned ones first, then the newest. now_ms 0: all of them, else those that are published and not over. */
bool store_announcement_list(struct db *db, struct arena *arena, int64_t account_id, int64_t now_ms,
			     struct store_announcement *out, size_t room, size_t *found,
			     struct err *e) MUST_CHECK;
bool store_announcement_read(struct db *w, int64_t id, int64_t account_id,
			     struct err *e) MUST_CHECK;
/* One that is to be published now, or is over and still published; *found false: there is none. */
bool store_announcement_due(struct db *db, struct arena *arena, int64_t now_ms,
			    struct store_announcement *out, bool *found, struct err *e) MUST_CHECK;

struct store_reaction {
	const char *name;
	int64_t count;
	bool me;
};
bool store_reaction_set(struct db *w, int64_t announcement_id, int64_t account_id, const char *name,
			bool on, int64_t now_ms, struct err *e) MUST_CHECK;
/* Everybody's with this emoji, which is gone. */
bool store_reaction_forget(struct db *w, const char *name, struct err *e) MUST_CHECK;
bool store_reaction_list(struct db *db, struct arena *arena, int64_t announcement_id,
			 int64_t account_id, struct store_reaction *out, size_t room, size_t *found,
			 struct err *e) MUST_CHECK;

#endif
