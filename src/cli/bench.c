/* `madang bench engine`: how near the engine comes to the machine's limit. Main thread. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/measure.h"

static const char USAGE[] =
    "usage: madang bench engine [options]\n\n"
    "Measures the transformer with random weights, beside the bandwidth of this machine's memory in\n"
    "the same run. The fraction of the limit is what can be compared between days and machines.\n";

struct bench_options {
	const char *shape, *quant, *kernels;
	int64_t batch, threads, context;
	double seconds;
	bool csv, header;
};

#define ROW(member, kind_) \
	.name = #member, .kind = (kind_), .offset = offsetof(struct bench_options, member)

static const struct option_row ROWS[] = {
    {ROW(shape, OPTION_STR), .initial = "builtin", .doc = "builtin, m30, m350 or janus1b"},
    {ROW(quant, OPTION_STR), .initial = "int8", .doc = "f32, bf16, int8 or int4"},
    {ROW(kernels, OPTION_STR), .initial = "auto", .doc = "auto, scalar, avx2, avx512 or amx"},
    {ROW(batch, OPTION_INT), .initial = "2", .min = 1, .max = 64,
     .doc = "Streams in one step; a guided picture is two"},
    {ROW(threads, OPTION_INT), .initial = "0", .max = 1024, .doc = "0 takes every core"},
    {ROW(context, OPTION_INT), .initial = "64", .max = 4096, .doc = "Positions read before"},
    {ROW(seconds, OPTION_REAL), .initial = "1", .min = 0.01, .max = 60,
     .doc = "For each of the measurements"},
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
	if (quant <= 0)
		return err_set(e, ERR_INVALID, "--quant: '%.40s' is not f32, bf16, int8 or int4",
			       o->quant);
	if (level < 0)
		return err_set(e, ERR_INVALID,
			       "--kernels: '%.40s' is not auto, scalar, avx2, avx512 or amx",
			       o->kernels);
	*m = (struct engine_measure_options){.shape = o->shape,
					     .quant = (enum engine_quant)quant,
					     .kernels = (enum engine_kernels)level,
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
				 "prefill_tokens_per_s,prefill_gops\n");
	buf_printf(out, "%s,%s,%s,%d,%d,%d,%.1f,%.0f,%.1f,%.3f,%.0f,%.0f\n", o->shape, r->quant,
		   r->kernels, r->threads, (int)o->batch, (int)o->context, r->tokens_per_s,
		   r->bytes_per_step, r->bandwidth / 1e9, r->fraction, r->prefill_tokens_per_s,
		   r->prefill_ops_per_s / 1e9);
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
	buf_printf(out, "prefill  %10.0f tokens/s, %.0f GOPS\n", r->prefill_tokens_per_s,
		   r->prefill_ops_per_s / 1e9);
}

int cli_bench(int argc, char **argv)
{
	struct bench_options o = {0};
	struct engine_measure_options options;
	struct engine_measure result;
	struct buf out;
	struct err e;
	int words;
	bool help;

	if (!cli_read_options(&OPTIONS, argc, argv, &words, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help(USAGE, &OPTIONS);
	if (words != 1 || strcmp(argv[0], "engine") != 0) {
		err_set(&e, ERR_INVALID, "say what to measure: madang bench engine");
		return cli_fail(&e);
	}
	if (!read_measure(&o, &options, &e) || !engine_measure(&options, &result, &e))
		return cli_fail(&e);
	buf_init(&out, 4096);
	if (o.csv)
		print_csv(&o, &result, &out);
	else
		print_text(&o, &result, &out);
	int rc = cli_print(&out);
	buf_finish(&out);
	return rc;
}
