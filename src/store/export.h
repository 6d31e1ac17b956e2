/* What one account takes along: its lists in pages of plain fields, its pictures, its trees of remixes. */
#ifndef MADANG_STORE_EXPORT_H
#define MADANG_STORE_EXPORT_H

#include "store/media.h"

enum store_export {
	STORE_EXPORT_FOLLOWS,
	STORE_EXPORT_BLOCKS,
	STORE_EXPORT_MUTES,
	STORE_EXPORT_DOMAINS,
	STORE_EXPORT_BOOKMARKS,
	STORE_EXPORT_LISTS,
	STORE_EXPORT_FAVOURITES,
	STORE_EXPORTS /* how many there are */
};
enum { STORE_EXPORT_PAGE = 200 };

struct store_export_row {
	int64_t key;
	const char *name;   /* of an account; else a domain, or the uri of a post */
	const char *domain; /* of an account; "" for those of this server */
	const char *list;   /* its title */
	bool flag_1;        /* follow: with boosts; mute: notifications too */
	bool flag_2;        /* follow: told of new posts */
	const char *languages;
};
/* Those behind the key `after`, oldest first; rows has room for STORE_EXPORT_PAGE. */
bool store_export_page(struct db *db, struct arena *arena, enum store_export kind,
		       int64_t account_id, int64_t after, struct store_export_row *rows,
		       size_t *found, struct err *e) MUST_CHECK;
/* How many there are in all. */
bool store_export_count(struct db *db, enum store_export kind, int64_t account_id, int64_t *count,
			struct err *e) MUST_CHECK;

/* Pictures of posts, and those that are not posted, without what waits for approval. */
struct store_export_file {
	int64_t id;
	const char *hash;
	const char *type;
};
bool store_export_files(struct db *db, struct arena *arena, int64_t account_id, int64_t after,
			struct store_export_file *rows, size_t *found, struct err *e) MUST_CHECK;

#endif
