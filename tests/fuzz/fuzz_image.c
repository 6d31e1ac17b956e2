/* Any bytes: a picture within its limits or an error. */
#include <stdlib.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static bool started;
	const struct image_decode_options options = {.pixels_max = 1 << 16, .square = 32};
	struct image out;
	struct err e;
	if (!started && !image_init(&e))
		abort();
	started = true;
	struct arena *a = arena_create(16 << 20);
	if (image_decode(a, data, size, &options, &out, &e) &&
	    (out.width != 32 || out.height != 32))
		abort();
	arena_destroy(a);
	return 0;
}
