/* The head and the loss. Logits are made for a part of the codes at a time, so that the part's weights stay in L2
 * while all rows pass. Each part is kept as exponentials below the row's own top in that part; once the whole row's
 * sum is known, a factor for each row and part turns them into gradients. Included by core.c only. */

static int target_row(const struct train_shape *s, const struct train_batch *b, int row)
{
	int sample = row / s->grid_tokens, at = row % s->grid_tokens;
	return b->start[sample] + b->length[sample] - s->grid_tokens + at;
}

static int strip_rows(int total, int first)
{
	return total - first < 32 ? total - first : 32;
}

static void head_forward(struct train_work *t, const struct train_packed *p, const float *w,
			 const struct train_batch *b)
{
	const struct train_shape *s = &t->s;
	const int n = b->samples * s->grid_tokens, blocks = up32(n) / 32;
	for (int m = 0; m < n; m += 32) {
		const int rows = strip_rows(n, m);
		float *out = t->proj_out + (size_t)m * t->ldx;
		elem *gelu = t->gelu + (size_t)m * t->lda;
		for (int i = 0; i < rows; i++) {
			const float *x = t->x + (size_t)target_row(s, b, m + i) * t->ldx;
			norm_row(t->strip + (size_t)i * t->lda, t->plain + (size_t)i * t->lda, x,
				 w + s->norm, t->factor + m + i, s->d, s->eps);
		}
		clear_rows(t->plain, t->lda, rows);
		keep(t->kept_final, blocks, m / 32, t->plain, t->lda, s->d);
		forward_product(p->proj, t->strip, t->lda, rows,
				(struct out){.c = out, .ld = t->ldx});
		for (int i = 0; i < rows; i++) {
			add_row(out + (size_t)i * t->ldx, w + s->proj_b, s->d);
			gelu_row(gelu + (size_t)i * t->lda, out + (size_t)i * t->ldx, s->d);
		}
		clear_rows(gelu, t->lda, rows);
		keep(t->kept_gelu, blocks, m / 32, gelu, t->lda, s->d);
	}
}

/* The part [c, end) of the codes, for all rows: logits, and their exponentials. */
static void head_part(struct train_work *t, const struct matrix *head, const float *bias,
		      const struct train_batch *b, int c, int end)
{
	const int n = b->samples * t->s.grid_tokens, part = c / HEAD_CODES;
	for (int m = 0; m < n; m += 32) {
		const int rows = strip_rows(n, m);
		forward_product(head, t->gelu + (size_t)m * t->lda, t->lda, rows,
				(struct out){.c = t->logits, .ld = HEAD_CODES, .n = {c, end}});
		for (int i = 0; i < rows; i++) {
			float *z = t->logits + (size_t)i * HEAD_CODES;
			const int target = b->target[m + i];
			struct head_part *h = &t->parts[(size_t)(m + i) * t->part_count + part];
			if (target >= c && target < end)
				t->target_logit[m + i] = z[target - c] + bias[target];
			h->top = exp_row(t->dlogits + (size_t)(m + i) * t->ldcodes + c, z, bias + c,
					 end - c, &h->sum);
		}
	}
}

/* The row's parts together: its cross entropy; the factors of its parts. */
static double head_row(struct train_work *t, const struct train_batch *b, int row)
{
	struct head_part *h = t->parts + (size_t)row * t->part_count;
	float top = h[0].top;
	double sum = 0;
	for (size_t i = 1; i < t->part_count; i++)
		top = h[i].top > top ? h[i].top : top;
	for (size_t i = 0; i < t->part_count; i++)
		sum += (double)h[i].sum * exp((double)h[i].top - (double)top);
	for (size_t i = 0; i < t->part_count; i++)
		h[i].top = (float)((double)b->scale * exp((double)h[i].top - (double)top) / sum);
	const double z = (double)t->target_logit[row] - (double)top;
	t->target_gradient[row] = (float)((double)b->scale * (exp(z) / sum - 1));
	return log(sum) - z;
}

static void head_loss(struct train_work *t, const struct train_packed *p, const float *w,
		      const struct train_batch *b, double *loss)
{
	const struct train_shape *s = &t->s;
	const int n = b->samples * s->grid_tokens;
	for (int c = 0; c < s->codes; c += HEAD_CODES)
		head_part(t, p->head, w + s->head_b, b, c,
			  c + HEAD_CODES < s->codes ? c + HEAD_CODES : s->codes);
	for (int i = 0; i < b->samples; i++)
		loss[i] = 0;
	for (int i = 0; i < n; i++)
		loss[i / s->grid_tokens] += head_row(t, b, i) / s->grid_tokens;
}

/* Gradients of a part's logits, in place; what they give to the head and, summed over the parts, to t->dproj. */
static void head_part_back(struct train_work *t, const struct matrix *head, float *bias,
			   const struct train_batch *b, int c, int end, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d, part = (size_t)(c / HEAD_CODES);
	const int n = b->samples * s->grid_tokens, blocks = up32(n) / 32;
	for (int m = 0; m < n; m += 32) {
		const int rows = strip_rows(n, m);
		elem *strip = t->dlogits + (size_t)m * t->ldcodes;
		float *out = t->dproj + (size_t)m * t->ldx;
		for (int i = 0; i < rows; i++) {
			elem *dz = strip + (size_t)i * t->ldcodes;
			const int target = b->target[m + i];
			scale_row(dz + c, t->parts[(size_t)(m + i) * t->part_count + part].top,
				  end - c);
			if (target >= c && target < end)
				dz[target] = elem_of(t->target_gradient[m + i]);
			add_elem_row(bias + c, dz + c, end - c);
		}
		/* Rows past the last are zero since they were made. */
		keep_turned(t->turned_logits, blocks, m / 32, strip + c, t->ldcodes, up32(end - c));
		back_product(
		    head, strip, t->ldcodes, rows,
		    (struct out){.c = out, .ld = t->ldx, .add = c ? out : NULL, .n = {c, end}});
	}
	weight_gradient(t, g + head->offset + (size_t)c * d, (size_t)(end - c), d,
			(struct gradient){t->turned_logits, t->kept_gelu, NULL, blocks});
}

/* Leaves the gradient behind the last layer in t->x. */
static void head_back(struct train_work *t, const struct train_packed *p, const float *w,
		      const struct train_batch *b, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int n = b->samples * s->grid_tokens, blocks = up32(n) / 32;
	clear_rows(t->dlogits + (size_t)(n & ~31) * t->ldcodes, t->ldcodes, n % 32 ? n % 32 : 32);
	for (int c = 0; c < s->codes; c += HEAD_CODES)
		head_part_back(t, p->head, g + s->head_b, b, c,
			       c + HEAD_CODES < s->codes ? c + HEAD_CODES : s->codes, g);
	memset(t->x, 0, (size_t)b->tokens * t->ldx * sizeof(float));
	for (int m = 0; m < n; m += 32) {
		const int rows = strip_rows(n, m);
		for (int i = 0; i < rows; i++) {
			float *dp = t->dproj + (size_t)(m + i) * t->ldx;
			gelu_back_row(dp, t->proj_out + (size_t)(m + i) * t->ldx, s->d);
			add_row(g + s->proj_b, dp, s->d);
			gemm_convert(t->strip + (size_t)i * t->lda, dp, d);
		}
		clear_rows(t->strip, t->lda, rows);
		keep_turned(t->turned_o, blocks, m / 32, t->strip, t->lda, s->d);
		back_product(p->proj, t->strip, t->lda, rows,
			     (struct out){.c = t->dh, .ld = t->ldx});
		kept_strip(t->plain, t->lda, t->kept_final, blocks, m / 32, s->d);
		for (int i = 0; i < rows; i++)
			norm_back_row(t->x + (size_t)target_row(s, b, m + i) * t->ldx, g + s->norm,
				      t->dh + (size_t)i * t->ldx, t->plain + (size_t)i * t->lda,
				      w + s->norm, t->factor[m + i], s->d);
	}
	matrix_gradient(t, p->proj,
			(struct gradient){t->turned_o, t->kept_final, w + s->norm, blocks}, g);
}
