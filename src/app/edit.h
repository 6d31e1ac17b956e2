/* Changing what one has said: the post stays the same post, and shows what it was before. */
#ifndef MADANG_APP_EDIT_H
#define MADANG_APP_EDIT_H

#include "app/post.h"
#include "store/edit.h"

/* What an upload that is shown becomes. NULL: as it is. */
struct app_media_change {
	int64_t id;
	const char *description;
	const double *focus;
};

struct app_post_change {
	const char *text; /* NULL: as it is; so are the others */
	const char *spoiler_text;
	const bool *sensitive;
	const char *language;
	const int64_t *media_ids; /* the whole list, where change_media */
	size_t media_count;
	bool change_media;
	const struct app_media_change *media;
	size_t media_change_count;
	const struct app_poll_new *poll; /* where change_poll; NULL takes it away */
	bool change_poll;
	const enum store_quote_policy *quote_policy;
};
/* One's own; ERR_NOT_FOUND for others. Where nothing changes, nothing is written. */
bool app_post_edit(struct app *app, int64_t id, const struct app_post_change *change,
		   struct app_post *out, struct err *e) MUST_CHECK;

/* One version, with the pictures it had that the post still has. */
struct app_edit {
	struct store_edit row;
	const struct store_media *const *media;
	size_t media_count;
};
/* Oldest first; of a post that was never edited: what it is. *post: the post now. */
bool app_post_history(struct app *app, int64_t id, struct app_post *post, struct app_edit **items,
		      size_t *count, struct err *e) MUST_CHECK;

#endif
