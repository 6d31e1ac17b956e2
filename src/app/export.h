/* What a person takes along: lists as Mastodon's CSV, and everything in one archive. */
#ifndef MADANG_APP_EXPORT_H
#define MADANG_APP_EXPORT_H

#include "app/app.h"
#include "store/export.h"

struct media_store;

/* Takes what is made, piece by piece, and may wait. */
struct app_sink {
	void *context;
	bool (*write)(void *context, const void *bytes, size_t length, struct err *e);
};

/* "follows", "blocks", "mutes", "domain_blocks", "bookmarks", "lists". */
bool app_export_parse(const char *name, enum store_export *kind) MUST_CHECK;
const char *app_export_name(enum store_export kind);
bool app_export_counts(struct app *app, int64_t counts[STORE_EXPORTS], struct err *e) MUST_CHECK;
/* Of the account that asks. */
bool app_export_csv(struct app *app, enum store_export kind, const struct app_sink *sink,
		    struct err *e) MUST_CHECK;

/* Whose archive: one's own, or somebody else's, which is a moderator's, is written down in the audit log, and leaves
 * out what was said to few and the prompts that are private. ERR_NOT_FOUND, ERR_FORBIDDEN. */
bool app_archive_begin(struct app *app, int64_t account_id, struct store_account *account,
		       struct err *e) MUST_CHECK;
/* A zip: actor.json, outbox.json (ActivityPub), likes.json, bookmarks.json, the CSV lists, media_attachments/. Holds one
 * page of posts at a time. Pictures that wait for approval are left out. */
bool app_archive_write(struct app *app, const struct store_account *account,
		       struct media_store *media, const struct app_sink *sink,
		       struct err *e) MUST_CHECK;

/* Private to app/: the lists of an account that has been checked already. */
bool app_export_csv_of(struct app *app, int64_t account_id, enum store_export kind,
		       const struct app_sink *sink, struct err *e) MUST_CHECK;

#endif
