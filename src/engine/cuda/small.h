/* The small kernels: embeddings, copies between caches, and reading memory for measuring. */
#ifndef MADANG_ENGINE_CUDA_SMALL_H
#define MADANG_ENGINE_CUDA_SMALL_H

#include "engine/cuda/shim.h"

CARD_KERNEL(gather, card_gather)
{
	WARPS {
		LANES {
			const size_t width = (size_t)a.width;
			const float *from = a.table + (size_t)a.images[BLOCK_X].id * width;
			for (int i = THREAD; i < a.width; i += CARD_THREADS)
				a.to[(size_t)BLOCK_X * width + (size_t)i] = from[i];
		}
	}
	SYNC();
}

CARD_KERNEL(scatter, card_scatter)
{
	WARPS {
		LANES {
			const struct card_image image = a.images[BLOCK_X];
			const size_t width = (size_t)a.width;
			for (int i = THREAD; i < a.width; i += CARD_THREADS) {
				float v = a.from[(size_t)BLOCK_X * width + (size_t)i];
				if (a.positions)
					v += a.positions[(size_t)image.place * width + (size_t)i];
				a.to[(size_t)image.row * width + (size_t)i] = v;
			}
		}
	}
	SYNC();
}

/* Blocks: one for each head of each layer. */
CARD_KERNEL(carry, card_carry)
{
	WARPS {
		LANES {
			const size_t element = a.wide ? 4 : 2, d = (size_t)a.head_dim;
			const size_t from_keys = (size_t)a.from_capacity * d * element;
			const size_t to_keys = (size_t)a.to_capacity * d * element;
			const uint8_t *from = a.from + (size_t)BLOCK_X * 2 * from_keys;
			uint8_t *to = a.to + (size_t)BLOCK_X * 2 * to_keys;
			const int pieces = (int)(d * element / 16);
			uint32_t quad[4];
			for (int i = THREAD; i < pieces * a.positions; i += CARD_THREADS) {
				const size_t piece = (size_t)(i / a.positions);
				const size_t p = (size_t)(i % a.positions);
				read_quad(from + (piece * (size_t)a.from_capacity + p) * 16, quad);
				write_quad(to + (piece * (size_t)a.to_capacity + p) * 16, quad);
				read_quad(from + from_keys + (size_t)i * 16, quad);
				write_quad(to + to_keys + (size_t)i * 16, quad);
			}
		}
	}
	SYNC();
}

CARD_KERNEL(sweep, card_sweep)
{
	WARPS {
		LANES {
			const size_t apart = (size_t)GRID_X * CARD_THREADS;
			uint32_t sum = 0, quad[4];
			UNROLL_8
			for (size_t i = (size_t)BLOCK_X * CARD_THREADS + (size_t)THREAD;
			     i < a.quads; i += apart) {
				load_quad((const uint8_t *)a.from + i * 16, quad);
				sum += quad[0] ^ quad[1] ^ quad[2] ^ quad[3];
			}
			if (sum == 0x12345679u) /* so that the reads are not dropped */
				a.sums[BLOCK_X] = sum;
		}
	}
	SYNC();
}

#endif
