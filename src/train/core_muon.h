/* Newton-Schulz iteration (Jordan, "Muon", 2024): a quintic that pushes all singular values towards 1. Included by
 * core.c. The sums are f32, the products' operands elements. */

struct muon {
	int m, n; /* m <= n */
	float *gram, *poly;
	elem *x, *next, *narrow, *pack;
};

static size_t core_orthogonalise_bytes(int rows, int columns)
{
	size_t m = (size_t)(rows < columns ? rows : columns),
	       n = (size_t)(rows < columns ? columns : rows);
	return 2 * m * m * sizeof(float) + (3 * m * n + m * m + 64 * n + 4096) * sizeof(elem) +
	       1024;
}

static struct muon muon_of(int rows, int columns, void *scratch)
{
	struct muon u = {.m = rows < columns ? rows : columns,
			 .n = rows < columns ? columns : rows};
	size_t mn = (size_t)u.m * (size_t)u.n, mm = (size_t)u.m * (size_t)u.m;
	u.gram = scratch;
	u.poly = u.gram + mm;
	u.x = (elem *)(u.poly + mm);
	u.next = u.x + mn;
	u.narrow = u.next + mn;
	u.pack = u.narrow + mm;
	return u;
}

/* x = (a I + b G + c G G) x, where G = x x^T. */
static void muon_step(struct muon *u)
{
	const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
	const int m = u->m, n = u->n;
	const size_t mm = (size_t)m * (size_t)m;
	gemm_pack_nk(u->pack, u->x, (size_t)n, m, n);
	gemm(&(struct gemm_call){.m = m,
				 .n = m,
				 .k = n,
				 .kb = n,
				 .a = u->x,
				 .lda = (size_t)n,
				 .b = u->pack,
				 .c = u->gram,
				 .ldc = (size_t)m});
	gemm_convert(u->narrow, u->gram, mm);
	gemm_pack_kn(u->pack, u->narrow, (size_t)m, m, m);
	gemm(&(struct gemm_call){.m = m,
				 .n = m,
				 .k = m,
				 .kb = m,
				 .a = u->narrow,
				 .lda = (size_t)m,
				 .b = u->pack,
				 .c = u->poly,
				 .ldc = (size_t)m});
#pragma omp simd
	for (size_t i = 0; i < mm; i++)
		u->poly[i] = b * u->gram[i] + c * u->poly[i];
	for (size_t i = 0; i < (size_t)m; i++)
		u->poly[i * (size_t)m + i] += a;
	gemm_convert(u->narrow, u->poly, mm);
	gemm_pack_kn(u->pack, u->x, (size_t)n, m, n);
	gemm(&(struct gemm_call){.m = m,
				 .n = n,
				 .k = m,
				 .kb = m,
				 .a = u->narrow,
				 .lda = (size_t)m,
				 .b = u->pack,
				 .out = u->next,
				 .ldc = (size_t)n});
	elem *x = u->x;
	u->x = u->next;
	u->next = x;
}

/* u's x from f * x, or back: 32 rows by 32 columns at a time, so that both orders stay in L1. */
static void muon_copy(const struct muon *u, float *x, bool turned, float f, bool back)
{
	const size_t m = (size_t)u->m, n = (size_t)u->n;
	const size_t row = turned ? 1 : n, column = turned ? m : 1;
	for (size_t i0 = 0; i0 < m; i0 += 32)
		for (size_t j0 = 0; j0 < n; j0 += 32)
			for (size_t i = i0; i < i0 + 32; i++)
				for (size_t j = j0; j < j0 + 32; j++) {
					elem *e = u->x + i * n + j;
					float *v = x + i * row + j * column;
					if (back)
						*v = elem_f32(*e);
					else
						*e = elem_of(f * *v);
				}
}

static void core_orthogonalise(float *x, int rows, int columns, int steps, void *scratch)
{
	struct muon u = muon_of(rows, columns, scratch);
	const size_t count = (size_t)rows * (size_t)columns;
	double sum = 0;
	for (size_t i = 0; i < count; i += 32) {
		float part = 0;
#pragma omp simd reduction(+ : part)
		for (size_t j = 0; j < 32; j++)
			part += x[i + j] * x[i + j];
		sum += (double)part;
	}
	const float f = 1.f / ((float)sqrt(sum) + 1e-12f);
	muon_copy(&u, x, rows > columns, f, false);
	gemm_begin();
	for (int i = 0; i < steps; i++)
		muon_step(&u);
	gemm_end();
	muon_copy(&u, x, rows > columns, 1, true);
}
