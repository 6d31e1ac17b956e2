/* Tensors on disk: the safetensors container, one file or a sharded model, read by memory mapping.
 *
 * What a caller may rely on: every tensor that is handed out has been validated (its bytes lie
 * inside the file, agree with its shape, and overlap no other), so loops over shape and data need
 * no further checks. Data lives in the mapping, little endian, C order, and may be UNALIGNED: read
 * it with memcpy or with engine_tensor_rows_f32(). Tensors borrow from their container, which must
 * outlive them. An open container never changes: any number of threads may read it. */
#ifndef MADANG_ENGINE_SAFETENSORS_H
#define MADANG_ENGINE_SAFETENSORS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ENGINE_TENSOR_DIMS_MAX 6

enum engine_dtype {
	ENGINE_F32,
	ENGINE_F16,
	ENGINE_BF16,
	ENGINE_I8,
	ENGINE_U8,
	ENGINE_I32,
	ENGINE_I64,
	/* Not a dtype of the file: U8 with a scale, two 4-bit numbers a byte. See below. */
	ENGINE_I4,
	ENGINE_DTYPE_OTHER /* valid in the file, of no use to the engine */
};

struct engine_tensor {
	const char *name;
	enum engine_dtype dtype;
	int ndim;
	int64_t shape[ENGINE_TENSOR_DIMS_MAX]; /* the rest is 1 */
	const void *data;
	size_t bytes;
	/* Quantised weights only: `<name>_scale`, unaligned; NULL where there is none.
	 * I8: F32 [shape[0]]; value = q * scale[row].
	 * I4: F16 [shape[0], blocks], a block being 32 numbers of a row; the file's tensor is U8
	 * [shape[0], 16 * blocks]: byte j of a block holds number j in its low half and number j + 16 in
	 * its high half, each q + 8; value = q * scale. shape here counts numbers; the last block of a row
	 * may hold more of them than the matrix has columns. */
	const void *scale;
};

struct engine_safetensors;

/* path: a .safetensors file, a model.safetensors.index.json, or a directory with either (or with
 * several .safetensors files). NULL on failure; the error names the file and the tensor. */
struct engine_safetensors *engine_safetensors_open(const char *path, struct err *e) MUST_CHECK;

/* The same for one file's bytes, which are borrowed. */
struct engine_safetensors *engine_safetensors_open_memory(const void *bytes, size_t size,
							  struct err *e) MUST_CHECK;

void engine_safetensors_close(struct engine_safetensors *s); /* NULL-safe */

/* NULL where there is no such tensor. */
const struct engine_tensor *engine_safetensors_find(const struct engine_safetensors *s,
						    const char *name);
size_t engine_safetensors_count(const struct engine_safetensors *s);
const struct engine_tensor *engine_safetensors_at(const struct engine_safetensors *s, size_t i);

/* The path that was opened, for messages. */
const char *engine_safetensors_path(const struct engine_safetensors *s);

/* The pages that a tensor's bytes lie in need no memory until they are read again. For loaders: a file larger
 * than the machine's memory passes through it piece by piece. */
void engine_safetensors_release(const struct engine_safetensors *s, const struct engine_tensor *t);

size_t engine_dtype_size(enum engine_dtype dtype); /* bytes of one element; 0 for I4 and OTHER */
const char *engine_dtype_name(enum engine_dtype dtype);

/* Elements of one row (the product of shape[1..]); shape[0] is the number of rows. */
int64_t engine_tensor_row_size(const struct engine_tensor *t);
/* Bytes of one row, and of one row's scales (0 where there are none). */
size_t engine_tensor_row_bytes(const struct engine_tensor *t);
size_t engine_tensor_scale_bytes(const struct engine_tensor *t);

/* Converts rows [row, row + rows) to f32. F32, F16, BF16, I8 and I4 (times scale, where there is one). The
 * range must lie inside the tensor and the dtype must be one of these (engine_weights_get() hands
 * out no other). */
void engine_tensor_rows_f32(const struct engine_tensor *t, int64_t row, int64_t rows, float *out);

/* False, with an error that names the tensor and the place, where a value (or scale) is NaN or
 * infinite. */
bool engine_tensor_check_finite(const struct engine_tensor *t, struct err *e) MUST_CHECK;

/* Both of the above for a whole tensor: what the engine uses at load. out holds all elements. */
bool engine_tensor_load_f32(const struct engine_tensor *t, float *out, struct err *e) MUST_CHECK;

/* Writes a .safetensors file: complete or not at all (a temporary file beside it, fsync, rename).
 * Tensors are written in order of falling alignment; `scale` is ignored (write it as a tensor of
 * its own). metadata: NULL, or key, value, key, value, …, NULL. */
bool engine_safetensors_write(const char *path, const struct engine_tensor *tensors, size_t count,
			      const char *const *metadata, struct err *e) MUST_CHECK;

/* The same for more than memory holds: the bytes of a tensor whose data is NULL are made when it is their
 * turn. `make` returns them (t->bytes, the callee's until the next call), or NULL and *e. */
struct engine_safetensors_source {
	const void *(*make)(void *context, const struct engine_tensor *t, struct err *e);
	void *context;
};
bool engine_safetensors_write_from(const char *path, const struct engine_tensor *tensors,
				   size_t count, const char *const *metadata,
				   const struct engine_safetensors_source *source,
				   struct err *e) MUST_CHECK;

#endif
