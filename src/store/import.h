/* Lists that people bring along, on their way in. */
#ifndef MADANG_STORE_IMPORT_H
#define MADANG_STORE_IMPORT_H

#include "store/export.h"

enum store_import_state { STORE_IMPORT_RUNS, STORE_IMPORT_FINISHED, STORE_IMPORT_CANCELLED };
enum store_import_phase { STORE_IMPORT_ROWS, STORE_IMPORT_OTHERS };

struct store_import {
	int64_t id;
	int64_t account_id;
	enum store_export kind;
	bool overwrite; /* what is not in it goes */
	enum store_import_state state;
	enum store_import_phase phase;
	int64_t position; /* how many rows it has been through */
	int64_t total;
	int64_t imported;
	int64_t removed;
	int64_t failed;
	int64_t created_at;
	int64_t finished_at; /* 0: not yet */
};
struct store_import_row {
	int64_t position;
	const char *name;    /* folded: "name", "name@domain", a domain, a uri */
	const char *list;    /* its title; "" but for lists */
	const char *options; /* further fields, a tab between */
	const char *error;   /* NULL: none */
};

bool store_import_insert(struct db *w, const struct store_import *row, struct err *e) MUST_CHECK;
bool store_import_row_insert(struct db *w, int64_t import_id, const struct store_import_row *row,
			     struct err *e) MUST_CHECK;
/* Writes how far it is: state, phase, position, counts, finished_at. Only while it runs; *done false: it was cancelled. */
bool store_import_update(struct db *w, const struct store_import *row, bool *done,
			 struct err *e) MUST_CHECK;
bool store_import_cancel(struct db *w, int64_t id, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_import_row_fail(struct db *w, int64_t import_id, int64_t position, const char *error,
			   struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where this account (0: any) has none of that id. */
bool store_import_get(struct db *db, int64_t account_id, int64_t id, struct store_import *out,
		      struct err *e) MUST_CHECK;
/* The oldest that runs; *found false: none. */
bool store_import_next(struct db *db, struct store_import *out, bool *found,
		       struct err *e) MUST_CHECK;
bool store_import_running(struct db *db, int64_t account_id, int64_t *count,
			  struct err *e) MUST_CHECK;
/* Newest first. */
bool store_import_list(struct db *db, int64_t account_id, struct store_import *out, size_t room,
		       size_t *found, struct err *e) MUST_CHECK;
/* Rows behind a position, in order; failed: only those that were not imported. */
bool store_import_rows(struct db *db, struct arena *arena, int64_t import_id, int64_t after,
		       bool failed, struct store_import_row *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;
/* Finished ones from before a time, with their rows. */
bool store_import_expire(struct db *w, int64_t before_ms, struct err *e) MUST_CHECK;

/* What the account has that the import has not. id: an account, a post; for domains name; for lists list_id too. */
struct store_import_other {
	int64_t id;
	int64_t list_id;
	const char *name;
};
bool store_import_others(struct db *db, struct arena *arena, const struct store_import *row,
			 struct store_import_other *out, size_t room, size_t *found,
			 struct err *e) MUST_CHECK;

#endif
