/* How a warp hands in what it has summed up, acc and square, in product_bf16.h and product_int8.h. */
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
