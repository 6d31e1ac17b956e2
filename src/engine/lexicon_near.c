/* What comes near a prompt that names nothing: names that share letters with it, or else some examples. Owns nothing. */
#include "engine/lexicon_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define TRIGRAMS_MAX       256
#define EXAMPLES           3
#define NEAR_MIN           0.3 /* share of trigrams above which a name may be what was meant */
#define PROMPT_SHOWN_BYTES 60
#define NAME_SHOWN_BYTES   40

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
	for (size_t at = 0; at < length && words < LEXICON_WORDS_MAX && max > 0; words++) {
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
	enum script script = engine_lexicon_script_of(prompt);
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

void engine_lexicon_list(const char *const *names, size_t count,
			 char list[ENGINE_LEXICON_LIST_BYTES])
{
	size_t at = 0;
	list[0] = '\0';
	for (size_t i = 0; i < count && i < EXAMPLES; i++) {
		size_t shown = str_utf8_cut(names[i], strlen(names[i]), NAME_SHOWN_BYTES);
		at += (size_t)snprintf(list + at, ENGINE_LEXICON_LIST_BYTES - at, "%s%.*s",
				       i ? ", " : "", (int)shown, names[i]);
	}
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
	char list[ENGINE_LEXICON_LIST_BYTES];
	engine_lexicon_list(names, count, list);
	size_t shown = str_utf8_cut(prompt, strlen(prompt), PROMPT_SHOWN_BYTES);
	return err_set(e, ERR_UNSUPPORTED, "not yet: I can't draw \"%.*s%s\"; %s: %s", (int)shown,
		       prompt, prompt[shown] ? "…" : "", lead, list);
}
