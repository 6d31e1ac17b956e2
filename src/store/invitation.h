/* Invitations. */
#ifndef MADANG_STORE_INVITATION_H
#define MADANG_STORE_INVITATION_H

#include "store/page.h"

struct store_invitation {
	int64_t id;
	const char *code;
	int64_t account_id;
	int64_t uses;
	int64_t uses_max;   /* 0: no limit */
	int64_t expires_at; /* 0: never */
	bool revoked;
	int64_t created_at;
};

bool store_invitation_insert(struct db *w, const struct store_invitation *invitation,
			     struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_invitation_by_code(struct db *db, struct arena *arena, const char *code,
			      struct store_invitation *out, struct err *e) MUST_CHECK;
/* The newest `room`. */
bool store_invitation_list(struct db *db, struct arena *arena, struct store_invitation *out,
			   size_t room, size_t *found, struct err *e) MUST_CHECK;
bool store_invitation_revoke(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* Counts one use. *used false: it is used up, expired or revoked. */
bool store_invitation_use(struct db *w, int64_t id, int64_t now_ms, bool *used,
			  struct err *e) MUST_CHECK;

#endif
