/* Hashtags. */
#ifndef MADANG_STORE_TAG_H
#define MADANG_STORE_TAG_H

#include "store/page.h"

struct store_tag {
	int64_t id;
	const char *name;    /* folded */
	const char *display; /* as first written */
	int64_t posts_count;
	int64_t last_post_at;
};

/* Makes the tag where it is missing, and puts the post under it. */
bool store_tag_add(struct db *w, const char *name, const char *display, int64_t post_id,
		   int64_t now_ms, struct err *e) MUST_CHECK;
/* Posts of tags in (after_id, up_to_id]: are there any; counts them under their tags. */
bool store_tag_has_new(struct db *db, int64_t after_id, int64_t up_to_id, bool *has,
		       struct err *e) MUST_CHECK;
bool store_tag_count(struct db *w, int64_t after_id, int64_t up_to_id, int64_t now_ms,
		     struct err *e) MUST_CHECK;
/* Counts one post less under each of its tags; of a post that was counted, before it is deleted. */
bool store_tag_remove_post(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
/* One more under each of its tags; of a post whose tags were changed after they had been counted. */
bool store_tag_count_post(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_tag_get(struct db *db, struct arena *arena, const char *name, struct store_tag *out,
		   struct err *e) MUST_CHECK;
bool store_tag_get_by_id(struct db *db, struct arena *arena, int64_t id, struct store_tag *out,
			 struct err *e) MUST_CHECK;
bool store_tag_search(struct db *db, struct arena *arena, const char *prefix, int limit, int offset,
		      struct store_tag *out, size_t *found, struct err *e) MUST_CHECK;

#endif
