/* How text is cut into words for searching, the same for what is kept and for what is asked. Letters of alphabets
 * make words; Korean, Japanese and Chinese have no spaces to rely on, so each run of them becomes pairs of
 * characters: "그림자" is 그림 림자 and, at the end of the run, 자. Two syllables are one look-up, one is the
 * beginning of a pair. */
#ifndef MADANG_APP_WORDS_H
#define MADANG_APP_WORDS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the words of text, each with `prefix` before it and a space behind. */
void words_add(struct buf *out, const char *text, const char *prefix);

/* What text is asked for: its parts, each a phrase of words. `open`: the last word of the phrase may go on. */
struct words_phrase {
	char words[256]; /* one space between */
	bool open;
};
/* Returns how many; what does not fit is left out. */
size_t words_ask(const char *text, struct words_phrase *out, size_t room);

#endif
