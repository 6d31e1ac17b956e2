/* Opens and closes what belongs to a data folder. Main thread. */
#include "cli/house.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

static bool split_listen(struct arena *a, struct house *h, struct err *e)
{
	const char *listen = h->config.listen, *colon = strrchr(listen, ':');
	if (!colon || !colon[1])
		return err_set(e, ERR_INVALID, "--listen: '%.100s' is not HOST:PORT", listen);
	size_t n = (size_t)(colon - listen);
	if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']')
		h->host = arena_strndup(a, listen + 1, n - 2);
	else
		h->host = n ? arena_strndup(a, listen, n) : NULL;
	h->port = colon + 1;
	return true;
}

static bool set_url(struct arena *a, struct house *h, struct err *e)
{
	const char *url = h->config.url;
	if (!url) {
		bool any = !h->host || !strcmp(h->host, "0.0.0.0") || !strcmp(h->host, "::");
		url = arena_printf(a, "http://%s:%s", any ? "localhost" : h->host, h->port);
	}
	if (!str_starts(url, "http://") && !str_starts(url, "https://"))
		return err_set(e, ERR_INVALID,
			       "--url: '%.100s' must begin with https:// or http://", url);
	char *copy = arena_strdup(a, url);
	while (str_ends(copy, "/"))
		copy[strlen(copy) - 1] = '\0';
	h->base_url = copy;
	h->domain = strstr(copy, "://") + 3;
	return true;
}

bool house_open(struct arena *a, struct house *h, const struct app_hooks *hooks, struct err *e)
{
	if (!split_listen(a, h, e) || !set_url(a, h, e))
		return false;
	if (mkdir(h->config.data, 0750) && errno != EEXIST)
		return err_set(e, ERR_IO, "the data folder %.150s cannot be made: %s",
			       h->config.data, strerror(errno));
	const char *database = h->config.database;
	if (!database || !*database)
		database = arena_printf(a, "sqlite:%s/madang.db", h->config.data);
	h->pool = db_pool_open(database, e);
	if (!h->pool)
		return false;
	const struct app_config config = {.domain = h->domain,
					  .base_url = h->base_url,
					  .uploads_waiting_max = (int)h->config.uploads_waiting_max,
					  .uploads_waiting_own_max =
					      (int)h->config.uploads_waiting_own_max,
					  .jobs_active_max = (int)h->config.jobs_active_max,
					  .jobs_running_max = (int)h->config.jobs_running_max};
	h->core = app_core_create(h->pool, &config, hooks, e);
	return h->core != NULL;
}

void house_close(struct house *h)
{
	app_core_destroy(h->core);
	db_pool_close(h->pool);
	h->core = NULL;
	h->pool = NULL;
}
