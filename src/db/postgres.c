/* The PostgreSQL driver (libpq). Parameters and results travel as text; the server infers
 * the types, so that one SQL text serves both databases. A lost connection fails what runs on it and is
 * made again by the next statement outside a transaction. What must stay true: readers cannot write
 * (default_transaction_read_only), and only codes that mean "try again" become ERR_BUSY. */
#include "base/err.h"
#include "db/driver.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Planning forty ids costs PostgreSQL several times what finding them does, and its guess which plans to keep changes
 * with a table's statistics. The SQL is made for SQLite too, which never looks at values while it plans: so plans are
 * made once, but for the search of words, where a rare word and a common one want different ways. */
enum planning { PLANNED_UNKNOWN, PLANNED_ONCE, PLANNED_BY_VALUE };

enum { LATER_MAX = 32 }; /* their answers wait in the kernel, so they must be few and short */

struct connection {
	PGconn *pg;
	unsigned names; /* of prepared statements */
	enum planning planning;
	int later; /* how many have been sent whose answers nobody has read; then libpq is in pipeline mode */
	const char *later_sql[LATER_MAX + 1]; /* for messages */
};

struct parameter {
	char *value; /* short, or malloc'ed, or NULL */
	char small[32];
};

struct statement {
	struct connection *conn;
	char name[16];
	const char *sql;
	enum planning planning;
	struct parameter parameters[DB_PARAMS_MAX];
	int count;
	PGresult *result;
	int row;
	bool streaming;
	int64_t changed;
};

struct code_class {
	const char *prefix; /* of the SQLSTATE */
	enum err_code code;
	const char *message;
};

static const char MESSAGE_BUSY[] = "The database is busy. Please try again in a moment.";
static const char MESSAGE_IO[] =
    "The database cannot be reached or written. Please try again; if it stays so, tell the administrator.";

/* The first prefix that fits counts. */
static const struct code_class code_classes[] = {
    {"22021", ERR_INVALID, "The text is not valid UTF-8."},
    {"22P05", ERR_INVALID, "The text holds a character that cannot be stored."},
    {"23", ERR_CONFLICT, "This exists already, or what it refers to is gone."},
    {"40001", ERR_BUSY, MESSAGE_BUSY},
    {"40P01", ERR_BUSY, MESSAGE_BUSY},
    {"55P03", ERR_BUSY, MESSAGE_BUSY},
    {"53100", ERR_IO, "The disk is full. Nothing was saved; please tell the administrator."},
    {"53200", ERR_NO_MEMORY, "The database has no memory left."},
    {"53", ERR_BUSY, MESSAGE_BUSY},
    {"57014", ERR_BUSY, MESSAGE_BUSY},
    {"57", ERR_IO, MESSAGE_IO},
    {"58", ERR_IO, MESSAGE_IO},
    {"08", ERR_IO, MESSAGE_IO},
    {"25006", ERR_INTERNAL, "Something went wrong here. Please try again."},
    {"XX", ERR_IO, MESSAGE_IO},
};

static bool postgres_err(struct connection *c, const PGresult *result, const char *what,
			 struct err *e)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *text = result ? PQresultErrorMessage(result) : PQerrorMessage(c->pg);
	if (!state)
		state = "08006"; /* libpq says it by itself: the connection */
	err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.");
	for (size_t i = 0; i < sizeof(code_classes) / sizeof(code_classes[0]); i++) {
		const struct code_class *class = &code_classes[i];
		if (strncmp(state, class->prefix, strlen(class->prefix)) == 0) {
			err_set(e, class->code, "%s", class->message);
			break;
		}
	}
	return err_detail(e, "postgres %s %.130s: %.80s", state, text ? text : "", what);
}

static void postgres_disconnect(void *conn)
{
	struct connection *c = conn;
	PQfinish(c->pg);
	free(c);
}

static void no_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

/* --- statements whose answers can wait: they go out with whatever needs one, and save the way there and back --- */

static bool later_enter(struct connection *c, const char *sql, struct err *e)
{
	return c->later > 0 || PQenterPipelineMode(c->pg) == 1 || postgres_err(c, NULL, sql, e);
}

static bool later_sent(struct connection *c, const char *sql, int sent, struct err *e)
{
	if (!sent)
		return postgres_err(c, NULL, sql, e);
	c->later_sql[c->later++] = sql;
	return true;
}

/* A whole text without parameters, sent after what waits. */
static bool later_text(struct connection *c, const char *text, const char *sql, struct err *e)
{
	return later_enter(c, sql, e) &&
	       later_sent(c, sql, PQsendQueryParams(c->pg, text, 0, NULL, NULL, NULL, NULL, 0), e);
}

/* Reads the answers of all that was sent. `last` gets the answer of the last, whatever it is (NULL: it is like the
 * others). False: one before it failed, and PostgreSQL has skipped what follows. */
static bool later_settle(struct connection *c, PGresult **last, struct err *e)
{
	bool ok = PQpipelineSync(c->pg) == 1 || postgres_err(c, NULL, "sync", e);
	int count = c->later;
	c->later = 0;
	for (int i = 0; i < count; i++) {
		PGresult *result = PQgetResult(c->pg), *rest;
		ExecStatusType status = PQresultStatus(result);
		if (last && i == count - 1)
			*last = result;
		else if (ok && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
			ok = postgres_err(c, result, c->later_sql[i], e);
		if (!last || *last != result)
			PQclear(result);
		while (result && (rest = PQgetResult(c->pg)))
			PQclear(rest);
	}
	PGresult *sync = PQgetResult(c->pg);
	if (ok && PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
		ok = postgres_err(c, NULL, "sync", e);
	PQclear(sync);
	if (!PQexitPipelineMode(c->pg) && ok)
		ok = postgres_err(c, NULL, "sync", e);
	if (!ok && last) {
		PQclear(*last);
		*last = NULL;
	}
	return ok;
}

/* For what can't go out with others. */
static bool later_none(struct connection *c, struct err *e)
{
	return c->later == 0 || later_settle(c, NULL, e);
}

static bool postgres_execute_later(void *conn, const char *sql, struct err *e)
{
	return later_text(conn, sql, sql, e);
}

static bool postgres_execute(void *conn, const char *sql, struct err *e)
{
	struct connection *c = conn;
	struct err ignored = {0};
	PGresult *result = NULL;
	if (c->later > 0 && strcmp(sql, "COMMIT") == 0) {
		if (!later_text(c, sql, sql, e) || !later_settle(c, &result, e))
			return false;
	} else if (strncmp(sql, "ROLLBACK", 8) == 0) {
		(void)!later_none(c, &ignored);
	} else if (!later_none(c, e)) {
		return false;
	}
	if (!result)
		result = PQexec(c->pg, sql);
	ExecStatusType status = PQresultStatus(result);
	if (strncmp(sql, "ROLLBACK", 8) == 0)
		c->planning = PLANNED_UNKNOWN; /* what was set meanwhile is undone too */
	/* A migration may have something to say to the other database only. */
	bool ok =
	    status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
	/* COMMIT of a failed transaction answers ROLLBACK, which is no success. */
	if (ok && strcmp(sql, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
		err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.");
		err_detail(e, "commit of a failed transaction");
		ok = false;
	} else if (!ok) {
		postgres_err(c, result, sql, e);
	}
	PQclear(result);
	return ok;
}

static bool postgres_connect(struct db_pool *pool, bool writer, void **conn, struct err *e)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	const char *keys[] = {"dbname", "application_name", "client_encoding", "connect_timeout",
			      NULL};
	const char *values[] = {pool->url, "madang", "UTF8", "5", NULL};
	c->pg = PQconnectdbParams(keys, values, 1);
	if (!c->pg)
		abort();
	if (PQstatus(c->pg) != CONNECTION_OK) {
		postgres_err(c, NULL, "connect", e);
		goto fail;
	}
	PQsetNoticeProcessor(c->pg, no_notice, NULL);
	/* Each statement has its index; what PostgreSQL believes of a table before it has looked at it must not make it
	 * read all of it. And nothing here is long enough to be compiled, or to be shared with other processes. */
	if (!postgres_execute(
		c,
		"SET enable_seqscan = off; SET jit = off; SET max_parallel_workers_per_gather = 0",
		e) ||
	    !postgres_execute(c,
			      writer ? "SET lock_timeout = '30s'"
				     : "SET lock_timeout = '5s'; SET statement_timeout = '30s'; "
				       "SET default_transaction_read_only = on",
			      e))
		goto fail;
	*conn = c;
	return true;
fail:
	postgres_disconnect(c);
	return false;
}

/* Nothing is due on an idle connection: whatever can be read there is the server's farewell, and who looks
 * first need not fail once for every connection after the server was away. */
static bool postgres_alive(void *conn)
{
	PGconn *pg = ((struct connection *)conn)->pg;
	char byte;
	ssize_t n = recv(PQsocket(pg), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	bool quiet = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
	return quiet && PQstatus(pg) == CONNECTION_OK;
}

static bool postgres_prepare(void *conn, const char *sql, void **impl, struct err *e)
{
	struct connection *c = conn;
	struct statement *s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->conn = c;
	s->sql = sql;
	s->planning = strstr(sql, "@@") ? PLANNED_BY_VALUE : PLANNED_ONCE;
	snprintf(s->name, sizeof(s->name), "s%u", c->names++);
	bool ok = later_none(c, e);
	if (ok) {
		PGresult *result = PQprepare(c->pg, s->name, sql, 0, NULL);
		ok = PQresultStatus(result) == PGRES_COMMAND_OK || postgres_err(c, result, sql, e);
		PQclear(result);
	}
	if (!ok) {
		free(s);
		return false;
	}
	*impl = s;
	return true;
}

static void drop_parameters(struct statement *s)
{
	for (int i = 0; i < s->count; i++) {
		struct parameter *p = &s->parameters[i];
		if (p->value && p->value != p->small)
			free(p->value);
		p->value = NULL;
	}
	s->count = 0;
}

static void postgres_reset(void *impl)
{
	struct statement *s = impl;
	PQclear(s->result);
	s->result = NULL;
	PGresult *rest;
	while (s->streaming && (rest = PQgetResult(s->conn->pg)))
		PQclear(rest);
	s->streaming = false;
	drop_parameters(s);
}

static void postgres_finalize(void *impl)
{
	struct statement *s = impl;
	postgres_reset(s);
	if (PQstatus(s->conn->pg) == CONNECTION_OK) {
		char text[32];
		struct err ignored = {
		    0}; /* a failure of the transaction shows in its next statement too */
		snprintf(text, sizeof(text), "DEALLOCATE %s", s->name);
		(void)!later_none(s->conn, &ignored);
		PQclear(PQexec(s->conn->pg, text));
	}
	free(s);
}

static bool put(void *impl, int index, const void *bytes, size_t length)
{
	struct statement *s = impl;
	struct parameter *p = &s->parameters[index - 1];
	if (length > INT32_MAX - 1)
		return false;
	p->value = length < sizeof(p->small) ? p->small : malloc(length + 1);
	if (!p->value)
		abort();
	memcpy(p->value, bytes, length);
	p->value[length] = '\0';
	s->count = index;
	return true;
}

static bool postgres_put_int(void *impl, int index, int64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lld", (long long)value);
	return put(impl, index, text, (size_t)length);
}

static bool postgres_put_bool(void *impl, int index, bool value)
{
	return put(impl, index, value ? "t" : "f", 1);
}

static bool postgres_put_double(void *impl, int index, double value)
{
	char text[40];
	int length = snprintf(text, sizeof(text), "%.17g", value);
	return put(impl, index, text, (size_t)length);
}

static bool postgres_put_text(void *impl, int index, const char *text)
{
	return put(impl, index, text, strlen(text));
}

static bool postgres_put_null(void *impl, int index)
{
	struct statement *s = impl;
	s->parameters[index - 1].value = NULL;
	s->count = index;
	return true;
}

static enum db_step take_result(struct statement *s, struct err *e)
{
	ExecStatusType status = PQresultStatus(s->result);
	s->row = 0;
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
	    status == PGRES_SINGLE_TUPLE) {
		s->changed = strtoll(PQcmdTuples(s->result), NULL, 10);
		return PQntuples(s->result) > 0 ? DB_STEP_ROW : DB_STEP_DONE;
	}
	postgres_err(s->conn, s->result, s->sql, e);
	return DB_STEP_FAILED;
}

static bool set_planning(struct statement *s, struct err *e)
{
	if (s->conn->planning == s->planning)
		return true;
	if (!postgres_execute(s->conn,
			      s->planning == PLANNED_ONCE
				  ? "SET plan_cache_mode = force_generic_plan"
				  : "SET plan_cache_mode = auto",
			      e))
		return false;
	s->conn->planning = s->planning;
	return true;
}

static bool postgres_send(struct statement *s, struct err *e)
{
	const char *values[DB_PARAMS_MAX];
	for (int i = 0; i < s->count; i++)
		values[i] = s->parameters[i].value;
	return PQsendQueryPrepared(s->conn->pg, s->name, s->count, values, NULL, NULL, 0) == 1 ||
	       postgres_err(s->conn, NULL, s->sql, e);
}

static enum db_step postgres_first(struct statement *s, bool streamed, struct err *e)
{
	struct connection *c = s->conn;
	PGresult *rest;
	if ((streamed && !later_none(c, e)) || !set_planning(s, e) || !postgres_send(s, e))
		return DB_STEP_FAILED;
	if (c->later > 0) {
		c->later_sql[c->later++] = s->sql;
		return later_settle(c, &s->result, e) ? take_result(s, e) : DB_STEP_FAILED;
	}
	if (streamed && !PQsetSingleRowMode(c->pg)) {
		postgres_err(c, NULL, s->sql, e);
		return DB_STEP_FAILED;
	}
	s->streaming = streamed;
	s->result = PQgetResult(c->pg);
	while (!streamed && (rest = PQgetResult(c->pg)))
		PQclear(rest);
	return take_result(s, e);
}

static bool postgres_later(void *impl, struct err *e)
{
	struct statement *s = impl;
	struct connection *c = s->conn;
	if ((c->later == LATER_MAX && !later_settle(c, NULL, e)) || !set_planning(s, e) ||
	    !later_enter(c, s->sql, e) || !postgres_send(s, e))
		return false;
	c->later_sql[c->later++] = s->sql;
	return true;
}

static enum db_step postgres_step(void *impl, bool first, bool streamed, struct err *e)
{
	struct statement *s = impl;
	if (first)
		return postgres_first(s, streamed, e);
	if (!s->streaming)
		return ++s->row < PQntuples(s->result) ? DB_STEP_ROW : DB_STEP_DONE;
	PQclear(s->result);
	s->result = PQgetResult(s->conn->pg);
	return take_result(s, e);
}

static int64_t postgres_changed(void *impl)
{
	struct statement *s = impl;
	const char *command = s->result ? PQcmdStatus(s->result) : "";
	return strncmp(command, "SELECT", 6) == 0 ? 0 : s->changed;
}

static const char *postgres_get_text(void *impl, int column, size_t *length)
{
	struct statement *s = impl;
	if (PQgetisnull(s->result, s->row, column))
		return NULL;
	*length = (size_t)PQgetlength(s->result, s->row, column);
	return PQgetvalue(s->result, s->row, column);
}

static int64_t postgres_get_int(void *impl, int column)
{
	size_t length;
	const char *text = postgres_get_text(impl, column, &length);
	return text ? strtoll(text, NULL, 10) : 0;
}

static bool postgres_get_bool(void *impl, int column)
{
	size_t length;
	const char *text = postgres_get_text(impl, column, &length);
	return text && (*text == 't' || (*text >= '1' && *text <= '9'));
}

static double postgres_get_double(void *impl, int column)
{
	size_t length;
	const char *text = postgres_get_text(impl, column, &length);
	return text ? strtod(text, NULL) : 0;
}

const struct db_driver db_driver_postgres = {
    .connect = postgres_connect,
    .disconnect = postgres_disconnect,
    .alive = postgres_alive,
    .prepare = postgres_prepare,
    .finalize = postgres_finalize,
    .put_int = postgres_put_int,
    .put_bool = postgres_put_bool,
    .put_double = postgres_put_double,
    .put_text = postgres_put_text,
    .put_null = postgres_put_null,
    .step = postgres_step,
    .later = postgres_later,
    .reset = postgres_reset,
    .changed = postgres_changed,
    .get_int = postgres_get_int,
    .get_bool = postgres_get_bool,
    .get_double = postgres_get_double,
    .get_text = postgres_get_text,
    .execute = postgres_execute,
    .execute_later = postgres_execute_later,
    .begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    .lock_migrations = "SELECT pg_advisory_xact_lock(4711020126)",
};
