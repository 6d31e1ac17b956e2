/* The pre-tokenisers of tokenizer.json: how a text falls into the pieces that BPE works on. For
 * text.c and text_load.c only. */
#ifndef MADANG_ENGINE_TEXT_SPLIT_H
#define MADANG_ENGINE_TEXT_SPLIT_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ENGINE_SPLITS_MAX 32

struct engine_range {
	uint32_t first, last;
};

/* One pre-tokeniser: matches and the gaps between them become pieces. The patterns that exist in this
 * family are [class], [class]+, \s?[class]+, \s+ and \s+$; nothing else is accepted. */
struct engine_split {
	enum { SPLIT_CLASS, SPLIT_SPACE, SPLIT_NUMERIC } kind;
	bool lead;                         /* \s? in front */
	bool repeat;                       /* + */
	bool end;                          /* $ */
	const struct engine_range *ranges; /* SPLIT_CLASS: sorted, in the arena */
	size_t range_count;
};

struct engine_splits {
	struct engine_split list[ENGINE_SPLITS_MAX];
	int count;
};

/* Parses the regular expression of a Split. */
bool engine_split_parse(struct arena *a, const char *pattern, struct engine_split *out,
			struct err *e) MUST_CHECK;

/* Calls piece() for every piece of text, in order; stops where it returns false, and returns that.
 * text is valid UTF-8. */
typedef bool engine_piece_fn(void *data, const char *piece, size_t length);
bool engine_splits_run(const struct engine_splits *s, const char *text, size_t length,
		       engine_piece_fn *piece, void *data);

#endif
