/* Measures the picture tokenizer's decoder: milliseconds, GMAC/s and the fraction of what this machine's
 * multipliers do at best, measured in the same run. Prints CSV.
 *
 *     bench_vq [threads] > bench/vq.csv
 *
 * Each figure is the best of several repeats, because others share the machine. `gmac` is the work as the
 * layers are defined, `gmac_computed` what is really multiplied (upsampling convolutions folded), which the
 * rate and the fraction are of. `cpu_ms` is the processor time of all threads; `fraction_of_own_cpu` is of the
 * peak for that time: what an idle machine would show. */
#include "base/clock.h"
#include "base/str.h"
#include "engine/vq.h"
#include "synthetic_vq.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REPEATS 7

static double ms_since(int64_t start)
{
	return (double)(clock_mono_ns() - start) / 1e6;
}

/* Of all threads of this process. */
static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#ifdef __x86_64__
#include <immintrin.h>

#define ROUNDS 400000

#define FMA(r, n)           "vfmadd231ps %%" r "14, %%" r "15, %%" r #n "\n\t"
#define FMA4(r, a, b, c, d) FMA(r, a) FMA(r, b) FMA(r, c) FMA(r, d)
#define FMA12(r)            FMA4(r, 0, 1, 2, 3) FMA4(r, 4, 5, 6, 7) FMA4(r, 8, 9, 10, 11)
#define CLOBBERS(r)                                                                           \
	r "0", r "1", r "2", r "3", r "4", r "5", r "6", r "7", r "8", r "9", r "10", r "11", \
	    r "14", r "15"

__attribute__((target("avx512f"))) static double peak_avx512(void)
{
	int64_t start = clock_mono_ns();
	for (int r = 0; r < ROUNDS; r++)
		__asm__ volatile(FMA12("zmm")::: CLOBBERS("xmm"));
	return ROUNDS * 12.0 * 16 / (ms_since(start) * 1e6);
}

#define DOT(n)           "vdpbf16ps %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define DOT4(a, b, c, d) DOT(a) DOT(b) DOT(c) DOT(d)

__attribute__((target("avx512f,avx512bf16"))) static double peak_bf16(void)
{
	int64_t start = clock_mono_ns();
	for (int r = 0; r < ROUNDS; r++)
		__asm__ volatile(DOT4(0, 1, 2, 3) DOT4(4, 5, 6, 7) DOT4(8, 9, 10, 11)::
				     : CLOBBERS("xmm"));
	return ROUNDS * 12.0 * 32 / (ms_since(start) * 1e6);
}

__attribute__((target("avx2,fma"))) static double peak_avx2(void)
{
	int64_t start = clock_mono_ns();
	for (int r = 0; r < ROUNDS; r++)
		__asm__ volatile(FMA12("ymm")::: CLOBBERS("xmm"));
	return ROUNDS * 12.0 * 8 / (ms_since(start) * 1e6);
}

__attribute__((target("amx-tile,amx-bf16"))) static double peak_amx(void)
{
	static char tiles[4096] __attribute__((aligned(64)));
	struct {
		unsigned char palette, start, reserved[14];
		unsigned short columns[16];
		unsigned char rows[16];
	} config __attribute__((aligned(64))) = {.palette = 1};
	for (int i = 0; i < 8; i++) {
		config.columns[i] = 64;
		config.rows[i] = 16;
	}
	_tile_loadconfig(&config);
	int64_t start = clock_mono_ns();
	for (int r = 0; r < ROUNDS / 8; r++) {
		_tile_loadd(4, tiles, 64);
		_tile_loadd(5, tiles + 1024, 64);
		_tile_loadd(6, tiles + 2048, 64);
		_tile_loadd(7, tiles + 3072, 64);
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	double ms = ms_since(start);
	_tile_release();
	return ROUNDS / 8 * 4.0 * 16 * 16 * 32 / (ms * 1e6);
}
#endif

struct peak {
	enum kernel_level level;
	double gmacs[256]; /* of each thread */
};

static void peak_piece(void *context, size_t begin, size_t end, int thread)
{
	struct peak *p = context;
	(void)end;
	(void)thread;
	double best = 0, rate = 0;
	for (int i = 0; i < 5; i++) {
#ifdef __x86_64__
		const struct conv_kernels *k = engine_conv_kernels(p->level);
		rate = k == &conv_kernels_amx      ? peak_amx()
		       : k == &conv_kernels_bf16   ? peak_bf16()
		       : p->level >= KERNEL_AVX512 ? peak_avx512()
		       : p->level == KERNEL_AVX2   ? peak_avx2()
						   : 0;
#endif
		best = rate > best ? rate : best;
	}
	p->gmacs[begin] = best;
}

/* GMAC/s of all threads together, all of them busy. */
static double peak(struct engine_pool *pool, enum kernel_level level)
{
	struct peak p = {.level = level};
	int threads = engine_pool_threads(pool);
	double sum = 0;
	engine_pool_for(pool, (size_t)threads, 1, peak_piece, &p);
	for (int i = 0; i < threads; i++)
		sum += p.gmacs[i];
	return sum;
}

struct bench {
	const char *name;
	struct engine_vq_shape shape;
	int first, last, halo;
	const char *what;
};

static bool measure(const struct bench *b, const struct synthetic *s, enum kernel_level level,
		    struct engine_pool *pool, struct err *e)
{
	const int grid = b->shape.grid;
	struct engine_vq_options options = {engine_conv_kernels(level), true, false};
	struct engine_vq *vq = engine_vq_create(s->weights, &b->shape, &options, e);
	struct engine_vq_work *work = vq != NULL ? engine_vq_work_create(pool, e) : NULL;
	int32_t *ids = calloc((size_t)(grid * grid), sizeof(*ids));
	uint8_t *rgb = malloc((size_t)b->shape.image_size * (size_t)b->shape.image_size * 3);
	bool ok = work != NULL && ids != NULL && rgb != NULL;
	double best = 1e30, least = 1e30, limit = 0;
	for (int i = 0; ok && i < grid * grid; i++)
		ids[i] = (int32_t)((unsigned)i * 2654435761u % (unsigned)b->shape.codes);
	for (int i = 0; ok && i < (level < KERNEL_AVX512 ? 3 : REPEATS); i++) {
		struct engine_vq_decode d = {ids, grid, grid, b->first, b->last, b->halo};
		double now = peak(pool, level);
		limit = now > limit ? now : limit;
		double busy = cpu_ms();
		int64_t start = clock_mono_ns();
		ok = engine_vq_decode(vq, &d, work, NULL, rgb, e);
		double ms = ms_since(start);
		best = ms < best ? ms : best;
		busy = cpu_ms() - busy;
		least = busy < least ? busy : least;
	}
	struct synthetic_work w = synthetic_vq_work(&b->shape, grid);
	const bool whole = b->last - b->first == grid;
	if (ok)
		printf("%s,%s,%s,%d,%.1f,%.1f", b->name, b->what, options.kernels->name,
		       engine_pool_threads(pool), best, least);
	const double rate = w.computed / 1e6 / best;
	const double own = w.computed / 1e6 / (least / engine_pool_threads(pool));
	if (ok && whole)
		printf(",%.2f,%.2f,%.0f,%.0f,%.3f,%.3f,%.1f,%.1f\n", w.defined / 1e9,
		       w.computed / 1e9, rate, limit, rate / limit, own / limit,
		       (double)engine_vq_bytes(vq) / 1e6, (double)engine_vq_work_bytes(work) / 1e6);
	else if (ok)
		printf(",,,,%.0f,,,,\n", limit);
	fflush(stdout);
	free(ids);
	free(rgb);
	engine_vq_work_destroy(work);
	engine_vq_destroy(vq);
	return ok;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	const struct bench benches[] = {
	    {"builtin", synthetic_builtin(), 0, 12, -1, "192x192 whole"},
	    {"builtin", synthetic_builtin(), 5, 6, -1, "192x192 one row exact"},
	    {"builtin", synthetic_builtin(), 5, 6, 2, "192x192 one row halo 2"},
	    {"vq16", synthetic_vq16(), 0, 24, -1, "384x384 whole"},
	    {"vq16", synthetic_vq16(), 11, 12, -1, "384x384 one row exact"},
	};
	int64_t threads = 0, lowest = KERNEL_AVX2;
	if ((argc > 1 && !str_to_int(argv[1], 0, ENGINE_POOL_THREADS_MAX, &threads)) ||
	    (argc > 2 && !str_to_int(argv[2], KERNEL_SCALAR, KERNEL_AMX, &lowest))) {
		fprintf(stderr, "usage: bench_vq [threads [lowest level of kernels, 0 to 3]]\n");
		return 2;
	}
	struct engine_pool *pool = engine_pool_create((int)threads, &e);
	if (pool == NULL)
		goto failed;
	printf(
	    "model,what,kernels,threads,ms,cpu_ms,gmac,gmac_computed,gmac_per_s,peak_gmac_per_s,fraction,"
	    "fraction_of_own_cpu,"
	    "weights_mb,work_mb\n");
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		struct synthetic s = synthetic_vq(&benches[i].shape, false, i < 3);
		for (int level = (int)kernels_best(); level >= (int)lowest; level--) {
			if (!measure(&benches[i], &s, (enum kernel_level)level, pool, &e))
				goto failed;
		}
		synthetic_finish(&s);
	}
	engine_pool_destroy(pool);
	return 0;
failed:
	fprintf(stderr, "bench_vq: %s\n", e.message);
	return 1;
}
