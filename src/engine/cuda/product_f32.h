/* PRODUCT: 8 rows with TILES tiles of f32 weights, without the tensor cores. For matrices of a few k, and the oracle
 * of the others. A lane has one output and every second k of its warp. Included by product.h, once for each. */

CARD_KERNEL(PRODUCT, card_product)
{
	SHARED(float, part, CARD_WARPS *TILES * 16 * 8);
	SHARED(float, squares, CARD_WARPS * 8);
	PRIVATE(float, acc, TILES * 8);
	PRIVATE(float, square, 8);
	const int tile = BLOCK_X, first_row = BLOCK_Y * 8;
	const float *weights = (const float *)a.weights;

	WARPS {
		LANES {
			const int output = lane % 16;
			UNROLL
			for (int i = 0; i < TILES * 8; i++)
				MINE(acc)[i] = 0;
			UNROLL
			for (int n = 0; n < 8; n++)
				MINE(square)[n] = 0;
			for (int k = warp * 2 + lane / 16; k < a.k; k += CARD_WARPS * 2) {
				const float norm = a.norm ? a.norm[k] : 1.0f;
				UNROLL
				for (int n = 0; n < 8; n++) {
					const float *x = x_row(&a, first_row + n);
					const float v = x ? x[k] : 0.0f;
					MINE(square)[n] += v * v;
					UNROLL
					for (int m = 0; m < TILES; m++)
						MINE(acc)
					[m * 8 + n] +=
					    weights[((size_t)(tile * TILES + m) * (size_t)a.k +
						     (size_t)k) *
							16 +
						    (size_t)output] *
					    (v * norm);
				}
			}
		}
		UNROLL
		for (int i = 0; i < TILES * 8; i++)
			WARP_FOLD(acc, i, 16);
		UNROLL
		for (int n = 0; n < 8; n++)
			WARP_FOLD(square, n, 16);
		LANES {
			if (lane < 16) {
				UNROLL
				for (int i = 0; i < TILES * 8; i++)
					part[((warp * TILES + i / 8) * 16 + lane) * 8 + i % 8] =
					    MINE(acc)[i];
			}
			if (lane == 0) {
				UNROLL
				for (int n = 0; n < 8; n++)
					squares[warp * 8 + n] = MINE(square)[n];
			}
		}
	}
	SYNC();
	WARPS {
		LANES {
			finish_product(&a, part, squares, TILES, 8, tile, first_row, THREAD);
		}
	}
	SYNC();
}
