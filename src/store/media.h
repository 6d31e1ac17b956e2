/* Pictures and films: uploaded or made here, attached to a post or not yet; and the objects behind them. */
#ifndef MADANG_STORE_MEDIA_H
#define MADANG_STORE_MEDIA_H

#include "store/page.h"

enum store_media_state { STORE_MEDIA_READY, STORE_MEDIA_PENDING, STORE_MEDIA_FAILED };
enum store_media_kind { STORE_MEDIA_IMAGE, STORE_MEDIA_GIFV, STORE_MEDIA_VIDEO, STORE_MEDIA_AUDIO };

struct store_media {
	int64_t id;
	int64_t account_id;
	int64_t post_id; /* 0: not posted */
	int position;
	enum store_media_state state;
	enum store_media_kind kind;
	const char *type; /* MIME */
	const char *hash; /* of the object; NULL while pending (store/upload.h has what was sent) */
	int64_t size_bytes;
	int64_t width;
	int64_t height;
	int64_t duration_ms;
	const char *thumbnail_hash;
	const char *thumbnail_type;
	int64_t thumbnail_width;
	int64_t thumbnail_height;
	const char *blurhash;
	const char *description; /* never NULL */
	double focus_x;
	double focus_y;
	const char *remote_url;
	/* Made here: */
	int64_t job_id; /* 0: not made here, or its job is gone */
	int job_index;
	const char *maker; /* NULL: not made here */
	const char *model;
	const char *style;
	bool has_seed;
	int64_t seed;
	const char *prompt; /* NULL where the viewer must not see it */
	const char *tokens_hash;
	int64_t source_media_id;
	int64_t source_post_id;
	const char *error_message; /* when failed */
	int64_t created_at;
	bool transparent; /* an upload, somewhere, at least in part: it can be a mask */
	bool held;        /* waits for approval: only its owner and the reviewers see it */
};

/* Inserts the row and counts its objects. */
bool store_media_insert(struct db *w, const struct store_media *media, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_media_get(struct db *db, struct arena *arena, int64_t id, struct store_media *out,
		     struct err *e) MUST_CHECK;
/* Of several posts at once, by post and position. *items lives in the arena. */
bool store_media_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids, size_t count,
			  struct store_media **items, size_t *found, struct err *e) MUST_CHECK;
/* Of several jobs at once, by job and index. */
bool store_media_of_jobs(struct db *db, struct arena *arena, const int64_t *job_ids, size_t count,
			 struct store_media **items, size_t *found, struct err *e) MUST_CHECK;
/* Sets what processing found: state, object, size, thumbnail, blurhash, error; counts the objects. Only
 * while it is pending, otherwise ERR_CONFLICT. */
bool store_media_set_result(struct db *w, const struct store_media *media,
			    struct err *e) MUST_CHECK;
bool store_media_describe(struct db *w, int64_t id, const char *description, double focus_x,
			  double focus_y, struct err *e) MUST_CHECK;
/* Attaches an own, ready media that no post has. ERR_CONFLICT otherwise. */
bool store_media_attach(struct db *w, int64_t id, int64_t account_id, int64_t post_id, int position,
			struct err *e) MUST_CHECK;
/* Deletes the row; objects that no other row names move to the trash. */
bool store_media_delete(struct db *w, struct arena *arena, int64_t id, int64_t now_ms,
			struct err *e) MUST_CHECK;
/* Takes all media off a post that is about to go, so that they can be posted again. */
bool store_media_release(struct db *w, int64_t post_id, int64_t now_ms, struct err *e) MUST_CHECK;
/* Uploads (not made here) that were never posted and are older than `before`, and whatever was taken off a post
 * before `detached_before`; but nothing that a job which has not ended begins with. */
bool store_media_stale(struct db *db, int64_t before_ms, int64_t detached_before_ms, int64_t *ids,
		       size_t room, size_t *found, struct err *e) MUST_CHECK;
/* What an account that goes drew or uploaded and never posted, marked; and some of what is marked so. */
bool store_media_abandon(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
bool store_media_abandoned(struct db *db, int64_t *ids, size_t room, size_t *found,
			   struct err *e) MUST_CHECK;
bool store_media_totals(struct db *db, int64_t account_id, int64_t *count, int64_t *size_bytes,
			struct err *e) MUST_CHECK; /* account_id 0: of the server */

/* Objects: rows name them (media, avatars, headers); at zero they go to the trash in the same transaction. */
bool store_object_hold(struct db *w, const char *hash,
		       struct err *e) MUST_CHECK; /* NULL: nothing */
bool store_object_drop(struct db *w, const char *hash, int64_t now_ms, struct err *e) MUST_CHECK;
/* An object that was stored for a row that was never written: it goes, unless another row names it. */
bool store_object_unnamed(struct db *w, const char *hash, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_object_trash(struct db *db, struct arena *arena, int limit, const char ***hashes,
			size_t *found, struct err *e) MUST_CHECK;
/* Takes it out of the trash, once its file is gone. */
bool store_object_trash_remove(struct db *w, const char *hash, struct err *e) MUST_CHECK;
bool store_object_in_use(struct db *db, const char *hash, bool *in_use, struct err *e) MUST_CHECK;

#endif
