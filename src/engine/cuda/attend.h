/* Attention over a cache on the card: a block has one row and one head of keys and values, with every query head of
 * its group. `remember` turns keys and puts them into the cache, for passes with several rows of a stream; where
 * each row is a stream of its own, `attend` does it on its way.
 *
 * Positions are gone through in spans, whose weights are put right when a larger score comes (as is usual): first
 * a thread takes a whole key, then a thread takes 16 bytes of every value of its stripe. */
#ifndef MADANG_ENGINE_CUDA_ATTEND_H
#define MADANG_ENGINE_CUDA_ATTEND_H

#include "engine/cuda/shim.h"

#define HEAD_DIM_MAX 256
#define SPAN         1024 /* positions */
#define MIXED        2048 /* floats: what the stripes of a block have mixed */

/* One head's part of one stream's cache. */
struct head_view {
	uint8_t *keys, *values;
	size_t capacity;
};

CARD_INLINE struct head_view view_of(const struct card_attend *a, const struct card_row *row,
				     int kv)
{
	const size_t bytes =
	    (size_t)row->capacity * (size_t)a->head_dim * (size_t)(a->wide ? 4 : 2);
	struct head_view view;
	view.keys = row->cache + (size_t)(a->layer * a->kv_heads + kv) * 2 * bytes;
	view.values = view.keys + bytes;
	view.capacity = (size_t)row->capacity;
	return view;
}

/* 16 bytes of a cache as floats; returns how many. */
CARD_INLINE int read_piece(const uint8_t *from, int wide, float *to)
{
	uint32_t quad[4];
	read_quad(from, quad);
	UNROLL
	for (int i = 0; i < 4; i++) {
		if (wide) {
			to[i] = float_of(quad[i]);
		} else {
			to[2 * i] = float_of(quad[i] << 16);
			to[2 * i + 1] = float_of(quad[i] & 0xffff0000u);
		}
	}
	return wide ? 4 : 8;
}

CARD_INLINE void put_element(uint8_t *base, size_t at, int wide, float value)
{
	if (wide)
		((float *)base)[at] = value;
	else
		((uint16_t *)base)[at] = (uint16_t)bf16_of(value);
}

/* head[] = what lies in `from`, normed where there is a weight, and turned. */
CARD_INLINE void finish_head(const struct card_attend *a, const float *from, const float *weight,
			     int position, float *head, float *factor)
{
	PRIVATE(float, sum, 1);
	const int d = a->head_dim, half = d / 2;

	WARPS {
		LANES {
			if (THREAD < d)
				head[THREAD] = from[THREAD];
		}
	}
	SYNC();
	if (weight) {
		WARPS {
			LANES {
				MINE(sum)[0] = 0;
				for (int i = lane; i < d; i += 32)
					MINE(sum)[0] += head[i] * head[i];
			}
			UNROLL
			for (int offset = 1; offset < 32; offset *= 2)
				WARP_FOLD(sum, 0, offset);
			LANES {
				if (THREAD == 0)
					*factor = 1.0f / sqrtf(MINE(sum)[0] / (float)d + a->eps);
			}
		}
		SYNC();
		WARPS {
			LANES {
				if (THREAD < d)
					head[THREAD] *= *factor * weight[THREAD];
			}
		}
		SYNC();
	}
	WARPS {
		LANES {
			if (THREAD < half) {
				const size_t at = (size_t)position * (size_t)half + (size_t)THREAD;
				const int i = a->interleaved ? 2 * THREAD : THREAD;
				const int j = a->interleaved ? i + 1 : i + half;
				const float x = head[i], y = head[j];
				head[i] = x * a->cosine[at] - y * a->sine[at];
				head[j] = y * a->cosine[at] + x * a->sine[at];
			}
		}
	}
	SYNC();
}

CARD_INLINE size_t row_floats(const struct card_attend *a)
{
	return (size_t)(a->heads + 2 * a->kv_heads) * (size_t)a->head_dim;
}

/* Row r's key and value of one head, into the cache. */
CARD_INLINE void put_head(const struct card_attend *a, int r, int kv, float *head, float *factor)
{
	const struct card_row row = a->rows[r];
	const struct head_view view = view_of(a, &row, kv);
	const int d = a->head_dim, each = a->wide ? 4 : 8;
	const float *key = a->qkv + (size_t)r * row_floats(a) + (size_t)(a->heads + kv) * (size_t)d;
	const float *value = key + (size_t)a->kv_heads * (size_t)d;

	finish_head(a, key, a->norm_k, row.position, head, factor);
	WARPS {
		LANES {
			const size_t i = (size_t)THREAD, p = (size_t)row.position;
			const size_t piece = i / (size_t)each, rest = i % (size_t)each;
			if (THREAD < d) {
				put_element(view.keys,
					    (piece * view.capacity + p) * (size_t)each + rest,
					    a->wide, head[i]);
				put_element(view.values, p * (size_t)d + i, a->wide, value[i]);
			}
		}
	}
	SYNC();
}

CARD_KERNEL(remember, card_attend)
{
	SHARED(float, head, HEAD_DIM_MAX);
	SHARED(float, factor, 1);
	put_head(&a, BLOCK_X, BLOCK_Y, head, factor);
}

/* head . key p */
CARD_INLINE float score_of(const struct card_attend *a, const struct head_view *view,
			   const float *head, int p)
{
	float sum = 0, piece[8] = {0};
	int at = 0;
	for (int c = 0; at < a->head_dim; c++) {
		const int n = read_piece(view->keys + ((size_t)c * view->capacity + (size_t)p) * 16,
					 a->wide, piece);
		UNROLL
		for (int i = 0; i < 8; i++)
			if (i < n)
				sum += head[at + i] * piece[i];
		at += n;
	}
	return sum;
}

/* A thread's scores of a span; returns the largest. */
CARD_INLINE float weigh_keys(const struct card_attend *a, const struct head_view *view,
			     const float *head, int begin, int end, int thread, float *score)
{
	float most = -INFINITY;
	for (int p = thread; p < end; p += CARD_THREADS) {
		score[p] = score_of(a, view, head, begin + p) * a->scale;
		most = fmaxf(most, score[p]);
	}
	return most;
}

CARD_INLINE void begin_mix(float *most, float *total, float *mix)
{
	*most = -INFINITY;
	*total = 0;
	UNROLL
	for (int i = 0; i < 8; i++)
		mix[i] = 0;
}

/* What a thread has kept from span to span fades as a larger score comes; its scores become weights. Returns their
 * sum. */
CARD_INLINE float fade(const float *most_of, int end, int thread, float *score, float *most,
		       float *total, float *mix)
{
	float all = *most, sum = 0;
	for (int w = 0; w < CARD_WARPS; w++)
		all = fmaxf(all, most_of[w]);
	const float factor = expf(*most - all);
	*most = all;
	*total *= factor;
	UNROLL
	for (int i = 0; i < 8; i++)
		mix[i] *= factor;
	for (int p = thread; p < end; p += CARD_THREADS) {
		score[p] = expf(score[p] - all);
		sum += score[p];
	}
	return sum;
}

/* 16 bytes of every value of a thread's stripe. */
CARD_INLINE void mix_values(const struct card_attend *a, const struct head_view *view, int begin,
			    int end, int thread, const float *score, float *mix)
{
	const int pieces = a->head_dim / (a->wide ? 4 : 8), stripes = CARD_THREADS / pieces;
	const int piece = thread % pieces, stripe = thread / pieces;
	for (int p = stripe; stripe < stripes && p < end; p += stripes) {
		float v[8] = {0};
		const size_t at = (size_t)(begin + p) * (size_t)pieces + (size_t)piece;
		const int n = read_piece(view->values + at * 16, a->wide, v);
		UNROLL
		for (int i = 0; i < 8; i++)
			if (i < n)
				mix[i] += score[p] * v[i];
	}
}

/* One thread's part into mixed[stripe][head_dim]. */
CARD_INLINE void hand_in(const struct card_attend *a, int thread, const float *mix, float *mixed)
{
	const int each = a->wide ? 4 : 8, pieces = a->head_dim / each;
	const int piece = thread % pieces, stripe = thread / pieces;
	if (stripe >= CARD_THREADS / pieces)
		return;
	UNROLL
	for (int i = 0; i < 8; i++)
		if (i < each)
			mixed[stripe * a->head_dim + piece * each + i] = mix[i];
}

CARD_INLINE float add_stripes(const struct card_attend *a, int thread, const float *mixed)
{
	const int stripes = CARD_THREADS / (a->head_dim / (a->wide ? 4 : 8));
	float sum = 0;
	for (int s = 0; s < stripes; s++)
		sum += mixed[s * a->head_dim + thread];
	return sum;
}

/* The query lies in head[]. */
CARD_INLINE void attend_head(const struct card_attend *a, const struct head_view *view, int count,
			     const float *head, float *out)
{
	SHARED(float, score, SPAN);
	SHARED(float, most_of, CARD_WARPS);
	SHARED(float, total_of_warp, CARD_WARPS);
	SHARED(float, mixed, MIXED);
	PRIVATE(float, most, 2);  /* of this span, of all before */
	PRIVATE(float, total, 2); /* the same of the weights */
	PRIVATE(float, mix, 8);

	WARPS {
		LANES {
			begin_mix(MINE(most) + 1, MINE(total) + 1, MINE(mix));
		}
	}
	SYNC();
	for (int begin = 0; begin < count; begin += SPAN) {
		const int end = count - begin < SPAN ? count - begin : SPAN;
		WARPS {
			LANES {
				MINE(most)
				[0] = weigh_keys(a, view, head, begin, end, THREAD, score);
			}
			UNROLL
			for (int offset = 1; offset < 32; offset *= 2)
				WARP_MOST(most, 0, offset);
			LANES {
				if (lane == 0)
					most_of[warp] = MINE(most)[0];
			}
		}
		SYNC();
		WARPS {
			LANES {
				MINE(total)
				[0] = fade(most_of, end, THREAD, score, MINE(most) + 1,
					   MINE(total) + 1, MINE(mix));
			}
			UNROLL
			for (int offset = 1; offset < 32; offset *= 2)
				WARP_FOLD(total, 0, offset);
			LANES {
				if (lane == 0)
					total_of_warp[warp] = MINE(total)[0];
			}
		}
		SYNC();
		WARPS {
			LANES {
				for (int w = 0; w < CARD_WARPS; w++)
					MINE(total)[1] += total_of_warp[w];
				mix_values(a, view, begin, end, THREAD, score, MINE(mix));
			}
		}
		SYNC();
	}
	WARPS {
		LANES {
			hand_in(a, THREAD, MINE(mix), mixed);
		}
	}
	SYNC();
	WARPS {
		LANES {
			if (THREAD < a->head_dim)
				out[THREAD] = add_stripes(a, THREAD, mixed) / MINE(total)[1];
		}
	}
	SYNC();
}

CARD_KERNEL(attend, card_attend)
{
	SHARED(float, head, HEAD_DIM_MAX);
	SHARED(float, factor, 1);
	const struct card_row row = a.rows[BLOCK_X];
	const struct head_view view = view_of(&a, &row, BLOCK_Y);
	const int group = a.heads / a.kv_heads;
	const float *query = a.qkv + (size_t)BLOCK_X * row_floats(&a);

	if (a.put)
		put_head(&a, BLOCK_X, BLOCK_Y, head, factor);
	for (int q = BLOCK_Y * group; q < (BLOCK_Y + 1) * group; q++) {
		finish_head(&a, query + q * a.head_dim, a.norm_q, row.position, head, factor);
		attend_head(&a, &view, row.position + 1, head,
			    a.out + (size_t)(BLOCK_X * a.heads + q) * (size_t)a.head_dim);
	}
}

#endif
