/* The real card: CUDA's runtime behind card.h. Owns one stream, on which everything is done in order, and what is
 * allocated. Any thread may use it, one at a time. What must stay true: after the first failure nothing is asked of
 * the card any more, since what it would say is about that failure. */
#include "engine/cuda/attend.h"
#include "engine/cuda/product.h"
#include "engine/cuda/small.h"

#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

struct real_card {
	struct card card;
	cudaStream_t stream;
};

static const void *const KERNELS[] = {
    (const void *)product_f32,     (const void *)product_bf16_8,  (const void *)product_bf16_16,
    (const void *)product_bf16_32, (const void *)product_int8_8,  (const void *)product_int8_16,
    (const void *)product_int8_32, (const void *)gated_f32,       (const void *)gated_bf16_8,
    (const void *)gated_bf16_16,   (const void *)gated_bf16_32,   (const void *)gated_int8_8,
    (const void *)gated_int8_16,   (const void *)gated_int8_32,   (const void *)remember,
    (const void *)attend,          (const void *)gather,          (const void *)scatter,
    (const void *)carry,           (const void *)sweep,
};
static_assert(sizeof(KERNELS) / sizeof(*KERNELS) == CARD_KERNELS, "in the order of enum card_kernel");

/* True where all is well. */
static bool ok(struct card *card, cudaError_t code, const char *what)
{
	if (code == cudaSuccess)
		return true;
	if (!card->failed) {
		err_set(&card->error, ERR_IO, "the card failed: %s", cudaGetErrorString(code));
		err_detail(&card->error, "%s: %s", what, cudaGetErrorName(code));
		card->failed = true;
	}
	return false;
}

static cudaStream_t stream_of(struct card *card)
{
	return ((struct real_card *)card)->stream;
}

static void *alloc(struct card *card, size_t bytes)
{
	void *memory = NULL;
	if (card->failed)
		return NULL;
	if (cudaMalloc(&memory, bytes) != cudaSuccess) {
		cudaGetLastError(); /* no memory is no failure of the card */
		return NULL;
	}
	ok(card, cudaMemsetAsync(memory, 0, bytes, stream_of(card)), "memset");
	return memory;
}

static void release(struct card *card, void *memory)
{
	if (memory)
		ok(card, cudaFree(memory), "free");
}

/* The host's memory is not pinned: it has been read when this returns. */
static void put(struct card *card, void *to, const void *from, size_t bytes)
{
	if (!card->failed)
		ok(card, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_of(card)),
		   "put");
}

static void wait(struct card *card)
{
	if (!card->failed)
		ok(card, cudaStreamSynchronize(stream_of(card)), "wait");
}

static void get(struct card *card, void *to, const void *from, size_t bytes)
{
	if (!card->failed)
		ok(card, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(card)),
		   "get");
	wait(card);
}

static void launch(struct card *card, enum card_kernel kernel, int width, int height,
		   const void *arguments, size_t bytes)
{
	void *list[] = {const_cast<void *>(arguments)};
	(void)bytes;
	if (!card->failed)
		ok(card,
		   cudaLaunchKernel(KERNELS[kernel], dim3((unsigned)width, (unsigned)height),
				    dim3(CARD_THREADS), list, 0, stream_of(card)),
		   "launch");
}

static void record_begin(struct card *card)
{
	if (!card->failed)
		ok(card, cudaStreamBeginCapture(stream_of(card), cudaStreamCaptureModeThreadLocal),
		   "record");
}

static void *record_end(struct card *card)
{
	cudaGraph_t graph = NULL;
	cudaGraphExec_t recording = NULL;
	if (card->failed ||
	    !ok(card, cudaStreamEndCapture(stream_of(card), &graph), "record"))
		return NULL;
	ok(card, cudaGraphInstantiate(&recording, graph, 0), "record");
	ok(card, cudaGraphDestroy(graph), "record");
	return recording;
}

static void play(struct card *card, void *recording)
{
	if (!card->failed)
		ok(card, cudaGraphLaunch((cudaGraphExec_t)recording, stream_of(card)), "play");
}

static void forget(struct card *card, void *recording)
{
	if (recording)
		ok(card, cudaGraphExecDestroy((cudaGraphExec_t)recording), "forget");
}

static void destroy(struct card *card)
{
	cudaStreamDestroy(stream_of(card));
	free(card);
}

static const struct card_ops OPS = {destroy, alloc,        release,    put,  get,   wait,
				    launch,  record_begin, record_end, play, forget};

extern "C" struct card *engine_card_open(struct err *e)
{
	int count = 0;
	struct cudaDeviceProp properties;
	cudaError_t code = cudaGetDeviceCount(&count);

	if (code != cudaSuccess || count == 0) {
		/* without any driver, the runtime speaks of an insufficient one */
		err_set(e, ERR_UNSUPPORTED,
			"this machine has no CUDA card, or no driver for it that knows CUDA %d",
			CUDART_VERSION / 1000);
		err_detail(e, "%s", cudaGetErrorString(code));
		return NULL;
	}
	struct real_card *real = (struct real_card *)calloc(1, sizeof(*real));
	if (!real) {
		err_set(e, ERR_NO_MEMORY, "no memory for a card");
		return NULL;
	}
	real->card.ops = &OPS;
	if (!ok(&real->card, cudaGetDeviceProperties(&properties, 0), "properties") ||
	    !ok(&real->card, cudaStreamCreateWithFlags(&real->stream, cudaStreamNonBlocking),
		"stream")) {
		*e = real->card.error;
		free(real);
		return NULL;
	}
	if (properties.major < 8) {
		err_set(e, ERR_UNSUPPORTED, "the card %.60s is too old: compute capability 8.0 or newer is needed",
			properties.name);
		destroy(&real->card);
		return NULL;
	}
	snprintf(real->card.name, sizeof(real->card.name), "%.60s", properties.name);
	real->card.memory_bytes = properties.totalGlobalMem;
	return &real->card;
}
