/* All SQL on invitations. No state; any thread, with its own handle. */
#include "store/invitation.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO invitations (id, code, account_id, uses_max, expires_at, "
    "created_at) VALUES ($1, $2, $3, $4, $5, $6)";
#define SELECT \
	"SELECT id, code, account_id, uses, uses_max, expires_at, revoked, created_at FROM invitations "
static const char SQL_BY_CODE[] = SELECT "WHERE code = $1";
static const char SQL_LIST[] = SELECT "ORDER BY id DESC LIMIT $1";
static const char SQL_REVOKE[] = "UPDATE invitations SET revoked = TRUE WHERE id = $1";
static const char SQL_USE[] =
    "UPDATE invitations SET uses = uses + 1 WHERE id = $1 AND NOT revoked AND (uses_max = 0 OR "
    "uses < uses_max) AND (expires_at IS NULL OR expires_at > $2)";

static void take(struct db_stmt *q, struct arena *arena, struct store_invitation *out)
{
	out->id = db_get_int(q);
	out->code = db_get_text(q, arena);
	out->account_id = db_get_int(q);
	out->uses = db_get_int(q);
	out->uses_max = db_get_int(q);
	out->expires_at = db_get_int(q);
	out->revoked = db_get_bool(q);
	out->created_at = db_get_int(q);
}

bool store_invitation_insert(struct db *w, const struct store_invitation *invitation, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, invitation->id);
	db_put_text(q, invitation->code);
	db_put_ref(q, invitation->account_id);
	db_put_int(q, invitation->uses_max);
	db_put_ref(q, invitation->expires_at);
	db_put_int(q, invitation->created_at);
	return db_end(q, e);
}

bool store_invitation_by_code(struct db *db, struct arena *arena, const char *code,
			      struct store_invitation *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BY_CODE);
	db_put_text(q, code);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_invitation_list(struct db *db, struct arena *arena, struct store_invitation *out,
			   size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_invitation_revoke(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REVOKE);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_invitation_use(struct db *w, int64_t id, int64_t now_ms, bool *used, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_USE);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return store_end_changed(q, used, e);
}
