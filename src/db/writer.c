/* Owns the one thread that writes to SQLite. Callers queue a function and sleep; the thread takes all that
 * wait, runs each inside a savepoint of one transaction, commits once and wakes them: under load one fsync
 * serves many. What must stay true: nobody is told "done" before the commit is on the disk, and one
 * caller's failure undoes only its own changes.
 *
 * While the disk syncs a group, the next one gathers by itself; there is no waiting for company. */
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "db/driver.h"

#include <semaphore.h>
#include <stdlib.h>

enum { GROUP_MAX = 512 };

struct request {
	db_write_fn *fn;
	void *context;
	struct err *e;
	bool ok;
	sem_t done;
	struct request *next;
};

struct db_writer {
	struct db_pool *pool;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct request *head;
	struct request **tail;
	int group_max;
	bool stop;
};

static void fail_all(struct request *group, const struct err *e)
{
	for (struct request *r = group; r; r = r->next) {
		if (r->ok) {
			r->ok = false;
			*r->e = *e;
		}
	}
}

/* The file may have been moved away, or another put in its place (a restored backup): writing to the old
 * one would acknowledge what nobody will ever find. */
static bool file_ready(struct db_writer *writer, struct err *e)
{
	struct db *db = writer->db;
	if (!db_handle_ready(db, e))
		return false;
	switch (db_sqlite_file(db->conn)) {
	case DB_FILE_SAME:
		return true;
	case DB_FILE_GONE:
		return err_set(e, ERR_IO,
			       "The database is gone. The administrator must bring it back.");
	case DB_FILE_REPLACED:
		break;
	}
	atomic_fetch_add(&writer->pool->generation, 1);
	return db_handle_ready(db, e);
}

/* Leaves ok and *e set in every request of the group. */
static void run_group(struct db_writer *writer, struct request *group)
{
	struct db *db = writer->db;
	struct err e = {0};
	struct err ignored = {0};
	for (struct request *r = group; r; r = r->next)
		r->ok = true;
	if (!file_ready(writer, &e) || !db_handle_execute(db, "BEGIN IMMEDIATE", &e)) {
		fail_all(group, &e);
		return;
	}
	db->depth = 1;
	db_touches_begin(db);
	uint64_t done = 0;
	for (struct request *r = group; r && !db->broken; r = r->next) {
		r->ok = db_handle_savepoint(db, r->fn, r->context, r->e);
		done += r->ok;
		if (!r->ok && db->broken)
			e = *r->e; /* the whole transaction went with it: disk full, or a read error */
	}
	db->depth = 0;
	bool ok = !db->broken && db_handle_execute(db, "COMMIT", &e);
	db_touches_publish(db);
	db->broken = false;
	if (!ok) {
		log_warn("db.group_failed", LOG_ERR(&e));
		/* After a failure of the disk the connection may hold a half-known state: begin afresh. */
		if (!db_handle_execute(db, "ROLLBACK", &ignored) || e.code == ERR_IO)
			db_handle_lose(db);
		fail_all(group, &e);
		return;
	}
	atomic_fetch_add(&writer->pool->writes, done);
	atomic_fetch_add(&writer->pool->commits, 1);
}

static struct request *take_group(struct db_writer *writer)
{
	struct request *group = writer->head;
	struct request *last = group;
	for (int count = 1; last->next && count < writer->group_max; count++)
		last = last->next;
	writer->head = last->next;
	if (!writer->head)
		writer->tail = &writer->head;
	last->next = NULL;
	return group;
}

static void writer_thread(void *argument)
{
	struct db_writer *writer = argument;
	pthread_mutex_lock(&writer->mutex);
	for (;;) {
		while (!writer->head && !writer->stop)
			pthread_cond_wait(&writer->wake, &writer->mutex);
		if (!writer->head)
			break;
		struct request *group = take_group(writer);
		pthread_mutex_unlock(&writer->mutex);
		run_group(writer, group);
		while (group) {
			struct request *r = group;
			group = r->next; /* r is gone as soon as its owner wakes */
			sem_post(&r->done);
		}
		pthread_mutex_lock(&writer->mutex);
	}
	pthread_mutex_unlock(&writer->mutex);
}

struct db_writer *db_writer_create(struct db_pool *p, struct err *e)
{
	struct db_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		abort();
	writer->pool = p;
	writer->tail = &writer->head;
	writer->group_max = GROUP_MAX;
	pthread_mutex_init(&writer->mutex, NULL);
	thread_cond_init(&writer->wake);
	writer->db = db_handle_create(p, true, e);
	if (!writer->db || !thread_start(&writer->thread, "db-writer", writer_thread, writer, e)) {
		db_close(writer->db);
		free(writer);
		return NULL;
	}
	return writer;
}

void db_writer_destroy(struct db_writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->mutex);
	writer->stop = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
	thread_join(writer->thread);
	db_close(writer->db);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->mutex);
	free(writer);
}

void db_writer_set_group_max(struct db_writer *writer, int group_max)
{
	pthread_mutex_lock(&writer->mutex);
	writer->group_max = group_max;
	pthread_mutex_unlock(&writer->mutex);
}

bool db_writer_run(struct db_writer *writer, db_write_fn *fn, void *context, struct err *e)
{
	struct request r = {.fn = fn, .context = context, .e = e};
	sem_init(&r.done, 0, 0);
	pthread_mutex_lock(&writer->mutex);
	*writer->tail = &r;
	writer->tail = &r.next;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->mutex);
	while (sem_wait(&r.done) != 0)
		; /* EINTR */
	sem_destroy(&r.done);
	return r.ok;
}
