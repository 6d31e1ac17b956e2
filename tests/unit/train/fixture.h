/* A folder with a tiny model's config.json and shards of random tokens, for tests of training. */
#ifndef MADANG_TEST_TRAIN_FIXTURE_H
#define MADANG_TEST_TRAIN_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#define FIXTURE_VOCAB 32
#define FIXTURE_CODES 120
#define FIXTURE_GRID  3

struct fixture {
	char folder[64];
};

struct fixture_shard {
	const char *name; /* the file becomes NAME.shard */
	uint32_t prefix, source, middle, target;
	uint64_t count;
	uint32_t vocab, codes; /* ids are below; 0: the model's */
};

void fixture_begin(struct fixture *f);
void fixture_end(struct fixture *f); /* removes the folder */

/* A path in the folder; a few stay valid at once. */
const char *fixture_path(const struct fixture *f, const char *name);
void fixture_write(const struct fixture *f, const char *name, const void *bytes, size_t length);
void fixture_write_shard(const struct fixture *f, const struct fixture_shard *s);

/* CONFIG.json, whose out is the folder OUT and whose other members are `rest` (JSON, without braces); the shards
 * are draw and edit. */
void fixture_write_config(const struct fixture *f, const char *config, const char *out,
			  const char *rest);

#endif
