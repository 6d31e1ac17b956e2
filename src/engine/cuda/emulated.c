/* The emulated card. Owns what it allocates, which is ordinary memory, so that the sanitizers see every access of a
 * kernel. Does everything at once; for one thread of the program. What must stay true: a recording holds the
 * arguments as they were, as on the real card. */
#include "engine/cuda/emulated.h"

#include "engine/cuda/attend.h"
#include "engine/cuda/product.h"
#include "engine/cuda/small.h"

#include <stdio.h>

struct emulated_block emulated_block;

struct launch {
	enum card_kernel kernel;
	int width, height;
	uint8_t arguments[CARD_ARGUMENT_BYTES_MAX];
};

struct recording {
	struct launch *launches;
	size_t count;
};

struct emulated {
	struct card card;
	bool backwards;
	struct recording *recording; /* being made */
};

/* What lies in the 32 lanes' registers, by row and column: lane 4g + t has rows g and g + 8 of the weights, their
 * k 2t, 2t + 1 (bf16) or 4t to 4t + 3 (int8) in register 0 and 1 and those of the other half of k in 2 and 3; of x
 * the row g; of the sums rows g and g + 8, columns 2t and 2t + 1. */
static uint32_t weight_at(const uint32_t *w, size_t apart, int output, int word)
{
	return w[(size_t)(output % 8 * 4 + word % 4) * apart + (size_t)(word / 4 * 2 + output / 8)];
}

static uint32_t x_at(const uint32_t *x, size_t apart, int row, int word)
{
	return x[(size_t)(row * 4 + word % 4) * apart + (size_t)(word / 4)];
}

void emulated_mma_bf16(float *acc, size_t acc_apart, const uint32_t *w, size_t w_apart,
		       const uint32_t *x, size_t x_apart)
{
	for (int output = 0; output < 16; output++)
		for (int row = 0; row < 8; row++) {
			float *to = acc + (size_t)(output % 8 * 4 + row / 2) * acc_apart +
				    output / 8 * 2 + row % 2;
			float sum = 0;
			for (int word = 0; word < 8; word++) {
				uint32_t a = weight_at(w, w_apart, output, word);
				uint32_t b = x_at(x, x_apart, row, word);
				sum += float_of(a << 16) * float_of(b << 16);
				sum += float_of(a & 0xffff0000u) * float_of(b & 0xffff0000u);
			}
			*to += sum;
		}
}

void emulated_mma_int8(int32_t *acc, size_t acc_apart, const uint32_t *w, size_t w_apart,
		       const uint32_t *x, size_t x_apart)
{
	for (int output = 0; output < 16; output++)
		for (int row = 0; row < 8; row++) {
			int32_t *to = acc + (size_t)(output % 8 * 4 + row / 2) * acc_apart +
				      output / 8 * 2 + row % 2;
			for (int word = 0; word < 8; word++) {
				uint32_t a = weight_at(w, w_apart, output, word);
				uint32_t b = x_at(x, x_apart, row, word);
				for (int i = 0; i < 32; i += 8)
					*to += (int8_t)(a >> i & 255) * (int8_t)(b >> i & 255);
			}
		}
}

#define RUN(NAME, ARGUMENTS)                          \
	static void run_##NAME(const void *arguments) \
	{                                             \
		struct ARGUMENTS a;                   \
		memcpy(&a, arguments, sizeof(a));     \
		NAME(a);                              \
	}
#define RUN_PRODUCTS(KIND)                \
	RUN(KIND##_f32, card_product)     \
	RUN(KIND##_bf16_8, card_product)  \
	RUN(KIND##_bf16_16, card_product) \
	RUN(KIND##_bf16_32, card_product) \
	RUN(KIND##_int8_8, card_product)  \
	RUN(KIND##_int8_16, card_product) \
	RUN(KIND##_int8_32, card_product)

RUN_PRODUCTS(product)
RUN_PRODUCTS(gated)
RUN(remember, card_attend)
RUN(attend, card_attend)
RUN(gather, card_gather)
RUN(scatter, card_scatter)
RUN(carry, card_carry)
RUN(sweep, card_sweep)

static void (*const KERNELS[CARD_KERNELS])(const void *) = {
    [CARD_PRODUCT_F32] = run_product_f32,
    [CARD_PRODUCT_BF16_8] = run_product_bf16_8,
    [CARD_PRODUCT_BF16_16] = run_product_bf16_16,
    [CARD_PRODUCT_BF16_32] = run_product_bf16_32,
    [CARD_PRODUCT_INT8_8] = run_product_int8_8,
    [CARD_PRODUCT_INT8_16] = run_product_int8_16,
    [CARD_PRODUCT_INT8_32] = run_product_int8_32,
    [CARD_GATED_F32] = run_gated_f32,
    [CARD_GATED_BF16_8] = run_gated_bf16_8,
    [CARD_GATED_BF16_16] = run_gated_bf16_16,
    [CARD_GATED_BF16_32] = run_gated_bf16_32,
    [CARD_GATED_INT8_8] = run_gated_int8_8,
    [CARD_GATED_INT8_16] = run_gated_int8_16,
    [CARD_GATED_INT8_32] = run_gated_int8_32,
    [CARD_REMEMBER] = run_remember,
    [CARD_ATTEND] = run_attend,
    [CARD_GATHER] = run_gather,
    [CARD_SCATTER] = run_scatter,
    [CARD_CARRY] = run_carry,
    [CARD_SWEEP] = run_sweep,
};

static void run(const struct emulated *emulated, const struct launch *l)
{
	int blocks = l->width * l->height;
	for (int i = 0; i < blocks; i++) {
		int at = emulated->backwards ? blocks - 1 - i : i;
		emulated_block = (struct emulated_block){.x = at % l->width,
							 .y = at / l->width,
							 .width = l->width,
							 .backwards = emulated->backwards};
		KERNELS[l->kernel](l->arguments);
		if (emulated_block.open)
			abort();
	}
}

static void launch(struct card *card, enum card_kernel kernel, int width, int height,
		   const void *arguments, size_t bytes)
{
	struct emulated *emulated = (struct emulated *)card;
	struct recording *r = emulated->recording;
	struct launch l = {kernel, width, height, {0}};

	if (bytes > sizeof(l.arguments))
		abort();
	memcpy(l.arguments, arguments, bytes);
	if (!r) {
		run(emulated, &l);
		return;
	}
	r->launches = realloc(r->launches, (r->count + 1) * sizeof(l));
	if (!r->launches)
		abort();
	r->launches[r->count++] = l;
}

static void *alloc(struct card *card, size_t bytes)
{
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	(void)card;
	if (memory)
		memset(memory, 0, (bytes + 63) / 64 * 64);
	return memory;
}

static void release(struct card *card, void *memory)
{
	(void)card;
	free(memory);
}

static void move(struct card *card, void *to, const void *from, size_t bytes)
{
	if (((struct emulated *)card)->recording)
		abort(); /* a recording is of launches only */
	memcpy(to, from, bytes);
}

static void wait(struct card *card)
{
	(void)card;
}

static void record_begin(struct card *card)
{
	struct emulated *emulated = (struct emulated *)card;
	emulated->recording = calloc(1, sizeof(*emulated->recording));
	if (!emulated->recording)
		abort();
}

static void *record_end(struct card *card)
{
	struct emulated *emulated = (struct emulated *)card;
	void *recording = emulated->recording;
	emulated->recording = NULL;
	return recording;
}

static void play(struct card *card, void *recording)
{
	const struct recording *r = recording;
	for (size_t i = 0; i < r->count; i++)
		run((struct emulated *)card, &r->launches[i]);
}

static void forget(struct card *card, void *recording)
{
	struct recording *r = recording;
	(void)card;
	if (r)
		free(r->launches);
	free(r);
}

static void destroy(struct card *card)
{
	free(card);
}

struct card *engine_card_open_emulated(bool backwards, struct err *e)
{
	static const struct card_ops OPS = {.destroy = destroy,
					    .alloc = alloc,
					    .release = release,
					    .put = move,
					    .get = move,
					    .wait = wait,
					    .launch = launch,
					    .record_begin = record_begin,
					    .record_end = record_end,
					    .play = play,
					    .forget = forget};
	struct emulated *emulated = calloc(1, sizeof(*emulated));
	if (!emulated) {
		err_set(e, ERR_NO_MEMORY, "no memory for a card");
		return NULL;
	}
	emulated->card = (struct card){.ops = &OPS, .memory_bytes = (size_t)1 << 32};
	snprintf(emulated->card.name, sizeof(emulated->card.name), "emulated");
	emulated->backwards = backwards;
	return &emulated->card;
}
