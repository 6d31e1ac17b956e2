/* The models that were added by name: a folder that holds, for each, a link to where its files are, or the files
 * themselves (quantised). MADANG_MODELS names it; otherwise it is madang/models in XDG_DATA_HOME or
 * ~/.local/share. */
#ifndef MADANG_CLI_MODELS_H
#define MADANG_CLI_MODELS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "engine/engine.h"

/* "file", "f32", "bf16", "int8" or "int4". */
MUST_CHECK bool models_read_quant(const char *name, enum engine_quant *quant, struct err *e);

/* "cpu" or "cuda". */
MUST_CHECK bool models_read_device(const char *name, enum engine_device *device, struct err *e);

/* Where a model of this name would lie; NULL where `name` is none or there is no folder. In the arena. */
const char *models_path(struct arena *a, const char *name);

/* `madang model add|list|remove|quantize`; what they say is appended to out. quant FILE: a link, no copy.
 * name NULL: that of the folder. */
MUST_CHECK bool models_add(struct arena *a, const char *dir, const char *name,
			   enum engine_quant quant, struct buf *out, struct err *e);
MUST_CHECK bool models_list(struct arena *a, bool json, struct buf *out, struct err *e);
MUST_CHECK bool models_remove(struct arena *a, const char *name, struct buf *out, struct err *e);
/* Writes a whole model to the folder `to`, which must not be there yet: complete or not at all. */
MUST_CHECK bool models_quantize(struct arena *a, const char *dir, const char *to,
				enum engine_quant quant, struct err *e);

#endif
