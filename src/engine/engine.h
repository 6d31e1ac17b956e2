/* The picture engine: text and picture tokens in, picture tokens and pixels out.
 *
 * This header is the engine's whole face. Keep it narrow, so that HTTP, job and CLI code does not
 * depend on tensor internals: no shapes of tensors, no caches, no kernels, no threads show through.
 * The caller may treat one `struct engine` as one thing: an open model, its weights, its threads
 * and every request that is being drawn with it.
 *
 * The story
 * ---------
 * `engine_create` opens a model directory (Hugging Face layout: config.json, tokenizer.json,
 * *.safetensors) and keeps it until `engine_destroy`. Anybody, on any thread, hands in requests
 * with `engine_submit` and gets a number back; the engine copies what it needs, so the request
 * struct and all it points to may die at once. One thread, the stepper, calls `engine_step` over
 * and over: each call moves every running request on by one token, each at its own position, all in
 * one pass over the weights. Between two steps the stepper takes what has happened out with
 * `engine_event_next`. When `engine_step` says that nothing is left to do, the stepper may block in
 * `engine_wait`.
 *
 *     while (engine_wait(engine, -1)) {
 *             engine_step(engine);
 *             while (engine_event_next(engine, &event))
 *                     ...
 *     }
 *
 * A caller with one request and nothing else to do uses `engine_run` instead of writing the loop.
 *
 * Threads
 * -------
 * One thread steps and takes events. engine_submit, engine_cancel, engine_stop, engine_info,
 * engine_decode, engine_encode and engine_describe may be called from any thread at any time; they
 * take turns with the steps on the engine's own threads, so the stepper does not stand still for
 * long. The engine's threads spin for some tens of microseconds when they run out of work, then
 * sleep: with no request running the engine uses no CPU.
 *
 * Same seed, same picture
 * -----------------------
 * A picture depends on the model, the quantisation, the kernels (their float functions differ in the
 * last bits) and the request, and on nothing else: not on the number of threads, not on what else is
 * in the batch, not on when it came. The seed is taken as it is given, 0 included; whoever wants
 * several different pictures of one prompt submits several requests with different seeds (their
 * prompt is computed once). */
#ifndef MADANG_ENGINE_ENGINE_H
#define MADANG_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct engine_lexicon;

/* How weights lie in memory. FILE keeps what the file holds: I8 stays int8, floats are computed in
 * f32. */
enum engine_quant {
	ENGINE_QUANT_FILE = 0,
	ENGINE_QUANT_F32,
	ENGINE_QUANT_BF16,
	ENGINE_QUANT_INT8,
	ENGINE_QUANT_INT4
};

/* Which instruction set computes. AUTO takes the best that this machine has; the others are for
 * tests and measurements, and engine_create refuses one that the machine lacks. */
enum engine_kernels {
	ENGINE_KERNELS_AUTO = 0,
	ENGINE_KERNELS_SCALAR,
	ENGINE_KERNELS_AVX2,
	ENGINE_KERNELS_AVX512,
	ENGINE_KERNELS_AMX
};

/* Where the transformer computes. CUDA: on the machine's first NVIDIA card, with f32, bf16 or int8 weights;
 * engine_create refuses it where there is no card, or where the program was built without. The picture
 * tokenizer stays on the processor. */
enum engine_device { ENGINE_DEVICE_CPU = 0, ENGINE_DEVICE_CUDA };

/* All zero is a good choice. */
struct engine_options {
	int threads; /* 0: one for each core this process may use */
	enum engine_quant quant;
	enum engine_kernels kernels; /* the processor's */
	enum engine_device device;
	int requests_max;        /* running at the same time; more of them wait in line. 0: 16 */
	int waiting_max;         /* in line; past it engine_submit says ERR_BUSY. 0: 256 */
	bool forget;             /* draw without the model's memory (engine/memory.h) */
	size_t memory_max_bytes; /* weights, caches and buffers together. 0: three quarters of the
				    machine's, or of the card's */
};

#define ENGINE_STYLES_MAX     64
#define ENGINE_NAME_MAX_BYTES 64

enum engine_task {
	ENGINE_TASK_DRAW = 0, /* from the prompt alone */
	ENGINE_TASK_RESTYLE,  /* the source's subject, in the style asked for */
	ENGINE_TASK_VARY,     /* a picture like the source */
	ENGINE_TASK_EDIT,     /* the source, changed as the prompt says */
	ENGINE_TASK_COUNT
};

/* What the model is and what it offers; strings are UTF-8 and live as long as the engine. */
struct engine_info {
	char name[ENGINE_NAME_MAX_BYTES];   /* config.json's, or the directory's own */
	char family[ENGINE_NAME_MAX_BYTES]; /* "madang_janus", "janus", "llamagen" */
	const char *quant;                  /* "f32", "bf16", "int8", "int4" */
	const char *
	    kernels; /* "scalar", "avx2", "avx512", "amx"; "cuda": the transformer's are a card's */
	int threads;

	int width, height;           /* pixels of a picture */
	int grid_width, grid_height; /* tokens a row, rows: width = grid_width * pixels a token */
	int tokens;                  /* grid_width * grid_height */
	int image_vocabulary;        /* ids are 0 <= id < image_vocabulary */
	int prompt_tokens_max;       /* longer prompts are cut; see engine_prompt_tokens */

	bool can_draw_text; /* prompts are text (false: LlamaGen's classes, prompt "class 207") */
	bool can[ENGINE_TASK_COUNT]; /* by enum engine_task: what the model was trained to do */
	bool can_take_source;        /* restyle or edit */
	bool can_encode;             /* engine_encode and source pixels */
	bool can_describe;           /* engine_describe */

	size_t style_count;
	const char *styles[ENGINE_STYLES_MAX];

	/* The model's own sampling, used where a request leaves a field negative. */
	float guidance, temperature, top_p;
	int top_k;

	uint64_t parameters;
	uint64_t weight_bytes; /* as they lie in memory */
	uint64_t memory_bytes; /* weights, caches and buffers, now */

	/* Since the engine was opened: positions that went through the transformer (a guided token is
	 * two; a prefix that was shared is none), and pictures finished. */
	uint64_t positions_computed, pictures_done;

	/* Of the prompts that pictures were drawn from (what guidance adds, the same for all, is not counted):
	 * how many were read, how many were known to their end, and how many of their tokens each way. */
	struct engine_prefix_count {
		uint64_t computed, shared, tokens_computed, tokens_shared;
	} prompts;
};

/* Sampling fields left negative take the model's own value (ENGINE_REQUEST_INIT does). */
struct engine_request {
	enum engine_task task;
	const char *prompt; /* UTF-8, NUL-terminated; NULL is "" */
	const char *style;  /* of the picture to draw; NULL: any */
	const char *
	    source_style; /* of the source, where it is known; the picture keeps it where style is NULL */

	/* What engine_settle says where there are no words: "ko", "ja", or else English. NULL: unknown. */
	const char *language;

	/* The source of restyle, vary and edit: either tokens of this same model (as many as
	 * engine_info says), or pixels, which are fitted to the picture's size and encoded. Beside DRAW tokens say
	 * which kind of a thing is meant where there are several (engine/memory.h): the one in that picture. */
	const int32_t *source_tokens;
	size_t source_token_count;
	const uint8_t *source_rgb; /* source_width * source_height * 3 */
	int source_width, source_height;

	/* VARY: the share of the source's tokens, from the top, that stay as they are (0 to 1). The
	 * rest is drawn anew. Negative: a half. */
	float keep;

	uint64_t seed;
	float guidance;    /* 1 is none (and halves the work) */
	float temperature; /* 0 takes the likeliest token always */
	int top_k;         /* 0: all */
	float top_p;       /* 1: all */
};

#define ENGINE_REQUEST_INIT                                                             \
	{                                                                               \
		.keep = -1, .guidance = -1, .temperature = -1, .top_k = -1, .top_p = -1 \
	}

enum engine_event_kind {
	ENGINE_EVENT_STARTED, /* left the line: its prompt is being read */
	ENGINE_EVENT_ROW,     /* one more row of tokens is finished */
	ENGINE_EVENT_DONE,    /* all tokens are there; last event of the request */
	ENGINE_EVENT_FAILED /* `error` says why, ERR_CANCELLED among them; last event of the request
			     */
};

/* `tokens` belongs to the engine and stays readable until the next engine_event_next or
 * engine_step. */
struct engine_event {
	uint64_t request;
	enum engine_event_kind kind;
	const int32_t *tokens;
	int token_count; /* finished so far, from the picture's top left, row by row */
	int token_total;
	struct err error;
};

/* Opens the model in `dir` and starts the threads. NULL and *e on failure: no such directory, a
 * malformed file, a missing tensor, a model that does not fit into the memory allowed. */
struct engine *engine_create(const char *dir, const struct engine_options *options,
			     struct err *e) MUST_CHECK;

/* Opens the model only as far as its files can be wrong (configuration, tokenizer, every tensor there and of
 * its shape), without loading the transformer's weights, and says what it is. */
bool engine_check(const char *dir, struct engine_info *info, struct err *e) MUST_CHECK;

/* Stops the threads, frees everything. No other call may be under way or follow. NULL-safe. */
void engine_destroy(struct engine *engine);

/* What the model knows by name (engine/lexicon.h); NULL: it has no list, and takes any words. Lives as long as the engine. */
const struct engine_lexicon *engine_words(const struct engine *engine);

/* A snapshot. */
void engine_info(struct engine *engine, struct engine_info *info);

/* The style that a picture of this prompt has where none is asked for: what the words name ("pixel art"), or what
 * the model was told to take. NULL: the model has no styles, or any. Lives as long as the engine. */
const char *engine_style(const struct engine *engine, const char *prompt);

/* What a request of a person comes to, before it is submitted; what is made for it lies in the arena.
 * Who asks for no style, and draws or varies, gets engine_style. To restyle what the model's memory holds is to draw it anew: what
 * the words name, or else what the picture shows where that is recognised, on the picture's ground where that is plain and the
 * words ask for none. False and *e, ERR_UNSUPPORTED, where neither words nor picture say what it is. A model
 * without such a memory restyles as it has learned to. */
bool engine_settle(struct engine *engine, struct arena *a, struct engine_request *request,
		   struct err *e) MUST_CHECK;

/* Puts a request in line and sets *id (never 0, never used twice). Everything is copied. False and
 * *e where the request makes no sense (a style the model lacks, invalid UTF-8, a token out of
 * range: the message names the field) or the line is full (ERR_BUSY). */
bool engine_submit(struct engine *engine, const struct engine_request *request, uint64_t *id,
		   struct err *e) MUST_CHECK;

/* The request ends within one token, with an event FAILED / ERR_CANCELLED. A number that is unknown
 * or already finished is ignored. */
void engine_cancel(struct engine *engine, uint64_t id);

/* One token for every running request (or a piece of its prompt). Returns how many requests are
 * running or in line afterwards: 0 says that there is nothing to do. Stepper only. */
size_t engine_step(struct engine *engine);

/* Blocks until there is something to step (true), until timeout_ms have passed (true: negative
 * waits without end), or until engine_stop (false). Stepper only. */
bool engine_wait(struct engine *engine, int timeout_ms);

/* Makes engine_wait and engine_run return false now and ever after. From any thread and from a
 * signal handler's thread, not from the handler itself. */
void engine_stop(struct engine *engine);

/* Takes the oldest event out. False: there is none. Stepper only. */
bool engine_event_next(struct engine *engine, struct engine_event *event);

/* Steps until every request is finished, giving each event to `on_event` on this thread. False
 * where engine_stop ended it early. */
bool engine_run(struct engine *engine,
		void (*on_event)(void *context, const struct engine_event *event), void *context);

/* Pixels of a picture whose first `count` tokens are known: rgb (width * height * 3 bytes, the
 * caller's) is filled, rows that no token reaches yet with mid grey. Only the rows of tokens from
 * `first_row` on are computed anew (with their halo); those above must still lie in rgb from an
 * earlier call with a prefix of the same tokens. first_row 0 computes all. Several threads may call
 * it at once. */
bool engine_decode(struct engine *engine, const int32_t *tokens, size_t count, int first_row,
		   uint8_t *rgb, struct err *e) MUST_CHECK;

/* What a style asks of pixels that engine_decode wrote, of whole and of partial pictures: pixel art becomes
 * squares of one colour. Done twice it changes nothing more. style NULL or another's: nothing. */
void engine_finish(const struct engine *engine, const char *style, uint8_t *rgb);

/* Pixels of any size to the tokens of one picture (engine_info.tokens of them, the caller's): the
 * middle square is scaled to the picture's size, then encoded. */
bool engine_encode(struct engine *engine, const uint8_t *rgb, int width, int height,
		   int32_t *tokens, struct err *e) MUST_CHECK;

#define ENGINE_DESCRIBE_TOKENS_MAX 1024
#define ENGINE_QUESTION_BYTES_MAX  4000

struct engine_description {
	const uint8_t *rgb; /* width * height * 3 */
	int width, height;
	const char *question; /* UTF-8; NULL: what an alternative text has to say */
	int tokens_max;       /* of the answer. 0: 128 */
	/* Set by any thread: the description ends with ERR_CANCELLED within a word. NULL: never. */
	const atomic_bool *cancelled;
};

/* What is to be seen in a picture, appended to `text` (UTF-8, trimmed): the likeliest words, so the same
 * picture and question give the same answer. The vision tower and the head that writes text are loaded by
 * the first call and stay. One call at a time; others wait. ERR_UNSUPPORTED where the model cannot look,
 * ERR_CANCELLED after engine_stop and where it was cancelled. */
bool engine_describe(struct engine *engine, const struct engine_description *what, struct buf *text,
		     struct err *e) MUST_CHECK;

/* How many text tokens the prompt takes, so that a caller can say that the end of it will be cut
 * (more than engine_info.prompt_tokens_max). */
bool engine_prompt_tokens(struct engine *engine, const char *prompt, size_t *count,
			  struct err *e) MUST_CHECK;

#endif
