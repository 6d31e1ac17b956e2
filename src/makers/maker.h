/* A maker: something that turns a prompt into pictures; some also say in words what a picture shows.
 *
 * The process makes its makers at the start and destroys them at the end. maker_draw blocks the thread that
 * calls it until the pictures are there; several threads may draw with one maker at once. While it draws it
 * tells the sink what can be seen so far. */
#ifndef MADANG_MAKERS_MAKER_H
#define MADANG_MAKERS_MAKER_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

enum maker_task { MAKER_DRAW, MAKER_RESTYLE, MAKER_VARY, MAKER_EDIT };
enum { MAKER_STYLES_MAX = 64, MAKER_PICTURES_MAX = 4, MAKER_SOURCES_MAX = 16 };

/* What it can honour. A control that is missing here is not offered, and refused by name when asked for. */
struct maker_info {
	const char *id;   /* "builtin" */
	const char *name; /* "Madang 1": for people */
	const char *model;
	bool remote;      /* prompts leave the house */
	const char *host; /* to here; NULL for the built-in one */
	bool tasks[4];    /* by enum maker_task */
	bool has_style, has_seed, has_guidance, has_region;
	bool has_mask;   /* EDIT: of any form */
	bool describes;  /* maker_describe */
	int sources_max; /* EDIT: pictures it takes together; 0 is 1 */
	int count_max, prompt_length_max, width, height;
	double guidance; /* its default */
	const char *styles[MAKER_STYLES_MAX];
	size_t styles_count;
	int slots; /* how many jobs it draws at the same time */
};

struct maker_request {
	enum maker_task task;
	const char *prompt;
	const char *style; /* NULL: any */
	uint64_t seed;     /* of the first picture; the others follow */
	int count;
	double guidance; /* < 0: its default */
	double strength; /* VARY: 0 the same, 1 all new */
	/* The source: tokens where the picture was made by this model, pixels otherwise. */
	const int32_t *source_tokens;
	size_t source_token_count;
	const struct image *source;
	const char *source_style;
	const char
	    *source_prompt; /* NULL: unknown. For the house's own engine: not sent anywhere */
	const char
	    *language; /* "ko": of who asks, where there are no words that show it. NULL: unknown */
	/* EDIT, of those whose info says so: further pictures, and of the source's size what of it is to be drawn
	 * anew: all that is transparent. alpha NULL: all. */
	const struct image *further;
	size_t further_count;
	struct image_alpha mask;
	double region[4]; /* EDIT: x, y, width, height as shares; all 0: everywhere */
	/* Set by any thread, then maker_wake: the drawing ends with ERR_CANCELLED. */
	const atomic_bool *cancelled;
};

struct maker_picture {
	struct image image; /* pixels in the arena */
	const int32_t *tokens;
	size_t token_count; /* 0: it has none */
	uint64_t seed;
	bool has_seed;
};

/* Called on the drawing thread. rows: the share of the height that is drawn, from the top. image NULL: only
 * progress is known. */
struct maker_sink {
	void *context;
	void (*seen)(void *context, int index, double progress, const struct image *image,
		     double rows);

	/* False: nobody watches, previews need not be made. */
	bool (*wanted)(void *context);

	/* The tokens so far, for who decodes them elsewhere: maker_decode. NULL: nobody does. */
	void (*tokens)(void *context, int index, double progress, const int32_t *tokens,
		       size_t count);
};

/* Since it was created: how many prompts were read, how many were known to their end from a job before, and how
 * many of their tokens each way. */
struct maker_prefixes {
	uint64_t computed, shared, tokens_computed, tokens_shared;
};

struct maker;

struct maker_ops {
	const struct maker_info *(*info)(struct maker *m);
	bool (*draw)(struct maker *m, struct arena *a, const struct maker_request *request,
		     const struct maker_sink *sink, struct maker_picture *pictures, struct err *e);
	void (*wake)(struct maker *m);
	void (*destroy)(struct maker *m);
	/* NULL: its pictures have no tokens. */
	bool (*decode)(struct maker *m, struct arena *a, const int32_t *tokens, size_t count,
		       struct image *image, double *rows, struct err *e);
	/* NULL: it cannot look at pictures. */
	bool (*describe)(struct maker *m, const struct image *image, const atomic_bool *cancelled,
			 struct buf *text, struct err *e);
	/* NULL: prompts are read elsewhere. */
	void (*prefixes)(struct maker *m, struct maker_prefixes *out);
};

/* The head of each maker's own struct. */
struct maker {
	const struct maker_ops *ops;
};

static inline const struct maker_info *maker_info(struct maker *m)
{
	return m->ops->info(m);
}

/* Fills request->count pictures. ERR_CANCELLED, ERR_BUSY (try again later), ERR_LIMIT, ERR_INVALID (for good). */
MUST_CHECK static inline bool maker_draw(struct maker *m, struct arena *a,
					 const struct maker_request *request,
					 const struct maker_sink *sink,
					 struct maker_picture *pictures, struct err *e)
{
	return m->ops->draw(m, a, request, sink, pictures, e);
}

/* What can be seen of a picture whose first tokens are known; they may come from another machine, and be wrong.
 * ERR_UNSUPPORTED where this maker has no tokens. */
MUST_CHECK static inline bool maker_decode(struct maker *m, struct arena *a, const int32_t *tokens,
					   size_t count, struct image *image, double *rows,
					   struct err *e)
{
	if (!m->ops->decode)
		return err_set(e, ERR_UNSUPPORTED, "this maker's pictures have no tokens");
	return m->ops->decode(m, a, tokens, count, image, rows, e);
}

/* What the picture shows, for somebody who cannot see it, appended to `text` (UTF-8). Blocks for seconds; one
 * at a time. ERR_UNSUPPORTED where info says that it does not describe. */
MUST_CHECK static inline bool maker_describe(struct maker *m, const struct image *image,
					     const atomic_bool *cancelled, struct buf *text,
					     struct err *e)
{
	if (!m->ops->describe)
		return err_set(e, ERR_UNSUPPORTED, "this maker cannot look at pictures");
	return m->ops->describe(m, image, cancelled, text, e);
}

/* Adds what it knows. From any thread; never waits for a drawing. */
static inline void maker_prefixes_add(struct maker *m, struct maker_prefixes *sum)
{
	struct maker_prefixes own = {0};
	if (m->ops->prefixes)
		m->ops->prefixes(m, &own);
	sum->computed += own.computed;
	sum->shared += own.shared;
	sum->tokens_computed += own.tokens_computed;
	sum->tokens_shared += own.tokens_shared;
}

/* Some request's `cancelled` was set: look now. */
static inline void maker_wake(struct maker *m)
{
	m->ops->wake(m);
}

static inline void maker_destroy(struct maker *m)
{
	if (m)
		m->ops->destroy(m);
}

struct maker_builtin_options {
	const char *dir; /* of the model */
	int threads;     /* 0: every core */
	bool cuda;       /* on the machine's card */
};

/* Draws with the model on threads of this process; its stepper runs until destroyed. */
struct maker *maker_builtin_create(const struct maker_builtin_options *options, struct err *e);

struct maker_openai_options {
	const char *base_url; /* "https://api.example.org/v1" */
	const char *key;      /* may be NULL */
	const char *model;
	const char *name; /* for people; NULL: the model's */
	int width, height;
	bool edits;    /* it offers /images/edits */
	bool masks;    /* and they take a mask */
	int images;    /* and so many pictures together; 0: 1 */
	int timeout_s; /* 0: 180 */
	int jobs_max;  /* at the same time; 0: 4 */
};
struct maker *maker_openai_create(const struct maker_openai_options *options, struct err *e);

#endif
