/* Newton-Schulz iteration (Jordan, "Muon", 2024): a quintic that pushes all singular values towards 1. Included by
 * core.c. The sums are f32, the products' operands elements. */

struct muon {
	int m, n; /* m <= n */
	float *x, *next, *gram, *poly;
	elem *xe, *ge, *pack;
};

static size_t core_orthogonalise_bytes(int rows, int columns)
{
	size_t m = (size_t)(rows < columns ? rows : columns),
	       n = (size_t)(rows < columns ? columns : rows);
	return (2 * m * n + 2 * m * m) * sizeof(float) +
	       (2 * m * n + m * m + 64 * n + 4096) * sizeof(elem) + 1024;
}

static struct muon muon_of(int rows, int columns, void *scratch)
{
	struct muon u = {.m = rows < columns ? rows : columns,
			 .n = rows < columns ? columns : rows};
	size_t mn = (size_t)u.m * (size_t)u.n, mm = (size_t)u.m * (size_t)u.m;
	u.x = scratch;
	u.next = u.x + mn;
	u.gram = u.next + mn;
	u.poly = u.gram + mm;
	u.xe = (elem *)(u.poly + mm);
	u.ge = u.xe + mn;
	u.pack = u.ge + mm;
	return u;
}

static void muon_step(struct muon *u)
{
	const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
	const int m = u->m, n = u->n;
	const size_t mn = (size_t)m * (size_t)n, mm = (size_t)m * (size_t)m;
	gemm_convert(u->xe, u->x, mn);
	gemm_pack_nk(u->pack, u->xe, (size_t)n, m, n);
	gemm(&(struct gemm_call){.m = m,
				 .n = m,
				 .k = n,
				 .kb = n,
				 .a = u->xe,
				 .lda = (size_t)n,
				 .b = u->pack,
				 .c = u->gram,
				 .ldc = (size_t)m});
	gemm_convert(u->ge, u->gram, mm);
	gemm_pack_kn(u->pack, u->ge, (size_t)m, m, m);
	gemm(&(struct gemm_call){.m = m,
				 .n = m,
				 .k = m,
				 .kb = m,
				 .a = u->ge,
				 .lda = (size_t)m,
				 .b = u->pack,
				 .c = u->poly,
				 .ldc = (size_t)m});
#pragma omp simd
	for (size_t i = 0; i < mm; i++)
		u->poly[i] = b * u->gram[i] + c * u->poly[i];
	gemm_convert(u->ge, u->poly, mm);
	gemm_pack_kn(u->pack, u->xe, (size_t)n, m, n);
	gemm(&(struct gemm_call){.m = m,
				 .n = n,
				 .k = m,
				 .kb = m,
				 .a = u->ge,
				 .lda = (size_t)m,
				 .b = u->pack,
				 .c = u->next,
				 .ldc = (size_t)n});
#pragma omp simd
	for (size_t i = 0; i < mn; i++)
		u->x[i] = a * u->x[i] + u->next[i];
}

static void core_orthogonalise(float *x, int rows, int columns, int steps, void *scratch)
{
	struct muon u = muon_of(rows, columns, scratch);
	const bool turned = rows > columns;
	const size_t count = (size_t)rows * (size_t)columns;
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)x[i] * (double)x[i];
	const float f = 1.f / ((float)sqrt(sum) + 1e-12f);
	for (int i = 0; i < u.m; i++)
		for (int j = 0; j < u.n; j++)
			u.x[(size_t)i * (size_t)u.n + (size_t)j] =
			    f * (turned ? x[(size_t)j * (size_t)columns + (size_t)i]
					: x[(size_t)i * (size_t)columns + (size_t)j]);
	gemm_begin();
	for (int i = 0; i < steps; i++)
		muon_step(&u);
	gemm_end();
	for (int i = 0; i < u.m; i++)
		for (int j = 0; j < u.n; j++)
			*(turned ? &x[(size_t)j * (size_t)columns + (size_t)i]
				 : &x[(size_t)i * (size_t)columns + (size_t)j]) =
			    u.x[(size_t)i * (size_t)u.n + (size_t)j];
}
