/* `madang describe`: says what is to be seen in a picture, with a model that can look (Janus). Main thread. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "engine/engine.h"
#include "image/image.h"
#include "json/write.h"

#define ARENA_BYTES_MAX  ((size_t)512 << 20)
#define FILE_BYTES_MAX   ((size_t)32 << 20)
#define ANSWER_BYTES_MAX (64u << 10)

static const char USAGE[] =
    "usage: madang describe FILE [options]\n\n"
    "Says in words what a picture shows: a first version of its alternative text, to be read before it is\n"
    "used. Needs a model that can look at pictures; docs/models.md says where to get one.\n\n"
    "  madang describe photo.jpg --model janus-pro-1b\n"
    "  madang describe photo.jpg --model janus-pro-1b --question \"What colour is the roof?\"\n";

struct describe_options {
	const char *question, *model, *quant;
	int64_t tokens, threads;
	bool json;
};

#define ROW(member, kind_) \
	.name = #member, .kind = (kind_), .offset = offsetof(struct describe_options, member)

static const struct option_row ROWS[] = {
    {ROW(question, OPTION_STR), .letter = 'q', .value = "TEXT", .min = 1,
     .max = ENGINE_QUESTION_BYTES_MAX,
     .doc = "What to ask; without it, what an alternative text has to say"},
    {ROW(tokens, OPTION_INT), .initial = "128", .min = 1, .max = ENGINE_DESCRIBE_TOKENS_MAX,
     .doc = "The longest answer"},
    {ROW(model, OPTION_STR), .letter = 'm', .value = "NAME", .min = 1,
     .doc = "A model's folder, or its name in `madang model list`"},
    {ROW(quant, OPTION_STR), .initial = "file",
     .doc = "How weights lie in memory: file, f32, bf16, int8 or int4"},
    {ROW(threads, OPTION_INT), .initial = "0", .max = 1024, .doc = "0 takes every core"},
    {ROW(json, OPTION_BOOL), .doc = "Answer as JSON"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static bool read_picture(struct arena *a, const char *path, struct image *image, struct err *e)
{
	struct file_bytes file;
	return file_read(a, path, FILE_BYTES_MAX, &file, e) &&
	       (image_decode(a, file.data, file.length, NULL, image, e) ||
		err_context(e, "%.100s", path));
}

static bool print_answer(const struct describe_options *o, const char *model,
			 const struct buf *text, struct buf *out, struct err *e)
{
	struct json_writer w;
	if (!o->json) {
		buf_printf(out, "%s\n", text->data ? text->data : "");
		return true;
	}
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_str(&w, "description", text->data ? text->data : "");
	json_put_str(&w, "model", model);
	json_put_end(&w);
	buf_add_char(out, '\n');
	return json_finish(&w, e);
}

static bool describe(struct arena *a, const struct describe_options *o, const char *path,
		     struct buf *out, struct err *e)
{
	struct engine_options options = {.threads = (int)o->threads};
	struct engine_info info;
	struct image image;
	struct buf text;
	const char *dir;

	if ((o->question && !str_is_utf8(o->question, strlen(o->question)) &&
	     !err_set(e, ERR_INVALID, "the question is not valid UTF-8")) ||
	    !models_read_quant(o->quant, &options.quant, e) || !read_picture(a, path, &image, e) ||
	    !cli_find_model(a, o->model, &dir, e))
		return false;
	struct engine *engine = engine_create(dir, &options, e);
	if (!engine)
		return false;
	engine_info(engine, &info);
	struct engine_description what = {.rgb = image.rgb,
					  .width = image.width,
					  .height = image.height,
					  .question = o->question,
					  .tokens_max = (int)o->tokens};
	buf_init(&text, ANSWER_BYTES_MAX);
	bool ok =
	    engine_describe(engine, &what, &text, e) && print_answer(o, info.name, &text, out, e);
	buf_finish(&text);
	engine_destroy(engine);
	return ok;
}

int cli_describe(int argc, char **argv)
{
	struct describe_options o = {0};
	struct buf out;
	struct err e;
	bool help;
	int count = 0, rc;
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(USAGE, &OPTIONS);
	if (count != 1) {
		err_set(&e, ERR_INVALID, "name one picture: madang describe FILE");
		return cli_fail(&e);
	}
	if (!image_init(&e))
		return cli_fail(&e);
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	buf_init(&out, 2 * ANSWER_BYTES_MAX);
	rc = describe(a, &o, argv[0], &out, &e) ? cli_print(&out) : cli_fail(&e);
	buf_finish(&out);
	arena_destroy(a);
	image_finish();
	return rc;
}
