/* What the rows of core.c are made of: elements, exp, erf, the product's call. Included by core.c only. */
#ifdef TRAIN_BF16
typedef uint16_t elem;

static inline float elem_f32(elem x)
{
	union {
		uint32_t u;
		float f;
	} v = {.u = (uint32_t)x << 16};
	return v.f;
}

static inline elem elem_of(float x)
{
	union {
		float f;
		uint32_t u;
	} v = {.f = x};
	return (elem)((v.u + 0x7fff + ((v.u >> 16) & 1)) >> 16);
}
#else
typedef float elem;
#define elem_f32(x) (x)
#define elem_of(x)  (x)
#endif

#ifdef TRAIN_SCALAR
#define core_exp expf
#define core_erf erff
#else
/* Relative error below 3e-7 between -64 and 64; beyond it saturates. (At -87 the compiler would multiply by a
 * constant at the edge of the normal range in every lane, and each product below it is trapped.) */
static inline float core_exp(float x)
{
	x = x < -64.f ? -64.f : x;
	x = x > 64.f ? 64.f : x;
	float n = x * 1.44269504f + 12582912.f;
	union {
		float f;
		int32_t i;
	} v = {.f = n};
	int32_t k = v.i - 0x4b400000;
	n -= 12582912.f;
	float r = x - n * .693359375f + n * 2.12194440e-4f;
	float y = 1.9875691500e-4f;
	y = y * r + 1.3981999507e-3f;
	y = y * r + 8.3334519073e-3f;
	y = y * r + 4.1665795894e-2f;
	y = y * r + 1.6666665459e-1f;
	y = y * r + 5.0000001201e-1f;
	y = y * r * r + r + 1.f;
	v.i = (k + 127) << 23;
	return y * v.f;
}

/* Abramowitz and Stegun 7.1.26: absolute error below 2e-7. */
static inline float core_erf(float x)
{
	float a = x < 0 ? -x : x, t = 1.f / (1.f + .3275911f * a);
	float y = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - .284496736f) * t +
		   .254829592f) *
		  t;
	y = 1.f - y * core_exp(-a * a);
	return x < 0 ? -y : y;
}
#endif

static inline float core_gelu(float x)
{
	return .5f * x * (1.f + core_erf(x * .70710678f));
}

static inline float core_gelu_slope(float x)
{
	return .5f * (1.f + core_erf(x * .70710678f)) + x * .39894228f * core_exp(-.5f * x * x);
}

/* Memory that is wanted soon after a product: brought to L2 a little at a time, meanwhile. */
struct fetch {
	const void *from;
	size_t bytes;
};

/* c (f32) = add (or 0) + a b; or out (elements) = a b. k_begin: the sum begins there. b is packed for kb values
 * of k. a_step: from 32 columns of a to the next 32; 0: they are neighbours. */
struct gemm_call {
	int m, n, k, k_begin, kb;
	const elem *a;
	size_t lda, a_step;
	const elem *b;
	float *c;
	elem *out;
	size_t ldc; /* of c or out */
	const float *add;
	size_t ldadd;
	struct fetch fetch[2];
};

static inline int up32(int n)
{
	return (n + 31) & ~31;
}

/* A row length in memory for n elements, and for n floats: an odd number of cache lines, so that rows spread over the
 * sets. */
static inline size_t odd_lines(int n, int line)
{
	return (size_t)((n + line - 1) / line | 1) * (size_t)line;
}

static inline size_t row_of(int n)
{
	return odd_lines(n, 32);
}

static inline size_t float_row_of(int n)
{
	return odd_lines(n, 16);
}
