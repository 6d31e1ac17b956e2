/* Which kernels this machine can run, and the sizes of packed weights. Stateless; any thread. */
#include "engine/kernels/impl.h"

#include <sys/syscall.h>
#include <unistd.h>

#if defined(ENGINE_KERNELS_X86)
#include <cpuid.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA  18

/* The kernel saves a thread's tiles only for a process that has asked for them. */
static bool amx_granted(void)
{
	unsigned a, b, c, d;
	const unsigned amx_tile = 1u << 24, amx_int8 = 1u << 25;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & amx_tile) || !(d & amx_int8))
		return false;
	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

enum kernel_level kernels_best(void)
{
	if (!has_avx2())
		return KERNEL_SCALAR;
	if (!has_avx512())
		return KERNEL_AVX2;
	return amx_granted() ? KERNEL_AMX : KERNEL_AVX512;
}

static const struct kernels *const LEVELS[KERNEL_LEVEL_COUNT] = {&kernels_scalar, &kernels_avx2,
								 &kernels_avx512, &kernels_amx};

/* A level's table as suits this processor's make. */
static const struct kernels *table_of(enum kernel_level level)
{
	if (level == KERNEL_AVX512 && __builtin_cpu_is("amd"))
		return &kernels_avx512_near;
	return LEVELS[level];
}
#else
enum kernel_level kernels_best(void)
{
	return KERNEL_SCALAR;
}

static const struct kernels *table_of(enum kernel_level level)
{
	return level == KERNEL_SCALAR ? &kernels_scalar : NULL;
}
#endif

const struct kernels *kernels_find(enum kernel_level level, struct err *e)
{
	static const char *const NAMES[KERNEL_LEVEL_COUNT] = {"scalar", "avx2", "avx512", "amx"};
	if (level <= kernels_best())
		return table_of(level);
	err_set(e, ERR_UNSUPPORTED, "this machine has no %s instructions", NAMES[level]);
	return NULL;
}

size_t kernel_k_padded(size_t k)
{
	return (k + KERNEL_K_PAD - 1) / KERNEL_K_PAD * KERNEL_K_PAD;
}

size_t kernel_groups(size_t k)
{
	return (k + KERNEL_GROUP - 1) / KERNEL_GROUP;
}

size_t kernel_tile_bytes(enum kernel_weights weights, size_t k)
{
	switch (weights) {
	case KERNEL_F32:
		return k * KERNEL_TILE_ROWS * sizeof(float);
	case KERNEL_BF16:
		return (k * KERNEL_TILE_ROWS * sizeof(uint16_t) + 63) / 64 * 64;
	case KERNEL_INT8:
		return kernel_k_padded(k) * KERNEL_TILE_ROWS;
	case KERNEL_INT4:
		return kernel_k_padded(k) / 32 * 288;
	}
	return 0;
}
