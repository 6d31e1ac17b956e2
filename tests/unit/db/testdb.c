/* Owns the temporary folder and the PostgreSQL server of one test program. The main thread only. */
#include "testdb.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static pid_t owner;
static bool server_runs;
static bool durable;
static int databases;

static void die(const char *what)
{
	fprintf(stderr, "testdb: %s failed\n", what);
	exit(99);
}

/* PostgreSQL refuses to run as root: then its commands run as the user postgres. */
static void command(bool as_postgres, const char *format, ...)
{
	char inner[768], outer[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(inner, sizeof(inner), format, args);
	va_end(args);
	if (as_postgres && geteuid() == 0)
		snprintf(outer, sizeof(outer), "runuser -u postgres -- sh -c 'cd / && %s'", inner);
	else
		snprintf(outer, sizeof(outer), "%s", inner);
	if (system(outer) != 0)
		die(outer);
}

static const char *binaries(void)
{
	const char *path = getenv("MADANG_TEST_POSTGRES_BIN");
	return path ? path : "/usr/lib/postgresql/15/bin";
}

static void clean_up(void)
{
	if (getpid() != owner)
		return; /* a forked child of a test */
	if (server_runs)
		testdb_postgres_stop();
	char text[128];
	snprintf(text, sizeof(text), "rm -rf %s", folder);
	if (system(text) != 0)
		fprintf(stderr, "testdb: %s is left\n", folder);
}

const char *testdb_folder(void)
{
	if (folder[0])
		return folder;
	const char *base = getenv("MADANG_TEST_TMP");
	snprintf(folder, sizeof(folder), "%.40s/madang-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(folder))
		die("mkdtemp");
	owner = getpid();
	atexit(clean_up);
	struct passwd *postgres = geteuid() == 0 ? getpwnam("postgres") : NULL;
	if (postgres && chown(folder, postgres->pw_uid, postgres->pw_gid) != 0)
		die("chown");
	return folder;
}

void testdb_durable(void)
{
	durable = true;
}

void testdb_postgres_start(void)
{
	command(true, "%s/pg_ctl -s -w -t 30 -D %s/pg -l %s/pg.log start", binaries(), folder,
		folder);
	server_runs = true;
}

void testdb_postgres_stop(void)
{
	command(true, "%s/pg_ctl -s -w -m immediate -D %s/pg stop", binaries(), folder);
	server_runs = false;
}

static void server_create(void)
{
	command(
	    true,
	    "%s/initdb -D %s/pg -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null",
	    binaries(), folder);
	command(
	    true,
	    "printf \"%%s\\n\" \"listen_addresses = \\\"\\\"\" \"unix_socket_directories = \\\"%s\\\"\" "
	    "\"fsync = %s\" \"max_connections = 200\" | tr \"\\\"\" \"\\047\" >> %s/pg/postgresql.conf",
	    folder, durable ? "on" : "off", folder);
	testdb_postgres_start();
}

const char *testdb_url(enum db_kind kind)
{
	static char urls[64][256]; /* all of one program live until it ends */
	char *url = urls[databases % 64];
	testdb_folder();
	databases++;
	if (kind == DB_SQLITE) {
		snprintf(url, sizeof(urls[0]), "sqlite:%s/test%d.db", folder, databases);
		return url;
	}
	if (!server_runs)
		server_create();
	command(true, "%s/createdb -h %s -U postgres test%d", binaries(), folder, databases);
	snprintf(url, sizeof(urls[0]), "postgres://postgres@/test%d?host=%s", databases, folder);
	return url;
}

int testdb_run_both(int (*run)(enum db_kind kind))
{
	int failed = run(DB_SQLITE);
	return failed + run(DB_POSTGRES);
}
