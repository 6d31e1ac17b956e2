/* What administrators tell everybody: announcements, with reactions. */
#ifndef MADANG_APP_ANNOUNCEMENT_H
#define MADANG_APP_ANNOUNCEMENT_H

#include "app/emoji.h"
#include "app/post.h"
#include "store/announcement.h"

#define APP_ANNOUNCEMENTS_MAX 100
#define APP_REACTIONS_MAX     8 /* different ones of one announcement */

struct app_reaction {
	const char *name; /* an emoji of Unicode, or the shortcode of one of the house's own */
	int64_t count;
	bool me;
	const struct store_emoji *emoji; /* the house's own; NULL: of Unicode */
};

struct app_announcement {
	struct store_announcement row;
	const char *html;
	struct app_reaction reactions[APP_REACTIONS_MAX];
	size_t reaction_count;
	const struct app_post *post; /* the thread that goes on; may be NULL */
	const struct store_account *mentions;
	size_t mention_count;
	const char *const *tags;
	size_t tag_count;
};
/* all: administrators also get what is not published or over. */
bool app_announcements(struct app *app, bool all, bool with_read, struct app_announcement **out,
		       size_t *count, struct err *e) MUST_CHECK;
bool app_announcement_read(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* ERR_INVALID: it is no emoji of Unicode, nor the shortcode of one of the house's own that is in use. */
bool app_announcement_react(struct app *app, int64_t id, const char *name, bool on,
			    struct err *e) MUST_CHECK;
bool app_announcement_may_write(struct app *app, struct err *e) MUST_CHECK;
/* Administrators. form->id 0: a new one. It is published now where `published` says so, and at scheduled_at where
 * that is set. */
bool app_announcement_save(struct app *app, const struct store_announcement *form, int64_t *id,
			   struct err *e) MUST_CHECK;
bool app_announcement_remove(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND also for what is not published, but to administrators. */
bool app_announcement_get(struct app *app, int64_t id, struct app_announcement *out,
			  struct err *e) MUST_CHECK;
/* The same for streams, which know no viewer. */
bool app_announcement_told(struct app *app, int64_t id, struct app_announcement *out,
			   struct err *e) MUST_CHECK;

#endif
