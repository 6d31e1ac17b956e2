/* What people type into the search field: words, "phrases", -without, and from: has: is: made: style: before:
 * after: during:. Any thread; no state. */
#include "app/search.h"

#include "app/account.h"
#include "app/private.h"
#include "app/words.h"
#include "base/id.h"
#include "base/str.h"
#include "store/search.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TERMS_MAX = 40, PHRASES_MAX = 16, PHRASE_BYTES_MAX = 8192 };

struct ask {
	struct app *app;
	struct store_search_term terms[TERMS_MAX];
	size_t count;
	bool words;   /* something beside operators */
	bool nothing; /* it can find nothing: from: somebody who is not there */
	int64_t low_ms, high_ms;
};

static void add(struct ask *a, const char *words, bool open, bool exact, bool not )
{
	if (a->count < TERMS_MAX && *words)
		a->terms[a->count++] = (struct store_search_term){
		    .words = words, .open = open, .exact = exact, .not = not };
}

static void add_words(struct ask *a, const char *text, bool not )
{
	struct words_phrase phrases[PHRASES_MAX];
	size_t n = words_ask(text, phrases, PHRASES_MAX);
	for (size_t i = 0; i < n; i++)
		add(a, arena_strdup(a->app->arena, phrases[i].words), phrases[i].open, false, not );
	a->words |= n > 0;
}

/* "in quotes": the words as they are kept, but for the single character that ends a run of pairs. */
static void add_phrase(struct ask *a, const char *text, bool not )
{
	struct words_phrase phrases[PHRASES_MAX];
	struct buf b;
	size_t n = words_ask(text, phrases, PHRASES_MAX);
	if (n == 0 || n == PHRASES_MAX) {
		add_words(a, text, not );
		return;
	}
	buf_init(&b, PHRASE_BYTES_MAX);
	words_add(&b, text, "");
	char *words = arena_strndup(a->app->arena, b.data, b.length - 1);
	char *last = strrchr(words, ' ');
	if (!phrases[n - 1].open && last)
		*last = '\0';
	buf_finish(&b);
	add(a, words, false, false, not );
	a->words = true;
}

/* 2026-01-31 in UTC. */
static bool parse_day(const char *text, int64_t *ms, struct err *e)
{
	struct tm t = {0};
	const char *end = strptime(text, "%Y-%m-%d", &t);
	if (!end || *end || strlen(text) != 10)
		return err_set(e, ERR_INVALID,
			       "Validation failed: q: a day is written as 2026-01-31");
	*ms = (int64_t)timegm(&t) * 1000;
	return true;
}

static bool add_from(struct ask *a, const char *who, bool not, struct err *e)
{
	struct store_account account = {.id = a->app->account_id};
	struct err missing = {0};
	bool me = strcmp(who, "me") == 0 && a->app->account_id;
	if (!me && !app_account_lookup(a->app, who, &account, &missing)) {
		if (missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
		a->nothing |= !not ;
		return true;
	}
	add(a, arena_printf(a->app->arena, "_from%lld", (long long)account.id), false, true, not );
	return true;
}

static bool add_day(struct ask *a, const char *key, const char *value, struct err *e)
{
	const int64_t day_ms = 24 * 60 * 60 * 1000;
	int64_t ms = 0;
	if (!parse_day(value, &ms, e))
		return false;
	if (*key == 'b') {
		a->high_ms = ms;
	} else {
		a->low_ms = *key == 'a' ? ms + day_ms : ms;
		if (*key == 'd')
			a->high_ms = ms + day_ms;
	}
	return true;
}

/* *known false: it only looks like an operator. */
static bool operator(struct ask *a, const char *key, const char *value, bool not, bool *known,
		     struct err *e)
{
	*known = true;
	if (!strcmp(key, "from"))
		return add_from(a, value, not, e);
	if (!strcmp(key, "before") || !strcmp(key, "after") || !strcmp(key, "during"))
		return add_day(a, key, value, e);
	bool picture =
	    !strcmp(value, "picture") || !strcmp(value, "image") || !strcmp(value, "media");
	if (!strcmp(key, "has") && picture) {
		add(a, "_pic", false, true, not );
	} else if (!strcmp(key, "is") && !strcmp(value, "reply")) {
		add(a, "_reply", false, true, not );
	} else if (!strcmp(key, "made") && (!strcmp(value, "yes") || !strcmp(value, "no"))) {
		add(a, "_made", false, true, not != (*value == 'n'));
	} else if (!strcmp(key, "style")) {
		struct words_phrase p[1];
		if (words_ask(value, p, 1))
			add(a, arena_printf(a->app->arena, "_style%s", p[0].words), false, true,
			    not );
	} else {
		*known = false;
	}
	return true;
}

static bool add_token(struct ask *a, const char *token, struct err *e)
{
	bool not = token[0] == '-' && token[1];
	const char *text = token + not, *colon = strchr(text, ':');
	bool known = false;
	if (colon && colon > text && colon[1] &&
	    !operator(a, arena_strndup(a->app->arena, text, (size_t)(colon - text)), colon + 1, not,
		      &known, e))
		return false;
	if (!known)
		add_words(a, text, not );
	return true;
}

static bool parse(struct ask *a, const char *q, struct err *e)
{
	while (*q) {
		q += strspn(q, " \t\r\n");
		bool not = q[0] == '-' && q[1] == '"';
		if (q[not ] == '"') {
			const char *begin = q + not +1;
			size_t n = strcspn(begin, "\"");
			add_phrase(a, arena_strndup(a->app->arena, begin, n), not );
			q = begin + n + (begin[n] == '"');
			continue;
		}
		size_t n = strcspn(q, " \t\r\n");
		if (n && !add_token(a, arena_strndup(a->app->arena, q, n), e))
			return false;
		q += n;
	}
	return true;
}

bool app_search_posts(struct app *app, const char *q, const struct app_search_page *page,
		      struct app_posts *out, struct err *e)
{
	struct ask *a = ARENA_NEW(app->arena, struct ask);
	struct store_posts rows;
	*out = (struct app_posts){0};
	*a = (struct ask){.app = app};
	if (!parse(a, q, e))
		return false;
	if (page->account_id)
		add(a, arena_printf(app->arena, "_from%lld", (long long)page->account_id), false,
		    true, false);
	bool positive = false;
	for (size_t i = 0; i < a->count; i++)
		positive |= !a->terms[i].not ;
	if (a->nothing || (a->count == 0 && !a->low_ms && !a->high_ms))
		return true;
	if (!positive)
		add(a, "_post", false, true, false);
	struct store_search search = {
	    .terms = a->terms,
	    .count = a->count,
	    .own_prefix = app->account_id
			      ? arena_printf(app->arena, "_o%lld_", (long long)app->account_id)
			      : NULL,
	    .viewer_id = app->account_id,
	    .low_id = a->low_ms > 0 ? id_at_ms(a->low_ms) - 1 : 0,
	    .high_id = a->high_ms > 0 ? id_at_ms(a->high_ms) : 0,
	    .limit = page->limit,
	    .offset = page->offset,
	};
	if (page->min_id > search.low_id)
		search.low_id = page->min_id;
	if (page->max_id && (!search.high_id || page->max_id < search.high_id))
		search.high_id = page->max_id;
	return store_search_posts(app->db, app->arena, &search, &rows, e) &&
	       app_posts_view(app, &rows, out, e);
}

/* The words of a phrase as accounts have them. */
static const char *as_names(struct arena *arena, const char *words)
{
	const char *out = "";
	while (*words) {
		size_t n = strcspn(words, " ");
		out = arena_printf(
		    arena, *out ? "%s " APP_NAME_PREFIX "%.*s" : "%s" APP_NAME_PREFIX "%.*s", out,
		    (int)n, words);
		words += n + (words[n] == ' ');
	}
	return out;
}

bool app_search_accounts(struct app *app, const char *q, int limit, int offset,
			 struct store_accounts *out, struct err *e)
{
	struct ask *a = ARENA_NEW(app->arena, struct ask);
	*out = (struct store_accounts){0};
	*a = (struct ask){.app = app};
	add_words(a, q, false);
	if (!a->words)
		return true;
	for (size_t i = 0; i < a->count; i++) {
		a->terms[i].words = as_names(app->arena, a->terms[i].words);
		a->terms[i].exact = true;
	}
	struct store_search search = {.terms = a->terms,
				      .count = a->count,
				      .viewer_id = app->account_id,
				      .limit = limit,
				      .offset = offset};
	return store_search_accounts(app->db, app->arena, &search, out, e);
}
