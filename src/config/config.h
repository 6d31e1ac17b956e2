/* The configuration of the running house, in one table. A new setting is one row below and nothing else:
 * its option, its variable, its line in the file, --help, docs/configuration.md and the example follow. */
#ifndef MADANG_CONFIG_CONFIG_H
#define MADANG_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/option.h"

/* STR(name, default or NULL, doc)  INT(name, default, min, max, doc)  BOOL(name, default, doc) */
#define CONFIG_TABLE(GROUP, STR, INT, BOOL)                                           \
	GROUP("General")                                                              \
	STR(config, NULL, "Read settings from this file")                             \
	STR(data, "data", "Folder of the database, the pictures and the keys")        \
	STR(log_level, "info", "What is logged: debug, info, warn, error or off")     \
	GROUP("Drawing")                                                              \
	STR(model, NULL, "Folder of the picture model; without it, the built-in one") \
	INT(engine_threads, 0, 0, 1024, "Threads of the picture engine; 0 takes every core")

#define CONFIG_MEMBER_GROUP(doc)
#define CONFIG_MEMBER_STR(name, initial, doc)           const char *name;
#define CONFIG_MEMBER_INT(name, initial, min, max, doc) int64_t name;
#define CONFIG_MEMBER_BOOL(name, initial, doc)          bool name;

struct config {
	CONFIG_TABLE(CONFIG_MEMBER_GROUP, CONFIG_MEMBER_STR, CONFIG_MEMBER_INT, CONFIG_MEMBER_BOOL)
};

/* The rows of CONFIG_TABLE. */
const struct option_table *config_table(void);

/* Defaults, then the file (--config, MADANG_CONFIG), then the environment, then argv[0..argc); see
 * option_read_arguments about positional_count. Sets the log's level. Strings live in the arena or argv. */
MUST_CHECK bool config_load(struct arena *a, int argc, char **argv, int *positional_count,
			    struct config *c, struct err *e);

#endif
