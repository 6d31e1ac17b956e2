/* The server's own emojis. */
#ifndef MADANG_STORE_EMOJI_H
#define MADANG_STORE_EMOJI_H

#include "store/page.h"

struct store_emoji {
	int64_t id;
	const char *shortcode; /* without the colons */
	const char *category;  /* "": none */
	const char *hash;      /* of the object; it may move */
	const char *type;
	const char *static_hash;
	const char *static_type;
	bool disabled; /* shown nowhere */
	bool hidden;   /* shown where it is written, but not offered */
	int64_t created_at;
	int64_t updated_at;
};

/* ERR_CONFLICT where the shortcode is taken. Inserting, changing and deleting count the objects. */
bool store_emoji_insert(struct db *w, const struct store_emoji *emoji, struct err *e) MUST_CHECK;
/* old: the row as it was. */
bool store_emoji_update(struct db *w, const struct store_emoji *old,
			const struct store_emoji *emoji, struct err *e) MUST_CHECK;
bool store_emoji_delete(struct db *w, const struct store_emoji *emoji, int64_t now_ms,
			struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_emoji_get(struct db *db, struct arena *arena, int64_t id, struct store_emoji *out,
		     struct err *e) MUST_CHECK;
/* The newest first. */
bool store_emoji_list(struct db *db, struct arena *arena, const struct store_page *page,
		      struct store_emoji *out, size_t *found, struct err *e) MUST_CHECK;
/* Those that are not disabled, by category and shortcode, up to room. */
bool store_emoji_all(struct db *db, struct arena *arena, struct store_emoji *out, size_t room,
		     size_t *found, struct err *e) MUST_CHECK;
bool store_emoji_count(struct db *db, int64_t *count, struct err *e) MUST_CHECK;

#endif
