/* What a picture shows at a glance: whether the ground is plain and of which colour, and what stands on it, small. Compared with
 * what is held of all things (engine/memory.h) it says which thing that is, where the picture is of one of them.
 *
 * Pure; any thread. */
#ifndef MADANG_ENGINE_GLANCE_H
#define MADANG_ENGINE_GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_GLANCE_SIDE  12
#define ENGINE_GLANCE_CELLS (ENGINE_GLANCE_SIDE * ENGINE_GLANCE_SIDE)
#define ENGINE_LOOK_BYTES   (ENGINE_GLANCE_CELLS * 4)

struct engine_glance {
	bool
	    plain; /* most of the picture's rim is of one colour; where it isn't, nothing else is said */
	uint8_t ground[3];
	bool empty; /* nothing stands on the ground */
	/* The square around what stands there, its longer side filled, row by row: mean red, green and blue. */
	float look[ENGINE_GLANCE_CELLS][3];
};

/* Of a square picture: rgb is side * side * 3 bytes. */
void engine_glance(const uint8_t *rgb, int side, struct engine_glance *glance);

/* How unlike it is to a thing on that ground, from 0 to 255: the root of the mean squared difference. `look` is
 * the thing in the same square, four bytes a cell: red, green and blue as they are over black, and how much of
 * the cell is covered. */
float engine_glance_distance(const struct engine_glance *glance, const uint8_t *look);

#endif
