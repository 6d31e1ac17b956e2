/* Reading the two large parts of tokenizer.json, model.vocab and model.merges, without a tree of a
 * hundred thousand small allocations: they are cut out of the text before the rest is parsed, and read
 * from beginning to end. For text_load.c only. */
#ifndef MADANG_ENGINE_TEXT_JSON_H
#define MADANG_ENGINE_TEXT_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_text_span {
	const char *text; /* NULL: not found */
	size_t length;
};

/* Finds model.vocab and model.merges and appends the text without them ({} and [] in their places) to
 * rest. What is not well formed is not found, or stays in the rest for the JSON parser to refuse. */
void engine_text_cut(const char *json, size_t length, struct engine_text_span *vocab,
		     struct engine_text_span *merges, struct buf *rest);

/* A reader of one span. `bad` sticks; look at it at the end. */
struct engine_text_reader {
	const char *at, *end;
	bool first; /* no comma before the next element */
	bool bad;
};

/* Begins to read the span, which must be an object ('{') or a list ('['). */
void engine_text_read(struct engine_text_reader *r, struct engine_text_span span, char open);
/* Is there one more element before the closing character? Eats the comma, or the end. */
bool engine_text_more(struct engine_text_reader *r, char close);
/* The character that comes next, behind white space; 0 at the end. */
char engine_text_peek(struct engine_text_reader *r);
/* Eats this character, or the text is bad. */
void engine_text_expect(struct engine_text_reader *r, char c);
/* A string as UTF-8 of at most size bytes, not terminated; returns its length. */
size_t engine_text_string(struct engine_text_reader *r, char *out, size_t size);
/* A whole number from 0 to 2^31 - 1. */
int32_t engine_text_number(struct engine_text_reader *r);

#endif
