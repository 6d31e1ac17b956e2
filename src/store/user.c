/* All SQL on users. No state; any thread, with its own handle. */
#include "store/user.h"

#include "base/str.h"
#include "store/end.h"

#include <string.h>

static const char SQL_INSERT[] =
    "INSERT INTO users (account_id, email, email_key, password_hash, locale, confirmed, approved, reason, "
    "invitation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
#define SELECT                                                                                         \
	"SELECT account_id, email, password_hash, totp_secret, totp_pending, totp_last_step, locale, " \
	"confirmed, approved, reason, invitation_id, last_sign_in_at, created_at FROM users WHERE "
static const char SQL_GET[] = SELECT "account_id = $1";
static const char SQL_BY_EMAIL[] = SELECT "email_key = $1";
static const char SQL_SET_PASSWORD[] = "UPDATE users SET password_hash = $2 WHERE account_id = $1";
static const char SQL_SET_TOTP[] =
    "UPDATE users SET totp_secret = $2, totp_pending = $3 WHERE account_id = $1";
static const char SQL_USE_TOTP[] =
    "UPDATE users SET totp_last_step = $2 WHERE account_id = $1 AND totp_last_step < $2";
static const char SQL_SET_LOCALE[] = "UPDATE users SET locale = $2 WHERE account_id = $1";
static const char SQL_SET_APPROVED[] = "UPDATE users SET approved = TRUE WHERE account_id = $1";
static const char SQL_SET_SIGNED_IN[] =
    "UPDATE users SET last_sign_in_at = $2 WHERE account_id = $1";
static const char SQL_DELETE[] = "DELETE FROM users WHERE account_id = $1";

enum { EMAIL_SIZE = 321 };

static bool fold(char key[EMAIL_SIZE], const char *email)
{
	size_t length = strlen(email);
	if (length >= EMAIL_SIZE)
		return false;
	for (size_t i = 0; i <= length; i++)
		key[i] = str_lower(email[i]);
	return true;
}

bool store_user_insert(struct db *w, const struct store_user *user, struct err *e)
{
	char key[EMAIL_SIZE];
	if (!fold(key, user->email))
		return err_set(e, ERR_TOO_LARGE, "email is too long");
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, user->account_id);
	db_put_text(q, user->email);
	db_put_text(q, key);
	db_put_text(q, user->password_hash);
	db_put_text(q, user->locale ? user->locale : "en");
	db_put_bool(q, user->confirmed);
	db_put_bool(q, user->approved);
	db_put_text(q, user->reason);
	db_put_ref(q, user->invitation_id);
	db_put_int(q, user->created_at);
	return db_end(q, e);
}

static bool read_one(struct db_stmt *q, struct arena *arena, struct store_user *out, struct err *e)
{
	bool found = db_row(q);
	if (found) {
		out->account_id = db_get_int(q);
		out->email = db_get_text(q, arena);
		out->password_hash = db_get_text(q, arena);
		out->totp_secret = db_get_text(q, arena);
		out->totp_pending = db_get_text(q, arena);
		out->totp_last_step = db_get_int(q);
		out->locale = db_get_text(q, arena);
		out->confirmed = db_get_bool(q);
		out->approved = db_get_bool(q);
		out->reason = db_get_text(q, arena);
		out->invitation_id = db_get_int(q);
		out->last_sign_in_at = db_get_int(q);
		out->created_at = db_get_int(q);
	}
	return store_end_found(q, found, e);
}

bool store_user_get(struct db *db, struct arena *arena, int64_t account_id, struct store_user *out,
		    struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, account_id);
	return read_one(q, arena, out, e);
}

bool store_user_by_email(struct db *db, struct arena *arena, const char *email,
			 struct store_user *out, struct err *e)
{
	char key[EMAIL_SIZE];
	if (!fold(key, email))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	struct db_stmt *q = db_stmt(db, SQL_BY_EMAIL);
	db_put_text(q, key);
	return read_one(q, arena, out, e);
}

static bool set_text(struct db *w, const char *sql, int64_t account_id, const char *value,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_text(q, value);
	return db_end(q, e);
}

bool store_user_set_password(struct db *w, int64_t account_id, const char *password_hash,
			     struct err *e)
{
	return set_text(w, SQL_SET_PASSWORD, account_id, password_hash, e);
}

bool store_user_set_locale(struct db *w, int64_t account_id, const char *locale, struct err *e)
{
	return set_text(w, SQL_SET_LOCALE, account_id, locale, e);
}

bool store_user_set_totp(struct db *w, int64_t account_id, const char *secret, const char *pending,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_TOTP);
	db_put_int(q, account_id);
	db_put_text(q, secret);
	db_put_text(q, pending);
	return db_end(q, e);
}

bool store_user_use_totp(struct db *w, int64_t account_id, int64_t step, struct err *e)
{
	int64_t changed = 0;
	struct db_stmt *q = db_stmt(w, SQL_USE_TOTP);
	db_put_int(q, account_id);
	db_put_int(q, step);
	if (!db_end_changed(q, &changed, e))
		return false;
	return changed > 0 ||
	       err_set(e, ERR_CONFLICT, "This code was used already. Wait for the next one.");
}

bool store_user_set_approved(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_APPROVED);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_user_set_signed_in(struct db *w, int64_t account_id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_SIGNED_IN);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_user_delete(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, account_id);
	return db_end(q, e);
}
