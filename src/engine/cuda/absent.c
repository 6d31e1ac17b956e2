/* Where the program was built without CUDA: there is no card, and it says so. */
#include "engine/cuda/card.h"

struct card *engine_card_open(struct err *e)
{
	err_set(e, ERR_UNSUPPORTED,
		"this program was built without CUDA: meson setup -Dcuda=enabled, where nvcc is");
	return NULL;
}
