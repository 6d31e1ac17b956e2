/* Owns the front end's files in memory; read-only after files_load, so every thread may look. */
#include "http/files.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"

enum {
	FILES_MAX = 4096,
	FILES_BYTES_MAX = 128 << 20,
	FILE_BYTES_MAX = 32 << 20,
	GZIP_MIN_BYTES = 1024
};

struct files {
	struct arena *arena;
	struct files_entry *items;
	size_t count;
};

static const struct {
	const char *suffix, *type;
	bool text;
} TYPES[] = {
    {".css", "text/css; charset=utf-8", true},
    {".html", "text/html; charset=utf-8", true},
    {".ico", "image/x-icon", false},
    {".jpeg", "image/jpeg", false},
    {".jpg", "image/jpeg", false},
    {".js", "text/javascript; charset=utf-8", true},
    {".json", "application/json", true},
    {".mp4", "video/mp4", false},
    {".png", "image/png", false},
    {".svg", "image/svg+xml", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".webmanifest", "application/manifest+json", true},
    {".webp", "image/webp", false},
    {".woff2", "font/woff2", false},
};

static size_t type_of(const char *path)
{
	size_t i = 0;
	while (i < sizeof TYPES / sizeof *TYPES && !str_ends(path, TYPES[i].suffix))
		i++;
	return i;
}

const char *files_content_type(const char *path)
{
	size_t i = type_of(path);
	return i < sizeof TYPES / sizeof *TYPES ? TYPES[i].type : "application/octet-stream";
}

static void compress_entry(struct arena *a, struct files_entry *f)
{
	z_stream z = {0};
	if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	size_t room = deflateBound(&z, f->length);
	char *out = arena_try(a, 1, room);
	z.next_in = (Bytef *)f->bytes;
	z.avail_in = (uInt)f->length;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	if (out && deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < f->length * 9 / 10) {
		f->gzip = out;
		f->gzip_length = z.total_out;
	}
	deflateEnd(&z);
}

static bool load_one(struct files *f, const char *path, const char *name, struct err *e)
{
	if (f->count == FILES_MAX)
		return err_set(e, ERR_TOO_LARGE, "the front end has too many files (at most %d)",
			       FILES_MAX);
	struct file_bytes bytes;
	if (!file_read(f->arena, path, FILE_BYTES_MAX, &bytes, e))
		return false;
	struct files_entry *entry = &f->items[f->count++];
	size_t type = type_of(name);
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < bytes.length; i++)
		h = (h ^ (unsigned char)bytes.data[i]) * 0x100000001b3u;
	*entry = (struct files_entry){
	    .path = arena_strdup(f->arena, name),
	    .content_type = files_content_type(name),
	    .etag = arena_printf(f->arena, "\"%016llx\"", (unsigned long long)h),
	    .bytes = bytes.data,
	    .length = bytes.length,
	    .immutable = str_starts(name, "/assets/")};
	if (type < sizeof TYPES / sizeof *TYPES && TYPES[type].text &&
	    bytes.length >= GZIP_MIN_BYTES)
		compress_entry(f->arena, entry);
	return true;
}

/* nftw has no argument for its callback; the front end is loaded once, by the thread that starts. */
static struct {
	struct files *files;
	size_t prefix;
	struct err *e;
} walk;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)where;
	if (kind != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	return load_one(walk.files, path, path + walk.prefix, walk.e) ? 0 : 1;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct files_entry *)a)->path, ((const struct files_entry *)b)->path);
}

struct files *files_load(const char *dir, struct err *e)
{
	struct files *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->arena = arena_create(FILES_BYTES_MAX);
	f->items = ARENA_ARRAY(f->arena, struct files_entry, FILES_MAX);
	struct stat st;
	if (!dir || stat(dir, &st))
		return f;
	walk.files = f;
	walk.prefix = strlen(dir);
	while (walk.prefix && dir[walk.prefix - 1] == '/')
		walk.prefix--;
	walk.e = e;
	if (nftw(dir, visit, 16, FTW_PHYS)) {
		if (e->code == ERR_NONE)
			err_set(e, ERR_IO, "the front end in %s cannot be read", dir);
		files_destroy(f);
		return NULL;
	}
	qsort(f->items, f->count, sizeof *f->items, compare);
	return f;
}

void files_destroy(struct files *f)
{
	if (!f)
		return;
	arena_destroy(f->arena);
	free(f);
}

const struct files_entry *files_find(const struct files *f, const char *path)
{
	struct files_entry key = {.path = path};
	return f->count ? bsearch(&key, f->items, f->count, sizeof key, compare) : NULL;
}
