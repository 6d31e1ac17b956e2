/* Writes safetensors files. Owns the temporary file while it writes; one thread. What must stay
 * true: under the final name there is either the old file or a complete new one. */
#include "engine/safetensors.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES_MAX (16 << 20)

/* Larger elements first, so that every tensor is aligned to its element without holes. */
static int compare_for_file(const void *a, const void *b)
{
	const struct engine_tensor *x = *(const struct engine_tensor *const *)a;
	const struct engine_tensor *y = *(const struct engine_tensor *const *)b;
	size_t sx = engine_dtype_size(x->dtype), sy = engine_dtype_size(y->dtype);
	return sx != sy ? (sx > sy ? -1 : 1) : strcmp(x->name, y->name);
}

static json_t *entry_json(const struct engine_tensor *t, size_t begin)
{
	json_t *shape = json_array();
	for (int i = 0; i < t->ndim; i++)
		json_array_append_new(shape, json_integer(t->shape[i]));
	return json_pack("{s:s, s:o, s:[I,I]}", "dtype", engine_dtype_name(t->dtype), "shape",
			 shape, "data_offsets", (json_int_t)begin, (json_int_t)(begin + t->bytes));
}

/* The header's text, padded with spaces so that the payload starts at a multiple of 8. */
static bool make_header(const struct engine_tensor *const *sorted, size_t count,
			const char *const *metadata, struct buf *out, struct err *e)
{
	json_t *root = json_object(), *meta = metadata ? json_object() : NULL;
	bool ok = root != NULL;
	for (size_t i = 0; ok && metadata && metadata[i]; i += 2)
		ok = json_object_set_new(meta, metadata[i], json_string(metadata[i + 1])) == 0;
	if (meta)
		ok = json_object_set_new(root, "__metadata__", meta) == 0 && ok;
	size_t offset = 0;
	for (size_t i = 0; ok && i < count; i++) {
		ok = json_object_set_new(root, sorted[i]->name, entry_json(sorted[i], offset)) == 0;
		offset += sorted[i]->bytes;
	}
	char *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		return err_set(e, ERR_INVALID,
			       "a tensor's name or the metadata is not valid UTF-8");
	buf_add_str(out, text);
	free(text);
	while (out->length % 8)
		buf_add_char(out, ' ');
	return !out->failed ||
	       err_set(e, ERR_TOO_LARGE, "the header is larger than %d bytes", HEADER_BYTES_MAX);
}

static bool write_all(int fd, const void *bytes, size_t length, struct err *e)
{
	const unsigned char *p = bytes;
	while (length) {
		ssize_t n = write(fd, p, length < (1u << 30) ? length : 1u << 30);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_IO, "cannot be written: %s", strerror(errno));
		p += n;
		length -= (size_t)n;
	}
	return true;
}

static bool write_tensors(int fd, const struct buf *header,
			  const struct engine_tensor *const *sorted, size_t count,
			  const struct engine_safetensors_source *source, struct err *e)
{
	uint64_t n = header->length;
	if (!write_all(fd, &n, 8, e) || !write_all(fd, header->data, header->length, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		const void *data = sorted[i]->data;
		if (!data && sorted[i]->bytes)
			data = source->make(source->context, sorted[i], e);
		if (!data && sorted[i]->bytes)
			return false;
		if (!write_all(fd, data, sorted[i]->bytes, e))
			return false;
	}
	return fsync(fd) == 0 || err_set(e, ERR_IO, "cannot be written: %s", strerror(errno));
}

static bool check_tensor(const struct engine_tensor *t, struct err *e)
{
	size_t bytes = engine_dtype_size(t->dtype);
	if (!bytes || t->ndim < 0 || t->ndim > ENGINE_TENSOR_DIMS_MAX)
		return err_set(e, ERR_INVALID, "tensor %.100s has no dtype or shape to write",
			       t->name);
	for (int i = 0; i < t->ndim; i++) {
		if (t->shape[i] < 0 || __builtin_mul_overflow(bytes, (size_t)t->shape[i], &bytes))
			return err_set(e, ERR_INVALID, "tensor %.100s: impossible shape", t->name);
	}
	return bytes == t->bytes ||
	       err_set(e, ERR_INVALID, "tensor %.100s: its shape needs %zu bytes, not %zu", t->name,
		       bytes, t->bytes);
}

static bool write_file(const char *path, const struct buf *header,
		       const struct engine_tensor *const *sorted, size_t count,
		       const struct engine_safetensors_source *source, struct err *e)
{
	char *temporary;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		abort();
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		err_set(e, ERR_IO, "cannot be created: %s", strerror(errno));
		free(temporary);
		return false;
	}
	bool ok = write_tensors(fd, header, sorted, count, source, e);
	if (ok && fchmod(fd, 0644) < 0)
		ok = err_set(e, ERR_IO, "cannot be written: %s", strerror(errno));
	if (close(fd) < 0 && ok)
		ok = err_set(e, ERR_IO, "cannot be written: %s", strerror(errno));
	if (ok && rename(temporary, path) < 0)
		ok = err_set(e, ERR_IO, "cannot be put in its place: %s", strerror(errno));
	if (!ok)
		unlink(temporary);
	free(temporary);
	return ok;
}

bool engine_safetensors_write(const char *path, const struct engine_tensor *tensors, size_t count,
			      const char *const *metadata, struct err *e)
{
	return engine_safetensors_write_from(path, tensors, count, metadata, NULL, e);
}

bool engine_safetensors_write_from(const char *path, const struct engine_tensor *tensors,
				   size_t count, const char *const *metadata,
				   const struct engine_safetensors_source *source, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (!check_tensor(&tensors[i], e))
			return err_context(e, "%.100s", path);
	}
	const struct engine_tensor **sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted)
		abort();
	for (size_t i = 0; i < count; i++)
		sorted[i] = &tensors[i];
	qsort(sorted, count, sizeof(*sorted), compare_for_file);
	struct buf header;
	buf_init(&header, HEADER_BYTES_MAX);
	bool ok = make_header(sorted, count, metadata, &header, e) &&
		  write_file(path, &header, sorted, count, source, e);
	buf_finish(&header);
	free(sorted);
	return ok || err_context(e, "%.100s", path);
}
