/* Matrix products in f32, with the face of gemm_bf16.h: plain loops that the compiler turns into the vectors of
 * the level it compiles for. B is packed in panels of 32 columns, [k][32]. Included by core.c. */

static void gemm_begin(void)
{
}

static void gemm_end(void)
{
}

static void gemm_rows(const struct gemm_call *g, int m, int rows, int panel)
{
	const elem *b = g->b + ((size_t)panel * (size_t)g->kb + (size_t)g->k_begin) * 32;
	const size_t step = g->a_step ? g->a_step : 32;
	int n = panel * 32, columns = g->n - n < 32 ? g->n - n : 32;
	float s[4][32];
	memset(s, 0, sizeof(s));
	if (!g->out && g->add)
		for (int i = 0; i < rows; i++)
			memcpy(s[i], g->add + (size_t)(m + i) * g->ldadd + n,
			       (size_t)columns * sizeof(float));
	for (int k = g->k_begin; k < g->k; k++, b += 32)
		for (int i = 0; i < 4; i++) {
			float a = g->a[(size_t)(m + i) * g->lda + (size_t)(k / 32) * step +
				       (size_t)(k % 32)];
			for (int j = 0; j < 32; j++)
				s[i][j] += a * b[j];
		}
	float *c = g->out ? g->out : g->c;
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++)
			c[(size_t)(m + i) * g->ldc + n + j] = s[i][j];
}

static void gemm(const struct gemm_call *g)
{
	for (int p = 0; p * 32 < g->n; p++)
		for (int m = 0; m < g->m; m += 4)
			gemm_rows(g, m, g->m - m < 4 ? g->m - m : 4, p);
}

static inline void gemm_pack_nk(elem *b, const elem *w, size_t ld, int n, int k)
{
	for (int p = 0; p < n; p += 32)
		for (int i = 0; i < k; i++)
			for (int j = 0; j < 32; j++)
				*b++ = w[(size_t)(p + j) * ld + i];
}

static inline void gemm_pack_kn(elem *b, const elem *x, size_t ld, int k, int n)
{
	for (int p = 0; p < n; p += 32)
		for (int i = 0; i < k; i++, b += 32)
			memcpy(b, x + (size_t)i * ld + p, 32 * sizeof(elem));
}

/* 32 rows of 32 columns of what gemm_pack_kn made. */
static inline void gemm_unpack_kn(elem *x, size_t ld, const elem *b)
{
	for (int i = 0; i < 32; i++)
		memcpy(x + (size_t)i * ld, b + i * 32, 32 * sizeof(elem));
}

/* Copies to memory that is not read soon. */
static inline void gemm_put_away(elem *to, const elem *from, size_t count)
{
	memcpy(to, from, count * sizeof(elem));
}

static inline void gemm_transpose(elem *at, size_t ldt, const elem *x, size_t ld, int k, int n)
{
	for (int i = 0; i < k; i++)
		for (int j = 0; j < n; j++)
			at[(size_t)j * ldt + i] = x[(size_t)i * ld + j];
}

static inline void gemm_pack_away(elem *b, const elem *x, size_t ld)
{
	gemm_pack_kn(b, x, ld, 32, 32);
}

static inline void gemm_turn_away(elem *at, const elem *x, size_t ld)
{
	gemm_transpose(at, 32, x, ld, 32, 32);
}

static inline void gemm_convert(elem *to, const float *from, size_t count)
{
	memcpy(to, from, count * sizeof(float));
}
