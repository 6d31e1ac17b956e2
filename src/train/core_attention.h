/* Causal attention of one head of one sample, forward and backward, 32 rows at a time. The backward pass makes the
 * probabilities again: that is quicker than bringing them back from memory. Rows past the sample's end are read (they are finite) and meet zeros. Included by core.c. */

struct head {
	int length, padded, width; /* padded: length rounded up to 32 */
	const elem *q, *k, *v;     /* rows of ld */
	size_t ld;
};

/* Probabilities of the rows [m, m + 32): zero past the sample's end, above the diagonal's blocks undefined. t->pack1
 * is k. */
static void probabilities(struct train_work *t, const struct head *h, int m, elem *p)
{
	const float scale = 1.f / sqrtf((float)h->width);
	const int n = h->padded, rows = h->length - m < 32 ? h->length - m : 32, seen = m + 32;
	gemm(&(struct gemm_call){.m = 32,
				 .n = seen,
				 .k = h->width,
				 .kb = h->width,
				 .a = h->q + (size_t)m * h->ld,
				 .lda = h->ld,
				 .b = t->pack1,
				 .c = t->scores,
				 .ldc = (size_t)n});
	for (int i = 0; i < rows; i++)
		attend_row(p + (size_t)i * t->ldp, t->scores + i * n, m + i + 1, seen, scale);
	for (int i = rows; i < 32; i++)
		memset(p + (size_t)i * t->ldp, 0, (size_t)seen * sizeof(elem));
}

/* out: rows of ldo. */
static void attend(struct train_work *t, const struct head *h, elem *out, size_t ldo)
{
	const int n = h->padded, w = h->width;
	gemm_pack_nk(t->pack1, h->k, h->ld, n, w);
	gemm_pack_kn(t->pack2, h->v, h->ld, n, w);
	for (int m = 0; m < h->length; m += 32) {
		probabilities(t, h, m, t->scores_out);
		gemm(&(struct gemm_call){.m = h->length - m < 32 ? h->length - m : 32,
					 .n = w,
					 .k = m + 32,
					 .kb = n,
					 .a = t->scores_out,
					 .lda = t->ldp,
					 .b = t->pack2,
					 .out = out + (size_t)m * ldo,
					 .ldc = ldo});
	}
}

/* at [padded][ldt] = x^T for the blocks on and below x's diagonal. */
static void transpose_lower(elem *at, size_t ldt, const elem *x, size_t ld, int padded)
{
	for (int m = 0; m < padded; m += 32)
		gemm_transpose(at + m, ldt, x + (size_t)m * ld, ld, 32, m + 32);
}

/* Rows j of out = sum over i >= j of at[j][i] b[i]. */
static void upper_product(const struct head *h, const elem *at, size_t ldt, const elem *b,
			  elem *out, size_t ldo)
{
	for (int m = 0; m < h->length; m += 32)
		gemm(&(struct gemm_call){.m = h->length - m < 32 ? h->length - m : 32,
					 .n = h->width,
					 .k_begin = m,
					 .k = h->padded,
					 .kb = h->padded,
					 .a = at + (size_t)m * ldt,
					 .lda = ldt,
					 .b = b,
					 .out = out + (size_t)m * ldo,
					 .ldc = ldo});
}

/* From dout (rows of ldo) the gradients of q, k, v (rows of ldd). */
static void attend_back(struct train_work *t, const struct head *h, const elem *dout, size_t ldo,
			elem *dq, elem *dk, elem *dv, size_t ldd)
{
	const float scale = 1.f / sqrtf((float)h->width);
	const int n = h->padded, w = h->width;
	const size_t ldp = t->ldp;
	gemm_pack_nk(t->pack1, h->k, h->ld, n, w);
	gemm_pack_nk(t->pack3, h->v, h->ld, n, w);
	gemm_pack_kn(t->pack2, h->k, h->ld, n, w);
	for (int m = 0; m < h->length; m += 32) {
		int rows = h->length - m < 32 ? h->length - m : 32, seen = m + 32;
		elem *ds = t->dscores + (size_t)m * ldp, *p = t->scores_out + (size_t)m * ldp;
		probabilities(t, h, m, p);
		gemm(&(struct gemm_call){.m = 32,
					 .n = seen,
					 .k = w,
					 .kb = w,
					 .a = dout + (size_t)m * ldo,
					 .lda = ldo,
					 .b = t->pack3,
					 .c = t->scores,
					 .ldc = (size_t)n});
		for (int i = 0; i < rows; i++)
			attend_back_row(ds + (size_t)i * ldp, t->scores + i * n,
					p + (size_t)i * ldp, seen, scale);
		for (int i = rows; i < 32; i++)
			memset(ds + (size_t)i * ldp, 0, (size_t)seen * sizeof(elem));
		gemm(&(struct gemm_call){.m = rows,
					 .n = w,
					 .k = seen,
					 .kb = n,
					 .a = ds,
					 .lda = ldp,
					 .b = t->pack2,
					 .out = dq + (size_t)m * ldd,
					 .ldc = ldd});
	}
	transpose_lower(t->turned, ldp, t->dscores, ldp, n);
	gemm_pack_kn(t->pack1, h->q, h->ld, n, w);
	upper_product(h, t->turned, ldp, t->pack1, dk, ldd);
	transpose_lower(t->turned, ldp, t->scores_out, ldp, n);
	gemm_pack_kn(t->pack2, dout, ldo, n, w);
	upper_product(h, t->turned, ldp, t->pack2, dv, ldd);
}
