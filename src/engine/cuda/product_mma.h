/* PRODUCT: 8 * ROW_TILES rows with TILES tiles of weights, of QUADS operands a unit, by the tensor cores. What is
 * done with a unit is in units_bf16.h and units_int8.h. Included by product.h, once for each. */

#define ROWS  (ROW_TILES * 8)
#define DEPTH (QUADS_IN_FLIGHT / QUADS / TILES)

CARD_KERNEL(PRODUCT, card_product)
{
	SHARED(float, part, CARD_WARPS *TILES * 16 * ROWS);
	SHARED(float, squares, CARD_WARPS *ROWS);
	PRIVATE(float, acc, TILES *ROW_TILES * 4);
	PRIVATE(float, square, ROW_TILES);
	PRIVATE(const float *, from, ROW_TILES);
	PRIVATE(uint32_t, w, DEPTH * TILES * 4 * QUADS);
	const int tile = BLOCK_X, first_row = BLOCK_Y * ROWS;

	WARPS {
		LANES {
			begin_product(&a, first_row, ROW_TILES, TILES, lane, MINE(acc),
				      MINE(square), MINE(from));
		}
		for (int first = warp; first < a.units; first += CARD_WARPS * DEPTH) {
			LANES {
				load_weights(&a, tile * TILES, TILES, first, DEPTH, QUADS, lane,
					     MINE(w));
			}
#if QUADS == 1
#include "engine/cuda/units_bf16.h"
#else
#include "engine/cuda/units_int8.h"
#endif
		}
		/* the warp hands in what it has summed up */
		UNROLL
		for (int n = 0; n < ROW_TILES; n++) {
			WARP_FOLD(square, n, 1);
			WARP_FOLD(square, n, 2);
		}
		LANES {
			UNROLL
			for (int i = 0; i < TILES * ROW_TILES * 4; i++) {
				const int m = i / 4 / ROW_TILES, n = i / 4 % ROW_TILES;
				const int output = m * 16 + lane / 4 + i % 4 / 2 * 8;
				const int row = n * 8 + lane % 4 * 2 + i % 2;
				part[(warp * TILES * 16 + output) * ROWS + row] = MINE(acc)[i];
			}
			if (lane % 4 == 0) {
				UNROLL
				for (int n = 0; n < ROW_TILES; n++)
					squares[warp * ROWS + n * 8 + lane / 4] = MINE(square)[n];
			}
		}
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
