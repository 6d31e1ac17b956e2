/* The half of shape.h that reads config.json; for shape.c only. */
#ifndef MADANG_ENGINE_SHAPE_CONFIG_H
#define MADANG_ENGINE_SHAPE_CONFIG_H

#include "engine/shape.h"

#include <jansson.h>

/* Fills in what config says: every number is within its limits or 0 where it is not given. llamagen:
 * the weights are a LlamaGen checkpoint's, of which only config's "llamagen" object speaks. */
bool engine_shape_config(const json_t *config, bool llamagen, struct engine_shape *shape,
			 struct err *e) MUST_CHECK;

#endif
