/* Media of one's own: uploads, drafts, descriptions. The object itself is stored before the row. Uploads that are
 * processed behind the answer: app/upload.h. */
#ifndef MADANG_APP_MEDIA_H
#define MADANG_APP_MEDIA_H

#include "app/app.h"
#include "media/process.h"

/* A new upload; account and time are filled in here. */
bool app_media_create(struct app *app, const struct store_media *media, struct store_media *out,
		      struct err *e) MUST_CHECK;
/* What an upload has become, as one's own; description NULL: none. */
bool app_media_upload(struct app *app, const struct media_processed *done, const char *description,
		      const double focus[2], struct store_media *out, struct err *e) MUST_CHECK;
bool app_media_get(struct app *app, int64_t id, struct store_media *out, struct err *e) MUST_CHECK;
/* description NULL, focus NULL: as they are. */
bool app_media_describe(struct app *app, int64_t id, const char *description, const double focus[2],
			struct store_media *out, struct err *e) MUST_CHECK;
/* One that was not posted. */
bool app_media_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

#endif
