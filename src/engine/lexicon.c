/* Owns the names of a model's concepts, in an arena of its own: two kinds of keys in one sorted table.
 * A spaced (Latin) name's key is its words, lower case and singular, joined by one blank; an unspaced
 * name's key is its text, ASCII lower case. Prompts are cut the same way and looked up. Read-only after
 * engine_lexicon_open. */
#include "engine/lexicon.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"
#include "json/read.h"

#define FILE_BYTES_MAX     ((size_t)8 << 20)
#define ARENA_BYTES_MAX    ((size_t)128 << 20)
#define NAME_BYTES_MAX     200
#define WORDS_MAX          256 /* of a prompt; what follows is not looked at */
#define SPACED_WORDS_MAX   8   /* of a name */
#define TRIGRAMS_MAX       256
#define EXAMPLES           3
#define TRAITS_MAX         64
#define KINDS_MAX          4096
#define NEAR_MIN           0.3 /* share of trigrams above which a name may be what was meant */
#define PROMPT_SHOWN_BYTES 60

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
	struct table numbers, places,
	    styles; /* some of them again; a style's `concept` is its style */
	const char **style_names;
	struct table grounds; /* what says one */
	struct ground *colours;
	size_t colours_count;
};

struct word {
	size_t start, end; /* in the text */
};

static enum script script_of(uint32_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= 0xc0 && c <= 0x24f))
		return SCRIPT_LATIN;
	if ((c >= 0x1100 && c <= 0x11ff) || (c >= 0x3130 && c <= 0x318f) ||
	    (c >= 0xac00 && c <= 0xd7a3))
		return SCRIPT_HANGUL;
	if (c >= 0x3041 && c <= 0x30ff)
		return SCRIPT_KANA;
	if ((c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0x20000 && c <= 0x3ffff))
		return SCRIPT_IDEOGRAPH;
	return SCRIPT_NONE;
}

/* The script of the character at text[at] and its bytes; a broken byte is a character of no script. */
static enum script script_at(const char *text, size_t length, size_t at, size_t *bytes)
{
	uint32_t c = 0;
	*bytes = at < length ? str_utf8_next(text + at, length - at, &c) : 0;
	if (*bytes == 0) {
		*bytes = 1;
		return SCRIPT_NONE;
	}
	return script_of(c);
}

static enum script script_of_text(const char *text)
{
	size_t length = strlen(text), bytes;
	enum script found = SCRIPT_NONE;
	for (size_t at = 0; at < length; at += bytes) {
		enum script s = script_at(text, length, at, &bytes);
		if (s > SCRIPT_LATIN)
			return s;
		if (s == SCRIPT_LATIN)
			found = s;
	}
	return found;
}

static bool ends(const char *w, size_t n, const char *with)
{
	size_t length = strlen(with);
	return n > length && memcmp(w + n - length, with, length) == 0;
}

/* Appends the word, lower case and singular: "Cherries" gives "cherry", "boxes" "box", "taxis" "taxi". What
 * matters is that a name and a prompt are cut alike, not that the result is a word: "rose" gives "ros", because "roses"
 * could be of either. */
static size_t add_singular(char *key, size_t at, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		key[at + i] = str_lower(word[i]);
	char *w = key + at;
	size_t n = length;
	if (n > 4 && ends(w, n, "ies")) {
		w[n - 3] = 'y';
		n -= 2;
	} else if (n > 3 && w[n - 1] == 's' && !strchr("su", w[n - 2])) {
		n -= 1;
	}
	if (n > 3 && ends(w, n, "ie")) {
		w[n - 2] = 'y';
		n -= 1;
	} else if (n > 3 && w[n - 1] == 'e' &&
		   (strchr("sxz", w[n - 2]) || ends(w, n, "che") || ends(w, n, "she"))) {
		n -= 1;
	}
	if (n > 3 && ends(w, n, "is"))
		n -= 1;
	return at + n;
}

/* Cuts runs of Latin letters and digits out of the text. */
static size_t split_words(const char *text, size_t length, struct word *words, size_t max)
{
	size_t count = 0, bytes;
	bool inside = false;
	for (size_t at = 0; at < length; at += bytes) {
		bool latin = script_at(text, length, at, &bytes) == SCRIPT_LATIN;
		if (latin && !inside) {
			if (count == max)
				return count;
			words[count++].start = at;
		}
		if (latin)
			words[count - 1].end = at + bytes;
		inside = latin;
	}
	return count;
}

static const char *make_key(struct arena *a, const char *text, enum script script)
{
	size_t length = strlen(text), at = 0;
	char *key = arena_alloc(a, length + 1);
	if (script > SCRIPT_LATIN) {
		for (size_t i = 0; i < length; i++)
			key[i] = str_lower(text[i]);
		return key;
	}
	struct word words[SPACED_WORDS_MAX];
	size_t count = split_words(text, length, words, SPACED_WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (i)
			key[at++] = ' ';
		at = add_singular(key, at, text + words[i].start, words[i].end - words[i].start);
	}
	key[at] = '\0';
	return key;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : (x->concept > y->concept) - (x->concept < y->concept);
}

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

static bool add_name(struct engine_lexicon *l, struct table *table, const struct json_value *v,
		     struct name n, struct err *e)
{
	if (v->kind != JSON_KIND_STR || v->length == 0 || v->length > NAME_BYTES_MAX)
		return err_set(e, ERR_INVALID, "a name that is not 1 to %d bytes", NAME_BYTES_MAX);
	n.text = v->s;
	n.script = script_of_text(v->s);
	n.key = make_key(l->arena, v->s, n.script);
	if (*n.key == '\0')
		return true; /* a name without letters can't be asked for */
	if (strlen(n.key) > table->key_bytes_max)
		table->key_bytes_max = strlen(n.key);
	table->names[table->count++] = n;
	return true;
}

static bool add_concept_name(struct engine_lexicon *l, const struct json_value *v,
			     struct concept *c, struct err *e)
{
	size_t before = l->names.count;
	struct name n = {.concept = (size_t)(c - l->concepts)};
	if (!add_name(l, &l->names, v, n, e))
		return err_context(e, "concepts.json: concept '%.40s'", c->id);
	if (!c->name && l->names.count > before)
		c->name = v->s;
	if (l->names.count > before) {
		const struct name *added = &l->names.names[before];
		if (!c->first[added->script])
			c->first[added->script] = added->text;
	}
	return true;
}

static bool add_concept(struct engine_lexicon *l, const struct json_value *v, struct err *e)
{
	struct concept *c = &l->concepts[l->count];
	c->id = json_get_str(v, "id", NULL);
	if (!c->id)
		return err_set(e, ERR_INVALID, "concepts.json: concept %zu has no id", l->count);
	for (size_t i = 0; i < v->length; i++) {
		const struct json_value *list = &v->members[i].value;
		if (list->kind != JSON_KIND_ARRAY || strcmp(v->members[i].name, "kinds") == 0)
			continue;
		const char *before = c->name;
		if (strcmp(v->members[i].name, "en") == 0)
			c->name = NULL; /* English goes first wherever it stands */
		for (size_t k = 0; k < list->length; k++)
			if (!add_concept_name(l, &list->items[k], c, e))
				return false;
		if (!c->name)
			c->name = before;
	}
	if (!c->name)
		return err_set(e, ERR_INVALID, "concepts.json: concept '%.40s' has no name", c->id);
	l->count++;
	return true;
}

static size_t count_strings(const struct json_value *v)
{
	size_t sum = v->kind == JSON_KIND_STR;
	for (size_t i = 0; v->kind == JSON_KIND_ARRAY && i < v->length; i++)
		sum += count_strings(&v->items[i]);
	for (size_t i = 0; v->kind == JSON_KIND_OBJECT && i < v->length; i++)
		sum += count_strings(&v->members[i].value);
	return sum;
}

/* ["red", "빨간", …] into a table that has room. */
static bool add_list(struct engine_lexicon *l, struct table *t, const struct json_value *list,
		     const char *key, size_t mark, struct err *e)
{
	if (list->kind != JSON_KIND_ARRAY)
		return err_set(e, ERR_INVALID, "concepts.json: \"%.40s\" is not a list", key);
	for (size_t i = 0; i < list->length; i++)
		if (!add_name(l, t, &list->items[i], (struct name){.concept = mark}, e))
			return err_context(e, "concepts.json: %.40s", key);
	return true;
}

static bool make_room(struct engine_lexicon *l, struct table *t, const struct json_value *v,
		      struct err *e)
{
	t->names = ARENA_ARRAY(l->arena, struct name, v ? count_strings(v) + 1 : 1);
	return t->names || err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
}

/* {"pixel": ["pixel art", …], …}: what asks for each of some, by name; the names go to *names. */
static bool add_named(struct engine_lexicon *l, struct table *t, const struct json_value *root,
		      const char *key, const char ***names, size_t *count, struct err *e)
{
	const struct json_value *map = json_get(root, key);
	if (!make_room(l, t, map, e))
		return false;
	if (!map)
		return true;
	if (map->kind != JSON_KIND_OBJECT)
		return err_set(e, ERR_INVALID, "concepts.json: \"%s\" is not an object", key);
	*names = ARENA_ARRAY(l->arena, const char *, map->length + 1);
	if (!*names)
		return err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
	for (*count = 0; *count < map->length; ++*count) {
		(*names)[*count] = map->members[*count].name;
		if (!add_list(l, t, &map->members[*count].value, key, *count, e))
			return false;
	}
	return true;
}

static bool trait_of(const struct engine_lexicon *l, const struct json_value *v, unsigned *trait)
{
	for (*trait = 0; v->kind == JSON_KIND_STR && *trait < l->trait_count; ++*trait)
		if (strcmp(l->trait_names[*trait], v->s) == 0)
			return true;
	return false;
}

/* [["woman", "glasses"], …]: the kinds of one concept, each by its traits. */
static bool add_kinds(struct engine_lexicon *l, struct concept *c, const struct json_value *list,
		      struct err *e)
{
	bool fits = list->kind == JSON_KIND_ARRAY && l->kinds_count + list->length <= KINDS_MAX;
	c->kinds_first = l->kinds_count;
	for (size_t i = 0; fits && i < list->length; i++) {
		const struct json_value *traits = &list->items[i];
		struct kind *k = &l->kinds[l->kinds_count++];
		unsigned trait;
		fits = traits->kind == JSON_KIND_ARRAY && traits->length > 0;
		for (size_t j = 0; fits && j < traits->length; j++) {
			fits = trait_of(l, &traits->items[j], &trait);
			k->traits |= fits ? UINT64_C(1) << trait : 0;
			k->what = j ? k->what : trait;
		}
	}
	c->kinds = l->kinds_count - c->kinds_first;
	return fits ||
	       err_set(e, ERR_INVALID,
		       "concepts.json: the kinds of '%.40s' are not %d lists of traits at most",
		       c->id, KINDS_MAX);
}

/* Things that there are several of, and what is said to have one rather than another. */
static bool add_traits(struct engine_lexicon *l, const struct json_value *root,
		       const struct json_value *concepts, struct err *e)
{
	if (!add_named(l, &l->traits, root, "traits", &l->trait_names, &l->trait_count, e))
		return false;
	if (l->trait_count > TRAITS_MAX)
		return err_set(e, ERR_INVALID, "concepts.json: more than %d traits", TRAITS_MAX);
	l->kinds = ARENA_ARRAY(l->arena, struct kind, KINDS_MAX);
	l->kept.names = ARENA_ARRAY(l->arena, struct name, l->words.count + l->traits.count + 1);
	if (!l->kinds || !l->kept.names)
		return err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
	for (size_t i = 0; i < concepts->length; i++) {
		const struct json_value *kinds = json_get(&concepts->items[i], "kinds");
		if (kinds && !add_kinds(l, &l->concepts[i], kinds, e))
			return false;
	}
	const struct table *both[] = {&l->words, &l->traits};
	for (size_t t = 0; t < 2; t++) {
		if (both[t]->count)
			memcpy(l->kept.names + l->kept.count, both[t]->names,
			       both[t]->count * sizeof *l->kept.names);
		l->kept.count += both[t]->count;
		if (l->kept.key_bytes_max < both[t]->key_bytes_max)
			l->kept.key_bytes_max = both[t]->key_bytes_max;
	}
	return true;
}

/* What may be said of a concept, and which of it are numbers, places and styles; not every model has them. */
static bool add_words(struct engine_lexicon *l, const struct json_value *root, struct err *e)
{
	const struct {
		const char *key;
		struct table *table;
	} lists[] = {{"words", &l->words}, {"numbers", &l->numbers}, {"places", &l->places}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const struct json_value *list = json_get(root, lists[i].key);
		if (!make_room(l, lists[i].table, list, e) ||
		    (list && !add_list(l, lists[i].table, list, lists[i].key, 0, e)))
			return false;
	}
	size_t styles;
	return add_named(l, &l->styles, root, "styles", &l->style_names, &styles, e);
}

static bool add_ground(struct engine_lexicon *l, const struct json_value *v, struct err *e)
{
	struct ground *g = &l->colours[l->colours_count++];
	const struct json_value *rgb = json_get(v, "rgb");
	bool fits = rgb && rgb->kind == JSON_KIND_ARRAY && rgb->length == 3;
	for (size_t i = 0; fits && i < 3; i++) {
		const struct json_value *part = &rgb->items[i];
		fits = part->kind == JSON_KIND_INT && part->integer >= 0 && part->integer <= 255;
		g->rgb[i] = fits ? (uint8_t)part->integer : 0;
	}
	if (!fits)
		return err_set(e, ERR_INVALID,
			       "concepts.json: grounds: number %zu has no \"rgb\" of three bytes",
			       l->colours_count - 1);
	const char *english = json_get_str(v, "en", "");
	for (size_t script = 0; script < SCRIPTS; script++)
		g->words[script] = english;
	g->words[SCRIPT_HANGUL] = json_get_str(v, "ko", english);
	g->words[SCRIPT_KANA] = g->words[SCRIPT_IDEOGRAPH] = json_get_str(v, "ja", english);
	return true;
}

/* Grounds, which not every model has. */
static bool add_grounds(struct engine_lexicon *l, const struct json_value *root, struct err *e)
{
	const struct json_value *grounds = json_get(root, "grounds");
	const struct json_value *said = grounds ? json_get(grounds, "said") : NULL;
	const struct json_value *colours = grounds ? json_get(grounds, "colours") : NULL;
	if (!make_room(l, &l->grounds, said, e) ||
	    (said && !add_list(l, &l->grounds, said, "grounds", 0, e)))
		return false;
	if (!colours)
		return true;
	if (colours->kind != JSON_KIND_ARRAY)
		return err_set(e, ERR_INVALID, "concepts.json: grounds: colours is not a list");
	l->colours = ARENA_ARRAY(l->arena, struct ground, colours->length + 1);
	if (!l->colours)
		return err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
	for (size_t i = 0; i < colours->length; i++)
		if (!add_ground(l, &colours->items[i], e))
			return false;
	return true;
}

static void sort(struct table *t)
{
	if (t->count)
		qsort(t->names, t->count, sizeof *t->names, compare_names);
}

static bool load(struct engine_lexicon *l, const char *text, size_t length, struct err *e)
{
	const struct json_limits limits = {
	    .bytes_max = FILE_BYTES_MAX, .values_max = 400000, .depth_max = 8};
	const struct json_value *root, *list;
	if (!json_parse(l->arena, text, length, &limits, &root, e))
		return err_context(e, "concepts.json");
	list = json_get(root, "concepts");
	if (!list || list->kind != JSON_KIND_ARRAY || list->length == 0)
		return err_set(e, ERR_INVALID,
			       "concepts.json: \"concepts\" is not a list with something in it");
	l->concepts = ARENA_ARRAY(l->arena, struct concept, list->length);
	l->names.names = ARENA_ARRAY(l->arena, struct name, count_strings(list));
	if (!l->concepts || !l->names.names)
		return err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
	for (size_t i = 0; i < list->length; i++)
		if (!add_concept(l, &list->items[i], e))
			return false;
	if (!add_words(l, root, e) || !add_traits(l, root, list, e) || !add_grounds(l, root, e))
		return false;
	if (arena_exceeded(l->arena))
		return err_set(e, ERR_TOO_LARGE, "concepts.json does not fit in memory");
	sort(&l->names);
	sort(&l->words);
	sort(&l->numbers);
	sort(&l->places);
	sort(&l->styles);
	sort(&l->traits);
	sort(&l->kept);
	sort(&l->grounds);
	return true;
}

bool engine_lexicon_open(const char *dir, struct engine_lexicon **out, struct err *e)
{
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	struct engine_lexicon *l = ARENA_NEW(a, struct engine_lexicon);
	struct file_bytes file;
	struct err missing;
	l->arena = a;
	*out = NULL;
	if (!file_read(a, arena_printf(a, "%s/concepts.json", dir), FILE_BYTES_MAX, &file,
		       &missing)) {
		arena_destroy(a);
		if (missing.code == ERR_NOT_FOUND)
			return true;
		*e = missing;
		return false;
	}
	if (!load(l, file.data, file.length, e)) {
		arena_destroy(a);
		return false;
	}
	*out = l;
	return true;
}

void engine_lexicon_close(struct engine_lexicon *lexicon)
{
	if (lexicon)
		arena_destroy(lexicon->arena);
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
	char key[NAME_BYTES_MAX + 1];
	const struct name *best = NULL;
	size_t at = 0;
	for (size_t i = first; i < count && i < first + SPACED_WORDS_MAX; i++) {
		size_t length = words[i].end - words[i].start;
		if (at + length + 2 > sizeof key)
			break;
		if (i > first)
			key[at++] = ' ';
		at = add_singular(key, at, text + words[i].start, length);
		const struct name *n = look_up(l, key, at);
		if (n) {
			best = n;
			*end = words[i].end;
		}
	}
	return best;
}

/* What may follow a one-syllable noun within its word. */
static bool is_particle(const char *s, size_t length)
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
	while (at < length && script_at(text, length, at, &bytes) == script)
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
	return script_at(text, length, before, &bytes) == script;
}

/* Whether a name of one character may be meant at text[at, end): see the rule in the header. */
static bool stands_alone(const char *text, size_t length, size_t at, size_t end)
{
	size_t bytes;
	enum script script = script_at(text, length, at, &bytes);
	if (at + bytes != end || (script != SCRIPT_HANGUL && script != SCRIPT_KANA))
		return true;
	if (follows(text, length, at, script))
		return false;
	size_t rest = run_end(text, length, end, script);
	return rest == end || (script == SCRIPT_HANGUL && is_particle(text + end, rest - end));
}

/* The longest unspaced name that begins at text[at]; the text is lower case. */
static const struct name *match_unspaced(const struct table *l, const char *text, size_t length,
					 size_t at, size_t *end)
{
	const struct name *best = NULL;
	size_t bytes, stop = at + l->key_bytes_max < length ? at + l->key_bytes_max : length;
	for (size_t to = at; to < stop;) {
		script_at(text, length, to, &bytes);
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
	struct word words[WORDS_MAX];
	size_t count, next;
};

static void walk_init(struct walk *w, const char *prompt)
{
	*w = (struct walk){.length = strlen(prompt), .text = malloc(strlen(prompt) + 1)};
	if (!w->text)
		abort();
	for (size_t i = 0; i <= w->length; i++)
		w->text[i] = str_lower(prompt[i]);
	w->count = split_words(w->text, w->length, w->words, WORDS_MAX);
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
		bool word = script_at(w->text, w->length, w->at, &bytes) == SCRIPT_LATIN;
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

/* Where words of no concept stand in the text: [start, end) of each, in order; returns how many. */
static size_t spans_of(const struct table *words, const char *prompt, struct word *spans)
{
	struct walk w;
	size_t count = 0, start;
	walk_init(&w, prompt);
	while (count < WORDS_MAX && walk_next(&w, words, NULL, &start))
		spans[count++] = (struct word){start, w.at};
	free(w.text);
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

/* What is named by a word that says nothing else. */
static size_t things(const struct engine_lexicon *lexicon, const char *prompt, size_t *concepts,
		     size_t max)
{
	struct word said[WORDS_MAX], traits[WORDS_MAX];
	size_t said_count = spans_of(&lexicon->words, prompt, said), traits_count = 0;
	size_t found = 0, start;
	struct walk w;
	const struct name *n;
	if (names_kinds(lexicon, prompt))
		traits_count = spans_of(&lexicon->traits, prompt, traits);
	walk_init(&w, prompt);
	while (found < max && (n = walk_next(&w, &lexicon->names, NULL, &start)))
		if (lexicon->concepts[n->concept].kinds ||
		    (!within(said, said_count, start, w.at) &&
		     !within(traits, traits_count, start, w.at)))
			found = add_once(concepts, found, max, n->concept);
	free(w.text);
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
	struct word traits[WORDS_MAX];
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
	return (unsigned)__builtin_popcountll(has) + (has >> k->what & 1 ? TRAITS_MAX : 0);
}

/* Whether one of these words is said by itself: "four" is not in "four leaf clover", which is a name. */
static bool says(const struct engine_lexicon *l, const struct table *words, const char *prompt)
{
	struct word spans[WORDS_MAX], named[WORDS_MAX];
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
		concept++;
	return concept;
}

const char *engine_lexicon_name_for(const struct engine_lexicon *lexicon, size_t concept,
				    const char *prompt)
{
	const struct concept *c = &lexicon->concepts[concept];
	enum script script = script_of_text(prompt);
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
	return best ? best->words[script_of_text(prompt)] : "";
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

/* A Hangul syllable is two or three letters: "고냥이" is one letter from "고양이", not a whole word. */
static size_t letters_of(uint32_t syllable, uint32_t letters[3])
{
	letters[0] = 0x1100 + syllable / 588;
	letters[1] = 0x1161 + syllable % 588 / 28;
	letters[2] = 0x11a7 + syllable % 28;
	return syllable % 28 ? 3 : 2;
}

static size_t add_gram(uint64_t *out, size_t count, uint64_t gram)
{
	size_t place = 0;
	while (place < count && out[place] < gram)
		place++;
	if (place < count && out[place] == gram)
		return count;
	memmove(out + place + 1, out + place, (count - place) * sizeof *out);
	out[place] = gram;
	return count + 1;
}

/* The letter trigrams of a text, two blanks before it and one behind, each as one number, in order and
 * once. */
static size_t trigrams(const char *text, size_t length, uint64_t *out)
{
	uint32_t a = ' ', b = ' ', c;
	size_t count = 0;
	for (size_t at = 0; at <= length && count + 3 <= TRIGRAMS_MAX;) {
		size_t bytes = at < length ? str_utf8_next(text + at, length - at, &c) : 1;
		if (at == length)
			c = ' ';
		else if (bytes == 0)
			c = 0xfffd, bytes = 1;
		else if (c < 0x80)
			c = (unsigned char)str_lower((char)c);
		at += bytes;
		uint32_t letters[3] = {c};
		size_t n = c >= 0xac00 && c <= 0xd7a3 ? letters_of(c - 0xac00, letters) : 1;
		for (size_t i = 0; i < n; i++) {
			uint64_t gram = (uint64_t)a << 42 | (uint64_t)b << 21 | letters[i];
			count = add_gram(out, count, gram);
			a = b;
			b = letters[i];
		}
	}
	return count;
}

static double similarity(const uint64_t *a, size_t n, const uint64_t *b, size_t m)
{
	size_t i = 0, j = 0, both = 0;
	while (i < n && j < m) {
		both += a[i] == b[j];
		if (a[i] <= b[j]) {
			j += a[i] == b[j];
			i++;
		} else {
			j++;
		}
	}
	return n + m > both ? (double)both / (double)(n + m - both) : 0;
}

struct near {
	const struct name *name;
	double score;
};

/* Keeps the best `max`, best first, one of each concept. */
static size_t keep_best(struct near *best, size_t count, size_t max, struct near candidate)
{
	for (size_t i = 0; i < count; i++)
		if (best[i].name->concept == candidate.name->concept) {
			if (best[i].score >= candidate.score)
				return count;
			memmove(&best[i], &best[i + 1], (count - i - 1) * sizeof *best);
			count--;
			break;
		}
	size_t place = count;
	while (place > 0 && best[place - 1].score < candidate.score)
		place--;
	if (place == max)
		return count;
	if (count == max)
		count--;
	memmove(&best[place + 1], &best[place], (count - place) * sizeof *best);
	best[place] = candidate;
	return count + 1;
}

/* The names whose likeness is more than `least`. */
static size_t nearest(const struct engine_lexicon *lexicon, const char *prompt, double least,
		      const char **names, size_t max)
{
	enum { NEAR_MAX = 16 };
	struct near best[NEAR_MAX];
	size_t count = 0, length = strlen(prompt), words = 0;
	uint64_t asked[TRIGRAMS_MAX + 1], known[TRIGRAMS_MAX + 1];
	max = max < NEAR_MAX ? max : NEAR_MAX;
	for (size_t at = 0; at < length && words < WORDS_MAX && max > 0; words++) {
		at += strspn(prompt + at, " \t\r\n.,!?");
		size_t word = strcspn(prompt + at, " \t\r\n.,!?");
		size_t n = word ? trigrams(prompt + at, word, asked) : 0;
		for (size_t i = 0; n && i < lexicon->names.count; i++) {
			const struct name *name = &lexicon->names.names[i];
			size_t m = trigrams(name->text, strlen(name->text), known);
			double score = similarity(asked, n, known, m);
			if (score > least)
				count = keep_best(best, count, max, (struct near){name, score});
		}
		at += word;
	}
	for (size_t i = 0; i < count; i++)
		names[i] = best[i].name->text;
	return count;
}

size_t engine_lexicon_near(const struct engine_lexicon *lexicon, const char *prompt,
			   const char **names, size_t max)
{
	return nearest(lexicon, prompt, 0, names, max);
}

/* Where nothing is near: some concepts from all over the lexicon, others for another prompt, each by its first name in the
 * prompt's script. */
static size_t examples(const struct engine_lexicon *l, const char *prompt, const char **names)
{
	enum script script = script_of_text(prompt);
	size_t count = 0, step = l->count / EXAMPLES + 1, start = 5381;
	for (const char *c = prompt; *c; c++)
		start = start * 33 + (unsigned char)*c;
	for (size_t part = 0; part < EXAMPLES; part++)
		for (size_t i = 0; i < step; i++) {
			size_t at = part * step + (start + i) % step;
			const char *name = at < l->count ? l->concepts[at].first[script] : NULL;
			if (name) {
				names[count++] = name;
				break;
			}
		}
	if (count == 0)
		names[count++] = l->concepts[0].name;
	return count;
}

bool engine_lexicon_check(const struct engine_lexicon *lexicon, const char *prompt, struct err *e)
{
	size_t concept;
	const char *names[EXAMPLES];
	if (!lexicon || engine_lexicon_find(lexicon, prompt, &concept, 1) > 0)
		return true;
	size_t count = nearest(lexicon, prompt, NEAR_MIN, names, EXAMPLES);
	const char *lead = count ? "near it I know" : "I know, for example";
	if (!count)
		count = examples(lexicon, prompt, names);
	char list[3 * 60 + 8] = "";
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		size_t shown = str_utf8_cut(names[i], strlen(names[i]), 40);
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", i ? ", " : "",
				       (int)shown, names[i]);
	}
	size_t shown = str_utf8_cut(prompt, strlen(prompt), PROMPT_SHOWN_BYTES);
	return err_set(e, ERR_UNSUPPORTED, "not yet: I can't draw \"%.*s%s\"; %s: %s", (int)shown,
		       prompt, prompt[shown] ? "…" : "", lead, list);
}
