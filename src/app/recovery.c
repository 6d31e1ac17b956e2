/* Recovery codes. No state; any thread. What must stay true: a code is kept as a hash only, counts once, and only
 * while the second factor is on; its 60 random bits and the limit of tries are what makes a fast hash enough. */
#include "app/recovery.h"

#include "app/auth.h"
#include "app/private.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/recovery.h"

#include <sodium.h>
#include <string.h>

enum { CODE_LETTERS = 12, GROUP_LETTERS = 4 };

static const char PURPOSE[] = "recovery";
/* Five bits each; without letters that look like others. */
static const char LETTERS[] = "abcdefghijkmnpqrstuvwxyz23456789";

static const char *code_new(struct arena *arena)
{
	unsigned char bytes[CODE_LETTERS];
	char *code = arena_alloc(arena, CODE_LETTERS + CODE_LETTERS / GROUP_LETTERS), *at = code;
	rand_bytes(bytes, sizeof(bytes));
	for (int i = 0; i < CODE_LETTERS; i++) {
		if (i > 0 && i % GROUP_LETTERS == 0)
			*at++ = '-';
		*at++ = LETTERS[bytes[i] % 32];
	}
	sodium_memzero(bytes, sizeof(bytes));
	return code;
}

const char *app_recovery_hash(struct arena *arena, const char *typed)
{
	char code[CODE_LETTERS + 1] = "";
	size_t length = 0;
	for (; *typed; typed++) {
		char c = str_lower(*typed);
		if (c == '-' || c == ' ')
			continue;
		if (length == CODE_LETTERS || !strchr(LETTERS, c))
			return NULL;
		code[length++] = c;
	}
	return length == CODE_LETTERS ? app_secret_hash(arena, PURPOSE, code) : NULL;
}

bool app_recovery_make(struct app *w, struct app_recovery *out, struct err *e)
{
	if (!store_recovery_clear(w->db, w->account_id, e))
		return false;
	for (int i = 0; i < APP_RECOVERY_CODES; i++) {
		out->codes[i] = code_new(w->arena);
		if (!store_recovery_insert(w->db, w->account_id,
					   app_recovery_hash(w->arena, out->codes[i]), w->now_ms,
					   e))
			return false;
	}
	return true;
}

bool app_recovery_left(struct app *app, int64_t *left, struct err *e)
{
	return app_need_account(app, e) && store_recovery_count(app->db, app->account_id, left, e);
}

static bool make(struct app *w, void *context, struct err *e)
{
	return app_recovery_make(w, context, e);
}

bool app_recovery_renew(struct app *app, const char *password, struct app_recovery *out,
			struct err *e)
{
	bool enabled;
	if (!app_need_password(app, password, e) || !app_totp_enabled(app, &enabled, e))
		return false;
	if (!enabled)
		return err_set(e, ERR_CONFLICT, "Switch the second factor on first.");
	return app_write(app, make, out, e);
}
