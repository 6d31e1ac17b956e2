/* The people behind local accounts: how they sign in. */
#ifndef MADANG_STORE_USER_H
#define MADANG_STORE_USER_H

#include "base/arena.h"
#include "db/db.h"

struct store_user {
	int64_t account_id;
	const char *email;
	const char *password_hash; /* argon2id, with its parameters */
	const char *totp_secret;   /* base32; NULL: no second factor */
	const char *totp_pending;  /* begun, not confirmed */
	int64_t totp_last_step;    /* a code counts once */
	const char *locale;
	bool confirmed;
	bool approved;
	const char *reason; /* why they want in; may be NULL */
	int64_t invitation_id;
	int64_t last_sign_in_at;
	int64_t created_at;
};

bool store_user_insert(struct db *w, const struct store_user *user, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_user_get(struct db *db, struct arena *arena, int64_t account_id, struct store_user *out,
		    struct err *e) MUST_CHECK;
bool store_user_by_email(struct db *db, struct arena *arena, const char *email,
			 struct store_user *out, struct err *e) MUST_CHECK;
bool store_user_set_password(struct db *w, int64_t account_id, const char *password_hash,
			     struct err *e) MUST_CHECK;
bool store_user_set_locale(struct db *w, int64_t account_id, const char *locale,
			   struct err *e) MUST_CHECK;
bool store_user_set_totp(struct db *w, int64_t account_id, const char *secret, const char *pending,
			 struct err *e) MUST_CHECK;
/* False with ERR_CONFLICT where this step, or a later one, was used before. */
bool store_user_use_totp(struct db *w, int64_t account_id, int64_t step, struct err *e) MUST_CHECK;
bool store_user_set_approved(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
bool store_user_set_signed_in(struct db *w, int64_t account_id, int64_t now_ms,
			      struct err *e) MUST_CHECK;
bool store_user_delete(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;

#endif
