/* Recovery codes of the second factor, as hashes. */
#ifndef MADANG_STORE_RECOVERY_H
#define MADANG_STORE_RECOVERY_H

#include "base/err.h"
#include "db/db.h"

bool store_recovery_insert(struct db *w, int64_t account_id, const char *code_hash, int64_t now_ms,
			   struct err *e) MUST_CHECK;
bool store_recovery_clear(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
/* Takes the code away; *used: it was there. */
bool store_recovery_use(struct db *w, int64_t account_id, const char *code_hash, bool *used,
			struct err *e) MUST_CHECK;
bool store_recovery_count(struct db *db, int64_t account_id, int64_t *count,
			  struct err *e) MUST_CHECK;

#endif
