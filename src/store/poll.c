/* All SQL on polls and votes. No state; any thread, with its own handle. */
#include "store/poll.h"

#include "base/buf.h"
#include "store/end.h"

#include <string.h>

static const char SQL_INSERT[] =
    "INSERT INTO polls (post_id, account_id, options, multiple, hide_totals, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6)";
static const char SQL_DELETE[] = "DELETE FROM polls WHERE post_id = $1";
static const char SQL_SET_EXPIRY[] =
    "UPDATE polls SET expires_at = $2, hide_totals = $3, closed = FALSE WHERE post_id = $1";
static const char SQL_GET_MANY[] =
    "SELECT post_id, account_id, options, multiple, hide_totals, voters_count, expires_at, closed, told_to "
    "FROM polls WHERE post_id IN " DB_IDS;
static const char SQL_VOTES[] =
    "SELECT post_id, choice, COUNT(*), MAX(CASE WHEN account_id = $41 THEN 1 ELSE 0 END) "
    "FROM poll_votes WHERE post_id IN " DB_IDS " GROUP BY post_id, choice";
static const char SQL_VOTE[] =
    "INSERT INTO poll_votes (post_id, account_id, choice) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_ADD_VOTER[] =
    "UPDATE polls SET voters_count = voters_count + 1 WHERE post_id = $1";
static const char SQL_VOTED[] =
    "SELECT 1 FROM poll_votes WHERE post_id = $1 AND account_id = $2 LIMIT 1";
static const char SQL_NEXT_OVER[] =
    "SELECT post_id, account_id, told_to FROM polls WHERE NOT closed AND expires_at <= $1 "
    "ORDER BY expires_at LIMIT 1";
static const char SQL_VOTERS[] =
    "SELECT DISTINCT v.account_id FROM poll_votes v JOIN accounts a ON a.id = v.account_id "
    "WHERE v.post_id = $1 AND v.account_id > $2 AND a.domain = '' ORDER BY v.account_id LIMIT $3";
static const char SQL_TOLD[] = "UPDATE polls SET told_to = $2, closed = $3 WHERE post_id = $1";

static void split(struct arena *arena, const char *lines, struct store_poll *poll)
{
	poll->option_count = 0;
	while (*lines && poll->option_count < STORE_POLL_OPTIONS_MAX) {
		size_t length = strcspn(lines, "\n");
		poll->options[poll->option_count++] = arena_strndup(arena, lines, length);
		lines += length + (lines[length] == '\n');
	}
}

bool store_poll_insert(struct db *w, const struct store_poll *poll, struct err *e)
{
	struct buf lines;
	buf_init(&lines, 64 << 10);
	for (size_t i = 0; i < poll->option_count; i++)
		buf_printf(&lines, "%s\n", poll->options[i]);
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, poll->post_id);
	db_put_int(q, poll->account_id);
	db_put_text(q, lines.data);
	db_put_bool(q, poll->multiple);
	db_put_bool(q, poll->hide_totals);
	db_put_int(q, poll->expires_at);
	buf_finish(&lines);
	return db_end(q, e);
}

bool store_poll_delete(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, post_id);
	return db_end(q, e);
}

bool store_poll_set_expiry(struct db *w, int64_t post_id, int64_t expires_at, bool hide_totals,
			   struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_EXPIRY);
	db_put_int(q, post_id);
	db_put_int(q, expires_at);
	db_put_bool(q, hide_totals);
	return db_end(q, e);
}

static bool read_polls(struct db_stmt *q, struct arena *arena, struct store_poll *out, size_t room,
		       size_t *found, struct err *e)
{
	while (*found < room && db_row(q)) {
		struct store_poll *p = &out[(*found)++];
		*p = (struct store_poll){.post_id = db_get_int(q)};
		p->account_id = db_get_int(q);
		split(arena, db_get_text(q, arena), p);
		p->multiple = db_get_bool(q);
		p->hide_totals = db_get_bool(q);
		p->voters_count = db_get_int(q);
		p->expires_at = db_get_int(q);
		p->closed = db_get_bool(q);
		p->told_to = db_get_int(q);
	}
	return db_end(q, e);
}

static bool read_votes(struct db_stmt *q, struct store_poll *polls, size_t count, struct err *e)
{
	while (db_row(q)) {
		int64_t post_id = db_get_int(q), choice = db_get_int(q), votes = db_get_int(q);
		bool own = db_get_int(q) != 0;
		for (size_t i = 0; i < count; i++)
			if (polls[i].post_id == post_id && choice >= 0 &&
			    choice < STORE_POLL_OPTIONS_MAX) {
				polls[i].votes[choice] = votes;
				polls[i].own[choice] = own;
			}
	}
	return db_end(q, e);
}

bool store_poll_get_many(struct db *db, struct arena *arena, const int64_t *post_ids, size_t count,
			 int64_t viewer_id, struct store_poll *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		size_t piece = count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX;
		struct db_stmt *q = db_stmt(db, SQL_GET_MANY);
		db_put_ids(q, post_ids + done, piece);
		if (!read_polls(q, arena, out, count, found, e))
			return false;
		q = db_stmt(db, SQL_VOTES);
		db_put_ids(q, post_ids + done, piece);
		db_put_int(q, viewer_id);
		if (!read_votes(q, out, *found, e))
			return false;
	}
	return true;
}

bool store_poll_vote(struct db *w, int64_t post_id, int64_t account_id, int choice, bool *added,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_VOTE);
	db_put_int(q, post_id);
	db_put_int(q, account_id);
	db_put_int(q, choice);
	db_touch(q, DB_NOUN_POST, post_id);
	return store_end_changed(q, added, e);
}

bool store_poll_add_voter(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ADD_VOTER);
	db_put_int(q, post_id);
	db_touch(q, DB_NOUN_POST, post_id);
	return db_end(q, e);
}

bool store_poll_voted(struct db *db, int64_t post_id, int64_t account_id, bool *voted,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_VOTED);
	db_put_int(q, post_id);
	db_put_int(q, account_id);
	*voted = db_row(q);
	return db_end(q, e);
}

bool store_poll_next_over(struct db *db, int64_t now_ms, int64_t *post_id, int64_t *account_id,
			  int64_t *told_to, struct err *e)
{
	*post_id = 0;
	struct db_stmt *q = db_stmt(db, SQL_NEXT_OVER);
	db_put_int(q, now_ms);
	if (db_row(q)) {
		*post_id = db_get_int(q);
		*account_id = db_get_int(q);
		*told_to = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_poll_voters(struct db *db, int64_t post_id, int64_t after, int64_t *ids, size_t room,
		       size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_VOTERS);
	db_put_int(q, post_id);
	db_put_int(q, after);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_poll_told(struct db *w, int64_t post_id, int64_t told_to, bool closed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TOLD);
	db_put_int(q, post_id);
	db_put_int(q, told_to);
	db_put_bool(q, closed);
	return db_end(q, e);
}
