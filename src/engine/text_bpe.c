/* Merges bytes to tokens: always the pair of the lowest rank, the leftmost first. The symbols of a
 * piece are a linked list, the pairs wait in a heap, so a piece of n bytes takes n log n steps and a
 * long word can't hold a server up. The table belongs to the tokenizer and does not change; the
 * scratch belongs to one caller. */
#include "engine/text_bpe.h"

#include <stdlib.h>
#include <string.h>

/* More slots in a row than this does not happen by chance in a table that is half empty: the file was
 * made to be slow. */
#define PROBES_MAX 512

struct bpe_symbol {
	int32_t id; /* -1: merged into the one before */
	int32_t previous, next;
};

struct bpe_candidate {
	int32_t rank, position;  /* the heap's order */
	int32_t left, right, id; /* stale where the symbols there are others by now */
};

static uint32_t hash(int32_t left, int32_t right)
{
	uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h ^ h >> 32);
}

bool engine_bpe_init(struct arena *a, struct engine_bpe *b, size_t count, struct err *e)
{
	size_t slots = 16;
	while (slots < 2 * count)
		slots *= 2;
	b->slots = ARENA_ARRAY(a, struct engine_merge, slots);
	if (!b->slots)
		return err_set(e, ERR_NO_MEMORY, "no memory for %zu merges", count);
	for (size_t i = 0; i < slots; i++)
		b->slots[i].left = -1;
	b->mask = (uint32_t)slots - 1;
	return true;
}

bool engine_bpe_add(struct engine_bpe *b, struct engine_merge m, struct err *e)
{
	uint32_t at = hash(m.left, m.right);
	for (int i = 0; i < PROBES_MAX; i++, at++) {
		struct engine_merge *slot = &b->slots[at & b->mask];
		if (slot->left == m.left && slot->right == m.right)
			return true;
		if (slot->left < 0) {
			*slot = m;
			return true;
		}
	}
	return err_set(e, ERR_INVALID, "its merges fall on one place of the table");
}

static const struct engine_merge *find(const struct engine_bpe *b, int32_t left, int32_t right)
{
	uint32_t at = hash(left, right);
	for (;; at++) { /* ends: at least half of the slots are empty */
		const struct engine_merge *slot = &b->slots[at & b->mask];
		if (slot->left < 0)
			return NULL;
		if (slot->left == left && slot->right == right)
			return slot;
	}
}

bool engine_bpe_scratch_init(struct engine_bpe_scratch *s, size_t length_max, struct err *e)
{
	/* Every byte begins one pair, and every merge (fewer than bytes) makes at most two new ones. */
	*s = (struct engine_bpe_scratch){
	    .symbols = malloc((length_max + 1) * sizeof(struct bpe_symbol)),
	    .heap = malloc((3 * length_max + 1) * sizeof(struct bpe_candidate))};
	if (s->symbols && s->heap)
		return true;
	engine_bpe_scratch_finish(s);
	return err_set(e, ERR_NO_MEMORY, "no memory to read a text of %zu bytes", length_max);
}

void engine_bpe_scratch_finish(struct engine_bpe_scratch *s)
{
	free(s->symbols);
	free(s->heap);
	*s = (struct engine_bpe_scratch){0};
}

static bool before(const struct bpe_candidate *a, const struct bpe_candidate *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->position < b->position;
}

static void push(struct engine_bpe_scratch *s, struct bpe_candidate c)
{
	size_t i = s->heap_count++;
	while (i > 0 && before(&c, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = c;
}

static struct bpe_candidate pop(struct engine_bpe_scratch *s)
{
	struct bpe_candidate top = s->heap[0], c = s->heap[--s->heap_count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= s->heap_count)
			break;
		if (child + 1 < s->heap_count && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &c))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = c;
	return top;
}

/* Puts the pair that begins at this symbol into the heap, where the two merge. */
static void consider(const struct engine_bpe *b, struct engine_bpe_scratch *s, int32_t position)
{
	const struct bpe_symbol *left = &s->symbols[position];
	if (left->next < 0)
		return;
	const struct bpe_symbol *right = &s->symbols[left->next];
	const struct engine_merge *m = find(b, left->id, right->id);
	if (m)
		push(s, (struct bpe_candidate){m->rank, position, m->left, m->right, m->id});
}

static void merge_all(const struct engine_bpe *b, struct engine_bpe_scratch *s)
{
	while (s->heap_count) {
		struct bpe_candidate c = pop(s);
		struct bpe_symbol *left = &s->symbols[c.position];
		if (left->id != c.left || left->next < 0 || s->symbols[left->next].id != c.right)
			continue;
		struct bpe_symbol *right = &s->symbols[left->next];
		left->id = c.id;
		left->next = right->next;
		right->id = -1;
		if (right->next >= 0)
			s->symbols[right->next].previous = c.position;
		consider(b, s, c.position);
		if (left->previous >= 0)
			consider(b, s, left->previous);
	}
}

bool engine_bpe_encode(const struct engine_bpe *b, struct engine_bpe_scratch *s, const char *piece,
		       size_t length, int32_t *ids, size_t ids_max, size_t *count)
{
	*count = 0;
	if (length == 0)
		return true;
	s->heap_count = 0;
	for (size_t i = 0; i < length; i++)
		s->symbols[i] =
		    (struct bpe_symbol){b->byte_id[(unsigned char)piece[i]], (int32_t)i - 1,
					i + 1 < length ? (int32_t)i + 1 : -1};
	for (size_t i = 0; i + 1 < length; i++)
		consider(b, s, (int32_t)i);
	merge_all(b, s);
	for (int32_t i = 0; i >= 0; i = s->symbols[i].next) {
		if (*count == ids_max)
			return false;
		ids[(*count)++] = s->symbols[i].id;
	}
	return true;
}
