/* Owns the block list of an arena. One thread at a time; blocks are malloc'd and only ever freed
 * together. `used` counts what was handed out, `held` what was taken from malloc. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN             16u
#define ARENA_BLOCK_BYTES       (32u << 10)
#define ARENA_BLOCK_SMALL_BYTES (4000u)
#define ARENA_GRACE_PIECE_BYTES (64u << 10)
#define ARENA_GRACE_BYTES       (4u << 20)

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ARENA_ALIGN) unsigned char bytes[];
};

struct ending {
	struct ending *next;
	void (*fn)(void *item);
	void *item;
};

struct arena {
	struct block *head;
	struct ending *endings; /* in its own memory */
	size_t block_bytes, cap, used;
	bool exceeded;
};

static struct block *block_new(size_t size)
{
	struct block *b = malloc(sizeof *b + size);
	if (b) {
		b->next = NULL;
		b->size = size;
		b->used = 0;
	}
	return b;
}

static struct arena *create(size_t cap_bytes, size_t block_bytes)
{
	struct arena *a = calloc(1, sizeof *a);
	struct block *b = block_new(block_bytes);
	if (!a || !b)
		abort();
	a->head = b;
	a->block_bytes = block_bytes;
	a->cap = cap_bytes;
	return a;
}

struct arena *arena_create(size_t cap_bytes)
{
	return create(cap_bytes, ARENA_BLOCK_BYTES);
}

struct arena *arena_create_small(size_t cap_bytes)
{
	return create(cap_bytes, ARENA_BLOCK_SMALL_BYTES);
}

void arena_on_end(struct arena *a, void (*fn)(void *item), void *item)
{
	struct ending *n = ARENA_NEW(a, struct ending);
	*n = (struct ending){.next = a->endings, .fn = fn, .item = item};
	a->endings = n;
}

void arena_reset(struct arena *a)
{
	struct block *keep = NULL;
	for (struct ending *n = a->endings; n; n = n->next)
		n->fn(n->item);
	a->endings = NULL;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		if (!keep && b->size == a->block_bytes)
			keep = b;
		else
			free(b);
	}
	keep->next = NULL;
	keep->used = 0;
	a->head = keep; /* the head is always of the standard size */
	a->used = 0;
	a->exceeded = false;
}

void arena_destroy(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a->head);
	free(a);
}

/* Takes size bytes, already rounded, whatever the cap; NULL only where malloc has none. */
static void *arena_take(struct arena *a, size_t size)
{
	struct block *b = a->head;
	if (b->size - b->used < size) {
		bool large = size > a->block_bytes / 4;
		b = block_new(large ? size : a->block_bytes);
		if (!b)
			return NULL;
		if (large) { /* a large piece: behind the head, which may still have room */
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	void *p = b->bytes + b->used;
	b->used += size;
	a->used += size;
	return memset(p, 0, size);
}

static size_t round_up(size_t size)
{
	return (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	if (size_bytes > SIZE_MAX / 2)
		abort();
	size_t size = round_up(size_bytes ? size_bytes : 1);
	if (size > a->cap || a->used > a->cap - size) {
		a->exceeded = true;
		if (size > ARENA_GRACE_PIECE_BYTES || a->used > a->cap + ARENA_GRACE_BYTES)
			abort();
	}
	void *p = arena_take(a, size);
	if (!p)
		abort();
	return p;
}

void *arena_try(struct arena *a, size_t count, size_t size_bytes)
{
	size_t size;
	if (__builtin_mul_overflow(count, size_bytes, &size) || size > SIZE_MAX / 2)
		return NULL;
	size = round_up(size ? size : 1);
	if (size > a->cap || a->used > a->cap - size)
		return NULL;
	return arena_take(a, size);
}

bool arena_exceeded(const struct arena *a)
{
	return a->exceeded;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

char *arena_strndup(struct arena *a, const char *s, size_t length)
{
	char *p = arena_alloc(a, length + 1);
	memcpy(p, s, length);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	char *p = arena_alloc(a, (size_t)(n > 0 ? n : 0) + 1);
	if (n > 0)
		vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
	return p;
}
