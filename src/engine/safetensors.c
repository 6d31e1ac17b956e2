/* Owns the mappings of a model's weight files and the sorted list of their tensors. Opened by one
 * thread, read by any. What must stay true: a tensor enters the list only after check_entry() has
 * seen that its bytes lie inside its file and agree with its shape, and no two tensors of a file
 * overlap; names are printable ASCII, so that they may stand in messages. */
#include "engine/safetensors.h"

#include "base/arena.h"
#include "base/file.h"
#include "engine/jsonfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES_MAX (16 << 20)
#define INDEX_BYTES_MAX  (16 << 20)
#define TENSORS_MAX      65536
#define FILES_MAX        1024
#define NAME_BYTES_MAX   256
#define DIM_MAX          ((int64_t)1 << 40)
#define ARENA_BYTES_MAX  (64 << 20)

struct file {
	char *name;
	const unsigned char *bytes;
	size_t size;
	bool mapped;
};

struct engine_safetensors {
	struct arena *arena;
	char *path;
	struct file files[FILES_MAX];
	size_t file_count;
	struct engine_tensor *tensors; /* sorted by name */
	size_t count, capacity;
};

struct span {
	size_t begin, end;
	const char *name;
};

static const struct dtype_row {
	const char *name;
	enum engine_dtype dtype;
	size_t size;
} DTYPES[] = {
    {"F32", ENGINE_F32, 4},
    {"F16", ENGINE_F16, 2},
    {"BF16", ENGINE_BF16, 2},
    {"I8", ENGINE_I8, 1},
    {"U8", ENGINE_U8, 1},
    {"I32", ENGINE_I32, 4},
    {"I64", ENGINE_I64, 8},
    {"F64", ENGINE_DTYPE_OTHER, 8},
    {"U64", ENGINE_DTYPE_OTHER, 8},
    {"U32", ENGINE_DTYPE_OTHER, 4},
    {"I16", ENGINE_DTYPE_OTHER, 2},
    {"U16", ENGINE_DTYPE_OTHER, 2},
    {"BOOL", ENGINE_DTYPE_OTHER, 1},
    {"F8_E4M3", ENGINE_DTYPE_OTHER, 1},
    {"F8_E5M2", ENGINE_DTYPE_OTHER, 1},
};

size_t engine_dtype_size(enum engine_dtype dtype)
{
	return dtype < ENGINE_I4 ? DTYPES[dtype].size : 0;
}

const char *engine_dtype_name(enum engine_dtype dtype)
{
	return dtype < ENGINE_I4 ? DTYPES[dtype].name : dtype == ENGINE_I4 ? "I4" : "another type";
}

static const struct dtype_row *dtype_by_name(const char *name)
{
	for (size_t i = 0; name && i < sizeof(DTYPES) / sizeof(DTYPES[0]); i++) {
		if (!strcmp(DTYPES[i].name, name))
			return &DTYPES[i];
	}
	return NULL;
}

static bool printable(const char *s)
{
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e)
			return false;
	}
	return true;
}

/* Reads "shape" into t and the bytes that it needs into *bytes. */
static bool read_shape(const json_t *shape, size_t element, struct engine_tensor *t, size_t *bytes,
		       struct err *e)
{
	if (!json_is_array(shape) || json_array_size(shape) > ENGINE_TENSOR_DIMS_MAX)
		return err_set(e, ERR_INVALID, "shape must be a list of at most %d numbers",
			       ENGINE_TENSOR_DIMS_MAX);
	t->ndim = (int)json_array_size(shape);
	*bytes = element;
	for (int i = 0; i < ENGINE_TENSOR_DIMS_MAX; i++) {
		t->shape[i] = 1;
		if (i >= t->ndim)
			continue;
		const json_t *v = json_array_get(shape, (size_t)i);
		json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
		if (n < 0 || n > DIM_MAX)
			return err_set(e, ERR_INVALID,
				       "a dimension is not a number from 0 to 2^40");
		t->shape[i] = n;
		if (__builtin_mul_overflow(*bytes, (size_t)n, bytes))
			return err_set(e, ERR_INVALID, "the shape is too large");
	}
	return true;
}

static bool read_offsets(const json_t *offsets, size_t payload, struct span *span, struct err *e)
{
	if (!json_is_array(offsets) || json_array_size(offsets) != 2)
		return err_set(e, ERR_INVALID, "data_offsets must be two numbers");
	const json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
	if (!json_is_integer(a) || !json_is_integer(b) || json_integer_value(a) < 0 ||
	    json_integer_value(b) < json_integer_value(a))
		return err_set(e, ERR_INVALID, "data_offsets must be two rising numbers");
	if ((uint64_t)json_integer_value(b) > payload)
		return err_set(e, ERR_INVALID,
			       "its data ends at byte %lld, but the file has only %zu: cut off?",
			       (long long)json_integer_value(b), payload);
	span->begin = (size_t)json_integer_value(a);
	span->end = (size_t)json_integer_value(b);
	return true;
}

/* One entry of the header becomes *t and *span. */
static bool check_entry(const json_t *entry, size_t payload, struct engine_tensor *t,
			struct span *span, struct err *e)
{
	if (!json_is_object(entry))
		return err_set(e, ERR_INVALID, "its entry must be an object");
	const char *dtype = json_string_value(json_object_get(entry, "dtype"));
	const struct dtype_row *row = dtype_by_name(dtype);
	if (!row)
		return err_set(e, ERR_UNSUPPORTED, "unknown dtype");
	t->dtype = row->dtype;
	size_t bytes = 0;
	if (!read_shape(json_object_get(entry, "shape"), row->size, t, &bytes, e) ||
	    !read_offsets(json_object_get(entry, "data_offsets"), payload, span, e))
		return false;
	t->bytes = span->end - span->begin;
	if (t->bytes != bytes)
		return err_set(e, ERR_INVALID, "its shape needs %zu bytes, but its data has %zu",
			       bytes, t->bytes);
	return true;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static bool check_overlap(struct span *spans, size_t count, struct err *e)
{
	qsort(spans, count, sizeof(*spans), compare_spans);
	for (size_t i = 1; i < count; i++) {
		if (spans[i].begin < spans[i - 1].end)
			return err_set(e, ERR_INVALID, "tensors %.80s and %.80s overlap",
				       spans[i - 1].name, spans[i].name);
	}
	return true;
}

static bool reserve(struct engine_safetensors *s, size_t more, struct err *e)
{
	if (more > TENSORS_MAX - s->count)
		return err_set(e, ERR_TOO_LARGE, "more than %d tensors", TENSORS_MAX);
	if (s->count + more > s->capacity) {
		size_t capacity = s->count + more;
		void *p = realloc(s->tensors, capacity * sizeof(*s->tensors));
		if (!p)
			return err_set(e, ERR_NO_MEMORY, "no memory for the list of tensors");
		s->tensors = p;
		s->capacity = capacity;
	}
	return true;
}

/* header: the JSON object in front of the payload. */
static bool read_entries(struct engine_safetensors *s, json_t *header, const unsigned char *payload,
			 size_t payload_bytes, struct span *spans, struct err *e)
{
	size_t n = 0;
	const char *name;
	json_t *entry;
	json_object_foreach(header, name, entry)
	{
		if (!strcmp(name, "__metadata__"))
			continue;
		if (!*name || strlen(name) > NAME_BYTES_MAX || !printable(name))
			return err_set(e, ERR_INVALID,
				       "a tensor name is empty, longer than %d bytes "
				       "or not printable ASCII",
				       NAME_BYTES_MAX);
		struct engine_tensor t = {0};
		if (!check_entry(entry, payload_bytes, &t, &spans[n], e))
			return err_context(e, "tensor %.100s", name);
		t.name = spans[n].name = arena_strdup(s->arena, name);
		if (arena_exceeded(s->arena))
			return err_set(e, ERR_TOO_LARGE, "too many tensor names");
		t.data = payload + spans[n++].begin;
		s->tensors[s->count++] = t;
	}
	return check_overlap(spans, n, e);
}

static bool read_file(struct engine_safetensors *s, const struct file *f, struct err *e)
{
	if (f->size < 8)
		return err_set(e, ERR_INVALID, "shorter than the 8 bytes of a safetensors file");
	uint64_t n;
	memcpy(&n, f->bytes, 8);
	if (n > f->size - 8)
		return err_set(e, ERR_INVALID,
			       "its header says %llu bytes, but the file has %zu: not a "
			       "safetensors file, or cut off",
			       (unsigned long long)n, f->size);
	if (n > HEADER_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "its header is larger than %d bytes",
			       HEADER_BYTES_MAX);
	json_t *header = engine_json_parse((const char *)f->bytes + 8, n, "header", e);
	if (!header)
		return false;
	bool ok = false;
	struct span *spans = NULL;
	if (!json_is_object(header)) {
		err_set(e, ERR_INVALID, "its header is not a JSON object");
		goto out;
	}
	if (!reserve(s, json_object_size(header), e))
		goto out;
	spans = calloc(json_object_size(header) + 1, sizeof(*spans));
	if (!spans) {
		err_set(e, ERR_NO_MEMORY, "no memory to check the tensors");
		goto out;
	}
	ok = read_entries(s, header, f->bytes + 8 + n, f->size - 8 - n, spans, e);
out:
	free(spans);
	json_decref(header);
	return ok;
}

static bool map_fd(int fd, struct file *f, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "not a regular file");
	if (st.st_size == 0)
		return err_set(e, ERR_INVALID, "the file is empty");
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_set(e, ERR_IO, "cannot be mapped: %s", strerror(errno));
	f->bytes = p;
	f->size = (size_t)st.st_size;
	f->mapped = true;
	return true;
}

/* name lies in the directory dir; "" means the current one. */
static bool add_file(struct engine_safetensors *s, const char *dir, const char *name, struct err *e)
{
	if (s->file_count == FILES_MAX)
		return err_set(e, ERR_TOO_LARGE, "more than %d weight files", FILES_MAX);
	struct file *f = &s->files[s->file_count];
	f->name = arena_strdup(s->arena, name);
	char *path = arena_printf(s->arena, "%s%s%s", dir, *dir ? "/" : "", name);
	/* O_NONBLOCK: a FIFO in the place of a file must not make us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			       "%.150s: cannot be opened: %s", path, strerror(errno));
	bool ok = map_fd(fd, f, e);
	close(fd);
	if (!ok)
		return err_context(e, "%.150s", path);
	s->file_count++;
	return read_file(s, f, e) || err_context(e, "%.100s", name);
}

static int compare_tensors(const void *a, const void *b)
{
	return strcmp(((const struct engine_tensor *)a)->name,
		      ((const struct engine_tensor *)b)->name);
}

const struct engine_tensor *engine_safetensors_find(const struct engine_safetensors *s,
						    const char *name)
{
	struct engine_tensor key = {.name = name};
	if (s->count == 0)
		return NULL;
	return bsearch(&key, s->tensors, s->count, sizeof(key), compare_tensors);
}

/* U8 with scales of its blocks is I4. */
static bool link_blocks(struct engine_tensor *t, const struct engine_tensor *scale, struct err *e)
{
	if (scale->dtype != ENGINE_F16 || scale->ndim != 2 || t->ndim != 2 ||
	    scale->shape[0] != t->shape[0] || t->shape[1] % 16 != 0 ||
	    scale->shape[1] != t->shape[1] / 16)
		return err_set(
		    e, ERR_INVALID,
		    "tensor %.100s_scale must be F16 with one value for each 32 numbers of "
		    "a row",
		    t->name);
	t->dtype = ENGINE_I4;
	t->shape[1] *= 2;
	t->scale = scale->data;
	return true;
}

static bool link_scale(struct engine_safetensors *s, struct engine_tensor *t, struct err *e)
{
	char name[NAME_BYTES_MAX + 8];
	snprintf(name, sizeof(name), "%s_scale", t->name);
	const struct engine_tensor *scale = engine_safetensors_find(s, name);
	if (!scale)
		return true;
	if (t->dtype == ENGINE_U8)
		return link_blocks(t, scale, e);
	if (scale->dtype != ENGINE_F32 || scale->ndim != 1 || t->ndim < 1 ||
	    scale->shape[0] != t->shape[0])
		return err_set(e, ERR_INVALID,
			       "tensor %.100s must be F32 with one value per row of %.100s", name,
			       t->name);
	t->scale = scale->data;
	return true;
}

/* Sorts, refuses duplicates, joins quantised tensors with their scales. */
static bool seal(struct engine_safetensors *s, struct err *e)
{
	if (s->count == 0)
		return err_set(e, ERR_INVALID, "%.150s: no tensors in it", s->path);
	qsort(s->tensors, s->count, sizeof(*s->tensors), compare_tensors);
	for (size_t i = 1; i < s->count; i++) {
		if (!strcmp(s->tensors[i - 1].name, s->tensors[i].name))
			return err_set(e, ERR_INVALID, "%.120s: tensor %.100s is there twice",
				       s->path, s->tensors[i].name);
	}
	for (size_t i = 0; i < s->count; i++) {
		enum engine_dtype dtype = s->tensors[i].dtype;
		if ((dtype == ENGINE_I8 || dtype == ENGINE_U8) && !link_scale(s, &s->tensors[i], e))
			return false;
	}
	return true;
}

/* A shard is a plain name beside its index: no path may lead out of the directory. */
static bool shard_name_ok(const char *name)
{
	return name && *name && *name != '.' && strlen(name) <= 255 && !strchr(name, '/') &&
	       printable(name);
}

static bool shard_known(const struct engine_safetensors *s, const char *name)
{
	for (size_t i = 0; i < s->file_count; i++) {
		if (!strcmp(s->files[i].name, name))
			return true;
	}
	return false;
}

static bool open_shards(struct engine_safetensors *s, const char *dir, json_t *index, struct err *e)
{
	const json_t *map;
	if (!json_is_object(index) || !engine_json_object(index, "weight_map", &map, e) || !map)
		return err_set(e, ERR_INVALID, "weight_map must be an object");
	const char *tensor;
	json_t *value;
	json_object_foreach((json_t *)map, tensor, value)
	{
		const char *name = json_string_value(value);
		if (!shard_name_ok(name))
			return err_set(
			    e, ERR_INVALID,
			    "a shard's name is not the plain name of a file beside the index");
		if (!shard_known(s, name) && !add_file(s, dir, name, e))
			return false;
	}
	if (!seal(s, e))
		return false;
	json_object_foreach((json_t *)map, tensor, value)
	{
		if (!engine_safetensors_find(s, tensor))
			return err_set(e, ERR_INVALID, "%.100s lacks tensor %.100s",
				       json_string_value(value), printable(tensor) ? tensor : "?");
	}
	return true;
}

static bool open_index(struct engine_safetensors *s, const char *dir, const char *name,
		       struct err *e)
{
	char *path = arena_printf(s->arena, "%s%s%s", dir, *dir ? "/" : "", name);
	struct file_bytes text;
	if (!file_read(s->arena, path, INDEX_BYTES_MAX, &text, e))
		return false;
	json_t *index = engine_json_parse(text.data, text.length, name, e);
	bool ok = index && (open_shards(s, dir, index, e) || err_context(e, "%.100s", name));
	json_decref(index);
	return ok;
}

static int is_weights(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 12 && d->d_name[0] != '.' && !strcmp(d->d_name + n - 12, ".safetensors");
}

static bool open_directory(struct engine_safetensors *s, const char *dir, struct err *e)
{
	char *path = arena_printf(s->arena, "%s/model.safetensors", dir);
	if (access(path, F_OK) == 0)
		return add_file(s, dir, "model.safetensors", e) && seal(s, e);
	path = arena_printf(s->arena, "%s/model.safetensors.index.json", dir);
	if (access(path, F_OK) == 0)
		return open_index(s, dir, "model.safetensors.index.json", e);
	struct dirent **names;
	int n = scandir(dir, &names, is_weights, alphasort);
	if (n < 0)
		return err_set(e, ERR_IO, "%.150s: cannot be read: %s", dir, strerror(errno));
	bool ok = n > 0 || err_set(e, ERR_NOT_FOUND, "%.150s: no .safetensors file in it", dir);
	for (int i = 0; i < n; i++) {
		ok = ok && add_file(s, dir, names[i]->d_name, e);
		free(names[i]);
	}
	free(names);
	return ok && seal(s, e);
}

static bool open_path(struct engine_safetensors *s, const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.150s: %s", path,
			       strerror(errno));
	if (S_ISDIR(st.st_mode))
		return open_directory(s, path, e);
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dir = !slash          ? ""
			  : slash == path ? "/."
					  : arena_strndup(s->arena, path, (size_t)(slash - path));
	size_t n = strlen(name);
	if (n > 5 && !strcmp(name + n - 5, ".json"))
		return open_index(s, dir, name, e);
	return add_file(s, dir, name, e) && seal(s, e);
}

static struct engine_safetensors *create(const char *path)
{
	struct engine_safetensors *s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->arena = arena_create(ARENA_BYTES_MAX);
	s->path = arena_strdup(s->arena, path);
	return s;
}

struct engine_safetensors *engine_safetensors_open(const char *path, struct err *e)
{
	struct engine_safetensors *s = create(path);
	if (open_path(s, path, e))
		return s;
	engine_safetensors_close(s);
	return NULL;
}

struct engine_safetensors *engine_safetensors_open_memory(const void *bytes, size_t size,
							  struct err *e)
{
	struct engine_safetensors *s = create("(memory)");
	s->files[0] = (struct file){.name = s->path, .bytes = bytes, .size = size};
	s->file_count = 1;
	if (read_file(s, &s->files[0], e) && seal(s, e))
		return s;
	engine_safetensors_close(s);
	return NULL;
}

void engine_safetensors_close(struct engine_safetensors *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->file_count; i++) {
		if (s->files[i].mapped)
			munmap((void *)s->files[i].bytes, s->files[i].size);
	}
	free(s->tensors);
	arena_destroy(s->arena);
	free(s);
}

size_t engine_safetensors_count(const struct engine_safetensors *s)
{
	return s->count;
}

const struct engine_tensor *engine_safetensors_at(const struct engine_safetensors *s, size_t i)
{
	return i < s->count ? &s->tensors[i] : NULL;
}

void engine_safetensors_release(const struct engine_safetensors *s, const struct engine_tensor *t)
{
	const uintptr_t page = 4096, from = (uintptr_t)t->data;
	for (size_t i = 0; i < s->file_count; i++) {
		const struct file *f = &s->files[i];
		uintptr_t file = (uintptr_t)f->bytes;
		if (!f->mapped || from < file || from - file >= f->size)
			continue;
		/* whole pages only, from the file's first on: neighbours are read again where needed */
		uintptr_t begin = from / page * page, end = from + t->bytes;
		if (begin < file)
			begin = file;
		madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
}

const char *engine_safetensors_path(const struct engine_safetensors *s)
{
	return s->path;
}
