/* Reads and writes lists of words and times. No state. */
#include "api/studio/words.h"

#include <string.h>
#include <time.h>

enum { WORDS_MAX = 100, WORD_MAX_CHARACTERS = 300 };

bool words_param(struct http_request *rq, const char *name, char separator, const char **out,
		 struct err *e)
{
	const char **texts;
	size_t n;
	struct buf b;
	bool ok = true;
	/* An empty list leaves no trace in a form or in JSON; null, or one empty word, says it. */
	if (!param_find(rq, name))
		return true;
	if (!param_texts(rq, name, WORDS_MAX, WORD_MAX_CHARACTERS, &texts, &n, e))
		return false;
	buf_init(&b, WORDS_MAX * WORD_MAX_CHARACTERS * 4);
	for (size_t i = 0; ok && i < n; i++) {
		bool broken = strpbrk(texts[i], separator == ' ' ? " \t\r\n" : "\r\n") != NULL;
		if (broken && separator == ' ')
			ok = param_fail(rq, name, e, "must have words without spaces");
		else if (broken)
			ok = param_fail(rq, name, e, "must have one line each");
		if (!ok || !texts[i][0])
			continue;
		if (b.length)
			buf_add_char(&b, separator);
		buf_add_str(&b, texts[i]);
	}
	if (ok)
		*out = b.length ? arena_strdup(rq->arena, b.data) : "";
	buf_finish(&b);
	return ok;
}

void words_put(struct json_writer *w, const char *key, const char *list, char separator)
{
	const char stop[2] = {separator, '\0'};
	json_put_array(w, key);
	while (list && *list) {
		size_t n = strcspn(list, stop);
		if (n)
			json_put_strn(w, NULL, list, n);
		list += n + (list[n] == separator);
	}
	json_put_end(w);
}

bool time_param(struct http_request *rq, const char *name, int64_t *out, struct err *e)
{
	const struct http_param *p = param_find(rq, name);
	const char *text = "";
	struct tm tm = {0};
	if (!p)
		return true;
	if (!param_text(rq, name, 40, &text, e))
		return false;
	*out = 0;
	if (!*text)
		return true;
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%S", &tm);
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end && *end == 'Z')
		end++;
	if (!end || *end || tm.tm_year < 70 || tm.tm_year > 8000)
		return param_fail(rq, name, e, "must be a time such as 2026-12-01T09:00:00Z");
	*out = (int64_t)timegm(&tm) * 1000;
	return true;
}
