/* Carries short texts between processes that share one PostgreSQL; on SQLite there is one process, and all of
 * this does nothing.
 *
 * Two ways to tell the others. relay_send never waits: the text goes out in a transaction of the relay's own,
 * together with all others that wait, so that writers never queue for PostgreSQL's lock on notifications; a
 * process that dies first has told nobody, so it is for hints. relay_send_in belongs to a transaction: the
 * others hear of it if, and only if, that commits; each such commit waits for the one before it, so it is
 * for what is rare and must not be missed (a token that has ended).
 *
 * Texts arrive whole and in the order of their sender, whatever their length. One's own are not heard. */
#ifndef MADANG_BUS_RELAY_H
#define MADANG_BUS_RELAY_H

#include "db/db.h"

struct relay;

enum { RELAY_KIND_MAX_BYTES = 24, RELAY_TEXT_MAX_BYTES = 4 << 20 };

/* Both are called on the relay's own thread; what they are given is borrowed for the call. */
struct relay_hooks {
	void *context;
	void (*heard)(void *context, const char *kind, const char *text);
	/* Texts may have been missed: forget whatever is kept because nobody said that it has changed. */
	void (*missed)(void *context);
};

/* The pool is borrowed. Sends (in transactions) from now on; has no threads yet. */
struct relay *relay_create(struct db_pool *pool);
/* Begins to listen and to send by itself. */
bool relay_start(struct relay *r, const struct relay_hooks *hooks, struct err *e) MUST_CHECK;
/* From now on nothing is heard any more; sending goes on. NULL-safe. */
void relay_deafen(struct relay *r);
/* What waits is sent first, where the database answers. NULL-safe. */
void relay_destroy(struct relay *r);

/* kind: a word of small letters and '_' ; text: UTF-8. Any thread. Dropped (and said so in the log) where 4,096
 * wait already. Does nothing before relay_start. */
void relay_send(struct relay *r, const char *kind, const char *text);
bool relay_send_in(struct relay *r, struct db *w, const char *kind, const char *text,
		   struct err *e) MUST_CHECK;

/* Whether what others say is heard at this moment (always true on SQLite). */
bool relay_connected(struct relay *r);

#endif
