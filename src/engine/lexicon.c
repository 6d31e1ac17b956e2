/* What a prompt names and says, by the tables that lexicon_load.c made: prompts are cut as the names were and looked up. Owns
 * nothing but what it frees itself; read-only after engine_lexicon_open. */
#include "engine/lexicon_impl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The first name with this key; NULL where there is none. */
static const struct name *look_up(const struct table *l, const char *key, size_t length)
{
	size_t low = 0, high = l->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncmp(l->names[middle].key, key, length);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == l->count || strncmp(l->names[low].key, key, length) != 0 ||
	    l->names[low].key[length] != '\0')
		return NULL;
	return &l->names[low];
}

size_t engine_lexicon_size(const struct engine_lexicon *lexicon)
{
	return lexicon->count;
}

const char *engine_lexicon_id(const struct engine_lexicon *lexicon, size_t concept)
{
	return lexicon->concepts[concept].id;
}

const char *engine_lexicon_name(const struct engine_lexicon *lexicon, size_t concept)
{
	return lexicon->concepts[concept].name;
}

/* The longest spaced name that begins with words[first]; *end is where it ends in the text. */
static const struct name *match_spaced(const struct table *l, const char *text,
				       const struct word *words, size_t count, size_t first,
				       size_t *end)
{
	char key[LEXICON_NAME_BYTES_MAX + 1];
	const struct name *best = NULL;
	size_t at = 0;
	for (size_t i = first; i < count && i < first + LEXICON_SPACED_WORDS_MAX; i++) {
		size_t length = words[i].end - words[i].start;
		if (at + length + 2 > sizeof key)
			break;
		if (i > first)
			key[at++] = ' ';
		at = engine_lexicon_add_singular(key, at, text + words[i].start, length);
		const struct name *n = look_up(l, key, at);
		if (n) {
			best = n;
			*end = words[i].end;
		}
	}
	return best;
}

bool engine_lexicon_is_particle(const char *s, size_t length)
{
	static const char *const particles[] = {
	    "은",   "는",   "이",   "가",   "을",   "를",   "와",   "과",   "의",   "에",
	    "도",   "로",   "만",   "랑",   "들",   "야",   "들이", "들을", "들과", "들은",
	    "들의", "하고", "으로", "에서", "이랑", "에게", "처럼", "보다", "까지", "부터",
	    "에는", "에도", "한테", "이나", "위에", "옆에", "안에"};
	for (size_t i = 0; i < sizeof particles / sizeof *particles; i++)
		if (strlen(particles[i]) == length && memcmp(particles[i], s, length) == 0)
			return true;
	return false;
}

static size_t run_end(const char *text, size_t length, size_t at, enum script script)
{
	size_t bytes;
	while (at < length && engine_lexicon_script_at(text, length, at, &bytes) == script)
		at += bytes;
	return at;
}

static bool follows(const char *text, size_t length, size_t at, enum script script)
{
	size_t before = at, bytes;
	if (at == 0)
		return false;
	do
		before--;
	while (before > 0 && ((unsigned char)text[before] & 0xc0) == 0x80);
	return engine_lexicon_script_at(text, length, before, &bytes) == script;
}

/* Whether a name of one character may be meant at text[at, end): see the rule in the header. */
static bool stands_alone(const char *text, size_t length, size_t at, size_t end)
{
	size_t bytes;
	enum script script = engine_lexicon_script_at(text, length, at, &bytes);
	if (at + bytes != end || (script != SCRIPT_HANGUL && script != SCRIPT_KANA))
		return true;
	if (follows(text, length, at, script))
		return false;
	size_t rest = run_end(text, length, end, script);
	return rest == end ||
	       (script == SCRIPT_HANGUL && engine_lexicon_is_particle(text + end, rest - end));
}

/* The longest unspaced name that begins at text[at]; the text is lower case. */
static const struct name *match_unspaced(const struct table *l, const char *text, size_t length,
					 size_t at, size_t *end)
{
	const struct name *best = NULL;
	size_t bytes, stop = at + l->key_bytes_max < length ? at + l->key_bytes_max : length;
	for (size_t to = at; to < stop;) {
		engine_lexicon_script_at(text, length, to, &bytes);
		to += bytes;
		const struct name *n = look_up(l, text + at, to - at);
		if (n && n->script > SCRIPT_LATIN && stands_alone(text, length, at, to)) {
			best = n;
			*end = to;
		}
	}
	return best;
}

static size_t add_once(size_t *concepts, size_t count, size_t max, size_t concept)
{
	for (size_t i = 0; i < count; i++)
		if (concepts[i] == concept)
			return count;
	if (count < max)
	concepts[count++] = concept;
	return count;
}

/* A way through a text: what it names, from its beginning to its end. */
struct walk {
	char *text; /* lower case */
	size_t length, at;
	struct word words[LEXICON_WORDS_MAX];
	size_t count, next;
};

static void walk_init(struct walk *w, const char *prompt)
{
	*w = (struct walk){.length = strlen(prompt), .text = malloc(strlen(prompt) + 1)};
	if (!w->text)
		abort();
	for (size_t i = 0; i <= w->length; i++)
		w->text[i] = str_lower(prompt[i]);
	w->count = engine_lexicon_split(w->text, w->length, w->words, LEXICON_WORDS_MAX);
}

/* The longest name of the table that begins here; *end is where it ends. */
static const struct name *match(const struct table *t, const struct walk *w, bool word, size_t *end)
{
	const struct name *n = NULL, *other;
	size_t longer = w->at;
	*end = w->at;
	if (word)
		n = match_spaced(t, w->text, w->words, w->count, w->next, end);
	other = match_unspaced(t, w->text, w->length, w->at, &longer);
	if (other && longer > *end) {
		n = other;
		*end = longer;
	}
	return n;
}

/* The next thing named in the text, of `names` or, where it is given and nothing of names stands there, of
 * `also`, which in Korean begins a word; it ends at w->at. NULL at the text's end. */
static const struct name *walk_next(struct walk *w, const struct table *names,
				    const struct table *also, size_t *start)
{
	while (w->at < w->length) {
		size_t bytes, end;
		bool word =
		    engine_lexicon_script_at(w->text, w->length, w->at, &bytes) == SCRIPT_LATIN;
		while (w->next < w->count && w->words[w->next].start < w->at)
			w->next++;
		word = word && w->next < w->count && w->words[w->next].start == w->at;
		const struct name *n = match(names, w, word, &end);
		if (!n && also && !follows(w->text, w->length, w->at, SCRIPT_HANGUL))
			n = match(also, w, word, &end);
		*start = w->at;
		w->at = n ? end : word ? w->words[w->next].end : w->at + bytes;
		if (n)
			return n;
	}
	return NULL;
}

size_t engine_lexicon_find(const struct engine_lexicon *lexicon, const char *prompt,
			   size_t *concepts, size_t max)
{
	struct walk w;
	const struct name *n;
	size_t found = 0, start;
	walk_init(&w, prompt);
	while (found < max && (n = walk_next(&w, &lexicon->names, NULL, &start)))
		found = add_once(concepts, found, max, n->concept);
	free(w.text);
	return found;
}

size_t engine_lexicon_said(const struct table *t, const char *text, struct said *said, size_t max)
{
	struct walk w;
	const struct name *n;
	size_t count = 0, start;
	walk_init(&w, text);
	while (count < max && (n = walk_next(&w, t, NULL, &start)))
		said[count++] = (struct said){{start, w.at}, n};
	free(w.text);
	return count;
}

/* Where words of no concept stand in the text: [start, end) of each, in order; returns how many. */
static size_t spans_of(const struct table *words, const char *prompt, struct word *spans)
{
	struct said said[LEXICON_WORDS_MAX];
	size_t count = engine_lexicon_said(words, prompt, said, LEXICON_WORDS_MAX);
	for (size_t i = 0; i < count; i++)
		spans[i] = said[i].at;
	return count;
}

/* Whether a thing of several kinds is named. */
static bool names_kinds(const struct engine_lexicon *l, const char *prompt)
{
	struct walk w;
	const struct name *n;
	size_t start;
	walk_init(&w, prompt);
	do
		n = l->kinds_count ? walk_next(&w, &l->names, NULL, &start) : NULL;
	while (n && !l->concepts[n->concept].kinds);
	free(w.text);
	return n != NULL;
}

static bool within(const struct word *spans, size_t count, size_t start, size_t end)
{
	for (size_t i = 0; i < count; i++)
		if (spans[i].start <= start && end <= spans[i].end)
			return true;
	return false;
}

/* Of the things of a text those that are in the picture, if there are such: "photo" is not in "a photo of a cat". */
static size_t without_frames(const struct engine_lexicon *l, const char *text, struct said *things,
			     size_t count)
{
	struct word frames[LEXICON_WORDS_MAX];
	size_t frame_count = spans_of(&l->frames, text, frames), kept = 0;
	for (size_t i = 0; i < count; i++)
		if (!within(frames, frame_count, things[i].at.start, things[i].at.end))
			things[kept++] = things[i];
	return kept ? kept : count;
}

size_t engine_lexicon_said_things(const struct engine_lexicon *l, const char *text,
				  struct said *said, size_t max)
{
	struct word words[LEXICON_WORDS_MAX], traits[LEXICON_WORDS_MAX];
	size_t words_count = spans_of(&l->words, text, words), traits_count = 0, found = 0, start;
	struct walk w;
	const struct name *n;
	if (names_kinds(l, text))
		traits_count = spans_of(&l->traits, text, traits);
	walk_init(&w, text);
	while (found < max && (n = walk_next(&w, &l->names, NULL, &start)))
		if (l->concepts[n->concept].kinds || (!within(words, words_count, start, w.at) &&
						      !within(traits, traits_count, start, w.at)))
			said[found++] = (struct said){{start, w.at}, n};
	free(w.text);
	return without_frames(l, text, said, found);
}

static size_t things(const struct engine_lexicon *lexicon, const char *prompt, size_t *concepts,
		     size_t max)
{
	struct said said[LEXICON_WORDS_MAX];
	size_t count = engine_lexicon_said_things(lexicon, prompt, said, LEXICON_WORDS_MAX);
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found = add_once(concepts, found, max, said[i].name->concept);
	return found;
}

size_t engine_lexicon_things(const struct engine_lexicon *lexicon, const char *prompt,
			     size_t *concepts, size_t max)
{
	size_t found = things(lexicon, prompt, concepts, max);
	return found ? found : engine_lexicon_find(lexicon, prompt, concepts, max < 1 ? max : 1);
}

bool engine_lexicon_names(const struct engine_lexicon *lexicon, const char *prompt)
{
	size_t concept;
	return things(lexicon, prompt, &concept, 1) > 0;
}

void engine_lexicon_bare(const struct engine_lexicon *lexicon, const char *prompt, struct buf *out)
{
	struct word traits[LEXICON_WORDS_MAX];
	size_t count =
	    names_kinds(lexicon, prompt) ? spans_of(&lexicon->traits, prompt, traits) : 0;
	size_t at = 0, start;
	struct walk w;
	const struct name *n;
	walk_init(&w, prompt);
	while (count && (n = walk_next(&w, &lexicon->names, NULL, &start)))
		for (size_t i = 0; i < count && lexicon->concepts[n->concept].kinds; i++)
			if (start <= traits[i].start && traits[i].end <= w.at)
				traits[i].end = traits[i].start; /* it is the name */
	free(w.text);
	for (size_t i = 0; i < count; i++) {
		buf_add(out, prompt + at, traits[i].start - at);
		at = traits[i].end;
	}
	buf_add_str(out, prompt + at);
}

size_t engine_lexicon_rows(const struct engine_lexicon *lexicon)
{
	return lexicon->count + lexicon->kinds_count;
}

size_t engine_lexicon_kinds(const struct engine_lexicon *lexicon, size_t concept, size_t *first)
{
	const struct concept *c = &lexicon->concepts[concept];
	*first = c->kinds ? lexicon->count + c->kinds_first : concept;
	return c->kinds ? c->kinds : 1;
}

uint64_t engine_lexicon_traits(const struct engine_lexicon *lexicon, const char *prompt)
{
	struct walk w;
	const struct name *n;
	size_t start;
	uint64_t said = 0;
	walk_init(&w, prompt);
	while ((n = walk_next(&w, &lexicon->traits, NULL, &start)))
	said |= UINT64_C(1) << n->concept;
	free(w.text);
	return said;
}

uint64_t engine_lexicon_traits_of(const struct engine_lexicon *lexicon, size_t row)
{
	return row < lexicon->count ? 0 : lexicon->kinds[row - lexicon->count].traits;
}

unsigned engine_lexicon_suits(const struct engine_lexicon *lexicon, size_t row, uint64_t said)
{
	if (row < lexicon->count)
		return 0;
	const struct kind *k = &lexicon->kinds[row - lexicon->count];
	uint64_t has = said & k->traits;
	return (unsigned)__builtin_popcountll(has) + (has >> k->what & 1 ? LEXICON_TRAITS_MAX : 0);
}

/* Whether one of these words is said by itself: "four" is not in "four leaf clover", which is a name. */
static bool says(const struct engine_lexicon *l, const struct table *words, const char *prompt)
{
	struct word spans[LEXICON_WORDS_MAX], named[LEXICON_WORDS_MAX];
	size_t count = spans_of(words, prompt, spans);
	size_t names = count ? spans_of(&l->names, prompt, named) : 0;
	for (size_t i = 0; i < count; i++) {
		bool inside = false;
		for (size_t k = 0; k < names; k++)
			inside =
			    inside ||
			    (named[k].start <= spans[i].start && spans[i].end <= named[k].end &&
			     named[k].end - named[k].start > spans[i].end - spans[i].start);
		if (!inside)
			return true;
	}
	return false;
}

size_t engine_lexicon_concept(const struct engine_lexicon *lexicon, size_t row)
{
	size_t concept = 0;
	if (row < lexicon->count)
		return row;
	row -= lexicon->count;
	while (row - lexicon->concepts[concept].kinds_first >= lexicon->concepts[concept].kinds)
	concept ++;
	return concept;
}

const char *engine_lexicon_name_for(const struct engine_lexicon *lexicon, size_t concept,
				    const char *prompt)
{
	const struct concept *c = &lexicon->concepts[concept];
	enum script script = engine_lexicon_script_of(prompt);
	bool japanese = script == SCRIPT_KANA || script == SCRIPT_IDEOGRAPH;
	const char *name = c->first[script];
	if (!name && japanese)
		name = c->first[script == SCRIPT_KANA ? SCRIPT_IDEOGRAPH : SCRIPT_KANA];
	return name ? name : c->name;
}

bool engine_lexicon_grounds(const struct engine_lexicon *lexicon, const char *prompt)
{
	return says(lexicon, &lexicon->grounds, prompt);
}

const char *engine_lexicon_ground(const struct engine_lexicon *lexicon, const char *prompt,
				  const uint8_t *rgb)
{
	const struct ground *best = NULL;
	int least = 0;
	for (size_t i = 0; i < lexicon->colours_count; i++) {
		const struct ground *g = &lexicon->colours[i];
		int far = 0;
		for (int c = 0; c < 3; c++)
			far += (g->rgb[c] - rgb[c]) * (g->rgb[c] - rgb[c]);
		if (!best || far < least)
			best = g, least = far;
	}
	return best ? best->words[engine_lexicon_script_of(prompt)] : "";
}

bool engine_lexicon_counts(const struct engine_lexicon *lexicon, const char *prompt)
{
	return says(lexicon, &lexicon->numbers, prompt);
}

bool engine_lexicon_places(const struct engine_lexicon *lexicon, const char *prompt)
{
	return says(lexicon, &lexicon->places, prompt);
}

const char *engine_lexicon_style(const struct engine_lexicon *lexicon, const char *prompt)
{
	struct walk w;
	size_t start;
	walk_init(&w, prompt);
	const struct name *n = walk_next(&w, &lexicon->styles, NULL, &start);
	free(w.text);
	return n ? lexicon->style_names[n->concept] : NULL;
}

void engine_lexicon_gist(const struct engine_lexicon *lexicon, const char *prompt, struct buf *out)
{
	struct walk w;
	size_t start;
	walk_init(&w, prompt);
	for (bool first = true; walk_next(&w, &lexicon->names, &lexicon->kept, &start);
	     first = false) {
		if (!first)
			buf_add_char(out, ' ');
		buf_add(out, prompt + start, w.at - start);
	}
	free(w.text);
}
