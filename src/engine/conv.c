/* Convolutions: packing of weights, staging of rows, tiles for the kernels (kernels/conv_*.c).
 *
 * Runs on the thread that asks and on the pool's. Must stay true: each number of the output is one
 * sum, in an order that depends only on the layer, so the number of threads never shows in a result.
 *
 * Packed weights: for each panel of 32 output channels (the last may have 16), for each tap, for each
 * input channel (padded), a line of the panel's output channels: f32. bf16 lies in AMX's B tiles:
 * steps of 32 channels, each one or two tiles of [16 pairs of channels][16 outputs][2]. */
#include "engine/conv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#define SCRATCH_BYTES        (768 * 1024) /* staged rows of a thread: they and a panel fit a core's L2 */
#define TILES_AT_ONCE        64
#define MOMENT_ROWS          4 /* of one task: fixed, so that sums have one order */
#define WEIGHTS_CACHED_BYTES ((size_t)1 << 20)
#define STAGE_BYTES_MAX      ((size_t)1 << 30)

struct engine_conv {
	enum engine_conv_kind kind;
	const struct conv_kernels *kernels;
	int out, in, in_padded;
	int taps, variants; /* UP: one set of weights for each parity */
	void *packed;       /* [variant][panel] */
	size_t variant_bytes;
	float *scale, *bias; /* padded to whole panels */
};

struct conv_geometry {
	int side; /* rows and columns of staged input that one output pixel sees */
	int stride;
	int pad; /* zeros left of and above the picture */
	int taps;
	int variants;
};

static const struct conv_geometry CONV_GEOMETRY[] = {
    [ENGINE_CONV_1X1] = {.side = 1, .stride = 1, .pad = 0, .taps = 1, .variants = 1},
    [ENGINE_CONV_3X3] = {.side = 3, .stride = 1, .pad = 1, .taps = 9, .variants = 1},
    [ENGINE_CONV_DOWN] = {.side = 3, .stride = 2, .pad = 0, .taps = 9, .variants = 1},
    [ENGINE_CONV_UP] = {.side = 3, .stride = 1, .pad = 1, .taps = 4, .variants = 4},
};

#ifdef __x86_64__
/* A level's AMX may be int8 only; its kernels need both kinds of bf16. */
static bool conv_has_amx_bf16(void)
{
	unsigned a, b, c, d;
	const unsigned amx_bf16 = 1u << 22;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & amx_bf16) != 0 &&
	       __builtin_cpu_supports("avx512bf16");
}

/* Of use where the processor does more products in bf16 than in f32: Intel's do fewer with vectors (half as many on
 * Sapphire Rapids), AMD's twice as many. */
static bool conv_bf16_is_faster(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
}
#endif

const struct conv_kernels *engine_conv_kernels(enum kernel_level level)
{
#ifdef __x86_64__
	switch (level) {
	case KERNEL_AVX2:
		return &conv_kernels_avx2;
	case KERNEL_AVX512:
		return conv_bf16_is_faster() ? &conv_kernels_bf16 : &conv_kernels_avx512;
	case KERNEL_AMX:
		return conv_has_amx_bf16() ? &conv_kernels_amx : &conv_kernels_avx512;
	default:
		break;
	}
#endif
	(void)level;
	return &conv_kernels_scalar;
}

static int conv_round_up(int n, int multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

/* Panels are 32 wide, but one that would be half empty is 16 wide. */
static int conv_panel_width(const struct engine_conv *c, int panel)
{
	return c->out - panel * CONV_PANEL_WIDTH > 16 ? 32 : 16;
}

static size_t conv_panel_offset(const struct engine_conv *c, int panel)
{
	return (size_t)panel * CONV_PANEL_WIDTH * (size_t)c->taps * (size_t)c->in_padded;
}

static struct engine_conv *conv_allocate(const struct conv_kernels *k, enum engine_conv_kind kind,
					 int out, int in, struct err *e)
{
	if (out < 1 || in < 1 || out > ENGINE_CONV_CHANNELS_MAX || in > ENGINE_CONV_CHANNELS_MAX) {
		err_set(e, ERR_INVALID, "a convolution from %d to %d channels is not possible", in,
			out);
		return NULL;
	}
	struct engine_conv *c = calloc(1, sizeof(*c));
	if (c == NULL)
		goto no_memory;
	const struct conv_geometry *g = &CONV_GEOMETRY[kind];
	*c = (struct engine_conv){.kind = kind, .kernels = k, .out = out, .in = in};
	c->in_padded = conv_round_up(in, k->channel_multiple);
	c->taps = g->taps;
	c->variants = g->variants;
	int out_padded = conv_round_up(out, 16);
	c->variant_bytes =
	    (size_t)out_padded * (size_t)c->taps * (size_t)c->in_padded * k->element_size;
	c->variant_bytes = (c->variant_bytes + 63) & ~(size_t)63;
	size_t bytes = c->variant_bytes * (size_t)c->variants;
	c->packed = aligned_alloc(64, bytes);
	c->scale = calloc((size_t)out_padded + 16, sizeof(float));
	c->bias = calloc((size_t)out_padded + 16, sizeof(float));
	if (c->packed == NULL || c->scale == NULL || c->bias == NULL)
		goto no_memory;
	memset(c->packed, 0, bytes);
	return c;
no_memory:
	engine_conv_destroy(c);
	err_set(e, ERR_NO_MEMORY, "not enough memory for a layer from %d to %d channels", in, out);
	return NULL;
}

void engine_conv_destroy(struct engine_conv *c)
{
	if (c == NULL)
		return;
	free(c->packed);
	free(c->scale);
	free(c->bias);
	free(c);
}

static uint16_t conv_bf16(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof(bits));
	return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* Where the weight of output n, input channel i, tap t lies, in elements of its variant. */
static size_t conv_packed_index(const struct engine_conv *c, int n, int i, int t)
{
	int panel = n / CONV_PANEL_WIDTH, width = conv_panel_width(c, panel);
	int lane = n % CONV_PANEL_WIDTH, k = t * c->in_padded + i;
	size_t base = conv_panel_offset(c, panel);
	if (c->kernels->element_size == sizeof(float))
		return base + (size_t)k * (size_t)width + (size_t)lane;
	size_t step = (size_t)(k / 32), tiles = (size_t)(width / 16), tile = (size_t)(lane / 16);
	return base + ((step * tiles + tile) * 16 + (size_t)(k % 32) / 2) * 32 +
	       (size_t)(lane % 16) * 2 + (size_t)(k & 1);
}

static void conv_put(struct engine_conv *c, int variant, size_t index, float value)
{
	char *base = (char *)c->packed + (size_t)variant * c->variant_bytes;
	if (c->kernels->element_size == sizeof(float)) {
		((float *)(void *)base)[index] = value;
	} else {
		((uint16_t *)(void *)base)[index] = conv_bf16(value);
	}
}

/* UP: tap (a, b) of parity (v, h) of the 2x2 convolution stands for those taps of the 3x3 one that
 * fall on the same small pixel: rows {0} {1,2} above for v = 0, {0,1} {2} for v = 1. */
static float conv_folded(const float *w, int variant, int t)
{
	int v = variant / 2, h = variant % 2, a = t / 2, b = t % 2;
	float sum = 0;
	for (int y = 0; y < 3; y++) {
		if ((y + (v ? 0 : 1)) / 2 != a)
			continue;
		for (int x = 0; x < 3; x++) {
			if ((x + (h ? 0 : 1)) / 2 == b)
				sum += w[y * 3 + x];
		}
	}
	return sum;
}

static void conv_pack(struct engine_conv *c, const struct engine_conv_weights *w)
{
	const int area = w->kind == ENGINE_CONV_1X1 ? 1 : 9;
	float kernel[9];
	for (int n = 0; n < c->out; n++) {
		c->scale[n] = w->scale != NULL && w->quantized != NULL ? w->scale[n] : 1.0f;
		c->bias[n] = w->bias != NULL ? w->bias[n] : 0.0f;
		for (int i = 0; i < c->in; i++) {
			size_t at = ((size_t)n * (size_t)c->in + (size_t)i) * (size_t)area;
			for (int t = 0; t < area; t++)
				kernel[t] = w->weight != NULL ? w->weight[at + (size_t)t]
							      : (float)w->quantized[at + (size_t)t];
			for (int v = 0; v < c->variants; v++) {
				for (int t = 0; t < c->taps; t++) {
					float value =
					    c->variants > 1 ? conv_folded(kernel, v, t) : kernel[t];
					conv_put(c, v, conv_packed_index(c, n, i, t), value);
				}
			}
		}
	}
}

struct engine_conv *engine_conv_create(const struct conv_kernels *kernels,
				       const struct engine_conv_weights *weights, struct err *e)
{
	if ((weights->weight == NULL) == (weights->quantized == NULL)) {
		err_set(e, ERR_INVALID, "a convolution needs either float or int8 weights");
		return NULL;
	}
	struct engine_conv *c = conv_allocate(kernels, weights->kind, weights->out, weights->in, e);
	if (c == NULL)
		return NULL;
	conv_pack(c, weights);
	return c;
}

struct engine_conv *engine_conv_matrix_create(const struct conv_kernels *kernels, int out, int in,
					      struct err *e)
{
	struct engine_conv *c = conv_allocate(kernels, ENGINE_CONV_1X1, out, in, e);
	if (c == NULL)
		return NULL;
	for (int n = 0; n < out; n++)
		c->scale[n] = 1.0f;
	return c;
}

/* conv_put for a whole output of one tap. */
static void conv_pack_line(struct engine_conv *c, int n, const float *data, size_t column)
{
	const size_t width = (size_t)conv_panel_width(c, n / CONV_PANEL_WIDTH);
	const size_t start = conv_packed_index(c, n, 0, 0), in = (size_t)c->in;
	if (c->kernels->element_size == sizeof(float)) {
		float *to = (float *)c->packed + start;
		for (size_t i = 0; i < in; i++)
			to[i * width] = data[i * column];
		return;
	}
	for (size_t step = 0; step < in; step += 32) {
		uint16_t *to = (uint16_t *)c->packed + start + step * width;
		const size_t left = in - step < 32 ? in - step : 32;
		for (size_t i = 0; i < left; i++)
			to[i / 2 * 32 + i % 2] = conv_bf16(data[(step + i) * column]);
	}
}

struct conv_matrix {
	struct engine_conv *conv;
	const float *data;
	size_t row, column;
};

static void conv_pack_lines(void *context, size_t begin, size_t end, int thread)
{
	(void)thread;
	const struct conv_matrix *m = context;
	for (size_t n = begin; n < end; n++)
		conv_pack_line(m->conv, (int)n, m->data + n * m->row, m->column);
}

void engine_conv_matrix_pack(struct engine_conv *c, const float *data, size_t row, size_t column,
			     struct engine_conv_work *work)
{
	struct conv_matrix m = {.conv = c, .data = data, .row = row, .column = column};
	engine_conv_for(work, (size_t)c->out, CONV_PANEL_WIDTH, conv_pack_lines, &m);
}

int engine_conv_out(const struct engine_conv *c)
{
	return c->out;
}

enum engine_conv_kind engine_conv_kind(const struct engine_conv *c)
{
	return c->kind;
}

size_t engine_conv_bytes(const struct engine_conv *c)
{
	return c->variant_bytes * (size_t)c->variants;
}

void engine_conv_rows_needed(enum engine_conv_kind kind, int in_height, int *first, int *last)
{
	int a = *first, b = *last;
	switch (kind) {
	case ENGINE_CONV_1X1:
		break;
	case ENGINE_CONV_3X3:
		a -= 1;
		b += 1;
		break;
	case ENGINE_CONV_DOWN:
		a *= 2;
		b = b * 2 + 1;
		break;
	case ENGINE_CONV_UP:
		a = a / 2 - 1;
		b = (b + 1) / 2 + 1;
		break;
	}
	*first = a < 0 ? 0 : a;
	*last = b > in_height ? in_height : b;
}

int engine_conv_out_size(enum engine_conv_kind kind, int in_size)
{
	if (kind == ENGINE_CONV_UP)
		return in_size * 2;
	return kind == ENGINE_CONV_DOWN ? in_size / 2 : in_size;
}

bool engine_conv_work_init(struct engine_conv_work *work, struct engine_pool *pool, struct err *e)
{
	*work = (struct engine_conv_work){.pool = pool};
	work->threads = pool != NULL ? engine_pool_threads(pool) : 1;
	work->scratch = calloc((size_t)work->threads, sizeof(*work->scratch));
	if (work->scratch == NULL)
		return err_set(e, ERR_NO_MEMORY, "not enough memory for the threads' scratch");
	return true;
}

void engine_conv_work_finish(struct engine_conv_work *work)
{
	for (int i = 0; i < work->threads; i++)
		free(work->scratch[i].data);
	free(work->scratch);
	free(work->moments);
	*work = (struct engine_conv_work){0};
}

void engine_conv_for(struct engine_conv_work *work, size_t count, size_t grain, engine_pool_fn fn,
		     void *context)
{
	if (count == 0)
		return;
	if (work->pool == NULL) {
		fn(context, 0, count, 0);
	} else {
		engine_pool_for(work->pool, count, grain, fn, context);
	}
}

static bool conv_scratch(struct engine_conv_work *work, size_t bytes, struct err *e)
{
	bytes = (bytes + 4095) & ~(size_t)4095;
	for (int i = 0; i < work->threads; i++) {
		if (work->scratch[i].bytes >= bytes)
			continue;
		free(work->scratch[i].data);
		work->scratch[i].bytes = 0;
		work->scratch[i].data = aligned_alloc(64, bytes);
		if (work->scratch[i].data == NULL)
			return err_set(e, ERR_NO_MEMORY,
				       "not enough memory to stage a convolution");
		/* Columns behind the picture are read by whole tiles; what they yield is dropped, but it
		 * must be a number. */
		memset(work->scratch[i].data, 0, bytes);
		work->scratch[i].bytes = bytes;
	}
	return true;
}

/* One run, the same for all threads. A unit is a row of the output, or (UP) two of them: the row of
 * the input that they come from. */
struct conv_run {
	const struct engine_conv *conv;
	const struct engine_conv_call *call;
	struct engine_conv_work *work;
	struct conv_geometry geometry;
	int unit_first; /* index 0 of the pool's range */
	int unit_width; /* pixels of a unit's row */
	int columns;    /* staged pixels a row */
	int block;      /* units staged at once */
	size_t row;     /* elements of a staged row */
	size_t tap[4][CONV_TAPS_MAX];
};

static void conv_stage_row(const struct conv_run *r, int y, char *out)
{
	const struct engine_plane *in = r->call->in;
	const struct conv_kernels *k = r->conv->kernels;
	const size_t pixel = (size_t)r->conv->in_padded * k->element_size;
	if (y < 0 || y >= in->height) {
		memset(out, 0, (size_t)r->columns * pixel);
		return;
	}
	assert(y >= in->first && y < in->last);
	const float *row =
	    in->data + (size_t)(y - in->first) * (size_t)in->width * (size_t)in->channels;
	const size_t before = (size_t)r->geometry.pad * pixel;
	const size_t content = (size_t)in->width * pixel;
	memset(out, 0, before);
	k->stage(&r->call->prepare, row, in->channels, r->conv->in_padded, in->width, out + before);
	memset(out + before + content, 0, (size_t)r->columns * pixel - before - content);
}

static void conv_panels(const struct conv_run *r, int variant, const struct conv_tile *tiles,
			int count)
{
	const struct engine_conv *c = r->conv;
	struct conv_panel p = {.taps = c->taps, .channels = c->in_padded};
	memcpy(p.tap, r->tap[variant], sizeof(p.tap));
	p.pixel_stride = (size_t)r->geometry.stride * (size_t)c->in_padded;
	p.out_stride = (size_t)c->out * (c->kind == ENGINE_CONV_UP ? 2 : 1);
	p.accumulate = r->call->accumulate;
	struct conv_tile moved[TILES_AT_ONCE];
	memcpy(moved, tiles, (size_t)count * sizeof(*tiles));
	for (int n = 0; n < c->out; n += CONV_PANEL_WIDTH) {
		int panel = n / CONV_PANEL_WIDTH;
		p.weights = (const char *)c->packed + (size_t)variant * c->variant_bytes +
			    conv_panel_offset(c, panel) * c->kernels->element_size;
		p.width = conv_panel_width(c, panel);
		p.valid = c->out - n < p.width ? c->out - n : p.width;
		p.scale = c->scale + n;
		p.bias = c->bias + n;
		c->kernels->panel(&p, moved, count);
		for (int i = 0; i < count; i++)
			moved[i].out += CONV_PANEL_WIDTH;
	}
}

/* Tiles of the units [unit, unit + units), whose input is staged from `stage` on. */
static void conv_block(const struct conv_run *r, int unit, int units, const char *stage,
		       int variant)
{
	const struct engine_plane *out = r->call->out;
	const bool up = r->conv->kind == ENGINE_CONV_UP;
	const size_t element = r->conv->kernels->element_size, channels = (size_t)out->channels;
	struct conv_tile tiles[TILES_AT_ONCE];
	int count = 0;
	for (int u = 0; u < units; u++) {
		int y = up ? 2 * (unit + u) + variant / 2 : unit + u;
		if (y < out->first || y >= out->last)
			continue;
		const char *in = stage + (size_t)(u * r->geometry.stride) * r->row * element;
		float *row = out->data + (size_t)(y - out->first) * (size_t)out->width * channels;
		for (int x = 0; x < r->unit_width; x += CONV_TILE_PIXELS) {
			int left = r->unit_width - x;
			size_t skip =
			    (size_t)x * (size_t)r->geometry.stride * (size_t)r->conv->in_padded;
			size_t at = up ? (size_t)(2 * x + variant % 2) : (size_t)x;
			tiles[count++] = (struct conv_tile){
			    .in = in + skip * element,
			    .out = row + at * channels,
			    .pixels = left < CONV_TILE_PIXELS ? left : CONV_TILE_PIXELS,
			};
			if (count == TILES_AT_ONCE) {
				conv_panels(r, variant, tiles, count);
				count = 0;
			}
		}
	}
	if (count > 0)
		conv_panels(r, variant, tiles, count);
}

static void conv_run_units(void *context, size_t begin, size_t end, int thread)
{
	const struct conv_run *r = context;
	const struct conv_geometry *g = &r->geometry;
	char *stage = r->work->scratch[thread].data;
	const size_t row_bytes = r->row * r->conv->kernels->element_size;
	const int overlap = g->side > g->stride ? g->side - g->stride : 0;
	int unit = r->unit_first + (int)begin, last = r->unit_first + (int)end, kept = 0;
	for (; unit < last; unit += r->block) {
		int units = last - unit < r->block ? last - unit : r->block;
		int rows = g->stride * (units - 1) + g->side;
		int y = unit * g->stride - g->pad;
		for (int i = kept; i < rows; i++)
			conv_stage_row(r, y + i, stage + (size_t)i * row_bytes);
		for (int v = 0; v < r->conv->variants; v++)
			conv_block(r, unit, units, stage, v);
		kept = overlap;
		memmove(stage, stage + (size_t)(rows - overlap) * row_bytes,
			(size_t)overlap * row_bytes);
	}
}

static void conv_taps(struct conv_run *r)
{
	const size_t pixel = (size_t)r->conv->in_padded;
	for (int v = 0; v < r->conv->variants; v++) {
		for (int t = 0; t < r->conv->taps; t++) {
			int side = r->conv->taps == 9 ? 3 : 2;
			int y = t / side + v / 2, x = t % side + v % 2;
			r->tap[v][t] = (size_t)y * r->row + (size_t)x * pixel;
		}
	}
}

bool engine_conv_run(const struct engine_conv *c, const struct engine_conv_call *call,
		     struct engine_conv_work *work, struct err *e)
{
	const struct engine_plane *in = call->in, *out = call->out;
	assert(in->channels == c->in && out->channels == c->out);
	assert(out->width == engine_conv_out_size(c->kind, in->width));
	assert(out->height == engine_conv_out_size(c->kind, in->height));
	if (out->first >= out->last)
		return true;
	struct conv_run r = {
	    .conv = c, .call = call, .work = work, .geometry = CONV_GEOMETRY[c->kind]};
	const struct conv_geometry *g = &r.geometry;
	r.unit_width = c->kind == ENGINE_CONV_UP ? in->width : out->width;
	r.columns = g->stride * (conv_round_up(r.unit_width, CONV_TILE_PIXELS) - 1) + g->side;
	if (r.columns < in->width + g->pad)
		r.columns = in->width + g->pad;
	r.row = (size_t)r.columns * (size_t)c->in_padded;
	conv_taps(&r);

	int unit_last = out->last;
	r.unit_first = out->first;
	if (c->kind == ENGINE_CONV_UP) {
		r.unit_first = out->first / 2;
		unit_last = (out->last + 1) / 2;
	}
	const size_t row_bytes = r.row * c->kernels->element_size;
	const int units = unit_last - r.unit_first;
	int fit = (int)(SCRATCH_BYTES / row_bytes);
	r.block = (fit - g->side) / g->stride + 1;
	r.block = fit < g->side || r.block < 1 ? 1 : r.block > units ? units : r.block;
	const size_t stage_bytes = (size_t)(g->stride * (r.block - 1) + g->side) * row_bytes;
	if (stage_bytes > STAGE_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "a picture %d pixels wide is too wide", in->width);
	if (!conv_scratch(work, stage_bytes, e))
		return false;
	/* A piece stages `side - stride` rows that its neighbour stages too, and reads all the weights:
	 * few, long pieces; one a thread where the weights are more than a core's cache holds. */
	const int pieces = units / (work->threads * 16);
	size_t grain = pieces > 8 ? (size_t)pieces : 8;
	const size_t share = ((size_t)units + (size_t)work->threads - 1) / (size_t)work->threads;
	if (grain > share || engine_conv_bytes(c) > WEIGHTS_CACHED_BYTES)
		grain = share;
	engine_conv_for(work, (size_t)units, grain, conv_run_units, &r);
	return true;
}

struct conv_moments {
	const struct conv_kernels *kernels;
	const struct engine_plane *plane;
	double *sums; /* [task][2][channels] */
};

static void conv_moments_rows(void *context, size_t begin, size_t end, int thread)
{
	(void)thread;
	const struct conv_moments *m = context;
	const struct engine_plane *p = m->plane;
	const size_t channels = (size_t)p->channels;
	for (size_t task = begin; task < end; task++) {
		double *sum = m->sums + task * 2 * channels;
		memset(sum, 0, 2 * channels * sizeof(double));
		for (int i = 0; i < MOMENT_ROWS; i++) {
			int y = (int)task * MOMENT_ROWS + i;
			if (y >= p->last - p->first)
				break;
			m->kernels->moments(p->data + (size_t)y * (size_t)p->width * channels,
					    p->channels, p->width, sum, sum + channels);
		}
	}
}

bool engine_conv_group_norm(const struct conv_kernels *kernels, const struct engine_plane *in,
			    const struct engine_group_norm *norm, struct engine_conv_work *work,
			    float *factor, float *summand, struct err *e)
{
	const size_t channels = (size_t)in->channels;
	const int rows = in->last - in->first;
	const size_t tasks = ((size_t)rows + MOMENT_ROWS - 1) / MOMENT_ROWS;
	const size_t need = tasks * 2 * channels;
	if (work->moments_count < need) {
		free(work->moments);
		work->moments = malloc(need * sizeof(double));
		work->moments_count = work->moments != NULL ? need : 0;
		if (work->moments == NULL)
			return err_set(e, ERR_NO_MEMORY,
				       "not enough memory for a norm's statistics");
	}
	struct conv_moments m = {.kernels = kernels, .plane = in, .sums = work->moments};
	engine_conv_for(work, tasks, 1, conv_moments_rows, &m);

	const int size = in->channels / norm->groups;
	const double count = (double)size * in->width * rows;
	for (int g = 0; g < norm->groups; g++) {
		double sum = 0, square = 0;
		for (size_t t = 0; t < tasks; t++) {
			const double *s = work->moments + t * 2 * channels + (size_t)(g * size);
			for (int c = 0; c < size; c++) {
				sum += s[c];
				square += s[(size_t)c + channels];
			}
		}
		double mean = sum / count, variance = square / count - mean * mean;
		double rate =
		    1.0 / __builtin_sqrt((variance > 0 ? variance : 0) + (double)norm->eps);
		for (int c = g * size; c < (g + 1) * size; c++) {
			factor[c] = (float)(rate * (double)norm->gain[c]);
			summand[c] =
			    (float)((double)norm->bias[c] - mean * rate * (double)norm->gain[c]);
		}
	}
	return true;
}

struct conv_softmax {
	const struct conv_kernels *kernels;
	struct engine_plane *plane;
	float scale;
};

static void conv_softmax_rows(void *context, size_t begin, size_t end, int thread)
{
	(void)thread;
	const struct conv_softmax *s = context;
	for (size_t i = begin; i < end; i++)
		s->kernels->softmax(s->plane->data + i * (size_t)s->plane->channels,
				    s->plane->channels, s->scale);
}

void engine_conv_softmax(const struct conv_kernels *kernels, struct engine_plane *plane,
			 float scale, struct engine_conv_work *work)
{
	struct conv_softmax s = {.kernels = kernels, .plane = plane, .scale = scale};
	size_t pixels = (size_t)(plane->last - plane->first) * (size_t)plane->width;
	engine_conv_for(work, pixels, 16, conv_softmax_rows, &s);
}
