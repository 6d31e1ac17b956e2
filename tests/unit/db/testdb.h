/* Databases for tests: a SQLite file of its own, and a PostgreSQL server of its own on a Unix socket in a
 * temporary folder, started at first use and stopped when the program ends. Failures end the program. */
#ifndef MADANG_TESTS_TESTDB_H
#define MADANG_TESTS_TESTDB_H

#include "db/db.h"

const char *
testdb_url(enum db_kind kind);   /* of a new, empty database; the text lives for 64 calls */
const char *testdb_folder(void); /* a temporary folder, removed at the end */
/* Stops and starts the PostgreSQL server. */
void testdb_postgres_stop(void);
void testdb_postgres_start(void);
/* From now on PostgreSQL waits for the disk (benchmarks, crash tests). Before the first testdb_url. */
void testdb_durable(void);

/* Runs a whole program of tests twice: `run` is called with each kind. Returns the sum. */
int testdb_run_both(int (*run)(enum db_kind kind));

#endif
