/* `madang draw`: reads the command line, refuses what can't be drawn before any work is done, opens the
 * model, and hands over to drawing.c. Main thread. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/rand.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/drawing.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "engine/gist.h"
#include "engine/lexicon.h"
#include "image/image.h"

#define ARENA_BYTES_MAX   ((size_t)512 << 20)
#define PROMPT_BYTES_MAX  4000
#define SOURCE_BYTES_MAX  ((size_t)32 << 20)
#define SEED_MAX          9007199254740991.0 /* what JSON's numbers can carry */
#define RANDOM_SEED_LIMIT 1000000000         /* short enough to be read out */

static const char USAGE[] =
    "usage: madang draw PROMPT [options]\n\n"
    "Draws a picture and writes it to a file, as PNG, JPEG or WebP by its extension.\n\n"
    "  madang draw \"노란 배경 위의 빨간 사과\" -o apple.png\n"
    "  madang draw \"a blue cup\" --from cup.jpg --task edit -o blue.webp\n\n"
    "Exit codes: 0 drawn, 2 the command is wrong, 3 the model can't draw that yet, 4 a file can't be\n"
    "read or written, 1 anything else, 130 stopped by Ctrl-C.\n";

struct draw_options {
	const char *output, *style, *from, *task, *model, *quant, *device;
	int64_t seed, count, threads, size;
	double guidance, temperature;
	bool forget, json;
};

#define ROW(member, kind_) \
	.name = #member, .kind = (kind_), .offset = offsetof(struct draw_options, member)

static const struct option_row ROWS[] = {
    {ROW(output, OPTION_STR), .letter = 'o', .value = "FILE", .min = 1, .max = 1024,
     .doc = "Where to; without it, madang-SEED.png"},
    {ROW(style, OPTION_STR), .letter = 's', .value = "S",
     .doc = "One of `madang styles`; without it, any"},
    {ROW(seed, OPTION_INT), .max = SEED_MAX, .doc = "Same seed, same picture"},
    {ROW(count, OPTION_INT), .letter = 'n', .initial = "1", .min = 1, .max = 64,
     .doc = "How many, each with the next seed"},
    {ROW(guidance, OPTION_REAL), .value = "G", .max = 30,
     .doc = "How closely to follow the prompt; 1 is fastest"},
    {ROW(temperature, OPTION_REAL), .value = "T", .max = 5,
     .doc = "How much chance to take; 0 takes none"},
    {ROW(from, OPTION_STR), .value = "PICTURE", .min = 1,
     .doc = "A picture to start from; needs --task"},
    {ROW(task, OPTION_STR), .value = "TASK", .doc = "What to do with it: restyle, vary or edit"},
    {ROW(size, OPTION_INT), .min = 16, .max = 8192,
     .doc = "Pixels a side; without it, the model's own size"},
    {ROW(model, OPTION_STR), .letter = 'm', .value = "NAME", .min = 1,
     .doc = "A model's folder, or its name in `madang model list`; without it, the built-in one"},
    {ROW(quant, OPTION_STR), .initial = "file",
     .doc = "How weights lie in memory: file, f32, bf16, int8 or int4"},
    {ROW(device, OPTION_STR), .initial = "cpu",
     .doc = "What computes: cpu, or cuda, an NVIDIA card"},
    {ROW(threads, OPTION_INT), .initial = "0", .max = 1024, .doc = "0 takes every core"},
    {ROW(forget, OPTION_BOOL),
     .doc = "Draw by heart alone, without what the model holds in memory.safetensors"},
    {ROW(json, OPTION_BOOL), .doc = "Say in JSON what was drawn, with its tokens"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static bool read_task(const struct draw_options *o, enum engine_task *task, struct err *e)
{
	static const struct {
		const char *name;
		enum engine_task task;
	} tasks[] = {{"restyle", ENGINE_TASK_RESTYLE},
		     {"vary", ENGINE_TASK_VARY},
		     {"edit", ENGINE_TASK_EDIT}};
	*task = ENGINE_TASK_DRAW;
	if (!o->from != !o->task)
		return err_set(e, ERR_INVALID, "--from and --task go together");
	if (!o->task)
		return true;
	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
		if (strcmp(o->task, tasks[i].name) == 0) {
			*task = tasks[i].task;
			return true;
		}
	return err_set(e, ERR_INVALID, "--task: '%.60s' is not restyle, vary or edit", o->task);
}

/* The one positional argument, trimmed; a source can do without. */
static bool read_prompt(struct arena *a, int count, char **words, enum engine_task task,
			const char **prompt, struct err *e)
{
	bool needed = task == ENGINE_TASK_DRAW || task == ENGINE_TASK_EDIT;
	if (count > 1)
		return err_set(e, ERR_INVALID,
			       "one prompt is expected, in quotes; '%.60s' is left over", words[1]);
	const char *text = count ? words[0] : "";
	size_t length = strlen(text);
	if (length > PROMPT_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "the prompt is too long: %zu bytes, at most %d",
			       length, PROMPT_BYTES_MAX);
	if (!str_is_utf8(text, length))
		return err_set(e, ERR_INVALID, "the prompt is not valid UTF-8");
	text = str_trim(text, &length);
	if (length == 0 && needed)
		return err_set(e, ERR_INVALID,
			       "say what to draw, in quotes: madang draw \"a red apple\"");
	*prompt = arena_strndup(a, text, length);
	return true;
}

static bool check_output(struct arena *a, const struct draw_options *o, uint64_t seed,
			 struct err *e)
{
	if (o->output && image_format_of(o->output) == IMAGE_FORMAT_NONE)
		return err_set(e, ERR_INVALID, "%.100s: the name must end in .png, .jpg or .webp",
			       o->output);
	for (int i = 0; i < o->count; i++)
		if (!file_check_writable(
			drawing_path(a, o->output, (int)o->count, i, seed + (uint64_t)i), e))
			return false;
	return true;
}

/* What the model will read of the prompt, said aloud where that is not all of it. */
static bool shorten(struct engine *engine, struct arena *a, struct engine_request *r, struct err *e)
{
	const char *prompt = r->prompt;
	if (!engine_gist(engine, a, prompt, &r->prompt, e))
		return false;
	if (r->prompt != prompt)
		fprintf(stderr, "a long prompt: this model reads \"%s\" of it\n", r->prompt);
	return true;
}

static bool check_style(const struct engine_info *info, const char *style, struct err *e)
{
	char names[160] = "";
	size_t at = 0;
	for (size_t i = 0; i < info->style_count; i++) {
		if (!style || strcmp(style, info->styles[i]) == 0)
			return true;
		int n =
		    snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", info->styles[i]);
		if (n > 0 && at + (size_t)n < sizeof names)
			at += (size_t)n;
		names[at] = '\0'; /* a name that does not fit whole is left out */
	}
	if (!style)
		return true;
	return err_set(e, ERR_INVALID, "there is no style '%.40s'; this model has: %s", style,
		       names);
}

static bool read_source(struct arena *a, const char *path, int side, struct engine_request *r,
			struct err *e)
{
	struct file_bytes file;
	struct image image;
	if (!file_read(a, path, SOURCE_BYTES_MAX, &file, e))
		return false;
	if (!image_decode(a, file.data, file.length, &(struct image_decode_options){.square = side},
			  &image, e))
		return err_context(e, "%.100s", path);
	r->source_rgb = image.rgb;
	r->source_width = image.width;
	r->source_height = image.height;
	return true;
}

/* Words beside a picture only say what to change of it; alone they must name something known. */
static bool check_words(struct engine *engine, const struct engine_request *r, struct err *e)
{
	return r->task != ENGINE_TASK_DRAW ||
	       engine_lexicon_check(engine_words(engine), r->prompt, e);
}

/* Opens the model and draws; everything about the command itself has been checked. */
static bool draw(struct arena *a, const struct draw_options *o, const char *dir,
		 struct engine_request *r, struct err *e)
{
	const char *prompt = r->prompt;
	struct engine_info info;
	struct engine_options options = {.threads = (int)o->threads, .forget = o->forget};
	struct engine *engine = models_read_quant(o->quant, &options.quant, e) &&
					models_read_device(o->device, &options.device, e)
				    ? engine_create(dir, &options, e)
				    : NULL;
	if (!engine)
		return false;
	engine_info(engine, &info);
	bool done = check_words(engine, r, e) && check_style(&info, o->style, e) &&
		    (!o->from || read_source(a, o->from, info.width, r, e)) &&
		    engine_settle(engine, a, r, e) && shorten(engine, a, r, e);
	struct drawing_order order = {.engine = engine,
				      .prompt = prompt,
				      .request = *r,
				      .task = o->task ? o->task : "draw",
				      .output = o->output,
				      .count = (int)o->count,
				      .size = (int)o->size,
				      .json = o->json};
	done = done && drawing_run(a, &order, e);
	engine_destroy(engine);
	return done;
}

static bool run(struct arena *a, const struct draw_options *o, int count, char **words,
		struct err *e)
{
	struct engine_request r = ENGINE_REQUEST_INIT;
	const char *dir;
	if (!read_task(o, &r.task, e) || !read_prompt(a, count, words, r.task, &r.prompt, e))
		return false;
	r.style = o->style;
	r.seed = o->seed >= 0 ? (uint64_t)o->seed : rand_u64() % RANDOM_SEED_LIMIT;
	r.guidance = (float)o->guidance;
	r.temperature = (float)o->temperature;
	return check_output(a, o, r.seed, e) && cli_find_model(a, o->model, &dir, e) &&
	       draw(a, o, dir, &r, e);
}

int cli_draw(int argc, char **argv)
{
	struct draw_options o = {.seed = -1, .guidance = -1, .temperature = -1};
	struct err e;
	bool help;
	int count = 0;
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(USAGE, &OPTIONS);
	if (!interrupt_start(&e) || !image_init(&e))
		return cli_fail(&e);
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	int rc = run(a, &o, count, argv, &e) ? CLI_EXIT_DONE : cli_fail(&e);
	arena_destroy(a);
	image_finish();
	return rc;
}
