/* Uploads that wait to be processed: what was sent, as an object, until its media row is ready or has failed. */
#ifndef MADANG_STORE_UPLOAD_H
#define MADANG_STORE_UPLOAD_H

#include "db/db.h"

struct store_upload {
	int64_t media_id;
	int64_t account_id;
	const char *hash;
	int attempts; /* this one counted in */
};

/* Inserts the row and counts its object. It is due at once. */
bool store_upload_insert(struct db *w, const struct store_upload *upload, int64_t now_ms,
			 struct err *e) MUST_CHECK;
/* Takes the row away; its object moves to the trash where nothing else names it. Nothing where there is none. */
bool store_upload_delete(struct db *w, struct arena *arena, int64_t media_id, int64_t now_ms,
			 struct err *e) MUST_CHECK;
/* How many there are: of an account, and in all. */
bool store_upload_counts(struct db *db, int64_t account_id, int64_t *own, int64_t *all,
			 struct err *e) MUST_CHECK;

/* Is any to be processed? */
bool store_upload_due(struct db *db, int64_t now_ms, bool *due, struct err *e) MUST_CHECK;
/* Takes one until lease_until. */
bool store_upload_claim(struct db *w, struct arena *arena, const char *worker, int64_t now_ms,
			int64_t lease_until, struct store_upload *out, bool *claimed,
			struct err *e) MUST_CHECK;
bool store_upload_postpone(struct db *w, int64_t media_id, int64_t due_at,
			   struct err *e) MUST_CHECK;
/* What this worker had taken is due at once. */
bool store_upload_take_back(struct db *w, const char *worker, int64_t now_ms, int64_t *count,
			    struct err *e) MUST_CHECK;

#endif
