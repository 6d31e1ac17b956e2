/* The trainer's AMX core on emulated tiles takes the place of the real one (--wrap). Needs a processor with AVX-512
 * BF16; without it there is none, and the tests say that they are skipped. */
#include "train/core.h"
#include "train/pixels.h"

#include <string.h>

extern const struct train_core train_core_amx_emulated;
extern const struct pixels_core pixels_core_amx_emulated;

const struct train_core *__real_train_core_find(const char *name, struct err *e);
const struct train_core *__wrap_train_core_find(const char *name, struct err *e);
const struct pixels_core *__real_pixels_core_of(const struct train_core *core);
const struct pixels_core *__wrap_pixels_core_of(const struct train_core *core);

const struct train_core *__wrap_train_core_find(const char *name, struct err *e)
{
	if (strcmp(name, "amx") == 0 && train_core_avx512bf16.available())
		return &train_core_amx_emulated;
	return __real_train_core_find(name, e);
}

const struct pixels_core *__wrap_pixels_core_of(const struct train_core *core)
{
	return core == &train_core_amx_emulated ? &pixels_core_amx_emulated
						: __real_pixels_core_of(core);
}
