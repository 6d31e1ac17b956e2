/* What a person is told that is no notification of Mastodon's. */
#ifndef MADANG_STORE_NOTICE_H
#define MADANG_STORE_NOTICE_H

#include "store/page.h"

struct store_notice {
	int64_t id;
	int64_t account_id;
	const char *kind;
	const char *text;
	int64_t target_id; /* 0: none */
	bool read;
	int64_t created_at;
};

bool store_notice_insert(struct db *w, const struct store_notice *n, struct err *e) MUST_CHECK;
bool store_notice_list(struct db *db, struct arena *arena, int64_t account_id,
		       const struct store_page *page, struct store_notice *out, size_t *found,
		       struct err *e) MUST_CHECK;
/* *known false: it is not this account's. */
/* Everybody's, of after_id < id < before_id, in their order. */
bool store_notice_between(struct db *db, struct arena *arena, int64_t after_id, int64_t before_id,
			  struct store_notice *out, size_t room, size_t *found,
			  struct err *e) MUST_CHECK;
bool store_notice_newest(struct db *db, int64_t *id, struct err *e) MUST_CHECK; /* 0: none */
bool store_notice_read(struct db *w, int64_t account_id, int64_t id, bool *known,
		       struct err *e) MUST_CHECK;

#endif
