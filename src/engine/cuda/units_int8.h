/* A warp's next DEPTH units of int8 weights: x is quantised on its way, 128 k to a scale, as the CPU's kernels do with
 * 256. Included by product_mma.h. */
PRIVATE(float, v, 32);
PRIVATE(uint32_t, x, 8);
PRIVATE(float, most, 1);
PRIVATE(float, scale, 2);
PRIVATE(int32_t, sum, TILES * 4);
UNROLL
for (int un = 0; un < DEPTH * ROW_TILES; un++) {
	const int u = un / ROW_TILES, n = un % ROW_TILES;
	const int unit = first + u * CARD_WARPS;
	if (unit >= a.units)
		continue;
	LANES {
		take_int8(&a, MINE(from)[n], unit, lane, MINE(square) + n, MINE(v), MINE(most));
	}
	WARP_MOST(most, 0, 1);
	WARP_MOST(most, 0, 2);
	LANES {
		quantize_int8(MINE(v), MINE(most), MINE(x), MINE(sum), TILES);
	}
	/* a lane's sums are those of two rows, whose scales others have */
	WARP_TAKE(scale, 0, most, 0, lane % 4 * 8);
	WARP_TAKE(scale, 1, most, 0, lane % 4 * 8 + 4);
	UNROLL
	for (int i = 0; i < TILES * 4; i++)
		WARP_MMA_INT8(sum, i / 4 * 4, w, ((u * TILES + i / 4) * 4 + i % 4) * 4, x,
			      i % 4 * 2);
	LANES {
		UNROLL
		for (int i = 0; i < TILES * 4; i++)
			MINE(acc)
		[(i / 4 * ROW_TILES + n) * 4 + i % 4] += (float)MINE(sum)[i] * MINE(scale)[i % 2];
	}
}
