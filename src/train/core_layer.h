/* One layer, forward and backward, for a group of samples: what is done row by row is done for a strip of 32 rows as
 * soon as its product has left them, in L1. Included by core.c only. */

/* Some samples that pass through a layer together. */
struct group {
	int first, last; /* samples */
	size_t row;      /* their first token */
	int rows, blocks;
	size_t block; /* of their first strip among what is kept */
};

/* 32 rows of a group or the rest of them. */
struct strip {
	size_t row;              /* its first token */
	int rows, block, blocks; /* of the group */
};

/* The group that begins with sample `first`; no rows: there is none. */
static struct group group_at(const struct train_batch *b, int first, size_t block)
{
	struct group r = {.first = first, .last = first, .block = block};
	if (first < b->samples)
		r.row = (size_t)b->start[first];
	while (r.last < b->samples &&
	       (r.last == first || r.rows + b->length[r.last] <= GROUP_TOKENS))
		r.rows += b->length[r.last++];
	r.blocks = up32(r.rows) / 32;
	return r;
}

static struct group group_next(const struct train_batch *b, struct group r)
{
	return group_at(b, r.last, r.block + (size_t)r.blocks);
}

static struct strip strip_at(struct group r, int i)
{
	return (struct strip){.row = r.row + (size_t)i,
			      .rows = r.rows - i < 32 ? r.rows - i : 32,
			      .block = i / 32,
			      .blocks = r.blocks};
}

/* The group's part of what is kept of `columns` columns. */
static elem *kept_of(elem *kept, struct group r, int columns)
{
	return kept + r.block * 32 * (size_t)columns;
}

/* Whether the sample is whole once the group's first `rows` rows are there. */
static bool sample_ready(const struct train_batch *b, struct group r, int sample, int rows)
{
	return sample < r.last &&
	       (size_t)b->start[sample] + (size_t)b->length[sample] <= r.row + (size_t)rows;
}

static struct head head_of(const struct train_work *t, const elem *qkv, const struct train_batch *b,
			   int sample, int head)
{
	const elem *q = qkv + head * t->s.head_dim;
	return (struct head){
	    .length = b->length[sample],
	    .padded = up32(b->length[sample]),
	    .width = t->s.head_dim,
	    .q = q,
	    .k = q + t->s.d,
	    .v = q + 2 * t->s.d,
	    .ld = t->ldqkv,
	};
}

/* Queries and keys of rows of qkv (the strip's first row is there). */
static void rotate(const struct train_work *t, elem *qkv, struct strip r, float sign)
{
	const int w = t->s.head_dim, half = w / 2;
	for (int i = 0; i < r.rows; i++) {
		const int at = t->position[r.row + (size_t)i] * half;
		for (int h = 0; h < 2 * t->s.heads; h++)
			rotate_row(qkv + (size_t)i * t->ldqkv + h * w, t->cosine + at, t->sine + at,
				   half, sign);
	}
}

/* Normalises into h, and keeps it. */
static void norm_strip(struct train_work *t, elem *h, elem *kept, const float *w, float *factor,
		       struct strip r)
{
	const struct train_shape *s = &t->s;
	for (int i = 0; i < r.rows; i++)
		norm_row(h + (size_t)i * t->lda, t->plain + (size_t)i * t->lda,
			 t->x + (r.row + (size_t)i) * t->ldx, w, factor + r.row + (size_t)i, s->d,
			 s->eps);
	clear_rows(t->plain, t->lda, r.rows);
	keep(kept, r.blocks, r.block, t->plain, t->lda, s->d);
}

static void attend_sample(struct train_work *t, const struct train_batch *b, int sample, size_t row)
{
	const size_t at = (size_t)b->start[sample] - row;
	for (int h = 0; h < t->s.heads; h++) {
		struct head head = head_of(t, t->qkv + at * t->ldqkv, b, sample, h);
		attend(t, &head, t->attended + at * t->lda + h * t->s.head_dim, t->lda);
	}
}

/* Queries, keys and values of a strip; each sample attends as soon as all of its rows are there. */
static void attention_forward(struct train_work *t, const struct matrix *m, const float *norm,
			      const struct train_batch *b, struct saved *y, struct group r)
{
	const int d = t->s.d;
	int sample = r.first;
	for (int i = 0; i < r.rows; i += 32) {
		const struct strip u = strip_at(r, i);
		elem *qkv = t->qkv + (size_t)i * t->ldqkv;
		norm_strip(t, t->strip, kept_of(y->x1, r, d), norm, y->factor1, u);
		forward_product(m, t->strip, t->lda, u.rows,
				(struct out){.e = qkv, .ld = t->ldqkv});
		rotate(t, qkv, u, 1);
		gemm_put_away(y->qkv + u.row * t->ldqkv, qkv, (size_t)u.rows * t->ldqkv);
		for (; sample_ready(b, r, sample, i + u.rows); sample++)
			attend_sample(t, b, sample, r.row);
	}
}

/* A part of the gates. */
struct gates {
	struct range gate, up; /* among the rows of their matrix */
	size_t n;
	elem *saved; /* of the group: for each strip 32 rows of n gates and n values */
};

/* The part that begins at f. */
static struct gates gates_at(const struct train_shape *s, const struct saved *y, struct group r,
			     int f)
{
	const int part = part_of(s->f, 3 * (size_t)s->d * sizeof(elem), PART_BYTES);
	const int end = f + part < s->f ? f + part : s->f;
	return (struct gates){
	    .gate = {f, end},
	    .up = {s->f + f, s->f + end},
	    .n = (size_t)(end - f),
	    .saved = kept_of(y->gate_up, r, 2 * s->f) + (size_t)(64 * f) * (size_t)r.blocks,
	};
}

/* A part of the gates for a strip, and what it adds to the residual stream. */
static void gate_forward(struct train_work *t, const struct matrix *m, struct strip r,
			 struct gates v)
{
	const elem *x = t->normal + (size_t)r.block * 32 * t->lda;
	elem *gate = t->gate_up, *up = t->gate_up + v.n;
	float *to = t->x + r.row * t->ldx;
	forward_product(&m[GATE_UP], x, t->lda, r.rows,
			(struct out){.e = gate, .ld = 2 * v.n, .n = v.gate});
	forward_product(&m[GATE_UP], x, t->lda, r.rows,
			(struct out){.e = up, .ld = 2 * v.n, .n = v.up});
	for (int i = 0; i < r.rows; i++) {
		const size_t at = (size_t)i * 2 * v.n;
		gate_row(t->wide + (size_t)i * t->ldf + v.gate.begin, gate + at, up + at, (int)v.n);
	}
	gemm_put_away(v.saved + (size_t)r.block * 64 * v.n, gate, (size_t)r.rows * 2 * v.n);
	forward_product(&m[DOWN], t->wide, t->ldf, r.rows,
			(struct out){.c = to, .ld = t->ldx, .add = to, .k = v.gate});
}

static void layer_forward(struct train_work *t, const struct train_packed *p, const float *w,
			  const struct train_batch *b, int index, struct group r)
{
	const struct train_shape *s = &t->s;
	const struct train_layer *l = &s->layer[index];
	const struct matrix *m = p->matrices + index * PER_LAYER;
	struct saved *y = &t->layer[index];
	attention_forward(t, &m[QKV], w + l->norm1, b, y, r);
	for (int i = 0; i < r.rows; i += 32) {
		const struct strip u = strip_at(r, i);
		elem *attended = t->attended + (size_t)i * t->lda;
		float *x = t->x + u.row * t->ldx;
		clear_rows(attended, t->lda, u.rows);
		keep(kept_of(y->attended, r, s->d), r.blocks, u.block, attended, t->lda, s->d);
		forward_product(&m[O], attended, t->lda, u.rows,
				(struct out){.c = x, .ld = t->ldx, .add = x});
		norm_strip(t, t->normal + (size_t)i * t->lda, kept_of(y->x2, r, s->d), w + l->norm2,
			   y->factor2, u);
	}
	for (struct gates v = gates_at(s, y, r, 0); v.n; v = gates_at(s, y, r, v.gate.end))
		for (int i = 0; i < r.rows; i += 32)
			gate_forward(t, m, strip_at(r, i), v);
}

/* The strip's gradient as elements, and kept. */
static void narrow_strip(struct train_work *t, elem *to, elem *kept, struct strip r)
{
	const size_t d = (size_t)t->s.d;
	for (int i = 0; i < r.rows; i++)
		gemm_convert(to + (size_t)i * t->lda, t->x + (r.row + (size_t)i) * t->ldx, d);
	clear_rows(to, t->lda, r.rows);
	keep_turned(kept, r.blocks, r.block, to, t->lda, t->s.d);
}

/* t->x += the norm's backward of dh. */
static void norm_back(struct train_work *t, const float *dh, float *dw, const elem *kept,
		      const float *w, const float *factor, struct strip r)
{
	kept_strip(t->plain, t->lda, kept, r.blocks, r.block, t->s.d);
	for (int i = 0; i < r.rows; i++)
		norm_back_row(t->x + (r.row + (size_t)i) * t->ldx, dw, dh + (size_t)i * t->ldx,
			      t->plain + (size_t)i * t->lda, w, factor[r.row + (size_t)i], t->s.d);
}

/* The gradient of a part of the gates, and what it adds to that of their input. */
static void gate_back(struct train_work *t, const struct matrix *m, struct strip r, struct gates v)
{
	const size_t blocks = (size_t)r.blocks, strip = 64 * v.n;
	const elem *saved = v.saved + (size_t)r.block * strip;
	elem *gate = t->gate_up + v.gate.begin, *up = t->gate_up + v.up.begin;
	float *dh = t->dh + (size_t)r.block * 32 * t->ldx;
	back_product(&m[DOWN], t->normal + (size_t)r.block * 32 * t->lda, t->lda, r.rows,
		     (struct out){.e = t->wide, .ld = t->ldf, .k = v.gate});
	for (int i = 0; i < r.rows; i++) {
		const size_t at = (size_t)i * t->ldgu;
		const elem *from = saved + (size_t)i * 2 * v.n;
		gate_back_row(gate + at, up + at, t->wide2 + (size_t)i * t->ldf,
			      t->wide + (size_t)i * t->ldf, from, from + v.n, (int)v.n);
	}
	clear_rows(t->wide2, t->ldf, r.rows);
	clear_rows(t->gate_up, t->ldgu, r.rows);
	keep(t->kept_act + (size_t)v.gate.begin * blocks * 32, r.blocks, r.block, t->wide2, t->ldf,
	     (int)v.n);
	keep_turned(t->turned_gate_up + (size_t)v.gate.begin * blocks * 32, r.blocks, r.block, gate,
		    t->ldgu, (int)v.n);
	keep_turned(t->turned_gate_up + (size_t)v.up.begin * blocks * 32, r.blocks, r.block, up,
		    t->ldgu, (int)v.n);
	back_product(&m[GATE_UP], t->gate_up, t->ldgu, r.rows,
		     (struct out){.c = dh,
				  .ld = t->ldx,
				  .add = v.gate.begin ? dh : NULL,
				  .n = v.gate,
				  .fetch = {saved + strip, strip * sizeof(elem)}});
	back_product(&m[GATE_UP], t->gate_up, t->ldgu, r.rows,
		     (struct out){.c = dh, .ld = t->ldx, .add = dh, .n = v.up});
}

static void attend_back_sample(struct train_work *t, const struct train_batch *b,
			       const struct saved *y, int sample, size_t row)
{
	const size_t d = (size_t)t->s.d, at = (size_t)b->start[sample] - row;
	for (int h = 0; h < t->s.heads; h++) {
		struct head head =
		    head_of(t, y->qkv + (size_t)b->start[sample] * t->ldqkv, b, sample, h);
		elem *to = t->qkv + at * t->ldqkv + h * t->s.head_dim;
		attend_back(t, &head, t->attended + at * t->lda + h * t->s.head_dim, t->lda, to,
			    to + d, to + 2 * d, t->ldqkv);
	}
}

/* The gradient before the queries, keys and values, sample by sample; strips follow as soon as they are whole. */
static void attention_back(struct train_work *t, const struct matrix *m, const float *norm,
			   const struct train_batch *b, const struct saved *y, struct group r,
			   float *norm_gradient)
{
	int sample = r.first;
	for (int i = 0; i < r.rows; i += 32) {
		const struct strip u = strip_at(r, i);
		elem *dqkv = t->qkv + (size_t)i * t->ldqkv;
		for (; sample < r.last && (size_t)b->start[sample] < u.row + (size_t)u.rows;
		     sample++)
			attend_back_sample(t, b, y, sample, r.row);
		rotate(t, dqkv, u, -1);
		clear_rows(dqkv, t->ldqkv, u.rows);
		keep_turned(t->turned_qkv, u.blocks, u.block, dqkv, t->ldqkv, 3 * t->s.d);
		back_product(m, dqkv, t->ldqkv, u.rows, (struct out){.c = t->dh, .ld = t->ldx});
		norm_back(t, t->dh, norm_gradient, kept_of(y->x1, r, t->s.d), norm, y->factor1, u);
	}
}

/* t->x: the group's gradient behind the layer becomes the one before it. */
static void layer_back(struct train_work *t, const struct train_packed *p, const float *w,
		       const struct train_batch *b, int index, struct group r, float *g)
{
	const struct train_shape *s = &t->s;
	const struct train_layer *l = &s->layer[index];
	const struct matrix *m = p->matrices + index * PER_LAYER;
	const struct saved *y = &t->layer[index];
	elem *x1 = kept_of(y->x1, r, s->d), *x2 = kept_of(y->x2, r, s->d);
	for (int i = 0; i < r.rows; i += 32)
		narrow_strip(t, t->normal + (size_t)i * t->lda, t->turned_down, strip_at(r, i));
	for (struct gates v = gates_at(s, y, r, 0); v.n; v = gates_at(s, y, r, v.gate.end))
		for (int i = 0; i < r.rows; i += 32)
			gate_back(t, m, strip_at(r, i), v);
	for (int i = 0; i < r.rows; i += 32) {
		const struct strip u = strip_at(r, i);
		norm_back(t, t->dh + (size_t)i * t->ldx, g + l->norm2, x2, w + l->norm2, y->factor2,
			  u);
		narrow_strip(t, t->strip, t->turned_o, u);
		back_product(&m[O], t->strip, t->lda, u.rows,
			     (struct out){.e = t->attended + (size_t)i * t->lda, .ld = t->lda});
	}
	attention_back(t, &m[QKV], w + l->norm1, b, y, r, g + l->norm1);
	matrix_gradient(t, &m[DOWN], (struct gradient){t->turned_down, t->kept_act, NULL, r.blocks},
			g);
	matrix_gradient(t, &m[GATE_UP],
			(struct gradient){t->turned_gate_up, x2, w + l->norm2, r.blocks}, g);
	matrix_gradient(
	    t, &m[O], (struct gradient){t->turned_o, kept_of(y->attended, r, s->d), NULL, r.blocks},
	    g);
	matrix_gradient(t, &m[QKV], (struct gradient){t->turned_qkv, x1, w + l->norm1, r.blocks},
			g);
}
