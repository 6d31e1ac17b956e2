/* Memory for big arrays: zeroed, on cache lines, and on large pages where the system has them (a training step walks
 * hundreds of megabytes; with small pages a third of its time goes into address translation). free() it. */
#ifndef MADANG_TRAIN_MEMORY_H
#define MADANG_TRAIN_MEMORY_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TRAIN_PAGE_BYTES ((size_t)2 << 20)

static inline void *train_memory(size_t bytes)
{
	const size_t align = bytes >= TRAIN_PAGE_BYTES ? TRAIN_PAGE_BYTES : 64;
	bytes = (bytes + align - 1) / align * align;
	void *p = aligned_alloc(align, bytes);
	if (!p)
		return NULL;
	if (align == TRAIN_PAGE_BYTES)
		madvise(p, bytes,
			MADV_HUGEPAGE); /* only advice: a refusal changes nothing but speed */
	memset(p, 0, bytes);
	return p;
}

#endif
