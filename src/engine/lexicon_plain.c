/* A prompt in the words that the model was taught: people say the same in many ways, and a small model has practised
 * few of them. Owns nothing; read-only after engine_lexicon_open. */
#include "engine/lexicon_impl.h"

#include <string.h>

#include "base/str.h"

#define PLAIN_BYTES_MAX ((size_t)1 << 16)
#define CUTS_MAX        64
#define THINGS_MAX      16
/* What stands between two things and says nothing that is known: more is a sentence of its own. */
#define GAP_BYTES_MAX 20

/* The names and sayings of a text. */
struct known {
	struct said said[2][LEXICON_WORDS_MAX];
	size_t count[2];
};

static void know(const struct engine_lexicon *l, const char *text, struct known *k)
{
	k->count[0] = engine_lexicon_said(&l->names, text, k->said[0], LEXICON_WORDS_MAX);
	k->count[1] = engine_lexicon_said(&l->words, text, k->said[1], LEXICON_WORDS_MAX);
}

/* Whether the span is of one of them: all of it and more, or its beginning. */
static bool in_other(const struct known *k, struct word at)
{
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < k->count[t]; i++) {
			struct word other = k->said[t][i].at;
			bool longer = other.end - other.start > at.end - at.start;
			if ((other.start <= at.start && at.end <= other.end && longer) ||
			    (other.start < at.start && at.start < other.end))
				return true;
		}
	return false;
}

/* What is said anywhere. */
static void replace(const struct engine_lexicon *l, const char *prompt, struct buf *out)
{
	struct said found[LEXICON_WORDS_MAX];
	struct known known;
	size_t count = engine_lexicon_said(&l->instead, prompt, found, LEXICON_WORDS_MAX), at = 0;
	if (count)
		know(l, prompt, &known);
	for (size_t i = 0; i < count; i++) {
		struct word here = found[i].at;
		if (in_other(&known, here))
			continue;
		buf_add(out, prompt + at, here.start - at);
		buf_add_str(out, l->instead_words[found[i].name->concept]);
		at = here.end;
	}
	buf_add_str(out, prompt + at);
}

/* What is taken out of a text, and what is put there. */
struct cut {
	struct word at;
	const char *text;
	size_t length;
};

struct cuts {
	const char *text;
	struct cut cut[CUTS_MAX];
	size_t count;
};

static void cut(struct cuts *c, struct word at, const char *text, size_t length)
{
	size_t i = c->count;
	if (i == CUTS_MAX)
		return;
	/* by where they begin, the longest first */
	for (; i > 0 && (c->cut[i - 1].at.start > at.start ||
			 (c->cut[i - 1].at.start == at.start && c->cut[i - 1].at.end < at.end));
	     i--)
		c->cut[i] = c->cut[i - 1];
	c->cut[i] = (struct cut){at, text, length};
	c->count++;
}

/* The text from start to end without what is cut there. */
static void without(const struct cuts *c, size_t start, size_t end, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct cut *k = &c->cut[i];
		if (k->at.start < start || k->at.end > end)
			continue;
		buf_add(out, c->text + start, k->at.start - start);
		buf_add(out, k->text, k->length);
		start = k->at.end;
	}
	buf_add(out, c->text + start, end - start);
}

/* Takes out what is said with these words, but what is part of a name or of a longer saying, and the blank behind it. */
static void cut_words(struct cuts *c, const struct known *known, const struct table *words,
		      const struct table *unless_before)
{
	struct said said[LEXICON_WORDS_MAX], before[LEXICON_WORDS_MAX];
	size_t count = engine_lexicon_said(words, c->text, said, LEXICON_WORDS_MAX);
	size_t before_count =
	    unless_before ? engine_lexicon_said(unless_before, c->text, before, LEXICON_WORDS_MAX)
			  : 0;
	for (size_t i = 0; i < count; i++) {
		struct word at = said[i].at;
		bool kept = in_other(known, at);
		while (c->text[at.end] == ' ')
			at.end++;
		for (size_t k = 0; k < before_count; k++)
			kept = kept || before[k].at.start == at.end;
		if (!kept)
			cut(c, at, "", 0);
	}
}

/* What the text, or with *end what it begins with, is said instead of, and where that ends; NULL: it is not one saying. */
static const char *between(const struct engine_lexicon *l, const char *text, size_t *end)
{
	struct said said;
	if (engine_lexicon_said(&l->between, text, &said, 1) == 0 ||
	    said.at.start != strspn(text, " "))
		return NULL;
	if (end)
		*end = said.at.end;
	return end || text[said.at.end] == '\0' ? l->between_words[said.name->concept] : NULL;
}

/* The end of what stands before the article of the second thing: "under" of "under a ". */
static size_t before_article(const char *text)
{
	static const char *const ARTICLES[] = {" a ", " an ", " the "};
	size_t end = strlen(text);
	for (size_t i = 0; i < sizeof ARTICLES / sizeof *ARTICLES; i++) {
		size_t length = strlen(ARTICLES[i]);
		if (end >= length && strcmp(text + end - length, ARTICLES[i]) == 0)
			return end - length;
	}
	return end;
}

/* That two things are beside one another, in the prompt's language. */
static const char *beside(enum script script)
{
	return script == SCRIPT_LATIN ? " and " : script == SCRIPT_HANGUL ? ", " : "と";
}

/* Whether what stands between two things, and says nothing that is known, makes one picture of both. */
static bool is_joint(const struct engine_lexicon *l, enum script script, const char *said)
{
	struct said known;
	static const char *const JAPANESE[] = {"が", "は", "を", "に", "で", "も", "へ", "、"};
	size_t length = strlen(said);
	if (length == 0 || engine_lexicon_said(&l->words, said, &known, 1))
		return false;
	if (script == SCRIPT_LATIN)
		return length <= GAP_BYTES_MAX;
	if (script == SCRIPT_HANGUL)
		return engine_lexicon_is_particle(said, length);
	for (size_t i = 0; i < sizeof JAPANESE / sizeof *JAPANESE; i++)
		if (strlen(JAPANESE[i]) == length && memcmp(JAPANESE[i], said, length) == 0)
			return true;
	return false;
}

/* Puts `words` between two things; the article brings its own blank. */
static void join(struct cuts *c, struct word gap, const char *words, const char *article,
		 struct buf *memory)
{
	size_t start = memory->length, length = strlen(words);
	buf_add(memory, words, length - (*article == ' ' && length && words[length - 1] == ' '));
	buf_add_str(memory, article);
	if (!memory->failed)
		cut(c, gap, memory->data + start, memory->length - start);
}

/* Whether the text is blanks, commas and sayings that the model knows. */
static bool is_known(const struct engine_lexicon *l, const char *text)
{
	struct said words[THINGS_MAX];
	size_t count = engine_lexicon_said(&l->words, text, words, THINGS_MAX);
	size_t at = strspn(text, " ,");
	for (size_t i = 0; i < count && words[i].at.start == at; i++)
		at = words[i].at.end + strspn(text + words[i].at.end, " ,");
	return count > 0 && text[at] == '\0';
}

/* The text between two things without what is cut of it and the blanks around it, its article apart; false where it is too long for a
 * saying. */
static bool gap_of(const struct cuts *c, struct word gap, char said[LEXICON_NAME_BYTES_MAX + 1],
		   char article[8])
{
	struct buf b;
	buf_init(&b, LEXICON_NAME_BYTES_MAX + 1);
	without(c, gap.start, gap.end, &b);
	buf_add_char(&b, '\0');
	bool fits = !b.failed;
	if (fits) {
		size_t length = before_article(b.data);
		memcpy(article, b.data + length, strlen(b.data + length) + 1);
		const char *words = str_trim(b.data, &length);
		memcpy(said, words, length);
		said[length] = '\0';
	}
	buf_finish(&b);
	return fits;
}

/* Where two things are, as the model was taught; false where the text doesn't say that they are two things of one picture. */
static bool relate(const struct engine_lexicon *l, struct cuts *c, const struct said *first,
		   const struct said *second, struct buf *memory)
{
	const struct word gap = {first->at.end, second->at.start};
	const char *tail = c->text + second->at.end, *words;
	const enum script script = engine_lexicon_script_of(c->text);
	char said[LEXICON_NAME_BYTES_MAX + 1], article[8] = "";
	size_t end;
	if (!gap_of(c, gap, said, article))
		return false;
	if ((words = between(l, said, NULL)) != NULL) {
		join(c, gap, words, article, memory);
	} else if (script != SCRIPT_LATIN && is_joint(l, script, said) &&
		   (words = between(l, tail, &end)) != NULL) {
		cut(c, first->at, c->text + second->at.start, second->at.end - second->at.start);
		join(c, gap, words, "", memory);
		cut(c, (struct word){second->at.start, second->at.end + end},
		    c->text + first->at.start, first->at.end - first->at.start);
	} else if (is_known(l, said)) {
		return true;
	} else if (is_joint(l, script, said)) {
		join(c, gap, beside(script), article, memory);
	} else {
		return false;
	}
	return true;
}

/* Whether these are two of a list. */
static bool listed(const struct engine_lexicon *l, const struct cuts *c, const struct said *a,
		   const struct said *b)
{
	char said[LEXICON_NAME_BYTES_MAX + 1], article[8] = "";
	return gap_of(c, (struct word){a->at.end, b->at.start}, said, article) &&
	       (strspn(said, " ,、") == strlen(said) || between(l, said, NULL) ||
		is_known(l, said) || is_joint(l, engine_lexicon_script_of(c->text), said));
}

/* Whether the text between two names makes of the first what the second is like, or what there is of it: "sleeping cat",
 * "cup of coffee". */
static bool says_like(const char *gap, size_t length)
{
	static const char *const LIKE[] = {" ", " of ", " of a ", " of an ", " of the "};
	for (size_t i = 0; i < sizeof LIKE / sizeof *LIKE; i++)
		if (strlen(LIKE[i]) == length && memcmp(gap, LIKE[i], length) == 0)
			return true;
	return false;
}

/* Cuts those that only say what the next one is like, in English and where there are more than two ("벚꽃" of "벚꽃 나무 아래 고양이"). */
static size_t heads(struct cuts *c, struct said *things, size_t all)
{
	size_t kept = 0;
	for (size_t i = 0; i < all; i++) {
		const struct said t = things[i], next = things[i + 1 < all ? i + 1 : i];
		if (i + 1 < all && (t.name->script == SCRIPT_LATIN || all > 2) &&
		    next.name->script == t.name->script &&
		    says_like(c->text + t.at.end, next.at.start - t.at.end))
			cut(c, (struct word){t.at.start, next.at.start}, "", 0);
		else
			things[kept++] = t;
	}
	return kept;
}

static void simplify(const struct engine_lexicon *l, struct cuts *c, struct buf *memory)
{
	struct said things[THINGS_MAX];
	size_t count = engine_lexicon_said_things(l, c->text, things, THINGS_MAX), second = 0;
	for (size_t i = 0; i < count; i++)
		if (l->concepts[things[i].name->concept].kinds)
			return;
	count = heads(c, things, count);
	while (second < count && things[second].name->concept == things[0].name->concept)
		second++;
	if (second == count && !engine_lexicon_counts(l, c->text))
		return;
	const struct cuts before = *c;
	struct known known;
	know(l, c->text, &known);
	cut_words(c, &known, &l->places, NULL);
	if (second == count)
		return;
	cut_words(c, &known, &l->numbers, NULL);
	cut_words(c, &known, &l->tints, &l->grounds);
	bool more = second + 1 < count;
	if ((more && !listed(l, c, &things[second], &things[second + 1])) ||
	    !relate(l, c, &things[0], &things[second], memory))
		*c = before;
	else if (more)
		cut(c, (struct word){things[second].at.end, things[count - 1].at.end}, "", 0);
}

void engine_lexicon_plain(const struct engine_lexicon *lexicon, const char *prompt, struct buf *out)
{
	struct buf words, memory;
	buf_init(&words, PLAIN_BYTES_MAX);
	buf_init(&memory, PLAIN_BYTES_MAX);
	replace(lexicon, prompt, &words);
	buf_add_char(&words, '\0');
	struct cuts c = {.text = words.failed ? prompt : words.data};
	simplify(lexicon, &c, &memory);
	without(&c, 0, strlen(c.text), out);
	buf_finish(&memory);
	buf_finish(&words);
}
