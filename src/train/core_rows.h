/* Row by row: norms, rotations, gates, activations. Included by core.c only. */

/* normal = x / rms(x); h = normal * w; *factor = 1 / rms. */
static void norm_row(elem *h, elem *normal, const float *x, const float *w, float *factor, int d,
		     float eps)
{
	float sum = 0;
#pragma omp simd reduction(+ : sum)
	for (int i = 0; i < d; i++)
		sum += x[i] * x[i];
	float r = 1.f / sqrtf(sum / (float)d + eps);
	*factor = r;
#pragma omp simd
	for (int i = 0; i < d; i++) {
		float y = x[i] * r;
		normal[i] = elem_of(y);
		h[i] = elem_of(y * w[i]);
	}
}

/* dx += the norm's backward of dh; dw += its part of the weight's gradient. normal and r: norm_row's. */
static void norm_back_row(float *dx, float *dw, const float *dh, const elem *normal, const float *w,
			  float r, int d)
{
	float dot = 0;
#pragma omp simd reduction(+ : dot)
	for (int i = 0; i < d; i++)
		dot += dh[i] * w[i] * elem_f32(normal[i]);
	float c = dot * r / (float)d;
#pragma omp simd
	for (int i = 0; i < d; i++) {
		float y = elem_f32(normal[i]);
		dx[i] += r * dh[i] * w[i] - c * y;
		dw[i] += dh[i] * y;
	}
}

/* One head's row: the first half with the second. back: by the opposite angle. */
static inline void rotate_row(elem *x, const float *cosine, const float *sine, int half, float sign)
{
#pragma omp simd
	for (int i = 0; i < half; i++) {
		float a = elem_f32(x[i]), b = elem_f32(x[i + half]), s = sign * sine[i];
		x[i] = elem_of(a * cosine[i] - b * s);
		x[i + half] = elem_of(b * cosine[i] + a * s);
	}
}

#ifndef TRAIN_BF16 /* core_vector.h has these */
static void gate_row(elem *act, const elem *gate, const elem *up, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++) {
		float g = elem_f32(gate[i]), u = elem_f32(up[i]);
		act[i] = elem_of(g / (1.f + core_exp(-g)) * u);
	}
}

/* dgate and dup from da; act again, for the next product's weight gradient. */
static void gate_back_row(elem *dgate, elem *dup, elem *act, const elem *da, const elem *gate,
			  const elem *up, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++) {
		float g = elem_f32(gate[i]), u = elem_f32(up[i]), d = elem_f32(da[i]);
		float s = 1.f / (1.f + core_exp(-g)), silu = g * s;
		act[i] = elem_of(silu * u);
		dgate[i] = elem_of(d * u * (s + silu * (1.f - s)));
		dup[i] = elem_of(d * silu);
	}
}
#endif

static void add_row(float *to, const float *from, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		to[i] += from[i];
}

static void add_product_row(float *to, const float *from, const float *by, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		to[i] += from[i] * by[i];
}

static void add_elem_row(float *to, const elem *from, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		to[i] += elem_f32(from[i]);
}

static void gelu_row(elem *to, const float *x, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		to[i] = elem_of(core_gelu(x[i]));
}

/* d *= gelu'(x) */
static void gelu_back_row(float *d, const float *x, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		d[i] *= core_gelu_slope(x[i]);
}

#ifndef TRAIN_BF16
/* p = softmax of scale * s. width: a multiple of 32; columns from seen on become zero. */
static void attend_row(elem *p, float *s, int seen, int width, float scale)
{
	float top = s[0], sum = 0;
	width &= ~31;
#pragma omp simd reduction(max : top)
	for (int j = 0; j < width; j++) {
		s[j] = j < seen ? s[j] : -1e30f;
		top = s[j] > top ? s[j] : top;
	}
#pragma omp simd reduction(+ : sum)
	for (int j = 0; j < width; j++) {
		float x = core_exp((s[j] - top) * scale);
		x = j < seen ? x : 0;
		s[j] = x;
		sum += x;
	}
	float c = 1.f / sum;
#pragma omp simd
	for (int j = 0; j < width; j++)
		p[j] = elem_of(s[j] * c);
}

/* ds = p * (dp - sum(p dp)) * scale, over dp's row. width: a multiple of 32. */
static void attend_back_row(elem *ds, const float *dp, const elem *p, int width, float scale)
{
	float dot = 0;
	width &= ~31;
#pragma omp simd reduction(+ : dot)
	for (int j = 0; j < width; j++)
		dot += dp[j] * elem_f32(p[j]);
#pragma omp simd
	for (int j = 0; j < width; j++)
		ds[j] = elem_of(elem_f32(p[j]) * (dp[j] - dot) * scale);
}

/* e = exp(z + bias - top), where top is the greatest of them, which is returned. z may be changed. */
static float exp_row(elem *e, float *z, const float *bias, int n, float *sum)
{
	float top = z[0] + bias[0], total = 0;
#pragma omp simd reduction(max : top)
	for (int i = 0; i < n; i++) {
		z[i] += bias[i];
		top = z[i] > top ? z[i] : top;
	}
#pragma omp simd reduction(+ : total)
	for (int i = 0; i < n; i++) {
		float p = core_exp(z[i] - top);
		e[i] = elem_of(p);
		total += p;
	}
	*sum = total;
	return top;
}
#endif

static void scale_row(elem *x, float by, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = elem_of(elem_f32(x[i]) * by);
}
