/* The workers that fetch the pages people link to: a few threads, each with a database handle of its own. The cards'
 * rows are the truth: kill them at any moment, and what was not fetched is fetched after the next start. */
#ifndef MADANG_JOBS_CARDS_H
#define MADANG_JOBS_CARDS_H

#include "app/app.h"

struct cards;

struct cards_options {
	struct app_core *core;
	struct db_pool *pool;
	bool private_addresses; /* tests only: pages on this machine */
};

struct cards *cards_start(const struct cards_options *options, struct err *e);
void cards_stop(struct cards *c); /* NULL-safe */

#endif
