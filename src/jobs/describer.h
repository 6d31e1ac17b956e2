/* Saying what pictures show: one thread that looks at one picture at a time, for accounts in turn. Nothing of it is
 * kept: an answer is a proposal to whoever asked, and dies with the process.
 *
 * describer_ask may be called from any thread. Each order that was taken ends in exactly one call
 * of its `done`, on the describer's thread or on the one that stops it. */
#ifndef MADANG_JOBS_DESCRIBER_H
#define MADANG_JOBS_DESCRIBER_H

#include "makers/maker.h"
#include "media/media.h"

struct describer;

enum {
	DESCRIBER_WAITING_MAX = 64, /* in all */
	DESCRIBER_ACCOUNT_MAX = 4   /* of one account: as many as a post has pictures */
};

struct describer_order {
	int64_t account_id;
	const char *hash; /* of the picture's object; copied */
	void *context;
	/* text NULL: *e says why there is none. */
	void (*done)(void *context, const char *text, const struct err *e);
};

/* Borrows both, for as long as it lives. */
struct describer *describer_start(struct maker *maker, struct media_store *media, struct err *e);
/* Breaks off, and answers everybody with ERR_BUSY; nothing is taken any more. NULL-safe. */
void describer_stop(struct describer *d);
void describer_destroy(struct describer *d); /* stopped; NULL-safe */

const char *describer_model(const struct describer *d);

/* Puts it in line. False: too many wait, of this account (ERR_LIMIT) or in all (ERR_BUSY); `done` is not called
 * then. */
bool describer_ask(struct describer *d, const struct describer_order *order,
		   struct err *e) MUST_CHECK;

#endif
