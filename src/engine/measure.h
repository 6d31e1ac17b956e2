/* How fast the transformer is on this machine, beside what the machine could give: random weights of a
 * known shape, one pass after the other, and in the same run the bandwidth at which the same number of
 * bytes can be read. Absolute figures drift with the machine's other work; the fraction is what counts. */
#ifndef MADANG_ENGINE_MEASURE_H
#define MADANG_ENGINE_MEASURE_H

#include "base/err.h"
#include "engine/engine.h"

struct engine_measure_options {
	const char *shape; /* "m30", "m350", "janus1b", "builtin" */
	enum engine_quant quant;
	enum engine_kernels kernels;
	enum engine_device device; /* CUDA: of a card, and its memory */
	int threads;               /* 0: all */
	int batch;      /* rows of a step, each a stream of its own: a guided picture is two */
	int context;    /* positions read before */
	double seconds; /* at most, for each of the measurements */
};

struct engine_measure {
	const char *kernels, *quant;
	int threads;
	uint64_t parameters;         /* that a token is computed with */
	double tokens_per_s;         /* of the best step; all rows counted */
	double bytes_per_step;       /* weights, keys and values */
	double bandwidth;            /* bytes/s at which so many bytes are read */
	double fraction;             /* of the steps that bandwidth allows */
	double prefill_tokens_per_s; /* 512 positions of one stream */
	double prefill_ops_per_s;    /* 2 for each weight and token */
	double peak_ops_per_s; /* int8, of all threads, operands in registers; 0: not measured */
};

bool engine_measure(const struct engine_measure_options *options, struct engine_measure *result,
		    struct err *e) MUST_CHECK;

#endif
