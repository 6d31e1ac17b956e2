/* What a model knows by name: concepts.json beside its weights, and the rule by which a prompt is checked
 * against it before it is drawn. A small model draws what it has seen and nonsense otherwise; a clear
 * "not yet" is better than nonsense.
 *
 * The rule
 * --------
 * A prompt is drawable when at least one known concept is named in it.
 * - Words of a Latin alphabet: a concept's name must stand as whole words, in any case, singular or plural
 *   ("two red apples" names "red apple").
 * - Korean, Japanese, Chinese: a name may stand anywhere in the text, because particles stick to nouns and
 *   words are not spaced ("사과를" names "사과"). A name of one Hangul syllable must begin a word and be
 *   followed by its end or by a particle ("배를" names "배", "배경" does not); a name of one kana must
 *   stand between characters that are none.
 * - At each place the longest name wins ("red apple" before "apple"), and places don't overlap.
 * Otherwise the nearest names are offered: those of the same script that share most trigrams of letters
 * with a word of the prompt, a quarter of them at least: what is meant is often written so, what only begins alike is
 * not. Where none is so near, the first names of some concepts are, and said to be examples.
 *
 * A thing may have kinds ("portrait": so many people), each with traits that can be said of it ("woman", "glasses"). Where
 * such a thing is named, its traits are no things of their own: "a portrait of a woman with glasses" is of one thing.
 *
 * Read-only after it is opened: any thread. */
#ifndef MADANG_ENGINE_LEXICON_H
#define MADANG_ENGINE_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct engine_lexicon;

/* Reads DIR/concepts.json: {"concepts": [{"id": "1F34E", "en": ["red apple", "apple"], "ko": […],
 * "ja": […]}, …], "words": ["red", "background", …]}; words, which need not be there, are what can be said of a
 * concept: colours, places, numbers, styles; "numbers": […], "places": […], "colours": […], "frames": […] and "styles": {"pixel": ["pixel art", …], …} say which of
 * them are those; "grounds": {"said": ["background", …], "colours": [{"rgb": [76, 134, 232], "en": ", blue background", "ko": …, "ja": …}, …]}
 * what is said of a ground, and what asks for one. A directory without the file gives true and *out NULL: that model takes any prompt. */
MUST_CHECK bool engine_lexicon_open(const char *dir, struct engine_lexicon **out, struct err *e);
void engine_lexicon_close(struct engine_lexicon *lexicon); /* NULL-safe */

size_t engine_lexicon_size(const struct engine_lexicon *lexicon); /* concepts */

/* The concept's id and its first English name (or its first name at all); borrowed. */
const char *engine_lexicon_id(const struct engine_lexicon *lexicon, size_t concept);
const char *engine_lexicon_name(const struct engine_lexicon *lexicon, size_t concept);

/* The concepts named in the prompt, in its order, at most `max` of them; returns how many were written. */
size_t engine_lexicon_find(const struct engine_lexicon *lexicon, const char *prompt,
			   size_t *concepts, size_t max);

/* The same, but a name that is said as a colour or a place is none ("orange" in "an orange cat", "beach" in "a cat
 * on the beach") where anything else is named, and one that is said as a trait none beside a thing of kinds; nor is what
 * holds a picture ("a photo of a cat"). */
size_t engine_lexicon_things(const struct engine_lexicon *lexicon, const char *prompt,
			     size_t *concepts, size_t max);

/* Whether the prompt names a thing: "in ink style" doesn't, though a face is called "style" too. */
bool engine_lexicon_names(const struct engine_lexicon *lexicon, const char *prompt);

/* Rows: the concepts, then the kinds of those that have some, in the file's order. */
size_t engine_lexicon_rows(const struct engine_lexicon *lexicon);

/* How many kinds of the concept there are and the row of the first; a concept without kinds is its own. */
size_t engine_lexicon_kinds(const struct engine_lexicon *lexicon, size_t concept, size_t *first);

/* The traits that the prompt says, and those of a row, a bit each; how well the row suits what is said: what it is
 * counts for more than all else. */
uint64_t engine_lexicon_traits(const struct engine_lexicon *lexicon, const char *prompt);
uint64_t engine_lexicon_traits_of(const struct engine_lexicon *lexicon, size_t row);
unsigned engine_lexicon_suits(const struct engine_lexicon *lexicon, size_t row, uint64_t said);

/* The prompt without the traits that it says of a thing of kinds, but for those that are the thing's name: "portrait of a woman with "
 * of one with red hair. Appended to `out`. */
void engine_lexicon_bare(const struct engine_lexicon *lexicon, const char *prompt, struct buf *out);

/* The concept that a row is of, and that concept's first name in the prompt's language (or its first name at all); borrowed. */
size_t engine_lexicon_concept(const struct engine_lexicon *lexicon, size_t row);
const char *engine_lexicon_name_for(const struct engine_lexicon *lexicon, size_t concept,
				    const char *prompt);

/* Whether the prompt says a ground ("on a blue background"); and what is to be put after it so that it asks for the ground nearest
 * to a colour, in its language: ", blue background"; borrowed; "" for the ground that nobody need ask for, and where
 * the file has no "grounds". */
bool engine_lexicon_grounds(const struct engine_lexicon *lexicon, const char *prompt);
const char *engine_lexicon_ground(const struct engine_lexicon *lexicon, const char *prompt,
				  const uint8_t *rgb);

/* Whether the prompt says a number; whether it says a place ("at the beach"). */
bool engine_lexicon_counts(const struct engine_lexicon *lexicon, const char *prompt);
bool engine_lexicon_places(const struct engine_lexicon *lexicon, const char *prompt);

/* The style that the prompt names in words, by the model's name for it; borrowed; NULL: none. */
const char *engine_lexicon_style(const struct engine_lexicon *lexicon, const char *prompt);

/* The prompt in words that the model was taught, which draws one thing with its colour, its number or its place, or two.
 * - What the file's "instead" has ({"below": ["under", …], …}) is put in its place, but for within a longer name or saying.
 * - Of two things, what stands between them, or in Korean and Japanese behind them, is said as "between" has it ("케이크와 커피":
 *   "케이크, 커피"), or, where it says nothing that is known ("a dog chasing a cat"), that they are beside one another.
 * - Colours, numbers and places of two things are left out, and so are further things; of several of a thing, its place. Of two
 *   English names that stand side by side ("a sleeping cat"), the first.
 * Appended to `out`. */
void engine_lexicon_plain(const struct engine_lexicon *lexicon, const char *prompt,
			  struct buf *out);

/* What of the prompt the model knows, concepts and words, in its order, with a blank between: what is left of
 * a prompt that has more tokens than the model reads. Appended to `out`. */
void engine_lexicon_gist(const struct engine_lexicon *lexicon, const char *prompt, struct buf *out);

#define ENGINE_LEXICON_LIST_BYTES 192

/* Up to three names with commas between, as they are offered to a person: a long one is cut. */
void engine_lexicon_list(const char *const *names, size_t count,
			 char list[ENGINE_LEXICON_LIST_BYTES]);

/* The `max` names nearest to the prompt, nearest first, each of another concept; borrowed. Fewer where
 * there are fewer near ones. */
size_t engine_lexicon_near(const struct engine_lexicon *lexicon, const char *prompt,
			   const char **names, size_t max);

/* True where the prompt names something known (or lexicon is NULL); otherwise ERR_UNSUPPORTED and a
 * message that says "not yet" and offers the nearest names. */
MUST_CHECK bool engine_lexicon_check(const struct engine_lexicon *lexicon, const char *prompt,
				     struct err *e);

#endif
