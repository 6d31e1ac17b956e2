/* What is known of posts whoever looks: rows that were read, kept in memory until they change, and what was made of
 * them. What a viewer sees of them is view.c's business. */
#ifndef MADANG_APP_KNOWN_H
#define MADANG_APP_KNOWN_H

#include "app/post.h"
#include "store/card.h"
#include "store/lineage.h"

/* Never changed once it is handed out. */
struct app_known_post {
	struct store_post row;
	const struct store_account *author;    /* NULL: gone */
	const struct store_account *mentioned; /* those of them that are there */
	size_t mentioned_count;
	const struct store_mention *mentions;
	size_t mention_count;
	const struct store_media *media;
	size_t media_count;
	const struct store_card *card; /* of its link; NULL: none (yet) */
	bool has_lineage;
	struct store_lineage lineage;
};

struct app_known;
struct app_known *app_known_create(struct db_pool *pool);
void app_known_destroy(struct app_known *known); /* NULL-safe */

/* The posts of these ids, out[i] of ids[i], NULL where there is none; they hold until the arena ends. Inside a
 * transaction nothing that is kept is used. */
bool app_known_load(struct app *app, const int64_t *ids, size_t count,
		    const struct app_known_post **out, struct err *e) MUST_CHECK;

/* Nothing is kept, here and of viewers, until this is called with true: only a process that hears of every change may. */
void app_known_trust(struct app_core *core, bool trusted);

/* A text that was made of a post, cut where viewers differ. The bytes and cuts are the maker's business. */
enum { APP_PIECE_CUTS = 4 };
struct app_piece {
	const char *bytes;
	size_t length;
	size_t cuts[APP_PIECE_CUTS];
};
/* NULL: none is kept. Any thread. */
const struct app_piece *app_known_piece(const struct app_known_post *post);
/* Copies it. Any thread; the first one counts. */
void app_known_piece_keep(const struct app_known_post *post, const struct app_piece *piece);

#endif
