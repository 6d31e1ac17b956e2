/* Convolutions and matrix products over pictures (pixels by channels, f32), on the engine's threads.
 *
 * An `engine_conv` is a layer with its weights packed for one level of kernels; it never changes once
 * it is made (matrix_pack excepted), so any number of threads may run it, each with its own
 * `engine_conv_work`. int8 weights stay exact: q is kept as it is in f32 or bf16 and the scale is
 * applied to the sums.
 *
 * An `engine_plane` holds rows [first, last) of a picture: a layer is asked for some rows of its output
 * and needs those of its input that engine_conv_rows_needed() names, so that a strip of a picture costs
 * a strip's work. Outside the picture there are zeros. */
#ifndef MADANG_ENGINE_CONV_H
#define MADANG_ENGINE_CONV_H

#include "base/err.h"
#include "engine/kernels/conv_kernels.h"
#include "engine/kernels/kernels.h"
#include "engine/pool.h"

#include <stddef.h>
#include <stdint.h>

#define ENGINE_CONV_CHANNELS_MAX 65536

enum engine_conv_kind {
	ENGINE_CONV_1X1,  /* also Linear */
	ENGINE_CONV_3X3,  /* zeros around */
	ENGINE_CONV_DOWN, /* 3x3, stride 2, zeros right and below only */
	ENGINE_CONV_UP /* each pixel doubled both ways, then 3x3. Computed as four 2x2 convolutions
			     of the small picture, one for each parity: 4/9 of the work */
};

struct engine_plane {
	float *data; /* [last - first][width][channels] */
	int width, height, channels;
	int first, last;
};

/* weight [out][in][k][k] row-major, as f32, or int8 with a scale for each out. Borrowed. */
struct engine_conv_weights {
	enum engine_conv_kind kind;
	int out, in;
	const float *weight; /* or NULL: */
	const int8_t *quantized;
	const float *scale; /* [out]; NULL is 1 */
	const float *bias;  /* [out]; NULL is 0 */
};

struct engine_conv;

/* The kernels of a level, which the machine must have (kernels_find() says). AMX computes in bf16, and
 * so does AVX-512 on an AMD processor that can: about three digits (their element_size is 2); the others in f32. */
const struct conv_kernels *engine_conv_kernels(enum kernel_level level);

struct engine_conv *engine_conv_create(const struct conv_kernels *kernels,
				       const struct engine_conv_weights *weights,
				       struct err *e) MUST_CHECK;
void engine_conv_destroy(struct engine_conv *c); /* NULL-safe */

/* A product whose right side comes later and changes: out[m][n] = sum over k of in[m][k] * w[n][k].
 * A created one holds zeros; matrix_pack fills it with w[n][k] = data[n * row + k * column]. */
struct engine_conv *engine_conv_matrix_create(const struct conv_kernels *kernels, int out, int in,
					      struct err *e) MUST_CHECK;

int engine_conv_out(const struct engine_conv *c);
enum engine_conv_kind engine_conv_kind(const struct engine_conv *c);
size_t engine_conv_bytes(const struct engine_conv *c); /* of packed weights */

/* Rows of the input (of height in_height) that rows [*first, *last) of the output need; in place. */
void engine_conv_rows_needed(enum engine_conv_kind kind, int in_height, int *first, int *last);

/* Width or height of the output for that of the input. */
int engine_conv_out_size(enum engine_conv_kind kind, int in_size);

/* The threads and each thread's scratch memory (about 1 MiB a thread). One run at a time. */
struct engine_conv_work {
	struct engine_pool *pool; /* NULL: this thread alone. The caller holds its lock. */
	int threads;
	struct {
		void *data;
		size_t bytes;
	} * scratch; /* one a thread */
	double *moments;
	size_t moments_count;
};

bool engine_conv_work_init(struct engine_conv_work *work, struct engine_pool *pool,
			   struct err *e) MUST_CHECK;
void engine_conv_work_finish(struct engine_conv_work *work); /* also of a zeroed one */

void engine_conv_matrix_pack(struct engine_conv *c, const float *data, size_t row, size_t column,
			     struct engine_conv_work *work);

/* Computes rows [out->first, out->last) of out; in must hold the rows that they need. in and out must
 * not overlap. accumulate: adds to what out holds. */
struct engine_conv_call {
	const struct engine_plane *in;
	struct engine_plane *out;
	struct conv_prepare prepare; /* done to the input first; all zero: nothing */
	bool accumulate;
};

bool engine_conv_run(const struct engine_conv *c, const struct engine_conv_call *call,
		     struct engine_conv_work *work, struct err *e) MUST_CHECK;

/* Group norm of a whole plane as one factor and one summand a channel (channels numbers each):
 * statistics in double, the same for any number of threads. */
struct engine_group_norm {
	int groups;
	float eps;
	const float *gain, *bias;
};

bool engine_conv_group_norm(const struct conv_kernels *kernels, const struct engine_plane *in,
			    const struct engine_group_norm *norm, struct engine_conv_work *work,
			    float *factor, float *summand, struct err *e) MUST_CHECK;

/* softmax(scale * row) of every pixel's channels, in place. */
void engine_conv_softmax(const struct conv_kernels *kernels, struct engine_plane *plane,
			 float scale, struct engine_conv_work *work);

/* fn over [0, count) on the work's threads (or this one). */
void engine_conv_for(struct engine_conv_work *work, size_t count, size_t grain, engine_pool_fn fn,
		     void *context);

#endif
