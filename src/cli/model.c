/* `madang styles` and `madang model`: what models are and offer; adding, quantising, removing them. Main
 * thread. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/models.h"
#include "engine/engine.h"
#include "engine/lexicon.h"
#include "json/write.h"

#define ARENA_BYTES_MAX  (4u << 20)
#define ANSWER_BYTES_MAX (256u << 10)

struct model_options {
	const char *model;
	bool json;
};

static const struct option_row ROWS[] = {
    {.name = "model",
     .kind = OPTION_STR,
     .offset = offsetof(struct model_options, model),
     .value = "NAME",
     .doc = "A model's folder, or its name in `madang model list`; without it, the built-in one"},
    {.name = "json",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct model_options, json),
     .doc = "Answer as JSON"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static const char *const TASKS[ENGINE_TASK_COUNT] = {"draw", "restyle", "vary", "edit"};

struct model {
	struct engine_info info;
	const char *dir;
	size_t concepts;
};

static void put_styles(struct json_writer *w, const struct engine_info *info)
{
	json_put_array(w, "styles");
	for (size_t i = 0; i < info->style_count; i++)
		json_put_str(w, NULL, info->styles[i]);
	json_put_end(w);
}

static bool styles_json(const struct model *m, struct buf *out, struct err *e)
{
	struct json_writer w;
	json_begin(&w, out);
	json_put_object(&w, NULL);
	put_styles(&w, &m->info);
	json_put_end(&w);
	buf_add_char(out, '\n');
	return json_finish(&w, e);
}

static bool styles_text(const struct model *m, struct buf *out, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < m->info.style_count; i++)
		buf_printf(out, "%s\n", m->info.styles[i]);
	return true;
}

static bool info_json(const struct model *m, struct buf *out, struct err *e)
{
	const struct engine_info *i = &m->info;
	struct json_writer w;
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_str(&w, "name", i->name);
	json_put_str(&w, "family", i->family);
	json_put_str(&w, "folder", m->dir);
	json_put_int(&w, "parameters", (int64_t)i->parameters);
	json_put_str(&w, "quant", i->quant);
	json_put_int(&w, "weight_bytes", (int64_t)i->weight_bytes);
	json_put_int(&w, "memory_bytes", (int64_t)i->memory_bytes);
	json_put_int(&w, "width", i->width);
	json_put_int(&w, "height", i->height);
	json_put_int(&w, "tokens", i->tokens);
	json_put_int(&w, "image_vocabulary", i->image_vocabulary);
	json_put_int(&w, "prompt_tokens_max", i->prompt_tokens_max);
	json_put_array(&w, "tasks");
	for (int k = 0; k < ENGINE_TASK_COUNT; k++)
		if (i->can[k])
			json_put_str(&w, NULL, TASKS[k]);
	json_put_end(&w);
	json_put_int(&w, "concepts", (int64_t)m->concepts);
	put_styles(&w, i);
	json_put_real(&w, "guidance", i->guidance);
	json_put_real(&w, "temperature", i->temperature);
	json_put_int(&w, "top_k", i->top_k);
	json_put_real(&w, "top_p", i->top_p);
	json_put_str(&w, "kernels", i->kernels);
	json_put_int(&w, "threads", i->threads);
	json_put_end(&w);
	buf_add_char(out, '\n');
	return json_finish(&w, e);
}

static bool info_text(const struct model *m, struct buf *out, struct err *e)
{
	const struct engine_info *i = &m->info;
	(void)e;
	buf_printf(out, "name         %s (%s)\n", i->name, i->family);
	buf_printf(out, "folder       %s\n", m->dir);
	buf_printf(out, "parameters   %.1f million, %s, %.1f MiB\n", (double)i->parameters / 1e6,
		   i->quant, (double)i->weight_bytes / (1 << 20));
	buf_printf(out, "memory       %.1f MiB\n", (double)i->memory_bytes / (1 << 20));
	buf_printf(out, "picture      %d x %d pixels, %d x %d tokens of %d\n", i->width, i->height,
		   i->grid_width, i->grid_height, i->image_vocabulary);
	buf_printf(out, "prompt       at most %d tokens\n", i->prompt_tokens_max);
	if (m->concepts)
		buf_printf(out, "knows        %zu concepts\n", m->concepts);
	buf_add_str(out, "tasks       ");
	for (int k = 0; k < ENGINE_TASK_COUNT; k++)
		if (i->can[k])
			buf_printf(out, " %s", TASKS[k]);
	buf_add_char(out, '\n');
	buf_add_str(out, "styles      ");
	for (size_t k = 0; k < i->style_count; k++)
		buf_printf(out, " %s", i->styles[k]);
	buf_printf(out, "\nsampling     guidance %g, temperature %g, top-k %d, top-p %g\n",
		   (double)i->guidance, (double)i->temperature, i->top_k, (double)i->top_p);
	buf_printf(out, "computes     %s, %d threads\n", i->kernels, i->threads);
	return true;
}

typedef bool write_answer(const struct model *m, struct buf *out, struct err *e);

static int answer(const struct model_options *o, write_answer *text, write_answer *json)
{
	struct err e;
	struct model m = {0};
	struct engine *engine = NULL;
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	struct buf out;
	int rc;
	buf_init(&out, ANSWER_BYTES_MAX);
	if (!cli_find_model(a, o->model, &m.dir, &e) ||
	    !(engine = engine_create(m.dir, &(struct engine_options){0}, &e))) {
		rc = cli_fail(&e);
		goto out;
	}
	engine_info(engine, &m.info);
	const struct engine_lexicon *words = engine_words(engine);
	m.concepts = words ? engine_lexicon_size(words) : 0;
	rc = (o->json ? json : text)(&m, &out, &e) ? cli_print(&out) : cli_fail(&e);
out:
	buf_finish(&out);
	engine_destroy(engine);
	arena_destroy(a);
	return rc;
}

int cli_styles(int argc, char **argv)
{
	struct model_options o = {0};
	struct err e;
	bool help;
	int count = 0;
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(
		    "usage: madang styles [--model DIR] [--json]\n\nLists the styles to draw in.\n",
		    &OPTIONS);
	if (count > 0) {
		err_set(&e, ERR_INVALID, "madang styles takes no '%.60s'", argv[0]);
		return cli_fail(&e);
	}
	return answer(&o, styles_text, styles_json);
}

struct keep_options {
	const char *name, *quant;
	bool json;
};

static const struct option_row KEEP_ROWS[] = {
    {.name = "name",
     .kind = OPTION_STR,
     .offset = offsetof(struct keep_options, name),
     .min = 1,
     .max = 64,
     .doc = "add: what to call it; without it, as its folder is called"},
    {.name = "quant",
     .kind = OPTION_STR,
     .offset = offsetof(struct keep_options, quant),
     .doc = "add: keep a copy in int8 or int4; without it, a link. quantize: int8 or int4"},
    {.name = "json",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct keep_options, json),
     .doc = "list: answer as JSON"},
};
static const struct option_table KEEP_OPTIONS = {KEEP_ROWS, sizeof KEEP_ROWS / sizeof *KEEP_ROWS};

static const char KEEP_USAGE[] =
    "usage: madang model info [--model NAME] [--json]\n"
    "       madang model add DIR [--name NAME] [--quant int8|int4]\n"
    "       madang model list [--json]\n"
    "       madang model remove NAME\n"
    "       madang model quantize DIR TO --quant int8|int4\n"
    "       madang model prepare FOLDER SHARD [--model NAME] [--consent-given]\n"
    "       madang model train --config FILE\n\n"
    "Says what a model is; keeps models under names, for `madang draw --model NAME`; makes them smaller and\n"
    "faster; prepares pictures to learn from; trains one. docs/models.md says where to get models.\n";

static bool keep_add(struct arena *a, const struct keep_options *o, char **words, struct buf *out,
		     struct err *e)
{
	enum engine_quant quant = ENGINE_QUANT_FILE;
	return (!o->quant || models_read_quant(o->quant, &quant, e)) &&
	       models_add(a, words[0], o->name, quant, out, e);
}

static bool keep_list(struct arena *a, const struct keep_options *o, char **words, struct buf *out,
		      struct err *e)
{
	(void)words;
	return models_list(a, o->json, out, e);
}

static bool keep_quantize(struct arena *a, const struct keep_options *o, char **words,
			  struct buf *out, struct err *e)
{
	enum engine_quant quant = ENGINE_QUANT_FILE;
	(void)out;
	return (!o->quant || models_read_quant(o->quant, &quant, e)) &&
	       models_quantize(a, words[0], words[1], quant, e);
}

static bool keep_remove(struct arena *a, const struct keep_options *o, char **words,
			struct buf *out, struct err *e)
{
	(void)o;
	return models_remove(a, words[0], out, e);
}

static const struct {
	const char *name;
	int words; /* that follow it */
	bool (*run)(struct arena *a, const struct keep_options *o, char **words, struct buf *out,
		    struct err *e);
} KEEPS[] = {
    {"add", 1, keep_add},
    {"list", 0, keep_list},
    {"quantize", 2, keep_quantize},
    {"remove", 1, keep_remove},
};

static int keep(int argc, char **argv)
{
	struct keep_options o = {0};
	struct err e;
	struct buf out;
	bool help, ok = false;
	int count = 0, rc;
	if (!cli_read_options(&KEEP_OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(KEEP_USAGE, &KEEP_OPTIONS);
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	buf_init(&out, ANSWER_BYTES_MAX);
	err_set(&e, ERR_INVALID, "say what to do with models: `madang model --help`");
	for (size_t i = 0; count > 0 && i < sizeof KEEPS / sizeof *KEEPS; i++)
		if (strcmp(argv[0], KEEPS[i].name) == 0)
			ok = count == 1 + KEEPS[i].words && KEEPS[i].run(a, &o, argv + 1, &out, &e);
	rc = ok ? cli_print(&out) : cli_fail(&e);
	buf_finish(&out);
	arena_destroy(a);
	return rc;
}

int cli_model(int argc, char **argv)
{
	struct model_options o = {0};
	struct err e;
	bool help;
	int count = 0;
	if (argc > 0 && strcmp(argv[0], "prepare") == 0)
		return cli_model_prepare(argc - 1, argv + 1);
	if (argc > 0 && strcmp(argv[0], "train") == 0)
		return cli_model_train(argc - 1, argv + 1);
	if (argc < 1 || strcmp(argv[0], "info") != 0)
		return keep(argc, argv);
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(KEEP_USAGE, &OPTIONS);
	if (count != 1) {
		err_set(&e, ERR_INVALID, "say `madang model info`");
		return cli_fail(&e);
	}
	return answer(&o, info_text, info_json);
}
