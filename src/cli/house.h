/* What every command on a running house needs: its data folder, its database, the application layer. */
#ifndef MADANG_CLI_HOUSE_H
#define MADANG_CLI_HOUSE_H

#include "app/app.h"
#include "base/arena.h"
#include "config/config.h"

struct house {
	struct config config;
	struct db_pool *pool;
	struct app_core *core;
	const char *base_url, *domain;
	const char *host, *port; /* of listen */
};

/* The setting under which a server leaves its address for workers. */
#define HOUSE_SETTING_URL "server_url"

/* Opens (and makes, where they are missing) the data folder and the database; fills pool, core and the rest
 * from h->config. hooks may be NULL. */
MUST_CHECK bool house_open(struct arena *a, struct house *h, const struct app_hooks *hooks,
			   struct err *e);
void house_close(struct house *h);

#endif
