/* An arena: memory with one lifetime (a request, a job, a command) and a hard cap.
 *
 * Everything allocated from an arena is freed with it; there is no free of single pieces. An arena
 * belongs to one thread at a time. A function that takes `struct arena *a` as first argument places
 * its result there. */
#ifndef MADANG_BASE_ARENA_H
#define MADANG_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* cap_bytes is the most that this arena will ever hold. Aborts when the first block cannot be had. */
struct arena *arena_create(size_t cap_bytes);
/* The same for something small that stays for long: takes memory by the page. */
struct arena *arena_create_small(size_t cap_bytes);
void arena_destroy(struct arena *a); /* NULL-safe */
void arena_reset(struct arena *a);   /* frees everything handed out, keeps one block */

/* Zeroed, 16-byte aligned memory, never NULL. Past the cap it still serves small pieces (up to 64 KiB
 * each, 4 MiB in all, then it aborts) and sets the exceeded mark, which the owner of the arena must look
 * at before it uses the result. */
void *arena_alloc(struct arena *a, size_t size_bytes);
bool arena_exceeded(const struct arena *a);

/* For sizes that come from input: NULL when count * size overflows or would pass the cap. */
void *arena_try(struct arena *a, size_t count, size_t size_bytes)
    __attribute__((warn_unused_result));

char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t length);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* fn(item) is called when the arena is reset or destroyed: for what is only borrowed. fn must not use it. */
void arena_on_end(struct arena *a, void (*fn)(void *item), void *item);

size_t arena_used(const struct arena *a); /* bytes handed out */

#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_try((a), (count), sizeof(type)))

#endif
