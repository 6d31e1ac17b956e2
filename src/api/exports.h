/* Archives that are being downloaded: each is written by a thread of its own, with a database handle of its own, so
 * that a slow reader holds no worker. */
#ifndef MADANG_API_EXPORTS_H
#define MADANG_API_EXPORTS_H

#include "api/api.h"

struct exports;

struct exports *exports_create(struct api *api);
/* Ends what is being downloaded, and begins nothing more. Before the HTTP server's end. */
void exports_stop(struct exports *x); /* both NULL-safe */
void exports_destroy(struct exports *x);

/* The answer becomes the archive of this account, in the name of who asks. ERR_BUSY where too many are being made, or
 * one of this account's already. */
MUST_CHECK bool exports_begin(struct exports *x, const struct app *app,
			      const struct store_account *account, struct http_response *rs,
			      struct err *e);

#endif
