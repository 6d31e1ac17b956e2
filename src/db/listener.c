/* Listens on one channel of PostgreSQL, for the bus. One thread each. A lost connection is made again by
 * the next wait; what was sent meanwhile is lost, so the bus must treat events as hints. */
#include "db/db.h"
#include "db/driver.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db_listener {
	struct db_pool *pool;
	char channel[64];
	PGconn *pg;
};

static void no_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static bool listener_connect(struct db_listener *l, struct err *e)
{
	/* Nothing is ever sent on this connection, so only the kernel can notice that its other end is gone. */
	const char *keys[] = {"dbname",
			      "application_name",
			      "connect_timeout",
			      "keepalives_idle",
			      "keepalives_interval",
			      "keepalives_count",
			      NULL};
	const char *values[] = {l->pool->url, "madang listener", "5", "10", "5", "3", NULL};
	char text[96];
	l->pg = PQconnectdbParams(keys, values, 1);
	PQsetNoticeProcessor(l->pg, no_notice, NULL);
	snprintf(text, sizeof(text), "LISTEN %s", l->channel);
	PGresult *result = PQexec(l->pg, text);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	if (ok)
		return true;
	err_set(e, ERR_IO, "The database cannot be reached.");
	err_detail(e, "listen: %.200s", PQerrorMessage(l->pg));
	PQfinish(l->pg);
	l->pg = NULL;
	return false;
}

struct db_listener *db_listener_open(struct db_pool *p, const char *channel, struct err *e)
{
	if (p->kind != DB_POSTGRES) {
		err_set(e, ERR_UNSUPPORTED, "Only PostgreSQL has listeners.");
		return NULL;
	}
	size_t length = strlen(channel);
	if (length == 0 || length >= sizeof(((struct db_listener *)0)->channel) ||
	    strspn(channel, "abcdefghijklmnopqrstuvwxyz_") != length) {
		err_set(e, ERR_INVALID, "channel: only small letters and _ (at most 63)");
		return NULL;
	}
	struct db_listener *l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	l->pool = p;
	memcpy(l->channel, channel, length + 1);
	if (!listener_connect(l, e)) {
		free(l);
		return NULL;
	}
	return l;
}

void db_listener_close(struct db_listener *l)
{
	if (!l)
		return;
	if (l->pg)
		PQfinish(l->pg);
	free(l);
}

static bool lost(struct db_listener *l, struct err *e)
{
	err_set(e, ERR_IO, "The connection to the database was lost.");
	err_detail(e, "%.200s", PQerrorMessage(l->pg));
	PQfinish(l->pg);
	l->pg = NULL;
	return false;
}

bool db_listener_wait(struct db_listener *l, int timeout_ms, struct arena *a, char **payload,
		      struct err *e)
{
	if (!l->pg && !listener_connect(l, e))
		return false;
	for (bool waited = false;; waited = true) {
		if (!PQconsumeInput(l->pg))
			return lost(l, e);
		PGnotify *notify = PQnotifies(l->pg);
		if (notify) {
			*payload = arena_strdup(a, notify->extra);
			PQfreemem(notify);
			return true;
		}
		if (waited)
			return err_set(e, ERR_BUSY, "Nothing came in time.");
		struct pollfd fd = {.fd = PQsocket(l->pg), .events = POLLIN};
		if (poll(&fd, 1, timeout_ms) < 0 && errno != EINTR)
			return lost(l, e);
	}
}
