/* Which kernels train here. Pure, any thread. */
#include "train/core.h"
#include "train/pixels.h"

#include <string.h>

const struct train_core *train_core_find(const char *name, struct err *e)
{
	static const struct train_core *const CORES[] = {
#ifdef TRAIN_X86
	    &train_core_amx,
	    &train_core_avx512bf16,
	    &train_core_avx512,
#endif
	    &train_core_scalar,
	};
	for (size_t i = 0; i < sizeof(CORES) / sizeof(CORES[0]); i++)
		if ((strcmp(name, "auto") == 0 || strcmp(name, CORES[i]->name) == 0) &&
		    CORES[i]->available())
			return CORES[i];
	err_set(e, ERR_UNSUPPORTED,
		"no %s kernels on this machine (auto, amx, avx512bf16, avx512, scalar)", name);
	return NULL;
}

const struct pixels_core *pixels_core_of(const struct train_core *core)
{
#ifdef TRAIN_X86
	if (core == &train_core_amx)
		return &pixels_core_amx;
	if (core == &train_core_avx512bf16)
		return &pixels_core_avx512bf16;
	if (core == &train_core_avx512)
		return &pixels_core_avx512;
#endif
	(void)core;
	return &pixels_core_scalar;
}
