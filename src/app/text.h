/* What people write, as safe HTML in Mastodon's markup: paragraphs, links, mentions, hashtags. Nothing that
 * was written becomes markup by itself. */
#ifndef MADANG_APP_TEXT_H
#define MADANG_APP_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APP_TEXT_MENTIONS_MAX   50
#define APP_TEXT_TAGS_MAX       50
#define APP_TEXT_URL_CHARACTERS 23 /* what a link counts, however long it is */

struct app_text_mention {
	const char *username;
	const char *domain; /* "" where none was written */
	const char *url;    /* filled in by who knows the account; NULL: nobody of that name */
	int64_t account_id;
};

struct app_text {
	struct app_text_mention mentions[APP_TEXT_MENTIONS_MAX];
	size_t mention_count; /* each once */
	const char *tags[APP_TEXT_TAGS_MAX];
	size_t tag_count; /* each once, as written, without # */
	size_t characters;
};

/* Finds mentions and tags. text must be UTF-8. */
void app_text_scan(struct arena *arena, const char *text, struct app_text *out);
/* base_url: where tags are; out: scanned from this text, with the urls of the mentions. */
const char *app_text_html(struct arena *arena, const char *base_url, const char *text,
			  const struct app_text *scanned);
/* The next link at or behind *at, which moves on; NULL: there is none. */
const char *app_text_next_link(struct arena *arena, const char **at);
/* Folds a tag for looking up. */
const char *app_text_fold_tag(struct arena *arena, const char *tag);
/* The text without its mentions, trimmed: what @draw is asked for. */
const char *app_text_without_mentions(struct arena *arena, const char *text);

#endif
