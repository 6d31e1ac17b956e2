/* The rule of lexicon.h, case by case, and what a broken concepts.json gives. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/lexicon.h"

static char folder[] = "/tmp/madang-lexicon-XXXXXX";
static char path[64];

static const char CONCEPTS[] =
    "{\"concepts\":["
    "{\"id\":\"apple\",\"en\":[\"red apple\",\"apple\"],\"ko\":[\"빨간 사과\",\"사과\"],\"ja\":[\"赤いリンゴ\",\"リンゴ\"]},"
    "{\"id\":\"green\",\"en\":[\"green apple\"],\"ko\":[\"풋사과\"],\"ja\":[\"青リンゴ\"]},"
    "{\"id\":\"pear\",\"en\":[\"pear\"],\"ko\":[\"배\"],\"ja\":[\"梨\"]},"
    "{\"id\":\"cat\",\"en\":[\"cat\"],\"ko\":[\"고양이\"],\"ja\":[\"猫\",\"ねこ\"]},"
    "{\"id\":\"cherry\",\"en\":[\"cherries\"],\"ko\":[\"체리\"],\"ja\":[\"さくらんぼ\"]},"
    "{\"id\":\"box\",\"en\":[\"box\"],\"ko\":[\"상자\"],\"ja\":[\"箱\"]},"
    "{\"id\":\"bus\",\"en\":[\"bus\"],\"ko\":[\"버스\"],\"ja\":[\"バス\"]},"
    "{\"id\":\"taxi\",\"en\":[\"taxi\"],\"ko\":[\"택시\"],\"ja\":[\"タクシー\"]},"
    "{\"id\":\"rose\",\"en\":[\"rose\"],\"ko\":[\"장미\"],\"ja\":[\"バラ\"]},"
    "{\"id\":\"iris\",\"en\":[\"iris\"],\"ko\":[\"붓꽃\"],\"ja\":[\"アヤメ\"]},"
    "{\"id\":\"cookie\",\"en\":[\"cookie\"],\"ko\":[\"쿠키\"],\"ja\":[\"クッキー\"]},"
    "{\"id\":\"shirt\",\"en\":[\"t-shirt\"],\"ko\":[\"T셔츠\",\"티셔츠\"],\"ja\":[\"Tシャツ\"]},"
    "{\"id\":\"hearts\",\"en\":[\"two hearts\"]},"
    "{\"id\":\"person\",\"en\":[\"portrait\",\"woman\"],\"ko\":[\"초상화\",\"여자\"],\"kinds\":[[\"woman\",\"iris\"],[\"woman\",\"long\"]]},"
    "{\"id\":\"eye\",\"en\":[\"eye\"],\"ko\":[\"눈\"],\"ja\":[\"め\"]}],"
    "\"words\":[\"and\",\"above\",\"below\",\"on\",\"background\",\"red\",\"sky blue\",\"배경\",\"노란\",\"하늘색\",\"위의\",\"赤い\",\"背景\",\"ドット絵\",\"rose\",\"in the box\"],"
    "\"traits\":{\"woman\":[\"woman\",\"여자\"],\"iris\":[\"iris\",\"붓꽃\"],\"long\":[\"long hair\",\"긴 머리\"]},"
    "\"places\":[\"in the box\"],\"numbers\":[\"two\",\"두\",\"二つの\"],"
    "\"styles\":{\"pixel\":[\"pixel art\",\"픽셀\",\"ドット絵\"],\"ink\":[\"ink\"]},"
    "\"grounds\":{\"said\":[\"background\",\"배경\",\"背景\"],\"colours\":[{\"rgb\":[255,255,255]},"
    "{\"rgb\":[229,72,77],\"en\":\", red background\",\"ko\":\", 빨간 배경\",\"ja\":\"、赤い背景\"},{\"rgb\":[0,0,255],\"en\":\", blue background\"}]},"
    "\"colours\":[\"red\",\"sky blue\",\"노란\",\"赤い\"],\"frames\":[\"cookie\",\"쿠키\"],"
    "\"instead\":{\"below\":[\"under\"],\"상자 속의\":[\"눈 내리는\"]},"
    "\"between\":{\" and \":[\"next to\",\"in\"],\" above \":[\"on\"],\", \":[\"와\",\"하고\"],\" 위에 있는 \":[\"위에\"],\"と\":[\"や\"]}}";

static struct engine_lexicon *lexicon;

static int setup(void **state)
{
	(void)state;
	struct err e;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/concepts.json", folder);
	return file_write(path, CONCEPTS, sizeof CONCEPTS - 1, &e) &&
		       engine_lexicon_open(folder, &lexicon, &e)
		   ? 0
		   : -1;
}

static int teardown(void **state)
{
	(void)state;
	engine_lexicon_close(lexicon);
	engine_lexicon_close(NULL);
	unlink(path);
	return rmdir(folder);
}

typedef size_t finder(const struct engine_lexicon *, const char *, size_t *, size_t);

/* The ids found, joined by blanks. */
static const char *ids_of(finder *find, const char *prompt)
{
	static char ids[200];
	size_t concepts[8], n = find(lexicon, prompt, concepts, 8), at = 0;
	ids[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(ids + at, sizeof ids - at, "%s%s", i ? " " : "",
				       engine_lexicon_id(lexicon, concepts[i]));
	return ids;
}

static const char *found(const char *prompt)
{
	return ids_of(engine_lexicon_find, prompt);
}

static const char *things(const char *prompt)
{
	return ids_of(engine_lexicon_things, prompt);
}

static void test_english(void **state)
{
	(void)state;
	assert_string_equal(found("a red apple on a yellow background"), "apple");
	assert_string_equal(found("Two Red APPLES, and a cat!"), "apple cat");
	assert_string_equal(found("a green apple"), "green");
	assert_string_equal(found("apples and an apple"), "apple");
	assert_string_equal(found("a cherry in boxes"), "cherry box");
	assert_string_equal(found("buses and a bus"), "bus");
	assert_string_equal(found("my t-shirts"), "shirt");
	assert_string_equal(found("two taxis or one taxi"), "taxi");
	assert_string_equal(found("roses"), "rose");
	assert_string_equal(found("a rose"), "rose");
	assert_string_equal(found("irises and an iris"), "iris");
	assert_string_equal(found("cookies and a cookie"), "cookie");
	assert_string_equal(found("pineapple, catalogue, pearl"), "");
	assert_string_equal(found(""), "");
}

static void test_korean(void **state)
{
	(void)state;
	assert_string_equal(found("노란 배경 위의 빨간 사과"), "apple");
	assert_string_equal(found("사과를 먹는 고양이가"), "apple cat");
	assert_string_equal(found("풋사과"), "green");
	assert_string_equal(found("배를 그려줘"), "pear");
	assert_string_equal(found("배"), "pear");
	assert_string_equal(found("배, 눈"), "pear eye");
	assert_string_equal(found("노란 배경"), "");
	assert_string_equal(found("나룻배"), "");
	assert_string_equal(found("눈사람"), "");
	assert_string_equal(found("하얀 T셔츠"), "shirt");
}

static void test_japanese(void **state)
{
	(void)state;
	assert_string_equal(found("黄色い背景の赤いリンゴ"), "apple");
	assert_string_equal(found("青リンゴと黒猫"), "green cat");
	assert_string_equal(found("tシャツ"), "shirt");
	assert_string_equal(found("ゆめ"), "");
	assert_string_equal(found("め"), "eye");
}

static void test_things(void **state)
{
	(void)state;
	assert_string_equal(things("a rose cat"), "cat");
	assert_string_equal(things("a cat in the box"), "cat");
	assert_string_equal(things("a cat and a box"), "cat box");
	assert_string_equal(things("a rose"), "rose"); /* nothing else is named */
	assert_string_equal(things("a rose in the box"), "rose");
	assert_string_equal(things("a red apple"), "apple");
	assert_string_equal(things("nothing"), "");
	size_t none;
	assert_int_equal(engine_lexicon_things(lexicon, "a cat", &none, 0), 0);
}

static void test_numbers_places_and_styles(void **state)
{
	(void)state;
	assert_true(engine_lexicon_counts(lexicon, "Two cats"));
	assert_true(engine_lexicon_counts(lexicon, "고양이 두 마리"));
	assert_true(engine_lexicon_counts(lexicon, "二つのリンゴ"));
	assert_false(engine_lexicon_counts(lexicon, "a cat"));
	assert_false(engine_lexicon_counts(lexicon, "두루미"));
	assert_false(engine_lexicon_counts(lexicon, "two hearts"));
	assert_true(engine_lexicon_counts(lexicon, "two cats and two hearts"));
	assert_true(engine_lexicon_places(lexicon, "a cat in the boxes"));
	assert_false(engine_lexicon_places(lexicon, "a cat and the box"));
	assert_string_equal(engine_lexicon_style(lexicon, "a cat in Pixel Art"), "pixel");
	assert_string_equal(engine_lexicon_style(lexicon, "픽셀 고양이"), "pixel");
	assert_string_equal(engine_lexicon_style(lexicon, "an ink cat"), "ink");
	assert_null(engine_lexicon_style(lexicon, "a pink cat"));
}

static const char *ground(const char *prompt, uint8_t r, uint8_t g, uint8_t b)
{
	return engine_lexicon_ground(lexicon, prompt, (uint8_t[]){r, g, b});
}

static void test_grounds(void **state)
{
	(void)state;
	assert_true(engine_lexicon_grounds(lexicon, "a cat on a red background"));
	assert_true(engine_lexicon_grounds(lexicon, "노란 배경에 고양이"));
	assert_false(engine_lexicon_grounds(lexicon, "a red cat"));
	assert_string_equal(ground("a cat", 200, 60, 90), ", red background");
	assert_string_equal(ground("고양이", 200, 60, 90), ", 빨간 배경");
	assert_string_equal(ground("猫", 200, 60, 90), "、赤い背景");
	assert_string_equal(ground("ねこ", 200, 60, 90), "、赤い背景");
	assert_string_equal(ground("고양이", 20, 20, 200),
			    ", blue background"); /* it has no other words */
	assert_string_equal(ground("", 230, 250, 240), "");
	assert_true(engine_lexicon_names(lexicon, "a rose and a cat"));
	assert_false(engine_lexicon_names(lexicon, "rose background")); /* a colour */
	assert_false(engine_lexicon_names(lexicon, "in ink"));
	assert_string_equal(engine_lexicon_name_for(lexicon, 3, "in ink"), "cat");
	assert_string_equal(engine_lexicon_name_for(lexicon, 3, "픽셀로"), "고양이");
	assert_string_equal(engine_lexicon_name_for(lexicon, 3, "ドット絵"), "ねこ");
	assert_string_equal(engine_lexicon_name_for(lexicon, 3, "赤い"), "猫");
	assert_string_equal(engine_lexicon_name_for(lexicon, 12, "픽셀로"), "two hearts");
	assert_string_equal(engine_lexicon_name_for(lexicon, 3, ""), "cat");
	size_t first, kinds = engine_lexicon_kinds(lexicon, 13, &first);
	for (size_t i = 0; i < kinds; i++)
		assert_int_equal(engine_lexicon_concept(lexicon, first + i), 13);
	assert_int_equal(engine_lexicon_concept(lexicon, 3), 3);
}

typedef void writer(const struct engine_lexicon *, const char *, struct buf *);

static void writes(writer *write, const char *prompt, const char *expected)
{
	struct buf b;
	buf_init(&b, 1000);
	write(lexicon, prompt, &b);
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, expected);
	buf_finish(&b);
}

static void plain(const char *prompt, const char *expected)
{
	writes(engine_lexicon_plain, prompt, expected);
}

static void test_plain(void **state)
{
	(void)state;
	/* what is said anywhere, but within a name or a longer saying */
	plain("A cat under a taxi", "A cat below a taxi");
	plain("a cat under", "a cat below");
	plain("눈 내리는 날의 고양이", "상자 속의 날의 고양이");
	plain("a cat in the box", "a cat in the box");
	plain("a thunder cat", "a thunder cat");
	plain("", "");
	/* two things: known, said otherwise, or by a verb */
	plain("a cat next to the bus!", "a cat and the bus!");
	plain("an apple on an iris", "an apple above an iris");
	plain("apple on iris", "apple above iris");
	plain("a cat, a taxi", "a cat and a taxi");
	plain("a cat chasing a taxi", "a cat and a taxi");
	plain("고양이와 버스", "고양이, 버스");
	plain("고양이 하고 버스를", "고양이, 버스를");
	plain("고양이가 버스를 본다", "고양이, 버스를 본다");
	plain("고양이가 버스 위에 앉아 있다", "버스 위에 있는 고양이 앉아 있다");
	plain("猫やバス", "猫とバス");
	plain("猫がバスを見る", "猫とバスを見る");
	/* which are not of one picture, or said in a way that is not known */
	plain("a cat sitting on a taxi", "a cat sitting on a taxi");
	plain("I like my cat and I would never take a taxi",
	      "I like my cat and I would never take a taxi");
	plain("고양이는 언제나 옳지 버스", "고양이는 언제나 옳지 버스");
	/* what two things, or several of one, are not drawn with */
	plain("a red cat and two pears", "a cat and pears");
	plain("red apple on a sky blue bus", "red apple above a bus");
	plain("a cat and a pear on a red background", "a cat and a pear on a red background");
	plain("two cats in the box", "two cats ");
	plain("two hearts in the box", "two hearts in the box");
	plain("a cat in the box and a pear", "a cat and a pear");
	plain("a cat, a pear and a bus", "a cat and a pear");
	plain("a cat on a taxi on a bus", "a cat above a taxi");
	/* one that only says what the other is like, or holds the picture */
	plain("a cherries cat", "a cat");
	plain("a bus of a cat", "a cat");
	plain("a cookie of a cat and a pear", "a cookie of a cat and a pear");
	plain("고양이 쿠키", "고양이 쿠키");
	plain("on a cat", "on a cat");
	plain("a cat on a red background", "a cat on a red background");
	/* people are drawn otherwise */
	plain("a woman on a bus", "a woman on a bus");
}

static void test_kinds(void **state)
{
	(void)state;
	size_t first;
	assert_int_equal(engine_lexicon_rows(lexicon), engine_lexicon_size(lexicon) + 2);
	assert_int_equal(engine_lexicon_kinds(lexicon, 3, &first), 1);
	assert_int_equal(first, 3);
	assert_int_equal(engine_lexicon_kinds(lexicon, 13, &first), 2);
	assert_int_equal(first, 15);
	assert_int_equal(engine_lexicon_traits(lexicon, "a woman with an iris"), 3);
	assert_int_equal(engine_lexicon_traits(lexicon, "긴 머리 여자"), 5);
	assert_int_equal(engine_lexicon_traits(lexicon, "a cat"), 0);
	assert_int_equal(engine_lexicon_traits_of(lexicon, 15), 3);
	assert_int_equal(engine_lexicon_traits_of(lexicon, 3), 0);
	assert_int_equal(engine_lexicon_suits(lexicon, 3, 7), 0);
	assert_int_equal(engine_lexicon_suits(lexicon, 15, 2), 1);
	assert_int_equal(engine_lexicon_suits(lexicon, 16, 2), 0);
	assert_true(engine_lexicon_suits(lexicon, 16, 1) > 2);
	/* beside such a thing a trait is no thing */
	assert_string_equal(things("a woman with an iris"), "person");
	assert_string_equal(things("붓꽃을 든 여자"), "person");
	assert_string_equal(things("a portrait of a woman and a cat"), "person cat");
	assert_string_equal(things("a cat with an iris"), "cat iris");
}

static void bare_is(const char *prompt, const char *expected)
{
	writes(engine_lexicon_bare, prompt, expected);
}

static void test_bare(void **state)
{
	(void)state;
	bare_is("a woman with long hair and an Iris, red background",
		"a woman with  and an , red background");
	bare_is("긴 머리 여자", " 여자");
	bare_is("a cat with an iris", "a cat with an iris");
	bare_is("", "");
}

static void gist_is(const char *prompt, const char *expected)
{
	writes(engine_lexicon_gist, prompt, expected);
}

static void test_gist(void **state)
{
	(void)state;
	gist_is("a woman who has an iris", "woman iris");
	gist_is(
	    "Please, when you have the time, draw the Red apples that I saw on a sky blue background!",
	    "Red apples on sky blue background");
	gist_is("오늘은 날씨가 좋아서 노란 배경 위의 고양이가 생각나네", "노란 배경 위의 고양이");
	gist_is("昨日見た赤い背景の猫をドット絵で描いて", "赤い 背景 猫 ドット絵");
	gist_is("바위의 배경", "배경"); /* "위의" may not be read out of a word */
	gist_is("nothing of this", "");
	gist_is("", "");
}

static void test_broken_text_is_no_match(void **state)
{
	(void)state;
	assert_string_equal(found("\xff\xfe\xed\xa0"), "");
	assert_string_equal(found("\xec\x82 apple"), "apple");
	char *longest = malloc(100001);
	memset(longest, 'a', 100000);
	longest[100000] = '\0';
	assert_string_equal(found(longest), "");
	free(longest);
}

/* The built-in model's people: the same is heard in the three languages, and somebody is like that. */
static void test_portraits(void **state)
{
	(void)state;
	static const struct {
		const char *en, *ko, *ja;
		size_t traits;
	} asked[] = {
	    {"a portrait", "초상화", "似顔絵", 0},
	    {"a woman with glasses", "안경 쓴 여자", "眼鏡をかけた女性", 2},
	    {"portrait of an old man with a beard", "수염 난 할아버지 초상화",
	     "ひげのおじいさんの似顔絵", 2},
	    {"a smiling grandmother in a garden", "웃는 할머니", "笑顔のおばあさん", 2},
	    {"A man with long blond hair", "긴 금발 머리 남자", "長い金髪の男性", 3},
	    {"a sad boy with a hat", "모자 쓴 슬픈 소년", "帽子をかぶった悲しい男の子", 3},
	    {"my avatar: a girl with curly hair", "곱슬머리 소녀 아바타",
	     "巻き毛の女の子のアバター", 2},
	};
	const char *weights = getenv("ENGINE_WEIGHTS");
	struct engine_lexicon *l;
	struct err e;
	assert_non_null(weights);
	assert_true(engine_lexicon_open(weights, &l, &e));
	assert_non_null(l);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		const char *words[] = {asked[i].en, asked[i].ko, asked[i].ja};
		uint64_t said = engine_lexicon_traits(l, words[0]);
		size_t thing[2], first, count = (size_t)__builtin_popcountll(said);
		if (count != asked[i].traits)
			fail_msg("%s: %zu traits", words[0], count);
		for (size_t k = 0; k < 3; k++) {
			if (engine_lexicon_traits(l, words[k]) != said)
				fail_msg("%s says something else", words[k]);
			if (engine_lexicon_things(l, words[k], thing, 2) != 1 ||
			    strcmp(engine_lexicon_id(l, thing[0]), "portrait") != 0)
				fail_msg("%s: not one person", words[k]);
		}
		size_t kinds = engine_lexicon_kinds(l, thing[0], &first), whole = 0;
		for (size_t row = first; row < first + kinds; row++)
			whole += (said & ~engine_lexicon_traits_of(l, row)) == 0;
		if (whole == 0 && count < 3)
			fail_msg("nobody is like \"%s\"", words[0]);
	}
	engine_lexicon_close(l);
}

static void test_not_yet(void **state)
{
	(void)state;
	struct err e;
	assert_true(engine_lexicon_check(lexicon, "사과", &e));
	assert_true(engine_lexicon_check(NULL, "anything", &e));
	assert_false(engine_lexicon_check(lexicon, "a pineapple", &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	assert_non_null(
	    strstr(e.message, "not yet: I can't draw \"a pineapple\"; near it I know: "));
	assert_non_null(strstr(e.message, "apple"));
	assert_false(engine_lexicon_check(lexicon, "고양님", &e));
	assert_non_null(strstr(e.message, "near it I know: 고양이"));
	assert_false(engine_lexicon_check(lexicon, "엘리베이터", &e));
	assert_non_null(strstr(e.message, "I know, for example: "));
	assert_false(engine_lexicon_check(lexicon, "고냥이", &e));
	assert_non_null(strstr(e.message, "near it I know: 고양이"));
	/* One letter in common is no likeness. */
	assert_false(engine_lexicon_check(lexicon, "고등어", &e));
	assert_non_null(strstr(e.message, "I know, for example: "));
	assert_false(engine_lexicon_check(
	    lexicon, "한국어로 아주 길게 쓴 그림 설명인데 아는 것이 하나도 없다면 어떻게 될까",
	    &e));
	assert_true(strlen(e.message) < sizeof e.message - 1);
	assert_non_null(strstr(e.message, "…\""));
	const char *names[2];
	assert_int_equal(engine_lexicon_near(lexicon, "cats catt", names, 2), 2);
	assert_string_equal(names[0], "cat");
	assert_int_equal(engine_lexicon_near(lexicon, "", names, 2), 0);
}

static void test_files(void **state)
{
	(void)state;
	static const char *const broken[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"concepts\":[]}",
	    "{\"concepts\":[{}]}",
	    "{\"concepts\":[{\"id\":\"x\"}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[1]}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"\"]}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"!!\"]}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"words\":1}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"words\":[1]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"numbers\":{}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"styles\":[]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"styles\":{\"y\":1}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"],\"kinds\":1}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"],\"kinds\":[[]]}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"],\"kinds\":[[\"y\"]]}]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"],\"kinds\":[[1]]}],\"traits\":{\"y\":[]}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"traits\":[]}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"grounds\":{\"said\":1}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"instead\":1}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"between\":{\"and\":[1]}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"grounds\":{\"colours\":1}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"grounds\":{\"colours\":[{}]}}",
	    "{\"concepts\":[{\"id\":\"x\",\"en\":[\"a\"]}],\"grounds\":{\"colours\":[{\"rgb\":[1,2,256]}]}}",
	    "{\"concepts\":[7]}",
	    "{\"concepts\":[[\"id\"]]}"};
	struct engine_lexicon *other;
	struct err e;
	assert_int_equal(engine_lexicon_size(lexicon), 15);
	assert_string_equal(engine_lexicon_name(lexicon, 0), "red apple");
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		assert_true(file_write(path, broken[i], strlen(broken[i]), &e));
		assert_false(engine_lexicon_open(folder, &other, &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_null(other);
	}
	assert_true(engine_lexicon_open("/nowhere", &other, &e));
	assert_null(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_english),
	    cmocka_unit_test(test_korean),
	    cmocka_unit_test(test_japanese),
	    cmocka_unit_test(test_things),
	    cmocka_unit_test(test_numbers_places_and_styles),
	    cmocka_unit_test(test_grounds),
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_bare),
	    cmocka_unit_test(test_gist),
	    cmocka_unit_test(test_broken_text_is_no_match),
	    cmocka_unit_test(test_portraits),
	    cmocka_unit_test(test_not_yet),
	    cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
