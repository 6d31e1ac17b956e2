/* Reads concepts.json into the lexicon's tables, in an arena of its own: two kinds of keys in one sorted
 * table. A spaced (Latin) name's key is its words, lower case and singular, joined by one blank; an unspaced
 * name's key is its text, ASCII lower case. */
#include "engine/lexicon_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "json/read.h"

#define FILE_BYTES_MAX  ((size_t)8 << 20)
#define ARENA_BYTES_MAX ((size_t)128 << 20)
#define KINDS_MAX       4096

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
enum script engine_lexicon_script_at(const char *text, size_t length, size_t at, size_t *bytes)
{
	uint32_t c = 0;
	*bytes = at < length ? str_utf8_next(text + at, length - at, &c) : 0;
	if (*bytes == 0) {
		*bytes = 1;
		return SCRIPT_NONE;
	}
	return script_of(c);
}

enum script engine_lexicon_script_of(const char *text)
{
	size_t length = strlen(text), bytes;
	enum script found = SCRIPT_NONE;
	for (size_t at = 0; at < length; at += bytes) {
		enum script s = engine_lexicon_script_at(text, length, at, &bytes);
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
size_t engine_lexicon_add_singular(char *key, size_t at, const char *word, size_t length)
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
size_t engine_lexicon_split(const char *text, size_t length, struct word *words, size_t max)
{
	size_t count = 0, bytes;
	bool inside = false;
	for (size_t at = 0; at < length; at += bytes) {
		bool latin = engine_lexicon_script_at(text, length, at, &bytes) == SCRIPT_LATIN;
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
	struct word words[LEXICON_SPACED_WORDS_MAX];
	size_t count = engine_lexicon_split(text, length, words, LEXICON_SPACED_WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (i)
			key[at++] = ' ';
		at = engine_lexicon_add_singular(key, at, text + words[i].start,
						 words[i].end - words[i].start);
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

static bool add_name(struct engine_lexicon *l, struct table *table, const struct json_value *v,
		     struct name n, struct err *e)
{
	if (v->kind != JSON_KIND_STR || v->length == 0 || v->length > LEXICON_NAME_BYTES_MAX)
		return err_set(e, ERR_INVALID, "a name that is not 1 to %d bytes",
			       LEXICON_NAME_BYTES_MAX);
	n.text = v->s;
	n.script = engine_lexicon_script_of(v->s);
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
	if (l->trait_count > LEXICON_TRAITS_MAX)
		return err_set(e, ERR_INVALID, "concepts.json: more than %d traits",
			       LEXICON_TRAITS_MAX);
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

/* What may be said of a concept, and which of it are numbers, places, colours and styles; not every model has them. */
static bool add_words(struct engine_lexicon *l, const struct json_value *root, struct err *e)
{
	const struct {
		const char *key;
		struct table *table;
	} lists[] = {{"words", &l->words},
		     {"numbers", &l->numbers},
		     {"places", &l->places},
		     {"colours", &l->tints},
		     {"frames", &l->frames}};
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

/* What may be said instead of what the model was taught; not every model has them. */
static bool add_instead(struct engine_lexicon *l, const struct json_value *root, struct err *e)
{
	size_t count;
	return add_named(l, &l->instead, root, "instead", &l->instead_words, &count, e) &&
	       add_named(l, &l->between, root, "between", &l->between_words, &count, e);
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
	if (!add_words(l, root, e) || !add_traits(l, root, list, e) || !add_grounds(l, root, e) ||
	    !add_instead(l, root, e))
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
	sort(&l->tints);
	sort(&l->frames);
	sort(&l->instead);
	sort(&l->between);
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
