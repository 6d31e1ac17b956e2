/* Slabs: pieces are zeroed, aligned, side by side, and live until they are given back. */
#include "engine/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIECES 40

static bool all(const uint8_t *p, size_t bytes, uint8_t value)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* The sanitizer tells what is freed too early, twice or never. */
static void pieces_outlive_their_slab(void **state)
{
	(void)state;
	struct engine_slab slab = {0};
	struct engine_slab_chunk *chunk[PIECES], *first = NULL;
	uint8_t *piece[PIECES];
	size_t bytes[PIECES], side_by_side = 0, chunks = 0;

	for (size_t i = 0; i < PIECES; i++) {
		bytes[i] = 1 + i * 123457 % 1900000;
		piece[i] = engine_slab_take(&slab, bytes[i], &chunk[i]);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % 64, 0);
		assert_true(all(piece[i], bytes[i], 0));
		memset(piece[i], (int)i + 1, bytes[i]);
		side_by_side += i && piece[i] == piece[i - 1] + (bytes[i - 1] + 63) / 64 * 64;
		chunks += chunk[i] != first;
		first = chunk[i];
	}
	/* 36 MB: chunks of 1, 16 and 128 */
	assert_int_equal(chunks, 3);
	assert_int_equal(side_by_side, PIECES - 3);
	engine_slab_close(&slab);
	for (size_t i = 0; i < PIECES; i++)
		assert_true(all(piece[i], bytes[i], (uint8_t)(i + 1)));
	for (size_t i = PIECES; i-- > 0;)
		engine_slab_give_back(chunk[i]);
}

static void a_large_piece_has_a_chunk(void **state)
{
	(void)state;
	struct engine_slab slab = {0};
	struct engine_slab_chunk *large, *small;
	size_t bytes = (size_t)130 << 20;
	uint8_t *piece = engine_slab_take(&slab, bytes, &large);
	assert_non_null(piece);
	piece[bytes - 1] = 1;
	assert_non_null(engine_slab_take(&slab, 64, &small));
	engine_slab_give_back(large);
	engine_slab_give_back(small);
	engine_slab_give_back(NULL);
	engine_slab_close(&slab);
	engine_slab_close(&slab);
}

static void alone(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < (size_t)9 << 20; bytes = bytes * 3 + 1) {
		uint8_t *p = engine_slab_alone(bytes);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		memset(p, 1, bytes);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_outlive_their_slab),
	    cmocka_unit_test(a_large_piece_has_a_chunk),
	    cmocka_unit_test(alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
