/* A warp's next DEPTH units of bf16 weights: x is rounded on its way. Included by product_mma.h. */
PRIVATE(uint32_t, x, ROW_TILES * 2);
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
		[i] = take_bf16(&a, MINE(from)[i / 2], k + i % 2 * 8, MINE(square) + i / 2);
	}
	UNROLL
	for (int i = 0; i < TILES * ROW_TILES; i++)
		WARP_MMA_BF16(acc, i * 4, w, (u * TILES + i / ROW_TILES) * 4, x, i % ROW_TILES * 2);
}
