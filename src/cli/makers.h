/* The makers that a configuration asks for. */
#ifndef MADANG_CLI_MAKERS_H
#define MADANG_CLI_MAKERS_H

#include "config/config.h"
#include "makers/maker.h"

enum { CLI_MAKERS_MAX = 2 };

/* Those that config->makers names, or all. The caller destroys them, also after a failure. Without a model the
 * house stands all the same: people can read and post, and the studio says why not. */
MUST_CHECK bool cli_make_makers(struct arena *a, const struct config *config,
				struct maker *makers[CLI_MAKERS_MAX], size_t *count, struct err *e);

/* Who says what pictures show: the maker of `describe_model`, which the caller destroys (*own, also on failure), or one of
 * the makers that can look; NULL: nobody. */
MUST_CHECK bool cli_make_describer(struct arena *a, const struct config *c,
				   struct maker *const *makers, size_t count,
				   struct maker **describer, struct maker **own, struct err *e);

#endif
