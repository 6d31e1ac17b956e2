/* Inside the lexicon: what lexicon_load.c reads, lexicon.c looks up and lexicon_near.c compares. Nobody else includes this. */
#ifndef MADANG_ENGINE_LEXICON_IMPL_H
#define MADANG_ENGINE_LEXICON_IMPL_H

#include "base/arena.h"
#include "engine/lexicon.h"

#define LEXICON_NAME_BYTES_MAX   200
#define LEXICON_WORDS_MAX        256 /* of a prompt; what follows is not looked at */
#define LEXICON_SPACED_WORDS_MAX 8   /* of a name */
#define LEXICON_TRAITS_MAX       64

enum script { SCRIPT_NONE, SCRIPT_LATIN, SCRIPT_HANGUL, SCRIPT_KANA, SCRIPT_IDEOGRAPH, SCRIPTS };

struct name {
	const char *text; /* as the file has it */
	const char *key;
	size_t concept;
	enum script script; /* of its first letter that is not Latin, or LATIN */
};

struct concept {
	const char *id, *name;
	const char *first[SCRIPTS]; /* its first name in each script; NULL: it has none */
	size_t kinds_first, kinds;  /* in the lexicon's kinds */
};

struct kind {
	uint64_t traits; /* a bit each, in the order of the file */
	unsigned what;   /* which of them is its first: what it is before all */
};

struct ground {
	uint8_t rgb[3];
	const char *words[SCRIPTS]; /* that ask for it; "" where nobody need say it */
};

struct table {
	struct name *names; /* by key */
	size_t count, key_bytes_max;
};

struct engine_lexicon {
	struct arena *arena;
	struct concept *concepts;
	size_t count;
	struct kind *kinds;
	size_t kinds_count;
	struct table names;
	struct table words;  /* of no concept: colours, places, numbers, styles */
	struct table traits; /* a trait's `concept` is its number */
	struct table kept;   /* words and traits */
	const char **trait_names;
	size_t trait_count;
	struct table numbers, places, tints,
	    styles; /* some of them again; a style's `concept` is its style */
	const char **style_names;
	struct table grounds; /* what says one */
	/* What is said instead of what the model was taught, anywhere and between two things; `concept` is the number of
	 * what is put in its place. */
	struct table instead, between;
	struct table frames; /* what holds a picture: "photo" */
	const char **instead_words, **between_words;
	struct ground *colours;
	size_t colours_count;
};

struct word {
	size_t start, end; /* in the text */
};

/* Where a name stands in a text. */
struct said {
	struct word at;
	const struct name *name;
};

/* All names of a table in the text, in its order; returns how many. */
size_t engine_lexicon_said(const struct table *t, const char *text, struct said *said, size_t max);
/* The things among them: what is named by a word that says nothing else. */
size_t engine_lexicon_said_things(const struct engine_lexicon *l, const char *text,
				  struct said *said, size_t max);

/* What may follow a one-syllable noun of Korean within its word. */
bool engine_lexicon_is_particle(const char *s, size_t length);

/* Names and prompts are cut alike. The script of the character at text[at] and its bytes; a broken byte is a character of no
 * script. */
enum script engine_lexicon_script_at(const char *text, size_t length, size_t at, size_t *bytes);
/* Of its first letter that is not Latin; else LATIN; else NONE. */
enum script engine_lexicon_script_of(const char *text);
/* The words of a text: [start, end) of each, at most `max`; returns how many. */
size_t engine_lexicon_split(const char *text, size_t length, struct word *words, size_t max);
/* Appends a word of a Latin alphabet as a key has it. */
size_t engine_lexicon_add_singular(char *key, size_t at, const char *word, size_t length);

#endif
