/* PRODUCT: 8 * ROW_TILES rows with TILES tiles of bf16 weights. Included by product.h, once for each. */

#define ROWS  (ROW_TILES * 8)
#define DEPTH (QUADS_IN_FLIGHT / TILES)

CARD_KERNEL(PRODUCT, card_product)
{
	SHARED(float, part, CARD_WARPS *TILES * 16 * ROWS);
	SHARED(float, squares, CARD_WARPS *ROWS);
	PRIVATE(float, acc, TILES *ROW_TILES * 4);
	PRIVATE(float, square, ROW_TILES);
	PRIVATE(const float *, from, ROW_TILES);
	PRIVATE(uint32_t, w, DEPTH * TILES * 4);
	PRIVATE(uint32_t, x, ROW_TILES * 2);
	const int tile = BLOCK_X, first_row = BLOCK_Y * ROWS;

	WARPS {
		LANES {
			begin_product(&a, first_row, ROW_TILES, TILES, lane, MINE(acc),
				      MINE(square), MINE(from));
		}
		for (int first = warp; first < a.units; first += CARD_WARPS * DEPTH) {
			LANES {
				load_weights(&a, tile * TILES, TILES, first, DEPTH, 1, lane,
					     MINE(w));
			}
			UNROLL
			for (int u = 0; u < DEPTH; u++) {
				const int unit = first + u * CARD_WARPS;
				if (unit >= a.units)
					continue;
				LANES {
					const int k = unit * 16 + lane % 4 * 2;
					UNROLL
					for (int i = 0; i < ROW_TILES * 2; i++)
						MINE(x)
					[i] = take_bf16(&a, MINE(from)[i / 2], k + i % 2 * 8,
							MINE(square) + i / 2);
				}
				UNROLL
				for (int i = 0; i < TILES * ROW_TILES; i++)
					WARP_MMA_BF16(acc, i * 4, w,
						      (u * TILES + i / ROW_TILES) * 4, x,
						      i % ROW_TILES * 2);
			}
		}
#include "engine/cuda/product_end.h"
	}
	SYNC();
	WARPS {
		LANES {
			finish_product(&a, part, squares, TILES, ROWS, tile, first_row, THREAD);
		}
	}
	SYNC();
}

#undef ROWS
#undef DEPTH
