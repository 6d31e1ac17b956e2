/* Inside the engine: what engine.c (opening, pictures) and requests.c (drawing) share. Nobody else includes
 * this. */
#ifndef MADANG_ENGINE_IMPL_H
#define MADANG_ENGINE_IMPL_H

#include "engine/engine.h"
#include "engine/lexicon.h"
#include "engine/memory.h"
#include "engine/prefix.h"
#include "engine/sampler.h"
#include "engine/transformer.h"
#include "engine/vq.h"

#include <pthread.h>

/* A request from engine_submit to its last event. In the line it belongs to the lock, afterwards to the
 * stepper. */
struct engine_job {
	struct engine_job *next;
	uint64_t id;
	struct engine_prompt prompt;
	struct engine_sampler sampler;
	float guidance;

	int streams;                  /* 2: guided pair, 1: guidance is 1 */
	struct engine_cache cache[2]; /* guided, unguided */
	size_t read[2];               /* positions that are in each cache */
	size_t reading[2];            /* and those that this pass will add */
	bool shared[2];               /* looked for a known prefix already */

	int32_t *tokens;
	int token_count;
	bool drawing;  /* has rows in this pass that a token comes from */
	bool finished; /* its last event is in the queue */
};

struct engine_queued_event {
	struct engine_event event;
	struct engine_job *last_of; /* to be freed after this event, or NULL */
};

struct engine {
	char *dir;
	struct engine_weights *weights;
	struct engine_text *text;
	struct engine_lexicon *lexicon; /* NULL: the model has no list of what it knows */
	struct engine_memory *memory;   /* NULL: it has none */
	struct engine_pool *pool;
	struct card *card; /* that the transformer is on; NULL: the processor */
	struct engine_transformer transformer;
	struct engine_vq *vq;
	struct engine_info info;
	size_t memory_max_bytes;
	enum engine_weights_as as;
	struct engine_sight *sight; /* describe.c's own */

	/* with the pool's lock */
	struct engine_vq_work *vq_work;
	struct engine_batch batch;

	/* with the lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct engine_job *line, **line_end;
	size_t line_count;
	int line_max;
	uint64_t next_id;
	uint64_t *cancelled;
	size_t cancelled_count, cancelled_size;
	bool stopped;

	/* the stepper's own, under the pool's lock where engine_info looks */
	struct engine_job **running;
	size_t running_count;
	size_t running_max;
	size_t cache_bytes; /* of running requests */
	struct engine_prefixes prefixes;
	uint64_t positions_computed, pictures_done;
	struct engine_prefix_count prompts;
	struct engine_queued_event *events; /* ring */
	size_t event_first, event_count, event_size;
	struct engine_job *garbage; /* its last event has been taken; freed at the next call */
	float *guided;              /* logits after guidance */
	struct engine_candidate *candidates;
	size_t *logit_rows;
	int32_t *ids, *places;
};

/* engine.c: engine_create on a card that is open already, which it takes; NULL: none. */
struct engine *engine_create_on(struct card *card, const char *dir,
				const struct engine_options *options, struct err *e) MUST_CHECK;

/* requests.c: the stepper's state. */
bool engine_requests_init(struct engine *engine, const struct engine_options *options,
			  struct err *e) MUST_CHECK;
void engine_requests_finish(struct engine *engine);

/* requests.c: whether a request's source_tokens are such, and as many as a picture has. */
bool engine_source_check(const struct engine *engine, const struct engine_request *r,
			 struct err *e) MUST_CHECK;
/* As engine_memory_recall, by the style's name; false also where there is no memory. */
bool engine_recall(const struct engine *engine, const char *prompt, const char *style,
		   const struct engine_memory_choice *choice, int32_t *tokens);

/* describe.c: what engine_describe keeps between calls. */
struct engine_sight *engine_sight_create(struct err *e) MUST_CHECK;
void engine_sight_destroy(struct engine_sight *sight); /* NULL-safe */
/* With the pool's lock. */
size_t engine_sight_bytes(const struct engine_sight *sight);

/* fit.c: the middle square of a picture, scaled (each output pixel the weighted mean of what it covers). */
bool engine_fit(const uint8_t *rgb, int width, int height, int size, uint8_t *out,
		struct err *e) MUST_CHECK;

#endif
