/* The engine's AMX kernels on emulated tiles take the place of the real ones: the linker sends those who ask for
 * kernels here (--wrap). Needs a processor with AVX-512; without it the machine's own levels are left as they are. */
#include "engine/conv.h"
#include "engine/kernels/impl.h"

extern const struct kernels kernels_amx_emulated;
extern const struct conv_kernels conv_kernels_amx_emulated;

enum kernel_level __real_kernels_best(void);
enum kernel_level __wrap_kernels_best(void);
const struct kernels *__real_kernels_find(enum kernel_level level, struct err *e);
const struct kernels *__wrap_kernels_find(enum kernel_level level, struct err *e);
const struct conv_kernels *__real_engine_conv_kernels(enum kernel_level level);
const struct conv_kernels *__wrap_engine_conv_kernels(enum kernel_level level);

static bool possible(void)
{
	return __real_kernels_best() >= KERNEL_AVX512 && __builtin_cpu_supports("avx512bf16");
}

enum kernel_level __wrap_kernels_best(void)
{
	return possible() ? KERNEL_AMX : __real_kernels_best();
}

const struct kernels *__wrap_kernels_find(enum kernel_level level, struct err *e)
{
	return level == KERNEL_AMX && possible() ? &kernels_amx_emulated
						 : __real_kernels_find(level, e);
}

const struct conv_kernels *__wrap_engine_conv_kernels(enum kernel_level level)
{
	return level == KERNEL_AMX && possible() ? &conv_kernels_amx_emulated
						 : __real_engine_conv_kernels(level);
}
