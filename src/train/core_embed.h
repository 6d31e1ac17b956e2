/* What goes in: embeddings of words, and of picture tokens through the aligner. Included by core.c only. */

/* fc1's output for one image token. fc1 is [embed][d]. */
static void fc1_row(const struct train_work *t, const float *w, int code, float *out)
{
	const struct train_shape *s = &t->s;
	const float *from = w + s->generation_embeddings + (size_t)code * (size_t)s->embed;
	memcpy(out, w + s->fc1_b, (size_t)s->d * sizeof(float));
	for (int j = 0; j < s->embed; j++) {
		const float v = from[j], *row = t->fc1 + (size_t)j * (size_t)s->d;
#pragma omp simd
		for (int i = 0; i < s->d; i++)
			out[i] += v * row[i];
	}
}

static void turn_fc1(struct train_work *t, const float *w)
{
	const struct train_shape *s = &t->s;
	for (int j = 0; j < s->embed; j++)
		for (int i = 0; i < s->d; i++)
			t->fc1[(size_t)j * (size_t)s->d + (size_t)i] =
			    w[s->fc1_w + (size_t)i * (size_t)s->embed + (size_t)j];
}

/* 32 image tokens or the rest of them, from the one numbered `first`. */
static void align_strip(struct train_work *t, const struct train_packed *p, const float *w,
			const struct train_batch *b, int first)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int rows = t->image_count - first < 32 ? t->image_count - first : 32;
	const int *at = t->image_row + first;
	for (int i = 0; i < rows; i++) {
		float *out = t->fc1_out + (size_t)(first + i) * d;
		fc1_row(t, w, b->id[at[i]], out);
		gelu_row(t->strip + (size_t)i * t->lda, out, s->d);
	}
	clear_rows(t->strip, t->lda, rows);
	keep(t->kept_aligned, up32(t->image_count) / 32, first / 32, t->strip, t->lda, s->d);
	forward_product(p->hidden, t->strip, t->lda, rows, (struct out){.c = t->dh, .ld = t->ldx});
	for (int i = 0; i < rows; i++) {
		float *to = t->x + (size_t)at[i] * t->ldx;
		memcpy(to, t->dh + (size_t)i * t->ldx, d * sizeof(float));
		add_row(to, w + s->hidden_b, s->d);
		add_row(to, w + s->place + (size_t)b->place[at[i]] * d, s->d);
	}
}

static void embed(struct train_work *t, const struct train_packed *p, const float *w,
		  const struct train_batch *b)
{
	const size_t d = (size_t)t->s.d;
	turn_fc1(t, w);
	t->image_count = 0;
	for (int i = 0; i < b->tokens; i++)
		if (b->place[i] >= 0)
			t->image_row[t->image_count++] = i;
		else
			memcpy(t->x + (size_t)i * t->ldx,
			       w + t->s.embed_tokens + (size_t)b->id[i] * d, d * sizeof(float));
	for (int i = 0; i < t->image_count; i += 32)
		align_strip(t, p, w, b, i);
}

/* The gradient of fc1's output for one image token goes to its embedding and to fc1. */
static void fc1_back_row(struct train_work *t, const float *w, int code, const float *dy, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t at = s->generation_embeddings + (size_t)code * (size_t)s->embed;
	for (int j = 0; j < s->embed; j++) {
		const float v = w[at + (size_t)j], *row = t->fc1 + (size_t)j * (size_t)s->d;
		float *to = t->fc1_gradient + (size_t)j * (size_t)s->d, dot = 0;
#pragma omp simd reduction(+ : dot)
		for (int k = 0; k < s->d; k++) {
			dot += dy[k] * row[k];
			to[k] += v * dy[k];
		}
		g[at + (size_t)j] += dot;
	}
}

static void align_back_strip(struct train_work *t, const struct train_packed *p, const float *w,
			     const struct train_batch *b, int first, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int rows = t->image_count - first < 32 ? t->image_count - first : 32;
	const int *at = t->image_row + first;
	for (int i = 0; i < rows; i++) {
		const float *row = t->x + (size_t)at[i] * t->ldx;
		add_row(g + s->hidden_b, row, s->d);
		add_row(g + s->place + (size_t)b->place[at[i]] * d, row, s->d);
		gemm_convert(t->strip + (size_t)i * t->lda, row, d);
	}
	clear_rows(t->strip, t->lda, rows);
	keep_turned(t->turned_o, up32(t->image_count) / 32, first / 32, t->strip, t->lda, s->d);
	back_product(p->hidden, t->strip, t->lda, rows, (struct out){.c = t->dh, .ld = t->ldx});
	for (int i = 0; i < rows; i++) {
		float *dy = t->dh + (size_t)i * t->ldx;
		gelu_back_row(dy, t->fc1_out + (size_t)(first + i) * d, s->d);
		add_row(g + s->fc1_b, dy, s->d);
		fc1_back_row(t, w, b->id[at[i]], dy, g);
	}
}

/* t->x: the gradient of the input embeddings. */
static void embed_back(struct train_work *t, const struct train_packed *p, const float *w,
		       const struct train_batch *b, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	for (int i = 0; i < b->tokens; i++)
		if (b->place[i] < 0)
			add_row(g + s->embed_tokens + (size_t)b->id[i] * d,
				t->x + (size_t)i * t->ldx, s->d);
	memset(t->fc1_gradient, 0, d * (size_t)s->embed * sizeof(float));
	for (int i = 0; i < t->image_count; i += 32)
		align_back_strip(t, p, w, b, i, g);
	matrix_gradient(
	    t, p->hidden,
	    (struct gradient){t->turned_o, t->kept_aligned, NULL, up32(t->image_count) / 32}, g);
	for (int j = 0; j < s->embed; j++)
		for (int i = 0; i < s->d; i++)
			g[s->fc1_w + (size_t)i * (size_t)s->embed + (size_t)j] +=
			    t->fc1_gradient[(size_t)j * d + (size_t)i];
}
