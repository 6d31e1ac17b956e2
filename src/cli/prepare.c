/* `madang model prepare`: pictures with captions become a shard that `madang model train` reads. Main thread; the
 * engine's threads encode.
 *
 * What is encoded is kept in SHARD.codes as it comes, by the picture's content, so that a run that was stopped
 * goes on, and a folder that has grown costs only what is new. The shard itself appears whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/captions.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "engine/names.h"
#include "engine/prompt.h"
#include "engine/shape.h"
#include "engine/text.h"
#include "image/image.h"

#define ARENA_BYTES_MAX   ((size_t)2 << 30)
#define PICTURE_BYTES_MAX ((size_t)512 << 20)
#define FILE_BYTES_MAX    ((size_t)32 << 20)
#define TOKENS_MAX        4096
#define PREFIX_MAX        4096
#define CODES_MAGIC       "MDCODES1"
#define SHARD_MAGIC       "MDSHARD1"
#define REPORT_NS         2000000000

struct prepare_options {
	const char *model;
	int64_t threads;
	bool consent_given;
};

static const struct option_row ROWS[] = {
    {.name = "model",
     .letter = 'm',
     .kind = OPTION_STR,
     .offset = offsetof(struct prepare_options, model),
     .value = "NAME",
     .min = 1,
     .doc = "The model to tune: a folder, or a name in `madang model list`; else the built-in one"},
    {.name = "threads",
     .kind = OPTION_INT,
     .offset = offsetof(struct prepare_options, threads),
     .initial = "0",
     .max = 1024,
     .doc = "0 takes every core"},
    {.name = "consent-given",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct prepare_options, consent_given),
     .doc = "Take pictures that say nothing of consent or licence: you answer for them"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static const char USAGE[] =
    "usage: madang model prepare FOLDER SHARD [options]\n\n"
    "Makes of a folder of pictures with captions a shard that `madang model train` learns from.\n"
    "FOLDER holds captions.csv (columns file, caption, style, consent or licence), or a .txt beside\n"
    "each picture (a caption a line; a line \"consent: …\"). Run again, it does only what is new.\n";

/* A picture's codes, found by its content. */
struct codes {
	uint64_t key; /* 0: an empty place */
	uint16_t *ids;
};

struct prepare {
	const struct prepare_options *options;
	const char *folder, *shard;
	struct arena *arena;
	struct captions captions;
	struct engine *engine;
	struct engine_info info;
	struct engine_weights *weights;
	struct engine_text *text;
	struct engine_shape shape;
	struct codes *table; /* open addressing; a power of two */
	size_t table_size;
	FILE *kept; /* SHARD.codes */
	size_t encoded, left_out, cut, records;
	int64_t begin_ns, reported_ns;
	struct err *e;
};

/* FNV-1a; never 0. */
static uint64_t key_of(const void *bytes, size_t length)
{
	const unsigned char *p = bytes;
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < length; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h ? h : 1;
}

static struct codes *place_of(const struct prepare *p, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15u) & (p->table_size - 1);
	while (p->table[i].key && p->table[i].key != key)
		i = (i + 1) & (p->table_size - 1);
	return &p->table[i];
}

static bool remember(struct prepare *p, uint64_t key, const uint16_t *ids)
{
	const size_t n = (size_t)p->info.tokens;
	struct codes *at = place_of(p, key);
	if (at->key)
		return true;
	at->ids = arena_alloc(p->arena, n * sizeof(*ids));
	if (arena_exceeded(p->arena))
		return err_set(p->e, ERR_NO_MEMORY, "no memory for the pictures' codes");
	memcpy(at->ids, ids, n * sizeof(*ids));
	at->key = key;
	return true;
}

/* What tells this picture tokenizer from another: the codes of a picture of all colours. */
static bool fingerprint(struct prepare *p, uint64_t *key)
{
	uint8_t rgb[64 * 64 * 3];
	int32_t ids[TOKENS_MAX];
	for (int i = 0; i < 64 * 64; i++) {
		rgb[3 * i] = (uint8_t)(i % 64 * 4);
		rgb[3 * i + 1] = (uint8_t)(i / 64 * 4);
		rgb[3 * i + 2] = (uint8_t)((i % 8) * (i / 8 % 8) * 4);
	}
	if (!engine_encode(p->engine, rgb, 64, 64, ids, p->e))
		return false;
	*key = key_of(ids, (size_t)p->info.tokens * sizeof(*ids));
	return true;
}

struct codes_header {
	char magic[8];
	uint64_t tokenizer, tokens;
};

static bool cannot(struct prepare *p, const char *what, const char *suffix)
{
	return err_set(p->e, ERR_IO, "cannot %s %.150s%s: %s", what, p->shard, suffix,
		       strerror(errno));
}

/* Reads what an earlier run kept; a picture that was half written when it stopped is cut off. */
static bool open_codes(struct prepare *p)
{
	const char *path = arena_printf(p->arena, "%s.codes", p->shard);
	const size_t n = (size_t)p->info.tokens;
	struct codes_header h, want = {.tokens = n};
	uint64_t key;
	uint16_t ids[TOKENS_MAX];
	memcpy(want.magic, CODES_MAGIC, 8);
	if (!fingerprint(p, &want.tokenizer))
		return false;
	p->kept = fopen(path, "a+be");
	if (!p->kept)
		return cannot(p, "write", ".codes");
	rewind(p->kept);
	if (fread(&h, sizeof(h), 1, p->kept) != 1) {
		if (ftruncate(fileno(p->kept), 0) != 0 ||
		    fwrite(&want, sizeof(want), 1, p->kept) != 1 || fflush(p->kept) != 0)
			return cannot(p, "write", ".codes");
		return true;
	}
	if (memcmp(&h, &want, sizeof(h)) != 0)
		return err_set(
		    p->e, ERR_INVALID,
		    "%.150s.codes was made with another model's tokenizer: remove it, or "
		    "name another shard",
		    p->shard);
	off_t end = sizeof(h);
	while (fread(&key, sizeof(key), 1, p->kept) == 1 && key &&
	       fread(ids, sizeof(*ids), n, p->kept) == n) {
		for (size_t i = 0; i < n; i++)
			if (ids[i] >= p->info.image_vocabulary)
				return err_set(p->e, ERR_INVALID,
					       "%.150s.codes is damaged: remove it", p->shard);
		if (!remember(p, key, ids))
			return false;
		end += (off_t)(sizeof(key) + n * sizeof(*ids));
	}
	if (ftruncate(fileno(p->kept), end) != 0 || fseeko(p->kept, end, SEEK_SET) != 0)
		return cannot(p, "write", ".codes");
	return true;
}

static bool keep_codes(struct prepare *p, uint64_t key, const uint16_t *ids)
{
	const size_t n = (size_t)p->info.tokens;
	if (fwrite(&key, sizeof(key), 1, p->kept) != 1 ||
	    fwrite(ids, sizeof(*ids), n, p->kept) != n || fflush(p->kept) != 0)
		return cannot(p, "write", ".codes");
	return remember(p, key, ids);
}

/* ---- pictures ---- */

/* *key 0: left out, and a line said why. */
static bool encode_picture(struct prepare *p, const char *file, uint64_t *key)
{
	struct arena *a = arena_create(PICTURE_BYTES_MAX);
	const char *path = arena_printf(a, "%s/%s", p->folder, file);
	struct file_bytes bytes;
	struct image image;
	struct err e;
	int32_t codes[TOKENS_MAX];
	uint16_t ids[TOKENS_MAX];
	bool ok = true;
	*key = 0;
	if (!file_read(a, path, FILE_BYTES_MAX, &bytes, &e))
		goto left_out;
	*key = key_of(bytes.data, bytes.length);
	if (place_of(p, *key)->key)
		goto out;
	const struct image_decode_options square = {.square = p->info.width};
	if (!image_decode(a, bytes.data, bytes.length, &square, &image, &e) ||
	    !engine_encode(p->engine, image.rgb, image.width, image.height, codes, &e))
		goto left_out;
	for (int i = 0; i < p->info.tokens; i++)
		ids[i] = (uint16_t)codes[i];
	ok = keep_codes(p, *key, ids);
	p->encoded++;
	goto out;
left_out:
	fprintf(stderr, "madang: %s: left out: %s\n", file, e.message);
	*key = 0;
	p->left_out++;
out:
	arena_destroy(a);
	return ok;
}

static void report(struct prepare *p, size_t done)
{
	const int64_t now = clock_mono_ns();
	const size_t total = p->captions.count;
	const double seconds = (double)(now - p->begin_ns) * 1e-9;
	if (now - p->reported_ns < REPORT_NS || done == 0)
		return;
	p->reported_ns = now;
	const int left = (int)(seconds * (double)(total - done) / (double)done);
	fprintf(stderr, "%zu of %zu captions  %.1f pictures/s  %d:%02d:%02d left\n", done, total,
		(double)p->encoded / seconds, left / 3600, left / 60 % 60, left % 60);
}

/* ---- the shard ---- */

/* The caption's prefix as the model will read it; 0: left out. */
static size_t prefix_of(struct prepare *p, const struct caption *c, uint16_t *ids)
{
	struct engine_prompt prompt;
	struct engine_request request = ENGINE_REQUEST_INIT;
	struct err e;
	size_t count = 0;
	request.prompt = c->text;
	request.style = c->style[0] ? c->style : NULL;
	if (!engine_prompt_init(&prompt, &p->shape, p->text, &request, NULL, NULL, &e) ||
	    !engine_prompt_count(&p->shape, p->text, c->text, &count, &e)) {
		fprintf(stderr, "madang: %s: left out: %s\n", c->file, e.message);
		engine_prompt_finish(&prompt);
		p->left_out++;
		return 0;
	}
	const size_t length = prompt.length <= PREFIX_MAX ? prompt.length : 0;
	for (size_t i = 0; i < length; i++)
		ids[i] = (uint16_t)prompt.guided[i].id;
	engine_prompt_finish(&prompt);
	p->cut += count > (size_t)p->info.prompt_tokens_max;
	return length;
}

static void put32(uint8_t *to, uint64_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static bool write_header(const struct prepare *p, FILE *f, size_t prefix)
{
	uint8_t header[64] = SHARD_MAGIC;
	put32(header + 8, prefix);
	put32(header + 20, (uint64_t)p->info.tokens);
	put32(header + 24, p->records);
	put32(header + 28, (uint64_t)p->records >> 32);
	rewind(f);
	return fwrite(header, sizeof(header), 1, f) == 1;
}

/* Pictures in the order of their names, a record for each caption. The numbers are written as they lie in memory:
 * little endian on every machine that Madang runs on. */
static bool write_records(struct prepare *p, FILE *f, size_t *prefix)
{
	uint16_t ids[PREFIX_MAX];
	uint64_t key = 0;
	const char *file = "";
	for (size_t i = 0; i < p->captions.count; i++) {
		const struct caption *c = &p->captions.items[i];
		if (strcmp(file, c->file) != 0 && !encode_picture(p, file = c->file, &key))
			return false;
		report(p, i + 1);
		const size_t length = key ? prefix_of(p, c, ids) : 0;
		if (length == 0)
			continue;
		*prefix = length;
		if (fwrite(ids, sizeof(*ids), length, f) != length ||
		    fwrite(place_of(p, key)->ids, sizeof(*ids), (size_t)p->info.tokens, f) !=
			(size_t)p->info.tokens)
			return cannot(p, "write", ".part");
		p->records++;
	}
	if (p->records == 0)
		return err_set(p->e, ERR_INVALID, "%.150s: no picture could be taken", p->folder);
	return true;
}

static bool write_shard(struct prepare *p)
{
	const char *part = arena_printf(p->arena, "%s.part", p->shard);
	size_t prefix = 0;
	FILE *f = fopen(part, "wbe");
	if (!f)
		return cannot(p, "write", ".part");
	bool ok = fseeko(f, 64, SEEK_SET) == 0 || cannot(p, "write", ".part");
	ok = ok && write_records(p, f, &prefix);
	if (ok && (!write_header(p, f, prefix) || fflush(f) != 0 || fsync(fileno(f)) != 0))
		ok = cannot(p, "write", ".part");
	if (fclose(f) != 0 && ok)
		ok = cannot(p, "write", ".part");
	if (ok && rename(part, p->shard) != 0)
		ok = cannot(p, "write", "");
	if (!ok)
		unlink(part);
	return ok;
}

/* ---- what may be learnt from ---- */

/* Silence stops all, unless somebody answers for it; a no leaves the picture out. */
static bool check_consent(struct prepare *p)
{
	struct captions *all = &p->captions;
	size_t silent = 0, kept = 0;
	const char *first = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct caption *c = &all->items[i];
		if (!c->consent[0] && !p->options->consent_given) {
			first = first ? first : c->file;
			silent++;
		}
	}
	if (silent)
		return err_set(
		    p->e, ERR_INVALID,
		    "%.120s says nothing of consent or licence (nor do %zu more): fill in "
		    "the column, or say --consent-given",
		    first, silent - 1);
	for (size_t i = 0; i < all->count; i++) {
		const struct caption *c = &all->items[i];
		if (!c->consent[0] || caption_is_allowed(c->consent)) {
			all->items[kept++] = *c;
			continue;
		}
		fprintf(stderr, "madang: %s: left out: its consent or licence is \"%.40s\"\n",
			c->file, c->consent);
		p->left_out++;
	}
	all->count = kept;
	if (kept == 0)
		return err_set(p->e, ERR_INVALID, "%.150s: no picture may be taken", p->folder);
	return true;
}

static bool open_model(struct prepare *p)
{
	const char *dir;
	if (!cli_find_model(p->arena, p->options->model, &dir, p->e))
		return false;
	p->engine =
	    engine_create(dir, &(struct engine_options){.threads = (int)p->options->threads}, p->e);
	if (!p->engine || !(p->weights = engine_weights_open(dir, p->e)) ||
	    !engine_shape_read(NULL, p->weights, &p->shape, p->e) ||
	    !(p->text = engine_text_open(arena_printf(p->arena, "%s/tokenizer.json", dir), p->e)))
		return false;
	engine_info(p->engine, &p->info);
	if (p->shape.family != ENGINE_FAMILY_MADANG || p->shape.prompt_length <= 0 ||
	    !p->info.can_encode || p->info.tokens > TOKENS_MAX || p->shape.llm.vocab > 65536 ||
	    p->info.image_vocabulary > 65536)
		return err_set(p->e, ERR_UNSUPPORTED,
			       "%.100s cannot be tuned: `madang model train` trains models of the "
			       "built-in one's family that can encode pictures",
			       p->info.name);
	return true;
}

/* Room for twice what was kept and what may come. */
static bool reserve_table(struct prepare *p)
{
	struct stat st;
	size_t most = p->captions.count + 1;
	if (stat(arena_printf(p->arena, "%s.codes", p->shard), &st) == 0)
		most += (size_t)st.st_size / (2 * (size_t)p->info.tokens);
	p->table_size = 1024;
	while (p->table_size < 2 * most)
		p->table_size *= 2;
	p->table = calloc(p->table_size, sizeof(*p->table));
	return p->table || err_set(p->e, ERR_NO_MEMORY, "no memory for the pictures' codes");
}

static bool prepare(struct prepare *p)
{
	if (!captions_read(p->arena, p->folder, &p->captions, p->e) || !check_consent(p) ||
	    !open_model(p) || !reserve_table(p) || !open_codes(p))
		return false;
	p->begin_ns = p->reported_ns = clock_mono_ns();
	if (!write_shard(p))
		return false;
	fprintf(stderr,
		"%s: %zu records; %zu pictures encoded now, %zu left out, %zu captions cut\n",
		p->shard, p->records, p->encoded, p->left_out, p->cut);
	return true;
}

int cli_model_prepare(int argc, char **argv)
{
	struct prepare_options o = {0};
	struct err e;
	bool help;
	int count = 0;
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(USAGE, &OPTIONS);
	if (count != 2) {
		err_set(&e, ERR_INVALID, "say `madang model prepare FOLDER SHARD`");
		return cli_fail(&e);
	}
	struct prepare p = {.options = &o, .folder = argv[0], .shard = argv[1], .e = &e};
	p.arena = arena_create(ARENA_BYTES_MAX);
	const int rc = image_init(&e) && prepare(&p) ? CLI_EXIT_DONE : cli_fail(&e);
	if (p.kept)
		fclose(p.kept);
	free(p.table);
	engine_text_close(p.text);
	engine_weights_close(p.weights);
	engine_destroy(p.engine);
	image_finish();
	arena_destroy(p.arena);
	return rc;
}
