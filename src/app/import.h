/* Lists that a person brings along, as Mastodon's CSV: read at once, worked through by app_tick. */
#ifndef MADANG_APP_IMPORT_H
#define MADANG_APP_IMPORT_H

#include "app/app.h"
#include "app/export.h"
#include "store/import.h"

enum {
	APP_IMPORT_ROWS_MAX = 20000,
	APP_IMPORT_BYTES_MAX = 4 << 20,
	APP_IMPORTS_SHOWN = 20, /* of one account */
	APP_IMPORTS_RUNNING_MAX = 3,
};

/* Reads the CSV and begins. ERR_INVALID naming the line. */
bool app_import_create(struct app *app, enum store_export kind, bool overwrite, const char *text,
		       size_t length, struct store_import *out, struct err *e) MUST_CHECK;
/* out: APP_IMPORTS_SHOWN. */
bool app_import_list(struct app *app, struct store_import *out, size_t *count,
		     struct err *e) MUST_CHECK;
bool app_import_get(struct app *app, int64_t id, struct store_import *out,
		    struct err *e) MUST_CHECK;
/* What is done stays done. Succeeds where it is over already. */
bool app_import_cancel(struct app *app, int64_t id, struct store_import *out,
		       struct err *e) MUST_CHECK;
/* The rows that could not be imported, with the reason as last column. */
bool app_import_failures(struct app *app, int64_t id, const struct app_sink *sink,
			 struct err *e) MUST_CHECK;

#endif
