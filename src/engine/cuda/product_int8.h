/* PRODUCT: 8 * ROW_TILES rows with TILES tiles of int8 weights. x is quantised on its way, 128 k to a scale, as the
 * CPU's kernels do with 256. Included by product.h, once for each. */

#define ROWS  (ROW_TILES * 8)
#define DEPTH (QUADS_IN_FLIGHT / 4 / TILES)

CARD_KERNEL(PRODUCT, card_product)
{
	SHARED(float, part, CARD_WARPS *TILES * 16 * ROWS);
	SHARED(float, squares, CARD_WARPS *ROWS);
	PRIVATE(float, acc, TILES *ROW_TILES * 4);
	PRIVATE(float, square, ROW_TILES);
	PRIVATE(const float *, from, ROW_TILES);
	PRIVATE(uint32_t, w, DEPTH * TILES * 16);
	PRIVATE(float, v, 32);
	PRIVATE(uint32_t, x, 8);
	PRIVATE(float, most, 1);
	PRIVATE(float, scale, 2);
	PRIVATE(int32_t, sum, TILES * 4);
	const int tile = BLOCK_X, first_row = BLOCK_Y * ROWS;

	WARPS {
		LANES {
			begin_product(&a, first_row, ROW_TILES, TILES, lane, MINE(acc),
				      MINE(square), MINE(from));
		}
		for (int first = warp; first < a.units; first += CARD_WARPS * DEPTH) {
			LANES {
				load_weights(&a, tile * TILES, TILES, first, DEPTH, 4, lane,
					     MINE(w));
			}
			UNROLL
			for (int un = 0; un < DEPTH * ROW_TILES; un++) {
				const int u = un / ROW_TILES, n = un % ROW_TILES;
				const int unit = first + u * CARD_WARPS;
				if (unit >= a.units)
					continue;
				LANES {
					take_int8(&a, MINE(from)[n], unit, lane, MINE(square) + n,
						  MINE(v), MINE(most));
				}
				WARP_MOST(most, 0, 1);
				WARP_MOST(most, 0, 2);
				LANES {
					quantize_int8(MINE(v), MINE(most), MINE(x), MINE(sum),
						      TILES);
				}
				/* a lane's sums are those of two rows, whose scales others have */
				WARP_TAKE(scale, 0, most, 0, lane % 4 * 8);
				WARP_TAKE(scale, 1, most, 0, lane % 4 * 8 + 4);
				UNROLL
				for (int i = 0; i < TILES * 4; i++)
					WARP_MMA_INT8(sum, i / 4 * 4, w,
						      ((u * TILES + i / 4) * 4 + i % 4) * 4, x,
						      i % 4 * 2);
				LANES {
					UNROLL
					for (int i = 0; i < TILES * 4; i++)
						MINE(acc)
					[(i / 4 * ROW_TILES + n) * 4 + i % 4] +=
					    (float)MINE(sum)[i] * MINE(scale)[i % 2];
				}
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
