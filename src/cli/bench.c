/* `madang bench`: how near the engine comes to the machine's limit, and how long a picture takes. Main
 * thread. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/models.h"
#include "engine/measure.h"

static const char USAGE[] =
    "usage: madang bench engine|picture [options]\n\n"
    "engine: the transformer with random weights of a known shape, beside the bandwidth of this\n"
    "machine's memory (with --device cuda: the card's) in the same run. The fraction of the limit is what can be compared between days\n"
    "and machines. picture: one guided picture of a model, from the prompt to the pixels.\n";

struct bench_options {
	const char *shape, *quant, *kernels, *device;
	int64_t batch, threads, context;
	const char *model, *prompt, *style;
	double seconds;
	bool csv, header, greedy, tokens;
};

#define ROW(member, kind_) \
	.name = #member, .kind = (kind_), .offset = offsetof(struct bench_options, member)

static const struct option_row ROWS[] = {
    {ROW(shape, OPTION_STR), .initial = "builtin", .doc = "builtin, m30, m350 or janus1b"},
    {ROW(quant, OPTION_STR), .initial = "file",
     .doc = "file (engine: int8), f32, bf16, int8 or int4"},
    {ROW(kernels, OPTION_STR), .initial = "auto", .doc = "auto, scalar, avx2, avx512 or amx"},
    {ROW(device, OPTION_STR), .initial = "cpu",
     .doc = "cpu, or cuda: the machine's card (f32, bf16, int8)"},
    {ROW(batch, OPTION_INT), .initial = "2", .min = 1, .max = 64,
     .doc = "Streams in one step; a guided picture is two"},
    {ROW(threads, OPTION_INT), .initial = "0", .max = 1024, .doc = "0 takes every core"},
    {ROW(context, OPTION_INT), .initial = "64", .max = 4096, .doc = "Positions read before"},
    {ROW(seconds, OPTION_REAL), .initial = "1", .min = 0.01, .max = 60,
     .doc = "For each of the measurements"},
    {ROW(model, OPTION_STR), .letter = 'm', .value = "DIR", .min = 1,
     .doc = "picture: the model's folder; without it, the built-in one"},
    {ROW(prompt, OPTION_STR), .initial = "a red apple", .doc = "picture: what to draw"},
    {ROW(style, OPTION_STR), .doc = "picture: one of `madang styles`"},
    {ROW(greedy, OPTION_BOOL), .doc = "picture: take the likeliest token always"},
    {ROW(tokens, OPTION_BOOL), .doc = "picture: print its tokens on a second line"},
    {ROW(csv, OPTION_BOOL), .doc = "One line of comma-separated values"},
    {ROW(header, OPTION_BOOL), .doc = "With --csv: the names of the columns first"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

/* The place of `name` in the list; -1: nowhere. */
static int place_of(const char *name, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return i;
	return -1;
}

static bool read_measure(const struct bench_options *o, struct engine_measure_options *m,
			 struct err *e)
{
	static const char *const quants[] = {"file", "f32", "bf16", "int8", "int4"};
	static const char *const kernels[] = {"auto", "scalar", "avx2", "avx512", "amx"};
	int quant = place_of(o->quant, quants, 5), level = place_of(o->kernels, kernels, 5);
	if (quant < 0)
		return err_set(e, ERR_INVALID,
			       "--quant: '%.40s' is not file, f32, bf16, int8 or int4", o->quant);
	if (level < 0)
		return err_set(e, ERR_INVALID,
			       "--kernels: '%.40s' is not auto, scalar, avx2, avx512 or amx",
			       o->kernels);
	enum engine_device device;
	if (!models_read_device(o->device, &device, e))
		return false;
	*m = (struct engine_measure_options){.shape = o->shape,
					     .quant = (enum engine_quant)quant,
					     .kernels = (enum engine_kernels)level,
					     .device = device,
					     .threads = (int)o->threads,
					     .batch = (int)o->batch,
					     .context = (int)o->context,
					     .seconds = o->seconds};
	return true;
}

static void print_csv(const struct bench_options *o, const struct engine_measure *r,
		      struct buf *out)
{
	if (o->header)
		buf_add_str(out, "shape,quant,kernels,threads,batch,context,tokens_per_s,"
				 "bytes_per_step,bandwidth_gb_per_s,fraction_of_limit,"
				 "prefill_tokens_per_s,prefill_gops,peak_gops\n");
	buf_printf(out, "%s,%s,%s,%d,%d,%d,%.1f,%.0f,%.1f,%.3f,%.0f,%.0f,%.0f\n", o->shape,
		   r->quant, r->kernels, r->threads, (int)o->batch, (int)o->context,
		   r->tokens_per_s, r->bytes_per_step, r->bandwidth / 1e9, r->fraction,
		   r->prefill_tokens_per_s, r->prefill_ops_per_s / 1e9, r->peak_ops_per_s / 1e9);
}

static void print_text(const struct bench_options *o, const struct engine_measure *r,
		       struct buf *out)
{
	buf_printf(out, "%s %s, %.1f M weights, %s kernels, %d threads\n", o->shape, r->quant,
		   (double)r->parameters / 1e6, r->kernels, r->threads);
	buf_printf(out, "decode   %10.1f tokens/s, %d streams at position %d\n", r->tokens_per_s,
		   (int)o->batch, (int)o->context);
	buf_printf(out, "         %10.1f MB a step; memory gives %.1f GB/s: %.0f %% of the limit\n",
		   r->bytes_per_step / 1e6, r->bandwidth / 1e9, 100 * r->fraction);
	buf_printf(out, "prefill  %10.0f tokens/s, %.0f GOPS", r->prefill_tokens_per_s,
		   r->prefill_ops_per_s / 1e9);
	if (r->peak_ops_per_s > 0)
		buf_printf(out, "; the cores could do %.0f in int8", r->peak_ops_per_s / 1e9);
	buf_add_char(out, '\n');
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* One picture, as somebody who watches it sees it come. */
struct picture {
	struct engine *engine;
	uint8_t *rgb;
	int grid;
	double begin_ms, first_ms, tokens_ms, whole_ms;
	int32_t *tokens;
	struct err error;
	bool done;
};

static void on_event(void *context, const struct engine_event *event)
{
	struct picture *p = context;
	size_t count = (size_t)event->token_count;
	bool ok = true;

	if (event->kind == ENGINE_EVENT_ROW && count == (size_t)p->grid) {
		ok = engine_decode(p->engine, event->tokens, count, 0, p->rgb, &p->error);
		p->first_ms = now_ms() - p->begin_ms;
	} else if (event->kind == ENGINE_EVENT_DONE) {
		p->tokens_ms = now_ms() - p->begin_ms;
		ok = engine_decode(p->engine, event->tokens, count, 0, p->rgb, &p->error);
		p->whole_ms = now_ms() - p->begin_ms;
		memcpy(p->tokens, event->tokens, count * sizeof(*p->tokens));
		p->done = ok;
	} else if (event->kind == ENGINE_EVENT_FAILED) {
		p->error = event->error;
	}
}

static void print_picture(const struct bench_options *o, const struct engine_info *info,
			  const struct picture *p, double load_ms, struct buf *out)
{
	if (o->csv && o->header)
		buf_add_str(out, "model,quant,kernels,threads,load_ms,first_preview_ms,tokens_ms,"
				 "whole_ms,memory_mib\n");
	buf_printf(out,
		   o->csv ? "%s,%s,%s,%d,%.0f,%.1f,%.1f,%.1f,%.1f\n"
			  : "%s %s, %s kernels, %d threads\nloaded          %8.0f ms\n"
			    "first preview   %8.1f ms\nall tokens      %8.1f ms\n"
			    "whole picture   %8.1f ms\nmemory          %8.1f MiB\n",
		   info->name, info->quant, info->kernels, info->threads, load_ms, p->first_ms,
		   p->tokens_ms, p->whole_ms, (double)info->memory_bytes / (1 << 20));
	if (!o->tokens)
		return;
	for (int i = 0; i < info->tokens; i++)
		buf_printf(out, "%s%d", i ? " " : "", (int)p->tokens[i]);
	buf_add_str(out, "\n");
}

/* Draws the same picture a few times in one engine; the quickest counts. */
static bool bench_picture(const struct bench_options *o, struct buf *out, struct err *e)
{
	struct engine_measure_options m;
	struct engine_info info;
	const char *dir;
	uint64_t id;
	struct arena *a = arena_create(64 << 10);
	bool ok = read_measure(o, &m, e) && cli_find_model(a, o->model, &dir, e);
	double begin = now_ms();
	struct engine_options options = {
	    .threads = m.threads, .quant = m.quant, .kernels = m.kernels, .device = m.device};
	struct engine *engine = ok ? engine_create(dir, &options, e) : NULL;
	double load_ms = now_ms() - begin;
	struct picture best = {0};

	if (!engine) {
		arena_destroy(a);
		return false;
	}
	engine_info(engine, &info);
	uint8_t *rgb = malloc((size_t)info.width * (size_t)info.height * 3);
	int32_t *tokens = calloc((size_t)info.tokens, sizeof(*tokens));
	ok = (rgb && tokens) || err_set(e, ERR_NO_MEMORY, "no memory for a picture");
	begin = now_ms();
	do {
		struct picture p = {.engine = engine,
				    .rgb = rgb,
				    .grid = info.grid_width,
				    .tokens = tokens,
				    .begin_ms = now_ms()};
		struct engine_request r = ENGINE_REQUEST_INIT;
		r.prompt = o->prompt;
		r.style = o->style;
		r.temperature = o->greedy ? 0 : -1;
		ok = ok && engine_submit(engine, &r, &id, e);
		if (!ok)
			break;
		engine_run(engine, on_event, &p);
		if (!p.done) {
			*e = p.error;
			ok = false;
		} else if (!best.done || p.whole_ms < best.whole_ms) {
			best = p;
		}
	} while (ok && now_ms() - begin < o->seconds * 1e3);
	if (ok) {
		engine_info(engine, &info);
		print_picture(o, &info, &best, load_ms, out);
	}
	free(rgb);
	free(tokens);
	engine_destroy(engine);
	arena_destroy(a);
	return ok;
}

static bool bench_engine(const struct bench_options *o, struct buf *out, struct err *e)
{
	struct engine_measure_options options;
	struct engine_measure result;
	if (!read_measure(o, &options, e) || !engine_measure(&options, &result, e))
		return false;
	if (o->csv)
		print_csv(o, &result, out);
	else
		print_text(o, &result, out);
	return true;
}

int cli_bench(int argc, char **argv)
{
	struct bench_options o = {0};
	struct buf out;
	struct err e;
	int words;
	bool help, ok;

	if (!cli_read_options(&OPTIONS, argc, argv, &words, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(USAGE, &OPTIONS);
	buf_init(&out, 64 << 10);
	if (words == 1 && strcmp(argv[0], "engine") == 0)
		ok = bench_engine(&o, &out, &e);
	else if (words == 1 && strcmp(argv[0], "picture") == 0)
		ok = bench_picture(&o, &out, &e);
	else
		ok = err_set(&e, ERR_INVALID, "say what to measure: engine or picture");
	if (!ok) {
		buf_finish(&out);
		return cli_fail(&e);
	}
	int rc = cli_print(&out);
	buf_finish(&out);
	return rc;
}
