/* How the statements of every noun end. */
#ifndef MADANG_STORE_END_H
#define MADANG_STORE_END_H

#include "base/err.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a statement that reads one row: ERR_NOT_FOUND where there was none. */
bool store_end_found(struct db_stmt *q, bool found, struct err *e) MUST_CHECK;
/* The first number of the first row; 0 where there is none. */
bool store_end_int(struct db_stmt *q, int64_t *value, struct err *e) MUST_CHECK;
/* Whether it changed any row. */
bool store_end_changed(struct db_stmt *q, bool *changed, struct err *e) MUST_CHECK;
/* Whole statements with one and with two numbers. */
bool store_run_1(struct db *w, const char *sql, int64_t a, struct err *e) MUST_CHECK;
bool store_run_2(struct db *w, const char *sql, int64_t a, int64_t b, struct err *e) MUST_CHECK;
/* A kind of timeline of which only the newest posts of each owner are kept. */
struct store_trim {
	const char *next; /* the next owner after $1 */
	const char *edge; /* the newest post of $1 that is one too many, $2 are kept */
	const char *cut;  /* takes the posts of $1 away, down from $2 */
	enum db_noun noun;
};
/* Trims the next owner after *cursor; *cursor 0: was the last one. */
bool store_trim(struct db *w, const struct store_trim *trim, int64_t *cursor, int keep,
		struct err *e) MUST_CHECK;

#endif
