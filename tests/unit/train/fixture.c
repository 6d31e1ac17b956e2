/* The tests' tiny model and shards. Must stay true: the same bytes every time. */
#include "fixture.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/random.h"

static const char MODEL[] =
    "{\"text_config\":{\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
    "\"num_attention_heads\":2,\"vocab_size\":32,\"max_position_embeddings\":64},"
    "\"vq_config\":{\"fsq_levels\":[4,5,6],\"num_embeddings\":120,\"embed_dim\":8,\"grid\":3}}";

const char *fixture_path(const struct fixture *f, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof(paths[0]), "%s/%s", f->folder, name);
	return path;
}

void fixture_write(const struct fixture *f, const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(fixture_path(f, name), "wb");
	if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		abort();
}

static void put(uint8_t *to, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

void fixture_write_shard(const struct fixture *f, const struct fixture_shard *s)
{
	const size_t record = s->prefix + s->source + s->middle + s->target;
	const size_t bytes = 64 + s->count * record * 2;
	uint8_t *data = calloc(1, bytes);
	char name[64];
	struct train_random r = train_random_at(7, s->source, s->count);
	if (!data)
		abort();
	memcpy(data, "MDSHARD1", 8);
	put(data + 8, s->prefix, 4);
	put(data + 12, s->source, 4);
	put(data + 16, s->middle, 4);
	put(data + 20, s->target, 4);
	put(data + 24, s->count, 8);
	for (size_t i = 0; i < s->count * record; i++) {
		const size_t at = i % record;
		const bool text =
		    at < s->prefix || (at >= s->prefix + s->source && at < record - s->target);
		const uint32_t most = text ? (s->vocab ? s->vocab : FIXTURE_VOCAB)
					   : (s->codes ? s->codes : FIXTURE_CODES);
		put(data + 64 + 2 * i, train_random_below(&r, most), 2);
	}
	snprintf(name, sizeof(name), "%s.shard", s->name);
	fixture_write(f, name, data, bytes);
	free(data);
}

void fixture_write_config(const struct fixture *f, const char *config, const char *out,
			  const char *rest)
{
	char text[2000], name[64];
	snprintf(text, sizeof(text),
		 "{\"model\":\"%s/model.json\",\"out\":\"%s/%s\",\"shards\":["
		 "{\"name\":\"draw\",\"path\":\"%s/draw.shard\",\"weight\":3},"
		 "{\"name\":\"edit\",\"path\":\"%s/edit.shard\",\"weight\":1}],%s}",
		 f->folder, f->folder, out, f->folder, f->folder, rest);
	snprintf(name, sizeof(name), "%s.json", config);
	fixture_write(f, name, text, strlen(text));
}

void fixture_begin(struct fixture *f)
{
	const uint32_t n = FIXTURE_GRID * FIXTURE_GRID;
	snprintf(f->folder, sizeof(f->folder), "/tmp/madang-train-XXXXXX");
	if (!mkdtemp(f->folder))
		abort();
	fixture_write(f, "model.json", MODEL, strlen(MODEL));
	fixture_write_shard(
	    f, &(struct fixture_shard){.name = "draw", .prefix = 7, .target = n, .count = 24});
	fixture_write_shard(
	    f, &(struct fixture_shard){
		   .name = "edit", .prefix = 7, .source = n, .middle = 2, .target = n, .count = 8});
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

void fixture_end(struct fixture *f)
{
	nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
