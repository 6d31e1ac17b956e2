/* The text tokenizer: tokenizer.json, byte-level BPE (SPEC: added tokens, Split by code-point
 * ranges, Digits, ByteLevel). Immutable once open: any number of threads may encode and decode. */
#ifndef MADANG_ENGINE_TEXT_H
#define MADANG_ENGINE_TEXT_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define ENGINE_TEXT_BYTES_MAX (64 * 1024) /* a text to encode */

struct engine_text;

struct engine_text *engine_text_open(const char *path, struct err *e) MUST_CHECK;
struct engine_text *engine_text_parse(const char *json, size_t length, struct err *e) MUST_CHECK;
void engine_text_close(struct engine_text *t); /* NULL-safe */

/* The id of an added token or a vocabulary entry by its content; -1 where there is none. */
int32_t engine_text_id(const struct engine_text *t, const char *content);
/* One more than the largest id. */
int32_t engine_text_vocab(const struct engine_text *t);

struct engine_text_options {
	/* The post-processor's template: BOS in front, where tokenizer.json says so. */
	bool template;
	/* Added tokens written out in the text ("<|User|>") become their ids. Leave false for what
	 * a person typed: then they are ordinary characters and no prompt can forge a control
	 * token. */
	bool specials;
};

/* text: UTF-8, not necessarily terminated; invalid UTF-8 is ERR_INVALID, more than
 * ENGINE_TEXT_BYTES_MAX bytes or more than ids_max tokens ERR_TOO_LARGE. */
bool engine_text_encode(const struct engine_text *t, struct engine_text_options options,
			const char *text, size_t length, int32_t *ids, size_t ids_max,
			size_t *count, struct err *e) MUST_CHECK;

/* Appends the text of the ids; special tokens and ids that do not exist are left out. What the
 * bytes of single tokens cannot complete to UTF-8 becomes U+FFFD. */
void engine_text_decode(const struct engine_text *t, const int32_t *ids, size_t count,
			struct buf *out);

#endif
