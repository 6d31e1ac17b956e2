/* The server's own emojis: administrators keep them; whatever shows a text shows those that stand in it. */
#ifndef MADANG_APP_EMOJI_H
#define MADANG_APP_EMOJI_H

#include "app/app.h"
#include "media/process.h"
#include "store/emoji.h"

enum {
	APP_EMOJIS_MAX = 2000,
	APP_EMOJIS_SHOWN_MAX = 100, /* in one text */
	APP_EMOJI_SHORTCODE_MAX = 64,
	APP_EMOJI_BYTES_MAX = 256 << 10, /* of the upload */
	APP_EMOJI_SIDE_MAX = 512
};

/* Administrators. Members that are NULL stay as they are. */
struct app_emoji_form {
	const char *shortcode; /* of a new one only */
	const char *category;
	const bool *disabled;
	const bool *hidden;
	const struct media_processed *picture; /* a new one needs this or… */
	int64_t media_id;                      /* …a picture of one's own; 0: none */
};
/* ERR_FORBIDDEN where the form need not be read at all. */
bool app_emoji_may(const struct app *app, struct err *e) MUST_CHECK;
bool app_emoji_add(struct app *app, const struct app_emoji_form *form, struct store_emoji *out,
		   struct err *e) MUST_CHECK;
bool app_emoji_change(struct app *app, int64_t id, const struct app_emoji_form *form,
		      struct store_emoji *out, struct err *e) MUST_CHECK;
bool app_emoji_remove(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_emoji_get(struct app *app, int64_t id, struct store_emoji *out, struct err *e) MUST_CHECK;
/* out has room for the page's limit. */
bool app_emoji_list(struct app *app, const struct store_page *page, struct store_emoji *out,
		    size_t *count, struct err *e) MUST_CHECK;

/* Anybody: all that are not disabled, by category and shortcode. */
bool app_emoji_all(struct app *app, struct store_emoji **out, size_t *count,
		   struct err *e) MUST_CHECK;
/* Those whose :shortcode: stands in one of the texts (NULL: none), each once; at most `room`. Where they cannot be
 * looked up there are none: a text without its pictures is better than none. */
size_t app_emojis_in(struct app *app, const char *const *texts, size_t text_count,
		     struct store_emoji *out, size_t room);

#endif
