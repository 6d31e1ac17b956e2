/* What is known of one viewer: what they marked on posts, how they stand to authors, what they have none of. Kept in
 * memory while nothing of it changes, so that a page of posts that were shown before asks the database nothing about
 * who looks. What is shown because of it is view.c's business. */
#ifndef MADANG_APP_VIEWER_H
#define MADANG_APP_VIEWER_H

#include "app/app.h"

struct app_viewers;
struct app_viewers *app_viewers_create(struct db_pool *pool);
void app_viewers_destroy(struct app_viewers *viewers); /* NULL-safe */
void app_viewers_trust(struct app_viewers *viewers, bool trusted);

/* Of a post: store_post_flags, and these. Of an author: one bit for each store_relation_kind. */
enum { APP_VIEWER_PINNED = 8, APP_VIEWER_THREAD_MUTED = 16 };
enum app_viewer_of { APP_VIEWER_POST, APP_VIEWER_AUTHOR };

/* The bits of ids[i] into bits[i]; ids that are not known go to missing (room for count), and their number is returned.
 * Inside a transaction nothing is known. */
size_t app_viewer_known(struct app *app, enum app_viewer_of of, const int64_t *ids, size_t count,
			unsigned *bits, int64_t *missing);
/* seen: db_seen() from before they were read. */
void app_viewer_keep(struct app *app, uint64_t seen, enum app_viewer_of of, const int64_t *ids,
		     const unsigned *bits, size_t count);

enum app_viewer_none { APP_VIEWER_HIDES_NOBODY = 1, APP_VIEWER_NO_FILTERS = 2 };
bool app_viewer_has_none(struct app *app, enum app_viewer_none what);
void app_viewer_keep_none(struct app *app, uint64_t seen, enum app_viewer_none what);

#endif
