/* Numbers below the normal range become zero while a thread computes: they change nothing here and cost a hundred
 * cycles each (moments of tokens that are not seen decay into that range). */
#ifndef MADANG_TRAIN_FLUSH_H
#define MADANG_TRAIN_FLUSH_H

#if defined(__x86_64__)
#define TRAIN_FLUSH_BITS 0x8040u /* flush to zero, denormals are zero */

static inline unsigned train_flush_begin(void)
{
	unsigned before = __builtin_ia32_stmxcsr();
	__builtin_ia32_ldmxcsr(before | TRAIN_FLUSH_BITS);
	return before;
}

static inline void train_flush_end(unsigned before)
{
	__builtin_ia32_ldmxcsr(before);
}
#else
static inline unsigned train_flush_begin(void)
{
	return 0;
}

static inline void train_flush_end(unsigned before)
{
	(void)before;
}
#endif

#endif
