/* What is kept by name: settings of the server, preferences and markers of accounts, the audit log. */
#ifndef MADANG_STORE_SETTING_H
#define MADANG_STORE_SETTING_H

#include "store/page.h"

/* *value NULL where it is not set. */
bool store_setting_get(struct db *db, struct arena *arena, const char *name, const char **value,
		       struct err *e) MUST_CHECK;
bool store_setting_set(struct db *w, const char *name, const char *value, struct err *e) MUST_CHECK;
bool store_preference_get(struct db *db, struct arena *arena, int64_t account_id, const char *name,
			  const char **value, struct err *e) MUST_CHECK;
bool store_preference_set(struct db *w, int64_t account_id, const char *name, const char *value,
			  struct err *e) MUST_CHECK;

struct store_marker {
	int64_t last_read_id;
	int64_t version;
	int64_t updated_at;
};
bool store_marker_get(struct db *db, int64_t account_id, const char *timeline,
		      struct store_marker *out, bool *found, struct err *e) MUST_CHECK;
bool store_marker_set(struct db *w, int64_t account_id, const char *timeline, int64_t last_read_id,
		      int64_t now_ms, struct store_marker *out, struct err *e) MUST_CHECK;

/* account_id 0: the program or the command line. */
bool store_audit_insert(struct db *w, int64_t account_id, const char *action, int64_t target_id,
			const char *detail, int64_t now_ms, struct err *e) MUST_CHECK;

#endif
