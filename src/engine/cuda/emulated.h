/* A card that is the processor: the kernels of the real one, thread after thread. For tests; slow. */
#ifndef MADANG_ENGINE_CUDA_EMULATED_H
#define MADANG_ENGINE_CUDA_EMULATED_H

#include "engine/cuda/card.h"

/* backwards: blocks, warps and lanes in falling order, which may change nothing. */
struct card *engine_card_open_emulated(bool backwards, struct err *e) MUST_CHECK;

#endif
