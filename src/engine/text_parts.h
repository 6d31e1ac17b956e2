/* What a tokenizer is made of; shared by text.c (uses it) and text_load.c (makes it). */
#ifndef MADANG_ENGINE_TEXT_PARTS_H
#define MADANG_ENGINE_TEXT_PARTS_H

#include "engine/text.h"
#include "engine/text_bpe.h"
#include "engine/text_split.h"

#define ENGINE_TEMPLATE_MAX 8

enum engine_token_kind { TOKEN_NONE, TOKEN_VOCAB, TOKEN_ADDED, TOKEN_SPECIAL };

struct engine_token {
	const char *content; /* VOCAB: in the alphabet of the byte table */
	uint32_t length;
	enum engine_token_kind kind;
};

struct engine_added {
	const char *content;
	size_t length;
	int32_t id;
	bool late; /* "normalized": looked for in what the others leave */
};

struct engine_text {
	struct arena *arena;
	struct engine_token *tokens; /* by id */
	int32_t token_count;
	uint32_t *index; /* hash of content -> id + 1; 0: empty */
	uint32_t index_mask;
	struct engine_added *added; /* by first byte, then falling length */
	size_t added_count;
	struct {
		uint32_t first, count;
	} added_by_byte[256];
	struct engine_splits splits;
	struct engine_bpe bpe;
	int32_t before[ENGINE_TEMPLATE_MAX], after[ENGINE_TEMPLATE_MAX];
	size_t before_count, after_count;
};

/* The GPT-2 byte table: printable bytes stand for themselves, the others for U+0100 and on. */
uint32_t engine_byte_to_code(unsigned char byte);
int engine_code_to_byte(uint32_t code); /* -1: not in the table */

/* UTF-8 of a code below U+0800; returns its 1 or 2 bytes. */
size_t engine_utf8_put(char *out, uint32_t code);

uint32_t engine_text_hash(const char *content, size_t length);

/* The id whose content this is, -1 where there is none. */
int32_t engine_text_find(const struct engine_text *t, const char *content, size_t length);

#endif
