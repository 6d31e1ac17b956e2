/* Any prompt against a small lexicon: never a crash, and a refusal's message is text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "engine/lexicon.h"

static const char CONCEPTS[] =
    "{\"concepts\":[{\"id\":\"a\",\"en\":[\"red apple\",\"apple\"],\"ko\":[\"빨간 사과\",\"사과\",\"배\"],"
    "\"ja\":[\"赤いリンゴ\",\"め\"]},{\"id\":\"b\",\"en\":[\"box\",\"t-shirt\"],\"ko\":[\"T셔츠\"],"
    "\"kinds\":[[\"old\"],[\"new\",\"old\"]]},"
    "{\"id\":\"c\",\"en\":[\"cat\"],\"ko\":[\"고양이\"],\"ja\":[\"猫\"]},{\"id\":\"d\",\"en\":[\"dog\"],\"ja\":[\"犬\"]},"
    "{\"id\":\"e\",\"en\":[\"photo\"],\"ko\":[\"개\"]}],"
    "\"colours\":[\"赤い\",\"two\"],\"places\":[\"on\"],\"frames\":[\"photo\"],"
    "\"instead\":{\"on\":[\"under\",\"밑의\"],\"\":[\"zzz\"]},\"between\":{\" above \":[\"on\"],\", \":[\"와\",\"위에\"],\"と\":[\"の\"]},"
    "\"traits\":{\"old\":[\"old\",\"헌\"],\"new\":[\"new\",\"apple\"]},"
    "\"words\":[\"on\",\"위의\",\"赤い\",\"box\"],\"numbers\":[\"two\",\"두\"],"
    "\"styles\":{\"pixel\":[\"pixel art\",\"픽셀\"]},"
    "\"grounds\":{\"said\":[\"배경\"],\"colours\":[{\"rgb\":[9,9,9],\"ko\":\"검은 배경\"}]}}";

static struct engine_lexicon *open_lexicon(void)
{
	char folder[] = "/tmp/madang-fuzz-XXXXXX", path[64];
	struct engine_lexicon *lexicon = NULL;
	struct err e;
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/concepts.json", folder);
	if (!file_write(path, CONCEPTS, sizeof CONCEPTS - 1, &e) ||
	    !engine_lexicon_open(folder, &lexicon, &e))
		abort();
	remove(path);
	remove(folder);
	return lexicon;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct engine_lexicon *lexicon;
	if (!lexicon)
		lexicon = open_lexicon();
	char *prompt = malloc(size + 1);
	struct err e;
	if (!prompt)
		abort();
	if (size)
		memcpy(prompt, data, size);
	prompt[size] = '\0';
	bool known = engine_lexicon_check(lexicon, prompt, &e);
	if (!known && str_is_utf8(prompt, strlen(prompt)) &&
	    !str_is_utf8(e.message, strlen(e.message)))
		abort();
	struct buf gist;
	buf_init(&gist, 2 * size + 2);
	engine_lexicon_gist(lexicon, prompt, &gist);
	if (gist.failed || gist.length > 2 * strlen(prompt))
		abort();
	buf_finish(&gist);
	struct buf plain;
	buf_init(&plain, 8 * size + 1024);
	engine_lexicon_plain(lexicon, prompt, &plain);
	buf_finish(&plain);
	struct buf bare;
	buf_init(&bare, size + 2);
	engine_lexicon_bare(lexicon, prompt, &bare);
	if (bare.failed || bare.length > strlen(prompt))
		abort();
	buf_finish(&bare);
	size_t concepts[2];
	if (engine_lexicon_things(lexicon, prompt, concepts, 2) > 2 ||
	    (known && engine_lexicon_things(lexicon, prompt, concepts, 2) == 0))
		abort();
	uint64_t said = engine_lexicon_traits(lexicon, prompt);
	for (size_t row = 0; row < engine_lexicon_rows(lexicon); row++)
		if (engine_lexicon_suits(lexicon, row, said) > 64 + 2 || said > 3)
			abort();
	engine_lexicon_counts(lexicon, prompt);
	engine_lexicon_style(lexicon, prompt);
	bool names = engine_lexicon_names(lexicon, prompt);
	bool ground = engine_lexicon_grounds(lexicon, prompt);
	static const uint8_t white[3] = {255, 255, 255};
	if ((names && !known) || (ground && !strstr(prompt, "배경")) ||
	    !engine_lexicon_ground(lexicon, prompt, white) ||
	    !engine_lexicon_name_for(lexicon, 0, prompt))
		abort();
	free(prompt);
	return 0;
}
